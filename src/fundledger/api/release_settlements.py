"""Settlement of prepaid releases (先预拨后清算): declare the year's result, approve it, see what is due and overdue."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import BookOut, Sha256, Sha256Out, YuanOrZero
from fundledger.api.records import after_id, next_id, once
from fundledger.api.wire import Answer, Body, Cursor, Day, Limit, Text, YuanOut
from fundledger.budget.release_settlements import approve, declare, declared, settlements
from fundledger.db.database import driver_of
from fundledger.ids import new_id

router = APIRouter(prefix="/v1/books/{book}/release-settlements", tags=["budget"])
FINANCE = frozenset({"finance"})


class Declaration(Body):
    """What an allocation's result of the year is worth, by which document."""

    allocation_id: UUID
    result_amount: YuanOrZero
    document_no: Text
    evidence_sha256: Sha256


class DeclaredAnswer(Answer):
    """A declared version; it counts once approved."""

    settlement_id: UUID
    allocation_id: UUID
    version: int
    result_amount: YuanOut
    document_no: str
    evidence_sha256: Sha256Out
    declared_by: UUID
    declared_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None


class SettledByAnswer(Answer):
    """A top-up or recovery."""

    entry_id: UUID
    line_no: int
    entry_kind: str
    amount: YuanOut
    effective_on: date
    document_no: str


class ReleaseSettlementAnswer(Answer):
    """An allocation with prepaid releases: the approved result (`settlement_id`), what is due by it, and until when.

    `newest_…` is the newest declaration, approved or not.
    """

    allocation_id: UUID
    district: BookOut
    fund_code: str
    fiscal_year: int
    village_code: str | None
    document_no: str
    allocated: YuanOut
    released: YuanOut
    prepaid: YuanOut
    newest_settlement_id: UUID | None
    newest_result: YuanOut | None
    settlement_id: UUID | None
    result_amount: YuanOut | None
    topup_due: YuanOut | None
    remainder_due: YuanOut | None
    due_on: date
    settled: bool
    overdue: bool
    settled_by: list[SettledByAnswer]


class ReleaseSettlementPage(Answer):
    """Allocations in the order of their ids."""

    items: list[ReleaseSettlementAnswer]
    next: str | None


@router.post("", status_code=201)
async def declare_release_result(
    book: int,
    body: Declaration,
    call: Annotated[Call, writes(FINANCE, "maker", level="city")],
    session: Writing,
    response: Response,
) -> DeclaredAnswer:
    """Declare the year's result of an allocation, as the next version. Another person approves it."""
    settlement_id = await once(
        call, session, response, "release_settlement", new_id(),
        lambda connection, new: declare(
            connection, call.caller, book, new, body.allocation_id, body.result_amount, body.document_no,
            body.evidence_sha256,
        ),
    )  # fmt: skip
    return DeclaredAnswer.model_validate(await declared(await driver_of(session), book, settlement_id))


@router.post("/{settlement_id}/approve")
async def approve_release_result(
    book: int,
    settlement_id: UUID,
    call: Annotated[Call, writes(FINANCE, "approver", level="city")],
    session: Writing,
    response: Response,
) -> DeclaredAnswer:
    """Approve a declared version. From now on it counts for top-ups and for what has to come back."""
    await once(
        call, session, response, "release_settlement_approval", settlement_id,
        lambda connection, same: approve(connection, call.caller, book, same),
    )  # fmt: skip
    return DeclaredAnswer.model_validate(await declared(await driver_of(session), book, settlement_id))


@router.get("")
async def list_release_settlements(
    book: int, call: Annotated[Call, reads(EVERYBODY)], session: Reading, overdue: bool = False, on: Day | None = None,
    limit: Limit = 100, cursor: Cursor = None,
) -> ReleaseSettlementPage:  # fmt: skip
    """What prepaid releases still need; `overdue=true`: not settled by their day (as of `on`, or today)."""
    found = await settlements(
        await driver_of(session), book, after=after_id(cursor), on=on, overdue=overdue, limit=limit
    )
    items = [ReleaseSettlementAnswer.model_validate(item) for item in found]
    return ReleaseSettlementPage(items=items, next=next_id([item.allocation_id for item in items], limit))


@router.get("/{settlement_id}")
async def get_release_settlement(
    book: int, settlement_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> DeclaredAnswer:
    """One declared version of an allocation's result, as its approver sees it."""
    return DeclaredAnswer.model_validate(await declared(await driver_of(session), book, settlement_id))
