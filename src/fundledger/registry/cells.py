"""Reading one row of an upload, a line of a CSV file or an element of a JSON list, and naming every fault's place.

Pure. A cell that can't be read becomes a `Fault` and None, so that one pass names all faults. No fault holds the
content of a cell, which may be personal data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from fundledger.catalogue import CATALOGUE
from fundledger.errors import Family, Fault, FundledgerError, ParamValue, problem
from fundledger.registry.identity import (
    check_card,
    check_identity_number,
    normalise,
    normalise_card,
)

T = TypeVar("T")

_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|/([0-9]{1,2})/([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日)"
)
_PHONE = re.compile(r"\+?[0-9][0-9 \-]{5,18}[0-9]")
_VERSION = re.compile(r"[1-9][0-9]{0,5}")
_VILLAGE = re.compile(r"[0-9]{6,12}")
_YES = frozenset({"是", "1", "y", "yes", "true", "户主"})
_NO = frozenset({"否", "0", "n", "no", "false", "成员", "非户主"})
TEXT_MAX = 200

STATUSES = {
    "registered": "registered", "在册": "registered", "未脱贫": "registered", "建档立卡": "registered",
    "exited": "exited", "脱贫": "exited", "已脱贫": "exited", "relapsed": "relapsed", "返贫": "relapsed",
    "removed": "removed", "剔除": "removed", "deceased": "deceased", "死亡": "deceased", "去世": "deceased",
}  # fmt: skip
"""A status (贫困状态) as people write it -> its code."""

ACTIONS = {
    "enrolled": "enrolled",
    "列入": "enrolled",
    "新增": "enrolled",
    "struck_off": "struck_off",
    "剔除": "struck_off",
}
"""What happens to a member of a roster, as people write it -> its code."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: a line of a file with the file's headings, or a JSON pointer."""

    line: int | None = None
    pointer: str | None = None
    headings: Mapping[str, str] = field(default_factory=dict)

    def fault(self, code: str, name: str | None = None, /, **params: ParamValue) -> Fault:
        """A fault of this row, in the field `name` if given."""
        if self.line is not None:
            return Fault(code, params, line=self.line, column=self.headings.get(name) if name else None)
        return Fault(code, params, pointer=f"{self.pointer}/{name}" if name else self.pointer)


class Row:
    """The cells of one row, taken one by one; what is wrong with them goes to `faults`."""

    def __init__(self, place: Place, cells: Mapping[str, str], faults: list[Fault]) -> None:
        self.place = place
        self._cells = cells
        self._faults = faults

    def has(self, name: str) -> bool:
        """Whether there is such a cell and it is not empty."""
        return bool(self._cells.get(name))

    def fault(self, code: str, name: str | None = None, /, **params: ParamValue) -> None:
        """Note a fault of the row, in the field `name` if given."""
        self._faults.append(self.place.fault(code, name, **params))

    def take(self, name: str, read: Callable[[str], T]) -> T | None:
        """The cell as `read` understands it; None (and a fault) if it is empty or can't be read."""
        if self.has(name):
            return self.maybe(name, read)
        self.fault("cell-empty", name)
        return None

    def maybe(self, name: str, read: Callable[[str], T]) -> T | None:
        """The same for a cell that may be empty."""
        if not self.has(name):
            return None
        try:
            return read(self._cells[name])
        except FundledgerError as error:
            self.fault(error.code, name, **error.params)
            return None


def text_cell(text: str) -> str:
    """A number, name or document number, kept as it is; `csv-cell-too-long`."""
    if len(text) > TEXT_MAX:
        raise problem("csv-cell-too-long", maximum=TEXT_MAX)
    return text


def village_cell(text: str) -> str:
    """A division code (行政区划代码); `division-code-malformed`."""
    if not _VILLAGE.fullmatch(text):
        raise problem("division-code-malformed")
    return text


def identity_cell(text: str) -> str:
    """A checked identity number in its stored form."""
    check_identity_number(text)
    return normalise(text)


def card_cell(text: str) -> str:
    """A checked card number in its stored form."""
    check_card(text)
    return normalise_card(text)


def phone_cell(text: str) -> str:
    """A phone number; `phone-malformed`."""
    if not _PHONE.fullmatch(text):
        raise problem("phone-malformed")
    return text


def date_cell(text: str) -> date:
    """A day, year first: 2019-03-01, 2019/3/1 or 2019年3月1日; `date-malformed`."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise problem("date-malformed")
    year, month, day = (int(part) for part in match.groups() if part is not None)
    try:
        return date(year, month, day)
    except ValueError:
        raise problem("date-malformed") from None


def flag_cell(text: str) -> bool:
    """是 or 否, yes or no, 1 or 0; `flag-malformed`."""
    word = text.casefold()
    if word not in _YES | _NO:
        raise problem("flag-malformed")
    return word in _YES


def status_cell(text: str) -> str:
    """A status code from its Chinese or English word; `status-unknown`."""
    if text.casefold() not in STATUSES:
        raise problem("status-unknown", known=sorted(STATUSES))
    return STATUSES[text.casefold()]


def action_cell(text: str) -> str:
    """enrolled or struck_off from its Chinese or English word; `roster-action-unknown`."""
    if text.casefold() not in ACTIONS:
        raise problem("roster-action-unknown", known=sorted(ACTIONS))
    return ACTIONS[text.casefold()]


def version_cell(text: str) -> int:
    """A version number from 1; `version-malformed`."""
    if not _VERSION.fullmatch(text):
        raise problem("version-malformed")
    return int(text)


def refuse(faults: list[Fault]) -> None:
    """Raise the refusal of a whole upload if it has a fault, with all of them in the order of their places.

    One fault outside a file gives the refusal its own code. Otherwise `request-invalid` while something could not be
    read, `registry-refused` (kept as evidence) once all of it was read and a rule is broken.
    """
    if not faults:
        return
    faults.sort(key=lambda fault: (fault.line or 0, _pointer_order(fault.pointer or ""), fault.code))
    if len(faults) == 1 and faults[0].line is None:
        raise FundledgerError(faults[0].code, faults=faults, **faults[0].params)
    malformed = any(CATALOGUE[fault.code].family is Family.MALFORMED for fault in faults)
    raise problem("request-invalid" if malformed else "registry-refused", faults=faults, count=len(faults))


def _pointer_order(pointer: str) -> list[tuple[int, str]]:
    """Pointers in the order of their indexes, not of their digits."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in pointer.split("/")]
