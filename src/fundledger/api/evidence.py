"""Evidence documents (佐证材料): sent as they are, kept under their SHA-256, shown to the book's people and watchers.

The title is a query parameter, so that the same key with another title is another call; it names nobody, and a title
with somebody's number is refused. A document may show people: the city's offices read the list, not the documents.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from fundledger.access.policy import EVERYBODY, OFFICES, READS_ALL
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import Sha256Out
from fundledger.api.wire import Answer, Cursor, Limit, Text, decode_cursor, encode_cursor, mark_replay
from fundledger.book.idempotency import claim
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.projects.evidence import ACCEPTED, content_of, document_of, documents, keep

router = APIRouter(prefix="/v1/books/{book}/evidence", tags=["projects"])

Maker = Annotated[Call, writes(OFFICES, "maker")]
Reader = Annotated[Call, reads(EVERYBODY)]
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
Title = Annotated[Text, Query(min_length=1, max_length=200)]

_BINARY: dict[str, Any] = {media: {"schema": {"type": "string", "format": "binary"}} for media in ACCEPTED}


class EvidenceAnswer(Answer):
    """What is known of a document beside its content."""

    sha256: Sha256Out
    media_type: str
    size_bytes: int
    title: str
    recorded_by: UUID
    recorded_at: datetime


class EvidencePage(Answer):
    """Documents in the order of their hashes, and the cursor of the next page."""

    items: list[EvidenceAnswer]
    next: str | None


@router.post("", status_code=201, openapi_extra={"requestBody": {"required": True, "content": _BINARY}})
async def keep_evidence(
    book: int, title: Title, request: Request, call: Maker, session: Writing, response: Response
) -> EvidenceAnswer:
    """Keep a document; the same content again is the same record, with the title it had first."""
    connection = await driver_of(session)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    made = await keep(connection, call.caller, book, media_type, title, await request.body())
    record_id = UUID(bytes=made.sha256[:16])
    earlier = await claim(connection, call.caller, call.key, call.request_sha256, "evidence", record_id)
    mark_replay(response, earlier is not None)
    return EvidenceAnswer.model_validate(made)


@router.get("")
async def list_evidence(
    book: int, call: Reader, session: Reading, limit: Limit = 100, cursor: Cursor = None
) -> EvidencePage:
    """The book's documents, without their contents."""
    after = decode_cursor(cursor, 1)
    try:
        start = bytes.fromhex(str(after[0])) if after else b""
    except ValueError:
        raise problem("cursor-malformed") from None
    found = await documents(await driver_of(session), book, after=start, limit=limit)
    following = encode_cursor([found[-1].sha256.hex()]) if len(found) == limit else None
    return EvidencePage(items=[EvidenceAnswer.model_validate(one) for one in found], next=following)


@router.get("/{sha256}")
async def get_evidence(book: int, sha256: Digest, call: Reader, session: Reading) -> EvidenceAnswer:
    """What is known of a document."""
    return EvidenceAnswer.model_validate(await document_of(await driver_of(session), book, bytes.fromhex(sha256)))


@router.get("/{sha256}/content", response_class=Response, responses={200: {"content": _BINARY}})
async def get_evidence_content(book: int, sha256: Digest, call: Reader, session: Reading) -> Response:
    """The document itself, for the people of the book, auditors and inspectors."""
    if call.caller.book != book and call.caller.unit_kind not in READS_ALL:
        raise problem("forbidden-book", book=str(book))
    connection = await driver_of(session)
    document = await document_of(connection, book, bytes.fromhex(sha256))
    return Response(
        await content_of(connection, book, document.sha256), media_type=document.media_type,
        headers={"Content-Disposition": f'attachment; filename="{sha256}"', "X-Content-Type-Options": "nosniff",
                 "ETag": f'"{sha256}"'},
    )  # fmt: skip
