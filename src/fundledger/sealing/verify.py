"""`fundledger verify --database`: does everything derived still follow from the records, and each leaf from its record?

Reads in one snapshot, as the reader or the service; changes nothing. First the `checks` in SQL, then what is computed
again in Python: the content digest that was approved (so that the database is not asked about itself) and, in one pass,
the whole log (`recheck`). The first fault of each check is named with its record. Records that were changed together
with their leaves, nodes and checkpoints are found by who has the log's verifier key, or, if that key itself signed the
change, by who kept a checkpoint elsewhere (a witness).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from fundledger.db.connection import Connection
from fundledger.sealing.checks import CHECKS
from fundledger.sealing.content import digests
from fundledger.sealing.progress import Told, silent
from fundledger.sealing.recheck import TITLES, Fault, Trust, recheck
from fundledger.sealing.records import prefer_indexes

PAGE = 1_000
_APPROVALS = """SELECT book, approval_id, instruction_id, content_sha256 FROM approval
    WHERE (book, approval_id) > ($1, $2) ORDER BY book, approval_id LIMIT $3"""
_STATE = """SELECT (SELECT coalesce(max(position) + 1, 0) FROM log_leaf) AS size,
    (SELECT count(*) FROM log_queue) AS waiting"""

NOBODY = Trust()
"""No key is known: what is signed is compared, but no signature is verified."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One check and the first place where it fails."""

    name: str
    title_zh: str
    title_en: str
    fault: Fault | None


@dataclass(slots=True)
class Report:
    """What was checked, how long the log is, how many records wait for a position.

    `unverified`: checkpoints and cosignatures whose signatures are of keys that nobody named.
    """

    size: int
    waiting: int
    unverified: int = 0
    checks: list[Checked] = field(default_factory=list)

    @property
    def first_fault(self) -> Checked | None:
        """The first check that failed."""
        return next((check for check in self.checks if check.fault is not None), None)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "sound": self.first_fault is None, "log_size": self.size, "waiting": self.waiting,
            "unverified_signatures": self.unverified,
            "checks": [{"name": c.name, "zh": c.title_zh, "en": c.title_en, "fault": c.fault} for c in self.checks],
        }  # fmt: skip


async def verify_database(url: str, trust: Trust = NOBODY, told: Told = silent) -> Report:
    """Run every check in one read-only snapshot; takes no locks. Signatures of keys nobody trusts are counted only."""
    connection: Connection = await asyncpg.connect(url, timeout=30, server_settings={"jit": "off"})
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await verify(connection, trust, told)
    finally:
        await connection.close()


async def verify(connection: Connection, trust: Trust = NOBODY, told: Told = silent) -> Report:
    """Run every check in the caller's snapshot."""
    state = await connection.fetchrow(_STATE)
    assert state is not None
    report = Report(state["size"], state["waiting"])
    for number, check in enumerate(CHECKS):
        told("totals", number, len(CHECKS))
        row = await connection.fetchrow(check.query)
        fault = None if row is None else _named(row.items())
        report.checks.append(Checked(check.name, check.title_zh, check.title_en, fault))
    # What follows looks records up by key; the checks above read whole tables.
    await prefer_indexes(connection)
    report.checks.append(await _contents(connection))
    found = await recheck(connection, trust, told, report.size)
    report.checks += [Checked(name, zh, en, found.faults.get(name)) for name, (zh, en) in TITLES.items()]
    report.unverified = found.unverified
    return report


async def _contents(connection: Connection) -> Checked:
    async def wrong(rows: list[asyncpg.Record]) -> Fault | None:
        made = await digests(connection, [(row["book"], row["instruction_id"]) for row in rows])
        for row in rows:
            found = made.get((row["book"], row["instruction_id"]))
            if found != row["content_sha256"]:
                found_text = None if found is None else found.hex()
                return _named([*row.items(), ("computed", found_text)])
        return None

    fault = await _first(_pages(connection, _APPROVALS, (0, UUID(int=0)), ("book", "approval_id")), wrong)
    return Checked("approved-content-unchanged", "审批后内容未变", "what was approved is what is recorded", fault)


async def _first(
    pages: AsyncIterator[list[asyncpg.Record]], wrong: Callable[[list[asyncpg.Record]], Awaitable[Fault | None]]
) -> Fault | None:
    async for rows in pages:
        fault = await wrong(rows)
        if fault is not None:
            return fault
    return None


async def _pages(
    connection: Connection, query: str, start: tuple[object, ...], key: tuple[str, ...]
) -> AsyncIterator[list[asyncpg.Record]]:
    """A whole table by keyset, PAGE rows at a time."""
    after = start
    while rows := await connection.fetch(query, *after, PAGE):
        yield rows
        after = tuple(rows[-1][name] for name in key)


def _named(items: Iterable[tuple[str, Any]]) -> Fault:
    """A row as JSON: ids, days and hashes as text, books and fen as they are."""
    return {name: _plain(value) for name, value in items}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, UUID | date | datetime):
        return str(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | bool) else str(value)
