"""The districts' own money (M03, M04): declared figures, the floors computed from them, and its adoption.

M03 (区级增列专项扶贫预算): at least 15 % of the year's increment of local public budget; M04 (盘活存量): at least 50 %
of the idle funds recovered that year (武扶组(2018)12号 四(四)2). The floor is the percentage of the newest declared
figure, rounded up to the fen; what is adopted counts less what was undone. Adopting so little that the year stays
below its floor needs an exception document and stays visible in the view ``floor_finding``. Recovered stock is posted
as received: a new version of the figure, then the money. Final accounts (决算) are a last kind of version: they
re-open the test. This money never passes through the city's book.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.access.policy import CITY_BOOK, Caller
from fundledger.book.headings import Heading
from fundledger.book.instructions import Leg, draft
from fundledger.budget.lines import Fund, fund_of
from fundledger.budget.tables import DeclaredFigure
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.ids import new_id
from fundledger.money import format_yuan
from fundledger.sealing.canonical import canonical


@dataclass(frozen=True, slots=True)
class Floor:
    """The test of a floor (下限检验), in fen: declared × percent, what is adopted, what is missing."""

    book: int
    fund_code: str
    fiscal_year: int
    declared: int
    is_final: bool
    document_no: str
    floor_amount: int
    adopted: int
    shortfall: int


@dataclass(frozen=True, slots=True)
class FloorFinding:
    """A year that stands below its floor although money was adopted, or by its final accounts (下限疑点); fen."""

    book: int
    fund_code: str
    fiscal_year: int
    declared: int
    floor_amount: int
    adopted: int
    shortfall: int
    is_final: bool
    reason: str
    exception_documents: list[str]


_FLOORS = """
SELECT book, fund_code, fiscal_year, declared, is_final, document_no, floor_amount, adopted, shortfall FROM floor_test
WHERE (book = $1 OR $1 = $2) AND ($3::smallint IS NULL OR fiscal_year = $3) AND ($4::text IS NULL OR fund_code = $4)
ORDER BY fiscal_year DESC, book, fund_code
"""
_FINDINGS = """
SELECT * FROM floor_finding WHERE (book = $1 OR $1 = $2) AND ($3::smallint IS NULL OR fiscal_year = $3)
ORDER BY fiscal_year DESC, book, fund_code
"""


async def _own_fund(connection: Connection, fund_code: str) -> Fund:
    fund = await fund_of(connection, fund_code)
    if fund.origin != "district":
        raise problem("fund-not-of-this-level", fund_code=fund_code)
    return fund


async def declare(session: AsyncSession, connection: Connection, caller: Caller, figure: DeclaredFigure) -> None:
    """Record the next version of a declared figure, in the caller's transaction.

    Raises `fund-not-of-this-level`, `version-taken`, `figure-already-final` (after the final accounts only final ones).
    """
    await _own_fund(connection, figure.fund_code)
    earlier = await figures(session, figure.book, figure.fund_code, figure.fiscal_year)
    expected = earlier[-1].version + 1 if earlier else 1
    if figure.version != expected:
        raise problem("version-taken", expected=expected)
    if earlier and earlier[-1].is_final and not figure.is_final:
        raise problem("figure-already-final")
    session.add(figure)
    await session.flush()


async def figures(session: AsyncSession, book: int, fund_code: str, fiscal_year: int) -> Sequence[DeclaredFigure]:
    """Every version of a declared figure, oldest first."""
    query = select(DeclaredFigure).where(
        col(DeclaredFigure.book) == book,
        col(DeclaredFigure.fund_code) == fund_code,
        col(DeclaredFigure.fiscal_year) == fiscal_year,
    )
    return (await session.exec(query.order_by(col(DeclaredFigure.version)))).all()


async def floors(
    connection: Connection, book: int, *, fiscal_year: int | None = None, fund_code: str | None = None
) -> list[Floor]:
    """The floor tests of a district, or of every district when asked from the city's book (a report over books)."""
    rows: list[dict[str, Any]] = [
        dict(row) for row in await connection.fetch(_FLOORS, book, CITY_BOOK, fiscal_year, fund_code)
    ]
    return [Floor(**row) for row in rows]


async def floor_findings(connection: Connection, book: int, fiscal_year: int | None = None) -> list[FloorFinding]:
    """Years below their floor that are findings; of every district when asked from the city's book."""
    rows: list[dict[str, Any]] = [dict(row) for row in await connection.fetch(_FINDINGS, book, CITY_BOOK, fiscal_year)]
    return [FloorFinding(**row) for row in rows]


async def floor_of(connection: Connection, book: int, fund_code: str, fiscal_year: int) -> Floor:
    """One floor test; raises `fund-not-of-this-level`, `declared-figure-missing`."""
    await _own_fund(connection, fund_code)
    found = await floors(connection, book, fiscal_year=fiscal_year, fund_code=fund_code)
    if not found:
        raise problem("declared-figure-missing", fund_code=fund_code, fiscal_year=fiscal_year)
    return found[0]


@dataclass(frozen=True, slots=True)
class FloorPreview:
    """What adopting an amount would do to the floor (预览): fen missing after it, and whether it passes as it is."""

    floor: Floor
    amount: int
    adopted_after: int
    shortfall_after: int
    needs_exception: bool


async def preview_own(connection: Connection, book: int, fund_code: str, fiscal_year: int, amount: int) -> FloorPreview:
    """The floor after adopting `amount` fen; posts nothing."""
    floor = await floor_of(connection, book, fund_code, fiscal_year)
    after = floor.adopted + amount
    missing = max(floor.floor_amount - after, 0)
    return FloorPreview(floor, amount, after, missing, missing > 0)


async def draft_own(
    connection: Connection, caller: Caller, book: int, instruction_id: UUID, heading: Heading, *,
    fund_code: str, fiscal_year: int, amount: int, allocation_document_no: str | None, functional_class: str,
    economic_class: str,
) -> None:  # fmt: skip
    """Draft the adoption of a district's own money as a new allocation of its own book.

    What is received (M43: donations, counterpart aid) has no floor and no declared figure. Raises `below-floor` (no
    exception document), `declared-figure-missing`, `fund-not-of-this-level`; the gate checks again when it posts.
    """
    fund = await _own_fund(connection, fund_code)
    if fund.floor_parameter is None:
        inputs = {"v": 1, "method": fund.basis, "fund_code": fund_code, "fiscal_year": fiscal_year}
    else:
        inputs = await _floor_inputs(connection, book, heading, fund_code, fiscal_year, amount)
    leg = Leg(
        amount, allocation_id=new_id(), fund_code=fund_code, fiscal_year=fiscal_year, district=book,
        allocation_document_no=allocation_document_no,
    )  # fmt: skip
    classes = {"functional_class": functional_class, "economic_class": economic_class}
    stated = canonical(inputs).decode()
    await draft(connection, caller, book, heading.over(instruction_id, "adopt_own", [leg], inputs=stated, **classes))


async def _floor_inputs(
    connection: Connection, book: int, heading: Heading, fund_code: str, fiscal_year: int, amount: int
) -> dict[str, object]:
    preview = await preview_own(connection, book, fund_code, fiscal_year, amount)
    floor = preview.floor
    if preview.needs_exception and heading.exception_document_no is None:
        raise problem("below-floor", fund_code=fund_code, floor=format_yuan(floor.floor_amount),
                      shortfall=format_yuan(preview.shortfall_after))  # fmt: skip
    return {
        "v": 1, "method": "floor", "fund_code": fund_code, "fiscal_year": fiscal_year,
        "declared": format_yuan(floor.declared), "declared_document_no": floor.document_no,
        "floor": format_yuan(floor.floor_amount), "adopted_before": format_yuan(floor.adopted),
    }  # fmt: skip
