"""A whole district year (tests/stories), played once: a log for tests that read, and a template for those that meddle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fundledger.sealing import keys
from tests import databases
from tests.builders import make_world
from tests.databases import TestServer
from tests.stories import test_district_year as story
from tests.stories.district_year.cast import begin
from tests.verifier.making import Log
from tests.web import running_api


@pytest.fixture(scope="session")
def year_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the year: its keys."""
    return tmp_path_factory.mktemp("played")


@pytest.fixture(scope="session")
async def year_template(server: TestServer, template_db: str, year_folder: Path) -> AsyncIterator[str]:
    """The name of a database with the year in it, nothing of it sealed; nobody may stay connected to it."""
    folder = year_folder
    async with databases.cloned(server, template_db) as database:
        async with (
            databases.connected(database.service_url) as service,
            databases.connected(database.owner_url) as owner,
            running_api(database, await make_world(service, owner), folder) as api,
        ):
            year = await begin(api)
            await story.money_comes_down(year)
            await story.projects_enter_the_library(year)
            await story.the_road_is_built(year)
            await story.households_get_their_award(year)
            await story.the_year_turns(year)
            await story.what_comes_after(year)
        yield database.name


@pytest.fixture(scope="module")
async def year_log(
    server: TestServer, year_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Log]:
    """The year, sealed and signed; for reading only."""
    async with (
        databases.cloned(server, year_template) as database,
        databases.connected(database.service_url) as service,
    ):
        log = Log.new(service, tmp_path_factory.mktemp("year"))
        await log.seal()
        yield log


@pytest.fixture
async def own_log(server: TestServer, year_template: str, tmp_path: Path) -> AsyncIterator[Log]:
    """The year, not yet sealed, of the test's own; `superuser` of it meddles."""
    async with (
        databases.cloned(server, year_template) as database,
        databases.connected(database.service_url) as service,
        databases.connected(database.superuser_url) as superuser,
    ):
        await superuser.execute("SET session_replication_role = replica")
        yield Log(service, tmp_path, keys.create(tmp_path / "log-keys.json", "test.example/bundle"), superuser)
