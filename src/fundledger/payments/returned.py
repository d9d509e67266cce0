"""Which lines of an uploaded list pay again what came back (重发), so that the maker need not say it.

One look-up for a list, by programme and period; it finds nothing for most, and then costs nothing more. The gate checks
the references it fills in (``gate_check_reissues``). No lock is taken: of two lists that name one line one is paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.payments.forms import ListKind, PayeeKind
from fundledger.payments.lines import Line
from fundledger.registry.vault import Vault

_RETURNED = """
SELECT r.entry_id, r.line_no, r.amount, r.project_id, r.allocation_id, r.exec_year, r.credit_account,
       b.received - b.given AS balance, coalesce(h.household_no, encode(p.identity_hash, 'hex'), o.credit_code) AS key
FROM reissuable_line r
JOIN account_balance b ON b.book = r.book AND b.account_id = r.credit_account
LEFT JOIN household h ON r.payee_kind = 'household' AND h.book = r.book AND h.household_id = r.payee_id
LEFT JOIN person p ON r.payee_kind = 'person' AND p.book = r.book AND p.person_id = r.payee_id
LEFT JOIN organisation o ON r.payee_kind = 'organisation' AND o.book = r.book AND o.organisation_id = r.payee_id
WHERE r.book = $1 AND r.programme_code = $2 AND r.period = $3 AND r.payee_kind = $4 AND r.entry_kind = $5
ORDER BY r.entry_id, r.line_no
"""


@dataclass(frozen=True, slots=True)
class Returned:
    """A line that came back: the payment it names, and where its money lies (`past_year` None: this year's)."""

    entry_id: UUID
    line_no: int
    amount: int
    project_id: UUID | None
    allocation_id: UUID
    past_year: int | None


class Wallets:
    """What past years' accounts still hold, in fen: money that was carried over is paid from this year's account."""

    def __init__(self, effective_on: date) -> None:
        self._year = effective_on.year
        self._left: dict[UUID, int] = {}

    def past_year(self, account_id: UUID, exec_year: int, balance: int, amount: int) -> int | None:
        """The account's year where it is a past one that holds the amount; the amount is then set aside."""
        left = self._left.setdefault(account_id, balance)
        if exec_year >= self._year or left < amount:
            return None
        self._left[account_id] = left - amount
        return exec_year


async def returned_of(
    connection: Connection, vault: Vault, book: int, list_kind: ListKind, kind: PayeeKind, programme_code: str,
    period: str, effective_on: date, project_id: UUID | None, lines: Sequence[Line],
) -> dict[int, Returned]:  # fmt: skip
    """The returned payment that each line pays again, by line number; one query.

    A person or household is told by itself; an organisation, which may be paid several sums, by project and sum too.
    """
    rows = await connection.fetch(_RETURNED, book, programme_code, period, kind, list_kind)
    if not rows:
        return {}
    waiting: dict[tuple[object, ...], list[Returned]] = {}
    wallets = Wallets(effective_on)
    for row in rows:
        year = wallets.past_year(row["credit_account"], row["exec_year"], row["balance"], row["amount"])
        found = Returned(row["entry_id"], row["line_no"], row["amount"], row["project_id"], row["allocation_id"], year)
        more = (row["amount"], row["project_id"]) if kind == "organisation" else ()
        waiting.setdefault((row["key"], *more), []).append(found)
    again: dict[int, Returned] = {}
    for line in lines:
        key = vault.digest("identity", line.key).hex() if kind == "person" else line.key
        more = (line.amount, project_id) if kind == "organisation" else ()
        if found_here := waiting.get((key, *more)):
            again[line.line_no] = found_here.pop()
    return again
