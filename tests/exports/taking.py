"""Short words for taking an export in a test: settle, write every part, read it back."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from fundledger.db.connection import Connection
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
        file = io.BytesIO()
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await form.write(connection, scope, file, part)
        if scope.subject is None and scope.layout != "payment_voucher":
            assert rows == part.rows
        found.append((part, file.getvalue()))
    return found


async def csv_rows(connection: Connection, scope: Scope) -> list[dict[str, str]]:
    """The rows of a CSV export."""
    return [row for _, data in await taken(connection, "csv", scope)
            for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))]  # fmt: skip


async def json_rows(connection: Connection, scope: Scope) -> list[dict[str, Any]]:
    """The rows of an NDJSON export."""
    return [json.loads(line) for _, data in await taken(connection, "ndjson", scope)
            for line in data.decode().splitlines()]  # fmt: skip


def fen(text: str) -> int:
    """Fen of an amount as an export writes it."""
    assert text[-3] == ".", text
    return int(text.replace(".", ""))
