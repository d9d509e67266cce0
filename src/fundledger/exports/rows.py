"""What the formats of rows share: their parts, and the statements of one part, run one after another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from fundledger.db.connection import Connection
from fundledger.exports.copying import Sink, copy_rows
from fundledger.exports.edges import arguments, pages
from fundledger.exports.parts import Part
from fundledger.exports.scope import Scope
from fundledger.exports.statements import Render, edges, long_entry, prepare, stretch
from fundledger.exports.stretches import cut, runs

NAMES: Final = {
    "transfers": "transfers",
    "payment_voucher": "payment-vouchers",
    "accounting_voucher": "accounting-vouchers",
}


async def parts_of(connection: Connection, scope: Scope, suffix: str, rows_max: int) -> AsyncIterator[Part]:
    """Files of at most `rows_max` rows; a subject's trail is one file, its rows not known beforehand."""
    name = NAMES[scope.layout]
    if scope.subject is not None:
        yield Part(1, f"trail-{name}{suffix}", 0)
        return
    sides = 2 if scope.layout == "accounting_voucher" else 1
    number = 0
    async for piece in cut(connection, scope, rows_max // sides):
        number += 1
        yield Part(number, f"{name}-{number:04}{suffix}", piece.lines * sides, piece.key)


async def copy_part(
    connection: Connection,
    scope: Scope,
    part: Part,
    sink: Sink,
    render: Render,
) -> int:
    """COPY the rows of a part to the sink as CSV, values as `render` has them; how many there were."""
    rows = 0
    async for query, values in _statements(connection, scope, part, render):
        rows += await copy_rows(connection, query, values, sink)
    return rows


async def _statements(
    connection: Connection, scope: Scope, part: Part, render: Render
) -> AsyncIterator[tuple[str, tuple[Any, ...]]]:
    await prepare(connection)
    if scope.subject is not None:
        query = edges(scope.layout, render)
        async for page in pages(connection, scope):
            for values in arguments(page):
                yield query, values
        return
    for run in await runs(connection, scope, part.key):
        yield (long_entry if run.is_long else stretch)(scope.layout, render), run.values
