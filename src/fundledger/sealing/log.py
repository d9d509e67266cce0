"""Reading the sealed log: its size now or at a time, positions, and one record's leaf. Called by ``/v1/log``.

A timestamp maps to a position: what was appended up to then. ``appended_at`` never falls along the log (`log_append`
sees to it), so the mapping is one index seek. A record that is committed and waits has no position yet, but its leaf
and its hash are what they will be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.sealing.leaf import KINDS
from fundledger.sealing.records import Accounts, Ref, entry_rows, leaves, lines, prefer_indexes

_SIZE = "SELECT position + 1 AS size, appended_at AS newest_at FROM log_leaf ORDER BY position DESC LIMIT 1"
_SIZE_AT = """SELECT position + 1 AS size, appended_at AS newest_at FROM log_leaf WHERE appended_at <= $1
    ORDER BY appended_at DESC, position DESC LIMIT 1"""
_PAGE = """SELECT position, book::text, kind, record_id, version, encode(leaf_hash, 'hex') AS leaf_hash,
    encode(lines_root, 'hex') AS lines_root, appended_at FROM log_leaf WHERE position > $1 ORDER BY position LIMIT $2"""
# One seek per book: the key starts with it.
_FIND = """SELECT l.book, l.position, l.appended_at FROM unnest($1::bigint[]) b (book)
    JOIN log_leaf l ON l.book = b.book AND l.kind = $2 AND l.record_id = $3 AND l.version = $4"""
# Committed, but without a position yet: looked for in its own table, by key.
# A kind's table and its id are named after it; versions, and what holds for all books, are told apart.
_TABLES: Final[dict[str, str]] = {
    **{kind: f"{kind} r ON r.book = b.book AND r.{kind}_id = $2 AND $3 = 1" for kind in KINDS},
    "notice": "notice r ON r.book = b.book AND r.notice_id = $2 AND r.version = $3",
    "parameter": "parameter r ON b.book = 420100 AND r.parameter_id = $2 AND $3 = 1",
}
WAITING_SHOWN = 10_000
_WAITING = f"SELECT count(*) FROM (SELECT FROM log_queue LIMIT {WAITING_SHOWN}) q"


async def state(connection: Connection, at: datetime | None = None) -> dict[str, Any]:
    """Size and newest time, now (with how many records wait, counted to WAITING_SHOWN) or at a time (without)."""
    row = await connection.fetchrow(_SIZE) if at is None else await connection.fetchrow(_SIZE_AT, at)
    waiting = await connection.fetchval(_WAITING) if at is None else None
    return {"size": 0, "newest_at": None, **(dict(row) if row is not None else {}), "waiting": waiting}


async def page(connection: Connection, after: int, limit: int) -> list[dict[str, Any]]:
    """Positions beyond `after`, in order."""
    return [dict(row) for row in await connection.fetch(_PAGE, after, limit)]


async def record(
    connection: Connection, books: Sequence[int], kind: str, record_id: UUID, version: int = 1
) -> dict[str, Any]:
    """The leaf of a record of one of the books, with its position if it has one; `log-record-not-found`."""
    ref, place = await find(connection, books, kind, record_id, version)
    leaf = (await leaves(connection, [ref], Accounts()))[0]
    return {
        "book": str(ref.book), "kind": kind, "record_id": record_id, "version": version, **place,
        "leaf_hash": leaf.leaf_hash.hex(), "lines_root": leaf.lines_root.hex() if leaf.lines_root else None,
        "data": leaf.data.decode(),
    }  # fmt: skip


async def lines_of(
    connection: Connection, books: Sequence[int], entry_id: UUID, after: int, limit: int
) -> list[tuple[int, str]]:
    """Number and canonical text of an entry's lines beyond `after`; `log-record-not-found`."""
    ref, _ = await find(connection, books, "entry", entry_id, 1)
    header = (await entry_rows(connection, [ref]))[ref]
    found: list[tuple[int, str]] = []
    async for number, data in lines(connection, header, Accounts(), after=after, chunk=limit):
        found.append((number, data.decode()))
        if len(found) == limit:
            break
    return found


async def find(
    connection: Connection, books: Sequence[int], kind: str, record_id: UUID, version: int
) -> tuple[Ref, dict[str, Any]]:
    """Which of the books has the record, and its place (None: it waits); `log-record-not-found`."""
    await prefer_indexes(connection)
    row = await connection.fetchrow(_FIND, list(books), kind, record_id, version)
    if row is not None:
        place = {"position": row["position"], "appended_at": row["appended_at"]}
        return Ref(row["book"], kind, record_id, version), place
    query = f"SELECT b.book FROM unnest($1::bigint[]) b (book) JOIN {_TABLES[kind]}"
    book = await connection.fetchval(query, list(books), record_id, version)
    if book is None:
        raise problem("log-record-not-found")
    return Ref(book, kind, record_id, version), {"position": None, "appended_at": None}
