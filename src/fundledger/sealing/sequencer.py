"""The sequencer (定序): gives every committed record the next position of the log, grows the tree, signs checkpoints.

`fundledger sequence` runs it as a process of its own, beside the service and started by `serve`, so that hashing never
takes time from requests. It reads ``log_queue`` in order_no order, rebuilds each record's canonical bytes, and calls
``log_append``, which takes the records off the queue, assigns positions and stores the tree's new nodes in one
transaction. With a `Signer` it then signs the checkpoint of the whole log, at most every CHECKPOINT_MS.

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
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from fundledger.db.connection import Connection
from fundledger.db.refusals import RETRYABLE
from fundledger.sealing.leaf import Row
from fundledger.sealing.merkle import Frontier
from fundledger.sealing.records import SERVER_SETTINGS, Accounts, Leaf, Ref, entry_rows, leaves
from fundledger.sealing.signing import Signer
from fundledger.sealing.spans import STRIDE
from fundledger.sealing.tree import frontier

log = logging.getLogger("fundledger.sequencer")

BATCH = 1_000
"""Records appended at once, at most."""
BATCH_LINES = 20_000
"""A batch ends before the entry that would pass this many lines: what stands before a long one does not wait for it."""
LEADER_LOCK = 0x73657175
"""The advisory lock's key ("sequ" in ASCII); ``log_append`` has one of its own."""
PACE_MS = 250
"""Batches begin this far apart while the queue is short: each costs six round trips and two commits, whatever its size,
and taking every record at once slowed small postings by a quarter. A full batch is followed by the next one at once."""
FOLLOWER_MS = 2_000
RECONNECT_MS = (1_000, 2_000, 5_000)
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)
"""What a database that goes away looks like from here."""

CHECKPOINT_MS = 200
"""Checkpoints are at least this far apart, so that a busy second makes five of them and not fifty."""
FILL_LEAVES = 16 * 1024

_QUEUE = "SELECT order_no, book, kind, record_id, version FROM log_queue ORDER BY order_no LIMIT $1"
_APPEND = "SELECT log_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
_SIZE = "SELECT coalesce(max(position) + 1, 0) FROM log_leaf"
_NODES = "SELECT coalesce(max(index) + 1, 0) FROM log_node WHERE level = $1"
_HASHES = "SELECT leaf_hash FROM log_leaf WHERE position >= $1 AND position < $2 ORDER BY position"


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
            await fill_nodes(self._connection, size)
            if self._signer is not None:
                self._signed = await self._signer.check(self._connection)
            self._tree = await frontier(self._connection, size)
            self.statistics.size = size
        return self._tree

    async def seal_batch(self, limit: int = BATCH) -> int:
        """Append the next records; how many (0: the queue is empty)."""
        tree = await self.start()
        queue = await self._connection.fetch(_QUEUE, limit)
        if not queue:
            self._behind = False
            return 0
        refs = [Ref(row["book"], row["kind"], row["record_id"], row["version"]) for row in queue]
        entries = await entry_rows(self._connection, [ref for ref in refs if ref.kind == "entry"])
        count = within_lines(refs, entries)
        self._behind = count < len(queue) or len(queue) == limit
        made = await leaves(self._connection, refs[:count], self._accounts, entries)
        await self._append(tree, [row["order_no"] for row in queue[:count]], made)
        self.statistics.size = tree.size
        self.statistics.records += count
        self.statistics.batches += 1
        return count

    async def _append(self, tree: Frontier, orders: Sequence[int], made: Sequence[Leaf]) -> None:
        """One transaction; what `tree` holds is thrown away when it fails, and read again."""
        start = tree.size
        self._tree = None
        nodes = grow(tree, [leaf.leaf_hash for leaf in made])
        chunks = [(order, *chunk) for order, leaf in zip(orders, made, strict=True) for chunk in leaf.chunks]
        await self._connection.execute(
            _APPEND, start, orders, [leaf.leaf_hash for leaf in made], [leaf.lines_root for leaf in made],
            *_columns(nodes, 3), *_columns(chunks, 4),
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

    async def seal_all(self) -> int:
        """Append until the queue is empty; how many (for tests, tools and the demonstration)."""
        total = 0
        while count := await self.seal_batch():
            total += count
        await self.checkpoint(now=True)
        return total

    async def follow(self, stop: asyncio.Event) -> None:
        """Append whatever comes until `stop`, every PACE_MS; without a pause while batches are full."""
        while not stop.is_set():
            began = _milliseconds()
            await self.seal_batch()
            await self.checkpoint()
            if not self._behind:
                await _pause(stop, PACE_MS - (_milliseconds() - began))


def within_lines(refs: Sequence[Ref], entries: dict[Ref, Row]) -> int:
    """How many of the records make up one batch: at most BATCH_LINES lines, or one longer entry by itself."""
    total = 0
    for number, ref in enumerate(refs):
        total += entries[ref]["line_count"] if ref.kind == "entry" else 1
        if total > BATCH_LINES and number > 0:
            return number
    return len(refs)


def grow(tree: Frontier, hashes: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
    """Append to the tree; the nodes to store that were completed: level, index, hash."""
    nodes: list[tuple[int, int, bytes]] = []
    for leaf in hashes:
        completed = tree.append(leaf)
        levels = range(STRIDE, len(completed), STRIDE)
        nodes += [(level, (tree.size >> level) - 1, completed[level]) for level in levels]
    return nodes


async def fill_nodes(connection: Connection, size: int) -> None:
    """Store the nodes over leaves that have none yet: a log that was begun before there were nodes (revision 0002)."""
    if await connection.fetchval(_NODES, STRIDE) == size >> STRIDE:
        return
    log.info("building the tree over %d records", size)
    tree = Frontier()
    for start in range(0, size, FILL_LEAVES):
        rows = await connection.fetch(_HASHES, start, min(start + FILL_LEAVES, size))
        nodes = grow(tree, [row["leaf_hash"] for row in rows])
        await connection.execute("SELECT log_fill_nodes($1, $2, $3)", *_columns(nodes, 3))


def _columns(rows: Sequence[tuple[object, ...]], count: int) -> list[list[object]]:
    return [[row[column] for row in rows] for column in range(count)]


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
        except LOST as error:
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
        # FL002: another sequencer was quicker with the same batch.
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
