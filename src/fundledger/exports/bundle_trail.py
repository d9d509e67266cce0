"""The trail of a payee, an entry or a line upwards, as slices for a bundle, with every line that proves them.

Beside the lines of the slices themselves: what undid money in the accounts they passed, and what it undid, because the
turn of money is counted without it (docs/decisions/0002). Memory: the trail.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fundledger.book.asof import AsOf
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.exports.bundle_selection import Key
from fundledger.trail.answer import trail
from fundledger.trail.queue import Slice
from fundledger.trail.starts import Place, Subject, SubjectKind
from fundledger.verifier.manifest import SliceRow

PAGE: Final = 10_000
KINDS: Final[dict[str, SubjectKind]] = {
    "household": "household", "person": "person", "organisation": "organisation", "entry": "entry", "line": "line",
}  # fmt: skip
_CUTS: Final = """SELECT u.book, u.entry_id, u.line_no, u.undoes_entry_id, u.undoes_line_no
    FROM unnest($1::bigint[], $2::uuid[]) k (book, account_id)
    JOIN account a ON a.book = k.book AND a.account_id = k.account_id
    JOIN account_kind q ON q.account_kind = a.account_kind AND NOT q.is_source AND NOT q.is_terminal
    JOIN transfer u ON u.book = k.book AND u.credit_account = k.account_id AND u.undoes_entry_id IS NOT NULL
    JOIN log_leaf l ON l.book = u.book AND l.kind = 'entry' AND l.record_id = u.entry_id AND l.position < $3"""
_POSITIONS: Final = """SELECT l.book, l.record_id, l.position FROM unnest($1::bigint[], $2::uuid[]) k (book, id)
    JOIN log_leaf l ON l.book = k.book AND l.kind = 'entry' AND l.record_id = k.id"""


async def edges(connection: Connection, book: int, kind: str, ref: str, size: int) -> list[Slice]:
    """The trail as of a size of the log; `trail-start-not-found`, `bundle-scope-malformed`."""
    subject, told = _subject(kind, ref), 0
    after: Place | None = None
    found: list[Slice] = []
    while True:
        page = await trail(connection, book, subject, "up", as_of=AsOf(position=size - 1), after=after, limit=PAGE)
        found += [
            Slice(edge.at + told, edge.amount, edge.transfer, edge.offset, edge.depth, edge.step) for edge in page.edges
        ]
        after, told = page.beyond, told + page.amount
        if after is None:
            return found


async def lines_of(connection: Connection, found: list[Slice], size: int) -> dict[Key, list[int]]:
    """Numbers of the lines that the slices, and the turns of money in between, rest on."""
    wanted: dict[Key, set[int]] = {}
    accounts: set[tuple[int, UUID]] = set()
    for edge in found:
        transfer = edge.transfer
        wanted.setdefault((transfer.book, transfer.entry_id), set()).add(transfer.line_no)
        accounts |= {(transfer.book, transfer.payer), (transfer.book, transfer.receiver)}
    listed = sorted(accounts)
    cuts = await connection.fetch(_CUTS, [book for book, _ in listed], [account for _, account in listed], size)
    for row in cuts:
        wanted.setdefault((row["book"], row["entry_id"]), set()).add(row["line_no"])
        wanted.setdefault((row["book"], row["undoes_entry_id"]), set()).add(row["undoes_line_no"])
    return {key: sorted(numbers) for key, numbers in wanted.items()}


async def slices(connection: Connection, found: list[Slice]) -> list[SliceRow]:
    """The slices as rows, by depth and place."""
    keys = sorted({(edge.transfer.book, edge.transfer.entry_id) for edge in found})
    rows = await connection.fetch(_POSITIONS, [book for book, _ in keys], [entry for _, entry in keys])
    at = {(row["book"], row["record_id"]): row["position"] for row in rows}
    return [
        SliceRow(at=edge.at, amount=edge.amount, depth=edge.depth, step=edge.step, offset=edge.offset,
                 position=at[edge.transfer.book, edge.transfer.entry_id], line_no=edge.transfer.line_no)
        for edge in sorted(found, key=lambda one: (one.depth, one.at))
    ]  # fmt: skip


def _subject(kind: str, ref: str) -> Subject:
    entry, _, number = ref.partition(":")
    try:
        if (kind == "line") != bool(number):
            raise ValueError
        return Subject(KINDS[kind], UUID(entry), int(number) if number else None)
    except ValueError as error:
        raise problem("bundle-scope-malformed") from error
