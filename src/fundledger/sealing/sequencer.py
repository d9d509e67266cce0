"""The sequencer (定序): gives every committed record the next position of the log, grows the tree, signs checkpoints.

`fundledger sequence` runs it as a process of its own, beside the service and started by `serve`, so that hashing never
takes time from requests. It reads ``log_queue`` in order_no order, rebuilds each record's canonical bytes, and calls
``log_append``, which takes the records off the queue, assigns positions and makes the tree's new nodes in one
transaction. With a `Signer` it then signs the checkpoint of the whole log, at most every CHECKPOINT_MS. The lines of a
very long entry are hashed in slices between batches, while what nothing ties to it goes on (`passing`).

Guaranteed: positions have no gap; on one account records are sealed in the order they were posted (a posting draws its
order_no while it holds the account's lock, so whoever sees the later one sees the earlier one too). It can be killed
at any point: what was not appended is still queued. Two at once are harmless: one leads by a session's advisory lock
while the other waits, and without that lock ``log_append`` lets only one of two batches through (it is told where
the batch begins). It starts from the stored nodes: the right edge of the tree is never assumed, always read.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from fundledger.db.connection import Connection
from fundledger.db.refusals import RETRYABLE
from fundledger.sealing import passing
from fundledger.sealing.leaf import Row
from fundledger.sealing.merkle import Frontier
from fundledger.sealing.passing import LongEntry, Queued, Ties, may_go, within_lines
from fundledger.sealing.records import SERVER_SETTINGS, Accounts, Inner, Leaf, Ref, entry_rows, leaves
from fundledger.sealing.signing import HistoryError, Signer
from fundledger.sealing.tree import TreeBrokenError, frontier

log = logging.getLogger("fundledger.sequencer")

BATCH = 1_000
"""Records appended at once, at most."""
LEADER_LOCK = 0x73657175
"""The advisory lock's key ("sequ" in ASCII); ``log_append`` has one of its own."""
PACE_MS = 250
"""Batches begin this far apart while the queue is short: each costs six round trips and two commits, whatever its size,
and taking every record at once slowed small postings by a quarter. A full batch is followed by the next one at once."""
SLICE_MS = 100
"""For so long lines of a long entry are hashed between two batches, instead of a pause."""
FOLLOWER_MS = 2_000
RECONNECT_MS = (1_000, 2_000, 5_000)
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)
"""What a database that goes away looks like from here."""

CHECKPOINT_MS = 200
"""Checkpoints are at least this far apart, so that a busy second makes five of them and not fifty."""

_QUEUE = "SELECT order_no, book, kind, record_id, version FROM log_queue ORDER BY order_no LIMIT $1"
_APPEND = "SELECT log_append($1, $2, $3, $4, $5, $6, $7, $8)"
_SIZE = "SELECT coalesce(max(position) + 1, 0) FROM log_leaf"


@dataclass(slots=True)
class Statistics:
    """What a running sequencer did so far."""

    records: int = 0
    batches: int = 0
    seconds: int = 0
    size: int = 0
    started: int = field(default_factory=lambda: int(time.monotonic()))


class Sequencer:
    """Seals in batches over one connection; remembers accounts and the tree's right edge between batches."""

    def __init__(
        self, connection: Connection, statistics: Statistics | None = None, signer: Signer | None = None
    ) -> None:
        """Without a signer positions are given and the tree grows, but no checkpoint is made."""
        self._connection = connection
        self._accounts = Accounts()
        self._ties = Ties(connection)
        self._long: LongEntry | None = None
        self._signer = signer
        self._tree: Frontier | None = None
        self._signed = -1
        self._signed_ms = -CHECKPOINT_MS
        self._behind = False
        self.statistics = statistics or Statistics()

    async def start(self) -> Frontier:
        """Read the right edge of the tree, once; HistoryError if the log is not what its key has signed."""
        if self._tree is None:
            size = await self._connection.fetchval(_SIZE)
            if self._signer is not None:
                self._signed = await self._signer.check(self._connection)
            self._tree = await frontier(self._connection, size)
            self.statistics.size = size
        return self._tree

    async def seal_batch(self, limit: int = BATCH) -> int:
        """Append the next records; how many (0: the queue is empty, or waits for the lines of a long entry)."""
        tree = await self.start()
        rows = await self._connection.fetch(_QUEUE, limit)
        queue = [Queued(row["order_no"], Ref(*row[1:])) for row in rows]
        entries = await entry_rows(self._connection, [one.ref for one in queue if one.ref.kind == "entry"])
        free = await self._free(queue, entries)
        refs = [one.ref for one in free]
        count = within_lines(refs, entries)
        self._behind = count < len(free) or len(queue) == limit
        if count:
            made = await leaves(self._connection, refs[:count], self._accounts, entries, self._hashed())
            await self._append(tree, [one.order for one in free[:count]], made)
            self.statistics.size = tree.size
            self.statistics.records += count
            self.statistics.batches += 1
        return count

    async def _free(self, queue: Sequence[Queued], entries: Mapping[Ref, Row]) -> Sequence[Queued]:
        """What may be appended now. The first entry that is too long for a batch becomes the one that is hashed."""
        long = [ref for ref, row in entries.items() if row["line_count"] > passing.BATCH_LINES]
        if not long:
            self._long = None
        elif self._long is None or self._long.ref != long[0]:
            self._long = LongEntry(self._connection, long[0], entries[long[0]], self._accounts)
        hashed = self._hashed()
        unhashed = {ref for ref in long if (ref.book, ref.record_id) not in hashed}
        return may_go(queue, unhashed, await self._ties.of(queue)) if unhashed else queue

    def _hashed(self) -> dict[tuple[int, UUID], Inner]:
        """The tree of the long entry's lines, once they are all hashed."""
        long = self._long
        return {(long.ref.book, long.ref.record_id): long.inner} if long is not None and long.inner is not None else {}

    async def _append(self, tree: Frontier, orders: Sequence[int], made: Sequence[Leaf]) -> None:
        """One transaction; what `tree` holds is thrown away when it fails, and read again."""
        start = tree.size
        self._tree = None
        tree.extend(leaf.leaf_hash for leaf in made)
        chunks = [(order, *chunk) for order, leaf in zip(orders, made, strict=True) for chunk in leaf.chunks]
        await self._connection.execute(
            _APPEND, start, orders, [leaf.leaf_hash for leaf in made], [leaf.lines_root for leaf in made],
            *([chunk[column] for chunk in chunks] for column in range(4)),
        )  # fmt: skip
        self._tree = tree

    async def checkpoint(self, *, now: bool = False) -> None:
        """Sign what was appended since the last checkpoint, unless one was signed a moment ago (`now`: even so)."""
        tree = await self.start()
        due = now or _milliseconds() - self._signed_ms >= CHECKPOINT_MS
        if self._signer is None or not due or tree.size <= self._signed:
            return
        self._signed = await self._signer.sign(self._connection, tree)
        self._signed_ms = _milliseconds()

    async def seal_all(self, limit: int = BATCH) -> int:
        """Append until the queue is empty; how many (for tests, tools and the demonstration)."""
        total = 0
        while (count := await self.seal_batch(limit)) or self._long is not None:
            total += count
            await self._hash_on()
        await self.checkpoint(now=True)
        return total

    async def _hash_on(self) -> bool:
        """Hash lines of the long entry for SLICE_MS; False if there is none."""
        long, self._long = self._long, None
        if long is None:
            return False
        await long.hash_for(SLICE_MS)
        self._long = long  # not where lines could not be read: then it begins again
        return True

    async def follow(self, stop: asyncio.Event) -> None:
        """Append whatever comes until `stop`, every PACE_MS; without a pause while batches are full."""
        await self.seal_batch()
        await self.checkpoint(now=True)
        if self._signer is not None:
            self._signer.goes_on()
        while not stop.is_set():
            began = _milliseconds()
            await self.seal_batch()
            await self.checkpoint()
            if not await self._hash_on() and not self._behind:
                await _pause(stop, PACE_MS - (_milliseconds() - began))


async def connect(url: str) -> Connection:
    """A connection with the settings that keep plans on indexes."""
    return await asyncpg.connect(url, server_settings=SERVER_SETTINGS, timeout=30)


async def run(url: str, stop: asyncio.Event, signer: Signer | None = None) -> Statistics:
    """Seal until `stop`, as the service's role; a lost database is waited for. Only a bug and HistoryError raise."""
    statistics = Statistics()
    failures = 0
    while not stop.is_set():
        try:
            connection = await connect(url)
            try:
                failures = 0
                if await _lead(connection, stop):
                    await Sequencer(connection, statistics, signer).follow(stop)
            finally:
                await _close(connection)
        except TreeBrokenError as error:
            raise HistoryError(f"the stored tree is damaged: {error}") from error
        except LOST as error:
            if getattr(error, "sqlstate", None) == "FL003":
                raise HistoryError(f"the stored tree is not the one that was built: {error}") from error
            if not _passing(error):
                raise
            log.warning("the database is not to be reached: %s", type(error).__name__)
            await _pause(stop, RECONNECT_MS[min(failures, len(RECONNECT_MS) - 1)])
            failures += 1
    statistics.seconds = int(time.monotonic()) - statistics.started
    return statistics


async def _lead(connection: Connection, stop: asyncio.Event) -> bool:
    """Wait until this session leads; False if told to stop first."""
    told = False
    while not stop.is_set():
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
            return True
        if not told:
            log.info("another sequencer leads; waiting")
            told = True
        await _pause(stop, FOLLOWER_MS)
    return False


def _passing(error: BaseException) -> bool:
    """Whether waiting may help: a connection that is gone, or a state the server leaves by itself."""
    if isinstance(error, asyncpg.PostgresError) and not isinstance(error, asyncpg.PostgresConnectionError):
        # FL002: another sequencer was quicker with the same batch, or a record that goes before it was committed since.
        return error.sqlstate in RETRYABLE or error.sqlstate == "FL002"
    return True


def _milliseconds() -> int:
    return time.monotonic_ns() // 1_000_000


async def _pause(stop: asyncio.Event, milliseconds: int) -> None:
    try:
        await asyncio.wait_for(stop.wait(), max(milliseconds, 0) / 1000)
    except TimeoutError:
        return


async def _close(connection: Connection) -> None:
    try:
        await connection.close(timeout=2)
    except LOST:
        connection.terminate()
