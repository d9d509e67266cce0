"""The verdict: for each check whether it held, the first fault, what is incomplete; and the exit code that says it.

A fault names its record. Nothing here holds personal data: records are named by ids, openings by their line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from fundledger.verifier.checks import CHECKS, NAMED

SOUND: Final = 0
FAULT: Final = 1
INCOMPLETE: Final = 3
INCOMPLETE_SHOWN: Final = 1_000

Place = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """How often a check was made, and the first place where it failed."""

    made: int = 0
    faults: int = 0
    first: Place | None = None
    incomplete: list[Place] = field(default_factory=list)
    incomplete_count: int = 0


@dataclass(slots=True)
class Report:
    """What a verification found so far."""

    scope: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=lambda: {check.name: Outcome() for check in CHECKS})
    beyond: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def made(self, name: str, times: int = 1) -> None:
        """A check was made."""
        self.outcomes[name].made += times

    def fault(self, name: str, **place: Any) -> None:
        """A check failed here; the first place of each check is kept, the rest counted."""
        outcome = self.outcomes[name]
        outcome.faults += 1
        if outcome.first is None:
            outcome.first = place
            self.order.append(name)

    def incomplete(self, name: str, **place: Any) -> None:
        """A check could not be made here."""
        outcome = self.outcomes[name]
        outcome.incomplete_count += 1
        if len(outcome.incomplete) < INCOMPLETE_SHOWN:
            outcome.incomplete.append(place)

    @property
    def first(self) -> tuple[str, Place] | None:
        """The first fault: of the file and its signatures, else the one that stands first in the log."""
        found = [(name, self.outcomes[name].first) for name in self.order]
        placed = [(name, place) for name, place in found if place is not None]
        if not placed:
            return None
        return min(placed, key=lambda item: item[1].get("position", -1))

    @property
    def exit_code(self) -> int:
        """0 sound, 1 fault, 3 incomplete."""
        if self.order:
            return FAULT
        return INCOMPLETE if any(outcome.incomplete_count for outcome in self.outcomes.values()) else SOUND

    @property
    def verdict(self) -> str:
        """In one word."""
        return {SOUND: "sound", FAULT: "fault", INCOMPLETE: "incomplete"}[self.exit_code]

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        first = self.first
        return {
            "verdict": self.verdict, "exit_code": self.exit_code, "scope": self.scope,
            "first_fault": None if first is None else {"check": first[0], **first[1]},
            "beyond_the_scope": self.beyond,
            "checks": [self._check(name) for name in NAMED],
        }  # fmt: skip

    def state(self, name: str) -> str:
        """Of one check: ok, fault, incomplete, or `-` where nothing in the bundle called for it."""
        outcome = self.outcomes[name]
        if outcome.faults:
            return "fault"
        if outcome.incomplete_count:
            return "incomplete"
        return "ok" if outcome.made else "-"

    def _check(self, name: str) -> dict[str, Any]:
        check, outcome = NAMED[name], self.outcomes[name]
        return {
            "name": name, "zh": check.zh, "en": check.en, "state": self.state(name), "made": outcome.made,
            "faults": outcome.faults, "first_fault": outcome.first, "incomplete": outcome.incomplete,
            "incomplete_count": outcome.incomplete_count,
        }  # fmt: skip
