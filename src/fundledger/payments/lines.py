"""The lines of a payment list, checked one by one without a database: what is malformed, missing, or there twice.

Pure; safe to run in a thread. The line numbers of a list count the sound rows from 1 in the order of the upload; when
no row is at fault, they are the index in the array plus one. Faults never hold a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from fundledger.errors import Fault, FundledgerError, ParamValue
from fundledger.money import parse_yuan
from fundledger.payments.columns import BLOCK, NAME_MAX, QUANTITY_MAX, TEXT_MAX, Block, sound_lines
from fundledger.payments.forms import Form
from fundledger.payments.uploads import FileLines, Upload

FAULTS_KEPT = 100_000
"""A list with more faults is wrong as a whole (a column mistaken for another), and they would fill the memory."""


class Line(NamedTuple):
    """One payee and sum. `row` is its place in the upload, `amount` in fen, `allocation` an id or document number."""

    line_no: int
    row: int
    key: str
    name: str
    account: str
    amount: int
    quantity: int
    participation_ref: str | None
    exception_document_no: str | None
    allocation: str | None


def read_lines(upload: Upload, form: Form) -> tuple[list[Line], list[Fault]]:
    """Every sound line, and every fault of the others."""
    reader = _Reader(upload, form)
    lines: list[Line] = []
    columns = upload.columns if isinstance(upload, FileLines) else None
    if columns is not None:
        _read_columns(reader, lines, form, *columns)
        return lines, upload.faults + reader.faults
    for row, fields in upload:
        line = reader.read(len(lines) + 1, row, fields)
        if line is not None:
            lines.append(line)
    # The upload's own faults are complete only now.
    return lines, upload.faults + reader.faults


def _read_columns(
    reader: _Reader, lines: list[Line], form: Form, rows: list[int], columns: dict[str, list[str | None]]
) -> None:
    """The lines of columns, block by block: a block that is plainly sound at once, any other line by line."""
    for start in range(0, len(rows), BLOCK):
        block = Block(
            rows[start : start + BLOCK], {name: cells[start : start + BLOCK] for name, cells in columns.items()}
        )
        found = sound_lines(block, form, len(lines) + 1, reader.seen)
        if found is not None:
            lines += map(Line._make, found)
            continue
        names = list(block.columns)
        for row, cells in zip(block.rows, zip(*block.columns.values(), strict=True), strict=True):
            fields = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
            line = reader.read(len(lines) + 1, row, fields)
            if line is not None:
                lines.append(line)


class _Reader:
    """Reads one line after the other, remembering who was there before and texts that repeat."""

    def __init__(self, upload: Upload, form: Form) -> None:
        self.faults: list[Fault] = []
        self._upload = upload
        self._form = form
        self.seen: dict[str, int] = {}
        self._texts: dict[str, str] = {}
        self._row = 0
        self._bad = False

    def read(self, line_no: int, row: int, fields: Mapping[str, object]) -> Line | None:
        """The line, or None with its faults noted."""
        self._row = row
        self._bad = False
        form = self._form
        key = self._checked(fields, form.key, TEXT_MAX, form.check_key)
        name = self._text(fields, "name", NAME_MAX)
        account = self._checked(fields, form.account, TEXT_MAX, form.check_account)
        amount = self._amount(fields)
        quantity = self._quantity(fields.get("quantity"))
        participation = self._optional(fields, "participation_ref")
        exception = self._optional(fields, "exception_document_no")
        allocation = self._optional(fields, "allocation")
        if key is not None:
            key = form.normal_key(key)
            self._once(key)
        if self._bad or key is None or name is None or account is None:
            return None
        return Line(line_no, row, key, name, account, amount, quantity, participation, exception, allocation)

    def _fault(self, code: str, name: str, **params: ParamValue) -> None:
        self._bad = True
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(self._upload.fault(code, self._row, name, **params))

    def _text(self, fields: Mapping[str, object], name: str, maximum: int) -> str | None:
        value = fields.get(name)
        if value is None or value == "":
            self._fault("field-missing", name)
        elif not isinstance(value, str):
            self._fault("field-not-text", name)
        elif len(value) > maximum:
            self._fault("text-too-long", name, characters=maximum)
        elif not value.strip() or not value.isprintable():
            self._fault("text-unreadable", name)
        else:
            return value
        return None

    def _optional(self, fields: Mapping[str, object], name: str) -> str | None:
        """A text that may be missing. Lines of a list often share it, so that it is kept once."""
        if fields.get(name) is None:
            return None
        text = self._text(fields, name, TEXT_MAX)
        return None if text is None else self._texts.setdefault(text, text)

    def _checked(
        self, fields: Mapping[str, object], name: str, maximum: int, check: Callable[[str], None]
    ) -> str | None:
        text = self._text(fields, name, maximum)
        if text is None:
            return None
        try:
            check(text)
        except FundledgerError as error:
            self._fault(error.code, name, **error.params)
            return None
        return text

    def _amount(self, fields: Mapping[str, object]) -> int:
        if fields.get("amount") is None:
            self._fault("field-missing", "amount")
            return 0
        try:
            return parse_yuan(fields["amount"])
        except FundledgerError as error:
            self._fault(error.code, "amount", **error.params)
            return 0

    def _quantity(self, value: object) -> int:
        """Units the standard is multiplied with (days, mu, head of stock); 1 where it is not given."""
        if value is None:
            return 1
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(QUANTITY_MAX)):
            value = int(value)
        # bool is an int in Python; True units of anything are a mistake.
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= QUANTITY_MAX:
            return value
        self._fault("quantity-malformed", "quantity", maximum=QUANTITY_MAX)
        return 1

    def _once(self, key: str) -> None:
        if not self._form.once:
            return
        first = self.seen.setdefault(key, self._row)
        if first != self._row:
            self._fault("payee-listed-twice", self._form.key, first=self._upload.where(first))
