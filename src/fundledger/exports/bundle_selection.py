"""Which records belong into a bundle: positions of the log, and of each entry which lines.

`everything` is the log to a size. `accounts_of` is a closed set: every line of the accounts of an allocation, village,
project, document or book, each with its approval, its other side, the notices of its project and list, and all
parameters. Memory: eight bytes a position.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.sealing.leaf import Row

Key = tuple[int, UUID]


class Selection(Protocol):
    """Positions, ascending, and the lines of each entry."""

    positions: Sequence[int]

    async def numbers(self, connection: Connection, entries: Sequence[Row]) -> dict[Key, list[int] | None]:
        """Of each entry the numbers of its lines, ascending; None: all of them."""


class Everything:
    """The whole log."""

    def __init__(self, size: int) -> None:
        """The first `size` positions."""
        self.positions: Sequence[int] = range(size)

    async def numbers(self, connection: Connection, entries: Sequence[Row]) -> dict[Key, list[int] | None]:
        """All lines."""
        return {(row["book"], row["entry_id"]): None for row in entries}


class Picked:
    """Named lines of named entries (a trail), and other records without lines."""

    def __init__(self, positions: Sequence[int], lines: dict[Key, list[int]]) -> None:
        """`lines`: of each entry the numbers, ascending; entries that are not named have none."""
        self.positions = positions
        self._lines = lines

    async def numbers(self, connection: Connection, entries: Sequence[Row]) -> dict[Key, list[int] | None]:
        """The lines that were named; None where that is all."""
        found = {(row["book"], row["entry_id"]): row["line_count"] for row in entries}
        return {
            key: None if len(self._lines.get(key, ())) == count else self._lines.get(key, [])
            for key, count in found.items()
        }


_OF: Final = {
    "allocation": "a.allocation_id = ANY($2::uuid[])",
    "project": "a.book = $1 AND a.project_id = ANY($2::uuid[])",
    "book": "a.book = $1",
}
_ACCOUNTS: Final = """SELECT a.book, a.account_id FROM account a
    WHERE {of} AND $1::bigint IS NOT NULL AND $2::uuid[] IS NOT NULL"""
_CONTEXT: Final = """sides AS MATERIALIZED (
    SELECT c.book, c.entry_id, c.instruction_id FROM entries e JOIN entry c ON c.crossing_id = e.crossing_id
    UNION SELECT book, entry_id, instruction_id FROM entries
), subjects AS (
    SELECT instruction_id AS subject_id FROM sides UNION {subjects}
)
SELECT position FROM (
    SELECT l.position FROM sides s JOIN log_leaf l ON l.book = s.book AND l.kind = 'entry' AND l.record_id = s.entry_id
    UNION SELECT l.position FROM sides s JOIN approval a ON a.instruction_id = s.instruction_id
        JOIN log_leaf l ON l.book = a.book AND l.kind = 'approval' AND l.record_id = a.approval_id
    UNION SELECT l.position FROM subjects s JOIN notice n ON n.subject_id = s.subject_id
        JOIN log_leaf l ON l.book = n.book AND l.kind = 'notice' AND l.record_id = n.notice_id AND l.version = n.version
    UNION SELECT position FROM log_leaf WHERE kind = 'parameter'
) p WHERE position < $3 ORDER BY position"""
"""Beside the entries: the other side of crossings, approvals, notices of lists and projects, and all parameters."""
_TOUCHED: Final = """WITH mine AS MATERIALIZED ({accounts}),
touched AS MATERIALIZED (
    SELECT t.book, t.entry_id FROM mine m JOIN transfer t ON t.book = m.book AND t.debit_account = m.account_id
    UNION SELECT t.book, t.entry_id FROM mine m JOIN transfer t ON t.book = m.book AND t.credit_account = m.account_id
), entries AS MATERIALIZED (
    SELECT e.book, e.entry_id, e.instruction_id, e.crossing_id FROM touched k
    JOIN entry e ON e.book = k.book AND e.entry_id = k.entry_id
), """ + _CONTEXT.format(
    subjects="SELECT a.project_id FROM mine m JOIN account a ON a.book = m.book AND a.account_id = m.account_id"
)
_NAMED: Final = """WITH entries AS MATERIALIZED (
    SELECT e.book, e.entry_id, e.instruction_id, e.crossing_id FROM unnest($1::bigint[], $2::uuid[]) k (book, entry_id)
    JOIN entry e ON e.book = k.book AND e.entry_id = k.entry_id
), """ + _CONTEXT.format(
    subjects="""SELECT a.project_id FROM entries e JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id
        AND t.line_no = 1 JOIN account a ON a.book = t.book AND a.account_id IN (t.debit_account, t.credit_account)"""
)
_NUMBERS: Final = """WITH mine AS MATERIALIZED ({accounts})
SELECT t.book, t.entry_id, array_agg(t.line_no ORDER BY t.line_no) AS numbers
FROM unnest($3::bigint[], $4::uuid[]) k (book, entry_id)
JOIN transfer t ON t.book = k.book AND t.entry_id = k.entry_id
WHERE EXISTS (SELECT FROM mine m WHERE m.book = t.book AND m.account_id IN (t.debit_account, t.credit_account))
GROUP BY 1, 2"""


class Accounts:
    """A closed set of accounts: every line of each."""

    def __init__(self, kind: str, book: int, ids: Sequence[UUID], positions: Sequence[int]) -> None:
        """See `accounts_of`."""
        self._query = _NUMBERS.format(accounts=_ACCOUNTS.format(of=_OF[kind]))
        self._book, self._ids = book, list(ids)
        self.positions = positions

    async def numbers(self, connection: Connection, entries: Sequence[Row]) -> dict[Key, list[int] | None]:
        """The lines that touch the accounts."""
        keys = [(row["book"], row["entry_id"]) for row in entries]
        rows = await connection.fetch(
            self._query, self._book, self._ids, [book for book, _ in keys], [entry for _, entry in keys]
        )
        found = {(row["book"], row["entry_id"]): list(row["numbers"]) for row in rows}
        counts = {(row["book"], row["entry_id"]): row["line_count"] for row in entries}
        return {key: None if len(found.get(key, ())) == counts[key] else found.get(key, []) for key in keys}


async def accounts_of(connection: Connection, kind: str, book: int, ids: Sequence[UUID], size: int) -> Accounts:
    """The closed set of the accounts of allocations or projects (`ids`), or of a book."""
    query = _TOUCHED.format(accounts=_ACCOUNTS.format(of=_OF[kind]))
    positions = array("q")
    async for row in connection.cursor(query, book, list(ids), size, prefetch=5_000):
        positions.append(row["position"])
    return Accounts(kind, book, ids, positions)


async def entries_of(connection: Connection, lines: dict[Key, list[int]], size: int) -> Picked:
    """Named lines of named entries, with what proves them."""
    keys = sorted(lines)
    arguments = ([book for book, _ in keys], [entry for _, entry in keys], size)
    positions = array("q", (row["position"] for row in await connection.fetch(_NAMED, *arguments)))
    return Picked(positions, lines)
