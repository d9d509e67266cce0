"""Reading an uploaded .xlsx file into columns of text, and naming every fault with its line and column.

A spreadsheet shows one thing and holds another: a card number that lost its last digits, a date that is a text, a sum
that is a formula over another sheet. So every column has one kind of cell, nothing is guessed or converted, and all
cells of another kind are named at once. Line numbers are the row numbers a spreadsheet shows; the header is line 1.
One sheet holds the list; the template's 填表说明 is skipped. A row with a fault is left out. No fault holds what a cell
contains.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import compress
from typing import Literal

from fundledger.errors import Fault, ParamValue
from fundledger.files.csv_rows import Heading, cell_faults
from fundledger.files.xlsx_cells import (
    Block,
    Broken,
    Cell,
    Day,
    Flag,
    Formula,
    Number,
    Sheet,
    column_letters,
)
from fundledger.files.xlsx_package import BadWorkbookError, Package, SheetPart

Kind = Literal["text", "number", "date"]
"""What the cells of a column are: `number` a number (amounts, quantities), `date` a date, `text` everything else."""

NOTES = frozenset({"填表说明"})
"""Sheets that explain; their content is nobody's list."""
FAULTS_MAX = 100_000
HEADER_SOUGHT = 10
"""Rows in which a header that is not in the first one is looked for, to say so."""
DIGITS_KEPT = 15
"""Significant digits a spreadsheet's number keeps; a longer number has lost the others."""

_SIGNS = "=+-@＝＋－＠\t\r\n"
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,2})?")
_ANY_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[Ee][+-]?[0-9]{1,2})?")
_ISO_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T00:00:00(?:\.0+)?Z?)?")
_SHOWN = 40
_CENT = Decimal("0.01")


@dataclass(slots=True)
class SheetRows:
    """A file that was read: `lines` are the row numbers of the good rows, `columns` their cells by field."""

    faults: list[Fault] = field(default_factory=list)
    headings: dict[str, str] = field(default_factory=dict)
    """Field -> the heading as the file writes it, in the file's order: the `column` for faults found later."""
    lines: list[int] = field(default_factory=list)
    columns: dict[str, list[str | None]] = field(default_factory=dict)
    sheet: str = ""
    """The name of the sheet that was read."""

    def __len__(self) -> int:
        """How many rows iteration gives: those without a fault."""
        return len(self.lines)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Every good row in order: its number, and its cells by field; an empty one is not there."""
        names = list(self.columns)
        for line, cells in zip(self.lines, zip(*self.columns.values(), strict=True), strict=True):
            yield line, {name: cell for name, cell in zip(names, cells, strict=True) if cell}


def read_sheet(
    data: bytes, *, columns: Mapping[str, str], required: Iterable[str], kinds: Mapping[str, Kind], max_lines: int
) -> SheetRows:
    """Read an uploaded .xlsx file and find every fault of its form. Nothing is raised for a bad file: see `faults`.

    `columns` maps every accepted heading to its field, `required` must be there, `kinds` names the fields that are
    not text, `max_lines` bounds the rows. Numbers come as plain decimals ("160.5"), dates as ISO. Codes: those of
    `Package` (no rows), `sheet-…` for the sheet as a whole, `csv-…` for the header as in a CSV file, `cell-…` for a
    cell.
    """
    try:
        package = Package(data)
        part, faults = _chosen(package)
        if part is None:
            return SheetRows(faults or [Fault("csv-empty")])
        reader = _Reader(Sheet(package, part.path), package.since_1904, kinds, max_lines)
        rows = reader.read(columns, required)
    except BadWorkbookError as error:
        return SheetRows([Fault(error.code)])
    rows.sheet = part.name
    rows.faults[:0] = faults
    return rows


def _chosen(package: Package) -> tuple[SheetPart | None, list[Fault]]:
    """The first visible sheet with content, and a fault for every other sheet with content."""
    filled = [
        part for part in package.sheets if part.name.strip() not in NOTES and Sheet(package, part.path).has_cells()
    ]
    shown = [part for part in filled if not part.hidden]
    faults = [Fault("sheet-hidden", {"sheet": _name(part)}) for part in filled if part.hidden]
    faults += [Fault("sheet-not-alone", {"sheet": _name(part), "first": _name(shown[0])}) for part in shown[1:]]
    return (shown[0] if shown else None), faults


def _name(part: SheetPart) -> str:
    return "".join(letter for letter in part.name if letter.isprintable())[:_SHOWN]


class _Reader:
    """Reads one sheet: the header, then block after block."""

    def __init__(self, sheet: Sheet, since_1904: bool, kinds: Mapping[str, Kind], max_lines: int) -> None:
        self._sheet = sheet
        self._epoch = date(1904, 1, 1) if since_1904 else date(1899, 12, 30)
        self._kinds = kinds
        self._max_lines = max_lines
        self._faults: list[Fault] = []
        self._rows = SheetRows(self._faults)
        self._names: list[str] = []
        self._shown: list[str] = []
        self._taken = 0
        self._last_line = 1

    def read(self, columns: Mapping[str, str], required: Iterable[str]) -> SheetRows:
        """The whole sheet."""
        if not self._header(columns, list(required)):
            return self._rows
        self._rows.columns = {name: [] for name in self._names}
        for block in self._sheet.blocks(len(self._names)):
            if not self._take(block):
                break
        self._look_around()
        return self._rows

    def _header(self, columns: Mapping[str, str], required: list[str]) -> bool:
        """Match the first row; where it is no header, or not the only one, say so."""
        rows = [(line, cells) for line, cells in self._sheet.first_rows(HEADER_SOUGHT) if cells]
        if not rows:
            self._faults.append(Fault("csv-empty"))
            return False
        line, cells = rows[0]
        heading = Heading(columns, required)
        heading.read(line, [str(cells.get(place) or "") for place in range(max(cells) + 1)])
        for later, found in rows[1:]:
            if heading.known(map(str, found.values())) >= min(2, len(heading.headings) or 2):
                self._faults.append(Fault("sheet-header-twice" if heading.headings else "sheet-header-not-first",
                                          line=later))  # fmt: skip
                return False
        if line != 1 and heading.headings:
            self._faults.append(Fault("sheet-header-not-first", line=line))
            return False
        if heading.faults:
            self._faults += heading.faults
            return False
        self._rows.headings = heading.headings
        self._names, self._shown = list(heading.headings), list(heading.headings.values())
        return True

    def _take(self, block: Block) -> bool:
        """Add the good rows of a block; False once there are too many."""
        lines, columns = _without_header(block)
        lines, columns = self._without_blank(lines, columns)
        room = self._max_lines - self._taken
        self._taken += len(lines)
        if len(lines) > room:
            self._fault("csv-too-many-lines", lines[room], maximum=self._max_lines)
            columns = [column[:room] for column in columns]
        kept = lines[:room]
        bad: set[int] = set(block.hidden)
        for line in block.hidden:
            self._fault("sheet-hidden-row", line)
        for line, place in block.beyond:
            bad.add(line)
            self._fault("cell-beyond-header", line, cell=f"{column_letters(place + 1)}{line}")
        read = [self._column(place, kept, column, block.kinds[place], bad) for place, column in enumerate(columns)]
        good = [line not in bad for line in kept]
        self._rows.lines += compress(kept, good) if bad else kept
        for name, column in zip(self._names, read, strict=True):
            self._rows.columns[name] += compress(column, good) if bad else column
        return len(lines) <= room

    def _without_blank(self, lines: list[int], columns: list[list[Cell]]) -> tuple[list[int], list[list[Cell]]]:
        """Without rows that hold nothing; those between filled ones are named (a spreadsheet's end is often blank)."""
        if not any(map(all, columns)):
            filled = [any(cell and not cell.isspace() for cell in cells) for cells in zip(*columns, strict=True)]
            lines = list(compress(lines, filled))
            columns = [list(compress(column, filled)) for column in columns]
        if lines and lines[-1] - self._last_line != len(lines):
            before = self._last_line
            for line in lines:
                if line > before + 1:
                    self._fault("sheet-blank-rows", before + 1, last=line - 1)
                before = line
        self._last_line = max(lines, default=self._last_line)
        return lines, columns

    def _column(
        self, place: int, lines: list[int], cells: list[Cell], uniform: type[str] | None, bad: set[int]
    ) -> list[str | None]:
        """The cells of a column as text; those of another kind are named and their lines added to `bad`."""
        kind = self._kinds.get(self._names[place], "text")
        types: set[type] = {uniform} if uniform else set(map(type, cells))
        if kind == "number" and types <= {Number, type(None)}:
            # Amounts repeat; each is looked at once.
            table: dict[Cell, str | None] = {cell: None if cell is None else _plain(cell) for cell in set(cells)}
            if not any(map(_too_precise, filter(None, table.values()))):
                return [table[cell] for cell in cells]
        if kind == "text" and types <= {str, type(None)} and _clean(cells):
            return cells
        if uniform:
            cells = [uniform(cell) if cell else None for cell in cells]
        return [
            None if cell is None else self._cell(place, kind, line, cell, bad)
            for line, cell in zip(lines, cells, strict=True)
        ]

    def _cell(self, place: int, kind: Kind, line: int, cell: str, bad: set[int]) -> str | None:
        """One cell as text; None where it is blank, or at fault and then named."""
        if type(cell) is str and not cell.strip():
            return None
        value, code = None, _WRONG.get((kind, type(cell)))
        if code is not None:
            if code == "cell-number-not-text" and _digits(cell) > DIGITS_KEPT:
                code = "cell-digits-lost"
        elif kind == "text":
            faults = cell_faults(line, [cell], [self._shown[place]])
            self._faults += faults
            bad.update([line] if faults else [])
            return cell.strip()
        elif kind == "number":
            value = _plain(cell)
            code = "cell-decimals" if _too_precise(value) else None
        else:
            value = self._day(cell)
            code = None if value else "cell-not-a-day"
        if code is not None:
            bad.add(line)
            self._fault(code, line, self._shown[place], cell=f"{column_letters(place + 1)}{line}")
        return value

    def _day(self, raw: str) -> str | None:
        """A date cell as ISO; None with a time of day, or where it is no date."""
        iso = _ISO_DAY.fullmatch(raw)
        if iso:
            return iso.group(1)
        days = _plain(raw)
        # Spreadsheets believe in 29 February 1900; before it their dates are a day off, and nobody means them.
        if not (days.isascii() and days.isdigit()) or not 61 <= int(days[:9]) <= 100_000:
            return None
        return (self._epoch + timedelta(days=int(days))).isoformat()

    def _look_around(self) -> None:
        """Merged cells and hidden columns, as far as they touch the list."""
        width = len(self._names)
        around = self._sheet.around
        for left, top, right, bottom in around.merged:
            if left <= width and top <= self._last_line:
                area = f"{column_letters(left)}{top}:{column_letters(right)}{bottom}"
                self._fault("sheet-merged-cells", top, self._shown[left - 1], area=area)
        for place in sorted(around.hidden_columns):
            if place <= width:
                self._fault("sheet-hidden-column", 1, self._shown[place - 1], letter=column_letters(place))

    def _fault(self, code: str, line: int, column: str | None = None, **params: ParamValue) -> None:
        if len(self._faults) < FAULTS_MAX:
            self._faults.append(Fault(code, params, line=line, column=column))


_WRONG: dict[tuple[str, type], str] = {
    ("text", Number): "cell-number-not-text", ("text", Day): "cell-date-not-wanted",
    ("number", str): "cell-text-not-number", ("number", Day): "cell-date-not-wanted",
    ("date", str): "cell-text-not-date", ("date", Number): "cell-number-not-date",
    **{(kind, Flag): "cell-boolean" for kind in ("text", "number", "date")},
    **{(kind, Broken): "cell-error" for kind in ("text", "number", "date")},
    **{(kind, Formula): "cell-formula" for kind in ("text", "number", "date")},
}  # fmt: skip


def _without_header(block: Block) -> tuple[list[int], list[list[Cell]]]:
    if block.lines and block.lines[0] == 1:
        return block.lines[1:], [column[1:] for column in block.columns]
    return block.lines, block.columns


def _clean(cells: Sequence[Cell]) -> bool:
    """Is there surely no fault inside the texts of a column, and nothing to strip? Looks at all of them at once."""
    joined = "".join(filter(None, cells))
    return (
        joined.isprintable()
        and " " not in joined
        and "\ufffd" not in joined
        and not any(sign in joined for sign in _SIGNS)
        and (len(joined) < 32_767 or max(map(len, filter(None, cells)), default=0) <= 32_767)
    )


def _plain(raw: str) -> str:
    """A number as plain decimals; what is no number stays as it is.

    A spreadsheet holds binary fractions, and programs write them with 16 or 17 digits: 709.43 stands in the file as
    709.42999999999995. That is read as the number of two decimals it is the nearest binary fraction of; nothing else
    is rounded, so 0.1+0.2, which is another binary fraction than 0.3, stays 0.30000000000000004.
    """
    if _PLAIN_NUMBER.fullmatch(raw) or not _ANY_NUMBER.fullmatch(raw):
        return str(raw)
    number = Decimal(raw)
    if abs(number.adjusted()) < DIGITS_KEPT:
        near = number.quantize(_CENT)
        if number in (Decimal(f"{float(near):.16g}"), Decimal(f"{float(near):.17g}")):
            number = near
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _too_precise(plain: str) -> bool:
    """More decimals than any amount or quantity has: 0.1+0.2 is 0.30000000000000004, whatever a sheet shows."""
    return len(plain.partition(".")[2]) > 2


def _digits(raw: str) -> int:
    """Significant digits of a number, and those that scientific notation no longer shows."""
    if not _ANY_NUMBER.fullmatch(raw):
        return 0
    number = Decimal(raw)
    return max(len(number.as_tuple().digits), number.adjusted() + 1)
