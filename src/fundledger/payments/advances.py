"""Advances to a payee (预拨), their settlement (清算) and the return of what is left (余款退回); M09.

An advance is a payment list of kind `advance`: all of the five hold but acceptance, which its settlement needs. It goes
to one organisation, whose own account (`advanced`) holds it until settled. A settlement names advances, the oldest of
an account first, and rests on kept evidence; a second person of the bureaus posts it, nobody pays. What either rests on
stands in the instruction's `inputs`, so that the approver's digest covers it. Reads and drafts only, no locks: the gate
decides, under its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from fundledger.access.policy import Caller
from fundledger.book.headings import Heading
from fundledger.book.instructions import Leg, draft
from fundledger.book.reversals import UndoLine, draft_reversal
from fundledger.db.connection import Connection
from fundledger.errors import Fault, problem
from fundledger.payments.forms import FORMS, PayeeKind
from fundledger.payments.lines import Line
from fundledger.payments.resolve import resolve
from fundledger.payments.uploads import Upload
from fundledger.registry.vault import Vault

_ADVANCES = """
SELECT s.*, o.name AS payee_name, greatest(d.day - s.effective_on, 0) AS age_days,
       s.outstanding > 0 AND s.due_on < d.day AS overdue
FROM (SELECT coalesce($4::date, shanghai_today()) AS day) d
CROSS JOIN LATERAL (SELECT * FROM advance_status s WHERE s.book = $1 AND s.effective_on <= d.day OFFSET 0) s
JOIN organisation o ON o.book = s.book AND o.organisation_id = s.payee_id
WHERE (s.order_no, s.line_no) > ($2, $3) AND (NOT $5 OR (s.outstanding > 0 AND s.due_on < d.day))
ORDER BY s.order_no, s.line_no LIMIT $6
"""
_NAMED = """
SELECT u.n, s.allocation_id, s.project_id, s.outstanding, e.functional_class, e.economic_class
FROM unnest($2::uuid[], $3::integer[]) WITH ORDINALITY AS u (entry_id, line_no, n)
LEFT JOIN advance_status s ON s.book = $1 AND s.entry_id = u.entry_id AND s.line_no = u.line_no
LEFT JOIN entry e ON e.book = s.book AND e.entry_id = s.entry_id
ORDER BY u.n
"""
_KIND = "SELECT entry_kind FROM entry WHERE book = $1 AND entry_id = $2"


@dataclass(frozen=True, slots=True)
class Advance:
    """One advance and what became of it; fen, days of age on the day asked for. `due_on`: to be settled by."""

    entry_id: UUID
    line_no: int
    instruction_id: UUID
    order_no: int
    effective_on: date
    document_no: str
    payee_id: UUID
    payee_name: str
    allocation_id: UUID
    project_id: UUID
    procurement_id: UUID | None
    amount: int
    settled: int
    returned: int
    outstanding: int
    age_days: int
    due_on: date
    overdue: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """How much of which advance is settled; `amount` in fen, None for all that is left of it."""

    entry_id: UUID
    line_no: int
    amount: int | None = None


async def payee_of_advance(
    connection: Connection, vault: Vault, book: int, kind: PayeeKind, upload: Upload, lines: Sequence[Line]
) -> tuple[UUID | None, list[Fault]]:
    """Who answers for an advance: the payee of every line; None if unknown. Faults where a line names another."""
    first = FORMS[kind].normal_key(lines[0].key)
    others = [line for line in lines if FORMS[kind].normal_key(line.key) != first]
    (payee,) = await resolve(connection, vault, book, kind, lines[:1])
    faults = [upload.fault("advance-payee-differs", line.row, FORMS[kind].key) for line in others]
    return (payee.payee_id if payee else None), faults


def basis(evidence_sha256: bytes) -> str:
    """The inputs of an instruction that rests on kept evidence; the gate reads exactly this form."""
    return json.dumps({"evidence_sha256": evidence_sha256.hex()}, separators=(",", ":"))


async def draft_settlement(
    connection: Connection, caller: Caller, book: int, instruction_id: UUID, heading: Heading,
    evidence_sha256: bytes, settled: Sequence[Settled],
) -> None:  # fmt: skip
    """Draft the settlement of advances; allocation, project and classes are those of the advances.

    Raises `advance-not-found`, `nothing-to-reverse` (all is settled); what may be settled the gate says when it posts.
    """
    ids, numbers = [one.entry_id for one in settled], [one.line_no for one in settled]
    rows = await connection.fetch(_NAMED, book, ids, numbers)
    faults = [
        Fault("advance-not-found", pointer=f"/lines/{at}") for at, row in enumerate(rows) if row["project_id"] is None
    ]
    if faults:
        raise problem("advance-not-found", faults=faults)
    legs = [_leg(one, row) for one, row in zip(settled, rows, strict=True) if one.amount or row["outstanding"] > 0]
    if not legs:
        raise problem("nothing-to-reverse")
    classes = {name: rows[0][name] for name in ("functional_class", "economic_class")}
    what = heading.over(instruction_id, "settle", legs, inputs=basis(evidence_sha256), **classes)
    await draft(connection, caller, book, what)


def _leg(settled: Settled, advance: asyncpg.Record) -> Leg:
    return Leg(
        settled.amount or advance["outstanding"], allocation_id=advance["allocation_id"],
        project_id=advance["project_id"], settles_entry_id=settled.entry_id, settles_line_no=settled.line_no,
    )  # fmt: skip


async def draft_advance_return(
    connection: Connection, caller: Caller, book: int, instruction_id: UUID, heading: Heading,
    evidence_sha256: bytes, entry_id: UUID, lines: Sequence[UndoLine],
) -> None:  # fmt: skip
    """Draft the return of an advance's remainder, on its bank receipt; a line without an amount: all not settled.

    Raises `advance-not-found`, `undo-not-found`, `nothing-to-reverse`.
    """
    if await connection.fetchval(_KIND, book, entry_id) != "advance":
        raise problem("advance-not-found")
    rows = await connection.fetch(
        "SELECT line_no, outstanding FROM advance_status WHERE book = $1 AND entry_id = $2 ORDER BY line_no",
        book, entry_id,
    )  # fmt: skip
    left = {row["line_no"]: row["outstanding"] for row in rows}
    wanted = lines or [UndoLine(line_no) for line_no, rest in left.items() if rest > 0]
    # What is left differs from what is not undone: a part may be settled.
    named = [line if line.amount else UndoLine(line.line_no, left.get(line.line_no)) for line in wanted]
    if not any(line.amount or line.line_no not in left for line in named):
        raise problem("nothing-to-reverse")
    await draft_reversal(
        connection, caller, book, instruction_id, heading, entry_id, named, kind="advance_return",
        inputs=basis(evidence_sha256),
    )  # fmt: skip


async def advances(
    connection: Connection, book: int, *, after: tuple[int, int], on: date | None, overdue: bool, limit: int
) -> list[Advance]:
    """Advances of a book in their order, after (order_no, line_no); `on` gives age and overdue as of a day.

    What was settled and returned is as of now, whatever the day.
    """
    rows = await connection.fetch(_ADVANCES, book, *after, on, overdue, limit)
    names = Advance.__dataclass_fields__
    made: list[dict[str, Any]] = [{name: row[name] for name in names} for row in rows]
    return [Advance(**values) for values in made]
