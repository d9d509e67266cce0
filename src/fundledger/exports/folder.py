"""One export in a folder: parts written whole or not at all, and the manifest that says what they are.

A part is written beside its place under another name, flushed to the disk and renamed, so that whatever has a part's
name is a whole part, after a power cut too. Used by the service's jobs and by the command line. Nothing here follows a
name out of its folder: names are checked (`safe_name`) before they become paths. Decision 0017.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError, problem
from fundledger.exports.parts import Format, Part
from fundledger.exports.scope import Scope
from fundledger.files.whole import sync_folder

MANIFEST: Final = "manifest.json"
VERSION: Final = "fundledger-export-v1"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Written:
    """A finished part: its rows, size in bytes and SHA-256 (hex)."""

    number: int
    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(slots=True)
class Progress:
    """How far the part that is being written is; read by whoever wants to know. `number` 0: none is."""

    number: int = 0
    rows: int = 0
    bytes: int = 0

    def begin(self, number: int) -> None:
        """This part is next, and nothing of it is there yet."""
        self.number, self.rows, self.bytes = number, 0, 0


class Hashed:
    """A file that is hashed and counted as it is written."""

    def __init__(self, file: IO[bytes], progress: Progress | None = None) -> None:
        self._file, self._progress = file, progress or Progress()
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Write, hash, count."""
        self._file.write(data)
        self.hash.update(data)
        self.size += len(data)
        self._progress.bytes = self.size
        return len(data)

    def count(self, rows: int) -> None:
        """So many more rows are in it."""
        self._progress.rows += rows


def safe_name(name: object) -> str:
    """The name if it is a plain file name; `export-name-unsafe` for a path, a hidden file, anything else."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise problem("export-name-unsafe")
    return name


async def write_part(
    connection: Connection, form: Format, scope: Scope, part: Part, folder: Path, progress: Progress
) -> Written:
    """Write one part in a snapshot of its own and return what it came to; a failure leaves no file behind.

    Raises `export-disk-full`, and what the format raises.
    """
    final = folder / safe_name(part.name)
    temporary = folder / f".{part.name}.partial"
    progress.begin(part.number)
    try:
        file = await asyncio.to_thread(_created, temporary)
        try:
            out = Hashed(file, progress)
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                rows = await form.write(connection, scope, out, part)
            await asyncio.to_thread(_kept, file, temporary, final)
        finally:
            await asyncio.to_thread(file.close)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if (refused := refusal_of(error)) is error:
            raise
        raise refused from error
    return Written(part.number, part.name, rows, out.size, out.hash.hexdigest())


def refusal_of(error: BaseException) -> BaseException:
    """A full disk, and a folder that can't be written to, as the refusals they are; everything else as it came."""
    if not isinstance(error, OSError) or isinstance(error, ConnectionError | TimeoutError):
        return error
    return problem("export-disk-full" if error.errno in _FULL else "export-folder-unusable")


def _created(path: Path) -> IO[bytes]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    return os.fdopen(descriptor, "wb", buffering=1 << 20)


def _kept(file: IO[bytes], temporary: Path, final: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    temporary.replace(final)
    sync_folder(final.parent)


def keep_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a small JSON file whole or not at all; `export-disk-full`."""
    temporary = path.with_name(f".{path.name}.partial")
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    try:
        with _created(temporary) as file:
            file.write(text.encode())
            _kept(file, temporary, path)
    except OSError as error:
        raise refusal_of(error) from error


def manifest(
    form: Format, scope: Scope, who: Mapping[str, Any], log: Mapping[str, Any], parts: list[Written]
) -> dict[str, Any]:
    """What a finished export says of itself: `who` took it when, of which `log`, and its parts with their hashes."""
    return {
        "version": VERSION, "format": form.name, "media_type": form.media_type, "scope": scope.as_json(),
        "as_of": scope.position, **who, "log": dict(log), "rows": sum(part.rows for part in parts),
        "parts": [asdict(part) for part in parts], **({"unchecked": form.unchecked} if form.unchecked else {}),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of a folder found: parts, rows and bytes as the manifest says, and the first fault or None."""

    parts: int
    rows: int
    bytes: int
    fault: str | None


def check(folder: Path) -> Checked:
    """Hold a folder against its manifest: every part there, of its size and SHA-256, and no part that is not in it.

    Raises `export-manifest-unreadable`, `export-name-unsafe`.
    """
    stored = read_manifest(folder)
    fault = None
    for part in stored:
        fault = fault or fault_of(folder, part)
    surplus = {path.name for path in folder.iterdir()} - {part.name for part in stored} - {MANIFEST}
    if fault is None and surplus:
        fault = f"{sorted(surplus)[0]}: not in the manifest"
    return Checked(len(stored), sum(p.rows for p in stored), sum(p.bytes for p in stored), fault)


def read_manifest(folder: Path) -> list[Written]:
    """The parts of a manifest; see `check`."""
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
        if found["version"] != VERSION:
            raise problem("export-manifest-unreadable")
        parts = [Written(**{**row, "name": safe_name(row["name"])}) for row in found["parts"]]
        if not all(isinstance(n, int) for part in parts for n in (part.number, part.rows, part.bytes)):
            raise problem("export-manifest-unreadable")
    except FundledgerError:
        raise
    except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise problem("export-manifest-unreadable") from error
    return parts


def fault_of(folder: Path, part: Written) -> str | None:
    """What is wrong with a part in a folder; None: its file is there, of its size and SHA-256."""
    path = folder / part.name
    if path.is_symlink() or not path.is_file():
        return f"{part.name}: missing"
    if path.stat().st_size != part.bytes:
        return f"{part.name}: {path.stat().st_size} bytes instead of {part.bytes}"
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != part.sha256:
            return f"{part.name}: another SHA-256"
    return None
