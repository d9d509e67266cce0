"""refresh_statistics: the service may refresh the tables it fills, and nothing else."""

from __future__ import annotations

import asyncpg
import pytest

from fundledger.db.connection import Connection
from tests.builders import World
from tests.databases import Database, connected


async def estimated_rows(connection: Connection, table: str) -> int:
    """What the planner believes the table to hold."""
    return int(await connection.fetchval("SELECT reltuples FROM pg_class WHERE oid = $1::regclass", table))


async def test_the_planner_knows_a_load_afterwards_also_within_its_transaction(world: World) -> None:
    async with world.service.transaction():
        await world.persons(300)
        await world.service.execute("SELECT refresh_statistics('{household,person}')")
    assert await estimated_rows(world.service, "household") == 300
    assert await estimated_rows(world.service, "person") == 300
    assert await estimated_rows(world.service, "registry_status") != 300


@pytest.mark.parametrize(
    "tables", ["{token}", "{household,staff}", '{"household; DROP TABLE person"}', "{pg_class}", "{NULL}"]
)
async def test_another_table_is_refused(service: Connection, tables: str) -> None:
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await service.execute("SELECT refresh_statistics($1::text::text[])", tables)


async def test_the_reader_may_not(reader: Connection) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute("SELECT refresh_statistics('{household}')")


async def test_a_table_under_analysis_elsewhere_is_skipped_and_not_waited_for(db: Database, world: World) -> None:
    async with connected(db.service_url) as other, other.transaction():
        await other.execute("SELECT refresh_statistics('{household}')")
        await world.service.execute("SET lock_timeout = '2s'")
        await world.service.execute("SELECT refresh_statistics('{household,person}')")
