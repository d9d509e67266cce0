"""Cosignatures (见证签名): what witnesses say of this log's checkpoints, checked against keys that the operator trusts.

Called by ``POST /v1/log/cosignatures``. Only a line that verifies with a key of the witness file is stored, for exactly
the checkpoint it signs; the same again is the same. A witness that signed another checkpoint of the same size is told
so (`log-checkpoint-contradicted`): one of the two histories is false. No lock; one insert.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from fundledger.catalogue import render
from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError, problem
from fundledger.sealing.checkpoint import Checkpoint, parse_checkpoint, peek
from fundledger.sealing.note import (
    NOTE_MAX,
    NoteError,
    VerifierKey,
    join,
    open_note,
    signer_of,
    split,
    stated_time,
)
from fundledger.sealing.verifier_keys import parse_keys

TRIED: Final = 1_000
"""How many checkpoints before its own time a line without a size may be of: more than three minutes' worth."""
SKEW_SECONDS: Final = 120
"""A witness's clock may be this far behind the log's."""
_OF_SIZE: Final = "SELECT size, note FROM log_checkpoint WHERE size = $1"
_BEFORE: Final = f"""SELECT size, note FROM log_checkpoint WHERE signed_at <= to_timestamp($1)
    ORDER BY size DESC LIMIT {TRIED}"""
_STORE: Final = """INSERT INTO log_cosignature (size, name, key_id, time, line)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::text[])
    ON CONFLICT (size, name, key_id) DO NOTHING RETURNING size, name, key_id"""


class WitnessKeys:
    """The witnesses' verifier keys of a file (see `verifier_keys`), read again when it changed."""

    def __init__(self, path: Path | None) -> None:
        """Without a file no witness is known."""
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys: list[VerifierKey] = []

    @property
    def keys(self) -> list[VerifierKey]:
        """As the file has them now; `log-witness-keys-unusable` says what is wrong with it."""
        if self._path is None:
            return []
        try:
            found = self._path.stat()
            stamp = found.st_mtime_ns, found.st_ino, found.st_size
            if stamp != self._seen:
                self._keys = parse_keys([(self._path.name, self._path.read_text(encoding="utf-8"))], "witness")
                self._seen = stamp
        except (OSError, ValueError) as error:
            raise problem("log-witness-keys-unusable", reason="不是可读的文本 · not a text that can be read") from error
        except FundledgerError as error:
            reason = " · ".join(render(error.code, error.params, language)[1] for language in ("zh", "en"))
            raise problem("log-witness-keys-unusable", reason=reason) from error
        return self._keys


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A cosignature that verifies; `stored` is False if it (or an earlier one of this key) was there already."""

    size: int
    key: VerifierKey
    stored: bool


class Submitted(NamedTuple):
    """The lines of a request, and which checkpoint they are said to be of."""

    lines: list[str]
    size: int | None
    checkpoint: Checkpoint | None


def parse_submission(text: str, size: int | None = None) -> Submitted:
    """Signature lines, or a whole note of a checkpoint with them; `log-cosignature-unreadable`."""
    try:
        if len(text) > NOTE_MAX:
            raise NoteError("the text is too long")
        whole = "\n\n" in text
        head, lines = split(text if whole else join("-\n", [text.removesuffix("\n")]))
        if not whole and head != "-\n":
            raise NoteError("a blank line stands above the signatures")
        for line in lines:
            signer_of(line)
        found = parse_checkpoint(head) if whole else None
        if found is not None and size not in (None, found.size):
            raise NoteError("the note is of another size than was named")
        return Submitted(lines, size if found is None else found.size, found)
    except NoteError as error:
        raise problem("log-cosignature-unreadable", reason=str(error)) from error


async def take(
    connection: Connection, origin: str, submitted: Submitted, keys: Sequence[VerifierKey]
) -> tuple[list[Cosigned], int]:
    """Store the lines of known witnesses; what was taken, and how many lines were of keys nobody trusts here.

    Raises `log-cosignature-unknown` (no line of a known key), `log-cosignature-false`, `log-checkpoint-not-found`,
    `log-checkpoint-contradicted`, `log-cosignature-unreadable`.
    """
    trusted = {(key.name, key.key_id): key for key in keys}
    known = [(line, trusted[signer_of(line)]) for line in submitted.lines if signer_of(line) in trusted]
    if not known:
        raise problem("log-cosignature-unknown", count=len(submitted.lines), trusted=len(keys))
    if submitted.checkpoint is not None:
        await _same(connection, origin, submitted.checkpoint)
    made = [(line, key, await _size_of(connection, line, key, submitted.size)) for line, key in known]
    rows = await connection.fetch(
        _STORE, [size for _, _, size in made], [key.name for _, key, _ in made], [key.key_id for _, key, _ in made],
        [stated_time(line) for line, _, _ in made], [line for line, _, _ in made],
    )  # fmt: skip
    stored = {(row["size"], row["name"], bytes(row["key_id"])) for row in rows}
    taken = [Cosigned(size, key, (size, key.name, key.key_id) in stored) for _, key, size in made]
    return taken, len(submitted.lines) - len(known)


async def _same(connection: Connection, origin: str, theirs: Checkpoint) -> None:
    """Refuse a checkpoint that is not ours of that size."""
    if theirs.origin != origin:
        raise problem("log-cosignature-unreadable", reason="the checkpoint is of another log")
    row = await connection.fetchrow(_OF_SIZE, theirs.size)
    if row is None:
        raise problem("log-checkpoint-not-found")
    ours = peek(row["note"])
    if ours != theirs:
        raise problem(
            "log-checkpoint-contradicted", size=str(theirs.size), ours=ours.root.hex(), theirs=theirs.root.hex()
        )


async def _size_of(connection: Connection, line: str, key: VerifierKey, size: int | None) -> int:
    """The size of the checkpoint that the line cosigns."""
    if size is None:
        latest = min(stated_time(line), int(time.time())) + SKEW_SECONDS
        rows = await connection.fetch(_BEFORE, latest)
    elif not (rows := await connection.fetch(_OF_SIZE, size)):
        raise problem("log-checkpoint-not-found")
    found = await asyncio.to_thread(_signed, [(row["size"], row["note"]) for row in rows], line, key)
    if found is None:
        raise problem("log-cosignature-false", name=key.name)
    return found


def _signed(candidates: Sequence[tuple[int, str]], line: str, key: VerifierKey) -> int | None:
    for size, note in candidates:
        try:
            open_note(join(split(note)[0], [line]), [key])
        except NoteError:
            continue
        return size
    return None
