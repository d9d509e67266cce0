"""Allocations (指标分配): by the policy's standards, by factors, or as given; previewed, then drafted; lists."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.drafts import drafted
from fundledger.api.fields import BookOut, Code, District, Exceptional, FiscalYear, VillageCode, heading_of
from fundledger.api.records import after_id, next_id
from fundledger.api.releases import ReleasedLineAnswer
from fundledger.api.wire import Answer, Body, Cursor, InstructionAnswer, Limit, Text, Yuan, YuanOut
from fundledger.budget import reports
from fundledger.budget.computations import computation_of
from fundledger.budget.factors import Direction, Factor, plan_by_factors
from fundledger.budget.plans import Plan, PlanLine, draft_plan, explicit_plan
from fundledger.budget.releases import releases_of
from fundledger.budget.standards import plan_by_standard
from fundledger.db.connection import Connection
from fundledger.db.database import driver_of

router = APIRouter(prefix="/v1/books/{book}/allocations", tags=["budget"])

Maker = Annotated[Call, writes(frozenset({"finance"}), "maker", level="city")]
Preview = Annotated[bool, Query(description="show what would be drafted, and draft nothing")]


class Computed(Exceptional):
    """What the computed allocations share; `documents`: a document number (指标文号) for a district's allocations, by
    district code; the other districts' have the instruction's number."""

    fiscal_year: FiscalYear
    budget_line_id: UUID
    documents: Annotated[dict[District, Text], Field(max_length=20, default_factory=dict)]


class ByStandard(Computed):
    """M01, M02: the standard to each listed village without an allocation yet, or to the named ones."""

    fund_code: Code
    village_codes: Annotated[list[VillageCode], Field(min_length=1, max_length=5_000)] | None = None


class FactorItem(Body):
    """One factor; `weight` "0.5" or "5/10"; `share`: more gets more, `gap`: the further below the average, the more."""

    code: Code
    name: Text
    weight: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,9}|/(0|[1-9][0-9]{0,8}))?$")]
    direction: Direction
    values: Annotated[
        dict[District, Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?$")]],
        Field(min_length=1, max_length=20),
    ]


class ByFactors(Computed):
    """M05: a total split by weighted factors, exactly; weights add up to 1."""

    fund_code: Code = "special_factor"
    total: Yuan
    factors: Annotated[list[FactorItem], Field(min_length=1, max_length=20)]
    data_vintage: Text
    formula_version: Literal["weighted-shares-v1"] = "weighted-shares-v1"


class AllocationItem(Body):
    """One allocation with its amount."""

    district: District
    village_code: VillageCode | None = None
    amount: Yuan
    document_no: Text | None = None


class Explicit(Exceptional):
    """Allocations with given amounts; beyond the standard, or again, only with an exception document (补充指标)."""

    budget_line_id: UUID
    lines: Annotated[list[AllocationItem], Field(min_length=1, max_length=5_000)]


class PlanLineAnswer(Answer):
    """One allocation of a plan."""

    district: BookOut
    village_code: str | None
    amount: YuanOut


class DistrictTotal(Answer):
    """A district's part of a plan."""

    district: BookOut
    allocations: int
    total: YuanOut


class PlanAnswer(Answer):
    """What would be drafted, to the fen; `remaining` is what the budget line would have left (below zero: refused)."""

    budget_line_id: UUID
    fund_code: str
    fiscal_year: int
    total: YuanOut
    unallocated: YuanOut
    remaining: YuanOut
    districts: list[DistrictTotal]
    lines: list[PlanLineAnswer]

    @classmethod
    def of(cls, plan: Plan) -> PlanAnswer:
        """The answer about a plan."""
        parts: dict[int, list[int]] = {}
        for line in plan.lines:
            parts.setdefault(line.district, []).append(line.amount)
        return cls(
            budget_line_id=plan.line.budget_line_id, fund_code=plan.line.fund_code, fiscal_year=plan.line.fiscal_year,
            total=plan.total, unallocated=plan.line.unallocated, remaining=plan.line.unallocated - plan.total,
            districts=[DistrictTotal(district=d, allocations=len(a), total=sum(a)) for d, a in sorted(parts.items())],
            lines=[PlanLineAnswer.model_validate(line) for line in plan.lines],
        )  # fmt: skip


async def _standard(session: AsyncSession, book: int, body: ByStandard) -> Plan:
    return await plan_by_standard(
        await driver_of(session), book, fund_code=body.fund_code, fiscal_year=body.fiscal_year,
        line_id=body.budget_line_id, village_codes=body.village_codes, excepted=body.exception_document_no is not None,
    )  # fmt: skip


async def _factors(session: AsyncSession, book: int, body: ByFactors) -> Plan:
    return await plan_by_factors(
        await driver_of(session), book, fund_code=body.fund_code, fiscal_year=body.fiscal_year,
        line_id=body.budget_line_id, total=body.total, data_vintage=body.data_vintage,
        formula_version=body.formula_version,
        factors=[Factor(f.code, f.name, f.weight, f.direction, f.values) for f in body.factors],
    )  # fmt: skip


async def _explicit(session: AsyncSession, book: int, body: Explicit) -> Plan:
    lines = [PlanLine(line.district, line.amount, line.village_code, line.document_no) for line in body.lines]
    connection = await driver_of(session)
    return await explicit_plan(
        connection, book, body.budget_line_id, lines, excepted=body.exception_document_no is not None
    )


def _shown(response: Response, plan: Plan) -> PlanAnswer:
    """A preview: nothing was made, and the key stays free."""
    response.status_code = 200
    return PlanAnswer.of(plan)


@router.post("/by-standard", status_code=201)
async def allocate_by_standard(
    book: int, body: ByStandard, call: Maker, session: Writing, response: Response, preview: Preview = False
) -> InstructionAnswer | PlanAnswer:
    """Draft the year's allocation by the policy's standard (M01, M02): one instruction, one leg per village."""
    if preview:
        return _shown(response, await _standard(session, book, body))
    return await drafted(
        call, session, response, book,
        lambda connection, new: _draft(connection, call, book, new, body, _standard(session, book, body)),
    )  # fmt: skip


@router.post("/by-factors", status_code=201)
async def allocate_by_factors(
    book: int, body: ByFactors, call: Maker, session: Writing, response: Response, preview: Preview = False
) -> InstructionAnswer | PlanAnswer:
    """Draft an allocation by the factor method (M05); the inputs are stored and can be computed again."""
    if preview:
        return _shown(response, await _factors(session, book, body))
    return await drafted(
        call, session, response, book,
        lambda connection, new: _draft(connection, call, book, new, body, _factors(session, book, body)),
    )  # fmt: skip


@router.post("", status_code=201)
async def allocate(
    book: int, body: Explicit, call: Maker, session: Writing, response: Response, preview: Preview = False
) -> InstructionAnswer | PlanAnswer:
    """Draft allocations with given amounts, for instance supplementary ones (补充指标)."""
    if preview:
        return _shown(response, await _explicit(session, book, body))
    return await drafted(
        call, session, response, book,
        lambda connection, new: _draft(connection, call, book, new, body, _explicit(session, book, body)),
    )  # fmt: skip


async def _draft(
    connection: Connection, call: Call, book: int, new: UUID, body: Computed | Explicit, plan: Awaitable[Plan]
) -> None:
    documents = {int(code): number for code, number in body.documents.items()} if isinstance(body, Computed) else {}
    await draft_plan(connection, call.caller, book, new, heading_of(body), await plan, documents)


class AllocationAnswer(Answer):
    """An allocation and how far it has come (指标执行): yuan."""

    allocation_id: UUID
    origin_book: BookOut
    district: BookOut
    fund_code: str
    fiscal_year: int
    village_code: str | None
    document_no: str
    supplementary_document_no: str | None
    budget_line_id: UUID | None
    entry_id: UUID
    allocated: YuanOut
    released: YuanOut
    remaining: YuanOut
    executable: YuanOut
    funded: YuanOut
    paid: YuanOut


class AllocationPage(Answer):
    """Allocations in the order of their ids."""

    items: list[AllocationAnswer]
    next: str | None


class AllocationDetail(Answer):
    """An allocation with everything released of it."""

    allocation: AllocationAnswer
    releases: list[ReleasedLineAnswer]


class ComputationAnswer(Answer):
    """What an allocation was computed from, the result of computing it now, and whether the drafted legs are that."""

    inputs: dict[str, Any]
    agrees: bool
    total: YuanOut
    lines: list[PlanLineAnswer]


@router.get("")
async def list_allocations(
    book: int,
    call: Annotated[Call, reads(EVERYBODY)],
    session: Reading,
    district: Annotated[int | None, Query(ge=0, le=10**12)] = None,
    fund_code: Code | None = None,
    fiscal_year: FiscalYear | None = None,
    village_code: VillageCode | None = None,
    document_no: Annotated[Text | None, Query(max_length=500)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> AllocationPage:
    """A book's allocations with what became of them; in a district's book, those of that district."""
    filters = {"district": district, "fund_code": fund_code, "fiscal_year": fiscal_year, "village_code": village_code,
               "document_no": document_no}  # fmt: skip
    connection = await driver_of(session)
    found = await reports.allocations(connection, book, after=after_id(cursor), limit=limit, filters=filters)
    items = [AllocationAnswer.model_validate(item) for item in found]
    return AllocationPage(items=items, next=next_id([item.allocation_id for item in found], limit))


@router.get("/{allocation_id}")
async def get_allocation(
    book: int, allocation_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> AllocationDetail:
    """One allocation: allocated, released, remaining, and each release."""
    connection = await driver_of(session)
    figures = await reports.allocation(connection, book, allocation_id)
    lines = await releases_of(connection, book, allocation_id)
    return AllocationDetail(
        allocation=AllocationAnswer.model_validate(figures),
        releases=[ReleasedLineAnswer.model_validate(line) for line in lines],
    )


@router.get("/computations/{instruction_id}")
async def get_computation(
    book: int, instruction_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> ComputationAnswer:
    """The stored inputs of a computed allocation and what they lead to, computed again now (M05: recomputable)."""
    found = await computation_of(await driver_of(session), book, instruction_id)
    return ComputationAnswer(
        inputs=found.inputs, agrees=found.agrees, total=sum(line.amount for line in found.lines),
        lines=[PlanLineAnswer.model_validate(line) for line in found.lines],
    )  # fmt: skip
