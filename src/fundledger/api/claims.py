"""Reimbursement claims (报账单): recorded with vouchers, decided once by another person, named by payment lists."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from fundledger.access.policy import EVERYBODY, OFFICES
from fundledger.api.contracts import ReviewBody, Reviewer
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import Sha256, Sha256Out
from fundledger.api.reading import read_cursor
from fundledger.api.records import once
from fundledger.api.wire import Answer, Body, Cursor, Limit, Text, Yuan, YuanOut, encode_cursor
from fundledger.db.database import driver_of
from fundledger.errors import Fault, problem
from fundledger.ids import new_id
from fundledger.projects import claims
from fundledger.projects.claims import (
    NewClaim,
    Voucher,
    claim_of,
    claims_of,
    invoice_number,
    record_claim,
)

router = APIRouter(prefix="/v1/books/{book}", tags=["projects"])

Maker = Annotated[Call, writes(OFFICES, "maker", level="district")]
Reader = Annotated[Call, reads(EVERYBODY)]
INVOICE_MIN, INVOICE_MAX = 6, 40


class VoucherIn(Body):
    """A piece a claim rests on; an invoice by its code and number together, blanks and dashes do not count."""

    kind: Literal["invoice", "receipt", "payroll", "measurement", "other"]
    number: Text
    amount: Yuan
    evidence_sha256: Sha256


class ClaimBody(Body):
    """What a payee asks for; `procurement_id` may be left out where the project has only one."""

    project_id: UUID
    procurement_id: UUID | None = None
    payee_id: UUID
    amount: Yuan
    progress_percent: Annotated[int, Field(ge=1, le=100)]
    document_no: Text
    vouchers: Annotated[list[VoucherIn], Field(min_length=1, max_length=200)]


class VoucherAnswer(Answer):
    """A voucher of a claim."""

    voucher_no: int
    kind: str
    number: str
    amount: YuanOut
    evidence_sha256: Sha256Out


class ClaimAnswer(Answer):
    """A claim, its vouchers, what was decided and what was paid under it."""

    claim_id: UUID
    project_id: UUID
    procurement_id: UUID
    payee_id: UUID
    amount: YuanOut
    progress_percent: int
    document_no: str
    recorded_by: UUID
    recorded_at: datetime
    decision: str | None
    review_document_no: str | None
    reviewed_by: UUID | None
    reviewed_at: datetime | None
    paid: YuanOut
    vouchers: list[VoucherAnswer]


class ClaimPage(Answer):
    """Claims, oldest first."""

    items: list[ClaimAnswer]
    next: str | None


def _new(body: ClaimBody) -> NewClaim:
    """For the service; raises `invoice-number` for a number that is none, with its place."""
    faults = [
        Fault("invoice-number", {}, f"/vouchers/{place}/number")
        for place, voucher in enumerate(body.vouchers)
        if voucher.kind == "invoice" and not _is_invoice(invoice_number(voucher.number))
    ]
    if faults:
        raise problem("invoice-number", faults=faults)
    vouchers = [Voucher(one.kind, one.number, one.amount, one.evidence_sha256) for one in body.vouchers]
    return NewClaim(
        body.project_id, body.procurement_id, body.payee_id, body.amount, body.progress_percent, body.document_no,
        vouchers,
    )  # fmt: skip


def _is_invoice(number: str) -> bool:
    return INVOICE_MIN <= len(number) <= INVOICE_MAX and number.isascii() and number.isalnum()


@router.post("/claims", status_code=201)
async def create_claim(book: int, body: ClaimBody, call: Maker, session: Writing, response: Response) -> ClaimAnswer:
    """Record a reimbursement claim with its vouchers."""
    claimed = _new(body)
    claim_id = await once(
        call, session, response, "claim", new_id(),
        lambda connection, new: record_claim(connection, call.caller, book, new, claimed),
    )  # fmt: skip
    return ClaimAnswer.model_validate(await claim_of(await driver_of(session), book, claim_id))


@router.get("/claims/{claim_id}")
async def get_claim(book: int, claim_id: UUID, call: Reader, session: Reading) -> ClaimAnswer:
    """A claim with its vouchers."""
    return ClaimAnswer.model_validate(await claim_of(await driver_of(session), book, claim_id))


@router.get("/projects/{project_id}/claims")
async def list_claims(
    book: int, project_id: UUID, call: Reader, session: Reading, limit: Limit = 100, cursor: Cursor = None
) -> ClaimPage:
    """A project's claims, oldest first."""
    (after,) = read_cursor(cursor, UUID) or (None,)
    found = await claims_of(await driver_of(session), book, project_id, after=after, limit=limit)
    following = encode_cursor([found[-1].claim_id]) if len(found) == limit else None
    return ClaimPage(items=[ClaimAnswer.model_validate(one) for one in found], next=following)


@router.post("/claims/{claim_id}/review", status_code=201)
async def review_claim(
    book: int, claim_id: UUID, body: ReviewBody, call: Reviewer, session: Writing, response: Response
) -> ClaimAnswer:
    """Approve or reject a claim, once; never by who recorded it."""
    await once(
        call, session, response, "claim-review", claim_id,
        lambda connection, same: claims.review_claim(
            connection, call.caller, book, same, body.decision, body.document_no
        ),
    )  # fmt: skip
    return ClaimAnswer.model_validate(await claim_of(await driver_of(session), book, claim_id))
