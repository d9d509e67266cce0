"""Balances (余额) and the trial balance (试算平衡), as of now, an effective day, or a log position. Reads, no locks.

Totals come from where they are kept: now from `account_balance`, by effective day from `account_day`, at a position
from the before and after of the last transfer known then (`account_side_at`, a search by halves); nothing here adds up
transfers. Balance = received (借方累计) minus given (贷方累计), in fen; below zero only for sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from fundledger.book.asof import NOW, AsOf
from fundledger.db.connection import Connection
from fundledger.errors import problem


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts of a book; every given field must fit."""

    account_id: UUID | None = None
    account_kind: str | None = None
    allocation_id: UUID | None = None
    project_id: UUID | None = None
    budget_line_id: UUID | None = None
    district: int | None = None
    village_code: str | None = None
    fund_code: str | None = None
    fiscal_year: int | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """One account and its two totals, in fen. Fund and year are its allocation's or budget line's."""

    account_id: UUID
    account_kind: str
    is_source: bool
    budget_line_id: UUID | None
    allocation_id: UUID | None
    project_id: UUID | None
    exec_year: int
    fund_code: str
    fiscal_year: int
    district: int | None
    village_code: str | None
    document_no: str
    received: int
    given: int

    @property
    def balance(self) -> int:
        """Received minus given."""
        return self.received - self.given


# Each reads one account `a`; $2 is the day or the position.
_TOTALS_NOW: Final = """SELECT b.received, b.given FROM account_balance b
    WHERE b.book = a.book AND b.account_id = a.account_id"""
_TOTALS_ON_DAY: Final = """SELECT coalesce(sum(d.received), 0)::bigint AS received,
    coalesce(sum(d.given), 0)::bigint AS given
    FROM account_day d WHERE d.book = a.book AND d.account_id = a.account_id AND d.day <= $2::date"""
_TOTALS_AT: Final = """SELECT account_side_at(a.book, a.account_id, true, b.received, $2::bigint) AS received,
    account_side_at(a.book, a.account_id, false, b.given, $2::bigint) AS given
    FROM account_balance b WHERE b.book = a.book AND b.account_id = a.account_id"""

_FROM: Final = """
FROM account a
JOIN account_kind k ON k.account_kind = a.account_kind
LEFT JOIN allocation l ON l.book = a.book AND l.allocation_id = a.allocation_id
LEFT JOIN budget_line n ON n.book = a.book AND n.budget_line_id = a.budget_line_id
CROSS JOIN LATERAL ({totals}) t
WHERE a.book = $1 {where}
"""
_BALANCES: Final = """
SELECT a.account_id, a.account_kind, k.is_source, a.budget_line_id, a.allocation_id, a.project_id, a.exec_year,
       coalesce(l.fund_code, n.fund_code) AS fund_code, coalesce(l.fiscal_year, n.fiscal_year) AS fiscal_year,
       l.district, l.village_code, coalesce(l.document_no, n.document_no) AS document_no, t.received, t.given
{source}
ORDER BY a.account_id {limit}
"""
_COLUMNS: Final = {
    "account_id": "a.account_id = ${n}::uuid",
    "account_kind": "a.account_kind = ${n}::text",
    "allocation_id": "a.allocation_id = ${n}::uuid",
    "project_id": "a.project_id = ${n}::uuid",
    "budget_line_id": "a.budget_line_id = ${n}::uuid",
    "district": "l.district = ${n}::bigint",
    "village_code": "l.village_code = ${n}::text",
    "fund_code": "coalesce(l.fund_code, n.fund_code) = ${n}::text",
    "fiscal_year": "coalesce(l.fiscal_year, n.fiscal_year) = ${n}::integer",
}


async def balances(
    connection: Connection,
    book: int,
    which: AccountFilter,
    *,
    as_of: AsOf = NOW,
    after: UUID | None = None,
    limit: int | None = None,
) -> list[Balance]:
    """Accounts of a book with their totals, by account id, after the account `after`.

    An account that was opened later than `as_of` shows zeros.
    """
    source, values = _source(book, which, as_of)
    if after is not None:
        values.append(after)
        source += f" AND a.account_id > ${len(values)}::uuid"
    # The limit is a number of our own (checked by the edge), never text of a caller.
    rows = await connection.fetch(
        _BALANCES.format(source=source, limit=f"LIMIT {int(limit)}" if limit is not None else ""), *values
    )
    return [Balance(**dict(row)) for row in rows]


async def balance(connection: Connection, book: int, account_id: UUID, *, as_of: AsOf = NOW) -> Balance:
    """One account; raises `account-not-found`."""
    found = await balances(connection, book, AccountFilter(account_id=account_id), as_of=as_of)
    if not found:
        raise problem("account-not-found")
    return found[0]


GroupBy = Literal["kind", "fund", "allocation"]
_GROUPS: Final[dict[str, str]] = {
    "kind": """NULL::text AS fund_code, NULL::integer AS fiscal_year,
        NULL::uuid AS budget_line_id, NULL::uuid AS allocation_id""",
    "fund": """coalesce(l.fund_code, n.fund_code) AS fund_code, coalesce(l.fiscal_year, n.fiscal_year) AS fiscal_year,
        NULL::uuid AS budget_line_id, NULL::uuid AS allocation_id""",
    "allocation": """coalesce(l.fund_code, n.fund_code) AS fund_code,
        coalesce(l.fiscal_year, n.fiscal_year) AS fiscal_year,
        a.budget_line_id, a.allocation_id""",
}
_TRIAL: Final = """
SELECT x.account_kind, x.fund_code, x.fiscal_year, x.budget_line_id, x.allocation_id, count(*) AS accounts,
       sum(x.received)::bigint AS received, sum(x.given)::bigint AS given
FROM (SELECT a.account_kind, {groups}, t.received, t.given {source}) x
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""


@dataclass(frozen=True, slots=True)
class TrialRow:
    """Sums over the accounts of one kind (and fund and year, or allocation or budget line), in fen."""

    account_kind: str
    fund_code: str | None
    fiscal_year: int | None
    budget_line_id: UUID | None
    allocation_id: UUID | None
    accounts: int
    received: int
    given: int

    @property
    def balance(self) -> int:
        """Received minus given."""
        return self.received - self.given


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """A book's trial balance; `received` and `given` are equal, or it would not be answered."""

    rows: list[TrialRow]
    received: int
    given: int


async def trial_balance(
    connection: Connection, book: int, *, as_of: AsOf = NOW, by: GroupBy = "kind", which: AccountFilter | None = None
) -> TrialBalance:
    """Sums by kind of account, or finer (`by`). Debits equal credits, or `trial-unbalanced` (a damaged book).

    A filter picks accounts, so its debits and credits need not be equal and are not compared.
    """
    source, values = _source(book, which or AccountFilter(), as_of)
    fetched = await connection.fetch(_TRIAL.format(groups=_GROUPS[by], source=source), *values)
    rows = [TrialRow(**dict(row)) for row in fetched]
    received, given = sum(row.received for row in rows), sum(row.given for row in rows)
    if which is None and received != given:
        raise problem("trial-unbalanced", book=str(book))
    return TrialBalance(rows, received, given)


def _source(book: int, which: AccountFilter, as_of: AsOf) -> tuple[str, list[Any]]:
    """FROM and WHERE with their values: only the filters that are given stand in it, so that the planner sees them."""
    values: list[Any] = [book]
    totals = _TOTALS_NOW
    if as_of.effective_on is not None:
        totals = _TOTALS_ON_DAY
        values.append(as_of.effective_on)
    elif as_of.position is not None:
        totals = _TOTALS_AT
        values.append(as_of.position)
    conditions: list[str] = []
    for name, condition in _COLUMNS.items():
        value = getattr(which, name)
        if value is not None:
            values.append(value)
            conditions.append("AND " + condition.format(n=len(values)))
    return _FROM.format(totals=totals, where=" ".join(conditions)), values
