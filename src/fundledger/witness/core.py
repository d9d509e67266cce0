"""What a witness decides about one checkpoint: the rules of C2SP ``tlog-witness``, in one transaction of the store.

Called by `following` (which fetched it) and by `server` (to which it was submitted). The checks and the record of what
was seen are one exclusive transaction, and it is on disk before the cosignature is returned: of two submissions at once
one is told to start from the other's size, and after a kill nothing was published that is not kept. While an alarm of
the log is open nothing of it is cosigned.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fundledger.sealing.checkpoint import Checkpoint, open_checkpoint, peek
from fundledger.sealing.merkle import EMPTY_ROOT, verify_consistency
from fundledger.sealing.note import ED25519, NoteError, SigningKey, VerifierKey
from fundledger.witness.alarms import FORK, open_alarm, raise_alarm
from fundledger.witness.store import Seen, Store, keep, last_seen, seen_at, tick, trusted


class Outcome(StrEnum):
    """What became of a checkpoint."""

    SEEN = "seen"
    MALFORMED = "malformed"
    UNKNOWN_LOG = "unknown log"
    UNTRUSTED = "no trusted signature"
    BACKWARDS = "old size beyond the checkpoint"
    CONFLICT = "another size was seen last"
    BAD_PROOF = "the proof does not verify"
    CONTRADICTION = "another root of the same size was seen"
    ALARMED = "an alarm of this log is open"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome; `size` is that of the newest checkpoint seen, `line` the cosignature of one that was accepted."""

    outcome: Outcome
    size: int = 0
    line: str | None = None
    checkpoint: Checkpoint | None = None


def log_keys(keys: Sequence[VerifierKey], origin: str) -> list[VerifierKey]:
    """Those of the keys that sign the log's checkpoints."""
    return [key for key in keys if key.kind == ED25519 and key.name == origin]


def consider(store: Store, key: SigningKey | None, note: str, old: int, proof: Sequence[bytes], now: int) -> Verdict:
    """Check a checkpoint against what was seen, keep it, cosign it (with a key), at `now` (POSIX seconds)."""
    try:
        origin = peek(note).origin
    except NoteError:
        return Verdict(Outcome.MALFORMED)
    with store.writing() as db:
        keys = log_keys(trusted(db, origin), origin)
        if not keys:
            return Verdict(Outcome.UNKNOWN_LOG)
        last = last_seen(db, origin)
        size = 0 if last is None else last.size
        try:
            checkpoint, _ = open_checkpoint(note, keys, origin)
        except NoteError:
            return Verdict(Outcome.UNTRUSTED, size)
        refusal = _refusal(db, checkpoint, note, old, proof, last, now)
        if refusal is not None:
            return Verdict(refusal, size, checkpoint=checkpoint)
        keep(db, origin, Seen(checkpoint.size, checkpoint.root, note), now)
        line = None if key is None else _cosign(db, key, checkpoint, now)
        return Verdict(Outcome.SEEN, checkpoint.size, line, checkpoint)


def _refusal(
    db: sqlite3.Connection, checkpoint: Checkpoint, note: str, old: int, proof: Sequence[bytes], last: Seen | None,
    now: int,
) -> Outcome | None:  # fmt: skip
    """Why a checkpoint that the log signed is not accepted; raises the alarm where it contradicts one that was seen."""
    origin = checkpoint.origin
    same = seen_at(db, origin, checkpoint.size)
    if same is not None and same.root != checkpoint.root:
        raise_alarm(db, origin, FORK, same.note, note, "", now)
        return Outcome.CONTRADICTION
    if open_alarm(db, origin):
        return Outcome.ALARMED
    if old > checkpoint.size:
        return Outcome.BACKWARDS
    if old != (0 if last is None else last.size):
        return Outcome.CONFLICT
    root = EMPTY_ROOT if last is None else last.root
    if not verify_consistency(old, root, checkpoint.size, checkpoint.root, proof):
        return Outcome.BAD_PROOF
    return None


def _cosign(db: sqlite3.Connection, key: SigningKey, checkpoint: Checkpoint, now: int) -> str:
    time = tick(db, now)
    line = key.cosign(checkpoint.text, time)
    db.execute(
        "INSERT OR REPLACE INTO cosignature VALUES (?, ?, ?, ?, 0)", (checkpoint.origin, checkpoint.size, time, line)
    )
    return line
