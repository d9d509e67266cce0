"""XLSX: the rows of COPY as worksheet XML (`lines`), compressed into a workbook of one sheet per part.

Texts are inline strings, never formulas; amounts are numbers shown with two decimals, days are days, instants text.
A text longer than a cell may be is cut and ends in "…"; a character that XML has no place for becomes U+FFFD.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import IO, Final, cast

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.exports.columns import Column, columns_of
from fundledger.exports.copying import Sink
from fundledger.exports.lines import Cell, Line
from fundledger.exports.parts import Format, Output, Part, WriteOnly
from fundledger.exports.rows import copy_part, parts_of
from fundledger.exports.scope import LAYOUTS, Scope
from fundledger.exports.statements import as_text
from fundledger.files.xlsx_out import MEDIA_TYPE, Workbook

ROWS_MAX: Final = 250_000
"""Rows of a file: far below Excel's 1,048,576, because a sheet may not grow beyond 2 GiB of XML."""
XML_MAX: Final = 2**31 - 2**20
CELL_MAX: Final = 32_767
_LEVEL: Final = 1
_BAD: Final = (*(number for number in range(1, 32) if number not in (9, 10, 13)), 0xFFFE, 0xFFFF)
_ESCAPES: Final = {
    **dict.fromkeys(_BAD, "\ufffd"), ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;",
    ord("\n"): "&#10;", ord("\r"): "&#13;",
}  # fmt: skip


class Sheet:
    """A workbook into which blocks of COPY's CSV go as they come."""

    def __init__(self, file: Output, columns: tuple[Column, ...]) -> None:
        """With its first row: the names of the columns."""
        self._workbook = Workbook(cast(IO[bytes], WriteOnly(file)), level=_LEVEL)
        self._workbook.add([[column.name for column in columns]])
        self._line = Line([_cell(column) for column in columns], "<row>", "", "</row>")
        self._size = 0

    def take(self, rows: bytes) -> None:
        """Whole rows, below those before; `export-part-too-large`."""
        xml = self._line.text(rows)
        self._size += len(xml)
        if self._size > XML_MAX:
            raise problem("export-part-too-large")
        self._workbook.add_xml(xml)

    def finish(self) -> None:
        """No row comes after this."""
        self._workbook.finish()


async def _parts(connection: Connection, scope: Scope) -> AsyncIterator[Part]:
    async for part in parts_of(connection, scope, ".xlsx", ROWS_MAX):
        yield part


async def _write(connection: Connection, scope: Scope, file: Output, part: Part) -> int:
    sheet = await asyncio.to_thread(Sheet, file, columns_of(scope.layout, trail=scope.subject is not None))
    sink = Sink(file, sheet.take)
    rows = await copy_part(connection, scope, part, sink, _value)
    await sink.close()
    await asyncio.to_thread(sheet.finish)
    return rows


def _value(column: Column, sql: str) -> str:
    """A day as Excel counts them, everything else as text."""
    return f"({sql}) - DATE '1899-12-30'" if column.kind == "day" else as_text(column, sql)


def _cell(column: Column) -> Cell:
    style = {"amount": ' s="1"', "day": ' s="2"', "count": ""}.get(column.kind)
    if style is not None:
        return Cell(f"<c{style}><v>", "</v></c>", "<c/>")
    typed = ' xml:space="preserve"' if column.kind == "text" else ""
    escape = _escaped if column.kind in ("text", "code") else None
    return Cell(f'<c t="inlineStr"><is><t{typed}>', "</t></is></c>", "<c/>", escape)


def _escaped(text: str) -> str:
    cut = text if len(text) <= CELL_MAX else text[: CELL_MAX - 1] + "…"
    return cut.translate(_ESCAPES)


FORMATS: Final = (
    Format("xlsx", MEDIA_TYPE, ".xlsx", "Excel 工作簿", "Excel workbook", _parts, _write, layouts=LAYOUTS),
)
