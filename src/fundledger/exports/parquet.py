"""Parquet: COPY's CSV parsed by Arrow block by block, written in row groups of one size.

Amounts are decimal128(18, 2), days date32, instants timestamps in UTC. Memory: one block and one row group.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from fundledger.db.connection import Connection
from fundledger.exports.columns import Kind, columns_of
from fundledger.exports.copying import CSV, Sink
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
        from pyarrow import csv

        names = self._schema.names
        parsed = csv.read_csv(
            self._arrow.BufferReader(rows),
            read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=len(rows) + 1),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=self._schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )
        self._held = self._arrow.concat_tables([self._held, parsed])
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
    sink = Sink(table.take, _BLOCK)
    rows = await copy_part(connection, scope, part, sink, CSV, as_text)
    await sink.close()
    await asyncio.to_thread(table.finish)
    return rows


FORMATS: Final = (
    Format(
        "parquet", "application/vnd.apache.parquet", ".parquet", "Parquet 列存", "Parquet", _parts, _write,
        layouts=LAYOUTS,
    ),
)  # fmt: skip
