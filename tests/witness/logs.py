"""A log made by hand: a key and leaf hashes; its notes and proofs, honest or not. And a witness of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from fundledger.sealing.checkpoint import Checkpoint
from fundledger.sealing.merkle import root
from fundledger.sealing.note import SigningKey, VerifierKey, join
from fundledger.witness import keyfile
from fundledger.witness.core import Verdict, consider
from fundledger.witness.store import Store, trust
from tests.merkle_paths import consistency_path

ORIGIN = "test.example/log"
WITNESS = "audit.example/witness"
START = 1_774_000_000


@dataclass
class HandLog:
    """Leaf hashes and the key that signs them."""

    leaves: list[bytes]
    key: SigningKey = field(default_factory=lambda: SigningKey(ORIGIN, os.urandom(32)))

    @classmethod
    def of(cls, count: int) -> HandLog:
        """So many random leaves."""
        return cls([os.urandom(32) for _ in range(count)])

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self.key.verifier.name, size, root(self.leaves[:size]))

    def note(self, size: int) -> str:
        """The signed checkpoint."""
        text = self.checkpoint(size).text
        return join(text, [self.key.line(text)])

    def proof(self, old: int, size: int) -> list[bytes]:
        return consistency_path(self.leaves[:size], old)

    def fork(self, at: int) -> HandLog:
        """The same key over a history in which one leaf is another."""
        return HandLog([*self.leaves[:at], os.urandom(32), *self.leaves[at + 1 :]], self.key)


@dataclass
class Hand:
    """A witness whose submissions are made by hand."""

    store: Store
    key: SigningKey
    log: HandLog
    now: int = START

    def submit(self, note: str, old: int, proof: list[bytes]) -> Verdict:
        return consider(self.store, self.key, note, old, proof, self.now)

    def see(self, old: int, size: int, log: HandLog | None = None) -> Verdict:
        """Submit a checkpoint of the log (or of another with its key) with its proof."""
        source = log or self.log
        return self.submit(source.note(size), old, source.proof(old, size))


def hand(folder: Path, count: int = 40) -> Hand:
    """A witness with a key that trusts a hand-made log."""
    log = HandLog.of(count)
    made = Hand(Store(folder), keyfile.create(folder, WITNESS), log)
    believe(made.store, log.key.verifier)
    return made


def believe(store: Store, *keys: VerifierKey) -> None:
    with store.writing() as db:
        trust(db, keys[0].name, list(keys), introduced=False)
