"""What an export is of: the books, a subject and direction or everything, the layout, as of which log position.

A scope is settled once (`settle`), pins everything that decides the bytes, and is kept with the export as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

from fundledger.book.asof import as_of
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.trail.starts import FIELDS, TO_PAYEES, Subject, SubjectKind, household_of
from fundledger.trail.walk import Direction

Layout = Literal["transfers", "payment_voucher", "accounting_voucher"]
"""Columns: one row per transfer (分录), or the auditors' working tables 支付凭证 and 会计凭证 with Chinese headings."""
LAYOUTS: Final[tuple[Layout, ...]] = get_args(Layout)


@dataclass(frozen=True, slots=True)
class Scope:
    """What an export is of.

    `books`, ascending, are those the caller may read (of everything: those that are exported; of a subject: those a
    trail downwards may enter). `position` is the last log position that counts, -1: nothing. `subject` (of `book`) and
    `direction` are None for everything. `bom`: a CSV file begins with the mark by which Excel knows UTF-8.
    """

    books: tuple[int, ...]
    position: int
    layout: Layout = "transfers"
    book: int | None = None
    subject: Subject | None = None
    direction: Direction | None = None
    undone: bool | None = None
    bom: bool = False

    def as_json(self) -> dict[str, Any]:
        """The scope as plain JSON values; `from_json` reads it back."""
        subject = None
        if self.subject is not None:
            subject = {"kind": self.subject.kind, "ref": str(self.subject.ref), "line_no": self.subject.line_no}
        return {
            **asdict(self), "books": [str(book) for book in self.books],
            "book": None if self.book is None else str(self.book), "subject": subject,
        }  # fmt: skip

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Scope:
        """The scope that `as_json` made."""
        subject = stored["subject"]
        found = None if subject is None else subject_of(subject["kind"], subject["ref"], subject["line_no"])
        return cls(
            tuple(int(book) for book in stored["books"]), stored["position"], stored["layout"],
            None if stored["book"] is None else int(stored["book"]), found, stored["direction"], stored["undone"],
            stored["bom"],
        )  # fmt: skip


_BY_TEXT: Final = frozenset({"document", "village"})


def subject_of(kind: SubjectKind, ref: str, line_no: int | None = None) -> Subject:
    """A subject from its kind and its id (a UUID), document number or village code as text; ValueError: no UUID."""
    return Subject(kind, ref if kind in _BY_TEXT else UUID(ref), line_no)


async def subject_named(
    connection: Connection, book: int | None, fields: Mapping[str, str | UUID | None], line_no: int | None = None
) -> Subject | None:
    """The subject among `FIELDS` that has a value, None if none has.

    Raises `export-subject-not-one`, `export-subject-without-book`, `export-id-malformed`, `trail-start-not-found` (no
    such household number).
    """
    given = [(name, value) for name, value in fields.items() if value is not None]
    if not given and line_no is None:
        return None
    if len(given) != 1 or (line_no is not None and given[0][0] != "entry_id"):
        raise problem("export-subject-not-one", subjects=list(FIELDS))
    if book is None:
        raise problem("export-subject-without-book")
    ((name, value),) = given
    if name == "household_no":
        return Subject("household", await household_of(connection, book, str(value)))
    try:
        return subject_of(FIELDS[name] if line_no is None else "line", str(value), line_no)
    except ValueError as error:
        raise problem("export-id-malformed", name=name) from error


def default_direction(kind: SubjectKind) -> Direction:
    """Of payees people ask where their money came from; of everything else, where it went."""
    return "up" if kind in TO_PAYEES else "down"


async def settle(
    connection: Connection,
    books: Iterable[int],
    *,
    book: int | None = None,
    subject: Subject | None = None,
    direction: Direction | None = None,
    undone: bool | None = None,
    layout: Layout = "transfers",
    bom: bool = False,
    position: int | None = None,
    known_at: datetime | None = None,
) -> Scope:
    """Pin a scope: `books` are those the caller may read; without a position or instant, as of the newest position.

    With a subject, `book` is whose book it stands in; without one, it is the only book exported (None: all of them).
    Raises `as-of-ambiguous`, `as-of-not-reached`, `export-subject-without-book`, `forbidden-book`.
    """
    readable = tuple(sorted(books))
    if book is not None and book not in readable:
        raise problem("forbidden-book", book=str(book))
    if subject is not None and book is None:
        raise problem("export-subject-without-book")
    when = (await as_of(connection, position=position, known_at=known_at)).position
    if when is None:
        when = await connection.fetchval("SELECT coalesce(max(position), -1) FROM log_leaf")
    if subject is None:
        return Scope(readable if book is None else (book,), int(when), layout, book, bom=bom)
    return Scope(
        readable, int(when), layout, book, subject, direction or default_direction(subject.kind), undone, bom
    )  # fmt: skip
