"""Reversals (冲销): drafted by one person, posted when a second approves, like every other entry."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from fundledger.api.deps import Call, Writing, writes
from fundledger.api.drafts import drafted
from fundledger.api.fields import heading_of
from fundledger.api.wire import Body, Classified, InstructionAnswer, Yuan
from fundledger.book.reversals import UndoLine, draft_reversal

router = APIRouter(prefix="/v1/books/{book}/reversals", tags=["book"])


class UndoItem(Body):
    """A line of the original; without an amount, all that is left of it."""

    line_no: Annotated[int, Field(ge=1, le=2_000_000_000)]
    amount: Yuan | None = None


class Reversal(Classified):
    """What is undone: an entry of this book, some of its lines or parts of them; no lines: everything that is left."""

    entry_id: UUID
    lines: Annotated[list[UndoItem], Field(max_length=10_000, default_factory=list)]


@router.post("", status_code=201)
async def reverse(
    book: int,
    body: Reversal,
    call: Annotated[Call, writes(frozenset({"finance", "poverty_office"}), "maker")],
    session: Writing,
    response: Response,
) -> InstructionAnswer:
    """Draft a reversal. A crossing is undone by the city, on both sides; a payment only by a bank return."""
    lines = [UndoLine(line.line_no, line.amount) for line in body.lines]
    return await drafted(
        call, session, response, book,
        lambda connection, new: draft_reversal(
            connection, call.caller, book, new, heading_of(body), body.entry_id, lines
        ),
    )  # fmt: skip
