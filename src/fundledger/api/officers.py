"""Officers (责任人): appoint, end or correct a term by a new version, list who is in office; and the units (单位)."""

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
from fundledger.projects.officers import appoint, officer_history, officers, units
from fundledger.projects.tables import OfficerTerm

router = APIRouter(prefix="/v1/books/{book}", tags=["officers"])

Role = Literal["accountable", "supervising"]

Maker = Annotated[Call, writes(OFFICES, "maker")]
Reader = Annotated[Call, reads(EVERYBODY)]


class Officer(Body):
    """An officer's term of office; `valid_to` is its last day, `person_no` (工号) names the person across terms."""

    name: Text
    person_no: Text | None = None
    unit_id: UUID
    role: Role
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
    person_no: str | None
    unit_id: UUID
    unit_name: str
    unit_kind: str
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
    found = await officer_history(await driver_of(session), book, row.officer_id)
    return OfficerAnswer.model_validate(found[version - 1])


@router.post("/officers", status_code=201)
async def appoint_officer(book: int, body: Officer, call: Maker, session: Writing, response: Response) -> OfficerAnswer:
    """Record an officer of a unit of this book and the day the term begins."""
    return await _write(book, body, 1, call, session, response, new_id())


@router.post("/officers/{officer_id}/versions", status_code=201)
async def change_officer(
    book: int, officer_id: UUID, body: OfficerVersion, call: Maker, session: Writing, response: Response
) -> OfficerAnswer:
    """End or correct a term: a new version of the whole record."""
    return await _write(book, body, body.version, call, session, response, officer_id)


@router.get("/officers")
async def list_officers(
    book: int,
    call: Reader,
    session: Reading,
    on: Annotated[date | None, Query(description="only those in office on this day")] = None,
    role: Role | None = None,
    person_no: Annotated[str | None, Query(max_length=100, description="all terms of one person (工号)")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> OfficerPage:
    """The officers of a book, the newest version of each; `on` tells who answered on that day."""
    found = await officers(
        await driver_of(session), book, on=on, role=role, person_no=person_no, after=after_id(cursor), limit=limit
    )
    items = [OfficerAnswer.model_validate(row) for row in found]
    return OfficerPage(items=items, next=next_id([row.officer_id for row in found], limit))


@router.get("/officers/{officer_id}")
async def get_officer(book: int, officer_id: UUID, call: Reader, session: Reading) -> list[OfficerAnswer]:
    """An officer's record with its history, oldest version first."""
    found = await officer_history(await driver_of(session), book, officer_id)
    return [OfficerAnswer.model_validate(row) for row in found]


class UnitAnswer(Answer):
    """A unit of a book (单位): finance bureau, poverty office, township, village, audit, inspection, administration."""

    unit_id: UUID
    name: str
    kind: str
    division_code: str | None


class UnitPage(Answer):
    """Units in the order of their ids."""

    items: list[UnitAnswer]
    next: str | None


@router.get("/units")
async def list_units(
    book: int,
    call: Reader,
    session: Reading,
    kind: Annotated[str | None, Query(max_length=20)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> UnitPage:
    """The units of a book."""
    found = await units(await driver_of(session), book, kind=kind, after=after_id(cursor), limit=limit)
    items = [UnitAnswer.model_validate(row) for row in found]
    return UnitPage(items=items, next=next_id([row.unit_id for row in found], limit))
