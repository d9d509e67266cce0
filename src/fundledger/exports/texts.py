"""Text of an export on its way to a file: collected, encoded and written in blocks, off the event loop."""

from __future__ import annotations

import asyncio
from typing import Final

from fundledger.exports.parts import Output

_BLOCK: Final = 256 * 1024


class Texts:
    """Takes text piece by piece; `flush` at the end. A character that the encoding lacks is an error."""

    def __init__(self, file: Output, encoding: str = "utf-8") -> None:
        self._file = file
        self._encoding = encoding
        self._texts: list[str] = []
        self._size = 0

    async def put(self, text: str) -> None:
        """Take a piece."""
        self._texts.append(text)
        self._size += len(text)
        if self._size >= _BLOCK:
            await self.flush()

    def count(self, rows: int) -> None:
        """So many more rows of the export are in what was put."""
        self._file.count(rows)

    async def flush(self) -> None:
        """Write what is there."""
        data = "".join(self._texts).encode(self._encoding)
        self._texts, self._size = [], 0
        await asyncio.to_thread(self._file.write, data)
