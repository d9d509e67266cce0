"""Signing checkpoints (检查点签名): what the sequencer does after it appended, with the log's key.

Beside the key file stands ``log-head``: the newest checkpoint this key signed. It is written, on disk, before the
checkpoint is stored and so published: a kill in between leaves a head that the log contains and nobody has seen. Who
signs holds the folder's lock meanwhile, and first sees to it that the head (another process may have moved it) is a
beginning of this database's log. So one folder of keys never signs two checkpoints that contradict each other: neither
for an old backup that was restored, nor for a rewritten history, nor for two databases at once. `HistoryError` then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from fundledger.db.connection import Connection
from fundledger.files.whole import write_whole
from fundledger.sealing.checkpoint import Checkpoint, open_checkpoint, peek
from fundledger.sealing.keys import KeyFile, KeysError, alone
from fundledger.sealing.merkle import Frontier
from fundledger.sealing.note import NoteError
from fundledger.sealing.tree import TreeBrokenError, root_at
from fundledger.sealing.watch import goes_on

HEAD_FILE = "log-head"
LOCK_TRIES, LOCK_PAUSE_MS = 500, 20
"""Ten seconds: whoever holds the lock longer was stopped by somebody."""
_SIZE = "SELECT coalesce(max(position) + 1, 0) FROM log_leaf"
_NEWEST = "SELECT size, root, note, signed_at FROM log_checkpoint ORDER BY size DESC LIMIT 1"


class HistoryError(Exception):
    """The log in the database is not a continuation of what its key has signed; names both."""


class Signer:
    """The log's key at work. Used by the leading sequencer only."""

    def __init__(self, keys: KeyFile) -> None:
        """Sign with the keys of a file; ``log-head`` stands beside it."""
        self._keys = keys
        self._head = keys.path.with_name(HEAD_FILE)
        self._seen: str | None = None
        self._head_size = -1

    def goes_on(self) -> None:
        """Take back that a sequencer refused: this one has sealed and signed."""
        goes_on(self._keys.path)

    async def check(self, connection: Connection) -> int:
        """The size of the newest stored checkpoint (-1: none); brings a head forward that was left behind it.

        HistoryError if the log lacks what was signed; KeysError if other keys have signed it.
        """
        async with self._alone():
            self._seen = None
            await self._see_head(connection)
            newest = await connection.fetchrow(_NEWEST)
            if newest is None:
                return -1
            if self._is_own(newest):
                await self._contains(connection, Checkpoint("", newest["size"], newest["root"]))
                if newest["size"] > self._head_size:
                    self._write_head(newest["note"], newest["size"])
            stored: int = newest["size"]
            return stored

    async def sign(self, connection: Connection, frontier: Frontier) -> int:
        """Sign and store the checkpoint of the whole log; its size. TimeoutError if the folder stays locked."""
        async with self._alone():
            await self._see_head(connection)
            ring = self._keys.ring
            checkpoint = Checkpoint(ring.origin, frontier.size, frontier.root())
            note = ring.sign_checkpoint(checkpoint.text, datetime.now(UTC))
            if checkpoint.size > self._head_size:
                self._write_head(note, checkpoint.size)
            # FL002 where another sequencer is ahead: what was signed is a beginning of what it signs.
            await connection.execute("SELECT log_sign($1, $2, $3)", checkpoint.size, checkpoint.root, note)
        return checkpoint.size

    async def _see_head(self, connection: Connection) -> None:
        """Hold the head against the database, unless it is the one that was found there before."""
        note = _text(self._head)
        if note == self._seen:
            return
        head = None if note is None else parse_head(note, self._keys)
        if head is not None:
            await self._contains(connection, head)
        self._seen, self._head_size = note, -1 if head is None else head.size

    async def _contains(self, connection: Connection, signed: Checkpoint) -> None:
        size = await connection.fetchval(_SIZE)
        try:
            same = size >= signed.size and await root_at(connection, signed.size) == signed.root
        except TreeBrokenError:
            same = False
        if not same:
            raise HistoryError(
                f"the log of the database ({size} records) does not contain what its key signed: "
                f"{signed.size} records with root {signed.root.hex()}"
            )

    def _is_own(self, newest: asyncpg.Record) -> bool:
        """Whether the newest checkpoint is of this log; KeysError if the keys are neither its nor a new log's."""
        ring = self._keys.ring
        try:
            found, _ = open_checkpoint(newest["note"], ring.verifiers("log"), ring.origin)
        except NoteError:
            found = None
        if found is not None:
            if (found.size, found.root) != (newest["size"], newest["root"]):
                raise HistoryError(f"the stored checkpoint of {newest['size']} records is not the one that was signed")
            return True
        # A new name with keys made since is a new log, begun on purpose after the old one's keys or history were lost.
        if _origin(newest["note"]) != ring.origin and ring.of("log")[0].valid_from > newest["signed_at"]:
            return False
        raise KeysError("the log in the database was signed with other keys than these")

    def _write_head(self, note: str, size: int) -> None:
        write_whole(self._head, note)
        self._seen, self._head_size = note, size

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        with ExitStack() as stack:
            for _ in range(LOCK_TRIES):
                try:
                    stack.enter_context(alone(self._head.parent, wait=False))
                    break
                except BlockingIOError:
                    await asyncio.sleep(LOCK_PAUSE_MS / 1000)
            else:
                raise TimeoutError("another process holds the folder of the log's keys")
            yield


def read_head(path: Path, keys: KeyFile) -> Checkpoint | None:
    """The newest checkpoint the key signed, or None if it signed none; HistoryError if the file is not its own."""
    note = _text(path)
    return None if note is None else parse_head(note, keys)


def parse_head(note: str, keys: KeyFile) -> Checkpoint:
    """The checkpoint of a head; HistoryError if these keys did not sign it."""
    try:
        return open_checkpoint(note, keys.ring.verifiers("log"), keys.ring.origin)[0]
    except NoteError as error:
        raise HistoryError(f"the file {HEAD_FILE} beside the log's keys is not theirs: {error}") from None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except ValueError:
        raise HistoryError(f"the file {HEAD_FILE} beside the log's keys is damaged") from None


def _origin(note: str) -> str | None:
    try:
        return peek(note).origin
    except NoteError:
        return None
