"""Passing (先行定序): what stands behind a very long entry is given its position while that one is still being hashed.

Called by the sequencer only. On one account the log's order is the order of posting, and verifiers and the monitor rely
on that alone (totals go on where they stood, no balance is below zero, what is undone, settled or re-issued is there
already). So a record may pass if nothing ties it to what waits, directly or through others that wait: no account, no
reference (``log_ties``; ``log_append`` refuses a wrong order by the same function). What is no entry may always pass,
except closes and erasures: nothing passes them either.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.sealing.inner import InnerTree
from fundledger.sealing.leaf import Row
from fundledger.sealing.merkle import leaf_hash
from fundledger.sealing.records import Accounts, Inner, Ref, lines

BATCH_LINES = 5_000
"""Lines hashed for one batch, at most (some 0.2 s); the lines of an entry with more are hashed in slices."""
FENCES: Final = frozenset({"period_close", "year_close", "erasure"})
"""They wait for whatever waits before them, and all that is behind them waits too."""

_TIES = "SELECT order_no, array_agg(tie) AS ties FROM log_ties($1) GROUP BY order_no"


class Queued(NamedTuple):
    """A record without a position; its ``order_no``."""

    order: int
    ref: Ref


class LongEntry:
    """An entry whose lines are hashed in slices; `inner` when that is done."""

    def __init__(self, connection: Connection, ref: Ref, header: Row, accounts: Accounts) -> None:
        """Begin at the first line."""
        self.ref = ref
        self.inner: Inner | None = None
        self._lines = lines(connection, header, accounts)
        self._tree = InnerTree()

    async def hash_for(self, milliseconds: int) -> None:
        """Hash lines for so long, or to the end."""
        end = time.monotonic_ns() + milliseconds * 1_000_000
        async for _, data in self._lines:
            self._tree.append(leaf_hash(data))
            if time.monotonic_ns() >= end:
                return
        if self.inner is None:
            self.inner = self._tree.finish()


class Ties:
    """What ties queued entries, remembered while they are queued: a long entry's is read once."""

    def __init__(self, connection: Connection) -> None:
        """Know nothing yet."""
        self._connection = connection
        self._known: dict[int, frozenset[UUID]] = {}

    async def of(self, queue: Sequence[Queued]) -> Mapping[int, frozenset[UUID]]:
        """The ties of every entry of the queue, by its order; what is not there any more is forgotten."""
        entries = [queued.order for queued in queue if queued.ref.kind == "entry"]
        self._known = {order: self._known[order] for order in entries if order in self._known}
        missing = [order for order in entries if order not in self._known]
        if missing:
            rows = await self._connection.fetch(_TIES, missing)
            self._known.update((row["order_no"], frozenset(row["ties"])) for row in rows)
        return self._known


def may_go(queue: Sequence[Queued], long: Collection[Ref], ties: Mapping[int, frozenset[UUID]]) -> list[Queued]:
    """What need not wait for the `long` ones, in order."""
    waiting: set[UUID] = set()
    free: list[Queued] = []
    for queued in queue:
        own = ties.get(queued.order, frozenset())
        if queued.ref in long or not waiting.isdisjoint(own):
            waiting |= own
        elif waiting and queued.ref.kind in FENCES:
            break
        else:
            free.append(queued)
    return free


def within_lines(refs: Sequence[Ref], entries: Mapping[Ref, Row]) -> int:
    """How many of the records make up one batch: at most BATCH_LINES lines, or one longer entry by itself."""
    total = 0
    for number, ref in enumerate(refs):
        total += entries[ref]["line_count"] if ref.kind == "entry" else 1
        if total > BATCH_LINES and number > 0:
            return number
    return len(refs)
