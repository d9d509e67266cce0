"""How every route that writes a record works: claim the key, write once, answer with what was written again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from fastapi import Response
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.api.deps import Call
from fundledger.api.wire import Body, decode_cursor, encode_cursor, mark_replay
from fundledger.book.idempotency import claim
from fundledger.db.connection import Connection
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.projects.records import Record, history

NIL = UUID(int=0)


async def once(
    call: Call,
    session: AsyncSession,
    response: Response,
    kind: str,
    record_id: UUID,
    act: Callable[[Connection, UUID], Awaitable[object]],
) -> UUID:
    """Run `act(connection, record_id)` unless this key did it before; the id of what it was done to, then or now."""
    connection = await driver_of(session)
    earlier = await claim(connection, call.caller, call.key, call.request_sha256, kind, record_id)
    if earlier is None:
        await act(connection, record_id)
    mark_replay(response, earlier is not None)
    return earlier or record_id


async def recorded(
    call: Call,
    session: AsyncSession,
    response: Response,
    table: type[Record],
    book: int,
    record_id: UUID,
    version: int,
    write: Callable[[UUID], Awaitable[None]],
) -> Record:
    """Run `write(record_id)` unless this key did it before; answer with the version it made (or had made)."""
    kind = f"{table.__tablename__}-{version}"
    done = await once(call, session, response, kind, record_id, lambda _, new: write(new))
    return (await history(session, table, book, done))[version - 1]


def fields_of(body: Body, *left_out: str) -> dict[str, Any]:
    """A body's fields as they are inside (fen, bytes), not as they go out."""
    return {name: getattr(body, name) for name in type(body).model_fields if name not in left_out}


def after_id(cursor: str | None) -> UUID:
    """Where a page in the order of ids begins; raises `cursor-malformed`."""
    values = decode_cursor(cursor, 1)
    if values is None:
        return NIL
    try:
        return UUID(str(values[0]))
    except ValueError:
        raise problem("cursor-malformed") from None


def next_id(ids: Sequence[UUID], limit: int) -> str | None:
    """The cursor of the next page, if this one is full."""
    return encode_cursor([ids[-1]]) if len(ids) == limit else None
