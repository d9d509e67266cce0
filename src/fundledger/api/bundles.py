"""Bundles over HTTP: what `fundledger verify` proves offline, for auditors who have no database at hand.

A bundle is made in a nameless file first, so that it is whole or refused and a slow reader holds no connection; two are
made at a time. Who took which is kept as of every export. A district gets what is of its own book; names and accounts
only who may see them (`may_open`), and only those of the payee asked for.
"""

from __future__ import annotations

import tempfile
from typing import IO, Annotated, Any, Literal, cast

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from fundledger.access.policy import EVERYBODY, LEADS
from fundledger.api.deps import Call, reads
from fundledger.api.exports import CHUNK
from fundledger.api.reading import Position
from fundledger.db.database import driver_of
from fundledger.db.refusals import refusals
from fundledger.errors import problem
from fundledger.exports import records
from fundledger.exports.bundle_request import Asked, asked_bundle, may_open
from fundledger.exports.folder import refusal_of
from fundledger.ids import new_id
from fundledger.verifier.manifest import Manifest

router = APIRouter(tags=["exports"])

OfBook = Literal[
    "book", "allocation", "village", "project", "document", "household", "person", "organisation", "entry", "line"
]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the bundle, a ZIP archive (docs/bundle.md)",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/v1/bundle", response_class=Response, responses=_FILE)
async def get_whole_bundle(call: Annotated[Call, reads(LEADS)], position: Position = None) -> Response:
    """The whole log as one file; for audit and inspection offices."""
    return await _answer(call, Asked(position=position))


@router.get("/v1/books/{book}/bundle", response_class=Response, responses=_FILE)
async def get_bundle(
    book: int,
    call: Annotated[Call, reads(EVERYBODY)],
    kind: OfBook = "book",
    ref: Annotated[str | None, Query(max_length=200, description="id, code or number; of a line entry/number")] = None,
    position: Position = None,
    openings: Annotated[bool, Query(description="with the name and account of exactly this payee")] = False,
) -> Response:
    """A book, a closed set of its accounts, or a payee's trail up to the budget, as one file."""
    if openings and not may_open(call.caller, book):
        raise problem("bundle-openings-not-allowed")
    return await _answer(call, Asked(kind, book, ref, position, openings=openings))


async def _answer(call: Call, asked: Asked) -> Response:
    exports = call.services.exports
    with refusals():
        async with exports.direct():
            file, manifest = await _made(call, asked)
            try:
                scope = {"kind": asked.kind, "book": asked.book, "ref": asked.ref, "openings": asked.openings}
                async with call.services.database.writing() as session:
                    connection = await driver_of(session)
                    await records.record_as(
                        connection, call.caller, new_id(), "direct", "bundle", scope, manifest.size - 1
                    )
            except BaseException:
                file.close()
                raise
    return _sent(file, manifest)


async def _made(call: Call, asked: Asked) -> tuple[IO[bytes], Manifest]:
    """The bundle in a nameless file."""
    services = call.services
    try:
        file = cast(IO[bytes], tempfile.TemporaryFile(dir=services.exports.folder))  # noqa: SIM115  (the answer closes it)
    except OSError as error:
        raise refusal_of(error) from error
    try:
        async with (
            services.database.driver() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            vault = services.vault if asked.openings else None
            manifest = await asked_bundle(connection, services.log_keys.ring, asked, file, vault)
        file.flush()
        return file, manifest
    except OSError as error:
        file.close()
        raise refusal_of(error) from error
    except BaseException:
        file.close()
        raise


def _sent(file: IO[bytes], manifest: Manifest) -> StreamingResponse:
    length = file.seek(0, 2)
    file.seek(0)
    name = f"bundle-{manifest.scope.kind}-{manifest.size}.zip"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(length),
        "As-Of-Position": str(manifest.size - 1), "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }  # fmt: skip
    chunks = iter(lambda: file.read(CHUNK), b"")
    return StreamingResponse(
        chunks, media_type="application/zip", headers=headers, background=BackgroundTask(file.close)
    )
