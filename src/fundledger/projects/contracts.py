"""Bids (投标) and changes of a contract (合同变更): what a procurement gathers beside its own versions.

A bid is taken while the tender is open, by one organisation of the registry each; a later version strikes it out, with
a reason, and never changes what was offered. A change of a contract counts once another person approved it, and never
brings the contract below what was paid. Both are checked by triggers that hold the project's row like the gate does,
so the database says the same as this service, and says all of it at once. Amounts in fen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlmodel import col, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.projects.records import append, expect_next, history
from fundledger.projects.tables import Bid

Decision = Literal["approved", "rejected"]

_CHANGE = """
INSERT INTO contract_change (book, change_id, procurement_id, amount, reason, document_no, evidence_sha256, recorded_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_REVIEW = """
INSERT INTO contract_change_review (book, change_id, decision, document_no, recorded_by) VALUES ($1, $2, $3, $4, $5)
"""
_CHANGES = """
SELECT c.book, c.change_id, c.procurement_id, c.amount, c.reason, c.document_no, c.evidence_sha256, c.recorded_by,
    c.recorded_at, r.decision, r.document_no AS review_document_no, r.recorded_by AS reviewed_by,
    r.recorded_at AS reviewed_at
FROM contract_change c LEFT JOIN contract_change_review r ON r.book = c.book AND r.change_id = c.change_id
WHERE c.book = $1 AND
"""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a contract and what was decided on it."""

    book: int
    change_id: UUID
    procurement_id: UUID
    amount: int
    reason: str
    document_no: str
    evidence_sha256: bytes
    recorded_by: UUID
    recorded_at: datetime
    decision: str | None
    review_document_no: str | None
    reviewed_by: UUID | None
    reviewed_at: datetime | None


async def record_bid(session: AsyncSession, row: Bid) -> None:
    """Record a bid (version 1) or the next version of one.

    Raises `bid-not-open`, `bid-outside-period`, `bid-exists`, `record-identity-changed`, `version-taken`, and
    `reference-unknown` for a procurement, bidder or document that is not in this book.
    """
    if row.version > 1:
        expect_next(await history(session, Bid, row.book, row.bid_id), row.version)
    await append(session, row)


async def bids_of(
    session: AsyncSession, book: int, procurement_id: UUID, *, after: tuple[UUID, int] | None, limit: int
) -> Sequence[Bid]:
    """A page of a procurement's bids, every version, beginning after a version of one."""
    query = select(Bid).where(col(Bid.procurement_id) == procurement_id, col(Bid.book) == book)
    if after is not None:
        query = query.where(tuple_(col(Bid.bid_id), col(Bid.version)) > after)
    return (await session.exec(query.order_by(col(Bid.bid_id), col(Bid.version)).limit(limit))).all()


async def record_change(
    connection: Connection, caller: Caller, book: int, change_id: UUID, procurement_id: UUID, amount: int, reason: str,
    document_no: str, evidence_sha256: bytes,
) -> None:  # fmt: skip
    """Record a change of a signed contract, to be decided by another person.

    Raises `contract-not-signed`, and `reference-unknown` for what is not in this book.
    """
    await connection.execute(
        _CHANGE, book, change_id, procurement_id, amount, reason, document_no, evidence_sha256, caller.staff_id
    )


async def review_change(
    connection: Connection, caller: Caller, book: int, procurement_id: UUID, change_id: UUID, decision: Decision,
    document_no: str,
) -> None:  # fmt: skip
    """Approve or reject a change of that contract, once.

    Raises `record-not-found`, `duties-not-separate`, `approver-without-duty`, `contract-below-paid`, `change-decided`.
    """
    if (await change_of(connection, book, change_id)).procurement_id != procurement_id:
        raise problem("record-not-found")
    await connection.execute(_REVIEW, book, change_id, decision, document_no, caller.staff_id)


async def change_of(connection: Connection, book: int, change_id: UUID) -> Change:
    """A change by its id; raises `record-not-found`."""
    row = await connection.fetchrow(_CHANGES + "c.change_id = $2", book, change_id)
    if row is None:
        raise problem("record-not-found")
    return Change(**dict(row))


async def changes_of(connection: Connection, book: int, procurement_id: UUID) -> list[Change]:
    """A contract's changes, oldest first."""
    rows = await connection.fetch(_CHANGES + "c.procurement_id = $2 ORDER BY c.change_id", book, procurement_id)
    return [Change(**dict(row)) for row in rows]
