"""Officers (责任人): appoint, end or correct a term by a new version, list who is in office."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from fundledger.access.policy import EVERYBODY, OFFICES
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import Version
from fundledger.api.records import after_id, next_id, recorded
from fundledger.api.wire import Answer, Body, Cursor, Limit, Text
from fundledger.db.database import driver_of
from fundledger.ids import new_id
from fundledger.projects.officers import appoint, officers
from fundledger.projects.records import history
from fundledger.projects.tables import OfficerTerm

router = APIRouter(prefix="/v1/books/{book}/officers", tags=["officers"])

Maker = Annotated[Call, writes(OFFICES, "maker")]
Reader = Annotated[Call, reads(EVERYBODY)]


class Officer(Body):
    """An officer's term of office; `valid_to` is its last day."""

    name: Text
    unit_id: UUID
    role: Literal["accountable", "supervising"]
    valid_from: date
    valid_to: date | None = None
    document_no: Text


class OfficerVersion(Officer):
    """The next version of an officer's term; `version` is the newest one's number plus one."""

    version: Version


class OfficerAnswer(Answer):
    """One version of an officer's term."""

    officer_id: UUID
    version: int
    name: str
    unit_id: UUID
    role: str
    valid_from: date
    valid_to: date | None
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


class OfficerPage(Answer):
    """Officers in the order of their ids."""

    items: list[OfficerAnswer]
    next: str | None


async def _write(
    book: int, body: Officer, version: int, call: Call, session: Writing, response: Response, record_id: UUID
) -> OfficerAnswer:
    fields = body.model_dump(exclude={"version"})
    row = await recorded(
        call, session, response, OfficerTerm, book, record_id, version,
        lambda new: appoint(
            session, OfficerTerm(book=book, officer_id=new, version=version, recorded_by=call.caller.staff_id, **fields)
        ),
    )  # fmt: skip
    return OfficerAnswer.model_validate(row)


@router.post("", status_code=201)
async def appoint_officer(book: int, body: Officer, call: Maker, session: Writing, response: Response) -> OfficerAnswer:
    """Record an officer of a unit of this book and the day the term begins."""
    return await _write(book, body, 1, call, session, response, new_id())


@router.post("/{officer_id}/versions", status_code=201)
async def change_officer(
    book: int, officer_id: UUID, body: OfficerVersion, call: Maker, session: Writing, response: Response
) -> OfficerAnswer:
    """End or correct a term: a new version of the whole record."""
    return await _write(book, body, body.version, call, session, response, officer_id)


@router.get("")
async def list_officers(
    book: int,
    call: Reader,
    session: Reading,
    on: Annotated[date | None, Query(description="only those in office on this day")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> OfficerPage:
    """The officers of a book, the newest version of each."""
    found = await officers(await driver_of(session), book, on=on, after=after_id(cursor), limit=limit)
    items = [OfficerAnswer.model_validate(row) for row in found]
    return OfficerPage(items=items, next=next_id([row.officer_id for row in found], limit))


@router.get("/{officer_id}")
async def get_officer(book: int, officer_id: UUID, call: Reader, session: Reading) -> list[OfficerAnswer]:
    """An officer's record with its history, oldest version first."""
    return [OfficerAnswer.model_validate(row) for row in await history(session, OfficerTerm, book, officer_id)]
