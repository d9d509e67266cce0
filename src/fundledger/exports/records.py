"""What is kept of exports: who took what (append-only), the finished parts of jobs, and how they ended.

A job's state is read off these records, so nothing is ever updated: without an outcome it is waiting or running.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.exports.folder import Written
from fundledger.exports.scope import Scope
from fundledger.sealing import tree

Way = Literal["direct", "job", "command"]
"""How an export was taken: answered at once, by a job of the service, by the command line."""
Outcome = Literal["done", "failed", "expired"]


@dataclass(frozen=True, slots=True)
class Job:
    """An export that the service makes: whose, what, since when, and how it ended (None: not yet)."""

    book: int
    export_id: UUID
    staff_id: UUID
    unit_id: UUID
    format: str
    scope: Scope
    taken_at: datetime
    outcome: Outcome | None
    reason: str | None


_RECORD: Final = """INSERT INTO export_record (book, export_id, staff_id, unit_id, way, format, scope, position)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""
_JOBS: Final = """SELECT r.*, o.outcome, o.reason FROM export_record r
    LEFT JOIN LATERAL (SELECT outcome, reason FROM export_outcome o WHERE o.book = r.book AND o.export_id = r.export_id
        ORDER BY (o.outcome = 'expired') DESC LIMIT 1) o ON true
    WHERE r.way = 'job' AND """


async def record(connection: Connection, caller: Caller, export_id: UUID, way: Way, form: str, scope: Scope) -> None:
    """Keep that this person takes this export. In the caller's transaction."""
    await record_as(connection, caller, export_id, way, form, scope.as_json(), scope.position)


async def record_as(
    connection: Connection, caller: Caller, export_id: UUID, way: Way, form: str, scope: dict[str, Any], position: int
) -> None:
    """The same of something that is no format of `formats`, such as a bundle."""
    text = json.dumps(scope, ensure_ascii=False)
    await connection.execute(
        _RECORD, caller.book, export_id, caller.staff_id, caller.unit_id, way, form, text, position
    )


async def job_of(connection: Connection, book: int, unit_id: UUID, export_id: UUID) -> Job:
    """A unit's own job; `export-not-found` for everybody else's."""
    row = await connection.fetchrow(
        _JOBS + "r.book = $1 AND r.export_id = $2 AND r.unit_id = $3", book, export_id, unit_id
    )
    if row is None:
        raise problem("export-not-found")
    return _job(row)


async def open_jobs(connection: Connection) -> list[Job]:
    """The jobs that have not ended, oldest first."""
    rows = await connection.fetch(_JOBS + "o.outcome IS NULL ORDER BY r.taken_at, r.export_id")
    return [_job(row) for row in rows]


async def ended_before(connection: Connection, days: int) -> list[Job]:
    """The jobs that ended more than so many days ago and whose files may go."""
    rows = await connection.fetch(
        _JOBS + "o.outcome IN ('done', 'failed') AND r.taken_at < clock_timestamp() - make_interval(days => $1)"
        " ORDER BY r.taken_at", days,
    )  # fmt: skip
    return [_job(row) for row in rows]


async def open_count(connection: Connection, book: int, unit_id: UUID) -> int:
    """How many jobs of a unit have not ended."""
    query = f"SELECT count(*) FROM ({_JOBS} o.outcome IS NULL AND r.book = $1 AND r.unit_id = $2) j"
    return int(await connection.fetchval(query, book, unit_id))


def _job(row: Any) -> Job:
    return Job(
        row["book"], row["export_id"], row["staff_id"], row["unit_id"], row["format"],
        Scope.from_json(json.loads(row["scope"])), row["taken_at"], row["outcome"], row["reason"],
    )  # fmt: skip


async def keep_part(connection: Connection, job: Job, part: Written) -> None:
    """A part is finished."""
    await connection.execute(
        "INSERT INTO export_part (book, export_id, number, name, rows, bytes, sha256) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        job.book, job.export_id, part.number, part.name, part.rows, part.bytes, bytes.fromhex(part.sha256),
    )  # fmt: skip


async def parts_done(connection: Connection, job: Job) -> list[Written]:
    """The finished parts of a job, in order."""
    rows: Sequence[Any] = await connection.fetch(
        "SELECT number, name, rows, bytes, sha256 FROM export_part WHERE book = $1 AND export_id = $2 ORDER BY number",
        job.book, job.export_id,
    )  # fmt: skip
    return [Written(row["number"], row["name"], row["rows"], row["bytes"], row["sha256"].hex()) for row in rows]


async def end(connection: Connection, job: Job, outcome: Outcome, reason: str | None = None) -> None:
    """How a job ended; a reason is a code of the catalogue."""
    await connection.execute(
        "INSERT INTO export_outcome (book, export_id, outcome, reason) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        job.book, job.export_id, outcome, reason,
    )  # fmt: skip


async def log_at(connection: Connection, position: int) -> dict[str, Any]:
    """The log up to a position: size, root (hex; None if there is no tree yet), the first checkpoint that covers it."""
    size = position + 1
    try:
        root: str | None = (await tree.root_at(connection, size)).hex()
    except tree.TreeBrokenError:
        root = None
    row = await connection.fetchrow(
        "SELECT size, note FROM log_checkpoint WHERE size >= $1 ORDER BY size LIMIT 1", size
    )
    return {
        "size": size, "root": root, "checkpoint_size": None if row is None else row["size"],
        "checkpoint": None if row is None else row["note"],
    }  # fmt: skip
