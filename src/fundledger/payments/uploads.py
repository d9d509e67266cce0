"""An uploaded list as rows, from JSON, CSV or XLSX alike: each row a mapping of fields, each fault with its place.

JSON is never decoded as a whole: the array's elements stay slices of the body and are decoded one by one, so a list of
100,000 lines costs little more than its bytes. Numbers stay what they were (a float is seen as a float and refused).
A row is named by a number: the index in the array, or the physical line of the file; `Upload.fault` turns it into a
JSON pointer, or line and column. No fault contains a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from fundledger.catalogue import CATALOGUE
from fundledger.errors import Family, Fault, FundledgerError, ParamValue, problem
from fundledger.files.csv_rows import CsvRows, read_rows
from fundledger.files.xlsx_rows import Kind, SheetRows, read_sheet

_BOM = b"\xef\xbb\xbf"

LISTED = 50_000
"""Faults an answer lists at most: enough for every line of any list people send, small enough for the memory."""


class Upload(Protocol):
    """Rows with places. `faults` holds what is wrong with the form; rows with such a fault are not given."""

    @property
    def faults(self) -> list[Fault]:
        """Faults of form, complete once the rows were walked through."""

    def __iter__(self) -> Iterator[tuple[int, Mapping[str, object]]]:
        """Each sound row: its number and its fields."""

    def fault(self, code: str, row: int, name: str | None = None, **params: ParamValue) -> Fault:
        """A fault in a field of a row."""

    def header_fault(self, code: str, name: str, **params: ParamValue) -> Fault:
        """A fault in a field beside the rows."""

    def where(self, row: int) -> str:
        """A row's place in words, for the text of another row's fault."""


class JsonRows:
    """The elements of an array of a JSON body."""

    def __init__(self, array: str, elements: list[msgspec.Raw], fields: Collection[str]) -> None:
        self.faults: list[Fault] = []
        self._array = array
        self._elements = elements
        self._fields = frozenset(fields)

    def __iter__(self) -> Iterator[tuple[int, Mapping[str, object]]]:
        """Each object whose fields are all known."""
        for index, raw in enumerate(self._elements):
            row = self._decode(index, raw)
            if row is not None:
                yield index, row

    def fault(self, code: str, row: int, name: str | None = None, **params: ParamValue) -> Fault:
        """With the JSON pointer of the field, or of the whole element."""
        pointer = f"/{self._array}/{row}" + ("" if name is None else f"/{name}")
        return Fault(code, params, pointer=pointer)

    def header_fault(self, code: str, name: str, **params: ParamValue) -> Fault:
        """With the JSON pointer of the field."""
        return Fault(code, params, pointer=f"/{name}")

    def where(self, row: int) -> str:
        """The JSON pointer of the element."""
        return f"/{self._array}/{row}"

    def _decode(self, index: int, raw: msgspec.Raw) -> dict[str, object] | None:
        try:
            row = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            row = None
        if not isinstance(row, dict):
            self.faults.append(self.fault("line-not-an-object", index))
            return None
        if self._fields >= row.keys():
            return row
        # The unknown name is what somebody typed, and could be anything: only the element's place is told.
        self.faults.append(self.fault("line-field-unknown", index, accepted=sorted(self._fields)))
        return None


class FileLines:
    """The lines of a file; `row` is the physical line of a CSV file, the row a spreadsheet shows."""

    def __init__(self, rows: CsvRows | SheetRows) -> None:
        self.faults = list(rows.faults)
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[int, Mapping[str, object]]]:
        """Each line, an empty cell left out as if its column were not there."""
        for line, cells in self._rows:
            yield line, {name: cell for name, cell in cells.items() if cell}

    @property
    def columns(self) -> tuple[list[int], dict[str, list[str | None]]] | None:
        """Of a spreadsheet: the rows' numbers and their cells by field, None where empty; else None."""
        return (self._rows.lines, self._rows.columns) if isinstance(self._rows, SheetRows) else None

    def fault(self, code: str, row: int, name: str | None = None, **params: ParamValue) -> Fault:
        """With the line, and the heading as the file writes it."""
        return Fault(code, params, line=row, column=self._rows.headings.get(name or ""))

    def header_fault(self, code: str, name: str, **params: ParamValue) -> Fault:
        """Beside a file the fields are query parameters."""
        return Fault(code, params, pointer=f"#query/{name}")

    def where(self, row: int) -> str:
        """The number of the line."""
        return str(row)


def open_json(body: bytes, array: str) -> tuple[dict[str, Any], list[msgspec.Raw]]:
    """The fields beside the array, and the array's elements undecoded; raises `request-unreadable`."""
    try:
        fields = msgspec.json.decode(body.removeprefix(_BOM), type=dict[str, msgspec.Raw])
        elements = msgspec.json.decode(fields.pop(array, msgspec.Raw(b"[]")), type=list[msgspec.Raw])
        header = {name: msgspec.json.decode(raw) for name, raw in fields.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise problem("request-unreadable") from None
    return header, elements


def json_rows(elements: list[msgspec.Raw], array: str, fields: Collection[str], maximum: int) -> JsonRows:
    """The elements as rows; raises `list-too-long`."""
    if len(elements) > maximum:
        raise problem("list-too-long", most=maximum, count=len(elements))
    return JsonRows(array, elements, fields)


def csv_lines(body: bytes, columns: Mapping[str, str], required: Iterable[str], maximum: int) -> FileLines:
    """The lines of a CSV file (UTF-8 or GB18030)."""
    return FileLines(read_rows(body, columns=columns, required=required, max_lines=maximum))


def xlsx_lines(
    body: bytes, columns: Mapping[str, str], required: Iterable[str], kinds: Mapping[str, Kind], maximum: int
) -> FileLines:
    """The rows of an .xlsx file."""
    return FileLines(read_sheet(body, columns=columns, required=required, kinds=kinds, max_lines=maximum))


def refuse(faults: Sequence[Fault], *, malformed: str, refused: str) -> FundledgerError:
    """One refusal for all faults of an upload: `malformed` where one of form is among them, else `refused`.

    A single fault that is about no row gives the refusal its own code.
    """
    if len(faults) == 1 and faults[0].line is None and (faults[0].pointer or "").count("/") <= 1:
        return FundledgerError(faults[0].code, faults=faults, **faults[0].params)
    of_form = any(CATALOGUE[fault.code].family is Family.MALFORMED for fault in faults)
    return FundledgerError(
        malformed if of_form else refused, faults=faults[:LISTED], count=len(faults), listed=min(len(faults), LISTED)
    )
