"""Erasing what opens the commitments of paid lines (删除个人信息): one person of an office proposes, another approves.

Which lines may be erased, who decides and that it happens once, the database says (migrations 0003/40_erasure.sql);
this module writes proposals, passes decisions on, and reads. It sees no name: lines are named by list and number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import Fault, problem


@dataclass(frozen=True, slots=True)
class Scope:
    """What to erase: lines of one list (all, or those numbered), or every line of one payee whose time is over."""

    instruction_id: UUID | None
    line_nos: Sequence[int] | None
    payee_id: UUID | None


@dataclass(frozen=True, slots=True)
class ErasedList:
    """The lines of one list: numbers as ranges such as ``1-30``."""

    instruction_id: UUID
    lines: list[str]
    line_count: int
    commitments_sha256: bytes


@dataclass(frozen=True, slots=True)
class Erasure:
    """A proposal and what became of it."""

    book: int
    proposal_id: UUID
    document_no: str
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    content_sha256: bytes
    status: str
    erasure_id: UUID | None
    retention_months: int | None
    decided_by: UUID | None
    decided_at: datetime | None
    rejection_reason: str | None
    lists: list[ErasedList]


_PROPOSE = """
INSERT INTO erasure_proposal (book, proposal_id, document_no, reason, proposed_by) VALUES ($1, $2, $3, $4, $5)
"""
_NUMBERED = """
INSERT INTO erasure_proposal_line (book, proposal_id, instruction_id, line_no)
SELECT $1, $2, l.instruction_id, l.line_no FROM payment_line l
WHERE l.book = $1 AND l.instruction_id = $3 AND ($4::integer[] IS NULL OR l.line_no = ANY ($4))
"""
_OF_PAYEE = """
INSERT INTO erasure_proposal_line (book, proposal_id, instruction_id, line_no)
SELECT $1, $2, l.instruction_id, l.line_no FROM payment_line l
JOIN payment_line_private s ON s.book = l.book AND s.instruction_id = l.instruction_id AND s.line_no = l.line_no
JOIN entry e ON e.book = l.book AND e.instruction_id = l.instruction_id
WHERE l.book = $1 AND l.payee_id = $3
  AND make_date(extract(year FROM greatest(e.effective_on,
                    last_moved_on(l.book, e.entry_id, l.line_no)))::integer + 1, 1, 1)
      + make_interval(months => parameter_value('erasure_retention_months', shanghai_today())::integer)
      <= shanghai_today()
  AND NOT EXISTS (SELECT FROM reissuable_line r
                  WHERE r.book = l.book AND r.instruction_id = l.instruction_id AND r.line_no = l.line_no)
"""
_FAULTS = "SELECT code, params::text AS params FROM erasure_faults($1, $2)"
_APPROVE = "SELECT approve_erasure($1, $2, $3, $4)"
_REJECT = "SELECT reject_erasure($1, $2, $3, $4)"
_COLUMNS = """SELECT book, proposal_id, document_no, reason, proposed_by, proposed_at, content_sha256, status,
    erasure_id, retention_months, decided_by, decided_at, rejection_reason FROM erasure_state"""
_ONE = f"{_COLUMNS} WHERE book = $1 AND proposal_id = $2"
_PAGE = f"""{_COLUMNS} WHERE book = $1 AND proposal_id > $2 AND ($3::text IS NULL OR status = $3)
    ORDER BY proposal_id LIMIT $4"""
_LISTS = "SELECT instruction_id, lines, line_count, commitments_sha256 FROM erasure_scope($1, $2) ORDER BY 1"
_ERASED = """
SELECT e.erasure_id FROM erasure_proposal_line l JOIN erasure e ON e.book = l.book AND e.proposal_id = l.proposal_id
WHERE l.book = $1 AND l.instruction_id = $2 AND l.line_no = $3
"""


async def propose(
    connection: Connection, caller: Caller, book: int, proposal_id: UUID, scope: Scope, *, document_no: str, reason: str
) -> None:
    """Write a proposal, unless it could not be approved today.

    Raises `erasure-nothing`, `erasure-too-early`, `erasure-line-erased`, `erasure-line-waits`.
    """
    await connection.execute(_PROPOSE, book, proposal_id, document_no, reason, caller.staff_id)
    if scope.payee_id is not None:
        await connection.execute(_OF_PAYEE, book, proposal_id, scope.payee_id)
    else:
        numbers = None if scope.line_nos is None else list(scope.line_nos)
        done = await connection.execute(_NUMBERED, book, proposal_id, scope.instruction_id, numbers)
        if numbers is not None and int(done.split()[-1]) != len(set(numbers)):
            raise problem("erasure-nothing")
    rows = await connection.fetch(_FAULTS, book, proposal_id)
    found = [Fault(row["code"], json.loads(row["params"])) for row in rows]
    if found:
        raise problem(found[0].code, faults=found, **found[0].params)


async def approve(connection: Connection, caller: Caller, book: int, proposal_id: UUID, content_sha256: bytes) -> None:
    """Erase exactly what has that SHA-256; sealed with the log.

    Raises `erasure-not-found`, `erasure-decided`, `duties-not-separate`, `approver-without-duty`,
    `maker-without-duty`, `erasure-other-office`, `content-changed`, and what `propose` raises.
    """
    await connection.execute(_APPROVE, book, proposal_id, content_sha256, caller.staff_id)


async def reject(connection: Connection, caller: Caller, book: int, proposal_id: UUID, reason: str) -> None:
    """Send a proposal back (退回); raises as `approve` does of who may decide."""
    await connection.execute(_REJECT, book, proposal_id, caller.staff_id, reason)


async def erasure(connection: Connection, book: int, proposal_id: UUID) -> Erasure:
    """One proposal; raises `erasure-not-found`."""
    row = await connection.fetchrow(_ONE, book, proposal_id)
    if row is None:
        raise problem("erasure-not-found")
    return await _whole(connection, row)


async def erasures(connection: Connection, book: int, *, status: str | None, after: UUID, limit: int) -> list[Erasure]:
    """Proposals in the order they were made."""
    return [await _whole(connection, row) for row in await connection.fetch(_PAGE, book, after, status, limit)]


async def erased_by(connection: Connection, book: int, instruction_id: UUID, line_no: int) -> UUID | None:
    """The erasure that took a line's opening away, if one did."""
    found: UUID | None = await connection.fetchval(_ERASED, book, instruction_id, line_no)
    return found


async def _whole(connection: Connection, row: Any) -> Erasure:
    lists = await connection.fetch(_LISTS, row["book"], row["proposal_id"])
    return Erasure(**dict(row), lists=[ErasedList(**dict(one)) for one in lists])
