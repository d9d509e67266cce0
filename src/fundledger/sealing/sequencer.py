"""The sequencer (定序): gives every committed record the next position of the log and stores its leaf hash.

`fundledger sequence` runs it as a process of its own, beside the service and started by `serve`, so that hashing never
takes time from requests. It reads ``log_queue`` in order_no order, rebuilds each record's canonical bytes, and calls
``log_append``, which takes the records off the queue and assigns positions in one transaction.

Guaranteed: positions have no gap; on one account records are sealed in the order they were posted (a posting draws its
order_no while it holds the account's lock, so whoever sees the later one sees the earlier one too). It can be killed
at any point: what was not appended is still queued. Two at once are harmless: one leads by a session's advisory lock
while the other waits, and without that lock ``log_append`` lets only one of two equal batches through.
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
from fundledger.sealing.records import SERVER_SETTINGS, Accounts, Ref, entry_rows, leaves

log = logging.getLogger("fundledger.sequencer")

BATCH = 1_000
"""Records appended at once, at most."""
BATCH_LINES = 20_000
"""A batch ends after the entry that passes this many lines, so that a killed sequencer repeats little."""
LEADER_LOCK = 0x73657175
"""The advisory lock's key ("sequ" in ASCII); ``log_append`` has one of its own."""
IDLE_FIRST_MS, IDLE_LAST_MS = 20, 500
FOLLOWER_MS = 2_000
RECONNECT_MS = (1_000, 2_000, 5_000)

_QUEUE = "SELECT order_no, book, kind, record_id, version FROM log_queue ORDER BY order_no LIMIT $1"
_APPEND = "SELECT log_append($1::bigint[], $2::bytea[], $3::bytea[])"


@dataclass(slots=True)
class Statistics:
    """What a running sequencer did so far."""

    records: int = 0
    batches: int = 0
    seconds: int = 0
    size: int = 0
    started: int = field(default_factory=lambda: int(time.monotonic()))


class Sequencer:
    """Seals in batches over one connection; remembers accounts between batches."""

    def __init__(self, connection: Connection, statistics: Statistics | None = None) -> None:
        self._connection = connection
        self._accounts = Accounts()
        self.statistics = statistics or Statistics()

    async def seal_batch(self, limit: int = BATCH) -> int:
        """Append the next records; how many (0: the queue is empty)."""
        queue = await self._connection.fetch(_QUEUE, limit)
        if not queue:
            return 0
        refs = [Ref(row["book"], row["kind"], row["record_id"], row["version"]) for row in queue]
        entries = await entry_rows(self._connection, [ref for ref in refs if ref.kind == "entry"])
        count = within_lines(refs, entries)
        made = await leaves(self._connection, refs[:count], self._accounts, entries)
        self.statistics.size = await self._connection.fetchval(
            _APPEND,
            [row["order_no"] for row in queue[:count]],
            [leaf.leaf_hash for leaf in made],
            [leaf.lines_root for leaf in made],
        )
        self.statistics.records += count
        self.statistics.batches += 1
        return count

    async def seal_all(self) -> int:
        """Append until the queue is empty; how many (for tests, tools and the demonstration)."""
        total = 0
        while count := await self.seal_batch():
            total += count
        return total

    async def follow(self, stop: asyncio.Event) -> None:
        """Append whatever comes until `stop`; polls ever more slowly while nothing does."""
        idle = IDLE_FIRST_MS
        while not stop.is_set():
            if await self.seal_batch():
                idle = IDLE_FIRST_MS
                continue
            await _pause(stop, idle)
            idle = min(idle * 2, IDLE_LAST_MS)


def within_lines(refs: Sequence[Ref], entries: dict[Ref, Row]) -> int:
    """How many of the records make up one batch: at least one, and no more after BATCH_LINES lines."""
    total = 0
    for number, ref in enumerate(refs, start=1):
        total += entries[ref]["line_count"] if ref.kind == "entry" else 1
        if total >= BATCH_LINES:
            return number
    return len(refs)


async def connect(url: str) -> Connection:
    """A connection with the settings that keep plans on indexes."""
    return await asyncpg.connect(url, server_settings=SERVER_SETTINGS, timeout=30)


async def run(url: str, stop: asyncio.Event) -> Statistics:
    """Seal until `stop`, as the service's role; a lost database is waited for. Only a bug raises."""
    statistics = Statistics()
    failures = 0
    while not stop.is_set():
        try:
            connection = await connect(url)
            try:
                failures = 0
                if await _lead(connection, stop):
                    await Sequencer(connection, statistics).follow(stop)
            finally:
                await _close(connection)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
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


async def _pause(stop: asyncio.Event, milliseconds: int) -> None:
    try:
        await asyncio.wait_for(stop.wait(), milliseconds / 1000)
    except TimeoutError:
        return


async def _close(connection: Connection) -> None:
    try:
        await connection.close(timeout=2)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        connection.terminate()
