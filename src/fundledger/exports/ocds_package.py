"""Procurements (招投标) of a scope as release packages of the Open Contracting Data Standard 1.1, one file a book.

One release a procurement: its state as recorded when the scope's log position was sealed (procurements are not leaves
of the log, so the position counts by its time). Of a subject: the procurements of the projects that its lines name, and
those an organisation bid in. Valid by OCDS's own JSON Schema (tests/exports/test_ocds.py). One release is in memory.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.exports.parts import Format, Output, Part
from fundledger.exports.scope import Scope
from fundledger.exports.texts import Texts
from fundledger.exports.touching import some, used_accounts
from fundledger.projects.ocds import as_json, release_of

BIDS: Final = "https://raw.githubusercontent.com/open-contracting-extensions/ocds_bid_extension/v1.1.5/extension.json"
"""The extension that `bids` belongs to."""

_SEALED_AT: Final = "SELECT appended_at FROM log_leaf WHERE position = $1"
_NAME: Final = "SELECT name FROM book WHERE book = $1"
_ALL: Final = """SELECT c.procurement_id FROM procurement c
WHERE c.book = $1 AND c.version = 1 AND c.recorded_at <= $2 {which} ORDER BY c.procurement_id"""
_OF_PROJECTS: Final = "AND (c.project_id = ANY ($3::uuid[]) OR {of_bidder})"
_OF_BIDDER: Final = """EXISTS (SELECT FROM bid b WHERE b.book = c.book AND b.procurement_id = c.procurement_id
    AND b.bidder_id = $4::uuid)"""


async def _parts(connection: Connection, scope: Scope) -> AsyncIterator[Part]:
    """A package for every book that has procurements in the scope."""
    number = 0
    for book in scope.books:
        found = await _procurements(connection, scope, book)
        if found:
            number += 1
            yield Part(number, f"{book}.ocds.json", len(found), (book,))


def parts(connection: Connection, scope: Scope) -> AsyncIterator[Part]:
    """The files; `export-empty` if there is none."""
    return some(scope, _parts(connection, scope))


async def write(connection: Connection, scope: Scope, file: Output, part: Part) -> int:
    """Write the package of a book; the number of its releases."""
    (book,) = part.key
    until = await _sealed_at(connection, scope)
    found = await _procurements(connection, scope, book)
    head = json.dumps({
        "uri": f"urn:fundledger:ocds:{book}:{scope.position}", "version": "1.1", "extensions": [BIDS],
        "publishedDate": until.isoformat(), "publisher": {"name": await connection.fetchval(_NAME, book)},
    }, ensure_ascii=False)  # fmt: skip
    sink = Texts(file)
    await sink.put(head[:-1] + ', "releases": [')
    for number, procurement_id in enumerate(found):
        release = await release_of(connection, book, procurement_id, until)
        await sink.put((",\n" if number else "\n") + as_json(release))
        sink.count(1)
    await sink.put("\n]}\n")
    await sink.flush()
    return len(found)


async def _sealed_at(connection: Connection, scope: Scope) -> datetime:
    found: datetime = await connection.fetchval(_SEALED_AT, scope.position)
    return found


async def _procurements(connection: Connection, scope: Scope, book: int) -> list[UUID]:
    """The ids of the procurements in the scope; none before the log begins."""
    if scope.position < 0:
        return []
    which, more = await _narrowed(connection, scope, book)
    rows = await connection.fetch(_ALL.format(which=which), book, await _sealed_at(connection, scope), *more)
    return [row["procurement_id"] for row in rows]


async def _narrowed(connection: Connection, scope: Scope, book: int) -> tuple[str, list[Any]]:
    """Of a subject: a condition and its parameters."""
    if scope.subject is None:
        return "", []
    if scope.subject.kind == "procurement":
        return "AND c.procurement_id = $3::uuid", [scope.subject.ref]
    used = await used_accounts(connection, scope, book)
    projects = sorted({row["project_id"] for row in used if row["project_id"] is not None})
    if scope.subject.kind == "project":
        projects.append(scope.subject.ref)
    if scope.subject.kind == "organisation":
        return _OF_PROJECTS.format(of_bidder=_OF_BIDDER), [projects, scope.subject.ref]
    return _OF_PROJECTS.format(of_bidder="false"), [projects]


OCDS: Final = Format(
    "ocds",
    "application/json",
    ".json",
    "招投标数据（OCDS 1.1）",
    "procurement, OCDS 1.1 release packages",
    parts,
    write,
)
FORMATS: Final = (OCDS,)
