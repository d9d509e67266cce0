"""Bundles for the tests: a log sealed and signed by a key of its own, exported, verified; and bundles taken apart."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fundledger.db.connection import Connection
from fundledger.exports.bundle import Request, newest_checkpoint, write_bundle
from fundledger.exports.bundle_request import Asked, asked_bundle
from fundledger.exports.bundle_selection import Everything
from fundledger.sealing import keys
from fundledger.sealing.keys import KeyFile, Keyring
from fundledger.sealing.note import VerifierKey
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.signing import Signer
from fundledger.verifier.manifest import Scope, note_text
from fundledger.verifier.report import Report
from fundledger.verifier.run import verify_bundle
from fundledger.verifier.trust import Trust

ORIGIN = "test.example/bundle"
EVERYTHING = Scope(kind="all", book=None, ref=None, closed=[], openings=False)


@dataclass
class Log:
    """A log with keys of its own."""

    connection: Connection
    folder: Path
    ring: Keyring
    superuser: Connection | None = None

    @classmethod
    def new(cls, connection: Connection, folder: Path) -> Log:
        """Make the keys."""
        return cls(connection, folder, keys.create(folder / "log-keys.json", ORIGIN))

    async def meddle(self, *statements: str) -> None:
        """As the database's superuser, with every trigger off; each statement must change something."""
        assert self.superuser is not None
        for statement in statements:
            done = await self.superuser.execute(statement)
            assert not done.endswith(" 0"), statement

    async def seal(self) -> str:
        """Append what waits and sign; the newest checkpoint."""
        sequencer = Sequencer(self.connection, signer=Signer(KeyFile(self.folder / "log-keys.json")))
        await sequencer.seal_all()
        return str(await self.connection.fetchval("SELECT note FROM log_checkpoint ORDER BY size DESC LIMIT 1"))

    async def export(self, name: str = "bundle.zip", **more: Any) -> Path:
        """The whole log as a bundle."""
        path = self.folder / name
        async with self.connection.transaction(isolation="repeatable_read", readonly=True):
            sealed = await newest_checkpoint(self.connection)
            request = Request(EVERYTHING, Everything(sealed.size), sealed, **more)
            with path.open("wb") as file:
                await write_bundle(self.connection, self.ring, request, file)
        return path

    def verify(self, path: Path, *, older: str | None = None, trusted: list[VerifierKey] | None = None) -> Report:
        """Verify with this log's keys, or others."""
        found = self.ring.verifiers() if trusted is None else trusted
        return verify_bundle(path, Trust(found, [], [] if older is None else [("older", older)]))


def members(path: Path) -> dict[str, bytes]:
    """A bundle's members."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, parts: dict[str, bytes]) -> Path:
    """A ZIP of these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def resigned(path: Path, ring: Keyring, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The bundle with members changed by somebody who holds the receipts key: manifest and note fit again."""
    parts = members(path)
    change(parts)
    manifest = json.loads(parts["bundle.json"])
    manifest["sha256"] = {
        name: hashlib.sha256(data).hexdigest()
        for name, data in parts.items()
        if name not in ("bundle.json", "bundle.note")
    }
    text = json.dumps(manifest, ensure_ascii=False).encode()
    parts["bundle.json"] = text
    note = note_text(manifest["origin"], text, manifest["size"], manifest["scope"]["kind"])
    from datetime import UTC, datetime

    parts["bundle.note"] = ring.sign_receipt(note, datetime.now(UTC)).encode()
    return pack(path.with_name("resigned.zip"), parts)


def rows(data: bytes) -> list[dict[str, Any]]:
    """The rows of an NDJSON member."""
    return [json.loads(line) for line in data.splitlines()]


def unrows(items: list[dict[str, Any]]) -> bytes:
    """Back."""
    return b"".join(json.dumps(item, ensure_ascii=False).encode() + b"\n" for item in items)


def zipped(parts: dict[str, bytes]) -> bytes:
    """A ZIP in memory."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


async def taken(log: Log, name: str = "part.zip", **asked: Any) -> Path:
    """A bundle of a scope, as somebody asks for it."""
    path = log.folder / name
    async with log.connection.transaction(isolation="repeatable_read", readonly=True):
        with path.open("wb") as file:
            await asked_bundle(log.connection, log.ring, Asked(**asked), file)
    return path
