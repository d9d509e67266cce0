"""COPY into a file: the database makes the text, this side only carries it, a mebibyte at a time and off the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from fundledger.db.connection import Connection
from fundledger.exports.parts import Output

BLOCK: Final = 1 << 20


class Sink:
    """Collects what COPY sends (whole rows, in pieces of any size) and hands it on in blocks, one ahead of the disk.

    `take` is called in a thread with each block: the file's write, or a parser of its own. What it took is counted.
    """

    def __init__(self, file: Output, take: Callable[[bytes], object], block: int = BLOCK) -> None:
        self._file, self._take, self._block = file, take, block
        self._held = bytearray()
        self._busy: asyncio.Task[object] | None = None

    async def __call__(self, data: bytes) -> None:
        """Take a piece; waits while two blocks are waiting already."""
        self._held += data
        if len(self._held) >= self._block:
            await self.flush()

    async def flush(self) -> None:
        """Hand on what is held, when what was handed on before is done; raises what that raised."""
        await self.settle()
        if self._held:
            block, self._held = bytes(self._held), bytearray()
            self._busy = asyncio.create_task(asyncio.to_thread(self._taken, block))

    async def settle(self) -> None:
        """Wait until everything that was handed on is taken."""
        busy, self._busy = self._busy, None
        if busy is not None:
            await busy

    def _taken(self, block: bytes) -> None:
        self._take(block)
        self._file.count(rows_in(block))

    async def close(self) -> None:
        """Hand on the rest and wait for it."""
        await self.flush()
        await self.settle()


def rows_in(block: bytes) -> int:
    """The rows of whole lines of CSV: what is between two quotation marks ends none."""
    return sum(piece.count(b"\n") for piece in block.split(b'"')[::2])


async def copy_rows(connection: Connection, query: str, values: tuple[Any, ...], sink: Sink) -> int:
    """COPY a query's rows to the sink as CSV; how many there were. A failure of the sink ends the COPY."""
    status = await connection.copy_from_query(query, *values, output=sink, format="csv")
    return int(status.rpartition(" ")[2])


async def put(file: Output, data: bytes) -> None:
    """Write off the loop."""
    await asyncio.to_thread(file.write, data)
