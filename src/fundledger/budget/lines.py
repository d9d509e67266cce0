"""Budget lines (预算科目): the city adopts money per fund, fiscal year and document (预算批复).

Each adoption makes a new line: a supplementary budget (调整预算) is another line with its own document, so that every
yuan keeps the document that gave it. The same fund, year and document twice is refused (`budget-line-exists`). Only
the city's own funds: M03 and M04 are the districts' (`own`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.book.headings import Heading
from fundledger.book.instructions import Leg, draft
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.ids import new_id


@dataclass(frozen=True, slots=True)
class Fund:
    """A class of money (资金类别) and what the policy says of it."""

    fund_code: str
    origin: str
    basis: str
    standard_parameter: str | None
    floor_parameter: str | None


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A budget line and its figures in fen; `unallocated` is what may still be allocated.

    `supplementary` (追加预算): another line of this fund and year was adopted before it.
    """

    budget_line_id: UUID
    fund_code: str
    fiscal_year: int
    document_no: str
    adopted: int
    unallocated: int
    supplementary: bool


_FUND = "SELECT fund_code, origin, basis, standard_parameter, floor_parameter FROM fund WHERE fund_code = $1"

_LINES = """
SELECT budget_line_id, fund_code, fiscal_year, document_no, adopted, unallocated, supplementary FROM (
    SELECT s.*, row_number() OVER (PARTITION BY s.fund_code, s.fiscal_year ORDER BY e.order_no) > 1 AS supplementary
    FROM budget_line_status s
    JOIN transfer t ON t.book = s.book AND t.credit_before = 0
        AND t.credit_account = account_key('budget_source', s.budget_line_id, NULL, NULL, s.fiscal_year)
    JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
    WHERE s.book = $1) l
WHERE ($2::uuid IS NULL OR budget_line_id = $2) AND ($3::smallint IS NULL OR fiscal_year = $3)
  AND ($4::text IS NULL OR fund_code = $4)
ORDER BY fiscal_year DESC, fund_code, budget_line_id
"""


async def fund_of(connection: Connection, fund_code: str) -> Fund:
    """A fund by its code; raises `reference-unknown`."""
    row = await connection.fetchrow(_FUND, fund_code)
    if row is None:
        raise problem("reference-unknown", constraint="fund_code")
    values: dict[str, Any] = dict(row)
    return Fund(**values)


async def draft_adopt(
    connection: Connection, caller: Caller, book: int, instruction_id: UUID, heading: Heading,
    *, fund_code: str, fiscal_year: int, amount: int,
) -> None:  # fmt: skip
    """Draft the adoption of `amount` fen for a fund and year, as a new budget line.

    Raises `reference-unknown` and `fund-not-of-this-level`.
    """
    fund = await fund_of(connection, fund_code)
    if fund.origin != "city":
        raise problem("fund-not-of-this-level", fund_code=fund_code)
    leg = Leg(amount, budget_line_id=new_id(), fund_code=fund_code, fiscal_year=fiscal_year)
    await draft(connection, caller, book, heading.over(instruction_id, "adopt", [leg]))


async def budget_lines(
    connection: Connection, book: int, *, line_id: UUID | None = None, fiscal_year: int | None = None,
    fund_code: str | None = None,
) -> list[BudgetLine]:  # fmt: skip
    """Budget lines with their figures, newest year first. A handful a year, so they are not paged."""
    rows = await connection.fetch(_LINES, book, line_id, fiscal_year, fund_code)
    values: list[dict[str, Any]] = [dict(row) for row in rows]
    return [BudgetLine(**row) for row in values]


async def budget_line(connection: Connection, book: int, line_id: UUID) -> BudgetLine:
    """One budget line; raises `budget-line-not-found`."""
    found = await budget_lines(connection, book, line_id=line_id)
    if not found:
        raise problem("budget-line-not-found")
    return found[0]
