"""Parquet: COPY's CSV parsed by Arrow block by block, written in row groups of one size.

Amounts are decimal128(18, 2), days date32, instants timestamps in UTC. Memory: one block and one row group.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from fundledger.db.connection import Connection
from fundledger.exports.columns import Kind, columns_of
from fundledger.exports.copying import Sink
from fundledger.exports.lines import parsed
from fundledger.exports.parts import Format, Output, Part, WriteOnly
from fundledger.exports.rows import copy_part, parts_of
from fundledger.exports.scope import LAYOUTS, Scope
from fundledger.exports.statements import as_text

ROWS_MAX: Final = 1_000_000
GROUP: Final = 32_768
"""Rows of a row group: always the same cut, so that the bytes don't depend on how the rows arrived."""
_BLOCK: Final = 4 << 20


class _Table:
    """Rows in, row groups out."""

    def __init__(self, file: Output, scope: Scope) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._arrow = pa
        columns = columns_of(scope.layout, trail=scope.subject is not None)
        self._schema = pa.schema([pa.field(column.name, _type(pa, column.kind)) for column in columns])
        self._writer = parquet.ParquetWriter(
            pa.PythonFile(WriteOnly(file), mode="w"), self._schema, compression="zstd", compression_level=1
        )
        self._held: Any = self._schema.empty_table()

    def take(self, rows: bytes) -> None:
        """Parse a block of whole rows; write the groups that are full."""
        types = dict(zip(self._schema.names, self._schema.types, strict=True))
        self._held = self._arrow.concat_tables([self._held, parsed(rows, types)])
        while self._held.num_rows >= GROUP:
            self._writer.write_table(self._held.slice(0, GROUP), row_group_size=GROUP)
            self._held = self._held.slice(GROUP)

    def finish(self) -> None:
        """Write what is left, and the footer."""
        if self._held.num_rows:
            self._writer.write_table(self._held, row_group_size=GROUP)
        self._writer.close()


def _type(pa: Any, kind: Kind) -> Any:
    types = {
        "amount": pa.decimal128(18, 2),
        "count": pa.int64(),
        "day": pa.date32(),
        "instant": pa.timestamp("us", "UTC"),
    }
    return types.get(kind, pa.string())


async def _parts(connection: Connection, scope: Scope) -> AsyncIterator[Part]:
    async for part in parts_of(connection, scope, ".parquet", ROWS_MAX):
        yield part


async def _write(connection: Connection, scope: Scope, file: Output, part: Part) -> int:
    table = await asyncio.to_thread(_Table, file, scope)
    sink = Sink(file, table.take, _BLOCK)
    rows = await copy_part(connection, scope, part, sink, as_text)
    await sink.close()
    await asyncio.to_thread(table.finish)
    return rows


FORMATS: Final = (
    Format(
        "parquet", "application/vnd.apache.parquet", ".parquet", "Parquet 列存", "Parquet", _parts, _write,
        layouts=LAYOUTS,
    ),
)  # fmt: skip
