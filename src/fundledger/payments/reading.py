"""Reading payment lists: one with its state, the lists of a book, the lines of one with names and cards masked.

Reads only. A list's digest and what it still lacks are computed anew each time, so the list of lists leaves them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fundledger.book.instructions import InstructionState, legs_of, state_of
from fundledger.db.connection import Connection
from fundledger.errors import Fault, problem
from fundledger.payments.line_states import LineState, results_of, states_of
from fundledger.payments.lists import gate_faults
from fundledger.payments.store import open_private
from fundledger.registry.vault import Vault, mask_card, mask_name

_LIST = """
SELECT project_id, programme_code, period, entitlement_on, payee_kind, pay_method, is_final,
    procurement_id, claim_id FROM payment_list
WHERE book = $1 AND instruction_id = $2
"""
_LISTS = """
SELECT n.instruction_id, n.document_no, n.effective_on, n.summary, n.line_count, n.total, n.maker_id, n.made_at,
       n.entry_kind AS kind, l.project_id, l.programme_code, l.period, l.payee_kind, a.approver_id, e.entry_id,
       e.recorded_at,
       CASE WHEN e.entry_id IS NOT NULL THEN 'posted' WHEN r.instruction_id IS NOT NULL THEN 'rejected'
            WHEN a.approver_id IS NOT NULL THEN 'approved' ELSE 'drafted' END AS status
FROM payment_list l
JOIN instruction n ON n.book = l.book AND n.instruction_id = l.instruction_id
LEFT JOIN approval a ON a.book = n.book AND a.instruction_id = n.instruction_id
LEFT JOIN entry e ON e.book = n.book AND e.instruction_id = n.instruction_id
LEFT JOIN rejection r ON r.book = n.book AND r.instruction_id = n.instruction_id
WHERE l.book = $1 AND l.instruction_id < $2{of_project}
ORDER BY l.instruction_id DESC LIMIT $3
"""
# Two statements, so that each has a plan of its own.
_LISTS_OF_BOOK = _LISTS.format(of_project="")
_LISTS_OF_PROJECT = _LISTS.format(of_project=" AND l.project_id = $4")
_LAST = UUID(int=2**128 - 1)
_LINES = """
SELECT l.line_no, l.leg_no, g.allocation_id, l.amount, l.quantity, l.payee_id, l.household_id, h.household_no,
       l.participation_ref, l.exception_document_no, p.sealed, b.outcome, b.reason, s.state, s.returned_on,
       s.return_posted, s.reissued_by_list, s.reissued_by_line_no, s.reissues_list, s.reissues_line_no
FROM payment_line l
JOIN payment_line_state s ON s.book = l.book AND s.instruction_id = l.instruction_id AND s.line_no = l.line_no
JOIN instruction_leg g ON g.book = l.book AND g.instruction_id = l.instruction_id AND g.leg_no = l.leg_no
LEFT JOIN household h ON h.book = l.book AND h.household_id = l.household_id
LEFT JOIN payment_line_private p ON p.book = l.book AND p.instruction_id = l.instruction_id AND p.line_no = l.line_no
LEFT JOIN entry e ON e.book = l.book AND e.instruction_id = l.instruction_id
LEFT JOIN LATERAL (SELECT b.outcome, b.reason FROM bank_result b WHERE b.book = e.book AND b.entry_id = e.entry_id
    AND b.line_no = l.line_no ORDER BY b.outcome DESC LIMIT 1) b ON true   -- returned counts more than credited
WHERE l.book = $1 AND l.instruction_id = $2 AND l.line_no > $3 AND ($5::text IS NULL OR s.state = $5)
ORDER BY l.line_no LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class PaymentList:
    """A list: its state as an instruction, its own fields, its sources, what it lacks, and what the bank said."""

    state: InstructionState
    fields: dict[str, Any]
    sources: list[tuple[UUID, int]]
    pending: list[Fault]
    credited: int
    returned: int
    states: dict[LineState, int]


async def list_of(
    connection: Connection, book: int, instruction_id: UUID, *, pending: list[Fault] | None = None
) -> PaymentList:
    """One list as it stands; raises `payment-list-not-found`.

    `pending` is what paying it would be refused for today: asked of the gate, unless the caller just did.
    """
    fields = await connection.fetchrow(_LIST, book, instruction_id)
    if fields is None:
        raise problem("payment-list-not-found")
    state = await state_of(connection, book, instruction_id)
    legs = await legs_of(connection, book, instruction_id)
    if pending is None:
        decided = state.status in ("posted", "rejected")
        pending = [] if decided else await gate_faults(connection, book, instruction_id)
    results = await results_of(connection, book, state.entry_id)
    return PaymentList(
        state, dict(fields), [(leg["allocation_id"], leg["amount"]) for leg in legs], pending, results[0], results[1],
        await states_of(connection, state, results),
    )  # fmt: skip


async def lists_of(
    connection: Connection, book: int, *, project_id: UUID | None, before: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """The lists of a book, newest first, `limit` of those older than `before`."""
    if project_id is None:
        rows = await connection.fetch(_LISTS_OF_BOOK, book, before or _LAST, limit)
    else:
        rows = await connection.fetch(_LISTS_OF_PROJECT, book, before or _LAST, limit, project_id)
    return [dict(row) for row in rows]


async def lines_of(
    connection: Connection, vault: Vault, book: int, instruction_id: UUID, *, after: int, limit: int,
    state: LineState | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Lines of a list (in one state) in order, after a line number; names and cards masked, None once erased."""
    rows = await connection.fetch(_LINES, book, instruction_id, after, limit, state)
    if not rows and not await connection.fetchval(
        "SELECT true FROM payment_list WHERE book = $1 AND instruction_id = $2", book, instruction_id
    ):
        raise problem("payment-list-not-found")
    return [_masked(vault, book, instruction_id, dict(row)) for row in rows]


def _masked(vault: Vault, book: int, instruction_id: UUID, line: dict[str, Any]) -> dict[str, Any]:
    sealed = line.pop("sealed")
    private = open_private(vault, book, instruction_id, line["line_no"], sealed) if sealed else None
    line["name"] = mask_name(private["name"]) if private else None
    line["card"] = mask_card(private["card"]) if private else None
    return line
