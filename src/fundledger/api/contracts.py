"""Bids (投标) and changes of a contract (合同变更): the second are decided by another person than who records them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from fundledger.access.policy import EVERYBODY, OFFICES
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import Sha256, Sha256Out, SignedYuan, Version
from fundledger.api.reading import read_version_cursor
from fundledger.api.records import once, recorded
from fundledger.api.wire import Answer, Body, Cursor, Day, Limit, Text, Yuan, YuanOut, encode_cursor
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.ids import new_id
from fundledger.projects.contracts import bids_of, change_of, changes_of, record_bid, record_change, review_change
from fundledger.projects.tables import Bid

router = APIRouter(prefix="/v1/books/{book}", tags=["projects"])

BUREAUS = frozenset({"finance", "poverty_office"})
Maker = Annotated[Call, writes(OFFICES, "maker", level="district")]
Reviewer = Annotated[Call, writes(BUREAUS, "approver", level="district")]
Reader = Annotated[Call, reads(EVERYBODY)]


class BidBody(Body):
    """What a bidder of the registry offered, and what became of the offer; a reason where it is not valid."""

    bidder_id: UUID
    price: Yuan
    received_on: Day
    status: Literal["valid", "disqualified", "withdrawn"] = "valid"
    reason: Annotated[str, Field(max_length=500)] = ""
    evidence_sha256: Sha256
    document_no: Text


class BidVersion(BidBody):
    """A bid struck out or withdrawn; the offer itself stays."""

    version: Version


class BidAnswer(Answer):
    """One version of a bid."""

    bid_id: UUID
    version: int
    procurement_id: UUID
    bidder_id: UUID
    price: YuanOut
    received_on: date
    status: str
    reason: str
    evidence_sha256: Sha256Out
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


class BidPage(Answer):
    """Versions of bids, bid by bid."""

    items: list[BidAnswer]
    next: str | None


class ChangeBody(Body):
    """By how much a contract changes (below zero: less), why, and the document."""

    amount: SignedYuan
    reason: Text
    document_no: Text
    evidence_sha256: Sha256


class ReviewBody(Body):
    """What a second person decides."""

    decision: Literal["approved", "rejected"]
    document_no: Text


class ChangeAnswer(Answer):
    """A change of a contract; it counts once approved."""

    change_id: UUID
    procurement_id: UUID
    amount: YuanOut
    reason: str
    document_no: str
    evidence_sha256: Sha256Out
    recorded_by: UUID
    recorded_at: datetime
    decision: str | None
    review_document_no: str | None
    reviewed_by: UUID | None
    reviewed_at: datetime | None


async def _bid(
    book: int, procurement_id: UUID, body: BidBody, version: int, call: Call, session: Writing, response: Response,
    bid_id: UUID,
) -> BidAnswer:  # fmt: skip
    if body.status != "valid" and not body.reason.strip():
        raise problem("bid-reason-missing")
    fields = {name: getattr(body, name) for name in BidBody.model_fields}
    row = await recorded(
        call, session, response, Bid, book, bid_id, version,
        lambda new: record_bid(
            session,
            Bid(book=book, bid_id=new, version=version, procurement_id=procurement_id,
                recorded_by=call.caller.staff_id, **fields),
        ),
    )  # fmt: skip
    return BidAnswer.model_validate(row)


@router.post("/procurements/{procurement_id}/bids", status_code=201)
async def create_bid(
    book: int, procurement_id: UUID, body: BidBody, call: Maker, session: Writing, response: Response
) -> BidAnswer:
    """Record a bid while the tender is open."""
    return await _bid(book, procurement_id, body, 1, call, session, response, new_id())


@router.post("/procurements/{procurement_id}/bids/{bid_id}/versions", status_code=201)
async def change_bid(
    book: int, procurement_id: UUID, bid_id: UUID, body: BidVersion, call: Maker, session: Writing, response: Response
) -> BidAnswer:
    """Strike a bid out, or record that it was withdrawn: a new version."""
    return await _bid(book, procurement_id, body, body.version, call, session, response, bid_id)


@router.get("/procurements/{procurement_id}/bids")
async def list_bids(
    book: int, procurement_id: UUID, call: Reader, session: Reading, limit: Limit = 100, cursor: Cursor = None
) -> BidPage:
    """A procurement's bids, every version."""
    found = await bids_of(session, book, procurement_id, after=read_version_cursor(cursor), limit=limit)
    following = encode_cursor([found[-1].bid_id, found[-1].version]) if len(found) == limit else None
    return BidPage(items=[BidAnswer.model_validate(row) for row in found], next=following)


@router.post("/procurements/{procurement_id}/changes", status_code=201)
async def create_contract_change(
    book: int, procurement_id: UUID, body: ChangeBody, call: Maker, session: Writing, response: Response
) -> ChangeAnswer:
    """Record a change of a signed contract; it counts once another person has approved it."""
    if body.amount == 0:
        raise problem("amount-not-positive")
    change_id = await once(
        call, session, response, "contract-change", new_id(),
        lambda connection, new: record_change(
            connection, call.caller, book, new, procurement_id, body.amount, body.reason, body.document_no,
            body.evidence_sha256,
        ),
    )  # fmt: skip
    return ChangeAnswer.model_validate(await change_of(await driver_of(session), book, change_id))


@router.get("/procurements/{procurement_id}/changes")
async def list_contract_changes(book: int, procurement_id: UUID, call: Reader, session: Reading) -> list[ChangeAnswer]:
    """A contract's changes, oldest first."""
    found = await changes_of(await driver_of(session), book, procurement_id)
    return [ChangeAnswer.model_validate(change) for change in found]


@router.post("/procurements/{procurement_id}/changes/{change_id}/review", status_code=201)
async def review_contract_change(
    book: int,
    procurement_id: UUID,
    change_id: UUID,
    body: ReviewBody,
    call: Reviewer,
    session: Writing,
    response: Response,
) -> ChangeAnswer:
    """Approve or reject a change, once; never by who recorded it."""
    await once(
        call, session, response, "contract-change-review", change_id,
        lambda connection, same: review_change(
            connection, call.caller, book, procurement_id, same, body.decision, body.document_no
        ),
    )  # fmt: skip
    return ChangeAnswer.model_validate(await change_of(await driver_of(session), book, change_id))
