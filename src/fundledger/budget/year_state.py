"""How a year of a book stands (年度情况): its months, what is left in its accounts, what is due with each; closing it.

A balance's age is counted in days from the last day of its fiscal year (国办发〔2014〕70号). `due` is what the rules
leave to do with it on a day: spend it in its year; then carry it over, or, once it is surplus, recover it (the city) or
hand it in (a district's own money, the city's unreleased), after taking it back from its project; settle an advance.
`close_year` calls ``gate_close_year``, which locks the year's months and accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection


@dataclass(frozen=True, slots=True)
class YearBalance:
    """What is left in an account (年度余额): fen, its age in days, since when it is surplus, and what is due."""

    account_kind: str
    exec_year: int
    allocation_id: UUID
    project_id: UUID | None
    payee_id: UUID | None
    fund_code: str
    fiscal_year: int
    village_code: str | None
    document_no: str
    balance: int
    age_days: int
    surplus_on: date | None
    due: str


@dataclass(frozen=True, slots=True)
class ClosedYear:
    """A closed year (已关账年度): who closed it, when, by which document."""

    fiscal_year: int
    year_close_id: UUID
    closed_by: UUID
    document_no: str
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class YearState:
    """A year of a book on a day: its closed months, its closing, what is left; fen."""

    book: int
    fiscal_year: int
    day: date
    closed_months: list[int]
    closed: ClosedYear | None
    balances: list[YearBalance]


_MONTHS = """
SELECT extract(month FROM month)::integer AS month FROM period_close
WHERE book = $1 AND month BETWEEN make_date($2, 1, 1) AND make_date($2, 12, 1) ORDER BY month
"""
_CLOSED = """
SELECT fiscal_year, year_close_id, closed_by, document_no, closed_at FROM year_close
WHERE book = $1 AND ($2::smallint IS NULL OR fiscal_year = $2) AND ($3::uuid IS NULL OR year_close_id = $3)
"""
# In the city what is unreleased of this and every earlier fiscal year; in a district the accounts of the year itself.
_BALANCES = """
SELECT b.account_kind, b.exec_year, b.allocation_id, b.project_id, b.payee_id, b.fund_code, b.fiscal_year,
       b.village_code, b.document_no, b.balance, greatest($3 - make_date(b.fiscal_year, 12, 31), 0) AS age_days,
       s.day AS surplus_on,
       CASE WHEN b.account_kind = 'advanced' THEN 'settle'
            WHEN b.account_kind = 'unreleased' THEN CASE WHEN $3 >= s.day THEN 'surplus' ELSE 'release' END
            WHEN extract(year FROM $3) <= b.exec_year THEN 'spend'
            WHEN ($3 >= s.day) IS NOT TRUE THEN 'carry_over'
            WHEN b.account_kind = 'available' THEN 'defund'
            WHEN b.origin_book = b.book THEN 'surplus' ELSE 'recover' END AS due
FROM year_balance b
CROSS JOIN LATERAL (SELECT surplus_on(b.fiscal_year, $3) AS day) s
WHERE b.book = $1 AND (b.exec_year = $2 OR (b.account_kind = 'unreleased' AND b.exec_year < $2))
ORDER BY b.account_kind DESC, b.fund_code, b.fiscal_year, b.allocation_id, b.project_id, b.payee_id
"""


async def today(connection: Connection) -> date:
    """Today in Shanghai."""
    found: date = await connection.fetchval("SELECT shanghai_today()")
    return found


async def year_state(connection: Connection, book: int, year: int, day: date) -> YearState:
    """The state of a year, with the ages and duties of its balances as of `day`."""
    months = [row["month"] for row in await connection.fetch(_MONTHS, book, year)]
    closed = await closed_years(connection, book, year=year)
    rows: list[dict[str, Any]] = [dict(row) for row in await connection.fetch(_BALANCES, book, year, day)]
    balances = [YearBalance(**row) for row in rows]
    return YearState(book, year, day, months, closed[0] if closed else None, balances)


async def closed_years(
    connection: Connection, book: int, *, year: int | None = None, close_id: UUID | None = None
) -> list[ClosedYear]:
    """The closed years of a book, newest first; or the one of a year or of an id."""
    rows = await connection.fetch(f"{_CLOSED} ORDER BY fiscal_year DESC", book, year, close_id)
    values: list[dict[str, Any]] = [dict(row) for row in rows]
    return [ClosedYear(**row) for row in values]


async def close_year(
    connection: Connection, caller: Caller, book: int, year: int, close_id: UUID, document_no: str
) -> None:
    """Close a year in the caller's transaction.

    Refused by the gate, all at once: `closer-without-duty`, `year-not-over`, `year-months-open`, `year-closed`,
    `year-has-balance` (each account). Unsettled advances do not stand in the way.
    """
    await connection.execute(
        "SELECT gate_close_year($1, $2, $3, $4, $5)", book, year, close_id, caller.staff_id, document_no
    )
