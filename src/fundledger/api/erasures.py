"""Erasing personal data after the retention period (删除个人信息): one proposes, another of the office approves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from fundledger.access.policy import EVERYBODY, READS_ALL_OF_CITY
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.records import after_id, next_id, once
from fundledger.api.wire import Answer, Approve, Body, Cursor, Limit, Text
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.ids import new_id
from fundledger.payments import erasures
from fundledger.payments.erasures import Erasure, Scope

router = APIRouter(prefix="/v1/books/{book}/erasures", tags=["payments"])

BUREAUS = READS_ALL_OF_CITY
LINE_NO_MAX = 2**31 - 1
Reader = Annotated[Call, reads(EVERYBODY)]
Proposer = Annotated[Call, writes(BUREAUS, "maker", level="district")]
Approver = Annotated[Call, writes(BUREAUS, "approver", level="district")]
Status = Literal["proposed", "approved", "rejected"]


class ErasureIn(Body):
    """What to erase: a payment list (all of it, or some lines), or all lines of one payee whose time is over."""

    payment_list_id: UUID | None = None
    line_nos: Annotated[
        list[Annotated[int, Field(ge=1, le=LINE_NO_MAX)]] | None, Field(min_length=1, max_length=200_000)
    ] = None
    payee_id: UUID | None = None
    document_no: Text
    reason: Text

    def scope(self) -> Scope:
        """The scope; `erasure-scope` unless it is exactly one list or one payee."""
        one = (self.payment_list_id is None) != (self.payee_id is None)
        if not one or (self.payee_id is not None and self.line_nos is not None):
            raise problem("erasure-scope")
        return Scope(self.payment_list_id, self.line_nos, self.payee_id)


class ErasedListAnswer(Answer):
    """Lines of one list, as ranges; SHA-256 over ``line_no|name_commitment|card_commitment``, one line each."""

    payment_list_id: UUID
    lines: list[str]
    line_count: int
    commitments_sha256: str


class ErasureAnswer(Answer):
    """A proposal to erase and what became of it; an approver names `content_sha256`."""

    proposal_id: UUID
    status: Status
    document_no: str
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    content_sha256: str
    erasure_id: UUID | None
    retention_months: int | None
    decided_by: UUID | None
    decided_at: datetime | None
    rejection_reason: str | None
    lists: list[ErasedListAnswer]

    @classmethod
    def of(cls, row: Erasure) -> ErasureAnswer:
        """The answer about a proposal."""
        lists = [
            ErasedListAnswer(
                payment_list_id=one.instruction_id, lines=one.lines, line_count=one.line_count,
                commitments_sha256=one.commitments_sha256.hex(),
            )
            for one in row.lists
        ]  # fmt: skip
        fields = {name: getattr(row, name) for name in cls.model_fields}
        return cls(**{**fields, "content_sha256": row.content_sha256.hex(), "lists": lists})


class ErasurePage(Answer):
    """Proposals in the order they were made."""

    items: list[ErasureAnswer]
    next: str | None


@router.post("", status_code=201)
async def propose_erasure(
    book: int, body: ErasureIn, call: Proposer, session: Writing, response: Response
) -> ErasureAnswer:
    """Propose to erase salts, names and accounts of lines whose retention period is over; nothing is erased yet."""
    scope = body.scope()
    proposal_id = await once(
        call, session, response, "erasure_proposal", new_id(),
        lambda connection, new: erasures.propose(
            connection, call.caller, book, new, scope, document_no=body.document_no, reason=body.reason),
    )  # fmt: skip
    return ErasureAnswer.of(await erasures.erasure(await driver_of(session), book, proposal_id))


@router.get("")
async def list_erasures(
    book: int, call: Reader, session: Reading, status: Annotated[Status | None, Query()] = None,
    limit: Limit = 100, cursor: Cursor = None,
) -> ErasurePage:  # fmt: skip
    """The proposals to erase, oldest first, with what became of them."""
    found = await erasures.erasures(
        await driver_of(session), book, status=status, after=after_id(cursor), limit=limit
    )  # fmt: skip
    items = [ErasureAnswer.of(row) for row in found]
    return ErasurePage(items=items, next=next_id([row.proposal_id for row in found], limit))


@router.get("/{proposal_id}")
async def get_erasure(book: int, proposal_id: UUID, call: Reader, session: Reading) -> ErasureAnswer:
    """One proposal to erase and what became of it."""
    return ErasureAnswer.of(await erasures.erasure(await driver_of(session), book, proposal_id))


@router.post("/{proposal_id}/approve")
async def approve_erasure(
    book: int, proposal_id: UUID, body: Approve, call: Approver, session: Writing, response: Response
) -> ErasureAnswer:
    """Erase exactly what was proposed, naming the SHA-256 of what you saw. It can't be undone."""
    digest = body.digest()
    await once(
        call, session, response, "erasure", proposal_id,
        lambda connection, same: erasures.approve(connection, call.caller, book, same, digest),
    )  # fmt: skip
    return ErasureAnswer.of(await erasures.erasure(await driver_of(session), book, proposal_id))


class ErasureRejection(Body):
    """Why a proposal goes back."""

    reason: Text


@router.post("/{proposal_id}/reject")
async def reject_erasure(
    book: int, proposal_id: UUID, body: ErasureRejection, call: Approver, session: Writing, response: Response
) -> ErasureAnswer:
    """Send a proposal back (退回); it can never be approved."""
    await once(
        call, session, response, "erasure_rejection", proposal_id,
        lambda connection, same: erasures.reject(connection, call.caller, book, same, body.reason),
    )  # fmt: skip
    return ErasureAnswer.of(await erasures.erasure(await driver_of(session), book, proposal_id))
