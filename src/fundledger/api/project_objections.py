"""What the city, audit and inspection say against a project (H7): they object, the district answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from fundledger.access.policy import EVERYBODY, OBJECTORS
from fundledger.api.deps import Call, Reading, Writing, reads, remarks, writes
from fundledger.api.fields import BookOut, Sha256, Sha256Out, Version
from fundledger.api.records import fields_of, recorded
from fundledger.api.wire import Answer, Body, Text
from fundledger.ids import new_id
from fundledger.projects import objections
from fundledger.projects.records import of_project
from fundledger.projects.tables import ProjectObjection

router = APIRouter(prefix="/v1/books/{book}/projects/{project_id}/objections", tags=["projects"])

Objector = Annotated[Call, remarks(OBJECTORS)]
Decider = Annotated[Call, writes(frozenset({"finance", "poverty_office"}), "approver", level="district")]
Reader = Annotated[Call, reads(EVERYBODY)]


class ProjectObjectionBody(Body):
    """What is objected, by which document."""

    matter: Text
    evidence_sha256: Sha256 | None = None
    document_no: Text


class ProjectObjectionReply(Body):
    """The district's answer, by which document."""

    version: Version
    answer: Text
    evidence_sha256: Sha256 | None = None
    document_no: Text


class ProjectObjectionAnswer(Answer):
    """One version of an objection: raised, or answered."""

    objection_id: UUID
    version: int
    project_id: UUID
    state: str
    matter: str
    answer: str | None
    document_no: str
    evidence_sha256: Sha256Out | None
    recorded_book: BookOut
    recorded_by: UUID
    recorded_at: datetime


@router.post("", status_code=201)
async def object_to_project(
    book: int, project_id: UUID, body: ProjectObjectionBody, call: Objector, session: Writing, response: Response
) -> ProjectObjectionAnswer:
    """Object to a district's project. It is shown and has to be answered; it stops nothing by itself."""

    async def write(new: UUID) -> None:
        row = ProjectObjection(
            book=book, objection_id=new, version=1, project_id=project_id, state="open", recorded_book=call.caller.book,
            recorded_by=call.caller.staff_id, **fields_of(body),
        )  # fmt: skip
        await objections.object_to_project(session, call.caller, row)

    row = await recorded(call, session, response, ProjectObjection, book, new_id(), 1, write)
    return ProjectObjectionAnswer.model_validate(row)


@router.post("/{objection_id}/answer", status_code=201)
async def answer_project_objection(
    book: int, project_id: UUID, objection_id: UUID, body: ProjectObjectionReply, call: Decider, session: Writing,
    response: Response,
) -> ProjectObjectionAnswer:  # fmt: skip
    """The district's answer to an objection."""
    fields = fields_of(body, "version")
    row = await recorded(
        call, session, response, ProjectObjection, book, objection_id, body.version,
        lambda same: objections.answer_project_objection(
            session, call.caller, book, project_id, same, body.version, fields
        ),
    )  # fmt: skip
    return ProjectObjectionAnswer.model_validate(row)


@router.get("")
async def list_project_objections(
    book: int, project_id: UUID, call: Reader, session: Reading
) -> list[ProjectObjectionAnswer]:
    """The objections to a project, every version."""
    found = await of_project(session, ProjectObjection, book, project_id)
    return [ProjectObjectionAnswer.model_validate(row) for row in found]
