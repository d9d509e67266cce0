"""Exports over HTTP: a small one answered at once, a long one as a job whose parts are fetched when they are there.

Everything settled here ends in `exports.scope.Scope`; a job belongs to its unit. A direct answer is made in a nameless
file first, so that it is whole or refused, never broken off in the middle, and a slow reader holds no connection.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import AwareDatetime, Field
from starlette.background import BackgroundTask

from fundledger.access.policy import EVERYBODY, may_reach
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.reading import EARLIEST, LATEST, POSITION_MAX, BookOut, Instant, Position, SubjectQuery
from fundledger.api.wire import Answer, Body, Text, mark_replay
from fundledger.book.idempotency import claim
from fundledger.db.connection import Connection
from fundledger.db.database import driver_of
from fundledger.db.refusals import refusals
from fundledger.errors import problem
from fundledger.exports import records
from fundledger.exports.folder import MANIFEST, Hashed, Progress, refusal_of, safe_name
from fundledger.exports.formats import FORMATS, format_for
from fundledger.exports.jobs import Exports
from fundledger.exports.parts import Format
from fundledger.exports.records import Job
from fundledger.exports.scope import Layout, Scope, settle, subject_named
from fundledger.ids import new_id
from fundledger.trail.starts import FIELDS
from fundledger.trail.walk import Direction

router = APIRouter(tags=["exports"])

OPEN_MAX = 10
"""Jobs of one unit that may wait or run at a time."""
CHUNK = 1 << 18
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the file; the headers say as of which position, how many rows, and its SHA-256",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class FormatAnswer(Answer):
    """A format: what `format` is, its titles, whether it can hold a subject's trail, and its layouts."""

    name: str
    media_type: str
    suffix: str
    title_zh: str
    title_en: str
    of_subjects: bool
    layouts: list[str]


class FormatsAnswer(Answer):
    """Every format there is."""

    items: list[FormatAnswer]


class PartAnswer(Answer):
    """A finished file of a job."""

    number: int
    name: str
    rows: int
    bytes: int
    sha256: str


class ExportAnswer(Answer):
    """A job: waiting, running, done, failed (and why: a code of /problems) or expired, and how far it is.

    `rows_about` is null where it is not known beforehand (a trail); `part_rows`, `part_bytes`: how far the
    part is that is being written.
    """

    export_id: UUID
    book: BookOut
    format: str
    state: str
    reason: str | None
    scope: dict[str, Any]
    as_of: int
    taken_by: UUID
    taken_at: datetime
    parts_done: int
    parts_about: int | None
    rows_done: int
    rows_about: int | None
    part_rows: int
    part_bytes: int
    parts: list[PartAnswer]


class ExportIn(Body):
    """What to export: a format and layout; of one book or of all that the caller may read; of one subject, or all."""

    format: Annotated[str, Field(max_length=40)]
    layout: Layout = "transfers"
    book: Annotated[str, Field(pattern="^[0-9]{6}$")] | None = None
    entry_id: UUID | None = None
    line_no: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    release_id: UUID | None = None
    document_no: Text | None = None
    allocation_id: UUID | None = None
    project_id: UUID | None = None
    village_code: Text | None = None
    household_id: UUID | None = None
    household_no: Text | None = None
    person_id: UUID | None = None
    organisation_id: UUID | None = None
    procurement_id: UUID | None = None
    officer_id: UUID | None = None
    direction: Direction | None = None
    undone: bool | None = None
    position: Annotated[int, Field(ge=0, le=POSITION_MAX)] | None = None
    known_at: Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)] | None = None
    bom: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks for, from a query or a body."""

    subject: Mapping[str, str | UUID | None]
    line_no: int | None
    direction: Direction | None
    undone: bool | None
    layout: Layout
    bom: bool
    position: int | None
    known_at: datetime | None

    async def scope(self, connection: Connection, call: Call, book: int | None) -> Scope:
        """The scope, pinned."""
        books = frozenset(other for other in call.services.books if may_reach(call.caller, other, writes=False))
        if book is not None and book not in books:
            raise problem("forbidden-book" if book in call.services.books else "book-unknown", book=str(book))
        subject = await subject_named(connection, book, self.subject, self.line_no)
        return await settle(
            connection, books, book=book, subject=subject, direction=self.direction, undone=self.undone,
            layout=self.layout, bom=self.bom, position=self.position, known_at=self.known_at,
        )  # fmt: skip


async def _asked(
    subject: SubjectQuery,
    direction: Annotated[Direction | None, Query(description="default: up for payees, else down")] = None,
    undone: bool | None = None,
    layout: Layout = "transfers",
    bom: Annotated[bool, Query(description="begin CSV with the mark by which Excel knows UTF-8")] = False,
    position: Position = None,
    known_at: Instant = None,
) -> Asked:
    return Asked(subject.fields, subject.line_no, direction, undone, layout, bom, position, known_at)


@router.get("/v1/export-formats")
async def list_export_formats(call: Annotated[Call, reads(EVERYBODY)]) -> FormatsAnswer:
    """The formats of exports."""
    return FormatsAnswer(items=[FormatAnswer.model_validate(form) for form in FORMATS.values()])


@router.get("/v1/books/{book}/exports/{format}", response_class=Response, responses=_FILE)
async def get_export(
    book: int, format: str, call: Annotated[Call, reads(EVERYBODY)], asked: Annotated[Asked, Depends(_asked)]  # noqa: A002
) -> Response:  # fmt: skip
    """The book, or the trail of one subject in it, as one file; `export-needs-a-job` if it would be several."""
    exports = call.services.exports
    with refusals():
        async with exports.direct():
            async with call.services.database.driver() as connection:
                scope = await asked.scope(connection, call, book)
                form = format_for(format, scope)
                made = await _made(connection, form, scope, exports.folder)
            try:
                async with call.services.database.writing() as session:
                    await records.record(await driver_of(session), call.caller, new_id(), "direct", form.name, scope)
                return _answer(made, form, scope)
            except BaseException:
                made.file.close()
                raise


@dataclass(frozen=True, slots=True)
class Made:
    """An export in a nameless file."""

    file: IO[bytes]
    name: str
    rows: int
    out: Hashed


async def _made(connection: Connection, form: Format, scope: Scope, folder: Path) -> Made:
    """The only part in a nameless file, at its beginning."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        first, *more = [part async for part in form.parts(connection, scope)]
        if more:
            raise problem("export-needs-a-job")
        try:
            file = cast(IO[bytes], tempfile.TemporaryFile(dir=folder))  # noqa: SIM115  (the answer closes it)
            try:
                out = Hashed(file)
                rows = await form.write(connection, scope, out, first)
                file.flush()
            except BaseException:
                file.close()
                raise
        except OSError as error:
            raise refusal_of(error) from error
    return Made(file, first.name, rows, out)


def _answer(made: Made, form: Format, scope: Scope) -> StreamingResponse:
    made.file.seek(0)
    headers = {
        "Content-Disposition": f'attachment; filename="{safe_name(made.name)}"', "Content-Length": str(made.out.size),
        "As-Of-Position": str(scope.position), "Export-Rows": str(made.rows),
        "Repr-Digest": _digest(made.out.hash.hexdigest()),
        "X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store",
    }  # fmt: skip
    return StreamingResponse(
        _chunks(made.file), media_type=form.media_type, headers=headers, background=BackgroundTask(made.file.close)
    )  # fmt: skip


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk


@router.post("/v1/exports", status_code=202)
async def make_export(
    body: ExportIn, call: Annotated[Call, writes(EVERYBODY)], session: Writing, response: Response
) -> ExportAnswer:
    """Begin a job that exports to files; the same key and body again is the same job."""
    connection = await driver_of(session)
    new = new_id()
    earlier = await claim(connection, call.caller, call.key, call.request_sha256, "export", new)
    mark_replay(response, earlier is not None)
    if earlier is None:
        fields = {name: getattr(body, name) for name in FIELDS}
        asked = Asked(
            fields, body.line_no, body.direction, body.undone, body.layout, body.bom, body.position, body.known_at
        )
        scope = await asked.scope(connection, call, None if body.book is None else int(body.book))
        form = format_for(body.format, scope)
        if await records.open_count(connection, call.caller.book, call.caller.unit_id) >= OPEN_MAX:
            raise problem("export-too-many", maximum=OPEN_MAX)
        await records.record(connection, call.caller, new, "job", form.name, scope)
        call.services.exports.wake()
    job = await records.job_of(connection, call.caller.book, call.caller.unit_id, earlier or new)
    return await _state(connection, call.services.exports, job)


@router.get("/v1/exports/{export_id}")
async def get_export_job(export_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading) -> ExportAnswer:
    """How far a job of the caller's unit is."""
    connection = await driver_of(session)
    return await _state(connection, call.services.exports, await _job(connection, call, export_id))


@router.get("/v1/exports/{export_id}/manifest", response_class=Response, responses=_FILE)
async def get_export_manifest(
    export_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> FileResponse:
    """What a finished job holds: scope, position, log root and checkpoint, parts with SHA-256. JSON."""
    job = await _job(await driver_of(session), call, export_id)
    if job.outcome != "done":
        raise problem("export-not-ready", state=job.outcome or "running")
    return _file(call.services.exports.folder_of(export_id) / MANIFEST, 0, "application/json")


@router.get("/v1/exports/{export_id}/parts/{number}", response_class=Response, responses=_FILE)
async def get_export_part(
    export_id: UUID, number: int, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> FileResponse:
    """One finished file of a job, whole or a range of it."""
    connection = await driver_of(session)
    job = await _job(connection, call, export_id)
    found = [part for part in await records.parts_done(connection, job) if part.number == number]
    if not found:
        raise problem("export-part-not-found", number=number)
    name = safe_name(found[0].name)
    path = call.services.exports.folder_of(export_id) / name
    return _file(path, number, FORMATS[job.format].media_type, {"Repr-Digest": _digest(found[0].sha256)})


async def _job(connection: Connection, call: Call, export_id: UUID) -> Job:
    return await records.job_of(connection, call.caller.book, call.caller.unit_id, export_id)


async def _state(connection: Connection, exports: Exports, job: Job) -> ExportAnswer:
    running = exports.running(job.export_id)
    now = Progress() if running is None else replace(running.progress)  # before what is done: no row counts twice
    done = await records.parts_done(connection, job)
    parts = running.parts if running is not None else []
    about = len(parts) or (len(done) if job.outcome == "done" else None)
    rows = sum(part.rows for part in parts) or (sum(part.rows for part in done) if job.outcome == "done" else None)
    if any(part.number == now.number for part in done):
        now = Progress()
    return ExportAnswer(
        export_id=job.export_id, book=job.book, format=job.format, reason=job.reason, scope=job.scope.as_json(),
        state=job.outcome or ("running" if running is not None else "waiting"), as_of=job.scope.position,
        taken_by=job.staff_id, taken_at=job.taken_at, parts_done=len(done), parts_about=about,
        rows_done=sum(part.rows for part in done), rows_about=rows,
        part_rows=now.rows, part_bytes=now.bytes,
        parts=[PartAnswer.model_validate(part) for part in done],
    )  # fmt: skip


def _file(path: Path, number: int, media_type: str, headers: dict[str, str] | None = None) -> FileResponse:
    if path.is_symlink() or not path.is_file():
        raise problem("export-part-not-found", number=number)
    return FileResponse(
        path, media_type=media_type, filename=path.name,
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store", **(headers or {})},
    )  # fmt: skip


def _digest(sha256: str) -> str:
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
