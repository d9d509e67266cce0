"""A table as people upload it, CSV or .xlsx, told apart by its first bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fundledger.files.csv_rows import CsvRows, read_rows
from fundledger.files.xlsx_rows import Kind, SheetRows, read_sheet

SHEET_BYTES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx files (and old or encrypted ones, which are then named) begin; no text of a table does."""


def read_table(
    data: bytes, *, columns: Mapping[str, str], required: Iterable[str], kinds: Mapping[str, Kind], max_lines: int
) -> CsvRows | SheetRows:
    """The rows of a file and every fault of its form; see `read_rows` and `read_sheet`."""
    if data.startswith(SHEET_BYTES):
        return read_sheet(data, columns=columns, required=required, kinds=kinds, max_lines=max_lines)
    return read_rows(data, columns=columns, required=required, max_lines=max_lines)
