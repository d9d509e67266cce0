"""Objections to notices (异议), and what was published against what the book has (公告公示检查)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response

from fundledger.access.policy import EVERYBODY, OFFICES, PROPOSERS
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import Sha256, Sha256Out, Version
from fundledger.api.reading import read_version_cursor
from fundledger.api.records import fields_of, recorded
from fundledger.api.wire import Answer, Body, Cursor, Day, Limit, Text, YuanOut, decode_cursor, encode_cursor
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.ids import new_id
from fundledger.projects.notices import publicity
from fundledger.projects.objections import answer_objection, objections_to_notice, record_objection
from fundledger.projects.tables import NoticeObjection

router = APIRouter(prefix="/v1/books/{book}", tags=["projects"])

Maker = Annotated[Call, writes(PROPOSERS, "maker", level="district")]
Decider = Annotated[Call, writes(OFFICES, "approver", level="district")]
Reader = Annotated[Call, reads(EVERYBODY)]


class NoticeObjectionBody(Body):
    """An objection as it came in. Who raised it stays with who received it: no name belongs here."""

    received_on: Day
    kind: Literal["eligibility", "amount", "omission", "quality", "procedure", "other"]
    received_by: Literal["visit", "letter", "telephone", "online", "meeting"]
    evidence_sha256: Sha256 | None = None
    document_no: Text


class NoticeObjectionReply(Body):
    """Whether the objection was right, by which document."""

    version: Version
    finding: Literal["upheld", "rejected"]
    evidence_sha256: Sha256 | None = None
    document_no: Text


class NoticeObjectionMending(Body):
    """The document that shows how what was objected is mended (整改)."""

    version: Version
    evidence_sha256: Sha256 | None = None
    document_no: Text


class NoticeObjectionAnswer(Answer):
    """One version of an objection to a notice."""

    objection_id: UUID
    version: int
    notice_id: UUID
    subject_id: UUID
    received_on: date
    kind: str
    received_by: str
    state: str
    finding: str | None
    document_no: str
    evidence_sha256: Sha256Out | None
    recorded_by: UUID
    recorded_at: datetime


class NoticeObjectionPage(Answer):
    """Versions of objections, objection by objection."""

    items: list[NoticeObjectionAnswer]
    next: str | None


class PublicityAnswer(Answer):
    """One subject at one level: published, in the book, how long; PRC-03 too short, PRC-04 another amount.

    The days of a payment list (level `list`) are working days, by the day it was paid.
    """

    subject_kind: str
    subject_id: UUID
    subject_no: str
    level: str
    published: YuanOut | None
    ledger: YuanOut | None
    days: int
    days_needed: int | None
    finding: str | None


class PublicityPage(Answer):
    """Subjects in the order of kind, id and level."""

    items: list[PublicityAnswer]
    next: str | None


@router.post("/notices/{notice_id}/objections", status_code=201)
async def object_to_notice(
    book: int, notice_id: UUID, body: NoticeObjectionBody, call: Maker, session: Writing, response: Response
) -> NoticeObjectionAnswer:
    """Record an objection to a notice: until it is answered nothing is paid on what was published."""

    async def write(new: UUID) -> None:
        row = NoticeObjection(
            book=book, objection_id=new, version=1, notice_id=notice_id, state="open",
            recorded_by=call.caller.staff_id, **fields_of(body),
        )  # fmt: skip
        await record_objection(session, row)

    row = await recorded(call, session, response, NoticeObjection, book, new_id(), 1, write)
    return NoticeObjectionAnswer.model_validate(row)


async def _answer(
    book: int, notice_id: UUID, objection_id: UUID, body: NoticeObjectionReply | NoticeObjectionMending, state: str,
    call: Call, session: Writing, response: Response,
) -> NoticeObjectionAnswer:  # fmt: skip
    fields = {**fields_of(body, "version"), "state": state}
    row = await recorded(
        call, session, response, NoticeObjection, book, objection_id, body.version,
        lambda same: answer_objection(session, call.caller, book, notice_id, same, body.version, fields),
    )  # fmt: skip
    return NoticeObjectionAnswer.model_validate(row)


@router.post("/notices/{notice_id}/objections/{objection_id}/answer", status_code=201)
async def answer_notice_objection(
    book: int, notice_id: UUID, objection_id: UUID, body: NoticeObjectionReply, call: Decider, session: Writing,
    response: Response,
) -> NoticeObjectionAnswer:  # fmt: skip
    """Answer an objection: upheld or rejected, by an approver."""
    return await _answer(book, notice_id, objection_id, body, "answered", call, session, response)


@router.post("/notices/{notice_id}/objections/{objection_id}/mend", status_code=201)
async def mend_notice_objection(
    book: int, notice_id: UUID, objection_id: UUID, body: NoticeObjectionMending, call: Decider, session: Writing,
    response: Response,
) -> NoticeObjectionAnswer:  # fmt: skip
    """Record that what was rightly objected is mended; payments go on."""
    return await _answer(book, notice_id, objection_id, body, "mended", call, session, response)


@router.get("/notices/{notice_id}/objections")
async def list_notice_objections(
    book: int, notice_id: UUID, call: Reader, session: Reading, limit: Limit = 100, cursor: Cursor = None
) -> NoticeObjectionPage:
    """The objections to a notice, every version."""
    found = await objections_to_notice(session, book, notice_id, after=read_version_cursor(cursor), limit=limit)
    following = encode_cursor([found[-1].objection_id, found[-1].version]) if len(found) == limit else None
    return NoticeObjectionPage(items=[NoticeObjectionAnswer.model_validate(row) for row in found], next=following)


def _after(cursor: str | None) -> tuple[str, UUID, str] | None:
    values = decode_cursor(cursor, 3)
    if values is None:
        return None
    try:
        return str(values[0]), UUID(str(values[1])), str(values[2])
    except ValueError:
        raise problem("cursor-malformed") from None


@router.get("/publicity")
async def check_publicity(
    book: int, call: Reader, session: Reading, everything: bool = False, limit: Limit = 100, cursor: Cursor = None
) -> PublicityPage:
    """What was published against what the book has: the findings, or `everything`."""
    connection = await driver_of(session)
    found = await publicity(connection, book, everything=everything, after=_after(cursor), limit=limit)
    items = [PublicityAnswer.model_validate(row) for row in found]
    last = [items[-1].subject_kind, items[-1].subject_id, items[-1].level] if len(items) == limit else None
    return PublicityPage(items=items, next=encode_cursor(last) if last else None)
