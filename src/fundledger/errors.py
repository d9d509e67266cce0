"""Every refusal fundledger can give, as one exception with typed content.

A problem has a stable `code` (kebab-case), the money rule or design rule it defends, and its texts in Chinese and
English; those stand in `catalogue`. Raise one with ``raise problem("code", field=value)``. Several faults of one
call (a list of 30,000 lines) travel together as ``faults``, each with the place where it is. This module knows no
HTTP: `api/problems.py` maps a family to a status, the CLI maps it to an exit code.

Texts are templates over the typed parameters; a parameter must never be personal data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

ParamValue = str | int | bool | None | list[str]
"""What a parameter of a problem may be: it is shown to people and kept as evidence."""


class Family(StrEnum):
    """What kind of refusal it is; the edges translate it (HTTP status, exit code)."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    UNAVAILABLE = "unavailable"
    BUG = "bug"


@dataclass(frozen=True, slots=True)
class Problem:
    """One row of the catalogue: a stable code, the rule it defends, and its texts (templates) in zh and en."""

    code: str
    family: Family
    rule: str
    title_zh: str
    title_en: str
    detail_zh: str
    detail_en: str
    mend_zh: str = ""
    mend_en: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and its place: a JSON pointer, or a line (1 = the header) and a column of a file."""

    code: str
    params: dict[str, ParamValue] = field(default_factory=dict)
    pointer: str | None = None
    line: int | None = None
    column: str | None = None


class FundledgerError(Exception):
    """A refusal: nothing was changed. ``code`` names it, ``faults`` lists every fault of the call with its place."""

    def __init__(self, code: str, *, faults: Iterable[Fault] = (), **params: ParamValue) -> None:
        super().__init__(code)
        self.code = code
        self.params: dict[str, ParamValue] = params
        self.faults: list[Fault] = list(faults)


def problem(code: str, *, faults: Iterable[Fault] = (), **params: ParamValue) -> FundledgerError:
    """Build the refusal named by a code of the catalogue; a test refuses codes that are not in it."""
    return FundledgerError(code, faults=faults, **params)
