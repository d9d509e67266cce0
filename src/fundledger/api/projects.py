"""The project library (项目库), a district's own affair (M06, M08): proposals and decisions, lists."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from fundledger.access.policy import EVERYBODY, PROPOSERS
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import Code, FiscalYear, Measure, MeasureOut, Sha256, Sha256Out, Version, VillageCode
from fundledger.api.records import after_id, fields_of, next_id, recorded
from fundledger.api.wire import Answer, Body, Cursor, Day, Limit, Text, Yuan, YuanOut
from fundledger.db.database import driver_of
from fundledger.ids import new_id
from fundledger.projects.library import Decision, decide, indicators_of, projects, propose, sources_of
from fundledger.projects.records import history
from fundledger.projects.tables import Project, ProjectFinancing, ProjectIndicator

router = APIRouter(prefix="/v1/books/{book}/projects", tags=["projects"])

Maker = Annotated[Call, writes(PROPOSERS, "maker", level="district")]
Reviewer = Annotated[Call, writes(frozenset({"township", "poverty_office"}), "approver", level="district")]
Decider = Annotated[Call, writes(frozenset({"finance", "poverty_office"}), "approver", level="district")]
Reader = Annotated[Call, reads(EVERYBODY | {"village"})]

Nature = Literal["new_works", "extension", "renovation", "maintenance", "purchase", "service", "subsidy"]
IndicatorKind = Literal[
    "quantity", "quality", "timeliness", "cost", "economic", "social", "ecological", "satisfaction"
]  # fmt: skip
Status = Literal["proposed", "reviewed", "approved", "suspended", "left"]
Count = Annotated[int, Field(ge=0, le=10_000_000)]


class IndicatorBody(Body):
    """A performance indicator: what is to be reached, as a number in its unit."""

    kind: IndicatorKind
    name: Text
    target_value: Measure
    unit: Text


class SourceBody(Body):
    """What one fund gives; the sources together are the planned amount (M13)."""

    fund_code: Code
    amount: Yuan


class Proposal(Body):
    """A project as proposed; without a village it is for the whole district. Its category is its programme's."""

    code: Text
    name: Text
    programme_code: Code
    village_code: VillageCode | None = None
    nature: Nature
    place: Text
    location_kind: Literal["rural", "urban"]
    planned_start: Day
    planned_end: Day
    responsible_unit_id: UUID
    managing_unit_id: UUID | None = None
    task: Text
    households: Count
    persons: Count
    participation_mechanism: Text
    performance_target: Text
    indicators: Annotated[list[IndicatorBody], Field(max_length=100)]
    planned_amount: Yuan
    financing: Annotated[list[SourceBody], Field(max_length=50)]
    proposal_sha256: Sha256 | None = None
    document_no: Text


class ProposalVersion(Proposal):
    """A change, proposed anew: nothing is paid on the project until it is reviewed and approved again."""

    version: Version


class Verdict(Body):
    """A decision on the newest version; `version` is that one's number plus one."""

    version: Version
    document_no: Text


class Leaving(Verdict):
    """Why a project leaves the library (退库原因)."""

    reason: Text


class ProjectAnswer(Answer):
    """One version of a project."""

    project_id: UUID
    version: int
    status: str
    code: str
    name: str
    category: str
    programme_code: str
    village_code: str | None
    nature: str | None
    place: str | None
    location_kind: str | None
    planned_start: date | None
    planned_end: date | None
    responsible_unit_id: UUID | None
    proposing_unit_id: UUID | None
    managing_unit_id: UUID | None
    task: str | None
    households: int | None
    persons: int | None
    participation_mechanism: str | None
    performance_target: str
    planned_amount: YuanOut
    proposal_sha256: Sha256Out | None
    proposed_version: int | None
    reason: str | None
    decided_by_unit_id: UUID | None
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


class ProjectPage(Answer):
    """Projects in the order of their ids."""

    items: list[ProjectAnswer]
    next: str | None


class IndicatorAnswer(Answer):
    """A performance indicator of the newest proposal."""

    indicator_no: int
    kind: str
    name: str
    target_value: MeasureOut
    unit: str


class SourceAnswer(Answer):
    """One fund of a project: planned, held or paid so far, paid so far."""

    fund_code: str
    planned: YuanOut
    funded: YuanOut
    paid: YuanOut


PARTS = ("version", "indicators", "financing")


async def _propose(
    book: int, body: Proposal, version: int, call: Call, session: Writing, response: Response, record_id: UUID
) -> ProjectAnswer:
    async def write(new: UUID) -> None:
        key: dict[str, Any] = {"book": book, "project_id": new, "version": version}
        project = Project(
            **key, **fields_of(body, *PARTS), status="proposed",
            proposing_unit_id=call.caller.unit_id, recorded_by=call.caller.staff_id,
        )  # fmt: skip
        numbered = enumerate(body.indicators, start=1)
        indicators = [ProjectIndicator(**key, indicator_no=n, **one.__dict__) for n, one in numbered]
        await propose(session, project, indicators, [ProjectFinancing(**key, **one.__dict__) for one in body.financing])

    row = await recorded(call, session, response, Project, book, record_id, version, write)
    return ProjectAnswer.model_validate(row)


async def _decide(
    book: int, project_id: UUID, body: Verdict, decision: Decision, call: Call, session: Writing, response: Response
) -> ProjectAnswer:
    reason = body.reason if isinstance(body, Leaving) else None
    row = await recorded(
        call, session, response, Project, book, project_id, body.version,
        lambda same: decide(session, call.caller, book, same, body.version, decision, body.document_no, reason),
    )  # fmt: skip
    return ProjectAnswer.model_validate(row)


@router.post("", status_code=201)
async def propose_project(
    book: int, body: Proposal, call: Maker, session: Writing, response: Response
) -> ProjectAnswer:
    """Propose a project for the district's library (M07)."""
    return await _propose(book, body, 1, call, session, response, new_id())


@router.post("/{project_id}/versions", status_code=201)
async def change_project(
    book: int, project_id: UUID, body: ProposalVersion, call: Maker, session: Writing, response: Response
) -> ProjectAnswer:
    """Propose a change of a project; it has to be reviewed and approved again."""
    return await _propose(book, body, body.version, call, session, response, project_id)


@router.post("/{project_id}/review", status_code=201)
async def review_project(
    book: int, project_id: UUID, body: Verdict, call: Reviewer, session: Writing, response: Response
) -> ProjectAnswer:
    """Review a proposal: the village's township, or the poverty office for a project of the whole district."""
    return await _decide(book, project_id, body, "reviewed", call, session, response)


@router.post("/{project_id}/approve", status_code=201)
async def approve_project(
    book: int, project_id: UUID, body: Verdict, call: Decider, session: Writing, response: Response
) -> ProjectAnswer:
    """Approve a reviewed or suspended project: a third person of the same district, and only with a target (M10)."""
    return await _decide(book, project_id, body, "approved", call, session, response)


@router.post("/{project_id}/suspend", status_code=201)
async def suspend_project(
    book: int, project_id: UUID, body: Verdict, call: Decider, session: Writing, response: Response
) -> ProjectAnswer:
    """Suspend an approved project: nothing is funded or paid until it is approved again."""
    return await _decide(book, project_id, body, "suspended", call, session, response)


@router.post("/{project_id}/leave", status_code=201)
async def remove_project(
    book: int, project_id: UUID, body: Leaving, call: Decider, session: Writing, response: Response
) -> ProjectAnswer:
    """Take a project out of the library for good (退库), with the reason; not while it has money."""
    return await _decide(book, project_id, body, "left", call, session, response)


@router.get("")
async def list_projects(
    book: int,
    call: Reader,
    session: Reading,
    status: Status | None = None,
    village_code: VillageCode | None = None,
    programme_code: Code | None = None,
    year: FiscalYear | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ProjectPage:
    """The projects of a book, the newest version of each; `year`: whose schedule touches it."""
    filters = {"status": status, "village_code": village_code, "programme_code": programme_code}
    found = await projects(
        await driver_of(session), book, after=after_id(cursor), limit=limit, filters=filters, year=year
    )
    items = [ProjectAnswer.model_validate(row) for row in found]
    return ProjectPage(items=items, next=next_id([row.project_id for row in found], limit))


@router.get("/{project_id}")
async def get_project(book: int, project_id: UUID, call: Reader, session: Reading) -> list[ProjectAnswer]:
    """A project with its history, oldest version first."""
    return [ProjectAnswer.model_validate(row) for row in await history(session, Project, book, project_id)]


@router.get("/{project_id}/indicators")
async def list_indicators(book: int, project_id: UUID, call: Reader, session: Reading) -> list[IndicatorAnswer]:
    """The performance indicators of the newest proposal."""
    return [IndicatorAnswer.model_validate(row) for row in await indicators_of(session, book, project_id)]


@router.get("/{project_id}/sources")
async def list_sources(book: int, project_id: UUID, call: Reader, session: Reading) -> list[SourceAnswer]:
    """The project's money by source (M13): planned, funded and paid of each fund."""
    return [SourceAnswer.model_validate(row) for row in await sources_of(session, book, project_id)]
