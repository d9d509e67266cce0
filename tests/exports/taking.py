"""Short words for taking an export in a test: settle, write every part, read it back."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, time
from typing import Any

import openpyxl
import pyarrow as pa
from pyarrow import parquet

from fundledger.db.connection import Connection
from fundledger.exports.folder import Hashed, Progress
from fundledger.exports.formats import format_for
from fundledger.exports.parts import Part
from fundledger.exports.scope import Scope, settle
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT

EVERY = (CITY, OTHER_DISTRICT, DISTRICT)


async def scope_of(connection: Connection, **asked: Any) -> Scope:
    """A scope of every book, as of now unless told otherwise."""
    return await settle(connection, asked.pop("books", EVERY), **asked)


async def taken(connection: Connection, name: str, scope: Scope) -> list[tuple[Part, bytes]]:
    """Every part of an export with its bytes, each transaction as the runner does it."""
    form = format_for(name, scope)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        parts = [part async for part in form.parts(connection, scope)]
    found = []
    for part in parts:
        file, progress = io.BytesIO(), Progress()
        out = Hashed(file, progress)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await form.write(connection, scope, out, part)
        if scope.subject is None and scope.layout != "payment_voucher":
            assert rows == part.rows
        assert progress.rows == rows
        assert progress.bytes == len(file.getvalue())
        found.append((part, file.getvalue()))
    return found


async def csv_rows(connection: Connection, scope: Scope) -> list[dict[str, str]]:
    """The rows of a CSV export."""
    parts = await taken(connection, "csv", scope)
    before = csv.field_size_limit(10**7)  # the whole process's: given back at once
    try:
        return [row for _, data in parts
                for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))]  # fmt: skip
    finally:
        csv.field_size_limit(before)


async def json_rows(connection: Connection, scope: Scope) -> list[dict[str, Any]]:
    """The rows of an NDJSON export."""
    return [json.loads(line) for _, data in await taken(connection, "ndjson", scope)
            for line in data.decode().splitlines()]  # fmt: skip


async def sheet_rows(connection: Connection, scope: Scope) -> list[dict[str, Any]]:
    """The rows of an XLSX export."""
    found: list[dict[str, Any]] = []
    for _, data in await taken(connection, "xlsx", scope):
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        head, *rows = book.worksheets[0].iter_rows(values_only=True)
        found += [dict(zip(map(str, head), row, strict=True)) for row in rows]
        book.close()
    return found


async def parquet_rows(connection: Connection, scope: Scope) -> list[dict[str, Any]]:
    """The rows of a Parquet export."""
    return [row for _, data in await taken(connection, "parquet", scope)
            for row in parquet.read_table(pa.BufferReader(data)).to_pylist()]  # fmt: skip


def as_csv(row: dict[str, Any]) -> dict[str, str]:
    """A row of any format as a CSV file has it."""
    return {name: _cell(value) for name, value in row.items()}


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            assert value.time() == time(), value
            return value.date().isoformat()
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, float):
        return f"{value:.2f}"
    return "" if value is None else str(value)


def fen(text: str) -> int:
    """Fen of an amount as an export writes it."""
    assert text[-3] == ".", text
    return int(text.replace(".", ""))
