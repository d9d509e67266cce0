"""Approving a list, and what paying it needs to know beforehand: how long it is.

Paying itself is `book.poster`, which hands the list to the gate: the approval, the digest, all five of the
five-to-district and every line are checked there, under its locks. `LineCounts` spares the hot path a query where the
same process approved the list, and asks for those that arrive together in one; a list is immutable, so what is
remembered stays true.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.db.database import Database
from fundledger.db.refusals import refusals
from fundledger.ids import new_id

KEPT = 100_000

_LINE_COUNTS = """
SELECT a.book, a.instruction_id, n.line_count FROM unnest($1::bigint[], $2::uuid[]) AS a (book, instruction_id)
LEFT JOIN LATERAL (SELECT n.line_count FROM instruction n WHERE n.book = a.book AND n.instruction_id = a.instruction_id
                   OFFSET 0) n ON true
"""


class LineCounts:
    """The number of lines of the lists this process met lately. One per process."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, UUID], int] = OrderedDict()
        self._asked: dict[tuple[int, UUID], asyncio.Future[int]] = {}
        self._asking: asyncio.Task[None] | None = None

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
        waiting = self._asked.get((book, instruction_id))
        if waiting is None:
            waiting = self._asked[book, instruction_id] = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(database))
        return await asyncio.shield(waiting)

    async def _ask(self, database: Database) -> None:
        """Look up everything that was asked for meanwhile, in one query at a time."""
        while self._asked:
            asked, self._asked = self._asked, {}
            try:
                with refusals():
                    async with database.driver() as connection:
                        rows = await connection.fetch(
                            _LINE_COUNTS, [book for book, _ in asked], [one for _, one in asked]
                        )
            except Exception as error:
                for future in asked.values():
                    future.set_exception(error)
                continue
            for row in rows:
                if row["line_count"] is not None:
                    self.remember(row["book"], row["instruction_id"], row["line_count"])
                asked[row["book"], row["instruction_id"]].set_result(row["line_count"] or 1)
        self._asking = None


async def approve_list(connection: Connection, caller: Caller, book: int, instruction_id: UUID, digest: bytes) -> None:
    """Approve a list (审批) whose content has this SHA-256, in the caller's transaction; raises the gate's refusals.

    Every line is checked again, under the lock of its programme and period. No money moves: another person pays.
    """
    await connection.execute(
        "SELECT gate_approve($1, $2, $3, $4, $5)", book, instruction_id, digest, caller.staff_id, new_id()
    )
