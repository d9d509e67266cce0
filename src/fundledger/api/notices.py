"""Notices (公告公示): what was published, where and how long; objections (异议); published against the book."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response

from fundledger.access.policy import EVERYBODY, PROPOSERS
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import FiscalYear, Sha256, Sha256Out, Version
from fundledger.api.records import recorded
from fundledger.api.wire import Answer, Body, Text, Yuan, YuanOut
from fundledger.db.database import driver_of
from fundledger.ids import new_id
from fundledger.projects.notices import notices_about, publish
from fundledger.projects.records import history
from fundledger.projects.tables import Notice

router = APIRouter(prefix="/v1/books/{book}/notices", tags=["projects"])

Maker = Annotated[Call, writes(PROPOSERS, "maker")]
Reader = Annotated[Call, reads(EVERYBODY)]


SubjectKind = Literal["project", "payment_list", "procurement", "allocation", "annual_plan", "acceptance"]


class NoticeBody(Body):
    """A notice; `amount` is what was published, `published_to` its last day.

    An annual plan is named by `fiscal_year` and has no `subject_id`; `city` is for allocations.
    """

    subject_kind: SubjectKind
    subject_id: UUID | None = None
    fiscal_year: FiscalYear | None = None
    level: Literal["city", "district", "township", "village"]
    channel: Text
    published_from: date
    published_to: date
    amount: Yuan
    evidence_sha256: Sha256 | None = None
    document_no: Text


class NoticeVersion(NoticeBody):
    """A correction of a notice."""

    version: Version


class NoticeAnswer(Answer):
    """One version of a notice."""

    notice_id: UUID
    version: int
    subject_kind: str
    subject_id: UUID
    level: str
    channel: str
    published_from: date
    published_to: date
    amount: YuanOut
    evidence_sha256: Sha256Out | None
    fiscal_year: int | None
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


async def _publish(
    book: int, body: NoticeBody, version: int, call: Call, session: Writing, response: Response, record_id: UUID
) -> NoticeAnswer:
    connection = await driver_of(session)
    fields = {name: getattr(body, name) for name in NoticeBody.model_fields}
    row = await recorded(
        call, session, response, Notice, book, record_id, version,
        lambda new: publish(session, connection, call.caller, book, new, version, **fields),
    )  # fmt: skip
    return NoticeAnswer.model_validate(row)


@router.post("", status_code=201)
async def publish_notice(
    book: int, body: NoticeBody, call: Maker, session: Writing, response: Response
) -> NoticeAnswer:
    """Record a notice about something of this book (M11); its amount must be the book's."""
    return await _publish(book, body, 1, call, session, response, new_id())


@router.post("/{notice_id}/versions", status_code=201)
async def change_notice(
    book: int, notice_id: UUID, body: NoticeVersion, call: Maker, session: Writing, response: Response
) -> NoticeAnswer:
    """Correct a notice: a new version of the whole record."""
    return await _publish(book, body, body.version, call, session, response, notice_id)


@router.get("")
async def list_notices(book: int, subject_id: UUID, call: Reader, session: Reading) -> list[NoticeAnswer]:
    """The notices about one subject, every version."""
    return [NoticeAnswer.model_validate(row) for row in await notices_about(session, book, subject_id)]


@router.get("/{notice_id}")
async def get_notice(book: int, notice_id: UUID, call: Reader, session: Reading) -> list[NoticeAnswer]:
    """A notice with its history, oldest version first."""
    return [NoticeAnswer.model_validate(row) for row in await history(session, Notice, book, notice_id)]
