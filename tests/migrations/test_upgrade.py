"""A database that the first version filled (``seed_0001.sql.gz``, dumped from it) becomes one of today without losing a byte.

The seed: a city's budget down to three persons of one district; a payment, one of its lines returned; a list approved and
not yet paid; drafts, a refusal, closed months, 39 sealed leaves and a record that waits for its position.
"""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fundledger.db import migrate, roles
from fundledger.sealing.sequencer import Sequencer, connect
from fundledger.sealing.verify import verify_database
from tests import databases
from tests.databases import Database, TestServer, connected
from tests.soundness import assert_book_sound

SEED = Path(__file__).parent / "seed_0001.sql.gz"
KEPT = ("entry", "transfer", "approval", "instruction", "instruction_leg", "payment_list", "payment_line", "project",
        "procurement", "notice", "refusal", "period_close", "log_leaf", "account_balance")  # fmt: skip


@pytest.fixture
async def old(server: TestServer) -> AsyncIterator[Database]:
    """The seed's database, as the first version left it."""
    name = "fl_old"
    await databases.drop(server, name)
    async with connected(server.superuser_url) as connection:
        await roles.ensure_roles(connection, server.passwords)
        await connection.execute(f"CREATE DATABASE {name} OWNER {roles.OWNER}")
        await roles.let_in(connection, name)
    database = databases.describe(server, name)
    async with connected(database.superuser_url) as connection:
        await connection.execute(gzip.decompress(SEED.read_bytes()).decode())
    try:
        yield database
    finally:
        await databases.drop(server, name)


async def columns_of(database: Database) -> dict[str, list[str]]:
    """The columns of the tables that must not change."""
    query = """SELECT attname FROM pg_attribute WHERE attrelid = ('public.' || $1)::regclass AND attnum > 0
               AND NOT attisdropped"""
    async with connected(database.superuser_url) as connection:
        return {table: [row[0] for row in await connection.fetch(query, table)] for table in KEPT}


async def rows_of(database: Database, columns: dict[str, list[str]]) -> dict[str, list[str]]:
    """Every row of the tables that must not change, as text, without what later versions added."""
    async with connected(database.superuser_url) as connection:
        return {
            table: sorted(row[0] for row in await connection.fetch(
                f"SELECT to_jsonb(r)::text FROM (SELECT {', '.join(columns[table])} FROM public.{table}) r"))
            for table in KEPT
        }  # fmt: skip


async def open_seeded_lines(database: Database) -> None:
    """Give the seed's lines the openings that the service keeps of every line; its builders left them out."""
    async with connected(database.superuser_url) as connection:
        await connection.execute(
            """INSERT INTO public.payment_line_private (book, instruction_id, line_no, name_salt, card_salt, sealed)
               SELECT book, instruction_id, line_no, card_commitment, name_commitment, 'sealed' FROM public.payment_line"""
        )


async def test_an_old_database_keeps_every_record_and_leaf(old: Database) -> None:
    await open_seeded_lines(old)
    columns = await columns_of(old)
    before = await rows_of(old, columns)
    assert await migrate.current(old.owner_url) == "0001"
    await migrate.upgrade(old.owner_url)
    assert await migrate.current(old.owner_url) == migrate.head()
    after = await rows_of(old, columns)
    assert after == before
    assert len(before["log_leaf"]) == 39
    connection = await connect(old.service_url)
    try:
        await Sequencer(connection).seal_all()
        await assert_book_sound(connection)
    finally:
        await connection.close()
    report = await verify_database(old.service_url)
    assert report.first_fault is None, report


async def test_a_list_approved_under_the_first_version_meets_todays_rules(old: Database) -> None:
    await migrate.upgrade(old.owner_url)
    async with connected(old.service_url) as service:
        waiting = await service.fetchrow(
            """SELECT a.book, a.instruction_id FROM approval a JOIN payment_list p USING (book, instruction_id)
               WHERE NOT EXISTS (SELECT FROM entry e WHERE e.book = a.book AND e.instruction_id = a.instruction_id)"""
        )
        assert waiting is not None
        codes = {row["code"] for row in await service.fetch("SELECT code FROM payment_faults($1, $2)", *waiting)}
    # What the first version did not ask for is asked for now, by name; nothing about the money or the digest is wrong.
    assert codes == {
        "card-not-registered", "entitlement-outside-period", "officers-not-distinct", "project-not-published",
        "project-without-target",
    }  # fmt: skip
