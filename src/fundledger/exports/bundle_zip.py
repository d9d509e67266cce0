"""Writing a bundle's ZIP: members one after the other, hashed as they are written, the same bytes for the same content.

Times and attributes are fixed, so that two exports of one scope at one checkpoint are one file. Rows are gathered into
blocks; memory is one block.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Protocol

import msgspec

LEVEL = 6
BLOCK = 256 * 1024
_TIME = (1980, 1, 1, 0, 0, 0)
_ATTRIBUTES = 0o100600 << 16
_encode = msgspec.json.Encoder().encode


class Output(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> int:
        """Take some."""


class Member:
    """The member that is being written."""

    def __init__(self, file: Output) -> None:
        """Begin."""
        self._file = file
        self._digest = hashlib.sha256()
        self._block = bytearray()
        self.rows = 0

    def row(self, row: Any) -> None:
        """A row of an NDJSON member."""
        self._block += _encode(row)
        self._block += b"\n"
        self.rows += 1
        if len(self._block) >= BLOCK:
            self.flush()

    def line(self, text: str) -> None:
        """A line of text."""
        self._block += text.encode() + b"\n"
        self.rows += 1
        if len(self._block) >= BLOCK:
            self.flush()

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._block += data

    def flush(self) -> None:
        """Hand on what was gathered."""
        self._digest.update(self._block)
        self._file.write(bytes(self._block))
        self._block.clear()

    def sha256(self) -> str:
        """The digest of everything, as hex."""
        return self._digest.hexdigest()


class Writer:
    """An archive; `digests` and `counts` are of the members written so far."""

    def __init__(self, file: IO[bytes]) -> None:
        """Begin an archive in an open file."""
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=LEVEL)
        self.digests: dict[str, str] = {}
        self.counts: dict[str, int] = {}

    @contextmanager
    def member(self, name: str) -> Iterator[Member]:
        """Write a member; one at a time."""
        info = zipfile.ZipInfo(name, _TIME)
        info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, _ATTRIBUTES, 3
        with self._zip.open(info, "w", force_zip64=True) as file:
            member = Member(file)
            yield member
            member.flush()
        self.digests[name] = member.sha256()
        if member.rows:
            self.counts[name] = member.rows

    def whole(self, name: str, data: bytes) -> None:
        """Write a small member."""
        with self.member(name) as member:
            member.raw(data)

    def close(self) -> None:
        """Write the directory."""
        self._zip.close()

    def abandon(self) -> None:
        """After a failure: let go of the file, or the archive would write to it when it is collected."""
        with suppress(OSError, ValueError):
            self._zip.close()
