"""The HTTP face of a witness: C2SP ``tlog-witness``, one call, ``POST /add-checkpoint``.

There is nothing to authenticate: only a checkpoint that a known log signed is kept or cosigned. The decision is
`core.consider`, in a thread; many submissions at once are safe, as are other processes on the same store. An alarm's
file is written, its text logged and the hook called before the answer leaves.
"""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable, Sequence
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fundledger.errors import FundledgerError
from fundledger.sealing.checkpoint import PATH_MAX, decode_hash, parse_number
from fundledger.sealing.note import NoteError, SigningKey
from fundledger.witness.alarms import tell
from fundledger.witness.core import Outcome, Verdict, consider
from fundledger.witness.store import Store

log = logging.getLogger("fundledger.witness")

BODY_MAX: Final = 128 * 1024
_OLD: Final = re.compile(r"old (\S+)")
_STATUS: Final = {
    Outcome.SEEN: 200, Outcome.MALFORMED: 400, Outcome.BACKWARDS: 400, Outcome.UNTRUSTED: 403, Outcome.UNKNOWN_LOG: 404,
    Outcome.CONFLICT: 409, Outcome.CONTRADICTION: 409, Outcome.BAD_PROOF: 422, Outcome.ALARMED: 503,
}  # fmt: skip


def parse_request(body: bytes) -> tuple[int, list[bytes], str]:
    """Old size, proof and checkpoint of a submission; NoteError if it has not the form of one."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise NoteError("not UTF-8") from None
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    old = _OLD.fullmatch(lines[0])
    if not blank or old is None or len(lines) > PATH_MAX + 1:
        raise NoteError("a submission is an old size, at most 63 hashes, a blank line and a checkpoint")
    return parse_number(old[1]), [decode_hash(line) for line in lines[1:]], note


def create_server(store: Store, key: SigningKey, hook: Sequence[str], clock: Callable[[], int]) -> Starlette:
    """The application over one store."""

    def decide(old: int, proof: list[bytes], note: str) -> Verdict:
        verdict = consider(store, key, note, old, proof, clock())
        if verdict.outcome is Outcome.CONTRADICTION:
            for alarm in tell(store, hook):
                log.error("%s\n-> %s", alarm.text, store.folder / alarm.file_name)
        return verdict

    async def add_checkpoint(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return PlainTextResponse("the body is too long\n", 413)
        try:
            old, proof, note = parse_request(body)
        except NoteError as error:
            return PlainTextResponse(f"{error}\n", 400)
        try:
            return _answer(await run_in_threadpool(decide, old, proof, note))
        except FundledgerError as error:
            return PlainTextResponse(f"{error.code}\n", 503)

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])


def run(store: Store, key: SigningKey, listener: socket.socket, hook: Sequence[str], clock: Callable[[], int]) -> None:
    """Serve on a listening socket until a signal."""
    config = uvicorn.Config(
        create_server(store, key, hook, clock), access_log=False, log_config=None, server_header=False,
        proxy_headers=False, timeout_keep_alive=75, limit_concurrency=200,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listener])


async def _body(request: Request) -> bytes | None:
    """The body, read no further than BODY_MAX; None if it is longer."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_MAX:
            return None
        parts.append(part)
    return b"".join(parts)


def _answer(verdict: Verdict) -> Response:
    status = _STATUS[verdict.outcome]
    if status == 409:
        return Response(f"{verdict.size}\n", 409, {"Content-Type": "text/x.tlog.size"})
    if verdict.line is not None:
        return PlainTextResponse(f"{verdict.line}\n", status)
    return PlainTextResponse(f"{verdict.outcome}\n", status)
