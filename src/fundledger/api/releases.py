"""Releases: the city's finance bureau drafts them; approving one posts it (see `instructions`); lists."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.drafts import drafted
from fundledger.api.fields import Exceptional, heading_of
from fundledger.api.wire import (
    Answer,
    Body,
    Cursor,
    InstructionAnswer,
    Limit,
    Yuan,
    YuanOut,
    decode_cursor,
    encode_cursor,
)  # fmt: skip
from fundledger.budget.releases import ReleaseKind, ReleaseLine, draft_release, release_lines, releases
from fundledger.db.database import driver_of
from fundledger.errors import problem

router = APIRouter(prefix="/v1/books/{book}/releases", tags=["budget"])
NEWEST = 2**62


class ReleaseItem(Body):
    """One allocation and how much of it is released; without an amount, all that is left (kind full only)."""

    allocation_id: UUID
    amount: Yuan | None = None


class Release(Exceptional):
    """A release; `kind`: early (提前下达), instalment (分期), prepaid (先预拨后清算), topup (清算补足), full.

    Money that is surplus is released again only with `exception_document_no`.
    """

    kind: ReleaseKind
    lines: Annotated[list[ReleaseItem], Field(min_length=1, max_length=10_000)]


class ReleaseAnswer(Answer):
    """A posted release; `undone` of its total was taken back since."""

    entry_id: UUID
    instruction_id: UUID
    kind: str
    document_no: str
    effective_on: date
    summary: str
    line_count: int
    total: YuanOut
    undone: YuanOut
    recorded_at: datetime


class ReleasePage(Answer):
    """Releases, newest first."""

    items: list[ReleaseAnswer]
    next: str | None


class ReleasedLineAnswer(Answer):
    """One line of a release."""

    entry_id: UUID
    line_no: int
    allocation_id: UUID
    amount: YuanOut
    undone: YuanOut
    effective_on: date
    document_no: str


@router.post("", status_code=201)
async def create_release(
    book: int,
    body: Release,
    call: Annotated[Call, writes(frozenset({"finance"}), "maker", level="city")],
    session: Writing,
    response: Response,
) -> InstructionAnswer:
    """Draft a release. It never names a project and never exceeds the allocation; approving it posts both legs."""
    lines = [ReleaseLine(line.allocation_id, line.amount) for line in body.lines]
    return await drafted(
        call, session, response, book,
        lambda connection, new: draft_release(connection, call.caller, book, new, heading_of(body), body.kind, lines),
    )  # fmt: skip


@router.get("")
async def list_releases(
    book: int, call: Annotated[Call, reads(EVERYBODY)], session: Reading, limit: Limit = 100, cursor: Cursor = None
) -> ReleasePage:
    """The releases of a book, newest first: all of them in the city's book, the received ones in a district's."""
    before = decode_cursor(cursor, 1)
    if before is not None and not isinstance(before[0], int):
        raise problem("cursor-malformed")
    found = await releases(await driver_of(session), book, min(before[0], NEWEST) if before else NEWEST, limit)
    after = encode_cursor([found[-1].order_no]) if len(found) == limit else None
    return ReleasePage(items=[ReleaseAnswer.model_validate(item) for item in found], next=after)


@router.get("/{entry_id}/lines")
async def list_release_lines(
    book: int, entry_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> list[ReleasedLineAnswer]:
    """The lines of a release, with what was taken back since."""
    found = await release_lines(await driver_of(session), book, entry_id)
    return [ReleasedLineAnswer.model_validate(line) for line in found]
