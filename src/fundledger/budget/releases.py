"""Releases (指标下达): block money from the city to a district, against an allocation; a crossing of two books.

A release names no project (切块下达, M06) and never exceeds what its allocation still holds; both legs post in one
transaction. Kinds (M09): early (提前下达, only next year's money), instalment (分期), prepaid (先预拨后清算; at
most a share of the allocation), topup (清算补足: up to the year's approved result, see `release_settlements`; what is
below it comes back by a recovery), full (all that is left of each allocation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.book.headings import Heading
from fundledger.book.instructions import Leg, draft
from fundledger.budget.faults import refuse
from fundledger.db.connection import Connection
from fundledger.errors import Fault, problem
from fundledger.money import format_yuan

ReleaseKind = Literal["early", "instalment", "prepaid", "full", "topup"]


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """How much of one allocation is released, in fen; None: all that is left of it (kind full only)."""

    allocation_id: UUID
    amount: int | None


_REMAINING = """
SELECT a.allocation_id, coalesce(b.received - b.given, 0) AS remaining
FROM allocation a
LEFT JOIN account_balance b ON b.book = a.book
    AND b.account_id = account_key('unreleased', NULL, a.allocation_id, NULL, a.fiscal_year)
WHERE a.book = $1 AND a.allocation_id = ANY ($2::uuid[])
"""


async def draft_release(
    connection: Connection,
    caller: Caller,
    book: int,
    instruction_id: UUID,
    heading: Heading,
    kind: ReleaseKind,
    lines: Sequence[ReleaseLine],
) -> None:
    """Draft a release of any number of allocations under the given id.

    Refused with the place of each fault: `allocation-not-found`, `release-amount-missing`, `release-not-full`. What the
    accounts allow is decided when it posts (`balance-insufficient`, `release-kind-wrong`).
    """
    rows = await connection.fetch(_REMAINING, book, [line.allocation_id for line in lines])
    remaining: dict[UUID, int] = {row["allocation_id"]: row["remaining"] for row in rows}
    refuse([fault for at, line in enumerate(lines) for fault in _faults(at, line, kind, remaining)])
    legs = [
        Leg(remaining[line.allocation_id] if line.amount is None else line.amount, allocation_id=line.allocation_id)
        for line in lines
    ]
    await draft(connection, caller, book, heading.over(instruction_id, "release", legs, release_kind=kind))


def _faults(at: int, line: ReleaseLine, kind: ReleaseKind, remaining: dict[UUID, int]) -> list[Fault]:
    if line.allocation_id not in remaining:
        return [Fault("allocation-not-found", pointer=f"/lines/{at}/allocation_id")]
    left = remaining[line.allocation_id]
    if kind != "full":
        return [Fault("release-amount-missing", pointer=f"/lines/{at}")] if line.amount is None else []
    if left <= 0 or line.amount not in (None, left):
        return [Fault("release-not-full", {"remaining": format_yuan(left)}, pointer=f"/lines/{at}/amount")]
    return []


@dataclass(frozen=True, slots=True)
class ReleaseHead:
    """A posted release as its book shows it: one entry in the city's book, one in each district's (下达记录)."""

    entry_id: UUID
    instruction_id: UUID
    order_no: int
    kind: str
    document_no: str
    effective_on: date
    summary: str
    line_count: int
    total: int
    undone: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ReleasedLine:
    """One line of a release; fen, `undone` of it taken back since."""

    entry_id: UUID
    line_no: int
    allocation_id: UUID
    amount: int
    undone: int
    effective_on: date
    document_no: str


# The page is cut first; the instruction of a crossing stands in the city's book.
_HEADS = """
WITH page AS MATERIALIZED (
    SELECT e.* FROM entry e WHERE e.book = $1 AND e.entry_kind = 'release' AND e.order_no < $2
    ORDER BY e.order_no DESC LIMIT $3)
SELECT e.entry_id, e.instruction_id, e.order_no, e.document_no, e.effective_on, e.summary, e.line_count, e.total,
       e.recorded_at,
       (SELECT n.release_kind FROM instruction n
        WHERE n.book = coalesce(k.parent_book, k.book) AND n.instruction_id = e.instruction_id) AS kind,
       (SELECT coalesce(sum(t.amount), 0)::bigint FROM transfer t
        WHERE t.book = e.book AND t.undoes_entry_id = e.entry_id) AS undone
FROM page e JOIN book k ON k.book = e.book ORDER BY e.order_no DESC
"""

_LINES = """
SELECT t.entry_id, t.line_no, a.allocation_id, t.amount, coalesce(u.undone, 0)::bigint AS undone, e.effective_on,
       e.document_no
FROM entry e
JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id
JOIN account a ON a.book = t.book AND a.account_id = t.debit_account
LEFT JOIN LATERAL (SELECT sum(v.amount) AS undone FROM transfer v
    WHERE v.book = t.book AND v.undoes_entry_id = t.entry_id AND v.undoes_line_no = t.line_no) u ON true
WHERE e.book = $1 AND e.entry_id = $2 AND e.entry_kind = 'release' ORDER BY t.line_no
"""

# The city's leg debits 已下达, the district's leg credits 上级转移指标; else they see only undoings.
_OF_ALLOCATION = """
WITH c AS MATERIALIZED (
    SELECT a.book, a.account_id, a.account_kind FROM account a
    WHERE a.allocation_id = $2 AND a.book = $1 AND a.account_kind IN ('released', 'upper_transfer')
), t AS (
    SELECT t.* FROM c JOIN transfer t ON t.book = c.book AND t.debit_account = c.account_id
    WHERE c.account_kind = 'released'
    UNION ALL
    SELECT t.* FROM c JOIN transfer t ON t.book = c.book AND t.credit_account = c.account_id
    WHERE c.account_kind = 'upper_transfer'
)
SELECT t.entry_id, t.line_no, $2::uuid AS allocation_id, t.amount, coalesce(u.undone, 0)::bigint AS undone,
       e.effective_on, e.document_no
FROM t JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
LEFT JOIN LATERAL (SELECT sum(v.amount) AS undone FROM transfer v
    WHERE v.book = t.book AND v.undoes_entry_id = t.entry_id AND v.undoes_line_no = t.line_no) u ON true
ORDER BY e.order_no, t.line_no
"""


async def releases(connection: Connection, book: int, before: int, limit: int) -> list[ReleaseHead]:
    """Releases of a book, newest first, those with an order number below `before`."""
    rows: list[dict[str, Any]] = [dict(row) for row in await connection.fetch(_HEADS, book, before, limit)]
    return [ReleaseHead(**row) for row in rows]


async def release_lines(connection: Connection, book: int, entry_id: UUID) -> list[ReleasedLine]:
    """The lines of one release; raises `entry-not-found`."""
    rows: list[dict[str, Any]] = [dict(row) for row in await connection.fetch(_LINES, book, entry_id)]
    if not rows:
        raise problem("entry-not-found")
    return [ReleasedLine(**row) for row in rows]


async def releases_of(connection: Connection, book: int, allocation_id: UUID) -> list[ReleasedLine]:
    """Everything released of one allocation, in order, as this book shows it."""
    rows: list[dict[str, Any]] = [dict(row) for row in await connection.fetch(_OF_ALLOCATION, book, allocation_id)]
    return [ReleasedLine(**row) for row in rows]
