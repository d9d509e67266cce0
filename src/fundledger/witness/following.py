"""Following a log (跟踪日志): fetch its newest checkpoint, hold it against what was seen, cosign, publish.

What was seen is read before anything is fetched, so that an honest log can never answer less. Every way in which an
answer can fail to fit ends in its own state: `current`, `stale` (an older but true beginning: a restored backup),
`empty`, or an alarm. A log that can't be reached raises (see `client`) and is neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from fundledger.errors import FundledgerError, problem
from fundledger.sealing.checkpoint import Checkpoint, open_checkpoint
from fundledger.sealing.keys import follow
from fundledger.sealing.merkle import verify_consistency
from fundledger.sealing.note import NoteError, SigningKey, VerifierKey
from fundledger.witness.alarms import FORK, REWOUND, UNPROVEN, open_alarm, raise_alarm
from fundledger.witness.client import LogClient
from fundledger.witness.core import Outcome, consider, log_keys
from fundledger.witness.store import Seen, Store, count_withheld, last_seen, seen_at, trust, trusted

TRIES = 8
"""How often a run begins again because another process of this witness was quicker."""
WITHHELD_MAX = 5
"""Runs in succession in which a log that answers gives garbage or nothing for a proof, before that is an alarm."""
Clock = Callable[[], int]


class State(StrEnum):
    """How a log stands to what was seen of it."""

    CURRENT = "current"
    STALE = "stale"
    EMPTY = "empty"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at the log gave; `size` is what the log answers, `seen` the largest that was ever seen."""

    state: State
    size: int
    seen: int
    published: bool | None = None


class Prefix(Protocol):
    """The root over the first leaves of the log, for whoever keeps its leaf hashes (the monitor); None beyond them."""

    def __call__(self, origin: str, size: int) -> bytes | None:
        """The root of the first `size` leaves."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Who looks, at which log, and with what."""

    store: Store
    origin: str
    client: LogClient
    clock: Clock
    key: SigningKey | None = None
    prefix: Prefix | None = None

    async def look(self) -> Looked:
        """One look at the log: fetch, check, keep, cosign, publish."""
        for _ in range(TRIES):
            with self.store.reading() as db:
                last = last_seen(db, self.origin)
                alarmed = open_alarm(db, self.origin)
            if alarmed:
                size = 0 if last is None else last.size
                return Looked(State.ALARM, size, size)
            found = await self._once(last)
            if found is not None:
                return found
        raise problem("witness-store-unusable", reason="another process of this witness is always quicker")

    async def _once(self, last: Seen | None) -> Looked | None:
        note = await self.client.checkpoint()
        if note is None:
            return Looked(State.STALE if last else State.EMPTY, 0, last.size if last else 0)
        checkpoint = await self._opened(note)
        if last is not None and checkpoint.size < last.size:
            return await self._older(checkpoint, note, last)
        old = 0 if last is None else last.size
        grown = last is not None and old < checkpoint.size
        proof = await self._proof(old, checkpoint.size) if grown and old else []
        if proof is None:
            return self._withheld(last, note, checkpoint)
        verdict = consider(self.store, self.key, note, old, proof, self.clock())
        if verdict.outcome is Outcome.CONFLICT:
            return None
        if verdict.outcome is Outcome.SEEN:
            return Looked(State.CURRENT, checkpoint.size, checkpoint.size, await self.publish())
        if verdict.outcome is Outcome.BAD_PROOF and last is not None:
            return self._alarm(FORK, last, note, checkpoint)
        if verdict.outcome in (Outcome.CONTRADICTION, Outcome.ALARMED):
            return Looked(State.ALARM, checkpoint.size, verdict.size)
        raise problem("witness-checkpoint-untrusted", reason=str(verdict.outcome))

    async def _opened(self, note: str) -> Checkpoint:
        """The checkpoint, by the keys trusted so far or by those they introduce; `witness-checkpoint-untrusted`."""
        with self.store.reading() as db:
            keys = trusted(db, self.origin)
        try:
            return open_checkpoint(note, log_keys(keys, self.origin), self.origin)[0]
        except NoteError:
            keys = await learn(self.store, self.client, self.origin)
        try:
            return open_checkpoint(note, log_keys(keys, self.origin), self.origin)[0]
        except NoteError as error:
            raise problem("witness-checkpoint-untrusted", reason=str(error)) from error

    async def _proof(self, old: int, size: int) -> list[bytes] | None:
        """A consistency proof; None if the log answers, but not with one."""
        try:
            return await self.client.consistency(old, size)
        except FundledgerError as error:
            if error.code != "witness-answer-unusable":
                raise
            return None

    def _withheld(self, last: Seen | None, note: str, checkpoint: Checkpoint) -> Looked:
        """A grown log without a proof: garbage may come from a machine between, so several times are an alarm."""
        assert last is not None
        with self.store.writing() as db:
            times = count_withheld(db, self.origin)
        if times < WITHHELD_MAX:
            raise problem("witness-proof-withheld", old=last.size, size=checkpoint.size, times=times)
        return self._alarm(UNPROVEN, last, note, checkpoint)

    async def _older(self, checkpoint: Checkpoint, note: str, last: Seen) -> Looked:
        """The log answers less than it had: a true beginning, or another history?"""
        root = await self._root_before(checkpoint, last)
        if root is None:
            return self._alarm(REWOUND, last, note, checkpoint)
        if root != checkpoint.root:
            with self.store.reading() as db:
                same = seen_at(db, self.origin, checkpoint.size) or last
            return self._alarm(FORK, same, note, checkpoint)
        return Looked(State.STALE, checkpoint.size, last.size)

    async def _root_before(self, checkpoint: Checkpoint, last: Seen) -> bytes | None:
        """The root that the history seen had at an earlier size, as far as that can be known here."""
        with self.store.reading() as db:
            same = seen_at(db, self.origin, checkpoint.size)
        if same is not None:
            return same.root
        kept = self.prefix(self.origin, checkpoint.size) if self.prefix is not None else None
        if kept is not None:
            return kept
        proof = await self._proof(checkpoint.size, last.size)
        good = proof is not None and verify_consistency(
            checkpoint.size, checkpoint.root, last.size, last.root, proof
        )  # fmt: skip
        return checkpoint.root if good else None

    def _alarm(self, kind: str, seen: Seen, note: str, checkpoint: Checkpoint) -> Looked:
        with self.store.writing() as db:
            raise_alarm(db, self.origin, kind, seen.note, note, "", self.clock())
        return Looked(State.ALARM, checkpoint.size, seen.size)

    async def publish(self) -> bool | None:
        """Hand the log the newest cosignature that it has not; None if there is none, False if it does not take it."""
        with self.store.reading() as db:
            query = """SELECT size, line FROM cosignature WHERE origin = ? AND published = 0
                AND size = (SELECT max(size) FROM seen WHERE origin = ?)"""
            row = db.execute(query, (self.origin, self.origin)).fetchone()
        if row is None:
            return None
        if not await self.client.publish(row[1], row[0]):
            return False
        with self.store.writing() as db:
            query = "UPDATE cosignature SET published = 1 WHERE origin = ? AND size = ? AND line = ?"
            db.execute(query, (self.origin, *row))
        return True


async def learn(store: Store, client: LogClient, origin: str) -> list[VerifierKey]:
    """The log's keys that those trusted so far introduce, kept from now on; all that are trusted."""
    offered = await client.keys()
    with store.writing() as db:
        known = trusted(db, origin)
        trust(db, origin, follow(known, offered.vouchers[:1000])[len(known) :], introduced=True)
        return trusted(db, origin)
