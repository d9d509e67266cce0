"""XLSX: the database writes each row as XML, this side compresses it. A workbook of one sheet per part.

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
from fundledger.exports.copying import VERBATIM, Sink
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
_BAD: Final = "".join(f"\\x{number:02x}" for number in range(1, 32) if number not in (9, 10, 13))
_TRANSLATE: Final = f"E'{_BAD}' || U&'\\FFFE\\FFFF', repeat(U&'\\FFFD', {len(range(1, 32)) - 3 + 2})"


class _Sheet:
    """Blocks of rows go into the workbook as they come."""

    def __init__(self, file: Output) -> None:
        self.workbook = Workbook(cast(IO[bytes], WriteOnly(file)), level=_LEVEL)
        self._size = 0

    def take(self, rows: bytes) -> None:
        self._size += len(rows)
        if self._size > XML_MAX:
            raise problem("export-part-too-large")
        self.workbook.add_xml(rows)


async def _parts(connection: Connection, scope: Scope) -> AsyncIterator[Part]:
    async for part in parts_of(connection, scope, ".xlsx", ROWS_MAX):
        yield part


async def _write(connection: Connection, scope: Scope, file: Output, part: Part) -> int:
    sheet = await asyncio.to_thread(_Sheet, file)
    names = [column.name for column in columns_of(scope.layout, trail=scope.subject is not None)]
    await asyncio.to_thread(sheet.workbook.add, [names])
    sink = Sink(sheet.take)
    rows = await copy_part(connection, scope, part, sink, VERBATIM, _cell, wrap=_as_row)
    await sink.close()
    await asyncio.to_thread(sheet.workbook.finish)
    return rows


def _as_row(query: str, names: list[str]) -> str:
    cells = " || ".join(f'row_."{name}"' for name in names)
    return f"SELECT '<row>' || {cells} || '</row>' FROM ({query} OFFSET 0) row_"


def _cell(column: Column, sql: str) -> str:
    if column.kind == "amount":
        made = f"'<c s=\"1\"><v>' || ({sql}) * 0.01 || '</v></c>'"
    elif column.kind == "count":
        made = f"'<c><v>' || ({sql}) || '</v></c>'"
    elif column.kind == "day":
        made = f"'<c s=\"2\"><v>' || (({sql}) - DATE '1899-12-30') || '</v></c>'"
    else:
        made = f"'<c t=\"inlineStr\"><is><t xml:space=\"preserve\">' || {_text(column, sql)} || '</t></is></c>'"
    return f"coalesce({made}, '<c/>')"


def _text(column: Column, sql: str) -> str:
    """The value as XML text; ids and instants need no care."""
    if column.kind in ("id", "instant"):
        return f"({as_text(column, sql)})"
    cut = f"CASE WHEN length({sql}) > {CELL_MAX} THEN left({sql}, {CELL_MAX - 1}) || '…' ELSE ({sql}) END"
    if column.kind == "code":
        return f"replace(replace(replace({sql}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
    made = f"translate({cut}, {_TRANSLATE})"
    # A row is a line: COPY would put one with a line break into quotes.
    for plain, escaped in (
        ("'&'", "&amp;"),
        ("'<'", "&lt;"),
        ("'>'", "&gt;"),
        ("chr(10)", "&#10;"),
        ("chr(13)", "&#13;"),
    ):
        made = f"replace({made}, {plain}, '{escaped}')"
    return made


FORMATS: Final = (
    Format("xlsx", MEDIA_TYPE, ".xlsx", "Excel 工作簿", "Excel workbook", _parts, _write, layouts=LAYOUTS),
)
