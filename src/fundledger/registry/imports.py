"""One upload to the registry (导入批次): previewed or kept, recorded with what it made, answered again on a replay.

A preview runs the very same statements in a savepoint that is rolled back, so it says what keeping would say. The
record is what a repeated idempotency key is answered from. After a large upload the tables' statistics are refreshed
in the same transaction: pooled connections keep plans made when the tables were empty.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection

ImportKind = Literal["households", "statuses", "roster", "cards"]

STATISTICS_ROWS = 1000
"""Uploads of more lines than this refresh the statistics of the tables they filled."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What an upload made: rows of each kind, and the lines it was read from."""

    line_count: int = 0
    household_count: int = 0
    person_count: int = 0
    status_count: int = 0
    member_count: int = 0


@dataclass(frozen=True, slots=True)
class Import:
    """An upload that was kept (`import_id`) or previewed (None)."""

    import_id: UUID | None
    kind: str
    counts: Counts


@asynccontextmanager
async def tentative(connection: Connection, preview: bool) -> AsyncIterator[None]:
    """A savepoint inside the caller's transaction: kept, or rolled back at the end when it was only a preview."""
    savepoint = connection.transaction()
    await savepoint.start()
    try:
        yield
    except BaseException:
        await savepoint.rollback()
        raise
    if preview:
        await savepoint.rollback()
    else:
        await savepoint.commit()


@dataclass(frozen=True, slots=True)
class Limits:
    """What every upload is measured by: Beijing's today, and how many lines a list may have (list_lines_max)."""

    today: date
    max_lines: int


async def limits(connection: Connection) -> Limits:
    """Today's limits."""
    row = await connection.fetchrow(
        "SELECT shanghai_today() AS today, parameter_value('list_lines_max', shanghai_today()) AS max_lines"
    )
    assert row is not None
    return Limits(row["today"], int(row["max_lines"] or 0))


_RECORD = """
INSERT INTO registry_import (book, import_id, kind, request_sha256, line_count, household_count, person_count,
    status_count, member_count, recorded_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def record_import(
    connection: Connection, caller: Caller, book: int, import_id: UUID, kind: ImportKind, request_sha256: bytes,
    counts: Counts, tables: Sequence[str],
) -> None:  # fmt: skip
    """Keep the record of an upload, and refresh statistics of the tables it filled if it was a large one."""
    await connection.execute(_RECORD, book, import_id, kind, request_sha256, *astuple(counts), caller.staff_id)
    if counts.line_count > STATISTICS_ROWS:
        await connection.execute("SELECT refresh_statistics($1)", list(tables))


async def import_of(connection: Connection, book: int, import_id: UUID) -> Import:
    """A kept upload by its id."""
    row = await connection.fetchrow(
        "SELECT kind, line_count, household_count, person_count, status_count, member_count FROM registry_import "
        "WHERE book = $1 AND import_id = $2", book, import_id,
    )  # fmt: skip
    assert row is not None, "a claimed key names its import"
    return Import(import_id, row["kind"], Counts(*list(row.values())[1:]))
