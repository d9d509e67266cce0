"""Power cuts: 32 clients on shared accounts while the database process is killed (SIGKILL) and started again.

The server is a durable one of the test's own. Clients repeat a call under the same key until it is answered. After every
round: nothing acknowledged is lost, nothing is there twice, no balance is wrong; and in the end every record has one
position of the log.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from fundledger.book.instructions import Leg
from fundledger.book.poster import Posted, Poster, Posting
from fundledger.db import migrate, roles
from fundledger.db.connection import Connection
from fundledger.db.database import Database as ServicePool
from fundledger.db.database import driver_of
from fundledger.db.embedded import EmbeddedServer
from fundledger.db.refusals import refusals
from fundledger.db.urls import with_database
from fundledger.errors import FundledgerError
from tests.book.lanes import approval_of, payment_of, posters, releases
from tests.builders import CITY, DISTRICT, World, append, make_world
from tests.databases import Database, connected, throw_away_server
from tests.soundness import assert_book_sound

CLIENTS = 32
EXPECTED_REFUSALS = {"balance-insufficient", "posting-refused"}


@dataclass
class Ground:
    """The server that is killed, and how to reach it."""

    server: EmbeddedServer
    urls: roles.DatabaseUrls


@dataclass
class Tally:
    """What the clients were told."""

    posted: dict[UUID, Posted] = field(default_factory=dict)
    refused: dict[UUID, str] = field(default_factory=dict)
    repeats: int = 0


@pytest.fixture
async def ground() -> AsyncIterator[Ground]:
    """A durable server with a migrated database."""
    with throw_away_server() as server:
        urls = await roles.prepare(server.superuser_url, roles.Passwords.generate())
        await migrate.upgrade(urls.owner_url)
        yield Ground(server, urls)


async def workload(world: World, count: int) -> list[Posting]:
    """Releases and payments on a few shared accounts; somewhat more than the money allows."""
    line = await world.adopt(100_000_000)
    allocations = [await world.allocate(line, 40 * count) for _ in range(3)]
    project, paying = await world.project(), await world.allocate(line, 8_000 * count)
    await world.release(paying, 8_000 * count)
    await world.post(
        DISTRICT,
        await world.draft(DISTRICT, "fund", [Leg(8_000 * count // 3, allocation_id=paying, project_id=project)]),
    )
    draw, postings = random.Random(count), []
    for number in range(count):
        legs = [Leg(draw.randint(50, 250), allocation_id=a) for a in draw.sample(allocations, 2)]
        postings.append(await approval_of(world, CITY, await world.draft(CITY, "release", legs)))
        if number % 2 == 0:
            postings.append(payment_of(world, await world.list_of(project, paying, await world.persons(1))))
    draw.shuffle(postings)
    return postings


async def client(poster: Poster, work: list[Posting], tally: Tally) -> None:
    """Post until there is no work; repeat what got no answer, under the same key."""
    while work:
        posting = work.pop()
        while True:
            try:
                tally.posted[posting.instruction_id] = await poster.post(posting)
                break
            except FundledgerError as error:
                if error.code != "database-unavailable":
                    tally.refused[posting.instruction_id] = error.code
                    break
            tally.repeats += 1
            await asyncio.sleep(0.05)


async def killed_again_and_again(ground: Ground, done: asyncio.Event, tally: Tally, kills: int) -> int:
    """Kill and restart the server while work goes on; the number of kills that met work."""
    met = 0
    while met < kills and not done.is_set():
        seen = len(tally.posted)
        while len(tally.posted) < seen + 25 and not done.is_set():  # noqa: ASYNC110 - a counter, not an event
            await asyncio.sleep(0.01)
        if done.is_set():
            break
        await asyncio.to_thread(ground.server.kill)
        await asyncio.to_thread(ground.server.restart)
        met += 1
    return met


async def assert_told_the_truth(ground: Ground, tally: Tally) -> None:
    """Every answer agrees with the book, and the book is sound."""
    async with connected(ground.urls.service_url) as service:
        await assert_book_sound(service)
        rows = await service.fetch("SELECT instruction_id, entry_id, recorded_at FROM entry WHERE entry_kind IN ('pay', 'release') AND book = "
                                   "CASE entry_kind WHEN 'pay' THEN $2::bigint ELSE $1::bigint END", CITY, DISTRICT)  # fmt: skip
    there = {row["instruction_id"]: row for row in rows}
    assert len(there) == len(rows)
    for instruction, answer in tally.posted.items():
        assert there[instruction]["entry_id"] == answer.entry_id, "an acknowledged posting is lost"
        assert there[instruction]["recorded_at"] == answer.recorded_at
    assert not tally.refused.keys() & there.keys(), "a refused posting is there"
    assert set(tally.refused.values()) <= EXPECTED_REFUSALS


async def drain_log(url: str) -> None:
    """Give every queued record a position, as the sequencer does, with made-up hashes."""
    async with connected(url) as service:
        while orders := [
            row["order_no"] for row in await service.fetch("SELECT order_no FROM log_queue ORDER BY 1 LIMIT 500")
        ]:
            hashes = [os.urandom(32) for _ in orders]
            await append(service, orders, hashes)
        await assert_book_sound(service)
        rows = await service.fetchrow(
            "SELECT count(*) = max(position) + 1 AS gapless, (SELECT count(*) FROM entry) - count(*) FILTER (WHERE kind = 'entry') "
            "AS missing FROM log_leaf"
        )
        assert rows is not None
        assert (rows["gapless"], rows["missing"]) == (True, 0)


async def run(ground: Ground, count: int, kills: int) -> None:
    """One run: a workload, its clients, the kills, and what must hold afterwards."""
    async with connected(ground.urls.service_url) as service, connected(ground.urls.owner_url) as owner:
        work = await workload(await make_world(service, owner), count)
    sent, tally, done = len(work), Tally(), asyncio.Event()
    async with posters(ground.urls.service_url, 2, pool_size=3) as lanes:
        killer = asyncio.create_task(killed_again_and_again(ground, done, tally, kills))
        await asyncio.gather(*(client(lanes[number % 2], work, tally) for number in range(CLIENTS)))
        done.set()
        met = await killer
    assert met >= min(kills, 2), "the work was over before the server was killed; give it more"
    assert tally.repeats > 0
    assert len(tally.posted) + len(tally.refused) == sent
    assert tally.refused, "nothing was refused: the accounts were not short"
    await assert_told_the_truth(ground, tally)
    await drain_log(ground.urls.service_url)


async def test_nothing_acknowledged_is_lost_and_nothing_doubled_when_the_server_is_killed(ground: Ground) -> None:
    await run(ground, 200, kills=5)


@pytest.mark.soak
async def test_the_same_for_longer(ground: Ground) -> None:
    await run(ground, 3_000, kills=60)


async def test_a_call_cut_off_by_the_kill_is_repeated_to_one_posting(ground: Ground) -> None:
    async with connected(ground.urls.service_url) as service, connected(ground.urls.owner_url) as owner:
        world = await make_world(service, owner)
        (posting,) = await releases(world, [await world.allocate(await world.adopt(100), 100)])
        boss_url = with_database(ground.server.superuser_url, ground.urls.name)
        async with posters(ground.urls.service_url, 1, pool_size=2) as (poster,), connected(boss_url) as boss:
            await hold_the_gate(boss)
            call = asyncio.create_task(poster.post(posting))
            await asyncio.sleep(0.3)
            await asyncio.to_thread(ground.server.kill)
            with pytest.raises(FundledgerError) as caught:
                await call
            assert caught.value.code == "database-unavailable"
            await asyncio.to_thread(ground.server.restart)
            answers = [await eventually(poster, posting) for _ in range(2)]
    assert [answer.replayed for answer in answers] == [False, True]
    assert answers[0].entry_id == answers[1].entry_id


async def eventually(poster: Poster, posting: Posting) -> Posted:
    """Post, again if the pool still holds connections of the dead server."""
    for _ in range(20):
        try:
            return await poster.post(posting)
        except FundledgerError as error:
            if error.code != "database-unavailable":
                raise
    raise AssertionError("the poster did not recover")


async def hold_the_gate(boss: Connection) -> None:
    """Keep the balances locked, so that a posting stands in the middle of its call."""
    await boss.execute("BEGIN; LOCK TABLE account_balance IN ACCESS EXCLUSIVE MODE")


@pytest.mark.parametrize("way", ["driver", "writing", "reading"])
async def test_a_pool_recovers_from_connections_that_died_in_use(way: str, db: Database) -> None:
    pool = ServicePool(db.service_url, pool_size=1)
    try:
        for attempt in range(4):
            try:
                with refusals():
                    await use(pool, way, kill_by=db.superuser_url if attempt == 0 else None)
            except FundledgerError as error:
                if error.code != "database-unavailable":
                    raise
            else:
                assert attempt > 0, "the connection did not die"
                return
        raise AssertionError("the pool still hands out the dead connection")
    finally:
        await pool.dispose()


async def use(pool: ServicePool, way: str, kill_by: str | None) -> None:
    """Ask something twice on one connection of the pool; end it in between if a superuser's URL is given."""
    async with AsyncExitStack() as stack:
        if way == "driver":
            connection = await stack.enter_async_context(pool.driver())
        else:
            session = await stack.enter_async_context(pool.writing() if way == "writing" else pool.reading())
            connection = await driver_of(session)
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        if kill_by is not None:
            async with connected(kill_by) as superuser:
                await superuser.fetchval("SELECT pg_terminate_backend($1, 5000)", backend)
        await connection.fetchval("SELECT 1")
