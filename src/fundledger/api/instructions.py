"""Instructions: look at one, approve it (which posts it, unless it is a payment list), or send it back."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from fundledger.access.policy import EVERYBODY, OFFICES
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.wire import Approve, Body, InstructionAnswer, PostedAnswer, Text, mark_replay, posted_response
from fundledger.book import instructions
from fundledger.book.idempotency import claim
from fundledger.book.poster import Posting
from fundledger.db.database import driver_of

router = APIRouter(prefix="/v1/books/{book}/instructions", tags=["instructions"])


@router.get("/{instruction_id}")
async def get_instruction(
    book: int, instruction_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> InstructionAnswer:
    """A draft, its status and the SHA-256 of its content, which an approver names."""
    return InstructionAnswer.of(await instructions.state_of(await driver_of(session), book, instruction_id))


@router.post("/{instruction_id}/approve", response_model=PostedAnswer)
async def approve_instruction(
    book: int, instruction_id: UUID, body: Approve, call: Annotated[Call, writes(OFFICES, "approver")]
) -> Response:
    """Approve a budget instruction and post it, in one transaction. Payment lists have routes of their own."""
    call.services.watch.may_promise()
    posting = Posting(book, instruction_id, call.caller.staff_id, body.digest(), call.key, call.request_sha256)
    return posted_response(await call.services.poster.post(posting), call.services.log_keys)


class Rejection(Body):
    """Why a draft is sent back."""

    reason: Text


@router.post("/{instruction_id}/reject")
async def reject_instruction(
    book: int,
    instruction_id: UUID,
    body: Rejection,
    call: Annotated[Call, writes(OFFICES, "approver")],
    session: Writing,
    response: Response,
) -> InstructionAnswer:
    """Send a draft back for good; a corrected one is a new draft."""
    connection = await driver_of(session)
    replayed = await claim(connection, call.caller, call.key, call.request_sha256, "rejection", instruction_id)
    if replayed is None:
        await instructions.reject(connection, call.caller, book, instruction_id, body.reason)
    mark_replay(response, replayed is not None)
    return InstructionAnswer.of(await instructions.state_of(connection, book, instruction_id))
