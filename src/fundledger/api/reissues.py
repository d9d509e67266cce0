"""Re-issues, the bank instruction file, and the lines of a payee over the years (重发、代发文件、发放查询)."""

from __future__ import annotations

import base64
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from fundledger.access.policy import EVERYBODY, OFFICES
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.payments import PaymentListAnswer
from fundledger.api.problems import language_of
from fundledger.api.reading import Hash, Word, read_cursor
from fundledger.api.wire import Answer, Body, Cursor, Day, Limit, Text, YuanOut, encode_cursor, mark_replay
from fundledger.book.idempotency import claim
from fundledger.db.database import driver_of
from fundledger.ids import new_id
from fundledger.payments.bank_files import MEDIA_TYPES, Format, take_bank_file, taken_files
from fundledger.payments.line_states import LineState, lines_to
from fundledger.payments.reading import list_of
from fundledger.payments.reissues import Correction, ReissueHeader, reissue_list

router = APIRouter(prefix="/v1/books/{book}", tags=["payments"])

LINE_NO_MAX = 2**31 - 1


class CorrectionIn(Body):
    """A returned line to pay again; name and account where they were wrong."""

    line_no: Annotated[int, Field(ge=1, le=LINE_NO_MAX)]
    name: Annotated[Text | None, Field(max_length=100)] = None
    account: Annotated[Text | None, Field(max_length=100)] = None


class ReissueIn(Body):
    """How the new list is drafted. Without `lines`: everything that came back and waits."""

    document_no: Text
    effective_on: Day
    summary: Text
    officer_id: Annotated[UUID | None, Field(description="default: the payment's")] = None
    supervisor_id: Annotated[UUID | None, Field(description="default: the payment's")] = None
    procurement_id: Annotated[UUID | None, Field(description="default: the payment's; only where it named none")] = None
    claim_id: Annotated[UUID | None, Field(description="default: the payment's; only where it named none")] = None
    lines: Annotated[list[CorrectionIn] | None, Field(min_length=1, max_length=100_000)] = None


class TakenFile(Answer):
    """One time the file was taken out: by whom, when, which bytes."""

    bank_file_id: UUID
    format: str
    line_count: int
    total: YuanOut
    sha256: Hash
    taken_by: UUID
    taken_at: datetime


class TakenFiles(Answer):
    """Every time, oldest first."""

    items: list[TakenFile]


class PayeeLine(Answer):
    """A line that a payee was listed for, and what became of it."""

    payment_list_id: UUID
    line_no: int
    document_no: str
    effective_on: date
    project_id: UUID | None
    programme_code: str
    period: str
    payee_kind: str
    payee_id: UUID
    amount: YuanOut
    entry_id: UUID | None
    state: LineState
    return_reason: str | None
    returned_on: date | None
    return_posted: bool | None
    reissued_by_list: UUID | None
    reissued_by_line_no: int | None
    reissues_list: UUID | None
    reissues_line_no: int | None


class PayeeLines(Answer):
    """Lines, newest list first."""

    items: list[PayeeLine]
    next: str | None


@router.post("/payment-lists/{payment_list_id}/reissues", status_code=201)
async def reissue_payment_list(
    book: int,
    payment_list_id: UUID,
    body: ReissueIn,
    request: Request,
    call: Annotated[Call, writes(OFFICES, "maker", level="district")],
    session: Writing,
    response: Response,
) -> PaymentListAnswer:
    """Draft a list that pays again what came back of this one; then approve and pay it like any other."""
    connection, new = await driver_of(session), new_id()
    earlier = await claim(connection, call.caller, call.key, call.request_sha256, "payment_list", new)
    pending = None
    if earlier is None:
        header = ReissueHeader(
            body.document_no, body.effective_on, body.summary, body.officer_id, body.supervisor_id, body.procurement_id,
            body.claim_id,
        )  # fmt: skip
        wanted = None if body.lines is None else [Correction(one.line_no, one.name, one.account) for one in body.lines]
        pending = await reissue_list(
            connection, call.caller, call.services.vault, book, new, payment_list_id, header, wanted
        )
    mark_replay(response, earlier is not None)
    return PaymentListAnswer.of(await list_of(connection, book, earlier or new, pending=pending), language_of(request))


_FILE: dict[str, Any] = {
    "description": "The file. The bytes are not kept; `GET …/bank-files` shows that they were taken.",
    "content": {media.partition(";")[0]: {"schema": {"type": "string"}} for media in MEDIA_TYPES.values()},
    "headers": {
        "Content-Digest": {"description": "SHA-256 (RFC 9530)", "required": True, "schema": {"type": "string"}},
        "Cache-Control": {"description": "never stored", "required": True, "schema": {"type": "string"}},
    },
}  # fmt: skip


@router.post("/payment-lists/{payment_list_id}/bank-file", response_class=Response, responses={200: _FILE})
async def take_payment_bank_file(
    book: int,
    payment_list_id: UUID,
    call: Annotated[Call, writes(frozenset({"finance"}), "payer", level="district")],
    session: Writing,
    format: Annotated[Format, Query()] = "csv",  # noqa: A002 - the query's name
) -> Response:
    """The bank instruction file (代发文件) of a paid list, names and cards in clear. Every call is recorded."""
    connection = await driver_of(session)
    earlier = await claim(connection, call.caller, call.key, call.request_sha256, "bank_file", payment_list_id)
    file = await take_bank_file(connection, call.caller, call.services.vault, book, payment_list_id, format)
    digest = base64.b64encode(file.sha256).decode()
    response = Response(file.content, media_type=MEDIA_TYPES[format], headers={
        "Cache-Control": "no-store", "Content-Digest": f"sha-256=:{digest}:", "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="{payment_list_id}.{format}"',
    })  # fmt: skip
    mark_replay(response, earlier is not None)
    return response


@router.get("/payment-lists/{payment_list_id}/bank-files")
async def get_payment_bank_files(
    book: int, payment_list_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> TakenFiles:
    """Who took the bank instruction file of a list, and when. The files themselves are not kept."""
    taken = await taken_files(await driver_of(session), book, payment_list_id)
    return TakenFiles(items=[TakenFile.model_validate(one) for one in taken])


@router.get("/payment-lines")
async def get_payee_lines(
    book: int, call: Annotated[Call, reads(EVERYBODY)], session: Reading, payee_id: UUID | None = None,
    household_no: Word = None, state: LineState | None = None, limit: Limit = 100, cursor: Cursor = None,
) -> PayeeLines:  # fmt: skip
    """What a payee, or a household with all its persons, was listed for over the years, with the state of each line."""
    values = read_cursor(cursor, UUID, int)
    before = None if values is None else (values[0], min(values[1], LINE_NO_MAX))
    rows = await lines_to(
        await driver_of(session), book, payee_id=payee_id, household_no=household_no, state=state, before=before,
        limit=limit,
    )  # fmt: skip
    items = [PayeeLine(payment_list_id=row.pop("instruction_id"), **row) for row in rows]
    more = encode_cursor([items[-1].payment_list_id, items[-1].line_no]) if len(items) == limit else None
    return PayeeLines(items=items, next=more)
