"""The service's pool: the hottest connection first, and none that is dead, whoever closed it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from fundledger.db.connection import Connection
from fundledger.db.database import Database, driver_of
from tests import databases
from tests.databases import connected

BACKEND = "SELECT pg_backend_pid()"


@pytest.fixture
async def database(db: databases.Database) -> AsyncIterator[Database]:
    """A pool of three connections of the service's role."""
    made = Database(db.service_url, pool_size=3)
    yield made
    await made.dispose()


async def all_at_once(database: Database) -> list[Connection]:
    """Open every connection of the pool and give them back."""
    async with AsyncExitStack() as stack:
        return [await stack.enter_async_context(database.driver()) for _ in range(3)]


async def test_the_connection_that_was_used_last_is_used_next(database: Database) -> None:
    await all_at_once(database)
    async with database.driver() as connection:
        last = await connection.fetchval(BACKEND)
    for _ in range(5):
        async with database.driver() as connection:
            assert await connection.fetchval(BACKEND) == last


async def test_connections_that_the_server_closed_in_the_pool_are_replaced_unnoticed(
    db: databases.Database, database: Database
) -> None:
    idle = await all_at_once(database)
    async with connected(db.superuser_url) as superuser:
        for connection in idle:
            await superuser.execute("SELECT pg_terminate_backend($1, 5000)", connection.get_server_pid())
    for _ in range(1_000):
        if all(connection.is_closed() for connection in idle):
            break
        await asyncio.sleep(0.01)
    async with database.writing() as session:
        assert await (await driver_of(session)).fetchval("SELECT 1") == 1
    async with database.reading() as session:
        assert await (await driver_of(session)).fetchval("SELECT 2") == 2
    fresh = await all_at_once(database)
    assert not set(fresh) & set(idle)


async def test_a_connection_that_was_given_back_closed_is_not_handed_out_again(database: Database) -> None:
    async with database.driver() as lost:
        lost.terminate()
    async with database.driver() as connection:
        assert await connection.fetchval("SELECT 3") == 3


async def test_a_connection_that_was_given_back_inside_a_transaction_is_not_handed_out_again(
    database: Database,
) -> None:
    """The pool knows nothing of the driver's own transactions; what came next would be committed by nobody."""
    for command in ("BEGIN", "BEGIN; SELECT 1 / 0"):
        async with database.driver() as lost:
            with contextlib.suppress(asyncpg.DivisionByZeroError):
                await lost.execute(command)
            assert lost.is_in_transaction()
        async with database.driver() as connection:
            assert connection is not lost
            assert not connection.is_in_transaction()
