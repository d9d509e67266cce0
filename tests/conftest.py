"""Fixtures for every test: the server, the migrated template, a clone, and connections to it by role.

One event loop serves the whole session (see pyproject.toml), so an asynchronous fixture of the session may be used by
any test. FUNDLEDGER_TEST_DATABASE_URL runs the tests against a server that is already there (its roles
``fundledger_*`` get new passwords: name a server for tests only); FUNDLEDGER_PG_BIN embeds another PostgreSQL than the
wheel's, for instance version 15.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fundledger.db import account
from fundledger.db.connection import Connection
from tests import databases
from tests.builders import World, make_world
from tests.databases import Database, TestServer
from tests.web import Api, running_api


@pytest.fixture(autouse=True)
def no_cluster_is_left(tmp_path: Path) -> Iterator[None]:
    """As root the cluster of a test may stand outside the test's folder (`account.data_place`): it goes with it."""
    yield
    _discard_clusters(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def no_cluster_of_the_session_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The same for folders that several tests share."""
    yield
    _discard_clusters(tmp_path_factory.getbasetemp())


def _discard_clusters(folder: Path) -> None:
    for link in list(folder.rglob("store")):
        if link.is_symlink():
            account.discard(link.parent)


@pytest.fixture(scope="session")
def server() -> Iterator[TestServer]:
    """The PostgreSQL server of this run."""
    with databases.running_server() as running:
        yield running


@pytest.fixture(scope="session")
async def template_db(server: TestServer) -> AsyncIterator[str]:
    """The name of a database with all migrations; nobody may stay connected to it."""
    name = await databases.make_template(server)
    yield name
    await databases.drop(server, name)


@pytest.fixture
async def db(server: TestServer, template_db: str) -> AsyncIterator[Database]:
    """A database of the test's own."""
    async with databases.cloned(server, template_db) as database:
        yield database


@pytest.fixture
async def superuser(db: Database) -> AsyncIterator[Connection]:
    """A connection to the test's database that may do everything."""
    async with databases.connected(db.superuser_url) as connection:
        yield connection


@pytest.fixture
async def owner(db: Database) -> AsyncIterator[Connection]:
    """A connection as the role that owns the schema."""
    async with databases.connected(db.owner_url) as connection:
        yield connection


@pytest.fixture
async def service(db: Database) -> AsyncIterator[Connection]:
    """A connection as the role of the running service."""
    async with databases.connected(db.service_url) as connection:
        yield connection


@pytest.fixture
async def reader(db: Database) -> AsyncIterator[Connection]:
    """A connection as the role of auditors' own SQL."""
    async with databases.connected(db.reader_url) as connection:
        yield connection


@pytest.fixture
async def world(service: Connection, owner: Connection) -> World:
    """People, officers and a village in the test's own database (see `builders`)."""
    return await make_world(service, owner)


@pytest.fixture
async def api(db: Database, world: World, tmp_path: Path) -> AsyncIterator[Api]:
    """The service over the test's database, called in-process."""
    async with running_api(db, world, tmp_path) as client:
        yield client
