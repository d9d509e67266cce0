"""Reads over allocations (指标执行情况): how far each has come, in pages, and the legs that an approver looks at.

Figures come from the account totals, set-based, one indexed look-up per allocation of the page; they are the book's
own numbers, so allocated = still unreleased + released, and released = executable + funded once it has arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fundledger.book.instructions import legs_of, state_of
from fundledger.db.connection import Connection
from fundledger.errors import problem


@dataclass(frozen=True, slots=True)
class AllocationFigures:
    """An allocation (指标) and its figures in fen: allocated, released (下达), executable, funded (安排), paid."""

    allocation_id: UUID
    origin_book: int
    district: int
    fund_code: str
    fiscal_year: int
    village_code: str | None
    document_no: str
    supplementary_document_no: str | None
    budget_line_id: UUID | None
    entry_id: UUID
    allocated: int
    released: int
    executable: int
    funded: int
    paid: int

    @property
    def remaining(self) -> int:
        """Fen allocated and not released."""
        return self.allocated - self.released


_COLUMNS = ", ".join(AllocationFigures.__slots__)
FILTERS = ("district", "fund_code", "fiscal_year", "village_code", "document_no")

_ONE = f"SELECT {_COLUMNS} FROM allocation_status WHERE book = $1 AND allocation_id = $2"


async def allocations(
    connection: Connection, book: int, *, after: UUID, limit: int, filters: dict[str, Any]
) -> list[AllocationFigures]:
    """A page of a book's allocations in the order of their ids; `filters`: any of FILTERS, None for no filter.

    The page is cut before the figures are looked up, so that a page costs what it shows.
    """
    given = {name: value for name, value in filters.items() if value is not None and name in FILTERS}
    where = "".join(f" AND a.{name} = ${number}" for number, name in enumerate(given, start=4))
    query = f"""
        WITH page AS MATERIALIZED (
            SELECT a.allocation_id AS page_id FROM allocation a WHERE a.book = $1 AND a.allocation_id > $2{where}
            ORDER BY a.allocation_id LIMIT $3)
        SELECT {_COLUMNS} FROM page JOIN allocation_status ON book = $1 AND allocation_id = page_id
        ORDER BY allocation_id
    """
    rows = await connection.fetch(query, book, after, limit, *given.values())
    values: list[dict[str, Any]] = [dict(row) for row in rows]
    return [AllocationFigures(**row) for row in values]


async def allocation(connection: Connection, book: int, allocation_id: UUID) -> AllocationFigures:
    """One allocation with its figures; raises `allocation-not-found`."""
    row = await connection.fetchrow(_ONE, book, allocation_id)
    if row is None:
        raise problem("allocation-not-found")
    values: dict[str, Any] = dict(row)
    return AllocationFigures(**values)


async def legs(connection: Connection, book: int, instruction_id: UUID) -> list[dict[str, Any]]:
    """The legs of an instruction as an approver sees them; raises `instruction-not-found`."""
    await state_of(connection, book, instruction_id)
    return await legs_of(connection, book, instruction_id)
