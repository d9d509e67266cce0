"""The sealed log over HTTP: its size now or at a time, its leaf hashes, and the leaf of one record to recompute.

Hashes tell nothing of a record, so every reader may see them all. A record's leaf is shown to those who may see its
book; refusals to audit and inspection only. Checkpoints are in `checkpoints`, proofs in `proofs`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from fundledger.access.policy import EVERYBODY, LEADS, may_reach
from fundledger.api.deps import Call, Reading, reads
from fundledger.api.wire import Answer, Cursor, Limit, decode_cursor, encode_cursor
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.sealing import log
from fundledger.sealing.leaf import Kind

router = APIRouter(prefix="/v1/log", tags=["log"])


class LogState(Answer):
    """The log's size: as many positions as it has, or had at the time asked for (positions 0 to size - 1)."""

    size: int
    newest_at: datetime | None
    waiting: int | None


class LeafItem(Answer):
    """One position. Its record's content is elsewhere; `leaf_hash` is RFC 6962's hash of it."""

    position: int
    book: str
    kind: str
    record_id: UUID
    version: int
    leaf_hash: str
    lines_root: str | None
    appended_at: datetime


class LeafPage(Answer):
    """Positions in order; `next` is the cursor of the following page."""

    items: list[LeafItem]
    next: str | None


class RecordLeaf(Answer):
    """A record's leaf. ``data`` is its canonical text: SHA-256 over 0x00 and its UTF-8 bytes is ``leaf_hash``."""

    book: str
    kind: str
    record_id: UUID
    version: int
    position: int | None
    appended_at: datetime | None
    leaf_hash: str
    lines_root: str | None
    data: str


class LinePage(Answer):
    """Canonical texts of an entry's lines in order of line_no; the root over all their hashes is ``lines_root``."""

    items: list[str]
    next: str | None


@router.get("")
async def get_log(
    call: Annotated[Call, reads(EVERYBODY)],
    session: Reading,
    at: Annotated[AwareDatetime | None, Query(description="the size as it was at this time")] = None,
) -> LogState:
    """How long the log is, or was at a time: what became known after it has a position of at least `size`."""
    return LogState.model_validate(await log.state(await driver_of(session), at))


@router.get("/leaves")
async def list_leaves(
    call: Annotated[Call, reads(EVERYBODY)], session: Reading, cursor: Cursor = None, limit: Limit = 100
) -> LeafPage:
    """Leaf hashes by position, for whoever keeps a copy of the tree."""
    after = decode_cursor(cursor, 1)
    rows = await log.page(await driver_of(session), _number(after, -1), limit)
    items = [LeafItem.model_validate(row) for row in rows]
    return LeafPage(items=items, next=encode_cursor([items[-1].position]) if len(items) == limit else None)


@router.get("/records/{kind}/{record_id}")
async def get_record(
    kind: Annotated[Kind, Path()], record_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading,
    version: Annotated[int, Query(ge=1, le=2**31 - 1)] = 1,
) -> RecordLeaf:  # fmt: skip
    """The leaf of one record, rebuilt from the record, and its position (null for the moment before it is sealed)."""
    may_see(call, kind)
    connection = await driver_of(session)
    return RecordLeaf.model_validate(await log.record(connection, books_of(call), kind, record_id, version))


@router.get("/records/entry/{record_id}/lines")
async def list_lines(
    record_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading,
    cursor: Cursor = None, limit: Limit = 100,
) -> LinePage:  # fmt: skip
    """The lines of an entry as the inner tree holds them."""
    after = _number(decode_cursor(cursor, 1), 0)
    found = await log.lines_of(await driver_of(session), books_of(call), record_id, after, limit)
    last = encode_cursor([found[-1][0]]) if len(found) == limit else None
    return LinePage(items=[text for _, text in found], next=last)


def books_of(call: Call) -> list[int]:
    """The books the caller may look at."""
    return sorted(book for book in call.services.books if may_reach(call.caller, book, writes=False))


def may_see(call: Call, kind: str) -> None:
    """Refusals are for audit and inspection; `forbidden-role`."""
    if kind == "refusal" and call.caller.unit_kind not in LEADS:
        raise problem("forbidden-role", units=sorted(LEADS))


def _number(cursor: list[object] | None, default: int) -> int:
    value = default if cursor is None else cursor[0]
    if not isinstance(value, int) or not -1 <= value < 2**31:
        raise problem("cursor-malformed")
    return value
