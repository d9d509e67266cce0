"""The whole log as a stream (全量日志): every position's leaf, and of entries every line, rebuilt from the records.

Asked by ``/v1/log/entries`` for a monitor, which hashes everything again. Constant memory whatever the length of an
entry, and no connection is held while the reader is slow: records are immutable, so no snapshot is needed. A record
that is gone or can't be rebuilt is answered without data, under its name: the reader is there to find exactly that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from fundledger.db.connection import Connection
from fundledger.db.database import Database
from fundledger.sealing import leaf
from fundledger.sealing.canonical import canonical
from fundledger.sealing.leaf import Row
from fundledger.sealing.records import LONG_LINES, Accounts, Ref, entry_rows, leaves, lines, many_lines, prefer_indexes

POSITIONS: Final = 200
"""Positions read at once."""
LINES: Final = 500
"""Lines in one row of the stream."""
_LEAVES = """SELECT position, book, kind, record_id, version, leaf_hash, lines_root FROM log_leaf
    WHERE position >= $1 AND position < $2 ORDER BY position LIMIT $3"""

Piece = dict[str, Any]


async def stream(database: Database, start: int, stop: int, limit: int) -> AsyncIterator[Piece]:
    """Rows from position `start` up to `stop`, ending after the record that passes `limit` lines; the last is `next`.

    ``{position, book, kind, record_id, version, leaf_hash, data}``, for an entry followed by ``{position, lines: […]}``
    of at most LINES each; data (or a null in place of lines) is null where the record can't be rebuilt.
    """
    accounts = Accounts()
    left, following = limit, start
    while following < stop and left > 0:
        async with database.driver() as connection, connection.transaction(readonly=True):
            await prefer_indexes(connection)
            rows = await connection.fetch(_LEAVES, following, stop, POSITIONS)
            headers = await _headers(connection, rows)
            rows = rows[: _within(rows, headers, left)]
            data = await _data(connection, rows, headers)
            short = await _short(connection, rows, headers, accounts)
        if not rows:
            break
        for row in rows:
            yield _leaf(row, data[row["position"]])
            header = headers.get(row["position"])
            if row["kind"] == "entry":
                async for some in _lines(database, row, header, short, accounts):
                    yield {"position": row["position"], "lines": some}
            left -= 1 if header is None else max(1, header["line_count"])
        following = rows[-1]["position"] + 1
    yield {"next": following}


def _within(rows: Sequence[Row], headers: dict[int, Row], left: int) -> int:
    """How many of the rows fit into what is left of the limit: at least one."""
    for number, row in enumerate(rows, start=1):
        header = headers.get(row["position"])
        left -= 1 if header is None else max(1, header["line_count"])
        if left <= 0:
            return number
    return len(rows)


async def _headers(connection: Connection, rows: Sequence[Row]) -> dict[int, Row]:
    """The headers of the entries among the rows, by position; one that is gone has none."""
    refs = {row["position"]: _ref(row) for row in rows if row["kind"] == "entry"}
    try:
        found = await entry_rows(connection, list(refs.values()))
    except KeyError:
        found = {}
        for ref in refs.values():
            try:
                found.update(await entry_rows(connection, [ref]))
            except KeyError:
                continue
    return {position: found[ref] for position, ref in refs.items() if ref in found}


async def _data(connection: Connection, rows: Sequence[Row], headers: dict[int, Row]) -> dict[int, bytes | None]:
    """The bytes of each leaf: of an entry over the root of its lines that the log has, which readers check."""
    made: dict[int, bytes | None] = {row["position"]: None for row in rows}
    for row in rows:
        header = headers.get(row["position"])
        if header is not None and row["lines_root"] is not None:
            made[row["position"]] = canonical(leaf.entry(header, row["lines_root"]))
    others = [row for row in rows if row["kind"] != "entry"]
    try:
        found = await leaves(connection, [_ref(row) for row in others], Accounts())
        made.update((row["position"], one.data) for row, one in zip(others, found, strict=True))
    except KeyError:
        for row in others:
            made[row["position"]] = await _alone(connection, _ref(row))
    return made


async def _alone(connection: Connection, ref: Ref) -> bytes | None:
    try:
        return (await leaves(connection, [ref], Accounts()))[0].data
    except KeyError:
        return None


async def _short(
    connection: Connection, rows: Sequence[Row], headers: dict[int, Row], accounts: Accounts
) -> dict[tuple[int, Any], list[bytes] | None]:
    """The lines of all short entries, read together; None where they can't be rebuilt."""
    wanted = [headers[row["position"]] for row in rows if row["position"] in headers]
    wanted = [header for header in wanted if header["line_count"] <= LONG_LINES]
    made: dict[tuple[int, Any], list[bytes] | None] = dict.fromkeys((one["book"], one["entry_id"]) for one in wanted)
    # All together; if one of them can't be rebuilt, each alone.
    for some in ([wanted], [[one] for one in wanted]):
        for headers_of in some:
            try:
                found = await many_lines(connection, headers_of, accounts)
            except KeyError:
                continue
            made.update((key, [data for _, data in lines_of]) for key, lines_of in found.items())
        if None not in made.values():
            break
    return made


async def _lines(
    database: Database, row: Row, header: Row | None, short: dict[tuple[int, Any], list[bytes] | None],
    accounts: Accounts,
) -> AsyncIterator[list[str] | None]:  # fmt: skip
    """The lines of one entry in runs of at most LINES; a connection is held for one run at a time."""
    if header is None:
        return
    key = row["book"], row["record_id"]
    if key in short:
        made = short[key]
        for start in range(0, len(made or ()), LINES):
            yield [data.decode() for data in (made or ())[start : start + LINES]]
        if made is None:
            yield None
        return
    after = 0
    while True:
        run: list[tuple[int, bytes]] = []
        async with database.driver() as connection, connection.transaction(readonly=True):
            await prefer_indexes(connection)
            async for one in lines(connection, header, accounts, after=after, chunk=LINES):
                run.append(one)
                if len(run) == LINES:
                    break
        if run:
            yield [data.decode() for _, data in run]
            after = run[-1][0]
        if len(run) < LINES:
            return


def _leaf(row: Row, data: bytes | None) -> Piece:
    return {
        "position": row["position"], "book": str(row["book"]), "kind": row["kind"], "record_id": str(row["record_id"]),
        "version": row["version"], "leaf_hash": row["leaf_hash"].hex(), "data": None if data is None else data.decode(),
    }  # fmt: skip


def _ref(row: Row) -> Ref:
    return Ref(row["book"], row["kind"], row["record_id"], row["version"])
