"""Drafting instructions (制单): what a maker asks for, stored immutably, with the SHA-256 an approver will name.

A draft moves no money and takes no lock. `draft` writes it in the caller's transaction; `status_of` tells what became
of it. The digest is computed by the database over header, legs and lines (``instruction_content``), never here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.ids import new_id


@dataclass(frozen=True, slots=True)
class Leg:
    """One pair of accounts to move money between, named by what they belong to; amount in fen.

    `exec_year` names a past year's account as the payer, `to_allocation_id` where a virement goes, `payee_id` who
    answers for an advance, `settles_…` which advance is settled; other kinds of entry refuse these fields.
    """

    amount: int
    budget_line_id: UUID | None = None
    allocation_id: UUID | None = None
    project_id: UUID | None = None
    fund_code: str | None = None
    fiscal_year: int | None = None
    district: int | None = None
    village_code: str | None = None
    allocation_document_no: str | None = None
    undoes_entry_id: UUID | None = None
    undoes_line_no: int | None = None
    exec_year: int | None = None
    to_allocation_id: UUID | None = None
    payee_id: UUID | None = None
    settles_entry_id: UUID | None = None
    settles_line_no: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """The header of an instruction; rule 10: document, classification, officers."""

    entry_kind: str
    document_no: str
    effective_on: date
    summary: str
    functional_class: str
    economic_class: str
    officer_id: UUID
    legs: Sequence[Leg]
    supervisor_id: UUID | None = None
    release_kind: str | None = None
    exception_document_no: str | None = None
    inputs: str = ""
    line_count: int | None = None
    instruction_id: UUID = field(default_factory=new_id)

    @property
    def total(self) -> int:
        """Fen of all legs."""
        return sum(leg.amount for leg in self.legs)


_LEG_COLUMNS = (
    "book", "instruction_id", "leg_no", "amount", "budget_line_id", "allocation_id", "project_id", "fund_code",
    "fiscal_year", "district", "village_code", "allocation_document_no", "undoes_entry_id", "undoes_line_no",
    "exec_year", "to_allocation_id", "payee_id", "settles_entry_id", "settles_line_no",
)  # fmt: skip

_INSERT = """
INSERT INTO instruction (book, instruction_id, entry_kind, document_no, effective_on, summary, functional_class,
    economic_class, officer_id, supervisor_id, release_kind, exception_document_no, inputs, line_count, total, maker_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""


async def draft(connection: Connection, caller: Caller, book: int, what: Draft) -> UUID:
    """Store a draft and its legs in the caller's transaction; returns its id."""
    await connection.execute(
        _INSERT, book, what.instruction_id, what.entry_kind, what.document_no, what.effective_on, what.summary,
        what.functional_class, what.economic_class, what.officer_id, what.supervisor_id, what.release_kind,
        what.exception_document_no, what.inputs, what.line_count or len(what.legs), what.total, caller.staff_id,
    )  # fmt: skip
    await connection.copy_records_to_table(
        "instruction_leg",
        columns=_LEG_COLUMNS,
        records=[
            (book, what.instruction_id, number, leg.amount, leg.budget_line_id, leg.allocation_id, leg.project_id,
             leg.fund_code, leg.fiscal_year, leg.district, leg.village_code, leg.allocation_document_no,
             leg.undoes_entry_id, leg.undoes_line_no, leg.exec_year, leg.to_allocation_id, leg.payee_id,
             leg.settles_entry_id, leg.settles_line_no)
            for number, leg in enumerate(what.legs, start=1)
        ],
    )  # fmt: skip
    return what.instruction_id


@dataclass(frozen=True, slots=True)
class InstructionState:
    """A draft and what became of it: drafted, approved, posted or rejected."""

    book: int
    instruction_id: UUID
    entry_kind: str
    document_no: str
    effective_on: date
    summary: str
    line_count: int
    total: int
    maker_id: UUID
    made_at: datetime
    content_sha256: bytes
    approver_id: UUID | None
    entry_id: UUID | None
    recorded_at: datetime | None
    rejected: bool

    @property
    def status(self) -> str:
        """drafted, approved, posted or rejected."""
        if self.entry_id is not None:
            return "posted"
        if self.rejected:
            return "rejected"
        return "approved" if self.approver_id is not None else "drafted"


_STATE = """
SELECT n.book, n.instruction_id, n.entry_kind, n.document_no, n.effective_on, n.summary, n.line_count, n.total,
       n.maker_id, n.made_at, c.digest AS content_sha256, a.approver_id, e.entry_id, e.recorded_at,
       r.instruction_id IS NOT NULL AS rejected
FROM instruction n
JOIN instruction_content c ON c.book = n.book AND c.instruction_id = n.instruction_id
LEFT JOIN approval a ON a.book = n.book AND a.instruction_id = n.instruction_id
LEFT JOIN entry e ON e.book = n.book AND e.instruction_id = n.instruction_id
LEFT JOIN rejection r ON r.book = n.book AND r.instruction_id = n.instruction_id
WHERE n.book = $1 AND n.instruction_id = $2
"""


async def state_of(connection: Connection, book: int, instruction_id: UUID) -> InstructionState:
    """What is known of an instruction; raises `instruction-not-found`."""
    row = await connection.fetchrow(_STATE, book, instruction_id)
    if row is None:
        raise problem("instruction-not-found")
    values: dict[str, Any] = dict(row)
    return InstructionState(**values)


async def legs_of(connection: Connection, book: int, instruction_id: UUID) -> list[dict[str, Any]]:
    """The legs of an instruction as rows, in order."""
    rows = await connection.fetch(
        "SELECT * FROM instruction_leg WHERE book = $1 AND instruction_id = $2 ORDER BY leg_no", book, instruction_id
    )
    return [dict(row) for row in rows]


async def reject(connection: Connection, caller: Caller, book: int, instruction_id: UUID, reason: str) -> None:
    """Send a draft back for good (退回). Refuses what was approved or posted, and one's own drafts."""
    state = await state_of(connection, book, instruction_id)
    if state.status != "drafted":
        raise problem("already-decided", status=state.status)
    if state.maker_id == caller.staff_id:
        raise problem("duties-not-separate")
    units = await connection.fetchval("SELECT maker_units FROM entry_kind WHERE entry_kind = $1", state.entry_kind)
    if caller.unit_kind not in units:
        raise problem("forbidden-role", units=sorted(units))
    await connection.execute(
        "INSERT INTO rejection (book, instruction_id, approver_id, reason) VALUES ($1, $2, $3, $4)",
        book, instruction_id, caller.staff_id, reason,
    )  # fmt: skip
