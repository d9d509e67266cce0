"""A household as of a date: its status, its members (masked), its programmes, and the whole history behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.registry.persons import Masked, masked_person
from fundledger.registry.vault import Vault


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One recorded status; `superseded` when a higher version of its day corrects it."""

    subject_id: UUID
    status: str
    valid_from: date
    version: int
    document_no: str
    recorded_at: datetime
    superseded: bool


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member of the household; `status` is the person's own, else the household's."""

    person_id: UUID
    is_head: bool
    masked: Masked
    status: str | None


@dataclass(frozen=True, slots=True)
class RosterView:
    """A roster the household or one of its members is on as of the date."""

    programme_code: str
    payee_id: UUID
    since: date
    document_no: str


@dataclass(frozen=True, slots=True)
class HouseholdView:
    """A household as of `on`."""

    household_id: UUID
    household_no: str
    village_code: str
    village_name: str
    on: date
    status: str | None
    members: list[MemberView]
    rosters: list[RosterView]
    history: list[StatusRow]


@dataclass(frozen=True, slots=True)
class HouseholdRow:
    """A household in a list, with its status as of a date."""

    household_id: UUID
    household_no: str
    village_code: str
    status: str | None


_HOUSEHOLD = """
SELECT h.household_id, h.household_no, h.village_code, d.name AS village_name, coalesce($3, shanghai_today()) AS day
FROM household h JOIN division d ON d.book = h.book AND d.code = h.village_code
WHERE h.book = $1 AND h.household_id = $2
"""
_PERSONS = """
SELECT person_id, is_head, sealed FROM person WHERE book = $1 AND household_id = $2 ORDER BY is_head DESC, person_id
"""
_HISTORY = """
SELECT subject_id, status, valid_from, version, document_no, recorded_at,
       version < max(version) OVER (PARTITION BY subject_id, valid_from) AS superseded
FROM registry_status WHERE book = $1 AND subject_id = ANY ($2::uuid[]) ORDER BY valid_from, version, subject_id
"""
_ROSTERS = """
SELECT g.programme_code, u.payee_id, r.valid_from, r.document_no
FROM programme g CROSS JOIN unnest($2::uuid[]) AS u (payee_id)
CROSS JOIN LATERAL (
    SELECT r.* FROM roster_member r
    WHERE r.book = $1 AND r.programme_code = g.programme_code AND r.payee_id = u.payee_id AND r.valid_from <= $3
    ORDER BY r.valid_from DESC, r.version DESC LIMIT 1) r
WHERE r.action = 'enrolled' ORDER BY g.programme_code, u.payee_id
"""


async def household_as_of(
    connection: Connection, vault: Vault, book: int, household_id: UUID, on: date | None
) -> HouseholdView:
    """A household of the book as of a date (today in Beijing if None); `household-not-found`. Nothing in clear."""
    row = await connection.fetchrow(_HOUSEHOLD, book, household_id, on)
    if row is None:
        raise problem("household-not-found")
    day: date = row["day"]
    persons = await connection.fetch(_PERSONS, book, household_id)
    subjects = [household_id, *(person["person_id"] for person in persons)]
    history = [StatusRow(*found.values()) for found in await connection.fetch(_HISTORY, book, subjects)]
    rosters = await connection.fetch(_ROSTERS, book, subjects, day)
    status = status_on(history, household_id, day)
    members = [
        MemberView(p["person_id"], p["is_head"], masked_person(vault, book, p["person_id"], p["sealed"]),
                   status_on(history, p["person_id"], day) or status)
        for p in persons
    ]  # fmt: skip
    return HouseholdView(
        household_id, row["household_no"], row["village_code"], row["village_name"], day, status, members,
        [RosterView(*found.values()) for found in rosters], history,
    )  # fmt: skip


def status_on(history: list[StatusRow], subject_id: UUID, day: date) -> str | None:
    """The status of a subject on a day: the newest version of the latest day not after it."""
    rows = [row for row in history if row.subject_id == subject_id and row.valid_from <= day]
    return max(rows, key=lambda row: (row.valid_from, row.version)).status if rows else None


_STATUS = """
LEFT JOIN LATERAL (SELECT s.status FROM registry_status s WHERE s.book = h.book AND s.subject_id = h.household_id
    AND s.valid_from <= coalesce($3, shanghai_today()) ORDER BY s.valid_from DESC, s.version DESC LIMIT 1) s ON true
"""
_SELECT = f"SELECT h.household_id, h.household_no, h.village_code, s.status FROM household h {_STATUS}"
_PAGE = f"{_SELECT} WHERE h.book = $1 AND h.household_no > $2 ORDER BY h.household_no LIMIT $4"
_PAGE_OF_VILLAGE = f"""{_SELECT} WHERE h.book = $1 AND h.household_no > $2 AND h.village_code = $5
ORDER BY h.household_no LIMIT $4"""
_BY_NUMBER = (
    f"{_SELECT} WHERE h.book = $1 AND h.household_no > $2 AND h.household_no = $5 ORDER BY h.household_no LIMIT $4"
)


async def list_households(
    connection: Connection, book: int, *, on: date | None, after: str, limit: int, village_code: str | None = None,
    household_no: str | None = None,
) -> list[HouseholdRow]:  # fmt: skip
    """A book's households by number, from a number on: all, of one village, or the one of a number."""
    if household_no is not None:
        rows = await connection.fetch(_BY_NUMBER, book, after, on, limit, household_no)
    elif village_code is not None:
        rows = await connection.fetch(_PAGE_OF_VILLAGE, book, after, on, limit, village_code)
    else:
        rows = await connection.fetch(_PAGE, book, after, on, limit)
    return [HouseholdRow(*row.values()) for row in rows]
