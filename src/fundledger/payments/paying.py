"""Approving a list, and what paying it needs to know beforehand: how long it is.

Paying itself is `book.poster`, which hands the list to the gate: the approval, the digest, all five of the
five-to-district and every line are checked there, under its locks. `LineCounts` spares the hot path a query where the
same process approved the list; a list is immutable, so what is remembered stays true.
"""

from __future__ import annotations

from collections import OrderedDict
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.db.database import Database
from fundledger.db.refusals import refusals
from fundledger.ids import new_id

KEPT = 100_000

_LINE_COUNT = "SELECT line_count FROM instruction WHERE book = $1 AND instruction_id = $2"


class LineCounts:
    """The number of lines of the lists this process met lately. One per process."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, UUID], int] = OrderedDict()

    def remember(self, book: int, instruction_id: UUID, line_count: int) -> None:
        """Keep a count; the oldest is forgotten beyond KEPT."""
        self._known[book, instruction_id] = line_count
        if len(self._known) > KEPT:
            self._known.popitem(last=False)

    async def of(self, database: Database, book: int, instruction_id: UUID) -> int:
        """The list's lines: remembered, or one fetch by key; 1 for a list that is not there (the gate says so)."""
        known = self._known.get((book, instruction_id))
        if known is not None:
            return known
        with refusals():
            async with database.driver() as connection:
                found = await connection.fetchval(_LINE_COUNT, book, instruction_id)
        if found is None:
            return 1
        self.remember(book, instruction_id, found)
        return int(found)


async def approve_list(connection: Connection, caller: Caller, book: int, instruction_id: UUID, digest: bytes) -> None:
    """Approve a list (审批) whose content has this SHA-256, in the caller's transaction; raises the gate's refusals.

    Every line is checked again, under the lock of its programme and period. No money moves: another person pays.
    """
    await connection.execute(
        "SELECT gate_approve($1, $2, $3, $4, $5)", book, instruction_id, digest, caller.staff_id, new_id()
    )
