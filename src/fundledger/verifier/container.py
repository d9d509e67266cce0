"""The file of a bundle: a ZIP that is believed in nothing. Reads members by known names, within limits, streaming.

Refused (`FundledgerError`, catalogue/bundle.py): what is no ZIP or is damaged, members that are not a bundle's, that
repeat, climb out, are links or folders, are encrypted or packed in another way than stored or deflated; more bytes than
a limit, or than the archive says. Nothing is ever unpacked to disk.
"""

from __future__ import annotations

import hashlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from fundledger.errors import FundledgerError, problem

MANIFEST, NOTE = "bundle.json", "bundle.note"
CHECKPOINT, OLDER, KEYS, NODES = "checkpoint", "older-checkpoint", "keys", "nodes"
LEAVES, LINES, CONTENTS = "leaves.ndjson", "lines.ndjson", "contents.ndjson"
RECORDS, TRAIL, OPENINGS = "records.ndjson", "trail.ndjson", "openings.ndjson"
SMALL = (MANIFEST, NOTE, CHECKPOINT, OLDER, KEYS)
"""Read whole."""
STREAMED = (NODES, RECORDS, LEAVES, LINES, CONTENTS, TRAIL, OPENINGS)
NAMES = frozenset((*SMALL, *STREAMED))
NEEDED = (MANIFEST, NOTE, CHECKPOINT, KEYS, NODES, RECORDS, LEAVES, LINES, CONTENTS)

SMALL_MAX = 4 * 1024 * 1024
MEMBER_MAX = 64 * 1024**3
LINE_MAX = 16 * 1024 * 1024
RATIO_MAX = 400
"""Unpacked to packed bytes; NDJSON of a real log stays below 40."""
RATIO_FREE = 8 * 1024 * 1024
"""Up to here any ratio is harmless."""
BLOCK = 256 * 1024
_ENCRYPTED = 0x1

_Row = TypeVar("_Row")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, ValueError, OverflowError)


class Container:
    """An opened bundle."""

    def __init__(self, path: Path) -> None:
        """Open the archive and look at its directory; FundledgerError."""
        self.path = path
        try:
            # Ours to close: members that are still being read would keep the archive's own handle open.
            self._file = path.open("rb")
        except OSError as error:
            raise problem("file-unreadable", file=path.name) from error
        try:
            self._zip = zipfile.ZipFile(self._file)
            self._members = _members(self._zip.infolist())
        except (*_BROKEN, OSError) as error:
            self._file.close()
            raise problem("bundle-not-a-zip") from error
        except FundledgerError:
            self._file.close()
            raise

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()

    @property
    def names(self) -> frozenset[str]:
        """The members that are there."""
        return frozenset(self._members)

    def text(self, name: str) -> str:
        """A small member as text."""
        data = b"".join(self.blocks(name, SMALL_MAX))
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise problem("bundle-member-malformed", member=name, line=1, reason="not UTF-8") from error

    def blocks(self, name: str, limit: int = MEMBER_MAX) -> Iterator[bytes]:
        """The bytes of a member, block by block, to its end (so that its CRC is checked)."""
        if name not in self._members:
            raise problem("bundle-member-missing", member=name)
        info, size = self._members[name], 0
        if info.file_size > limit:
            raise problem("bundle-too-large", member=name)
        try:
            with self._zip.open(info) as file:
                while block := file.read(BLOCK):
                    size += len(block)
                    if size > limit or size > info.file_size:
                        raise problem("bundle-too-large", member=name)
                    yield block
        except (*_BROKEN, OSError) as error:  # a directory that points outside the file is an OSError
            raise problem("bundle-damaged", member=name) from error
        if size != info.file_size:
            raise problem("bundle-damaged", member=name)

    def lines(self, name: str) -> Iterator[tuple[int, bytes]]:
        """Number (from 1) and bytes of each line; every line ends in LF, none is empty."""
        rest, number = b"", 0
        for block in self.blocks(name):
            *whole, rest = (rest + block).split(b"\n")
            for line in whole:
                number += 1
                if not line or len(line) > LINE_MAX:
                    raise problem("bundle-member-malformed", member=name, line=number, reason="empty or too long")
                yield number, line
            if len(rest) > LINE_MAX:
                raise problem("bundle-too-large", member=name)
        if rest:
            raise problem("bundle-member-malformed", member=name, line=number + 1, reason="no end of line")

    def rows(self, name: str, reader: msgspec.json.Decoder[_Row]) -> Iterator[_Row]:
        """The rows of an NDJSON member, typed."""
        for number, line in self.lines(name):
            try:
                yield reader.decode(line)
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
                raise problem("bundle-member-malformed", member=name, line=number, reason=_reason(error)) from error

    def sha256(self, name: str) -> str:
        """The digest of a member, as hex."""
        digest = hashlib.sha256()
        for block in self.blocks(name):
            digest.update(block)
        return digest.hexdigest()


def read_json(text: str, kind: type[_Row], name: str) -> _Row:
    """A small member of JSON, typed."""
    try:
        return msgspec.json.decode(text.encode(), type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise problem("bundle-member-malformed", member=name, line=1, reason=_reason(error)) from error


def _members(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.orig_filename
        if name not in NAMES or name in found or info.filename != name:
            raise problem("bundle-member-unknown", member=_printable(name))
        mode = info.external_attr >> 16
        if info.is_dir() or (mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
            raise problem("bundle-member-unknown", member=name)
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise problem("bundle-member-locked", member=name)
        if info.file_size > RATIO_FREE and info.file_size > RATIO_MAX * max(info.compress_size, 1):
            raise problem("bundle-too-large", member=name)
        found[name] = info
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise problem("bundle-member-missing", member=missing[0])
    return found


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name[:60])


def _reason(error: Exception) -> str:
    """Where and why, without the content: a message of the reader names fields, never values of ours."""
    return type(error).__name__ if isinstance(error, RecursionError) else str(error)[:160]
