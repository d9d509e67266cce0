"""Export jobs: made by the service, one or two at a time, resumable at any moment.

A job's files stand in a folder of its own under the data folder. Every part is written whole or not at all and kept in
the database when it is there; after a kill the next start goes on with the first part that is not, from the same scope,
so the result is the same to the byte. A refusal ends a job with its code; a database that is away does not. Two
services that share a data folder do not write one job at once (`_held`). The files of jobs that ended go after some
days.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.db.database import Database
from fundledger.db.refusals import refusal_of
from fundledger.errors import FundledgerError, problem
from fundledger.exports import records
from fundledger.exports.folder import MANIFEST, Progress, Written, fault_of, keep_json, manifest, write_part
from fundledger.exports.formats import format_for
from fundledger.exports.parts import Format, Part
from fundledger.exports.records import Job

log = logging.getLogger("fundledger.exports")

IDLE_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 5.0
SWEEP_SECONDS: Final = 3_600.0
DIRECT_AT_ONCE: Final = 2
"""How many exports are answered at once without a job."""


@dataclass(slots=True)
class Running:
    """A job under way: its parts, those that are done, and how far the next one is."""

    parts: list[Part] = field(default_factory=list)
    done: list[Written] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)


class Exports:
    """The exports of one service process; `start` and `stop` it with the process."""

    def __init__(self, database: Database, folder: Path, *, days: int, workers: int = 2) -> None:
        self._database, self._folder, self._days, self._workers = database, folder, days, workers
        self._running: dict[UUID, Running] = {}
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._direct = asyncio.Semaphore(DIRECT_AT_ONCE)

    def start(self) -> None:
        """Begin with the jobs that are open."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        self._tasks.append(asyncio.create_task(self._sweep()))

    async def stop(self) -> None:
        """Stop where we are; what is open goes on with the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """A job was added (its transaction commits in a moment)."""
        asyncio.get_running_loop().call_later(0.05, self._wake.set)

    def running(self, export_id: UUID) -> Running | None:
        """How far a job is, if it is under way here."""
        return self._running.get(export_id)

    def folder_of(self, export_id: UUID) -> Path:
        """Where a job's files are."""
        return self._folder / str(export_id)

    @property
    def folder(self) -> Path:
        """Where exports are, made if need be; `export-folder-unusable`."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise problem("export-folder-unusable") from error
        return self._folder

    @asynccontextmanager
    async def direct(self) -> AsyncIterator[None]:
        """One of the few exports answered at once; `exports-busy` when there are as many already."""
        if self._direct.locked():
            raise problem("exports-busy")
        async with self._direct:
            yield

    async def _work(self) -> None:
        while True:
            try:
                job = await self._next()
                if job is None:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
                    self._wake.clear()
                    continue
                try:
                    await self._run(job)
                finally:
                    del self._running[job.export_id]
            except Exception:
                log.exception("exports wait for the database")
                await asyncio.sleep(RETRY_SECONDS)

    async def _next(self) -> Job | None:
        async with self._database.driver() as connection:
            for job in await records.open_jobs(connection):
                if job.export_id not in self._running:
                    self._running[job.export_id] = Running()
                    return job
        return None

    async def _run(self, job: Job) -> None:
        """Do a job to its end, unless another process is at it; raises only when it has to be tried again."""
        try:
            with _held(self.folder, job) as ours:
                if ours:
                    await self._make(job)
                else:
                    await asyncio.sleep(RETRY_SECONDS)
        except Exception as error:
            await self._fail(job, error)

    async def _make(self, job: Job) -> None:
        """The same of a job that is held: what held it before may have ended it."""
        try:
            async with self._database.driver() as connection:
                if job in await records.open_jobs(connection):
                    folder = self.folder_of(job.export_id)
                    folder.mkdir(mode=0o700, exist_ok=True)
                    await make(connection, job, folder, self._running[job.export_id])
        except Exception as error:
            await self._fail(job, error)

    async def _fail(self, job: Job, error: Exception) -> None:
        """Keep why a job failed; raises `error` if it is only that the database is away."""
        refused = error if isinstance(error, FundledgerError) else refusal_of(error)
        if refused is not None and refused.code == "database-unavailable":
            raise error
        if refused is None:
            log.error("an export failed", exc_info=error)
        await asyncio.to_thread(shutil.rmtree, self.folder_of(job.export_id), ignore_errors=True)
        async with self._database.driver() as connection:
            await records.end(connection, job, "failed", "export-failed" if refused is None else refused.code)

    async def _sweep(self) -> None:
        while True:
            try:
                async with self._database.driver() as connection:
                    for job in await records.ended_before(connection, self._days):
                        await asyncio.to_thread(shutil.rmtree, self.folder_of(job.export_id), ignore_errors=True)
                        await records.end(connection, job, "expired")
            except Exception:
                log.exception("old exports wait for the database")
            await asyncio.sleep(SWEEP_SECONDS)


async def make(connection: Connection, job: Job, folder: Path, running: Running) -> None:
    """Write the parts of a job that are not there yet, its manifest, and that it is done."""
    form = format_for(job.format, job.scope)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        running.parts = [part async for part in form.parts(connection, job.scope)]
    kept = {part.number: part for part in await records.parts_done(connection, job)}
    for part in running.parts:
        running.done.append(await _part(connection, form, job, part, folder, kept.get(part.number), running.progress))
    who = {
        "export_id": str(job.export_id), "taken_by": str(job.staff_id), "unit_id": str(job.unit_id),
        "taken_at": job.taken_at.isoformat(),
    }  # fmt: skip
    log_then = await records.log_at(connection, job.scope.position)
    content = manifest(form, job.scope, who, log_then, running.done)
    await asyncio.to_thread(keep_json, folder / MANIFEST, content)
    await records.end(connection, job, "done")


async def _part(
    connection: Connection, form: Format, job: Job, part: Part, folder: Path, kept: Written | None, progress: Progress
) -> Written:
    if kept is not None and await asyncio.to_thread(fault_of, folder, kept) is None:
        return kept
    written = await write_part(connection, form, job.scope, part, folder, progress)
    if kept is not None and kept != written:
        raise problem("export-not-repeatable", part=part.name)
    await records.keep_part(connection, job, written)
    return written


@contextmanager
def _held(place: Path, job: Job) -> Iterator[bool]:
    """Whether the job is ours alone, among all that share the exports' folder, until the end of the block.

    The system frees the lock when its process dies. Lock files are never removed, so that two processes cannot lock two
    files of one name; there are 256 at most, and jobs that share one are done one after another.
    """
    descriptor = os.open(place / f".lock-{job.export_id.bytes[-1]:02x}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield _locked(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
