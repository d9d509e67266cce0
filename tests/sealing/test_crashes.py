"""Sealing and signing, killed anywhere: no gap, no fork, no broken promise.

The sequencer's process is killed (SIGKILL) at random moments while postings go on, the server is killed under it, it is
broken off between appending, writing the head and storing the checkpoint, and two of them work at once. Afterwards
everything in `promises` must hold.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fundledger.book.poster import Posted, Poster
from fundledger.db import migrate, roles
from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.sealing import keys, sequencer, signing
from fundledger.sealing.keys import KeyFile
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.signing import HEAD_FILE, Signer
from tests.book.lanes import posters, releases
from tests.builders import World, make_world
from tests.databases import Database, connected, throw_away_server
from tests.sealing.promises import assert_promises_kept
from tests.sealing.test_sequencer import year
from tests.sealing.test_signed_tree import grow
from tests.tidy.sources import ROOT

COMMAND = (sys.executable, "-m", "fundledger", "sequence")


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the keys of a log."""
    keys.create(tmp_path / "log-keys.json", "crash.example/log")
    return tmp_path


def signer(folder: Path) -> Signer:
    return Signer(KeyFile(folder / "log-keys.json"))


async def seal_rest(url: str, folder: Path, posted: list[Posted]) -> int:
    """What a sequencer does that is started once more; everything must hold then."""
    connection = await sequencer.connect(url)
    try:
        await Sequencer(connection, signer=signer(folder)).seal_all()
        return await assert_promises_kept(connection, folder, posted)
    finally:
        await connection.close()


async def post_until(done: asyncio.Event, world: World, poster: Poster, allocation: UUID) -> list[Posted]:
    """Small postings, a few at a time, until told; the answers. A posting that met a dead server is left."""
    posted: list[Posted] = []
    while not done.is_set():
        try:
            batch = await releases(world, [allocation] * 4)
            answers = await asyncio.gather(*map(poster.post, batch), return_exceptions=True)
        except Exception:
            await asyncio.sleep(0.1)
            continue
        for answer in answers:
            if isinstance(answer, Posted):
                posted.append(answer)
            elif not isinstance(answer, FundledgerError):
                raise answer
    return posted


@asynccontextmanager
async def posting(url: str, world: World, found: list[Posted]) -> AsyncIterator[None]:
    """Post in the background; `found` has the answers afterwards."""
    allocation = await world.allocate(await world.adopt(100_000_000), 100_000_000)
    done = asyncio.Event()
    async with posters(url, 1) as (poster,):
        task = asyncio.create_task(post_until(done, world, poster, allocation))
        try:
            yield
        finally:
            done.set()
            found += await task


async def test_the_sequencer_killed_at_random_moments(world: World, db: Database, folder: Path) -> None:
    draw, posted = random.Random(4), list[Posted]()
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT / "src"), "FUNDLEDGER_DATABASE_URL": db.service_url,
        "FUNDLEDGER_DATA_DIR": str(folder),
    }  # fmt: skip
    met = 0
    async with posting(db.service_url, world, posted), connected(db.service_url) as looking:
        for _ in range(4):
            process = await asyncio.create_subprocess_exec(*COMMAND, env=environment, stderr=subprocess.DEVNULL)
            size = await looking.fetchval("SELECT count(*) FROM log_leaf")
            for _ in range(400):
                if await looking.fetchval("SELECT count(*) FROM log_leaf") > size:
                    met += 1
                    break
                await asyncio.sleep(0.02)
            await asyncio.sleep(draw.random() / 2)
            process.send_signal(signal.SIGKILL)
            await process.wait()
    assert met == 4
    assert len(posted) > 20
    assert await seal_rest(db.service_url, folder, posted) > 3


async def test_the_server_killed_under_sequencer_and_postings(folder: Path) -> None:
    draw, posted = random.Random(7), list[Posted]()
    with throw_away_server() as server:
        urls = await roles.prepare(server.superuser_url, roles.Passwords.generate())
        await migrate.upgrade(urls.owner_url)
        stop, first = asyncio.Event(), None
        running = asyncio.create_task(sequencer.run(urls.service_url, stop, signer(folder)))
        for _ in range(3):
            async with connected(urls.service_url) as service, connected(urls.owner_url) as owner:
                world = replace(first, service=service, owner=owner) if first else await make_world(service, owner)
                first = world
                async with posting(urls.service_url, world, posted):
                    await asyncio.sleep(1 + draw.random())
                    await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.restart)
        stop.set()
        await running
        assert len(posted) > 20
        assert await seal_rest(urls.service_url, folder, posted) > 3


Break = Callable[[pytest.MonkeyPatch], None]


def after(target: Any, name: str) -> Break:
    """Break off right after a method did its work."""

    def install(monkeypatch: pytest.MonkeyPatch) -> None:
        original = getattr(target, name)

        def then_end(*arguments: Any) -> None:
            original(*arguments)
            raise Killed

        monkeypatch.setattr(target, name, then_end)

    return install


def instead_of(target: Any, name: str) -> Break:
    """Break off right before a call."""

    def install(monkeypatch: pytest.MonkeyPatch) -> None:
        def end(*arguments: Any) -> None:
            raise Killed

        monkeypatch.setattr(target, name, end)

    return install


POINTS: dict[str, Break] = {
    "appended, not signed": instead_of(signing.Signer, "sign"),
    "signed, head not written": instead_of(signing, "write_whole"),
    "head written, not stored": after(signing, "write_whole"),
}


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS.keys())
async def test_broken_off_between_append_head_and_checkpoint(
    world: World, db: Database, folder: Path, point: Break
) -> None:
    await year(world)
    async with connected(db.service_url) as connection:
        await Sequencer(connection, signer=signer(folder)).seal_all()
        before = await connection.fetchval("SELECT max(size) FROM log_checkpoint")
        await grow(world, 3)
        with pytest.MonkeyPatch.context() as monkeypatch:
            point(monkeypatch)
            with pytest.raises(Killed):
                await Sequencer(connection, signer=signer(folder)).seal_all()
        assert await connection.fetchval("SELECT max(size) FROM log_checkpoint") == before
        assert await connection.fetchval("SELECT count(*) FROM log_leaf") == before + 3
    assert await seal_rest(db.service_url, folder, []) == 2
    await grow(world, 2)
    assert await seal_rest(db.service_url, folder, []) == 3


async def test_a_head_that_stayed_behind_is_brought_forward(world: World, db: Database, folder: Path) -> None:
    async with connected(db.service_url) as connection:
        await Sequencer(connection, signer=signer(folder)).seal_all()
        old = (folder / HEAD_FILE).read_text()
        await grow(world, 3)
        await Sequencer(connection, signer=signer(folder)).seal_all()
        new = (folder / HEAD_FILE).read_text()
        (folder / HEAD_FILE).write_text(old)
        await signer(folder).check(connection)
        assert (folder / HEAD_FILE).read_text() == new != old


async def test_two_sequencers_with_one_key_and_sessions_that_are_ended(
    world: World, db: Database, folder: Path, superuser: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaders change at random, and sometimes there are two: the lock's session is ended while its holder works."""
    monkeypatch.setattr(sequencer, "RECONNECT_MS", (20,))
    monkeypatch.setattr(sequencer, "FOLLOWER_MS", 20)
    monkeypatch.setattr(sequencer, "PACE_MS", 10)
    draw, posted, stop = random.Random(11), list[Posted](), asyncio.Event()
    async with posting(db.service_url, world, posted):
        running = [asyncio.create_task(sequencer.run(db.service_url, stop, signer(folder))) for _ in range(3)]
        ended = 0
        for _ in range(15):
            await asyncio.sleep(0.1 + draw.random() / 4)
            ended += await superuser.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted "
                "AND objid = $1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                sequencer.LEADER_LOCK,
            )  # fmt: skip
    stop.set()
    await asyncio.gather(*running)
    assert ended > 5
    assert await seal_rest(db.service_url, folder, posted) > 3


async def test_two_sequencers_that_both_believe_they_lead(world: World, db: Database, folder: Path) -> None:
    """Without any leader's lock: `log_append` and `log_sign` let one of two through."""

    async def seal(connection: Connection, done: asyncio.Event) -> None:
        while not done.is_set():
            sealing = Sequencer(connection, signer=signer(folder))
            try:
                await sealing.seal_batch(3)
                await sealing.checkpoint(now=True)
            except Exception as error:
                if getattr(error, "sqlstate", None) != "FL002":
                    raise
            await asyncio.sleep(0)

    posted, done = list[Posted](), asyncio.Event()
    async with connected(db.service_url) as one, connected(db.service_url) as two:
        async with posting(db.service_url, world, posted):
            both = [asyncio.create_task(seal(connection, done)) for connection in (one, two)]
            await asyncio.sleep(2)
        done.set()
        await asyncio.gather(*both)
    assert await seal_rest(db.service_url, folder, posted) > 5


async def test_a_clock_that_was_set_back_makes_no_time_go_backwards(
    world: World, db: Database, folder: Path, superuser: Connection
) -> None:
    await seal_rest(db.service_url, folder, [])
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute(
        "UPDATE log_leaf SET appended_at = now() + interval '1 hour' WHERE position = (SELECT max(position) FROM log_leaf)"
    )
    await superuser.execute("UPDATE log_checkpoint SET signed_at = now() + interval '2 hours'")
    await grow(world, 2)
    await seal_rest(db.service_url, folder, [])
    times = [row[0] for row in await superuser.fetch("SELECT appended_at FROM log_leaf ORDER BY position")]
    assert times == sorted(times)
    signed = [row[0] for row in await superuser.fetch("SELECT signed_at FROM log_checkpoint ORDER BY size")]
    assert len(signed) == 2
    assert signed == sorted(signed)
