"""Signing checkpoints (检查点签名): what the sequencer does after it appended, with the log's key.

A checkpoint is published by being stored, and stored before anything else: a kill between signing and storing leaves
nothing behind. Beside the key file stands ``log-head``, the newest checkpoint this key signed. When the database's log
is shorter, or has another root at that size, an old backup was restored or the history was rewritten: `Signer.check`
then refuses to sign anything (`HistoryError`), as two checkpoints that contradict each other are never signed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from fundledger.db.connection import Connection
from fundledger.sealing.checkpoint import Checkpoint, open_checkpoint
from fundledger.sealing.keys import KeyFile, write_whole
from fundledger.sealing.merkle import Frontier
from fundledger.sealing.note import NoteError
from fundledger.sealing.tree import TreeBrokenError, root_at

HEAD_FILE = "log-head"
_SIZE = "SELECT coalesce(max(position) + 1, 0) FROM log_leaf"


class HistoryError(Exception):
    """The log in the database is not a continuation of what its key has signed; names both."""


class Signer:
    """The log's key at work. Used by the leading sequencer only."""

    def __init__(self, keys: KeyFile) -> None:
        """Sign with the keys of a file; ``log-head`` stands beside it."""
        self._keys = keys
        self._head = keys.path.with_name(HEAD_FILE)

    async def check(self, connection: Connection) -> int:
        """The size of the newest stored checkpoint (-1: none); HistoryError if the database fell behind the head."""
        head = read_head(self._head, self._keys)
        if head is not None:
            size = await connection.fetchval(_SIZE)
            try:
                same = size >= head.size and await root_at(connection, head.size) == head.root
            except TreeBrokenError:
                same = False
            if not same:
                raise HistoryError(
                    f"the log of the database ({size} records) does not contain what its key signed: "
                    f"{head.size} records with root {head.root.hex()}"
                )
        stored: int = await connection.fetchval("SELECT coalesce(max(size), -1) FROM log_checkpoint")
        return stored

    async def sign(self, connection: Connection, frontier: Frontier) -> int:
        """Sign and store the checkpoint of the whole log; its size."""
        ring = self._keys.ring
        checkpoint = Checkpoint(ring.origin, frontier.size, frontier.root())
        note = ring.sign_checkpoint(checkpoint.text, datetime.now(UTC))
        await connection.execute("SELECT log_sign($1, $2, $3)", checkpoint.size, checkpoint.root, note)
        write_whole(self._head, note)
        return checkpoint.size


def read_head(path: Path, keys: KeyFile) -> Checkpoint | None:
    """The newest checkpoint the key signed, or None if it signed none; HistoryError if the file is not its own."""
    try:
        note = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return open_checkpoint(note, keys.ring.verifiers("log"), keys.ring.origin)[0]
    except NoteError as error:
        raise HistoryError(f"the file {HEAD_FILE} beside the log's keys is not theirs: {error}") from None
