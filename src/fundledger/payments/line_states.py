"""What became of the lines of payment lists (发放状态): counted for a list, and told of a payee over the years.

listed, published (公示), approved, sent (posted), credited (入账), returned (退票), reissued (重发), or rejected with
its list; the view ``payment_line_state`` says it of a line. Reads only, no personal data.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from fundledger.book.instructions import InstructionState
from fundledger.db.connection import Connection
from fundledger.errors import problem

LineState = Literal["listed", "published", "approved", "rejected", "sent", "credited", "returned", "reissued"]

_RESULTS = """
SELECT count(*) FILTER (WHERE r.returned) AS returned, count(*) FILTER (WHERE NOT r.returned) AS credited,
       (SELECT count(*) FROM transfer t WHERE t.book = $1 AND t.reissues_entry_id = $2) AS reissued
FROM (SELECT bool_or(outcome = 'returned') AS returned FROM bank_result
      WHERE book = $1 AND entry_id = $2 GROUP BY line_no) r
"""
_PUBLISHED = "SELECT notice_days($1, $2, 'payment_list', shanghai_today()) > 0"
_PAYEES = """
SELECT household_id AS payee_id FROM household WHERE book = $1 AND household_no = $2
UNION SELECT p.person_id FROM household h JOIN person p ON p.book = h.book AND p.household_id = h.household_id
WHERE h.book = $1 AND h.household_no = $2
"""
_LINES = """
SELECT l.instruction_id, n.document_no, n.effective_on, p.project_id, l.programme_code, l.period, p.payee_kind,
       l.payee_id, l.line_no, l.amount, s.entry_id, s.state, s.return_reason, s.returned_on, s.return_posted,
       s.reissued_by_list, s.reissued_by_line_no, s.reissues_list, s.reissues_line_no
FROM payment_line l
JOIN payment_line_state s ON s.book = l.book AND s.instruction_id = l.instruction_id AND s.line_no = l.line_no
JOIN instruction n ON n.book = l.book AND n.instruction_id = l.instruction_id
JOIN payment_list p ON p.book = l.book AND p.instruction_id = l.instruction_id
WHERE l.book = $1 AND l.payee_id = ANY ($2::uuid[]) AND (l.instruction_id, l.line_no) < ($3, $4)
  AND ($5::text IS NULL OR s.state = $5)
ORDER BY l.instruction_id DESC, l.line_no DESC LIMIT $6
"""
LAST = (UUID(int=2**128 - 1), 2**31 - 1)


async def results_of(connection: Connection, book: int, entry_id: UUID | None) -> tuple[int, int, int]:
    """How many lines of a payment were credited, returned, and of those re-issued."""
    if entry_id is None:
        return 0, 0, 0
    row = await connection.fetchrow(_RESULTS, book, entry_id)
    return (row["credited"], row["returned"], row["reissued"]) if row else (0, 0, 0)


async def states_of(
    connection: Connection, state: InstructionState, results: tuple[int, int, int]
) -> dict[LineState, int]:
    """The number of lines in each state that has some. Before it is posted a list is in one state as a whole."""
    if state.entry_id is not None:
        credited, returned, reissued = results
        counts: dict[LineState, int] = {
            "sent": state.line_count - credited - returned, "credited": credited, "returned": returned - reissued,
            "reissued": reissued,
        }  # fmt: skip
        return {name: count for name, count in counts.items() if count}
    if state.status == "rejected":
        return {"rejected": state.line_count}
    if state.status == "approved":
        return {"approved": state.line_count}
    published = await connection.fetchval(_PUBLISHED, state.book, state.instruction_id)
    return {"published" if published else "listed": state.line_count}


async def lines_to(
    connection: Connection, book: int, *, payee_id: UUID | None, household_no: str | None, state: LineState | None,
    before: tuple[UUID, int] | None, limit: int,
) -> list[dict[str, Any]]:  # fmt: skip
    """What a payee, or a household and all its persons, was listed for over the years, newest list first.

    Raises `payee-not-named` unless exactly one of the two is given; nobody known by it has no lines.
    """
    if (payee_id is None) == (household_no is None):
        raise problem("payee-not-named")
    payees = [payee_id] if payee_id else [r["payee_id"] for r in await connection.fetch(_PAYEES, book, household_no)]
    rows = await connection.fetch(_LINES, book, payees, *(before or LAST), state, limit)
    return [dict(row) for row in rows]
