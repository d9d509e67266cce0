"""Posting: hands approved instructions to the gate; posts that arrive together share one call and one commit.

Each caller awaits `post` and is answered after the commit of its own posting. While a call is under way the next
requests gather; the gate takes them all at once (group commit), which is what a hot account needs: one lock, one
flush, many entries. When a group fails, its members are posted one by one, so nobody is refused for another's
fault. Lists of more than LARGE_LINES lines go alone on a connection of their own and never hold up the small ones.

One round trip a call, whatever the number of lines; after a refused group, one for each of its members. Nothing is
retried silently: a lost connection answers `database-unavailable`; the caller's idempotency key makes a repeat safe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from fundledger.db.connection import Connection
from fundledger.db.database import Database
from fundledger.db.refusals import refusals
from fundledger.errors import FundledgerError, problem
from fundledger.ids import new_id

GROUP_MAX = 128
LARGE_LINES = 200
LANES = 2
"""Gate calls for small posts under way at once: one waits for the disk while the other computes."""

RETRYABLE_HERE = {"40001", "40P01", "55P03"}
"""Serialisation failure, deadlock, lock timeout: the call was undone, the connection lives."""

_GATE = """SELECT outcome, entry_id, recorded_at, content_sha256
    FROM gate_post($1, $2, $3, $4, $5, $6, $7, $8) ORDER BY item"""


@dataclass(frozen=True, slots=True)
class Posting:
    """One instruction to post: who acts (approver or payer), what that person saw, and the idempotency key."""

    book: int
    instruction_id: UUID
    actor_id: UUID
    content_sha256: bytes | None
    key: str
    request_sha256: bytes


@dataclass(frozen=True, slots=True)
class Posted:
    """The entry a posting became and its digest; `replayed` when an earlier call under the same key had done it."""

    book: int
    entry_id: UUID
    recorded_at: datetime
    content_sha256: bytes
    replayed: bool


Outcome = Posted | Exception
Waiting = tuple[Posting, asyncio.Future[Posted]]


async def post_now(connection: Connection, postings: Sequence[Posting]) -> list[Posted]:
    """Post all of them in one gate call; raises the gate's refusal, or `idempotency-conflict` if a key was used before.

    A refusal posts nothing. A conflict is found when the others are written: call it in a transaction, or for one.
    """
    outcomes = await _post_each(connection, postings)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, Posted)]


async def _post_each(connection: Connection, postings: Sequence[Posting]) -> list[Outcome]:
    """One gate call; what became of each. Raises when the gate refused the call as a whole."""
    with refusals():
        rows = await connection.fetch(
            _GATE,
            [p.book for p in postings],
            [p.instruction_id for p in postings],
            [new_id() for _ in postings],
            [new_id() for _ in postings],
            [p.actor_id for p in postings],
            [p.content_sha256 for p in postings],
            [p.key for p in postings],
            [p.request_sha256 for p in postings],
        )
    return [_outcome(row, posting) for row, posting in zip(rows, postings, strict=True)]


def _outcome(row: asyncpg.Record, posting: Posting) -> Outcome:
    # A key that once made something else than an entry has no entry: a conflict too.
    if row["outcome"] == "key-conflict" or row["entry_id"] is None:
        return problem("idempotency-conflict", key=posting.key)
    replayed = row["outcome"] == "replayed"
    return Posted(posting.book, row["entry_id"], row["recorded_at"], row["content_sha256"], replayed)


class Poster:
    """The group-commit queue. One per process; `start` before use, `stop` drains it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Posting, asyncio.Future[Posted]]] = []
        self._wake = asyncio.Event()
        self._lanes: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        """Start the lanes on the running loop."""
        self._lanes = [asyncio.create_task(self._lane()) for _ in range(LANES)]

    async def stop(self) -> None:
        """Post what is waiting, then end."""
        self._stopping = True
        self._wake.set()
        await asyncio.gather(*self._lanes)

    async def post(self, posting: Posting, *, lines: int = 1) -> Posted:
        """Post one instruction; returns after its commit. `lines` tells large lists from small posts."""
        if self._stopping:
            raise problem("database-unavailable")
        if lines > LARGE_LINES:
            with refusals():
                async with self._database.driver() as connection:
                    return (await post_now(connection, [posting]))[0]
        future: asyncio.Future[Posted] = asyncio.get_running_loop().create_future()
        self._waiting.append((posting, future))
        self._wake.set()
        # Shielded: a client that hangs up does not undo what is already being posted with others.
        return await asyncio.shield(future)

    async def _lane(self) -> None:
        while True:
            await self._wake.wait()
            if not self._waiting:
                if self._stopping:
                    return
                self._wake.clear()
                continue
            group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
            await self._post_group(group)

    async def _post_group(self, group: list[Waiting]) -> None:
        try:
            with refusals():
                async with self._database.driver() as connection:
                    if not await _try_together(connection, group):
                        for member in group:
                            await _post_alone(connection, member)
        except Exception as error:
            # The connection was lost, or could not even be had; nobody may be left waiting.
            for _, future in group:
                _settle(future, error)


async def _try_together(connection: Connection, group: list[Waiting]) -> bool:
    """Post a group in one call; False when it failed as a whole and each has to be tried alone, to find the culprit."""
    try:
        outcomes = await _post_each(connection, [posting for posting, _ in group])
    except Exception as error:
        if _lost(error):
            connection.terminate()
            raise
        if len(group) > 1:
            return False
        outcomes = [error]
    for (_, future), outcome in zip(group, outcomes, strict=True):
        _settle(future, outcome)
    return True


def _lost(error: Exception) -> bool:
    """Whether the connection is of no more use; a deadlock or a lock that took too long leaves it as it was."""
    unavailable = isinstance(error, FundledgerError) and error.code == "database-unavailable"
    return unavailable and getattr(error.__cause__, "sqlstate", None) not in RETRYABLE_HERE


async def _post_alone(connection: Connection, member: Waiting) -> None:
    posting, future = member
    try:
        _settle(future, (await _post_each(connection, [posting]))[0])
    except Exception as error:
        if _lost(error):
            connection.terminate()
            raise
        # An error that is no refusal is a bug, and answers this one only.
        _settle(future, error)


def _settle(future: asyncio.Future[Posted], outcome: Outcome) -> None:
    if future.done():
        return
    if isinstance(outcome, Posted):
        future.set_result(outcome)
    elif isinstance(outcome, FundledgerError):
        # A copy: the same exception object in many tasks would share its traceback.
        future.set_exception(FundledgerError(outcome.code, faults=outcome.faults, **outcome.params))
    else:
        future.set_exception(outcome)
