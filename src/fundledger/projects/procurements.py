"""Procurement (招投标; domain.md 2.11): how a contractor was chosen, stage by stage, or why no tender was needed.

    planned → tendering → awarded → contracted → terminated      (unsuccessful: 流标)

Each stage is a version of the record; a project has several records where it has several contracts. A method other than
an open or selective tender is refused where the lots that belong together reach the threshold of their day (NDRC order
16; parameters `tender_threshold_…`), an award without a valid bid always. An exemption names a kind that the project's
category and the merged estimate allow (``exemption_rule``). Payments go to the awardee and never beyond contract and
approved changes (`contracts`); once paid, method, exemption and awardee stay; a signed contract's terms stay anyhow.

This module says what is missing in a record and whether an exemption fits; everything else is said by the trigger
``check_procurement``, which holds the project's row like the gate does, and again by the gate when money is paid.
"""

from __future__ import annotations

from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.db.database import driver_of
from fundledger.errors import Fault, problem
from fundledger.money import format_yuan
from fundledger.projects.records import append, expect_next, history
from fundledger.projects.tables import Procurement

_EXEMPTION = """
    SELECT p.category, '*' = ANY (e.categories) OR p.category = ANY (e.categories) AS fits, e.limit_parameter,
           parameter_value(e.limit_parameter, shanghai_today()) AS highest,
           (SELECT m.estimate FROM merged_estimate($1, $2, $4, $5, $6) m) AS other_lots
    FROM project_current p LEFT JOIN exemption_rule e ON e.exemption_code = $3
    WHERE p.book = $1 AND p.project_id = $2
"""
_AWARDED = frozenset({"awarded", "contracted", "terminated"})
METHODS: dict[str, tuple[str, str]] = {
    "open": ("open", "公开招标"), "invited": ("selective", "邀请招标"), "negotiation": ("limited", "竞争性谈判"),
    "inquiry": ("limited", "询价"), "single_source": ("direct", "单一来源"), "exempt": ("direct", "不招标（豁免）"),
}  # fmt: skip
"""Our methods as OCDS `procurementMethod` and `procurementMethodDetails`."""


async def record_procurement(session: AsyncSession, row: Procurement) -> None:
    """Record a procurement (version 1) or its next stage or correction.

    Raises `procurement-incomplete`, `project-not-in-library`, `exemption-not-allowed`, `exemption-limit-exceeded`,
    `version-taken`; by the trigger `record-identity-changed`, `procurement-stage-order`, `contract-in-use`,
    `contract-fixed`, `tender-required`, `bid-window-short`, `too-few-bidders`, `award-without-bid`,
    `contract-differs-from-bid`, `retention-too-high`; and `reference-unknown` for an awardee or a document that is not
    in this book.
    """
    _complete(row)
    await _allowed(session, row)
    if row.version > 1:
        newest = expect_next(await history(session, Procurement, row.book, row.procurement_id), row.version)
        row.approved_changes = newest.approved_changes
    await append(session, row)


def _complete(row: Procurement) -> None:
    award = row.method != "exempt"
    awarded, contracted = award and row.stage in _AWARDED, award and row.stage == "contracted"
    faults = [Fault("procurement-incomplete", {"field": name}, pointer=f"/{name}") for name, is_wanted, is_allowed in (
        ("awardee_id", awarded and row.stage != "terminated", awarded),
        ("contract_no", contracted, contracted or (award and row.stage == "terminated")),
        ("contract_amount", contracted, contracted or (award and row.stage == "terminated")),
        ("exemption_code", not award, not award),
    ) if (is_wanted if getattr(row, name) is None else not is_allowed)]  # fmt: skip
    if faults:
        raise problem("procurement-incomplete", faults=faults)


async def _allowed(session: AsyncSession, row: Procurement) -> None:
    """The project is in this district's library, and an exemption is for such a project and such an estimate."""
    connection = await driver_of(session)
    found = await connection.fetchrow(
        _EXEMPTION, row.book, row.project_id, row.exemption_code, row.main_procurement_category, row.lot_group,
        row.procurement_id,
    )  # fmt: skip
    if found is None:
        raise problem("project-not-in-library")
    if row.method != "exempt":
        return
    if not found["fits"]:
        raise problem("exemption-not-allowed", category=found["category"])
    if found["limit_parameter"] is not None and found["other_lots"] + row.estimate > (found["highest"] or 0):
        raise problem("exemption-limit-exceeded", limit=format_yuan(found["highest"] or 0))
