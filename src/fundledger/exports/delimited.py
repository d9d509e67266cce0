"""CSV and NDJSON: COPY writes the one, escaping included; `lines` makes the other of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Final

from fundledger.db.connection import Connection
from fundledger.exports.columns import Column, columns_of
from fundledger.exports.copying import Sink, put
from fundledger.exports.lines import Cell, Line
from fundledger.exports.parts import Format, Output, Part
from fundledger.exports.rows import copy_part, parts_of
from fundledger.exports.scope import LAYOUTS, Scope
from fundledger.exports.statements import as_cell, as_text
from fundledger.files.csv_table import BOM

ROWS_MAX: Final = 1_000_000


async def _csv_parts(connection: Connection, scope: Scope) -> AsyncIterator[Part]:
    async for part in parts_of(connection, scope, ".csv", ROWS_MAX):
        yield part


async def _ndjson_parts(connection: Connection, scope: Scope) -> AsyncIterator[Part]:
    async for part in parts_of(connection, scope, ".ndjson", ROWS_MAX):
        yield part


async def _write_csv(connection: Connection, scope: Scope, file: Output, part: Part) -> int:
    await put(file, header(scope))
    sink = Sink(file, file.write)
    rows = await copy_part(connection, scope, part, sink, as_cell)
    await sink.close()
    return rows


async def _write_ndjson(connection: Connection, scope: Scope, file: Output, part: Part) -> int:
    line = json_line(columns_of(scope.layout, trail=scope.subject is not None))
    sink = Sink(file, lambda rows: file.write(line.text(rows)))
    rows = await copy_part(connection, scope, part, sink, as_text)
    await sink.close()
    return rows


def json_line(columns: tuple[Column, ...]) -> Line:
    """A row as one JSON object and a line feed."""
    return Line([_member(column) for column in columns], "{", ",", "}\n")


def _member(column: Column) -> Cell:
    """Counts are numbers; amounts, ids, days and instants are texts that need no escaping."""
    name = json.dumps(column.name, ensure_ascii=False) + ":"
    quote = "" if column.kind == "count" else '"'
    return Cell(name + quote, quote, name + "null", _escaped if column.kind in ("text", "code") else None)


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def header(scope: Scope) -> bytes:
    """The first line of a CSV file, with the mark before it if the scope has one."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(
        column.name for column in columns_of(scope.layout, trail=scope.subject is not None)
    )
    return ((BOM if scope.bom else "") + out.getvalue()).encode()


FORMATS: Final = (
    Format("csv", "text/csv; charset=utf-8", ".csv", "CSV 表格", "CSV", _csv_parts, _write_csv, layouts=LAYOUTS),
    Format(
        "ndjson", "application/x-ndjson", ".ndjson", "逐行 JSON", "JSON, an object a line", _ndjson_parts,
        _write_ndjson, layouts=LAYOUTS,
    ),
)  # fmt: skip
