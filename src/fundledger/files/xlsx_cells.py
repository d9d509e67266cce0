"""The cells of a worksheet, block by block: about a megabyte of its XML at a time, so that memory does not grow.

Every program writes rows in nearly the same words, and one pattern per sheet reads a whole row of them at once: half
the time of a general reader. A block in which a single row is written in any other way, or holds a formula or a hidden
row, is read through an XML tree instead; both ways give the same cells, which a test compares. Numbers stay the text
the file holds, so that no float comes near an amount.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.etree import ElementTree as ET

from fundledger.files.xlsx_package import BadWorkbookError, Package, decoded, local, parsed, text_of, unescaped

UNBROKEN_MAX = 16_000_000
"""Bytes without the end of a row: what stands before and after the rows, or one row, is never that long."""

_ROOT = re.compile(r"<(?:([A-Za-z_][\w.-]*):)?worksheet\b[^>]*>")
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_MERGED = re.compile(r'<mergeCell [^>]*?ref="([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)"')
_COLUMNS = re.compile(r"<col [^>]*>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_VALUE = "(?:<v>|<is><t>)([^<]*)(?:</v>|</t></is>)"
_STYLE = '(?: s="([0-9]+)")?(?: t="([A-Za-z]+)")?'


class Number(str):
    """A number as the file writes it."""

    __slots__ = ()


class Day(str):
    """A number that is shown as a date or time (days since 1900 or 1904), or an ISO date."""

    __slots__ = ()


class Flag(str):
    """TRUE or FALSE."""

    __slots__ = ()


class Broken(str):
    """An error value, such as #REF!."""

    __slots__ = ()


class Formula(str):
    """A cell with a formula, whatever its last result."""

    __slots__ = ()


Cell = str | None
"""A text (`type(cell) is str`), one of the classes above, or None where there is nothing."""


class Block(NamedTuple):
    """Rows in order: their numbers, their cells by column, which are hidden, and cells right of the known columns.

    Where `kinds` has a class for a column, all its cells are of it, though they stand there as plain texts.
    """

    lines: list[int]
    columns: list[list[Cell]]
    kinds: list[type[str] | None]
    hidden: list[int]
    beyond: list[tuple[int, int]]


@dataclass(slots=True)
class Around:
    """What stands around the rows: merged areas as (left, top, right, bottom), from 1, and hidden columns."""

    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_columns: set[int] = field(default_factory=set)


class Sheet:
    """One worksheet. Read `first_rows`, then all `blocks` from the start; `around` is complete after them."""

    def __init__(self, package: Package, path: str) -> None:
        self.around = Around()
        self._package = package
        self._path = path
        self._prefix = ""
        self._root = "<worksheet>"

    def first_rows(self, count: int) -> list[tuple[int, dict[int, Cell]]]:
        """The first rows that are there, at most `count`: number, and cells by column from 0."""
        for text in self._texts():
            rows, start = [], 0
            for _ in range(count):
                end = text.find("</row>", start)
                if end < 0:
                    break
                rows += self._tree_rows(text[start : end + 6])
                start = end + 6
            return [(line, cells) for line, _, cells in rows]
        return []

    def blocks(self, width: int) -> Iterator[Block]:
        """All rows, the cells of the first `width` columns each; raises BadWorkbookError `xlsx-damaged`."""
        pattern = _row_pattern(width)
        for text in self._texts():
            rows: list[tuple[str, ...]] = []
            if "<!" not in text and " hidden=" not in text:
                rows = pattern.findall(text)
            if rows and len(rows) == text.count("<row"):
                yield self._fast(rows, width)
            else:
                yield self._slow(text, width)

    def has_cells(self) -> bool:
        """Whether anything stands in the sheet."""
        return any("<v>" in text or "<is>" in text or "<f" in text for text in self._texts())

    def _texts(self) -> Iterator[str]:
        """The rows by blocks of whole rows, without the prefix some programs put before every name."""
        rest, begun, line_end = b"", False, b"</row>"
        for chunk in self._package.chunks(self._path):
            rest += chunk
            if not begun:
                at = rest.find(b"sheetData")
                if at < 0:
                    _bounded(rest)
                    continue
                begun, start = True, rest.rfind(b"<", 0, at)
                self._begin(decoded(rest[:start]))
                line_end = f"</{self._prefix}row>".encode()
                rest = rest[start:]
            cut = rest.rfind(line_end) + len(line_end)
            if cut >= len(line_end):
                yield self._plain(rest[:cut])
                rest = rest[cut:]
            _bounded(rest)
        if not begun:
            raise BadWorkbookError("xlsx-damaged")
        self._end(self._plain(rest))

    def _plain(self, content: bytes) -> str:
        """Rows as text; the first block begins with the element around them, which is cut off."""
        text = decoded(content)
        if self._prefix:
            text = text.replace(f"<{self._prefix}", "<").replace(f"</{self._prefix}", "</")
        if text.startswith("<sheetData"):
            text = text[text.find(">") + 1 :]
        return text

    def _begin(self, head: str) -> None:
        root = _ROOT.search(head)
        if root is None or "<!DOCTYPE" in head:
            raise BadWorkbookError("xlsx-damaged")
        self._prefix = f"{root.group(1)}:" if root.group(1) else ""
        self._root = root.group().replace(f"<{self._prefix}", "<", 1)
        head = head.replace(f"<{self._prefix}", "<") if self._prefix else head
        self.around = Around()
        for found in _COLUMNS.findall(head):
            named = dict(_ATTRIBUTE.findall(found))
            if named.get("hidden") in ("1", "true"):
                first, last = _number(named.get("min", "1")), _number(named.get("max", "1"))
                self.around.hidden_columns.update(range(first, min(last, first + 20_000) + 1))

    def _end(self, tail: str) -> None:
        if "</worksheet>" not in tail:
            raise BadWorkbookError("xlsx-damaged")
        for left, top, right, bottom in _MERGED.findall(tail):
            self.around.merged.append((column_number(left), _number(top), column_number(right), _number(bottom)))

    def _fast(self, rows: Sequence[tuple[str, ...]], width: int) -> Block:
        parts = list(zip(*rows, strict=True))
        read = [self._column(*parts[1 + 3 * place : 4 + 3 * place]) for place in range(width)]
        columns, kinds = [cells for cells, _ in read], [kind for _, kind in read]
        return Block(list(map(int, parts[0])), columns, kinds, [], [])

    def _column(
        self, styles: Sequence[str], types: Sequence[str], values: Sequence[str]
    ) -> tuple[list[Cell], type[str] | None]:
        """A column of cells; nearly always all of one style and type, which is then told once for all of them."""
        try:
            if len(set(styles)) == len(set(types)) == 1:
                return self._uniform(styles[0], types[0], values)
            pairs = list(zip(styles, types, strict=True))
            readers = {pair: self._reader(*pair) for pair in set(pairs)}
            return [readers[pair](value) if value else None for pair, value in zip(pairs, values, strict=True)], None
        except (ValueError, IndexError):
            raise BadWorkbookError("xlsx-damaged") from None

    def _uniform(self, style: str, kind: str, values: Sequence[str]) -> tuple[list[Cell], type[str] | None]:
        if kind == "s":
            strings = self._package.strings
            return [strings[int(value)] if value else None for value in values], str
        read = self._reader(style, kind)
        if isinstance(read, type):
            return [value or None for value in values], read
        return [read(value) if value else None for value in values], str

    def _reader(self, style: str, kind: str) -> Callable[[str], Cell]:
        """How the value of a cell of this style and type is read."""
        if kind == "s":
            strings = self._package.strings
            return lambda value: strings[int(value)]
        if kind in ("str", "inlineStr"):
            return unescaped
        if kind in ("b", "e", "d"):
            return {"b": Flag, "e": Broken, "d": Day}[kind]
        return Day if style in self._package.date_styles else Number

    def _slow(self, text: str, width: int) -> Block:
        rows = self._tree_rows(text)
        columns: list[list[Cell]] = [[cells.get(place) for _, _, cells in rows] for place in range(width)]
        beyond = [(line, place) for line, _, cells in rows for place in cells if place >= width]
        hidden = [line for line, is_hidden, cells in rows if is_hidden and any(cells.values())]
        return Block([line for line, _, _ in rows], columns, [None] * width, hidden, beyond)

    def _tree_rows(self, text: str) -> list[tuple[int, bool, dict[int, Cell]]]:
        """Number, whether hidden, and filled cells by column, of every row of a block."""
        rows: list[tuple[int, bool, dict[int, Cell]]] = []
        line = 0
        for row in parsed(f"{self._root}{text}</worksheet>"):
            if local(row.tag) != "row":
                continue
            line = _number(row.get("r", str(line + 1)))
            cells: dict[int, Cell] = {}
            place = -1
            for cell in row:
                found = _REFERENCE.fullmatch(cell.get("r", ""))
                place = column_number(found.group(1)) - 1 if found else place + 1
                value = self._cell(cell)
                if value is not None and value != "":
                    cells[place] = value
            rows.append((line, row.get("hidden") in ("1", "true"), cells))
        return rows

    def _cell(self, cell: ET.Element) -> Cell:
        value: str | None = None
        for child in cell:
            name = local(child.tag)
            if name == "f":
                return Formula("=")
            if name == "is":
                return text_of(child) or None
            if name == "v":
                value = child.text
        if not value:
            return None
        kind = cell.get("t", "n")
        try:
            # A tree has its entities read already; only the `_x000D_` of a spreadsheet is left.
            return value if kind in ("str", "inlineStr") else self._reader(cell.get("s", ""), kind)(value)
        except (ValueError, IndexError):
            raise BadWorkbookError("xlsx-damaged") from None


def column_number(letters: str) -> int:
    """A = 1, Z = 26, AA = 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """The reverse: 1 = A."""
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _row_pattern(width: int) -> re.Pattern[str]:
    """A row as programs write it: its cells in order, each may be missing; blank ones may follow."""
    cells = "".join(
        f'(?:<c r="{column_letters(place)}[0-9]+"{_STYLE}(?:/>|>(?:{_VALUE})?</c>))?' for place in range(1, width + 1)
    )
    blank = '(?:<c r="[A-Z]+[0-9]+"(?: s="[0-9]+")?/>)*'
    return re.compile(f'<row r="([0-9]+)"(?: [^/>]*)?>{cells}{blank}</row>')


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BadWorkbookError("xlsx-damaged")
    return int(text)


def _bounded(rest: bytes) -> None:
    if len(rest) > UNBROKEN_MAX:
        raise BadWorkbookError("xlsx-too-large")
