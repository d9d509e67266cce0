"""Payment lists over HTTP: upload (or preview), look, approve, pay. Three people: maker, approver, payer.

An upload is JSON, or a CSV or .xlsx file with the header's fields in the query. A preview is the same call that keeps
nothing. Paying is the hot path: one gate call, answered after its commit.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Request, Response

from fundledger.access.policy import EVERYBODY, OFFICES
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.payment_bodies import LINES, LIST_QUERY, ListIn, read_list
from fundledger.api.problems import language_of
from fundledger.api.uploads import documented
from fundledger.api.wire import (
    Answer,
    Approve,
    Cursor,
    Limit,
    PostedAnswer,
    YuanOut,
    decode_cursor,
    encode_cursor,
    mark_replay,
    posted_response,
)  # fmt: skip
from fundledger.book.idempotency import claim
from fundledger.book.poster import Posting
from fundledger.catalogue import CATALOGUE, Language, render
from fundledger.db.database import driver_of
from fundledger.errors import Fault, problem
from fundledger.ids import new_id
from fundledger.payments.forms import FORMS, ListKind
from fundledger.payments.line_states import LineState
from fundledger.payments.lists import take_list
from fundledger.payments.paying import approve_list
from fundledger.payments.reading import PaymentList, lines_of, list_of, lists_of
from fundledger.payments.statistics import PAID, UPLOADED, refresh_after

router = APIRouter(prefix="/v1/books/{book}/payment-lists", tags=["payments"])

_COLUMNS = {heading: name for form in FORMS.values() for heading, name in form.headings.items()}


class Pending(Answer):
    """What paying would be refused for today, and what mends it; `line` where it is about one line."""

    code: str
    dimension: str
    rule: str
    title: str
    detail: str
    mend: str
    line: int | None
    params: dict[str, Any]

    @classmethod
    def of(cls, fault: Fault, language: Language) -> Pending:
        """In the caller's language."""
        title, detail, mend = render(fault.code, fault.params, language)
        dimension = str(fault.params.get("dimension", "posting"))
        rule = CATALOGUE[fault.code].rule
        return cls(code=fault.code, dimension=dimension, rule=rule, title=title, detail=detail, mend=mend,
                   line=fault.line, params=fault.params)  # fmt: skip


class SourceAnswer(Answer):
    """An allocation and what the list takes of it."""

    allocation_id: UUID
    amount: YuanOut


class PaymentListAnswer(Answer):
    """A payment list and what became of it. A preview has no id and no digest: nothing was stored."""

    book: str
    payment_list_id: UUID | None
    status: str
    document_no: str
    effective_on: date
    summary: str
    kind: ListKind
    project_id: UUID | None
    programme_code: str
    period: str
    entitlement_on: date
    payee_kind: str
    pay_method: str
    is_final: bool
    procurement_id: UUID | None
    claim_id: UUID | None
    line_count: int
    total: YuanOut
    sources: list[SourceAnswer]
    maker_id: UUID
    made_at: datetime
    content_sha256: str | None
    approver_id: UUID | None
    entry_id: UUID | None
    recorded_at: datetime | None
    credited_lines: int
    returned_lines: int
    line_states: dict[LineState, int]
    pending: list[Pending]

    @classmethod
    def of(cls, found: PaymentList, language: Language, *, preview: bool = False) -> PaymentListAnswer:
        """The answer about a list."""
        state = found.state
        return cls(
            book=str(state.book), payment_list_id=None if preview else state.instruction_id,
            status="preview" if preview else state.status, document_no=state.document_no,
            effective_on=state.effective_on, summary=state.summary, kind=cast(ListKind, state.entry_kind),
            line_count=state.line_count, total=state.total,
            sources=[SourceAnswer(allocation_id=source, amount=amount) for source, amount in found.sources],
            maker_id=state.maker_id, made_at=state.made_at,
            content_sha256=None if preview else state.content_sha256.hex(), approver_id=state.approver_id,
            entry_id=state.entry_id, recorded_at=state.recorded_at, credited_lines=found.credited,
            returned_lines=found.returned, line_states=found.states,
            pending=[Pending.of(fault, language) for fault in found.pending],
            **found.fields,
        )  # fmt: skip


class ListItem(Answer):
    """A payment list among others."""

    payment_list_id: UUID
    status: str
    document_no: str
    effective_on: date
    summary: str
    kind: ListKind
    project_id: UUID | None
    programme_code: str
    period: str
    payee_kind: str
    line_count: int
    total: YuanOut
    maker_id: UUID
    made_at: datetime
    approver_id: UUID | None
    entry_id: UUID | None
    recorded_at: datetime | None


class ListPage(Answer):
    """Payment lists, newest first."""

    items: list[ListItem]
    next: str | None


class LineAnswer(Answer):
    """A line; name and card masked, null once erased; `outcome` is what the bank said, `state` what became of it.

    `reissued_by_…` is the line that paid it again, `reissues_…` the one that it pays again.
    """

    line_no: int
    allocation_id: UUID
    amount: YuanOut
    quantity: int
    payee_id: UUID
    household_id: UUID | None
    household_no: str | None
    name: str | None
    card: str | None
    participation_ref: str | None
    exception_document_no: str | None
    outcome: str | None
    reason: str | None
    state: LineState
    returned_on: date | None
    return_posted: bool | None
    reissued_by_list: UUID | None
    reissued_by_line_no: int | None
    reissues_list: UUID | None
    reissues_line_no: int | None


class LinePage(Answer):
    """Lines in order."""

    items: list[LineAnswer]
    next: str | None


@router.post("", status_code=201, openapi_extra=documented(ListIn, LINES, _COLUMNS, LIST_QUERY))
async def upload_payment_list(
    book: int,
    request: Request,
    call: Annotated[Call, writes(OFFICES, "maker", level="district")],
    session: Writing,
    response: Response,
    later: BackgroundTasks,
    preview: bool = False,
) -> PaymentListAnswer:
    """Upload a payment list, or with `preview=true` see what would become of it. All faults come back at once."""
    header, checked = await read_list(request, call)
    connection, new = await driver_of(session), new_id()
    earlier = (
        None if preview else await claim(connection, call.caller, call.key, call.request_sha256, "payment_list", new)
    )
    pending: list[Fault] | None = None
    if earlier is None:
        database = call.services.database
        pending = await take_list(
            connection, call.caller, call.services.vault, book, new, header, checked,
            preview=database if preview else None,
        )  # fmt: skip
        if not preview:
            later.add_task(refresh_after, database, len(checked.lines), UPLOADED)
    found = await list_of(connection, book, earlier or new, pending=pending)
    if preview:
        await session.rollback()
        response.status_code = 200
    mark_replay(response, earlier is not None)
    return PaymentListAnswer.of(found, language_of(request), preview=preview)


@router.get("")
async def get_payment_lists(
    book: int, call: Annotated[Call, reads(EVERYBODY)], session: Reading, project_id: UUID | None = None,
    limit: Limit = 100, cursor: Cursor = None,
) -> ListPage:  # fmt: skip
    """The payment lists of a book, newest first."""
    before = _uuid_of(cursor)
    rows = await lists_of(await driver_of(session), book, project_id=project_id, before=before, limit=limit)
    items = [ListItem(payment_list_id=row.pop("instruction_id"), **row) for row in rows]
    more = encode_cursor([items[-1].payment_list_id]) if len(items) == limit else None
    return ListPage(items=items, next=more)


@router.get("/{payment_list_id}")
async def get_payment_list(
    book: int, payment_list_id: UUID, request: Request, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> PaymentListAnswer:
    """A list, its status, the SHA-256 an approver names, and what it still lacks."""
    return PaymentListAnswer.of(await list_of(await driver_of(session), book, payment_list_id), language_of(request))


@router.get("/{payment_list_id}/lines")
async def get_payment_lines(
    book: int, payment_list_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading,
    state: LineState | None = None, limit: Limit = 100, cursor: Cursor = None,
) -> LinePage:  # fmt: skip
    """The lines of a list (in one state) in order, names and cards masked."""
    connection, after = await driver_of(session), _line_no_of(cursor)
    vault = call.services.vault
    rows = await lines_of(connection, vault, book, payment_list_id, after=after, limit=limit, state=state)
    items = [LineAnswer.model_validate(row) for row in rows]
    return LinePage(items=items, next=encode_cursor([items[-1].line_no]) if len(items) == limit else None)


@router.post("/{payment_list_id}/approve")
async def approve_payment_list(
    book: int,
    payment_list_id: UUID,
    body: Approve,
    request: Request,
    call: Annotated[Call, writes(OFFICES, "approver", level="district")],
    session: Writing,
    response: Response,
) -> PaymentListAnswer:
    """Approve a list as seen (its SHA-256). Another person pays it."""
    connection, digest = await driver_of(session), body.digest()
    earlier = await claim(connection, call.caller, call.key, call.request_sha256, "list_approval", payment_list_id)
    if earlier is None:
        await approve_list(connection, call.caller, book, payment_list_id, digest)
    found = await list_of(connection, book, payment_list_id)
    call.services.line_counts.remember(book, payment_list_id, found.state.line_count)
    mark_replay(response, earlier is not None)
    return PaymentListAnswer.of(found, language_of(request))


@router.post("/{payment_list_id}/pay", response_model=PostedAnswer)
async def pay_payment_list(
    book: int,
    payment_list_id: UUID,
    call: Annotated[Call, writes(frozenset({"finance"}), "payer", level="district")],
    later: BackgroundTasks,
) -> Response:
    """Pay an approved list: all its lines or none. The five of the five-to-district are checked now."""
    services = call.services
    services.watch.may_promise()
    lines = await services.line_counts.of(services.database, book, payment_list_id)
    posting = Posting(book, payment_list_id, call.caller.staff_id, None, call.key, call.request_sha256)
    posted = await services.poster.post(posting, lines=lines)
    later.add_task(refresh_after, services.database, lines, PAID)
    return posted_response(posted, services.log_keys)


def _uuid_of(cursor: str | None) -> UUID | None:
    values = decode_cursor(cursor, 1)
    try:
        return UUID(values[0]) if values else None
    except (ValueError, TypeError, AttributeError) as error:
        raise problem("cursor-malformed") from error


def _line_no_of(cursor: str | None) -> int:
    values = decode_cursor(cursor, 1)
    if values is None:
        return 0
    if not isinstance(values[0], int) or not 0 <= values[0] < 2**31:
        raise problem("cursor-malformed")
    return values[0]
