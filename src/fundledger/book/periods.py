"""Period close (结账): a month of a book takes nothing more, for ever; corrections go to an open month.

`close` calls ``gate_close_period``, which takes the month's row FOR UPDATE while postings share it: those under way end
first, later ones find the month closed. A crossing needs the month open in both books. Only an approver of the book's
finance bureau closes, and only a month that is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection

_CLOSED = """
SELECT month, period_close_id, closed_by, document_no, closed_at FROM period_close
WHERE book = $1 AND ($2::uuid IS NULL OR period_close_id = $2) ORDER BY month DESC
"""


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """A closed month (已结账期间): its first day, who closed it, when, by which document."""

    month: date
    period_close_id: UUID
    closed_by: UUID
    document_no: str
    closed_at: datetime


async def close(
    connection: Connection, caller: Caller, book: int, month: date, close_id: UUID, document_no: str
) -> None:
    """Close a month (its first day) in the caller's transaction.

    Refused by the gate: `period-not-over`, `period-closed` (already), `closer-without-duty`.
    """
    await connection.execute(
        "SELECT gate_close_period($1, $2, $3, $4, $5)", book, month, close_id, caller.staff_id, document_no
    )


async def closed_periods(connection: Connection, book: int, close_id: UUID | None = None) -> list[ClosedPeriod]:
    """The closed months of a book, newest first; or the one of an id."""
    rows: list[dict[str, Any]] = [dict(row) for row in await connection.fetch(_CLOSED, book, close_id)]
    return [ClosedPeriod(**row) for row in rows]
