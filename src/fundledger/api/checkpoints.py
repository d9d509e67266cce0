"""The log's head over HTTP: signed checkpoints with their cosignatures, the keys they are checked with, consistency.

Hashes tell nothing of a record, so every reader may have them all.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, Writing, attests, reads
from fundledger.api.wire import Answer
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.sealing import published
from fundledger.sealing.checkpoint import SIZE_MAX, encode_hash
from fundledger.sealing.cosigning import parse_submission, take

router = APIRouter(prefix="/v1/log", tags=["log"])

Size = Annotated[int, Query(ge=0, le=SIZE_MAX)]
Cosigned = Annotated[bool, Query(description="the newest checkpoint that a witness cosigned")]


AUDIT = frozenset({"audit"})
_NOTE: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}


class LogKey(Answer):
    """One verifier key (C2SP `vkey`): what it signs, and from when on."""

    purpose: str
    verifier: str
    valid_from: datetime


class LogKeys(Answer):
    """The log's name and all its keys; by `vouchers` (signed notes) each introduces the next."""

    origin: str
    keys: list[LogKey]
    vouchers: list[str]


class Consistency(Answer):
    """The proof that the log of `old` records is the beginning of that of `size`, in Base64, in order of RFC 6962."""

    old: int
    size: int
    hashes: list[str]


class CosignatureItem(Answer):
    """A cosignature that verifies: of which checkpoint and witness, and whether it is new."""

    size: int
    witness: str
    stored: bool


class Cosignatures(Answer):
    """What was taken, and how many lines were passed over because nobody here trusts their keys."""

    items: list[CosignatureItem]
    unknown: int


@router.get("/checkpoint", response_class=PlainTextResponse)
async def get_checkpoint(
    call: Annotated[Call, reads(EVERYBODY)], session: Reading, cosigned: Cosigned = False
) -> PlainTextResponse:
    """The newest checkpoint as a signed note (C2SP tlog-checkpoint), with the cosignatures it has."""
    found = await published.newest(await driver_of(session), cosigned=cosigned)
    return PlainTextResponse(found.note)


@router.get("/checkpoints/{size}", response_class=PlainTextResponse)
async def get_checkpoint_of(
    size: Annotated[int, Path(ge=0, le=SIZE_MAX)], call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> PlainTextResponse:
    """The checkpoint of exactly this size."""
    return PlainTextResponse((await published.of_size(await driver_of(session), size)).note)


@router.get("/keys")
async def get_log_keys(call: Annotated[Call, reads(EVERYBODY)]) -> LogKeys:
    """The verifier keys. Trust them because of where you first got one from, not because they stand here."""
    ring = call.services.log_keys.ring
    return LogKeys(
        origin=ring.origin, vouchers=[key.voucher for key in ring.keys if key.voucher],
        keys=[
            LogKey(purpose=key.purpose, verifier=str(key.verifier), valid_from=key.valid_from) for key in ring.keys
        ],
    )  # fmt: skip


@router.get("/consistency")
async def get_consistency(
    call: Annotated[Call, reads(EVERYBODY)], session: Reading, old: Size, size: Size
) -> Consistency:
    """Between any two sizes the log has or had."""
    hashes = await published.consistent(await driver_of(session), old, size)
    return Consistency(old=old, size=size, hashes=[encode_hash(one) for one in hashes])


@router.post("/cosignatures", openapi_extra={"requestBody": {"required": True, "content": _NOTE}})
async def post_cosignatures(
    request: Request, call: Annotated[Call, attests(AUDIT)], session: Writing,
    size: Annotated[Size | None, Query(description="of the checkpoint; null: found by the time of the line")] = None,
) -> Cosignatures:  # fmt: skip
    """Keep a witness's cosignatures of a checkpoint: signature lines, or the checkpoint as a note with them."""
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError:
        raise problem("log-cosignature-unreadable", reason="not UTF-8") from None
    services = call.services
    taken, unknown = await take(
        await driver_of(session), services.log_keys.ring.origin, parse_submission(text, size),
        services.witness_keys.keys,
    )  # fmt: skip
    items = [CosignatureItem(size=one.size, witness=one.key.name, stored=one.stored) for one in taken]
    return Cosignatures(items=items, unknown=unknown)
