"""The story's district year as a sealed database that every test of accountants' files may read, made once a run."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fundledger.db.connection import Connection
from fundledger.exports.folder import Hashed, Progress
from fundledger.exports.parts import Format
from fundledger.exports.scope import Scope, settle
from fundledger.sealing.keys import KeyFile
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.signing import Signer
from fundledger.trail.starts import Subject
from tests import databases
from tests.builders import CITY, DISTRICT, make_world
from tests.databases import Database, TestServer
from tests.stories import test_district_year as told
from tests.stories.district_year.cast import Year, begin
from tests.web import running_api

BOOKS = (CITY, DISTRICT)


@dataclass
class Story:
    """The year that was told, and its database."""

    year: Year
    db: Database


@asynccontextmanager
async def district_year(server: TestServer, template: str, folder: Path) -> AsyncIterator[Story]:
    """Tell the year up to its end and seal it."""
    async with (
        databases.cloned(server, template) as db,
        databases.connected(db.service_url) as service,
        databases.connected(db.owner_url) as owner,
        running_api(db, await make_world(service, owner), folder) as api,
    ):
        year = await begin(api)
        for chapter in (told.money_comes_down, told.projects_enter_the_library, told.the_road_is_built,
                                told.households_get_their_award, told.the_year_turns, told.what_comes_after):  # fmt: skip
            await chapter(year)
        await Sequencer(service, signer=Signer(KeyFile(folder / "log-keys.json"))).seal_all()
        await owner.execute("ANALYZE")
        yield Story(year, db)


@asynccontextmanager
async def snapshot(reader: Connection) -> AsyncIterator[Connection]:
    """The transaction that formats are written in."""
    async with reader.transaction(isolation="repeatable_read", readonly=True):
        yield reader


async def files(reader: Connection, one: Format, scope: Scope) -> dict[str, bytes]:
    """Every part of an export by name."""
    found: dict[str, bytes] = {}
    async with snapshot(reader):
        async for part in one.parts(reader, scope):
            file, progress = io.BytesIO(), Progress()
            written = await one.write(reader, scope, Hashed(file, progress), part)
            assert written == part.rows or not part.rows
            assert progress.rows == written
            found[part.name] = file.getvalue()
    return found


async def whole(reader: Connection, position: int | None = None) -> Scope:
    """Both books of the story."""
    return await settle(reader, BOOKS, position=position)


async def of(reader: Connection, subject: Subject, book: int = DISTRICT) -> Scope:
    """One subject of the story."""
    return await settle(reader, BOOKS, book=book, subject=subject)
