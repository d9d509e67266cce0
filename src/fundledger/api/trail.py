"""The trail over HTTP: where the money of one thing came from (`up`) or went (`down`), exact to the fen, page by page.

Whoever may read the book may ask. Upwards a trail goes on into the city's book, because it is the asker's own money;
downwards it ends (`other_book`) where it would enter a book the caller may not read.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from fundledger.access.policy import EVERYBODY, may_reach
from fundledger.api.checkpoints import Cosigned
from fundledger.api.deps import Call, Snapshot, reads
from fundledger.api.reading import AsOfAnswer, BookOut, Instant, Position, SubjectQuery, read_cursor
from fundledger.api.trail_proof import TrailProof, prove_edges
from fundledger.api.wire import Answer, Cursor, YuanOut, encode_cursor
from fundledger.book.asof import as_of
from fundledger.errors import problem
from fundledger.trail.answer import LIMIT, Trail, trail
from fundledger.trail.queue import Outcome, Slice, Step
from fundledger.trail.starts import FIELDS, Place, Subject, SubjectKind, household_of
from fundledger.trail.walk import Direction

router = APIRouter(prefix="/v1/books/{book}/trail", tags=["trail"])

EDGES_MIN, EDGES_MAX = 50, 10_000


class EdgeAnswer(Answer):
    """Money of the question passing through one transfer, from `payer_account` to `receiver_account`.

    `offset` counts within the transfer, `at` within what was asked for on this page: an edge continues those edges of
    the depth before it that share its place there. `step` says how: fifo (by turn), undo (by reference), crossing.
    """

    depth: int
    step: Step
    book: BookOut
    entry_id: UUID
    line_no: int
    payer_account: UUID
    receiver_account: UUID
    payee_id: UUID | None
    undoes_entry_id: UUID | None
    undoes_line_no: int | None
    at: YuanOut
    offset: YuanOut
    amount: YuanOut
    given_from: YuanOut
    given_to: YuanOut
    received_from: YuanOut
    received_to: YuanOut

    @classmethod
    def of(cls, edge: Slice) -> EdgeAnswer:
        """The edge a slice is."""
        money = edge.transfer
        return cls(
            depth=edge.depth, step=edge.step, book=money.book, entry_id=money.entry_id, line_no=money.line_no,
            payer_account=money.payer, receiver_account=money.receiver, payee_id=money.payee_id,
            undoes_entry_id=money.undoes_entry_id, undoes_line_no=money.undoes_line_no, at=edge.at, offset=edge.offset,
            amount=edge.amount, given_from=edge.given_from, given_to=edge.given_from + edge.amount,
            received_from=edge.received_from, received_to=edge.received_from + edge.amount,
        )  # fmt: skip


class OriginAnswer(Answer):
    """So much came from this budget line (or this district's own budget) by this document."""

    book: BookOut
    budget_line_id: UUID | None
    allocation_id: UUID | None
    fund_code: str
    fiscal_year: int
    document_no: str
    amount: YuanOut


class EndAnswer(Answer):
    """So much rests in this account, was paid to this payee, went back to the source, or went on out of sight."""

    outcome: Outcome
    book: BookOut
    account_id: UUID
    payee_id: UUID | None
    amount: YuanOut


class AccountNode(Answer):
    """An account that the money was in."""

    book: BookOut
    account_id: UUID
    account_kind: str
    budget_line_id: UUID | None
    allocation_id: UUID | None
    project_id: UUID | None
    exec_year: int


class EntryNode(Answer):
    """An entry that moved it: document, dates, log position, and who made, approved, paid and answered for it."""

    book: BookOut
    entry_id: UUID
    entry_kind: str
    document_no: str
    summary: str
    effective_on: date
    recorded_at: datetime
    position: int | None
    functional_class: str
    economic_class: str
    crossing_id: UUID | None
    maker_id: UUID
    approver_id: UUID
    payer_id: UUID | None
    officer_id: UUID
    supervisor_id: UUID | None


class AllocationNode(Answer):
    """An allocation (指标) it belonged to."""

    book: BookOut
    allocation_id: UUID
    district: BookOut
    fund_code: str
    fiscal_year: int
    village_code: str | None
    document_no: str
    budget_line_id: UUID | None


class BudgetLineNode(Answer):
    """A budget line it came from."""

    book: BookOut
    budget_line_id: UUID
    fund_code: str
    fiscal_year: int
    document_no: str


class ProjectNode(Answer):
    """A project it was available to or paid for, by its newest version."""

    book: BookOut
    project_id: UUID
    code: str
    name: str
    category: str
    programme_code: str
    village_code: str | None
    document_no: str


class PayeeNode(Answer):
    """Who was paid: an organisation by its name, households and persons by number and id only."""

    book: BookOut
    payee_id: UUID
    kind: str
    household_id: UUID | None
    household_no: str | None
    village_code: str | None
    name: str | None


class NodesAnswer(Answer):
    """Everything the edges of this page name."""

    accounts: list[AccountNode]
    entries: list[EntryNode]
    allocations: list[AllocationNode]
    budget_lines: list[BudgetLineNode]
    projects: list[ProjectNode]
    payees: list[PayeeNode]


class TrailAnswer(Answer):
    """A page of a trail: origins (upwards) or ends (downwards) add up to `amount`; all pages' amounts to `asked`."""

    book: BookOut
    direction: Direction
    subject: SubjectKind
    as_of: AsOfAnswer
    asked: YuanOut
    amount: YuanOut
    truncated: bool
    next: str | None
    origins: list[OriginAnswer]
    ends: list[EndAnswer]
    edges: list[EdgeAnswer]
    nodes: NodesAnswer
    proof: TrailProof | None


@router.get("/{direction}")
async def get_trail(
    book: int,
    direction: Direction,
    call: Annotated[Call, reads(EVERYBODY)],
    connection: Snapshot,
    asked: SubjectQuery,
    position: Position = None,
    known_at: Instant = None,
    undone: Annotated[
        bool | None, Query(description="with what was undone since; null: all but payments to payees")
    ] = None,
    limit: Annotated[int, Query(ge=EDGES_MIN, le=EDGES_MAX, description="edges on a page")] = LIMIT,
    cursor: Cursor = None,
    proof: Annotated[bool, Query(description="with the proof of every line under one signed checkpoint")] = False,
    cosigned: Cosigned = False,
) -> TrailAnswer:
    """Where money came from (up) or went (down): of an entry or line, release, document, allocation, project, village,
    household, person, organisation, procurement or officer; as of now, a log position or an instant."""
    if len(asked.fields) != 1 or (asked.line_no is not None and "entry_id" not in asked.fields):
        raise problem("trail-subject-not-one", subjects=list(FIELDS))
    when = await as_of(connection, position=position, known_at=known_at)
    ((name, ref),) = asked.fields.items()
    if name == "household_no":
        ref = await household_of(connection, book, str(ref))
    subject = Subject("line" if asked.line_no is not None else FIELDS[name], ref, asked.line_no)
    found = await trail(
        connection, book, subject, direction, as_of=when, undone=undone, after=_place(cursor), limit=limit,
        books=frozenset(other for other in call.services.books if may_reach(call.caller, other, writes=False)),
    )  # fmt: skip
    proved = None
    if proof:
        proved = await prove_edges(connection, found.edges, call.services, cosigned=cosigned)
    return _answer(book, direction, subject, AsOfAnswer.model_validate(when), found, proved)


def _answer(
    book: int, direction: Direction, subject: Subject, when: AsOfAnswer, found: Trail, proved: TrailProof | None
) -> TrailAnswer:
    beyond = found.beyond
    return TrailAnswer(
        book=book, direction=direction, subject=subject.kind, as_of=when, asked=found.asked, amount=found.amount,
        truncated=beyond is not None,
        next=encode_cursor([beyond.entry_id, beyond.line_no, beyond.offset]) if beyond else None,
        origins=[OriginAnswer.model_validate(row) for row in found.origins],
        ends=[EndAnswer.model_validate(row) for row in found.ends],
        edges=[EdgeAnswer.of(edge) for edge in found.edges], nodes=NodesAnswer.model_validate(found.nodes),
        proof=proved,
    )  # fmt: skip


def _place(cursor: str | None) -> Place | None:
    values = read_cursor(cursor, UUID, int, int)
    return Place(values[0], min(values[1], 2**31 - 1), values[2]) if values else None
