"""COPY's CSV parsed by Arrow, and its rows written again as another text: worksheet XML, JSON lines.

Writing such text costs the database several times what the rows cost, and it has one processor for it. So it sends
plain CSV, and the threads of `copying.Sink` do the rest beside it, a block at a time; Arrow holds no lock meanwhile.
Values repeat a lot within a block: each one is escaped and wrapped once. The text depends on the rows alone, not on how
they were cut into blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Escape = Callable[[str], str]


def parsed(rows: bytes, types: Mapping[str, Any]) -> Any:
    """A pyarrow Table of whole rows of COPY's CSV, columns named and typed as in `types`.

    A null and an empty text stay two things, as in CSV.
    """
    import pyarrow as pa
    from pyarrow import csv

    return csv.read_csv(
        pa.BufferReader(rows),
        read_options=csv.ReadOptions(column_names=list(types), use_threads=False, block_size=len(rows) + 1),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )


@dataclass(frozen=True, slots=True)
class Cell:
    """How a value of one column is written: between `before` and `after`, escaped; `null` stands for none."""

    before: str
    after: str
    null: str
    escape: Escape | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """How a row is written: its cells, what stands between them, before the first and after the last."""

    cells: Sequence[Cell]
    before: str
    between: str
    after: str

    def text(self, rows: bytes) -> bytes:
        """Whole rows of COPY's CSV as this text."""
        import pyarrow as pa
        from pyarrow import compute

        kind = pa.dictionary(pa.int32(), pa.string())
        table = parsed(rows, {str(number): kind for number in range(len(self.cells))}).combine_chunks()
        cells = [_written(cell, column.chunk(0)) for cell, column in zip(self.cells, table.columns, strict=True)]
        inner = compute.binary_join_element_wise(*cells, self.between)
        lines = compute.binary_join_element_wise(self.before, inner, self.after, "")
        size = compute.sum(compute.binary_length(lines)).as_py()
        return bytes(lines.buffers()[2].slice(0, size).to_pybytes())


def _written(cell: Cell, values: Any) -> Any:
    """The column's cells; `values` is a DictionaryArray of texts."""
    import pyarrow as pa
    from pyarrow import compute

    distinct = values.dictionary
    if cell.escape is not None:
        distinct = pa.array(map(cell.escape, distinct.to_pylist()), pa.string())
    distinct = compute.binary_join_element_wise(cell.before, distinct, cell.after, "")
    return compute.fill_null(distinct.take(values.indices), cell.null)
