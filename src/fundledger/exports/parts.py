"""The two shapes every format of an export has: its parts (files), and how one of them is written.

To add a format: write a module with a `Format` (or several) in a tuple, and name that tuple in `formats._PARTS`; HTTP,
jobs, the command line, manifests and the benchmark then know it. Its two functions:

    async def parts(connection, scope) -> AsyncIterator[Part]      # an async generator
    async def write(connection, scope, file, part) -> int          # the rows (or records) written

Both run inside one REPEATABLE READ, READ ONLY transaction of the connection and may read whatever they need, as of
``scope.position`` and of ``scope.books`` alone. They must be deterministic: the same scope gives the same parts, and
the same part the same bytes, however much later, because a job that was killed goes on with the first unfinished part.
A part whose writing fails is written again from its start; `write` never sees a half-written file. `file` can only be
written to, front to back (no seek, no tell); a write may block on the disk, so call it through `asyncio.to_thread` for
anything big (`copying.Sink` does it for COPY, and counts the rows). Memory must not grow with the rows: COPY in
blocks, or a cursor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from fundledger.db.connection import Connection
from fundledger.exports.scope import Layout, Scope


class Output(Protocol):
    """Where a part goes: its bytes, and how many rows of it there are so far."""

    def write(self, data: bytes, /) -> object:
        """Take these bytes, every one."""

    def count(self, rows: int, /) -> None:
        """So many more rows are written; for whoever wants to know how far the part is."""


class WriteOnly:
    """What Arrow and zipfile need of a file that can only be written to."""

    closed = False

    def __init__(self, file: Output) -> None:
        """Over an output that stays open."""
        self._file = file

    def write(self, data: bytes) -> int:
        """Pass every byte on."""
        self._file.write(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back here."""

    def close(self) -> None:
        """The file is closed by whoever opened it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an export.

    `number` counts from 1; `name` is the file's name without a folder; `rows` is how many rows it will have (about);
    `key` is the format's own: which stretch of the data it is.
    """

    number: int
    name: str
    rows: int
    key: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name in URLs and options, media type, file suffix (with the dot), titles, and how it is written.

    `of_subjects`: it can write the trail of one subject too, not only whole books. `layouts`: the columns it offers.
    `unchecked`: what of it could not be checked against anything official, for the manifest.
    """

    name: str
    media_type: str
    suffix: str
    title_zh: str
    title_en: str
    parts: Callable[[Connection, Scope], AsyncIterator[Part]]
    write: Callable[[Connection, Scope, Output, Part], Awaitable[int]]
    of_subjects: bool = True
    layouts: tuple[Layout, ...] = ("transfers",)
    unchecked: str = ""
