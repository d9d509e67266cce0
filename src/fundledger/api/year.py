"""The year's turn: drafts of virements, recoveries, defundings, carry-overs and surpluses; closing a year; its state.

Every draft is approved by a second person with ``POST /v1/books/{book}/instructions/{id}/approve``, which posts it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import Field

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.drafts import drafted
from fundledger.api.fields import BookOut, Exceptional, FiscalYear, heading_of
from fundledger.api.records import once
from fundledger.api.wire import (
    Answer,
    Body,
    Classified,
    Day,
    InstructionAnswer,
    Text,
    Yuan,
    YuanOut,
)  # fmt: skip
from fundledger.budget import year as turn
from fundledger.budget import year_state
from fundledger.budget.year import TurnLine, VirementLine
from fundledger.budget.year_state import YearState
from fundledger.db.database import driver_of
from fundledger.ids import new_id

router = APIRouter(prefix="/v1/books/{book}", tags=["year"])

CityMaker = Annotated[Call, writes(frozenset({"finance"}), "maker", level="city")]
DistrictMaker = Annotated[Call, writes(frozenset({"finance"}), "maker", level="district")]
FinanceMaker = Annotated[Call, writes(frozenset({"finance"}), "maker")]
BureauMaker = Annotated[Call, writes(frozenset({"finance", "poverty_office"}), "maker", level="district")]
Reader = Annotated[Call, reads(EVERYBODY)]
Year = Annotated[int, Path(ge=2000, le=2100)]


class VirementItem(Body):
    """How much goes from one village's (or district's) allocation to another."""

    allocation_id: UUID
    to_allocation_id: UUID
    amount: Yuan


class Virement(Exceptional):
    """A virement (调剂); `exception_document_no` is the document that orders it."""

    exception_document_no: Text
    lines: Annotated[list[VirementItem], Field(min_length=1, max_length=1_000)]


@router.post("/virements", status_code=201)
async def create_virement(
    book: int, body: Virement, call: CityMaker, session: Writing, response: Response
) -> InstructionAnswer:
    """Draft a virement of unreleased money between allocations of one fund and fiscal year, by document."""
    lines = [VirementLine(line.allocation_id, line.to_allocation_id, line.amount) for line in body.lines]
    return await drafted(
        call, session, response, book,
        lambda connection, new: turn.draft_virement(connection, call.caller, book, new, heading_of(body), lines),
    )  # fmt: skip


class TurnItem(Body):
    """How much of an allocation; without an amount, all there is. `exec_year`: of a past year's account."""

    allocation_id: UUID
    amount: Yuan | None = None
    exec_year: FiscalYear | None = None


def _lines(items: list[TurnItem]) -> list[TurnLine]:
    return [TurnLine(item.allocation_id, item.amount, item.exec_year) for item in items]


class Recovery(Classified):
    """Released money that the city takes back (收回); `document_no` is the document that orders it."""

    lines: Annotated[list[TurnItem], Field(min_length=1, max_length=10_000)]


@router.post("/recoveries", status_code=201)
async def create_recovery(
    book: int, body: Recovery, call: CityMaker, session: Writing, response: Response
) -> InstructionAnswer:
    """Draft a recovery from districts: their executable money goes back to the city's unreleased, in both books."""
    return await drafted(
        call, session, response, book,
        lambda connection, new: turn.draft_recovery(
            connection, call.caller, book, new, heading_of(body), _lines(body.lines)
        ),
    )  # fmt: skip


class Surplus(Exceptional):
    """Money handed in as surplus (结余); earlier than the rule says only with `exception_document_no`."""

    lines: Annotated[list[TurnItem], Field(min_length=1, max_length=10_000)]


@router.post("/surpluses", status_code=201)
async def create_surplus(
    book: int, body: Surplus, call: FinanceMaker, session: Writing, response: Response
) -> InstructionAnswer:
    """Draft the handing in of surplus: unreleased money in the city's book, the own money of a district in its book."""
    return await drafted(
        call, session, response, book,
        lambda connection, new: turn.draft_surplus(
            connection, call.caller, book, new, heading_of(body), _lines(body.lines)
        ),
    )  # fmt: skip


class Defunding(Classified):
    """Money taken back from a project (调回), from one or several allocations."""

    project_id: UUID
    lines: Annotated[list[TurnItem], Field(min_length=1, max_length=1_000)]


@router.post("/defundings", status_code=201)
async def create_defunding(
    book: int, body: Defunding, call: BureauMaker, session: Writing, response: Response
) -> InstructionAnswer:
    """Draft taking money back from a project, whatever its status; it stays in the year of its account."""
    return await drafted(
        call, session, response, book,
        lambda connection, new: turn.draft_defunding(
            connection, call.caller, book, new, heading_of(body), body.project_id, _lines(body.lines)
        ),
    )  # fmt: skip


class CarryOver(Classified):
    """Everything of a past year that may be carried over (结转) into the year of the effective day."""

    from_year: FiscalYear


class LeftAnswer(Answer):
    """A balance that stays where it is, and the code of the rule that says so."""

    account_kind: str
    allocation_id: UUID
    project_id: UUID | None
    fund_code: str
    fiscal_year: int
    balance: YuanOut
    code: str


class CarryOverAnswer(InstructionAnswer):
    """The drafted carry-over, with what it leaves behind."""

    left: list[LeftAnswer]


@router.post("/carry-overs", status_code=201)
async def create_carry_over(
    book: int, body: CarryOver, call: DistrictMaker, session: Writing, response: Response
) -> CarryOverAnswer:
    """Draft one carry-over of a year's executable and project money; surplus and open advances stay and are listed."""
    answer = await drafted(
        call, session, response, book,
        lambda connection, new: turn.draft_carry_over(
            connection, call.caller, book, new, heading_of(body), body.from_year
        ),
    )  # fmt: skip
    left = await turn.left_of(await driver_of(session), book, answer.instruction_id)
    return CarryOverAnswer(**dict(answer), left=[LeftAnswer.model_validate(item) for item in left])


class YearBalanceAnswer(Answer):
    """What is left in an account, its age; `due`: spend, carry_over, recover, surplus, defund, settle or release."""

    account_kind: str
    exec_year: int
    allocation_id: UUID
    project_id: UUID | None
    payee_id: UUID | None
    fund_code: str
    fiscal_year: int
    village_code: str | None
    document_no: str
    balance: YuanOut
    age_days: int
    surplus_on: date | None
    due: str


class ClosedYearAnswer(Answer):
    """A closed year."""

    fiscal_year: int
    year_close_id: UUID
    closed_by: UUID
    document_no: str
    closed_at: datetime


class YearAnswer(Answer):
    """A year of a book on a day: open months (YYYY-MM), its closing if it is closed, what is left in its accounts."""

    book: BookOut
    fiscal_year: int
    day: date
    open_months: list[str]
    closed: ClosedYearAnswer | None
    balances: list[YearBalanceAnswer]

    @classmethod
    def of(cls, state: YearState) -> YearAnswer:
        """The answer about a year."""
        return cls(
            book=state.book, fiscal_year=state.fiscal_year, day=state.day,
            open_months=[f"{state.fiscal_year}-{m:02d}" for m in range(1, 13) if m not in state.closed_months],
            closed=None if state.closed is None else ClosedYearAnswer.model_validate(state.closed),
            balances=[YearBalanceAnswer.model_validate(balance) for balance in state.balances],
        )  # fmt: skip


@router.get("/years/{year}")
async def get_year(book: int, year: Year, call: Reader, session: Reading, on: Day | None = None) -> YearAnswer:
    """How a year stands on a day (default: today): months, balances with their age, and what must be done with each."""
    connection = await driver_of(session)
    return YearAnswer.of(await year_state.year_state(connection, book, year, on or await year_state.today(connection)))


class YearClosing(Body):
    """The document that orders the close."""

    document_no: Text


@router.post("/years/{year}/close", status_code=201)
async def close_year(
    book: int,
    year: Year,
    body: YearClosing,
    call: Annotated[Call, writes(frozenset({"finance"}), "approver")],
    session: Writing,
    response: Response,
) -> YearAnswer:
    """Close a year (关账): all months closed, nothing left to spend; open advances do not hinder and are listed."""
    await once(
        call, session, response, "year_close", new_id(),
        lambda connection, new: year_state.close_year(connection, call.caller, book, year, new, body.document_no),
    )  # fmt: skip
    connection = await driver_of(session)
    return YearAnswer.of(await year_state.year_state(connection, book, year, await year_state.today(connection)))
