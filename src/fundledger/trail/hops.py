"""The questions a trail asks the database: few, set-based, each within one book, each answered by a unique index.

Intervals on one side of an account tile without a gap, which the planner cannot know; so "what overlaps [start, stop)"
is asked in two parts: the transfer that holds `start`, and those that begin after it. Both are index seeks on
``(book, account, before)``. Everything here is as of one log position (None: everything committed).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.trail.queue import NOTHING_UNDONE, Ask, Cuts, Queue, Slice, Transfer

_COLUMNS = """{t}.book, {t}.entry_id, {t}.line_no, {t}.credit_account AS payer,
    {t}.debit_account AS receiver, {t}.amount, {t}.credit_before AS given_before, {t}.debit_before AS received_before,
    {t}.payee_id, {t}.undoes_entry_id, {t}.undoes_line_no, {t}.undoes_before, {t}.undoes_amount"""


def columns(alias: str) -> str:
    """The columns a `Transfer` is made of."""
    return _COLUMNS.format(t=alias)


def known(alias: str, position: str) -> str:
    """SQL: the entry of this row has its log position, and it is at most `position` (a parameter; null: any)."""
    return f"""({position}::bigint IS NULL OR EXISTS (SELECT FROM log_leaf f WHERE f.book = {alias}.book
        AND f.kind = 'entry' AND f.record_id = {alias}.entry_id AND f.position <= {position}::bigint))"""


def transfer_of(row: Any) -> Transfer:
    """A row of `columns` as a transfer."""
    return Transfer(
        row["book"], row["entry_id"], row["line_no"], row["payer"], row["receiver"], row["amount"], row["given_before"],
        row["received_before"], row["payee_id"], row["undoes_entry_id"], row["undoes_line_no"], row["undoes_before"],
        row["undoes_amount"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """An account that was met: what it is, and what undoing has cut out of its queue."""

    book: int
    account_id: UUID
    kind: str
    is_source: bool
    is_terminal: bool
    budget_line_id: UUID | None
    allocation_id: UUID | None
    project_id: UUID | None
    exec_year: int
    queue: Queue


@dataclass(slots=True)
class Ledger:
    """What one trail has read so far, at one position, in how many round trips."""

    connection: Connection
    position: int | None
    accounts: dict[tuple[int, UUID], Account] = field(default_factory=dict)
    round_trips: int = 0

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        """One round trip."""
        self.round_trips += 1
        return list(await self.connection.fetch(query, *values))


# Terminal accounts and sources are never matched by turn, so nothing is read of their undoings (a paid account may
# have thousands of bank returns). `given_undone` is of now, so it may only say too much of an earlier position.
_ACCOUNT = """
SELECT a.book, a.account_id, a.account_kind, k.is_source, k.is_terminal, a.budget_line_id, a.allocation_id,
       a.project_id, a.exec_year, b.given_undone > 0 AND NOT k.is_source AND NOT k.is_terminal AS is_cut
FROM account a
JOIN account_kind k ON k.account_kind = a.account_kind
JOIN account_balance b ON b.book = a.book AND b.account_id = a.account_id
"""
_ACCOUNTS = f"{_ACCOUNT} WHERE a.book = $1 AND a.account_id = ANY($2)"
_CUTS = f"""
SELECT u.credit_account AS account_id, array_agg(u.credit_before) AS given, array_agg(u.amount) AS amounts,
       array_agg(t.debit_after - u.undoes_before - u.amount) AS lots
FROM transfer u
JOIN transfer t ON t.book = u.book AND t.entry_id = u.undoes_entry_id AND t.line_no = u.undoes_line_no
WHERE u.book = $1 AND u.credit_account = ANY($2) AND u.undoes_entry_id IS NOT NULL AND {known("u", "$3")}
GROUP BY u.credit_account
"""


def meeting(query: str) -> str:
    """SQL: the transfers of a query with, on the first row, the accounts they run between (`met`)."""
    return f"""WITH x AS MATERIALIZED ({query})
SELECT x.*, CASE WHEN row_number() OVER () = 1 THEN (SELECT json_agg(m)::text FROM (
    SELECT l.* FROM (SELECT x.book, x.payer AS id FROM x UNION SELECT x.book, x.receiver FROM x) i
    CROSS JOIN LATERAL ({_ACCOUNT} WHERE a.book = i.book AND a.account_id = i.id OFFSET 0) l) m) END AS met FROM x"""


def note_accounts(ledger: Ledger, rows: Sequence[Any]) -> None:
    """Take the accounts that came with the rows of a `meeting`; those that were cut are left to `meet_accounts`."""
    for row in json.loads(rows[0]["met"] or "[]") if rows else ():
        key = row["book"], UUID(row["account_id"])
        if not row["is_cut"] and key not in ledger.accounts:
            ids = {name: row[name] and UUID(row[name]) for name in ("budget_line_id", "allocation_id", "project_id")}
            ledger.accounts[key] = _account(key[0], {**row, **ids, "account_id": key[1]}, NOTHING_UNDONE)


def _account(book: int, row: Any, queue: Queue) -> Account:
    return Account(
        book, row["account_id"], row["account_kind"], row["is_source"], row["is_terminal"], row["budget_line_id"],
        row["allocation_id"], row["project_id"], row["exec_year"], queue,
    )  # fmt: skip


async def meet_accounts(ledger: Ledger, book: int, pieces: Sequence[Slice]) -> None:
    """Read the accounts on both sides of these slices that were not met yet, with what undoing cut out of them."""
    ids = {account for piece in pieces for account in (piece.transfer.payer, piece.transfer.receiver)}
    new = [account_id for account_id in ids if (book, account_id) not in ledger.accounts]
    if not new:
        return
    rows = await ledger.fetch(_ACCOUNTS, book, new)
    cut = [row["account_id"] for row in rows if row["is_cut"]]
    cuts = await ledger.fetch(_CUTS, book, cut, ledger.position) if cut else []
    queues = {row["account_id"]: _queue(row) for row in cuts}
    for row in rows:
        account_id = row["account_id"]
        ledger.accounts[book, account_id] = _account(book, row, queues.get(account_id, NOTHING_UNDONE))


def _queue(row: Any) -> Queue:
    amounts = row["amounts"]
    return Queue(
        Cuts((start, start + amount) for start, amount in zip(row["given"], amounts, strict=True)),
        Cuts((start, start + amount) for start, amount in zip(row["lots"], amounts, strict=True)),
    )


def _seek(side: str) -> str:
    # `side` is a column prefix of our own: debit or credit.
    parts = [
        f"""(SELECT {columns("t")} FROM transfer t WHERE t.book = $1 AND t.{side}_account = r.account
             AND t.{side}_before <= r.start ORDER BY t.{side}_before DESC LIMIT 1)""",
        f"""(SELECT {columns("t")} FROM transfer t WHERE t.book = $1 AND t.{side}_account = r.account
             AND t.{side}_before > r.start AND t.{side}_before < r.stop ORDER BY t.{side}_before LIMIT $6)""",
    ]
    before = "received_before" if side == "debit" else "given_before"
    return f"""
SELECT r.n, x.* FROM unnest($2::uuid[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS r (account, start, stop, n)
CROSS JOIN LATERAL ({" UNION ALL ".join(parts)}) x
WHERE x.{before} + x.amount > r.start AND {known("x", "$5")}
ORDER BY r.n, x.{before} LIMIT $6
"""


RECEIVED = meeting(_seek("debit"))
GIVEN = meeting(_seek("credit"))


async def overlapping(ledger: Ledger, query: str, book: int, asks: Sequence[Ask], limit: int) -> list[list[Transfer]]:
    """For each question, the transfers that hold its fen, in order; at most `limit` in all (the rest is cut off)."""
    rows = await ledger.fetch(
        query, book, [ask.account for ask in asks], [ask.start for ask in asks], [ask.stop for ask in asks],
        ledger.position, limit,
    )  # fmt: skip
    note_accounts(ledger, rows)
    return _by_ordinal(rows, len(asks))


_UNDOINGS = f"""
SELECT r.n, x.* FROM unnest($2::uuid[], $3::integer[]) WITH ORDINALITY AS r (entry_id, line_no, n)
CROSS JOIN LATERAL (
    SELECT {columns("u")} FROM transfer u
    WHERE u.book = $1 AND u.undoes_entry_id = r.entry_id AND u.undoes_line_no = r.line_no AND {known("u", "$4")}
    ORDER BY u.undoes_before) x
ORDER BY r.n, x.undoes_before
"""


async def undoings(ledger: Ledger, book: int, transfers: Sequence[Transfer]) -> list[list[Transfer]]:
    """For each transfer, what undid it, in order: the first took its tail, the next what lies before that."""
    rows = await ledger.fetch(
        _UNDOINGS, book, [t.entry_id for t in transfers], [t.line_no for t in transfers], ledger.position
    )
    return _by_ordinal(rows, len(transfers))


_ORIGINALS = f"""
SELECT r.n, {columns("t")} FROM unnest($2::uuid[], $3::integer[]) WITH ORDINALITY AS r (entry_id, line_no, n)
JOIN transfer t ON t.book = $1 AND t.entry_id = r.entry_id AND t.line_no = r.line_no
"""


async def originals(ledger: Ledger, book: int, undoing: Sequence[Transfer]) -> list[list[Transfer]]:
    """For each transfer that undoes, the one it undoes."""
    rows = await ledger.fetch(
        _ORIGINALS, book, [t.undoes_entry_id for t in undoing], [t.undoes_line_no for t in undoing]
    )
    return _by_ordinal(rows, len(undoing))


# A crossing is two entries in two books with one crossing id; their lines have the same numbers and amounts.
_COUNTERPARTS = meeting(f"""
SELECT r.n, {columns("t")} FROM unnest($2::uuid[], $3::integer[]) WITH ORDINALITY AS r (entry_id, line_no, n)
JOIN entry e ON e.book = $1 AND e.entry_id = r.entry_id
JOIN entry c ON c.crossing_id = e.crossing_id AND c.book <> e.book
JOIN transfer t ON t.book = c.book AND t.entry_id = c.entry_id AND t.line_no = r.line_no
WHERE {known("t", "$4")}
""")


async def counterparts(ledger: Ledger, book: int, transfers: Sequence[Transfer]) -> list[list[Transfer]]:
    """For each transfer of a crossing, the same money's transfer in the other book (none: not known there yet)."""
    rows = await ledger.fetch(
        _COUNTERPARTS, book, [t.entry_id for t in transfers], [t.line_no for t in transfers], ledger.position
    )
    note_accounts(ledger, rows)
    return _by_ordinal(rows, len(transfers))


def _by_ordinal(rows: Sequence[Any], count: int) -> list[list[Transfer]]:
    found: list[list[Transfer]] = [[] for _ in range(count)]
    for row in rows:
        found[row["n"] - 1].append(transfer_of(row))
    return found
