"""Officers (责任人): who answers for what is posted, and since when (责任到区; domain.md 2.5 H14, design 3.10).

Every posting names an accountable officer in office on its day; payments and fundings a supervising one too. A term
ends by a new version with `valid_to`, its last day; name, unit and dates may be corrected the same way, the role may
not: who was accountable is not turned into who supervised. A term keeps every day on which something was posted under
it, and who answers for a posting is not who supervises it (the database: 22_officers.sql). One person may hold several
terms: `person_no` (工号) says so, is given once and stays. An officer's record is not a login (see `access`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.projects.records import append, expect_next, history
from fundledger.projects.tables import OfficerTerm


async def appoint(session: AsyncSession, term: OfficerTerm) -> None:
    """Record a new officer's term (version 1), or the next version of one.

    Raises `dates-reversed`, `version-taken`, `record-not-found`, `record-identity-changed` (role, person_no),
    `officer-term-in-use` (a posting of the term would lie outside it), `reference-unknown` for a unit of another book.
    """
    if term.valid_to is not None and term.valid_to < term.valid_from:
        raise problem("dates-reversed")
    if term.version > 1:
        newest = expect_next(await history(session, OfficerTerm, term.book, term.officer_id), term.version)
        if newest.role != term.role:
            raise problem("record-identity-changed", field="role")
        if newest.person_no is not None and newest.person_no != term.person_no:
            raise problem("record-identity-changed", field="person_no")
    await append(session, term)


@dataclass(frozen=True, slots=True)
class Officer:
    """One version of a term, with the name and kind of the officer's unit."""

    officer_id: UUID
    version: int
    name: str
    person_no: str | None
    unit_id: UUID
    unit_name: str
    unit_kind: str
    role: str
    valid_from: date
    valid_to: date | None
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a book (单位)."""

    unit_id: UUID
    name: str
    kind: str
    division_code: str | None


_COLUMNS = """t.officer_id, t.version, t.name, t.person_no, t.unit_id, u.name AS unit_name, u.kind AS unit_kind, t.role,
    t.valid_from, t.valid_to, t.document_no, t.recorded_by, t.recorded_at"""
_IN_OFFICE = f"""
SELECT {_COLUMNS} FROM officer_term_current t JOIN unit u ON u.book = t.book AND u.unit_id = t.unit_id
WHERE t.book = $1 AND t.officer_id > $2
  AND ($3::date IS NULL OR (t.valid_from <= $3::date AND coalesce(t.valid_to, 'infinity') >= $3::date))
  AND ($4::text IS NULL OR t.role = $4) AND ($5::text IS NULL OR t.person_no = $5)
ORDER BY t.officer_id LIMIT $6
"""
_HISTORY = f"""
SELECT {_COLUMNS} FROM officer_term t JOIN unit u ON u.book = t.book AND u.unit_id = t.unit_id
WHERE t.book = $1 AND t.officer_id = $2 ORDER BY t.version
"""
_UNITS = """
SELECT unit_id, name, kind, division_code FROM unit
WHERE book = $1 AND unit_id > $2 AND ($3::text IS NULL OR kind = $3) ORDER BY unit_id LIMIT $4
"""


async def officers(
    connection: Connection, book: int, *, on: date | None, role: str | None, person_no: str | None, after: UUID,
    limit: int,
) -> list[Officer]:  # fmt: skip
    """Officers of a book by id, newest version of each; `on`: only those in office on that day."""
    rows = await connection.fetch(_IN_OFFICE, book, after, on, role, person_no, limit)
    return [Officer(**dict(row)) for row in rows]


async def officer_history(connection: Connection, book: int, officer_id: UUID) -> list[Officer]:
    """Every version of a term, oldest first; raises `record-not-found`."""
    rows = await connection.fetch(_HISTORY, book, officer_id)
    if not rows:
        raise problem("record-not-found")
    return [Officer(**dict(row)) for row in rows]


async def units(connection: Connection, book: int, *, kind: str | None, after: UUID, limit: int) -> list[Unit]:
    """The units of a book, by id."""
    return [Unit(**dict(row)) for row in await connection.fetch(_UNITS, book, after, kind, limit)]
