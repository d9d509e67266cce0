"""How a book is cut into parts and a part into statements, by log position and never in the middle of a row's order.

A part is the entries of a range of positions, or a range of lines of one entry that is longer than a part. The cut
depends on sealed entries only, so it is the same whenever it is made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.exports.scope import Scope
from fundledger.exports.statements import LONG_LINES, prepare

LINES_END: Final = 2**31 - 1
"""No entry has so many lines."""
_BLOCK: Final = 1_000
_FULL: Final = 50_000
"""A block of positions with more lines is looked at entry by entry."""

_SUMS: Final = f"""SELECT f.position / {_BLOCK} AS block, sum(e.line_count)::bigint AS lines FROM log_leaf f
    JOIN entry e ON e.book = f.book AND e.entry_id = f.record_id
    WHERE f.position <= $1 AND f.kind = 'entry' AND f.book = ANY ($2::bigint[]) GROUP BY 1 ORDER BY 1"""
_ENTRIES: Final = """SELECT f.position, e.line_count FROM log_leaf f
    JOIN entry e ON e.book = f.book AND e.entry_id = f.record_id
    WHERE f.position >= $1 AND f.position < $2 AND f.kind = 'entry' AND f.book = ANY ($3::bigint[])
    ORDER BY f.position"""
_LONG: Final = """SELECT f.position, e.book, e.entry_id FROM entry e
    JOIN log_leaf f ON f.book = e.book AND f.kind = 'entry' AND f.record_id = e.entry_id AND f.version = 1
    WHERE e.line_count > {longer} AND e.book = ANY ($3::bigint[]) AND f.position >= $1 AND f.position < $2
    ORDER BY f.position"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries at positions from `start` to before `stop`, and of each the lines from `first` to before `last`."""

    start: int
    stop: int
    lines: int
    first: int = 1
    last: int = LINES_END

    @property
    def key(self) -> tuple[int, ...]:
        """What names it in a part."""
        return self.start, self.stop, self.first, self.last


async def cut(connection: Connection, scope: Scope, lines_max: int) -> AsyncIterator[Stretch]:
    """The stretches of at most `lines_max` lines that make up the books of a scope; one empty one for nothing."""
    start, lines, found = 0, 0, False
    async for position, count, stop in _weights(connection, scope, lines_max):
        if lines and lines + count > lines_max:
            yield Stretch(start, position, lines)
            start, lines, found = position, 0, True
        if count > lines_max:
            for piece in _pieces(position, count, lines_max):
                yield piece
            start, found = stop, True
        else:
            lines += count
    if lines or not found:
        yield Stretch(start, scope.position + 1, lines)


async def _weights(connection: Connection, scope: Scope, lines_max: int) -> AsyncIterator[tuple[int, int, int]]:
    """First position, lines, and the position behind: of blocks, and of single entries where a block is full."""
    books = list(scope.books)
    await prepare(connection)
    for row in await connection.fetch(_SUMS, scope.position, books):
        first, stop = row["block"] * _BLOCK, min((row["block"] + 1) * _BLOCK, scope.position + 1)
        if row["lines"] <= min(_FULL, lines_max):
            yield first, row["lines"], stop
            continue
        for entry in await connection.fetch(_ENTRIES, first, stop, books):
            yield entry["position"], entry["line_count"], entry["position"] + 1


def _pieces(position: int, count: int, lines_max: int) -> Iterator[Stretch]:
    for first in range(1, count + 1, lines_max):
        last = min(first + lines_max, count + 1)
        yield Stretch(position, position + 1, last - first, first, last if last <= count else LINES_END)


@dataclass(frozen=True, slots=True)
class Run:
    """One statement's worth of a part: a range of positions, or lines of one long entry."""

    values: tuple[Any, ...]
    is_long: bool


async def runs(connection: Connection, scope: Scope, key: tuple[int, ...]) -> list[Run]:
    """A part as statements, in order: long entries stand alone, what lies between them together."""
    start, stop, first, last = key
    books = list(scope.books)
    found: list[Run] = []
    split = (first, last) != (1, LINES_END)  # lines of one entry, whatever its length
    for row in await connection.fetch(_LONG.format(longer=0 if split else LONG_LINES), start, stop, books):
        if row["position"] > start:
            found.append(Run((start, row["position"], books), is_long=False))
        found.append(Run((row["book"], UUID(str(row["entry_id"])), first, last), is_long=True))
        start = row["position"] + 1
    if start < stop:
        found.append(Run((start, stop, books), is_long=False))
    return found
