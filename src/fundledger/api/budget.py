"""The budget over HTTP: adopt, the districts' own money and its floors, funding of projects, the legs of a draft."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.drafts import drafted
from fundledger.api.fields import (
    BookOut,
    Code,
    EconomicClass,
    Exceptional,
    FiscalYear,
    FunctionalClass,
    Version,
    YuanOrZero,
    heading_of,
)  # fmt: skip
from fundledger.api.wire import Answer, Body, Classified, InstructionAnswer, Text, Yuan, YuanOut, mark_replay
from fundledger.book.idempotency import claim
from fundledger.budget import own, reports
from fundledger.budget.funding import FundingLine, draft_funding
from fundledger.budget.lines import budget_lines, draft_adopt
from fundledger.budget.tables import DeclaredFigure
from fundledger.db.database import driver_of
from fundledger.ids import new_id

router = APIRouter(prefix="/v1/books/{book}", tags=["budget"])

CityMaker = Annotated[Call, writes(frozenset({"finance"}), "maker", level="city")]
DistrictMaker = Annotated[Call, writes(frozenset({"finance"}), "maker", level="district")]
Reader = Annotated[Call, reads(EVERYBODY)]


class Adoption(Classified):
    """The budget of a fund and year; a supplementary budget is another adoption with its own document."""

    fund_code: Code
    fiscal_year: FiscalYear
    amount: Yuan


class BudgetLineAnswer(Answer):
    """A budget line and what is left of it; `supplementary` (追加预算): not the first of its fund and year."""

    budget_line_id: UUID
    fund_code: str
    fiscal_year: int
    document_no: str
    adopted: YuanOut
    unallocated: YuanOut
    supplementary: bool


@router.post("/budget-lines", status_code=201)
async def adopt(book: int, body: Adoption, call: CityMaker, session: Writing, response: Response) -> InstructionAnswer:
    """Draft the adoption of the city's budget for a fund and fiscal year (预算批复), as a new budget line."""
    return await drafted(
        call, session, response, book,
        lambda connection, new: draft_adopt(
            connection, call.caller, book, new, heading_of(body), fund_code=body.fund_code,
            fiscal_year=body.fiscal_year, amount=body.amount,
        ),
    )  # fmt: skip


@router.get("/budget-lines")
async def list_budget_lines(
    book: int, call: Reader, session: Reading, fiscal_year: FiscalYear | None = None, fund_code: Code | None = None
) -> list[BudgetLineAnswer]:
    """The budget lines of a book with their figures, newest year first."""
    found = await budget_lines(await driver_of(session), book, fiscal_year=fiscal_year, fund_code=fund_code)
    return [BudgetLineAnswer.model_validate(line) for line in found]


class Declaration(Body):
    """A declared figure (申报数); `version` counts up from 1; `is_final`: from the final accounts (决算)."""

    fund_code: Code
    fiscal_year: FiscalYear
    version: Version
    amount: YuanOrZero
    is_final: bool = False
    document_no: Text


class DeclaredFigureAnswer(Answer):
    """One version of a declared figure."""

    book: BookOut
    fund_code: str
    fiscal_year: int
    version: int
    amount: YuanOut
    is_final: bool
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


@router.post("/declared-figures", status_code=201)
async def declare_figure(
    book: int, body: Declaration, call: DistrictMaker, session: Writing, response: Response
) -> DeclaredFigureAnswer:
    """Record a district's figure for M03 (revenue increment) or M04 (recovered idle funds), or its next version."""
    connection = await driver_of(session)
    earlier = await claim(connection, call.caller, call.key, call.request_sha256, "declared_figure", new_id())
    if earlier is None:
        fields = body.model_dump(exclude={"amount"})
        figure = DeclaredFigure(book=book, recorded_by=call.caller.staff_id, amount=body.amount, **fields)
        await own.declare(session, connection, call.caller, figure)
    mark_replay(response, earlier is not None)
    versions = await own.figures(session, book, body.fund_code, body.fiscal_year)
    return DeclaredFigureAnswer.model_validate(versions[body.version - 1])


@router.get("/declared-figures")
async def list_declared_figures(
    book: int, fund_code: Code, fiscal_year: FiscalYear, call: Reader, session: Reading
) -> list[DeclaredFigureAnswer]:
    """Every version of a declared figure, oldest first."""
    found = await own.figures(session, book, fund_code, fiscal_year)
    return [DeclaredFigureAnswer.model_validate(figure) for figure in found]


class FloorAnswer(Answer):
    """The test of a floor: the declared figure, the floor, what is adopted, what is missing."""

    book: BookOut
    fund_code: str
    fiscal_year: int
    declared: YuanOut
    is_final: bool
    document_no: str
    floor_amount: YuanOut
    adopted: YuanOut
    shortfall: YuanOut


class FloorFindingAnswer(Answer):
    """A year below its floor; `reason`: exception, declared-again or final-accounts."""

    book: BookOut
    fund_code: str
    fiscal_year: int
    declared: YuanOut
    floor_amount: YuanOut
    adopted: YuanOut
    shortfall: YuanOut
    is_final: bool
    reason: str
    exception_documents: list[str]


class FloorPreviewAnswer(Answer):
    """What adopting an amount would do to the floor; `needs_exception`: only a document would allow it."""

    floor: FloorAnswer
    amount: YuanOut
    adopted_after: YuanOut
    shortfall_after: YuanOut
    needs_exception: bool


@router.get("/floors")
async def list_floors(
    book: int, call: Reader, session: Reading, fiscal_year: FiscalYear | None = None
) -> list[FloorAnswer]:
    """M03 and M04: each year's floor and what is missing; from the city's book, of every district."""
    found = await own.floors(await driver_of(session), book, fiscal_year=fiscal_year)
    return [FloorAnswer.model_validate(floor) for floor in found]


@router.get("/floors/findings")
async def list_floor_findings(
    book: int, call: Reader, session: Reading, fiscal_year: FiscalYear | None = None
) -> list[FloorFindingAnswer]:
    """Years below their floor in spite of it: by exception, by a later figure, or by the final accounts."""
    found = await own.floor_findings(await driver_of(session), book, fiscal_year)
    return [FloorFindingAnswer.model_validate(finding) for finding in found]


class OwnMoney(Exceptional):
    """A district's own money for a fund and year: a new allocation of its own book."""

    fund_code: Code
    fiscal_year: FiscalYear
    amount: Yuan
    allocation_document_no: Text | None = None
    functional_class: FunctionalClass = "2130599"
    economic_class: EconomicClass = "30399"


@router.post("/own-money", status_code=201)
async def adopt_own_money(
    book: int, body: OwnMoney, call: DistrictMaker, session: Writing, response: Response,
    preview: Annotated[bool, Query(description="show the floor after it, and draft nothing")] = False,
) -> InstructionAnswer | FloorPreviewAnswer:  # fmt: skip
    """Draft the adoption of a district's own money (M03, M04); below the floor only with an exception document."""
    if preview:
        response.status_code = 200
        shown = await own.preview_own(await driver_of(session), book, body.fund_code, body.fiscal_year, body.amount)
        return FloorPreviewAnswer.model_validate(shown)
    return await drafted(
        call, session, response, book,
        lambda connection, new: own.draft_own(
            connection, call.caller, book, new, heading_of(body), fund_code=body.fund_code,
            fiscal_year=body.fiscal_year, amount=body.amount, allocation_document_no=body.allocation_document_no,
            functional_class=body.functional_class, economic_class=body.economic_class,
        ),
    )  # fmt: skip


class FundingItem(Body):
    """How much of one allocation goes to the project."""

    allocation_id: UUID
    amount: Yuan


class Funding(Classified):
    """Money for one project of the district's library, from one or several allocations."""

    supervisor_id: UUID
    project_id: UUID
    lines: Annotated[list[FundingItem], Field(min_length=1, max_length=1_000)]


@router.post("/fundings", status_code=201)
async def fund_project(
    book: int,
    body: Funding,
    call: Annotated[Call, writes(frozenset({"finance", "poverty_office"}), "maker", level="district")],
    session: Writing,
    response: Response,
) -> InstructionAnswer:
    """Draft the funding of a project (项目安排). Taking it back is a reversal."""
    lines = [FundingLine(line.allocation_id, line.amount) for line in body.lines]
    return await drafted(
        call, session, response, book,
        lambda connection, new: draft_funding(
            connection, call.caller, book, new, heading_of(body), body.project_id, lines
        ),
    )  # fmt: skip


class LegAnswer(Answer):
    """One leg of an instruction: what an approver looks at before naming its digest."""

    leg_no: int
    amount: YuanOut
    budget_line_id: UUID | None
    allocation_id: UUID | None
    project_id: UUID | None
    fund_code: str | None
    fiscal_year: int | None
    district: BookOut | None
    village_code: str | None
    allocation_document_no: str | None
    undoes_entry_id: UUID | None
    undoes_line_no: int | None
    exec_year: int | None
    to_allocation_id: UUID | None
    payee_id: UUID | None
    settles_entry_id: UUID | None
    settles_line_no: int | None


@router.get("/instructions/{instruction_id}/legs")
async def list_legs(book: int, instruction_id: UUID, call: Reader, session: Reading) -> list[LegAnswer]:
    """The legs of a draft or posted instruction, in order."""
    return [LegAnswer.model_validate(leg) for leg in await reports.legs(await driver_of(session), book, instruction_id)]
