"""Settlement of prepaid releases (先预拨后清算, M09): the year's result of an allocation, declared and approved.

The city's bureau declares what the result is worth, with a document; another person approves that version. The newest
approved version counts: what it is above the released amount is topped up by a release of kind `topup`, what it is
below comes back by a recovery. Declared versions are kept; a correction is the next version. The two people are kept
apart by the database, and the gate counts no declaration or approval of anybody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem

_ALLOCATION = "SELECT EXISTS (SELECT FROM allocation WHERE book = $1 AND allocation_id = $2)"
_NEXT = "SELECT coalesce(max(version), 0) + 1 FROM release_settlement WHERE book = $1 AND allocation_id = $2"
_DECLARE = """
INSERT INTO release_settlement (book, settlement_id, allocation_id, version, result_amount, document_no,
    evidence_sha256, declared_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_APPROVE = """
INSERT INTO release_settlement_approval (book, settlement_id, declared_by, approved_by)
SELECT s.book, s.settlement_id, s.declared_by, $3::uuid FROM release_settlement s
WHERE s.book = $1 AND s.settlement_id = $2
"""
_DECLARED = """
SELECT s.settlement_id, s.allocation_id, s.version, s.result_amount, s.document_no, s.evidence_sha256, s.declared_by,
       s.declared_at, p.approved_by, p.approved_at
FROM release_settlement s
LEFT JOIN release_settlement_approval p ON p.book = s.book AND p.settlement_id = s.settlement_id
WHERE s.book = $1 AND s.settlement_id = $2
"""
_STATUS = """
SELECT s.*, NOT s.settled AND s.due_on < d.day AS overdue
FROM (SELECT coalesce($3::date, shanghai_today()) AS day) d
CROSS JOIN LATERAL (SELECT * FROM release_settlement_status s WHERE s.book = $1 AND s.allocation_id > $2 OFFSET 0) s
WHERE NOT $4 OR (NOT s.settled AND s.due_on < d.day)
ORDER BY s.allocation_id LIMIT $5
"""
# What settled an allocation: top-ups and recoveries, by the account of what was released of it.
_SETTLED_BY = """
SELECT a.allocation_id, t.entry_id, t.line_no, e.entry_kind, t.amount, e.effective_on, e.document_no
FROM account a
JOIN transfer t ON t.book = a.book AND a.account_id IN (t.debit_account, t.credit_account)
JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
JOIN instruction n ON n.book = e.book AND n.instruction_id = e.instruction_id
WHERE a.book = $1 AND a.allocation_id = ANY ($2::uuid[]) AND a.account_kind = 'released'
  AND (n.release_kind = 'topup' OR e.entry_kind = 'recover')
ORDER BY e.order_no, t.line_no
"""


@dataclass(frozen=True, slots=True)
class Declared:
    """One version of an allocation's result; fen."""

    settlement_id: UUID
    allocation_id: UUID
    version: int
    result_amount: int
    document_no: str
    evidence_sha256: bytes
    declared_by: UUID
    declared_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None


@dataclass(frozen=True, slots=True)
class SettledBy:
    """A line of an entry that topped up or recovered; fen."""

    entry_id: UUID
    line_no: int
    entry_kind: str
    amount: int
    effective_on: date
    document_no: str


@dataclass(frozen=True, slots=True)
class SettlementStatus:
    """An allocation with prepaid releases or a result, fen: what is due, since when, and what settled it so far."""

    allocation_id: UUID
    district: int
    fund_code: str
    fiscal_year: int
    village_code: str | None
    document_no: str
    allocated: int
    released: int
    prepaid: int
    newest_settlement_id: UUID | None
    newest_result: int | None
    settlement_id: UUID | None
    result_amount: int | None
    topup_due: int | None
    remainder_due: int | None
    due_on: date
    settled: bool
    overdue: bool
    settled_by: Sequence[SettledBy] = ()


async def declare(
    connection: Connection, caller: Caller, book: int, settlement_id: UUID, allocation_id: UUID, result: int,
    document_no: str, evidence_sha256: bytes,
) -> None:  # fmt: skip
    """Declare a result (fen) as the allocation's next version, in the caller's transaction.

    Raises `allocation-not-found`, `reference-unknown` (no such evidence is kept); `version-taken` when another declares
    at the same time.
    """
    if not await connection.fetchval(_ALLOCATION, book, allocation_id):
        raise problem("allocation-not-found")
    version = await connection.fetchval(_NEXT, book, allocation_id)
    await connection.execute(
        _DECLARE, book, settlement_id, allocation_id, version, result, document_no, evidence_sha256, caller.staff_id
    )


async def approve(connection: Connection, caller: Caller, book: int, settlement_id: UUID) -> None:
    """Approve a declared version (rows are immutable: its id says what the approver saw), in the caller's transaction.

    Raises `settlement-not-found`, `duties-not-separate` (one's own), `settlement-already-approved`.
    """
    if await connection.execute(_APPROVE, book, settlement_id, caller.staff_id) == "INSERT 0 0":
        raise problem("settlement-not-found")


async def declared(connection: Connection, book: int, settlement_id: UUID) -> Declared:
    """One declared version and its approval; raises `settlement-not-found`."""
    row = await connection.fetchrow(_DECLARED, book, settlement_id)
    if row is None:
        raise problem("settlement-not-found")
    values: dict[str, Any] = dict(row)
    return Declared(**values)


async def settlements(
    connection: Connection, book: int, *, after: UUID, on: date | None, overdue: bool, limit: int
) -> list[SettlementStatus]:
    """Allocations with prepaid releases or a result, by id; `on` says as of which day one is overdue."""
    rows = await connection.fetch(_STATUS, book, after, on, overdue, limit)
    by: dict[UUID, list[SettledBy]] = {row["allocation_id"]: [] for row in rows}
    for row in await connection.fetch(_SETTLED_BY, book, list(by)):
        values: dict[str, Any] = dict(row)
        by[values.pop("allocation_id")].append(SettledBy(**values))
    names = SettlementStatus.__dataclass_fields__.keys() - {"settled_by"}
    made: list[dict[str, Any]] = [{name: row[name] for name in names} for row in rows]
    return [SettlementStatus(**values, settled_by=by[values["allocation_id"]]) for values in made]
