"""Entries (记账凭证) as they were posted: one with its transfers; lists by document, kind and period. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from fundledger.book.asof import NOW, AsOf
from fundledger.db.connection import Connection
from fundledger.errors import problem


@dataclass(frozen=True, slots=True)
class Entry:
    """The header of an entry, with everything a posting must name (design rule 10); `total` in fen."""

    book: int
    entry_id: UUID
    entry_kind: str
    instruction_id: UUID
    crossing_id: UUID | None
    effective_on: date
    document_no: str
    summary: str
    functional_class: str
    economic_class: str
    officer_id: UUID
    supervisor_id: UUID | None
    maker_id: UUID
    approver_id: UUID
    payer_id: UUID | None
    content_sha256: bytes
    line_count: int
    total: int
    recorded_at: datetime
    position: int | None


@dataclass(frozen=True, slots=True)
class TransferLine:
    """One transfer: payer and receiver with their totals before and after, and what was undone of it; fen."""

    line_no: int
    amount: int
    payer_account: UUID
    payer_kind: str
    given_before: int
    given_after: int
    receiver_account: UUID
    receiver_kind: str
    received_before: int
    received_after: int
    allocation_id: UUID | None
    project_id: UUID | None
    payee_id: UUID | None
    undoes_entry_id: UUID | None
    undoes_line_no: int | None
    undone: int


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries of a book; days are inclusive and effective."""

    document_no: str | None = None
    entry_kind: str | None = None
    effective_from: date | None = None
    effective_to: date | None = None


_ENTRY: Final = """
SELECT e.book, e.entry_id, e.entry_kind, e.instruction_id, e.crossing_id, e.effective_on, e.document_no, e.summary,
       e.functional_class, e.economic_class, e.officer_id, e.supervisor_id, e.maker_id, e.approver_id, e.payer_id,
       e.content_sha256, e.line_count, e.total, e.recorded_at, f.position
FROM entry e LEFT JOIN log_leaf f ON f.book = e.book AND f.kind = 'entry' AND f.record_id = e.entry_id
WHERE e.book = $1
"""
_CONDITIONS: Final = {
    "document_no": "e.document_no = ${n}::text",
    "entry_kind": "e.entry_kind = ${n}::text",
    "effective_from": "e.effective_on >= ${n}::date",
    "effective_to": "e.effective_on <= ${n}::date",
}
# What an entry moved hangs on the side that has it: a release's on both, an allocation's on the receiver's.
_TRANSFERS: Final = """
SELECT t.line_no, t.amount, t.credit_account AS payer_account, p.account_kind AS payer_kind,
       t.credit_before AS given_before,
       t.credit_after AS given_after, t.debit_account AS receiver_account, r.account_kind AS receiver_kind,
       t.debit_before AS received_before, t.debit_after AS received_after,
       coalesce(r.allocation_id, p.allocation_id) AS allocation_id, coalesce(r.project_id, p.project_id) AS project_id,
       t.payee_id, t.undoes_entry_id, t.undoes_line_no,
       (SELECT coalesce(sum(u.amount), 0)::bigint FROM transfer u WHERE u.book = t.book
        AND u.undoes_entry_id = t.entry_id AND u.undoes_line_no = t.line_no) AS undone
FROM transfer t
JOIN account p ON p.book = t.book AND p.account_id = t.credit_account
JOIN account r ON r.book = t.book AND r.account_id = t.debit_account
WHERE t.book = $1 AND t.entry_id = $2 AND t.line_no > $3 ORDER BY t.line_no LIMIT $4
"""


async def entry(connection: Connection, book: int, entry_id: UUID) -> Entry:
    """One entry's header; raises `entry-not-found`."""
    row = await connection.fetchrow(_ENTRY + "AND e.entry_id = $2", book, entry_id)
    if row is None:
        raise problem("entry-not-found")
    return Entry(**dict(row))


async def transfers(
    connection: Connection, book: int, entry_id: UUID, *, after: int = 0, limit: int = 100
) -> list[TransferLine]:
    """An entry's transfers by line, after line `after`."""
    rows = await connection.fetch(_TRANSFERS, book, entry_id, after, limit)
    return [TransferLine(**dict(row)) for row in rows]


async def entries(
    connection: Connection,
    book: int,
    which: EntryFilter,
    *,
    as_of: AsOf = NOW,
    after: tuple[date, UUID] | None = None,
    limit: int = 100,
) -> list[Entry]:
    """Entries by effective day, then id (made in time order), after the one named."""
    values: list[Any] = [book]
    conditions: list[str] = []

    def add(condition: str, *given: Any) -> None:
        numbers = range(len(values) + 1, len(values) + 1 + len(given))
        conditions.append("AND " + condition.format(*(f"${n}" for n in numbers), n=numbers[0]))
        values.extend(given)

    for name, condition in _CONDITIONS.items():
        value = getattr(which, name)
        if value is not None:
            add(condition, value)
    if as_of.effective_on is not None:
        add("e.effective_on <= ${n}::date", as_of.effective_on)
    if as_of.position is not None:
        add("f.position <= ${n}::bigint", as_of.position)
    if after is not None:
        add("(e.effective_on, e.entry_id) > ({0}::date, {1}::uuid)", *after)
    order = f" ORDER BY e.effective_on, e.entry_id LIMIT {int(limit)}"
    rows = await connection.fetch(_ENTRY + " ".join(conditions) + order, *values)
    return [Entry(**dict(row)) for row in rows]
