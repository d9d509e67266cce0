"""As of when a question is asked: a day that counted (`effective_on`), or what was known at a log position.

Two dates, never mixed in one question (design 3.8): the effective day says when a posting counts, the log position when
it became known. A timestamp means the last position appended by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from fundledger.db.connection import Connection
from fundledger.errors import problem


@dataclass(frozen=True, slots=True)
class AsOf:
    """Everything committed (both None), by the end of an effective day, or up to a log position (-1: nothing yet)."""

    effective_on: date | None = None
    position: int | None = None


NOW = AsOf()

_HEAD = "SELECT position FROM log_leaf ORDER BY position DESC LIMIT 1"
_AT = "SELECT position FROM log_leaf WHERE appended_at <= $1 ORDER BY appended_at DESC, position DESC LIMIT 1"


async def as_of(
    connection: Connection,
    *,
    effective_on: date | None = None,
    position: int | None = None,
    known_at: datetime | None = None,
) -> AsOf:
    """Settle at most one of the three; `known_at` (aware) becomes a position.

    Raises `as-of-ambiguous` for more than one, `as-of-not-reached` for a position or an instant that is still to come:
    such an answer could not be repeated.
    """
    if sum(value is not None for value in (effective_on, position, known_at)) > 1:
        raise problem("as-of-ambiguous")
    if known_at is not None:
        if await connection.fetchval("SELECT $1::timestamptz > clock_timestamp()", known_at):
            raise problem("as-of-not-reached")
        found = await connection.fetchval(_AT, known_at)
        return AsOf(position=-1 if found is None else int(found))
    if position is not None:
        head = await connection.fetchval(_HEAD)
        if head is None or position > head:
            raise problem("as-of-not-reached")
    return AsOf(effective_on, position)
