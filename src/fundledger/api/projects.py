"""The project library (项目库), a district's own affair (M06, M08): propose, change, approve, suspend, leave, list."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response

from fundledger.access.policy import EVERYBODY, OFFICES
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import Code, Version, VillageCode
from fundledger.api.records import after_id, next_id, recorded
from fundledger.api.wire import Answer, Body, Cursor, Limit, Text, Yuan, YuanOut
from fundledger.db.database import driver_of
from fundledger.ids import new_id
from fundledger.projects.library import Decision, decide, projects, propose
from fundledger.projects.records import history
from fundledger.projects.tables import Project

router = APIRouter(prefix="/v1/books/{book}/projects", tags=["projects"])

Maker = Annotated[Call, writes(OFFICES, "maker", level="district")]
Decider = Annotated[Call, writes(frozenset({"finance", "poverty_office"}), "approver", level="district")]
Reader = Annotated[Call, reads(EVERYBODY)]


class Proposal(Body):
    """A project as proposed; without a village it is for the whole district. Its category is its programme's."""

    code: Text
    name: Text
    programme_code: Code
    village_code: VillageCode | None = None
    managing_unit_id: UUID | None = None
    performance_target: Text
    planned_amount: Yuan
    document_no: Text


class ProposalVersion(Proposal):
    """A change, proposed anew: nothing is paid on the project until it is approved again."""

    version: Version


class Verdict(Body):
    """A decision on the newest version; `version` is that one's number plus one."""

    version: Version
    document_no: Text


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
    managing_unit_id: UUID | None
    performance_target: str
    planned_amount: YuanOut
    decided_by_unit_id: UUID | None
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


class ProjectPage(Answer):
    """Projects in the order of their ids."""

    items: list[ProjectAnswer]
    next: str | None


async def _propose(
    book: int, body: Proposal, version: int, call: Call, session: Writing, response: Response, record_id: UUID
) -> ProjectAnswer:
    fields = body.model_dump(exclude={"version", "planned_amount"})
    row = await recorded(
        call, session, response, Project, book, record_id, version,
        lambda new: propose(
            session,
            Project(
                book=book, project_id=new, version=version, planned_amount=body.planned_amount, status="proposed",
                recorded_by=call.caller.staff_id, **fields,
            ),
        ),
    )  # fmt: skip
    return ProjectAnswer.model_validate(row)


async def _decide(
    book: int, project_id: UUID, body: Verdict, decision: Decision, call: Call, session: Writing, response: Response
) -> ProjectAnswer:
    row = await recorded(
        call, session, response, Project, book, project_id, body.version,
        lambda same: decide(session, call.caller, book, same, body.version, decision, body.document_no),
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
    """Propose a change of a project; it has to be approved again."""
    return await _propose(book, body, body.version, call, session, response, project_id)


@router.post("/{project_id}/approve", status_code=201)
async def approve_project(
    book: int, project_id: UUID, body: Verdict, call: Decider, session: Writing, response: Response
) -> ProjectAnswer:
    """Approve a proposed or suspended project: another person of the same district, and only with a target (M10)."""
    return await _decide(book, project_id, body, "approved", call, session, response)


@router.post("/{project_id}/suspend", status_code=201)
async def suspend_project(
    book: int, project_id: UUID, body: Verdict, call: Decider, session: Writing, response: Response
) -> ProjectAnswer:
    """Suspend an approved project: nothing is funded or paid until it is approved again."""
    return await _decide(book, project_id, body, "suspended", call, session, response)


@router.post("/{project_id}/leave", status_code=201)
async def remove_project(
    book: int, project_id: UUID, body: Verdict, call: Decider, session: Writing, response: Response
) -> ProjectAnswer:
    """Take a project out of the library for good (退库)."""
    return await _decide(book, project_id, body, "left", call, session, response)


@router.get("")
async def list_projects(
    book: int,
    call: Reader,
    session: Reading,
    status: Literal["proposed", "approved", "suspended", "left"] | None = None,
    village_code: VillageCode | None = None,
    programme_code: Code | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ProjectPage:
    """The projects of a book, the newest version of each."""
    filters = {"status": status, "village_code": village_code, "programme_code": programme_code}
    found = await projects(await driver_of(session), book, after=after_id(cursor), limit=limit, filters=filters)
    items = [ProjectAnswer.model_validate(row) for row in found]
    return ProjectPage(items=items, next=next_id([row.project_id for row in found], limit))


@router.get("/{project_id}")
async def get_project(book: int, project_id: UUID, call: Reader, session: Reading) -> list[ProjectAnswer]:
    """A project with its history, oldest version first."""
    return [ProjectAnswer.model_validate(row) for row in await history(session, Project, book, project_id)]
