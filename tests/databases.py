"""The databases of the tests: a server, a migrated template, and a clone of it for each test.

A clone costs some ten milliseconds and behaves like the real thing: true commits, deferred checks, locks. Nothing is
mocked and no test sees what another one left. `conftest.py` makes the fixtures from this.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg

from fundledger.db import migrate, roles
from fundledger.db.connection import Connection
from fundledger.db.embedded import EmbeddedServer
from fundledger.db.urls import sqlalchemy_url, with_database

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
"""Server settings that trade the data after a power cut for speed; only a test may do that."""

MEMORY_NEEDED = 4 * 2**30


@dataclass(frozen=True, slots=True)
class TestServer:
    """A server that tests may make databases on. ``embedded`` is None when the developer named a running one."""

    __test__ = False

    superuser_url: str
    passwords: roles.Passwords
    embedded: EmbeddedServer | None


@dataclass(frozen=True, slots=True)
class Database:
    """One database as the superuser and the three roles see it; plain ``postgresql://`` URLs."""

    name: str
    superuser_url: str
    owner_url: str
    service_url: str
    reader_url: str
    server: TestServer = field(repr=False)

    @property
    def sqlalchemy_service_url(self) -> str:
        """The service's URL for ``create_async_engine``."""
        return sqlalchemy_url(self.service_url)


@contextmanager
def running_server() -> Iterator[TestServer]:
    """The server that FUNDLEDGER_TEST_DATABASE_URL names (a superuser's URL), or a throw-away embedded one."""
    named = os.environ.get("FUNDLEDGER_TEST_DATABASE_URL")
    if named:
        # Fixed, so that two runs on one server do not lock each other out.
        yield TestServer(named, roles.Passwords("test-owner", "test-service", "test-reader"), None)
        return
    with throw_away_server(FAST) as embedded:
        yield TestServer(embedded.superuser_url, roles.Passwords.generate(), embedded)


def memory_folder() -> str | None:
    """A file system in memory if the machine has one with room: a test's clone costs a fraction there; else None."""
    shared = Path("/dev/shm")
    roomy = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > MEMORY_NEEDED
    return str(shared) if roomy and "TMPDIR" not in os.environ else None


@contextmanager
def throw_away_server(settings: dict[str, str] | None = None) -> Iterator[EmbeddedServer]:
    """An embedded server of one's own, durable unless ``settings`` say otherwise; FUNDLEDGER_PG_BIN is honoured."""
    binaries = os.environ.get("FUNDLEDGER_PG_BIN")
    folder = Path(tempfile.mkdtemp(prefix="fundledger-test-", dir=memory_folder()))
    embedded = EmbeddedServer(folder, bin_dir=Path(binaries) if binaries else None, settings=settings)
    try:
        embedded.start()
        yield embedded
    finally:
        embedded.destroy()


async def make_template(server: TestServer) -> str:
    """Make the roles and a database with every migration and fresh statistics; return its name."""
    name = f"fl_template_{os.getpid()}"
    made = await roles.prepare(server.superuser_url, server.passwords, database=name)
    await migrate.upgrade(made.owner_url)
    async with connected(with_database(server.superuser_url, name)) as connection:
        await connection.execute("ANALYZE")
    return name


_numbers = count(1)


@asynccontextmanager
async def cloned(server: TestServer, template: str) -> AsyncIterator[Database]:
    """A copy of the template, dropped afterwards even if connections are still open."""
    name = f"fl_test_{os.getpid()}_{next(_numbers)}"
    async with connected(server.superuser_url) as connection:
        clone = f"CREATE DATABASE {name} OWNER {roles.OWNER} TEMPLATE {template} STRATEGY file_copy"
        await connection.execute(clone)
        await roles.let_in(connection, name)
    try:
        yield describe(server, name)
    finally:
        await drop(server, name)


def describe(server: TestServer, name: str) -> Database:
    """The URLs of a database of the test server."""
    made = roles.urls(server.superuser_url, server.passwords, name)
    superuser_url = with_database(server.superuser_url, name)
    return Database(name, superuser_url, made.owner_url, made.service_url, made.reader_url, server)


async def drop(server: TestServer, name: str) -> None:
    """Drop a database and end the sessions in it."""
    async with connected(server.superuser_url) as connection:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """A connection, closed afterwards whatever happened to it."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        connection.terminate() if connection.is_in_transaction() else await connection.close()
