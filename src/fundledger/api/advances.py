"""Advances (预拨): what became of them, their settlement (清算), and the return of what is left (余款退回).

An advance itself is a payment list of kind `advance` (see `payments`).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.drafts import drafted
from fundledger.api.fields import Sha256, heading_of
from fundledger.api.reversals import UndoItem
from fundledger.api.wire import (
    Answer,
    Classified,
    Cursor,
    Day,
    InstructionAnswer,
    Limit,
    YuanOut,
    decode_cursor,
    encode_cursor,
)  # fmt: skip
from fundledger.book.reversals import UndoLine
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.payments.advances import Settled, advances, draft_advance_return, draft_settlement

router = APIRouter(prefix="/v1/books/{book}", tags=["payments"])
BUREAUS = frozenset({"finance", "poverty_office"})


class AdvanceAnswer(Answer):
    """An advance: `outstanding` is what was neither settled nor returned, to be settled by `due_on`."""

    entry_id: UUID
    line_no: int
    effective_on: date
    document_no: str
    payee_id: UUID
    payee_name: str
    allocation_id: UUID
    project_id: UUID
    procurement_id: UUID | None
    amount: YuanOut
    settled: YuanOut
    returned: YuanOut
    outstanding: YuanOut
    age_days: int
    due_on: date
    overdue: bool


class AdvancePage(Answer):
    """Advances, oldest first."""

    items: list[AdvanceAnswer]
    next: str | None


class SettledItem(UndoItem):
    """A line of an advance; without an amount, all that is left of it."""

    entry_id: UUID


class Settlement(Classified):
    """What is settled, the oldest advance of a payee, allocation and project first; on which evidence."""

    evidence_sha256: Sha256
    lines: Annotated[list[SettledItem], Field(min_length=1, max_length=1_000)]


class AdvanceReturn(Classified):
    """What of an advance comes back, on which bank receipt; no lines: everything that was not settled."""

    entry_id: UUID
    evidence_sha256: Sha256
    lines: Annotated[list[UndoItem], Field(max_length=1_000, default_factory=list)]


@router.get("/advances")
async def list_advances(
    book: int, call: Annotated[Call, reads(EVERYBODY)], session: Reading, overdue: bool = False, on: Day | None = None,
    limit: Limit = 100, cursor: Cursor = None,
) -> AdvancePage:  # fmt: skip
    """The advances of a book with what became of them; `overdue=true`: those past their day (of `on`, or today)."""
    after = decode_cursor(cursor, 2) or [0, 0]
    if not all(isinstance(value, int) and 0 <= value < 2**62 for value in after) or after[1] >= 2**31:
        raise problem("cursor-malformed")
    found = await advances(
        await driver_of(session), book, after=(after[0], after[1]), on=on, overdue=overdue, limit=limit
    )
    more = encode_cursor([found[-1].order_no, found[-1].line_no]) if len(found) == limit else None
    return AdvancePage(items=[AdvanceAnswer.model_validate(item) for item in found], next=more)


@router.post("/settlements", status_code=201)
async def create_settlement(
    book: int,
    body: Settlement,
    call: Annotated[Call, writes(BUREAUS, "maker", level="district")],
    session: Writing,
    response: Response,
) -> InstructionAnswer:
    """Draft the settlement of advances against accepted work. A second person approves it, which posts it."""
    lines = [Settled(line.entry_id, line.line_no, line.amount) for line in body.lines]
    return await drafted(
        call, session, response, book,
        lambda connection, new: draft_settlement(
            connection, call.caller, book, new, heading_of(body), body.evidence_sha256, lines
        ),
    )  # fmt: skip


@router.post("/advance-returns", status_code=201)
async def create_advance_return(
    book: int,
    body: AdvanceReturn,
    call: Annotated[Call, writes(frozenset({"finance"}), "maker", level="district")],
    session: Writing,
    response: Response,
) -> InstructionAnswer:
    """Draft the return of an advance's remainder. A second person approves it, which posts it."""
    lines = [UndoLine(line.line_no, line.amount) for line in body.lines]
    return await drafted(
        call, session, response, book,
        lambda connection, new: draft_advance_return(
            connection, call.caller, book, new, heading_of(body), body.evidence_sha256, body.entry_id, lines
        ),
    )  # fmt: skip
