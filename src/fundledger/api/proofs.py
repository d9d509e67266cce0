"""Proofs over HTTP: that a record, or a line of an entry, is in the log under a signed checkpoint.

A proof file (C2SP tlog-proof) can be checked offline with the log's verifier key and the leaf's data; what it shows and
what it does not is in ``docs/proofs.md``. Whoever may see a record may have its proof.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import PlainTextResponse

from fundledger.access.policy import EVERYBODY
from fundledger.api.checkpoints import Cosigned, Size
from fundledger.api.deps import Call, Reading, reads
from fundledger.api.log import books_of, may_see
from fundledger.api.wire import Answer
from fundledger.db.connection import Connection
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.sealing import log, published
from fundledger.sealing.checkpoint import Proof, encode_hash
from fundledger.sealing.leaf import Kind
from fundledger.sealing.proofs import RecordProof, prove
from fundledger.sealing.published import Published

router = APIRouter(prefix="/v1/log/proofs", tags=["log"])

OldSize = Annotated[Size | None, Query(description="under the checkpoint of this size; null: the newest")]


class LineProofAnswer(Answer):
    """A line's canonical `data`, its `index` and `inner_path` (Base64) to the `lines_root` that the entry's `leaf`
    names, and the proof file of that leaf."""

    book: str
    entry_id: UUID
    line_no: int
    data: str
    index: int
    inner_path: list[str]
    leaf: str
    proof: str


@router.get("/{kind}/{record_id}", response_class=PlainTextResponse)
async def get_proof(
    kind: Annotated[Kind, Path()], record_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading,
    version: Annotated[int, Query(ge=1, le=2**31 - 1)] = 1, size: OldSize = None, cosigned: Cosigned = False,
) -> PlainTextResponse:  # fmt: skip
    """The proof file of a record; its leaf's data is at ``/v1/log/records/{kind}/{record_id}``."""
    may_see(call, kind)
    connection = await driver_of(session)
    under = await published.asked_for(connection, size, cosigned=cosigned)
    found = await _prove(connection, call, under, kind, record_id, version, [])
    name = f'attachment; filename="{kind}-{record_id}.tlog-proof"'
    return PlainTextResponse(proof_text(found, under), headers={"Content-Disposition": name})


@router.get("/entry/{record_id}/lines/{line_no}")
async def get_line_proof(
    record_id: UUID, line_no: Annotated[int, Path(ge=1, le=2**31 - 1)], call: Annotated[Call, reads(EVERYBODY)],
    session: Reading, size: OldSize = None, cosigned: Cosigned = False,
) -> LineProofAnswer:  # fmt: skip
    """Everything that shows one line of an entry to be in the log, in one answer."""
    connection = await driver_of(session)
    under = await published.asked_for(connection, size, cosigned=cosigned)
    found = await _prove(connection, call, under, "entry", record_id, 1, [line_no])
    (line,) = found.lines
    return LineProofAnswer(
        book=str(found.ref.book), entry_id=record_id, line_no=line_no, data=line.data.decode(), index=line.index,
        inner_path=[encode_hash(one) for one in line.path], leaf=found.data.decode(), proof=proof_text(found, under),
    )  # fmt: skip


def proof_text(found: RecordProof, under: Published) -> str:
    """The proof file of a leaf under a checkpoint."""
    return Proof(found.position, found.path, under.note).text


async def _prove(
    connection: Connection, call: Call, under: Published, kind: str, record_id: UUID, version: int, lines: list[int]
) -> RecordProof:
    """Raises `log-record-not-found` and `log-record-not-sealed`."""
    ref, _ = await log.find(connection, books_of(call), kind, record_id, version)
    proven = await prove(connection, under.size, {ref: lines}, call.services.accounts)
    if proven.unsealed:
        raise problem("log-record-not-sealed", size=str(under.size))
    return proven.proofs[ref]
