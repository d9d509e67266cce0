"""Rows of COPY's CSV written again: nothing, an empty text and hostile texts stay apart, however the rows are cut."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import openpyxl
import pytest

from fundledger.errors import FundledgerError
from fundledger.exports import workbook
from fundledger.exports.columns import Column
from fundledger.exports.copying import rows_in
from fundledger.exports.delimited import json_line
from fundledger.exports.folder import Hashed
from fundledger.exports.workbook import CELL_MAX

COLUMNS = (
    Column("文", "text", "", "", ""), Column("字", "code", "", "", ""), Column("金额", "amount", "", "", ""),
    Column("数", "count", "", "", ""), Column("日", "day", "", "", ""),
)  # fmt: skip
CONTROLS = "".join(map(chr, range(1, 32)))
TEXTS = (
    None, "", " ", "  两头空  ", "=1+1", "@x", "null", "NULL", "\\N", "\\.", '"', '""', "'", ",", "a,b", "\n", "\r", "\r\n",
    "\\", "\\u0041", "</t></is></c></row><row>", "&amp;", "]]>", CONTROLS, "\x7f\x85\u2028", "\ufffe\uffff", "𠀀😀",
    "长" * CELL_MAX, "长" * (CELL_MAX + 1), "&" * (CELL_MAX + 1),
)  # fmt: skip
ROWS: Sequence[tuple[str | None, ...]] = [
    (text, text, None if text is None else "12.30", None if text is None else "-7", None) for text in TEXTS * 3
]


def as_copy(rows: Sequence[tuple[str | None, ...]]) -> bytes:
    """CSV as COPY writes it: nothing is empty, an empty text is quoted, as is every other here."""
    out = io.StringIO(newline="")
    for row in rows:
        out.write(",".join("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row) + "\n")
    return out.getvalue().encode()


def cuts(size: int) -> list[bytes]:
    """The rows in blocks of so many."""
    return [as_copy(ROWS[first : first + size]) for first in range(0, len(ROWS), size)]


def test_the_rows_are_what_python_reads_of_them() -> None:
    rows = csv.reader(io.StringIO(as_copy(ROWS).decode(), newline=""))
    assert [[cell or None for cell in row] for row in rows] == [[cell or None for cell in row] for row in ROWS]


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_the_rows_of_a_block_are_counted_however_many_lines_they_have(size: int) -> None:
    assert sum(map(rows_in, cuts(size))) == len(ROWS)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_json_lines_hold_every_text_and_tell_nothing_from_an_empty_one(size: int) -> None:
    lines = b"".join(map(json_line(COLUMNS).text, cuts(size)))
    found = [json.loads(line) for line in lines.decode().split("\n")[:-1]]
    assert [tuple(row) for row in found] == [("文", "字", "金额", "数", "日")] * len(ROWS)
    assert [(row["文"], row["字"], row["金额"], row["数"], row["日"]) for row in found] == [
        (text, code, amount, None if count is None else int(count), day) for text, code, amount, count, day in ROWS
    ]


def sheet(size: int) -> bytes:
    """A workbook of the rows, taken in blocks of so many."""
    file = io.BytesIO()
    made = workbook.Sheet(Hashed(file), COLUMNS)
    for block in cuts(size):
        made.take(block)
    made.finish()
    return file.getvalue()


def in_a_cell(text: str | None) -> str | None:
    """A text as a cell holds it."""
    if text is None:
        return None
    cut = text if len(text) <= CELL_MAX else text[: CELL_MAX - 1] + "…"
    return "".join("\ufffd" if (ord(c) < 32 and c not in "\t\n\r") or c in "\ufffe\uffff" else c for c in cut)


def test_a_workbook_holds_every_text_as_text_and_is_the_same_however_it_came() -> None:
    whole = sheet(10_000)
    assert {sheet(size) for size in (1, 2, 7)} == {whole}
    cells = list(openpyxl.load_workbook(io.BytesIO(whole)).worksheets[0].iter_rows())
    assert [cell.value for cell in cells[0]] == ["文", "字", "金额", "数", "日"]
    assert len(cells) == len(ROWS) + 1
    for (text, code, amount, count, day), (expected, *_) in zip(cells[1:], ROWS, strict=True):
        assert (text.value or "", code.value or "") == (in_a_cell(expected) or "",) * 2
        assert (amount.value, count.value, day.value) == ((12.3, -7, None) if expected is not None else (None,) * 3)
        assert {text.data_type, code.data_type} <= {"s", "inlineStr", "n" if not expected else "s"}


def test_a_sheet_that_grows_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "XML_MAX", 1_000)
    with pytest.raises(FundledgerError, match="export-part-too-large"):
        sheet(10_000)
