"""Whether the log keeps up (日志是否跟上): what ``/healthz`` says of it, and whether a posting may still be promised.

A record is unsealed until a signed checkpoint holds it. The log is *behind* when one waits longer than LATE_SECONDS,
half of what a receipt promises; it is *refused* when the sequencer will not go on with this database, which it says in
a file beside the log's keys (the database may be the wrong one). In both cases `serve` takes no posting
(`log-not-sealing`): a receipt would be a signed promise that is going to be broken. Reading goes on, and whatever gives
no receipt.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from fundledger.db.connection import Connection
from fundledger.db.database import Database
from fundledger.errors import FundledgerError, problem
from fundledger.files.whole import write_whole
from fundledger.sealing.receipt import SEAL_WITHIN

LATE_SECONDS: Final = SEAL_WITHIN // timedelta(seconds=1) // 2
POLL_SECONDS: Final = 1
REFUSED_FILE: Final = "log-refused"
AWAY: Final = (
    OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, SQLAlchemyError,
    FundledgerError,
)  # fmt: skip
"""What a database that does not answer looks like, or a pool without a free connection."""

_OLDEST = """SELECT floor(extract(epoch FROM clock_timestamp() - least(
    (SELECT queued_at FROM log_queue ORDER BY order_no LIMIT 1),
    (SELECT appended_at FROM log_leaf
        WHERE position >= coalesce((SELECT size FROM log_checkpoint ORDER BY size DESC LIMIT 1), 0)
        ORDER BY position LIMIT 1))))::bigint"""


@dataclass(frozen=True, slots=True)
class LogState:
    """How the log stands: seconds for which the oldest unsealed record waits (None: none does); why it was refused."""

    oldest_seconds: int | None = None
    refused: str | None = None

    @property
    def state(self) -> Literal["current", "behind", "refused"]:
        """In a word."""
        if self.refused is not None:
            return "refused"
        return "behind" if (self.oldest_seconds or 0) > LATE_SECONDS else "current"


async def look(connection: Connection, keys: Path) -> LogState:
    """How the log stands now; three index seeks and a look beside the key file."""
    seconds = await connection.fetchval(_OLDEST)
    return LogState(None if seconds is None else max(seconds, 0), refused(keys))


def refused(keys: Path) -> str | None:
    """The code for which the sequencer refused to go on, if it did."""
    try:
        return keys.with_name(REFUSED_FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return "log-history-broken"


def refuse(keys: Path, code: str) -> None:
    """What a sequencer leaves behind that will not go on."""
    with contextlib.suppress(OSError):  # the refusal itself is what matters; a log that stands is noticed by its age
        write_whole(keys.with_name(REFUSED_FILE), code + "\n")


def goes_on(keys: Path) -> None:
    """What a sequencer says that has sealed and signed all it was to, or found nothing to do."""
    keys.with_name(REFUSED_FILE).unlink(missing_ok=True)


class Watch:
    """Looks every second while the service runs; only one that was started refuses anything."""

    def __init__(self, database: Database, keys: Path) -> None:
        """Watch the log of a database whose keys stand in a file."""
        self._database, self._keys = database, keys
        self._task: asyncio.Task[None] | None = None
        self._oldest: int | None = None
        self._started = 0

    def start(self) -> None:
        """Begin. What waits from before has LATE_SECONDS from now on: the sequencer has only just started too."""
        self._started = int(time.monotonic())
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def may_promise(self) -> None:
        """Raises `log-not-sealing` if a receipt given now would promise what is not going to happen."""
        if self._task is None:
            return
        found = LogState(self._oldest, refused(self._keys))
        if found.state != "current":
            raise problem("log-not-sealing", state=found.state, seconds=found.oldest_seconds or 0)

    async def look(self) -> None:
        """Look now; what was seen last stands while the database is away."""
        with contextlib.suppress(*AWAY):
            async with self._database.driver() as connection:
                seconds = (await look(connection, self._keys)).oldest_seconds
            self._oldest = None if seconds is None else min(seconds, int(time.monotonic()) - self._started)

    async def _follow(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(POLL_SECONDS)
