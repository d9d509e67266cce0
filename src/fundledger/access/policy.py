"""What a route demands of its caller: unit kinds, a duty, and whose book.

Writing is for people of the book itself. Reading is for people of the book, for the city's finance bureau and poverty
office (every district), and for auditors and inspectors (everything). A demand is data: the table-driven test of
access reads it from the routes and tries every kind of person on each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from fundledger.errors import problem

Duty = Literal["maker", "approver", "payer"]

CITY_BOOK: Final = 420100
OFFICES: Final = frozenset[str]({"finance", "poverty_office", "township"})
READS_ALL: Final = frozenset[str]({"audit", "inspection"})
READS_ALL_OF_CITY: Final = frozenset[str]({"finance", "poverty_office"})
EVERYBODY: Final = OFFICES | READS_ALL
PROPOSERS: Final = OFFICES | {"village"}
"""Who proposes projects; a village committee (村委会) does nothing else, and touches no money."""
OBJECTORS: Final = READS_ALL | READS_ALL_OF_CITY
"""Who objects to a district's projects (H7): the city's offices, and those who watch."""
LEADS: Final = frozenset[str]({"audit", "inspection"})


@dataclass(frozen=True, slots=True)
class Caller:
    """The person behind a token."""

    book: int
    staff_id: UUID
    unit_id: UUID
    unit_kind: str
    name: str
    duties: frozenset[str]
    division_code: str | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """What a route asks: one of these unit kinds, this duty (or none), and to write or only to read.

    `remarks`: it writes about a book of a district what the city or a watching office says, and decides nothing in it.
    """

    units: frozenset[str]
    duty: Duty | None = None
    writes: bool = False
    level: Literal["city", "district", "any"] = "any"
    remarks: bool = False

    def refuse(self, caller: Caller, book: int | None) -> None:
        """Raise the refusal that fits, or return: forbidden-role, forbidden-duty, forbidden-book, wrong-level."""
        if caller.unit_kind not in self.units:
            raise problem("forbidden-role", units=sorted(self.units))
        if self.duty is not None and self.duty not in caller.duties:
            raise problem("forbidden-duty", duty=self.duty)
        if book is None and self.writes and self.level == "city":
            book = CITY_BOOK  # a path without a book: what holds for every book is the city's to change
        if self.remarks and not (caller.book == CITY_BOOK or caller.unit_kind in READS_ALL):
            raise problem("forbidden-book", book=str(book))
        if book is not None and not may_reach(caller, book, writes=self.writes and not self.remarks):
            raise problem("forbidden-book", book=str(book))
        if book is not None and self.writes and self.level != "any" and (book == CITY_BOOK) != (self.level == "city"):
            raise problem("wrong-level", kind=self.level)


def may_reach(caller: Caller, book: int, *, writes: bool) -> bool:
    """Whether a caller's unit may touch (or only see) a book."""
    if caller.book == book:
        return True
    if writes:
        return False
    return caller.unit_kind in READS_ALL or (caller.book == CITY_BOOK and caller.unit_kind in READS_ALL_OF_CITY)
