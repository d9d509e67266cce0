"""The whole log for monitors: every leaf's data and every line's, as NDJSON, for audit and inspection offices."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from fundledger.access.policy import READS_ALL
from fundledger.api.deps import Call, reads
from fundledger.api.reading import POSITION_MAX
from fundledger.errors import problem
from fundledger.sealing.feed import Piece, stream

router = APIRouter(prefix="/v1/log", tags=["log"])
LINES_MAX = 200_000
NDJSON = "application/x-ndjson"


@router.get(
    "/entries", response_class=StreamingResponse, responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}}}
)
async def stream_entries(
    call: Annotated[Call, reads(READS_ALL)],
    start: Annotated[int, Query(ge=0, le=POSITION_MAX, description="the first position")] = 0,
    stop: Annotated[int | None, Query(ge=0, le=POSITION_MAX, description="the position after the last")] = None,
    limit: Annotated[int, Query(ge=1, le=LINES_MAX, description="ends after the record that passes it")] = 50_000,
) -> StreamingResponse:  # fmt: skip
    """Positions with their leaf's data, each entry's followed by its lines; the last row, `next`, says where to go on.

    A stream without that row was cut off.
    """
    last = POSITION_MAX if stop is None else stop
    if last < start:
        raise problem("log-size-out-of-range", old=str(start), size=str(last), length="…")
    pieces = stream(call.services.database, start, last, limit)
    return StreamingResponse(_text(pieces), media_type=NDJSON)


async def _text(pieces: AsyncIterator[Piece]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        yield json.dumps(piece, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
