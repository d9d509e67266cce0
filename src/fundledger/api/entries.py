"""Reading entries (记账凭证): one with its transfers, and lists by document, kind and period."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import PlainTextResponse

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, reads
from fundledger.api.reading import AsOfQuery, BookOut, Hash, Word, read_cursor
from fundledger.api.wire import Answer, Cursor, Limit, YuanOut, encode_cursor, receipt_of
from fundledger.book import entries as entry_reads
from fundledger.db.database import driver_of

router = APIRouter(prefix="/v1/books/{book}/entries", tags=["book"])


class EntryAnswer(Answer):
    """The header of an entry (记账凭证)."""

    book: BookOut
    entry_id: UUID
    entry_kind: str
    instruction_id: UUID
    crossing_id: UUID | None
    effective_on: date
    document_no: str
    summary: str
    functional_class: str
    economic_class: str
    officer_id: UUID
    supervisor_id: UUID | None
    maker_id: UUID
    approver_id: UUID
    payer_id: UUID | None
    content_sha256: Hash
    line_count: int
    total: YuanOut
    recorded_at: datetime
    position: int | None


class TransferAnswer(Answer):
    """One transfer (分录) with both sides' totals before and after; `undone` is what was taken back of it since."""

    line_no: int
    amount: YuanOut
    payer_account: UUID
    payer_kind: str
    given_before: YuanOut
    given_after: YuanOut
    receiver_account: UUID
    receiver_kind: str
    received_before: YuanOut
    received_after: YuanOut
    allocation_id: UUID | None
    project_id: UUID | None
    payee_id: UUID | None
    undoes_entry_id: UUID | None
    undoes_line_no: int | None
    undone: YuanOut


class WholeEntryAnswer(EntryAnswer):
    """An entry with a page of its transfers."""

    transfers: list[TransferAnswer]
    next: str | None


class EntriesAnswer(Answer):
    """A page of entries, by effective day."""

    items: list[EntryAnswer]
    next: str | None


async def _which_entries(
    document_no: Word = None,
    kind: Word = None,
    period: Annotated[
        str | None, Query(pattern=r"^(19|2[0-8])[0-9]{2}-(0[1-9]|1[0-2])$", description="a month")
    ] = None,
    effective_from: date | None = None,
    effective_to: date | None = None,
) -> entry_reads.EntryFilter:
    if period is not None:
        year, month = int(period[:4]), int(period[5:])
        first, last = date(year, month, 1), date(year, month, monthrange(year, month)[1])
        effective_from = max(effective_from or first, first)
        effective_to = min(effective_to or last, last)
    return entry_reads.EntryFilter(document_no, kind, effective_from, effective_to)


@router.get("")
async def list_entries(
    book: int,
    call: Annotated[Call, reads(EVERYBODY)],
    session: Reading,
    asked: AsOfQuery,
    which: Annotated[entry_reads.EntryFilter, Depends(_which_entries)],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> EntriesAnswer:
    """Entries by document number (文号), kind and period (or effective days), in the order of their effective days."""
    connection = await driver_of(session)
    when = await asked.settle(connection)
    found = await entry_reads.entries(connection, book, which, as_of=when, after=_day_cursor(cursor), limit=limit + 1)
    items = [EntryAnswer.model_validate(one) for one in found[:limit]]
    more = encode_cursor([items[-1].effective_on, items[-1].entry_id]) if len(found) > limit else None
    return EntriesAnswer(items=items, next=more)


@router.get("/{entry_id}")
async def get_entry(
    book: int,
    entry_id: UUID,
    call: Annotated[Call, reads(EVERYBODY)],
    session: Reading,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> WholeEntryAnswer:
    """An entry with its transfers, by line."""
    connection = await driver_of(session)
    head = EntryAnswer.model_validate(await entry_reads.entry(connection, book, entry_id))
    lines = await entry_reads.transfers(connection, book, entry_id, after=_line_cursor(cursor), limit=limit + 1)
    return WholeEntryAnswer.model_construct(
        **dict(head), transfers=[TransferAnswer.model_validate(line) for line in lines[:limit]],
        next=encode_cursor([lines[limit - 1].line_no]) if len(lines) > limit else None,
    )  # fmt: skip


@router.get("/{entry_id}/receipt", response_class=PlainTextResponse)
async def get_receipt(
    book: int, entry_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> PlainTextResponse:
    """The receipt (回执) that the posting of this entry was answered with, for whoever lost it: a signed note."""
    found = await entry_reads.entry(await driver_of(session), book, entry_id)
    text = receipt_of(call.services.log_keys, book, entry_id, found.content_sha256, found.recorded_at)
    return PlainTextResponse(text)


def _day_cursor(cursor: str | None) -> tuple[date, UUID] | None:
    values = read_cursor(cursor, date, UUID)
    return (values[0], values[1]) if values else None


def _line_cursor(cursor: str | None) -> int:
    values = read_cursor(cursor, int)
    return min(values[0], 2**31 - 1) if values else 0
