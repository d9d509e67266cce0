"""Officers (责任人): who answers for what is posted, and since when (责任到区; domain.md 2.5 H14, design 3.10).

Every posting names an accountable officer in office on its day; payments and fundings a supervising one too. A term
ends by a new version with `valid_to`, its last day; name, unit and dates may be corrected the same way, the role may
not: who was accountable is not turned into who supervised. An officer's record is not a login (see `access`).
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.projects.records import append, expect_next, history
from fundledger.projects.tables import OfficerTerm


async def appoint(session: AsyncSession, term: OfficerTerm) -> None:
    """Record a new officer's term (version 1), or the next version of one.

    Raises `dates-reversed`, `version-taken`, `record-not-found`, `record-identity-changed` (role), and
    `reference-unknown` for a unit of another book.
    """
    if term.valid_to is not None and term.valid_to < term.valid_from:
        raise problem("dates-reversed")
    if term.version > 1:
        newest = expect_next(await history(session, OfficerTerm, term.book, term.officer_id), term.version)
        if newest.role != term.role:
            raise problem("record-identity-changed", field="role")
    await append(session, term)


_IN_OFFICE = """
SELECT t.* FROM officer_term_current t
WHERE t.book = $1 AND t.officer_id > $2
  AND ($3::date IS NULL OR (t.valid_from <= $3::date AND coalesce(t.valid_to, 'infinity') >= $3::date))
ORDER BY t.officer_id LIMIT $4
"""


async def officers(connection: Connection, book: int, *, on: date | None, after: UUID, limit: int) -> list[OfficerTerm]:
    """Officers of a book by id, newest version of each; `on`: only those in office on that day."""
    return [OfficerTerm(**dict(row)) for row in await connection.fetch(_IN_OFFICE, book, after, on, limit)]
