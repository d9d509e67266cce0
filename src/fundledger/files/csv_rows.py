"""Reading an uploaded CSV file into rows, and naming every fault of its form with its line and column.

The file is scanned once to find all faults; rows are then read again as they are asked for, so that a list of 100,000
lines costs little more memory than its bytes. Line numbers are physical lines of the file (1 = its first line), the
one a text editor shows, also after blank lines and quoted line breaks. A row with a fault of form is named and left
out of the rows. Faults never contain the content of a cell.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from fundledger.errors import Fault

MAX_RECORD_LINES = 20
"""A record may span this many physical lines by quoted line breaks; beyond, its quote is taken as never closed."""

MAX_CELL_CHARACTERS = 32_767
"""What a spreadsheet cell holds at most; longer cells are refused."""

_CHUNK = 1 << 20
_HEADING_SHOWN = 40
_FORMULA = re.compile(r"[=+\-@\t\r＝＋－＠]")
_HARMLESS_SIGN = re.compile(r"[-－]+|-[0-9][0-9,]*(\.[0-9]+)?|-\.[0-9]+")
_INVISIBLE = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd"
_CONTROL = re.compile(f"[{_INVISIBLE}]")
_FORMULA_START = re.compile(r'[,"]\s*[=+\-@＝＋－＠]')
_THREE_BYTE_UTF8 = re.compile(rb"[\xe3-\xe9][\x80-\xbf]{2}")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class CsvRows:
    """A scanned file. ``len`` counts its good rows; iterate for ``(line, {field: stripped cell})``, again and again."""

    faults: list[Fault]
    headings: dict[str, str] = field(default_factory=dict)
    """Field -> the heading as the file writes it, in the file's order: the `column` for faults found later."""
    encoding: str = "utf-8"
    count: int = 0
    _data: bytes = field(default=b"", repr=False)
    _refused: Set[int] = field(default_factory=frozenset, repr=False)
    _last_line: int = 0

    def __len__(self) -> int:
        """How many rows iteration gives: those without a fault."""
        return self.count

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Every good row in order: the physical line it starts on, and its cells by field, stripped."""
        records = _records(_Lines(self._data, self.encoding), [])
        next(records, None)
        for line, cells in records:
            if line > self._last_line:
                return
            if line not in self._refused:
                yield line, dict(zip(self.headings, map(str.strip, cells), strict=False))


def read_rows(
    data: bytes | Iterable[bytes], *, columns: Mapping[str, str], required: Iterable[str], max_lines: int
) -> CsvRows:
    """Scan an uploaded CSV file, whole or in chunks, and find every fault of its form.

    UTF-8 with or without byte-order mark, else GB18030. `columns` maps every accepted heading to its field (compared
    without regard to space, case and width); `required` are the fields that must be there; `max_lines` bounds the
    rows. Nothing is raised for a bad file: see `faults`, with codes `csv-undecodable`, `csv-empty`, `csv-no-header`,
    `csv-unknown-column`, `csv-missing-column`, `csv-duplicate-column` (these six: no rows), `csv-formula`,
    `csv-control-character`, `csv-ragged-line`, `csv-unclosed-quote`, `csv-stray-quote`, `csv-cell-too-long` (that
    line is left out), `csv-too-many-lines` (the rest of the file is not read).
    """
    content = data if isinstance(data, bytes) else b"".join(data)
    encoding, bad_line = _detect(content)
    if encoding is None:
        return CsvRows([Fault("csv-undecodable", line=bad_line)])
    faults: list[Fault] = []
    lines = _Lines(content, encoding)
    header = next(_records(lines, faults), None)
    if header is None or faults:
        return CsvRows(faults or [Fault("csv-empty")])
    heading = Heading(columns, required)
    heading.read(header[0], header[1])
    if heading.faults:
        return CsvRows(heading.faults)
    count, refused, last_line = _scan(lines, list(heading.headings.values()), faults, max_lines)
    return CsvRows(faults, heading.headings, encoding, count, content, refused, last_line)


def safe_cell(text: str) -> str:
    """The cell as it may stand in a CSV file: what a spreadsheet would run as a formula gets a leading apostrophe.

    Plain negative numbers and lone dashes stay as they are.
    """
    return "'" + text if _is_formula(text) else text


def _scan(lines: _Lines, headings: list[str], faults: list[Fault], max_lines: int) -> tuple[int, set[int], int]:
    """Walk the records after the header and note every fault; good ones' count, bad ones' lines, last line."""
    refused: set[int] = set()
    total = last_line = 0
    width = len(headings)
    for line, cells in _records(lines, faults):
        total += 1
        if total > max_lines:
            faults.append(Fault("csv-too-many-lines", {"maximum": max_lines}, line=line))
            break
        last_line = line
        found = cell_faults(line, cells, headings) if any(map(_needs_a_look, lines.record)) else []
        if cells and (len(cells) < width or any(map(str.strip, cells[width:]))):
            found.append(Fault("csv-ragged-line", {"expected": width, "found": len(cells)}, line=line))
        faults += found
        if found or not cells:
            refused.add(line)
    return min(total, max_lines) - len(refused), refused, last_line


class Heading:
    """Matches the header line against the accepted headings: `headings` (field -> as written, in order) or `faults`."""

    def __init__(self, columns: Mapping[str, str], required: Iterable[str]) -> None:
        self._aliases = columns
        self._by_form = {_heading_form(alias): name for alias, name in columns.items()}
        self._required = list(required)
        self.headings: dict[str, str] = {}
        self.faults: list[Fault] = []

    def read(self, line: int, cells: list[str]) -> None:
        """Map every heading. Trailing empty ones (a spreadsheet's unused columns) are dropped; others are unknown."""
        written = [_SPACE.sub(" ", cell.lstrip("\ufeff").strip()) for cell in cells]
        while written and not written[-1]:
            written.pop()
        names = [self._by_form.get(_heading_form(shown)) for shown in written]
        if not any(names):
            self.faults.append(Fault("csv-no-header", {"expected": self._expected(self._required)}, line=line))
            return
        for place, (shown, name) in enumerate(zip(written, names, strict=True), start=1):
            if name is None:
                column = _CONTROL.sub("?", shown)[:_HEADING_SHOWN] or f"#{place}"
                self.faults.append(Fault("csv-unknown-column", {"column": column}, line=line, column=column))
            elif name in self.headings:
                self.faults.append(Fault("csv-duplicate-column", {"column": shown}, line=line, column=shown))
            else:
                self.headings[name] = shown
        for name in self._required:
            if name not in self.headings:
                accepted = self._expected([name])
                self.faults.append(Fault("csv-missing-column", {"field": name, "accepted": accepted}, line=line))

    def known(self, cells: Iterable[str]) -> int:
        """How many of the cells are accepted headings."""
        return sum(_heading_form(cell) in self._by_form for cell in cells)

    def _expected(self, names: list[str]) -> list[str]:
        """The headings under which the fields would be found, as the caller wrote them."""
        return [alias for alias, name in self._aliases.items() if name in names]


class _Lines:
    """Physical lines of a file for csv.reader, counted, with those of the current record kept to go back to."""

    def __init__(self, data: bytes, encoding: str) -> None:
        self._text = io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="")
        self._again: deque[str] = deque()
        self.line = 0
        self.record: list[str] = []
        self.ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.record) >= MAX_RECORD_LINES:
            raise _RecordNeverEndsError
        text = self._again.popleft() if self._again else self._text.readline()
        if not text:
            self.ended = True
            raise StopIteration
        self.line += 1
        self.record.append(text)
        return text

    def start_record(self) -> int:
        """Forget the record before; the number of the line the next one starts on."""
        self.record.clear()
        self.ended = False
        return self.line + 1

    def back_to_second_line(self) -> None:
        """Read on after the first line of the current record, whose quote was never closed."""
        self._again.extendleft(reversed(self.record[1:]))
        self.line -= max(0, len(self.record) - 1)


class _RecordNeverEndsError(Exception):
    """Passed through csv.reader by `_Lines` when a record spans too many lines."""


def _records(lines: _Lines, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    """Every record that is not blank: its first line and its cells; `lines.record` holds its physical lines meanwhile.

    What cannot be read as a record goes to `faults` and is yielded without cells. After an unclosed quote reading
    goes on in the next physical line; a record is at most MAX_RECORD_LINES long, so no line is read more often.
    """
    reader = csv.reader(lines, strict=True)
    while True:
        line = lines.start_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _RecordNeverEndsError):
            faults.append(_unreadable(lines, line))
            lines.back_to_second_line()
            yield line, []
            continue
        if any(cells) and not all(not cell or cell.isspace() for cell in cells):
            yield line, cells


def _needs_a_look(text: str) -> bool:
    """May a cell of this physical line have a fault? Quick, never wrongly no; `cell_faults` decides."""
    return (
        not text.rstrip("\r\n").isprintable()
        or "\ufffd" in text
        or len(text) > MAX_CELL_CHARACTERS
        or _FORMULA.match(text.lstrip()) is not None
        or _FORMULA_START.search(text) is not None
    )


def _unreadable(lines: _Lines, line: int) -> Fault:
    """Why csv.reader gave up: the quote stays open, text follows a closing quote, or a cell is far too long."""
    if lines.ended or len(lines.record) > 1:
        return Fault("csv-unclosed-quote", line=line)
    if len(lines.record[0]) > csv.field_size_limit():
        return Fault("csv-cell-too-long", {"maximum": MAX_CELL_CHARACTERS}, line=line)
    return Fault("csv-stray-quote", line=line)


def cell_faults(line: int, cells: list[str], shown: list[str]) -> list[Fault]:
    """The faults inside the cells of one record; cells beyond the header have no column name."""
    faults: list[Fault] = []
    for place, cell in enumerate(cells):
        column = shown[place] if place < len(shown) else None
        control = _CONTROL.search(cell)
        if control:
            character = f"U+{ord(control.group()):04X}"
            faults.append(Fault("csv-control-character", {"character": character}, line=line, column=column))
        elif _is_formula(cell.lstrip("\r\n")):
            faults.append(Fault("csv-formula", line=line, column=column))
        if len(cell) > MAX_CELL_CHARACTERS:
            faults.append(Fault("csv-cell-too-long", {"maximum": MAX_CELL_CHARACTERS}, line=line, column=column))
    return faults


def _is_formula(cell: str) -> bool:
    """Would a spreadsheet run it: does it start, after spaces, with a formula's sign and is no plain number or dash?"""
    if not (_FORMULA.match(cell) or _FORMULA.match(cell.lstrip())):
        return False
    return not _HARMLESS_SIGN.fullmatch(cell.strip())


def _heading_form(heading: str) -> str:
    """How headings are compared: without space, case, and the difference of full and half width."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", heading)).casefold()


def _detect(data: bytes) -> tuple[str | None, int | None]:
    """The encoding that reads every byte, or None and the line where reading stops.

    A UTF-8 file with damaged bytes often passes for GB18030 and would be read as wrong characters; so GB18030 is
    only believed where most of the bytes do not look like Chinese in UTF-8.
    """
    bad_utf8 = _first_undecodable(data, "utf-8")
    if bad_utf8 is None:
        return "utf-8-sig", None
    if data.startswith(codecs.BOM_UTF8) or _looks_like_utf8(data):
        return None, bad_utf8
    bad_gb = _first_undecodable(data, "gb18030")
    return ("gb18030", None) if bad_gb is None else (None, bad_gb)


def _first_undecodable(data: bytes, encoding: str) -> int | None:
    """The line of the first byte that the encoding refuses; None if it reads the whole file. Decodes by chunks."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    for start in range(0, len(data), _CHUNK):
        chunk = data[start : start + _CHUNK]
        try:
            decoder.decode(chunk, final=start + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            return line + error.object.count(b"\n", 0, error.start)
        line += chunk.count(b"\n")
    return None


def _looks_like_utf8(data: bytes) -> bool:
    """Do three-byte UTF-8 characters make up more than half of the bytes above ASCII?"""
    sequences = (len(data) - len(_THREE_BYTE_UTF8.sub(b"", data))) // 3
    above_ascii = len(data.translate(None, bytes(range(128))))
    return sequences * 3 * 2 > above_ascii
