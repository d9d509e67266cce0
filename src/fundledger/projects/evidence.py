"""Evidence documents (佐证材料): kept once a book under their own SHA-256, checked for type, size and title.

A document's declared type is compared with its first bytes (an Office file with what its archive holds), so that a
record never points at something that can't be opened as what it says. The title stands in lists and access logs: it
must name nobody, and one with an identity, card or telephone number is refused. The database computes the hash again.
Money records name a document by its SHA-256, by a foreign key of their book. No locks.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_TEXTS = ("utf-8", "gb18030")
_PERSONAL = re.compile(r"(?<!\d)(1[3-9]\d{9}|\d{15,19}|\d{17}[Xx])(?!\d)")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_METADATA = "book, sha256, media_type, size_bytes, title, recorded_by, recorded_at"

_KEEP = """
INSERT INTO evidence (book, sha256, media_type, size_bytes, content, title, recorded_by)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Document:
    """What is known of a document beside its content."""

    book: int
    sha256: bytes
    media_type: str
    size_bytes: int
    title: str
    recorded_by: UUID
    recorded_at: datetime


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(starts)


def _archive_with(folder: str) -> Callable[[bytes], bool]:
    """An Office file is an archive; its directory is read, nothing is unpacked."""

    def holds(content: bytes) -> bool:
        try:
            names = zipfile.ZipFile(io.BytesIO(content)).namelist()
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            return False
        return "[Content_Types].xml" in names and any(name.startswith(folder) for name in names)

    return holds


def _is_text(content: bytes) -> bool:
    if _CONTROL.search(content):
        return False
    for encoding in _TEXTS:
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


ACCEPTED: dict[str, Callable[[bytes], bool]] = {
    "application/pdf": _begins(b"%PDF-"),
    "image/jpeg": _begins(b"\xff\xd8\xff"),
    "image/png": _begins(b"\x89PNG\r\n\x1a\n"),
    XLSX: _archive_with("xl/"),
    DOCX: _archive_with("word/"),
    "text/csv": _is_text,
    "text/plain": _is_text,
}
"""The types that are taken, each with the test of a document's bytes."""


async def keep(
    connection: Connection, caller: Caller, book: int, media_type: str, title: str, content: bytes
) -> Document:
    """Keep a document; the same content again is the same record, with the title it had first.

    Raises `evidence-type-unknown`, `evidence-size` (parameter `evidence_bytes_max`, of today), `evidence-type-differs`,
    `evidence-title-personal`. In the caller's transaction.
    """
    fits = ACCEPTED.get(media_type)
    if fits is None:
        raise problem("evidence-type-unknown", accepted=sorted(ACCEPTED))
    highest = int(await connection.fetchval("SELECT parameter_value('evidence_bytes_max', shanghai_today())"))
    if not 0 < len(content) <= highest:
        raise problem("evidence-size", size=len(content), highest=highest)
    if not fits(content):
        raise problem("evidence-type-differs", media_type=media_type)
    if _PERSONAL.search(title):
        raise problem("evidence-title-personal")
    digest = hashlib.sha256(content).digest()
    await connection.execute(_KEEP, book, digest, media_type, len(content), content, title, caller.staff_id)
    return await document_of(connection, book, digest)


async def document_of(connection: Connection, book: int, sha256: bytes) -> Document:
    """What is known of a document; raises `record-not-found`."""
    query = f"SELECT {_METADATA} FROM evidence WHERE book = $1 AND sha256 = $2"
    row = await connection.fetchrow(query, book, sha256)
    if row is None:
        raise problem("record-not-found")
    return Document(**dict(row))


async def content_of(connection: Connection, book: int, sha256: bytes) -> bytes:
    """A document itself; raises `record-not-found`."""
    content = await connection.fetchval("SELECT content FROM evidence WHERE book = $1 AND sha256 = $2", book, sha256)
    if content is None:
        raise problem("record-not-found")
    return bytes(content)


async def documents(connection: Connection, book: int, *, after: bytes, limit: int) -> list[Document]:
    """A page of a book's documents, in the order of their hashes."""
    query = f"SELECT {_METADATA} FROM evidence WHERE book = $1 AND sha256 > $2 ORDER BY sha256 LIMIT $3"
    return [Document(**dict(row)) for row in await connection.fetch(query, book, after, limit)]
