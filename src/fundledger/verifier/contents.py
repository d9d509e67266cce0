"""The text of an instruction (docs/formats.md section 5), hashed and read as it streams by.

`Reader` takes the parts of one text and gives its SHA-256 and what it says, with one digest over its lines that an
entry can be held against: `line_key` makes the same from a sealed line. Lines of a list that stand in another order
than their numbers are put in order first (at most one list at a time in memory).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256

from fundledger.verifier.money import PAYING
from fundledger.verifier.schema import Line, Line2, Payment
from fundledger.verifier.state import Content

FORMAT = "fundledger-instruction-v1"
HEADER_LENGTH = 17
LINES_MAX = 1_000_000


class ContentError(ValueError):
    """The text is not that of an instruction."""


class LineDigest:
    """A digest over lines in order of their numbers, whatever order they come in."""

    def __init__(self) -> None:
        """Begin."""
        self._digest = sha256()
        self._last = 0
        self._kept: dict[int, bytes] = {}

    def add(self, number: int, key: str) -> None:
        """A line; those that come out of order are kept until the end."""
        if number == self._last + 1:
            self._digest.update(f"{number}|{key}\n".encode())
            self._last = number
        else:
            if number in self._kept or len(self._kept) > LINES_MAX:
                raise ContentError("a line stands twice, or there are too many")
            self._kept[number] = f"{number}|{key}\n".encode()

    def finish(self) -> bytes:
        """The digest."""
        for number in sorted(self._kept):
            self._digest.update(self._kept[number])
        return self._digest.digest()


class Reader:
    """Reads one text in parts that may end anywhere."""

    def __init__(self) -> None:
        """Begin."""
        self._digest = sha256()
        self._rest = ""
        self._header: list[object] | None = None
        self._listed: list[object] | None = None
        self._more: list[object] | None = None
        self._legs: dict[int, list[object]] = {}
        self._extra: dict[int, list[object]] = {}
        self._lines = LineDigest()
        self._held: tuple[int, str] | None = None
        self._fault = ""

    def feed(self, part: str) -> None:
        """The next part."""
        self._digest.update(part.encode())
        *whole, self._rest = (self._rest + part).split("\n")
        for line in whole:
            self._line(line)

    def finish(self) -> tuple[bytes, Content | None]:
        """The SHA-256 of the text, and what it says: None if it can't be read."""
        self._line(self._rest)
        self._release()
        digest = self._digest.digest()
        if self._fault or self._header is None or len(self._header) != HEADER_LENGTH:
            return digest, None
        try:
            if self._header[3] not in PAYING:
                for number, leg in self._legs.items():
                    self._lines.add(number, _leg_key(leg, self._extra.get(number)))
        except (ContentError, IndexError, TypeError):
            return digest, None
        return digest, Content(self._header, self._listed, self._more, self._lines.finish())

    def _line(self, line: str) -> None:
        try:
            if line.startswith("["):
                self._array(json.loads(line))
            else:
                self._text(line)
        except (ValueError, TypeError, IndexError, RecursionError) as error:
            self._fault = str(error) or "malformed"

    def _array(self, values: list[object]) -> None:
        word = values[0]
        if word == FORMAT:
            self._header = values
        elif word == "list":
            self._listed = values[1:]
        elif word == "list+":
            self._more = values[1:]
        elif word == "leg" and isinstance(values[1], int):
            self._legs[values[1]] = values
        elif word == "leg+" and isinstance(values[1], int):
            self._extra[values[1]] = values
        else:
            raise ContentError("a record that is not known")

    def _text(self, line: str) -> None:
        word, _, rest = line.partition("|")
        if word == "reissues" and self._held is not None:
            number, entry_id, line_no = rest.split("|")
            if int(number) != self._held[0]:
                raise ContentError("a re-issue of another line")
            self._held = (self._held[0], f"{self._held[1]}|{entry_id}|{line_no}")
            return
        self._release()
        if word != "line":
            raise ContentError("a record that is not known")
        _, number, amount, payee, household, quantity, programme, period, _, names, cards, tail = rest.split("|", 11)
        key = "|".join((amount, payee, household, quantity, programme, period, names, cards, tail))
        self._held = (int(number), key)

    def _release(self) -> None:
        """Below a line there may still come what it pays again."""
        if self._held is not None:
            try:
                self._lines.add(*self._held)
            except ContentError as error:
                self._fault = str(error)
        self._held = None


def line_key(line: Line, amount: int) -> str:
    """What an instruction must say for this line of an entry."""
    if line.payment is None:
        return _plain_key(line, amount)
    reissues = line.reissues if isinstance(line, Line2) else None
    key = _payment_key(line.payment, line.payee_id, amount)
    return key if reissues is None else f"{key}|{reissues.entry_id}|{reissues.line_no}"


def _payment_key(payment: Payment, payee: str | None, amount: int) -> str:
    tail = f"{_quoted(payment.participation_ref)}|{_quoted(payment.exception_document_no)}"
    return "|".join((
        str(amount), payee or "", payment.household_id or "", str(payment.quantity), payment.programme_code,
        payment.period, payment.name_commitment, payment.card_commitment, tail,
    ))  # fmt: skip


def _plain_key(line: Line, amount: int) -> str:
    undoes, settles = line.undoes, line.settles if isinstance(line, Line2) else None
    return _joined(
        str(amount),
        None if undoes is None else undoes.entry_id, None if undoes is None else undoes.line_no,
        None if settles is None else settles.entry_id, None if settles is None else settles.line_no,
    )  # fmt: skip


def _leg_key(leg: Sequence[object], extra: Sequence[object] | None) -> str:
    """The same of an instruction's leg."""
    settles = (None, None) if extra is None else extra[5:7]
    return _joined(leg[2], *leg[11:13], *settles)


def _joined(*values: object) -> str:
    return "|".join("" if value is None else str(value) for value in values)


def _quoted(text: str | None) -> str:
    return "" if text is None else json.dumps(text, ensure_ascii=False)
