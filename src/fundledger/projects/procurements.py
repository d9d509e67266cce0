"""Procurement (招投标; domain.md 2.11): the award of a project's contract, or why no tender was needed.

One record a project. An award names awardee, contract number and amount; payments go to the awardee and never beyond
contract + approved changes (the gate). An exemption names a kind that the project's category and the estimate allow
(``exemption_rule``). Both carry the SHA-256 of their evidence. A change of the contract is a new version; once the
project was paid, method, exemption and awardee stay, and the contract can't fall below what was paid.
"""

from __future__ import annotations

from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.db.database import driver_of
from fundledger.errors import Fault, problem
from fundledger.money import format_yuan
from fundledger.projects.records import append, expect_next, history
from fundledger.projects.tables import Procurement

_PAID = """
    SELECT coalesce(sum(b.received - b.given), 0)::bigint FROM account a
    JOIN account_balance b ON b.book = a.book AND b.account_id = a.account_id
    WHERE a.book = $1 AND a.project_id = $2 AND a.account_kind = 'paid'
"""

_EXEMPTION = """
    SELECT p.category, '*' = ANY (e.categories) OR p.category = ANY (e.categories) AS fits, e.limit_parameter,
           parameter_value(e.limit_parameter, shanghai_today()) AS highest
    FROM project_current p LEFT JOIN exemption_rule e ON e.exemption_code = $3
    WHERE p.book = $1 AND p.project_id = $2
"""

_FIXED = ("method", "exemption_code", "awardee_id")


async def record_procurement(session: AsyncSession, row: Procurement) -> None:
    """Record a project's procurement (version 1) or the next version of it.

    Raises `procurement-incomplete`, `project-not-in-library`, `procurement-exists`, `exemption-not-allowed`,
    `exemption-limit-exceeded`, `contract-in-use`, `contract-below-paid`, `record-identity-changed`, `version-taken`,
    and `reference-unknown` for an awardee that is not registered in this book.
    """
    _complete(row)
    await _allowed(session, row)
    if row.version > 1:
        newest = expect_next(await history(session, Procurement, row.book, row.procurement_id), row.version)
        if newest.project_id != row.project_id:
            raise problem("record-identity-changed", field="project_id")
        await _fits_payments(session, newest, row)
    await append(session, row)


def _complete(row: Procurement) -> None:
    award = row.method != "exempt"
    wanted = {"awardee_id": award, "contract_no": award, "contract_amount": award, "exemption_code": not award}
    faults = [
        Fault("procurement-incomplete", {"field": name}, pointer=f"/{name}")
        for name, is_wanted in wanted.items()
        if (getattr(row, name) is not None) != is_wanted
    ]
    if row.contract_amount is not None and row.contract_amount + row.approved_changes <= 0:
        faults.append(Fault("procurement-incomplete", {"field": "approved_changes"}, pointer="/approved_changes"))
    if faults:
        raise problem("procurement-incomplete", faults=faults)


async def _allowed(session: AsyncSession, row: Procurement) -> None:
    """The project is in this district's library, and an exemption is for such a project and such an estimate."""
    connection = await driver_of(session)
    found = await connection.fetchrow(_EXEMPTION, row.book, row.project_id, row.exemption_code)
    if found is None:
        raise problem("project-not-in-library")
    if row.method != "exempt":
        return
    if not found["fits"]:
        raise problem("exemption-not-allowed", category=found["category"])
    if found["limit_parameter"] is not None and row.estimate > (found["highest"] or 0):
        raise problem("exemption-limit-exceeded", limit=format_yuan(found["highest"] or 0))


async def _fits_payments(session: AsyncSession, newest: Procurement, row: Procurement) -> None:
    connection = await driver_of(session)
    paid = int(await connection.fetchval(_PAID, row.book, row.project_id))
    if paid == 0:
        return
    if any(getattr(newest, name) != getattr(row, name) for name in _FIXED):
        raise problem("contract-in-use")
    if row.contract_amount is not None and row.contract_amount + row.approved_changes < paid:
        raise problem("contract-below-paid", paid=format_yuan(paid))
