"""Shapes shared by routes: money as decimal strings, strict bodies, keyset pages, the answer about an instruction."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from fundledger.book.instructions import InstructionState
from fundledger.book.poster import Posted
from fundledger.errors import FundledgerError, problem
from fundledger.money import format_yuan, parse_yuan
from fundledger.sealing.keys import KeyFile, KeysError
from fundledger.sealing.receipt import signed_receipt

PAGE_MAX = 1000


def _yuan(value: object) -> int:
    try:
        return parse_yuan(value)
    except FundledgerError as error:
        # pydantic keeps the place; the code keeps its own text.
        raise PydanticCustomError(error.code, "amount", dict(error.params)) from error


Yuan = Annotated[
    int,
    BeforeValidator(_yuan),
    PlainSerializer(format_yuan, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(0|[1-9][0-9]*)(\.[0-9]{1,2})?$", "examples": ["100000.00"]}),
]
"""An amount: a decimal string in yuan outside, integer fen inside; positive."""

YuanOut = Annotated[
    int,
    PlainSerializer(format_yuan, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$", "examples": ["100000.00"]}),
]
"""An amount in an answer; zero and below are possible (balances of sources)."""


def _text(value: str) -> str:
    """Visible text: PostgreSQL takes no NUL, and people should see what they approve."""
    if not value.strip() or any(not (char.isprintable() or char in "\n\t") for char in value):
        raise PydanticCustomError("text-unreadable", "text")
    return value


Text = Annotated[str, AfterValidator(_text), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 500})]


class Body(BaseModel):
    """A request body: unknown fields are refused, so that a misspelt one is not silently lost."""

    model_config = ConfigDict(extra="forbid", str_max_length=500)


class Answer(BaseModel):
    """An answer: every field always present."""

    model_config = ConfigDict(from_attributes=True)


Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2999, 12, 31))]
"""A day on which something counts; the database takes no other."""


class Classified(Body):
    """What every posting names (rule 10): document, day, officers; classification where the kind does not fix it."""

    document_no: Text
    effective_on: Day
    summary: Text
    officer_id: UUID
    supervisor_id: UUID | None = None


class Approve(Body):
    """What an approver names: the SHA-256 (hex) of the content seen."""

    content_sha256: Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]

    def digest(self) -> bytes:
        """The named digest as bytes; anything else than 64 hex digits can't match and is malformed."""
        try:
            digest = bytes.fromhex(self.content_sha256)
        except ValueError:
            digest = b""
        if len(digest) != 32:
            raise problem("digest-malformed")
        return digest


class InstructionAnswer(Answer):
    """A draft and what became of it."""

    book: str
    instruction_id: UUID
    entry_kind: str
    status: str
    document_no: str
    effective_on: date
    summary: str
    line_count: int
    total: YuanOut
    maker_id: UUID
    made_at: datetime
    content_sha256: str
    approver_id: UUID | None
    entry_id: UUID | None
    recorded_at: datetime | None

    @classmethod
    def of(cls, state: InstructionState) -> InstructionAnswer:
        """The answer about an instruction."""
        return cls(
            book=str(state.book), instruction_id=state.instruction_id, entry_kind=state.entry_kind, status=state.status,
            document_no=state.document_no, effective_on=state.effective_on, summary=state.summary,
            line_count=state.line_count, total=state.total, maker_id=state.maker_id, made_at=state.made_at,
            content_sha256=state.content_sha256.hex(), approver_id=state.approver_id, entry_id=state.entry_id,
            recorded_at=state.recorded_at,
        )  # fmt: skip


class PostedAnswer(Answer):
    """What `posted_response` answers: the entry that an instruction became."""

    entry_id: UUID
    recorded_at: datetime
    receipt: str


def posted_response(posted: Posted, keys: KeyFile) -> Response:
    """The answer of a posting with its receipt, by hand: this is the hot path. A replay is marked in a header."""
    receipt = receipt_of(keys, posted.book, posted.entry_id, posted.content_sha256, posted.recorded_at)
    body = (
        f'{{"entry_id":"{posted.entry_id}","recorded_at":"{posted.recorded_at.isoformat()}",'
        f'"receipt":{json.dumps(receipt, ensure_ascii=False)}}}'
    )
    headers = {"Idempotent-Replayed": "true"} if posted.replayed else None
    return Response(body, media_type="application/json", headers=headers)


def receipt_of(keys: KeyFile, book: int, entry_id: UUID, content_sha256: bytes, recorded_at: datetime) -> str:
    """The signed promise (回执) that this entry will be in the log; `log-keys-unusable` if no key is left."""
    try:
        return signed_receipt(keys.ring, book, entry_id, content_sha256, recorded_at)
    except KeysError as error:
        raise problem("log-keys-unusable", reason=str(error)) from error


def mark_replay(response: Response, replayed: bool) -> None:
    """Say in a header that the answer is the first call's result again."""
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"


Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
Cursor = Annotated[str | None, Query(max_length=500)]


def encode_cursor(values: list[Any]) -> str:
    """A keyset position as an opaque text."""
    text = json.dumps(values, separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(text: str | None, length: int) -> list[Any] | None:
    """The keyset position, or None for the first page; raises `cursor-malformed`."""
    if text is None:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as error:
        raise problem("cursor-malformed") from error
    if not isinstance(values, list) or len(values) != length:
        raise problem("cursor-malformed")
    return values
