"""A database that went back in time, or is there twice, is not signed with keys that have signed what it lacks."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fundledger.sealing import keys, sequencer
from fundledger.sealing.keys import KeyFile
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.signing import HEAD_FILE, HistoryError, Signer
from tests.builders import World, make_world
from tests.databases import Database, TestServer, cloned, connected
from tests.sealing.promises import assert_promises_kept
from tests.sealing.test_signed_tree import grow
from tests.tidy.sources import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the keys of a log."""
    keys.create(tmp_path / "log-keys.json", "restored.example/log")
    return tmp_path


@asynccontextmanager
async def sealing(db: Database, folder: Path) -> AsyncIterator[tuple[Sequencer, World]]:
    """A sequencer with the folder's keys, and a world to make records in."""
    async with connected(db.service_url) as service, connected(db.owner_url) as owner:
        connection = await sequencer.connect(db.service_url)
        made = await owner.fetchval("SELECT EXISTS (SELECT FROM staff)")
        world = World(service, owner) if made else await make_world(service, owner)
        try:
            yield Sequencer(connection, signer=Signer(KeyFile(folder / "log-keys.json"))), world
        finally:
            await connection.close()


async def post_some(db: Database, folder: Path, count: int) -> None:
    async with sealing(db, folder) as (one, world):
        for _ in range(count):
            await record(world)
        await one.seal_all()


async def record(world: World) -> None:
    """One record more; needs nobody of the world."""
    person = await world.owner.fetchrow(
        "SELECT book, staff_id FROM staff WHERE book = 420100 ORDER BY staff_id LIMIT 1"
    )
    assert person is not None
    await world.service.execute(
        "SELECT record_refusal($1, gen_random_uuid(), 'balance-insufficient', $2, 'POST /v1/x', NULL, $3, '{}')",
        person["book"], person["staff_id"], os.urandom(32),
    )  # fmt: skip


async def test_a_copy_taken_earlier_is_refused_and_the_newest_is_signed_on(
    server: TestServer, template_db: str, folder: Path
) -> None:
    async with cloned(server, template_db) as first:
        await post_some(first, folder, 3)
        async with cloned(server, first.name) as backup:
            await post_some(first, folder, 2)
            head = (folder / HEAD_FILE).read_text()
            with pytest.raises(HistoryError, match="does not contain what its key signed"):
                await post_some(backup, folder, 5)
            async with connected(backup.superuser_url) as looking:
                assert await looking.fetchval("SELECT count(*) FROM log_checkpoint") == 1
            assert (folder / HEAD_FILE).read_text() == head
            assert await command(backup, folder) == (3, True)
        async with cloned(server, first.name) as restored:
            await post_some(restored, folder, 1)
            async with connected(restored.service_url) as looking:
                assert await assert_promises_kept(looking, folder, []) == 3


async def test_a_copy_of_the_same_length_with_other_records_is_refused(
    server: TestServer, template_db: str, folder: Path
) -> None:
    """Records that were made after the copy was taken, as many as the original has."""
    async with cloned(server, template_db) as first:
        await post_some(first, folder, 3)
        async with cloned(server, first.name) as backup:
            await post_some(first, folder, 2)
            async with sealing(backup, folder) as (_, world):
                for _ in range(4):
                    await record(world)
                unsigned = Sequencer(world.service)
                await unsigned.seal_all()
            with pytest.raises(HistoryError):
                await post_some(backup, folder, 1)


async def test_of_two_databases_that_part_ways_only_one_is_signed(
    server: TestServer, template_db: str, folder: Path
) -> None:
    """Both sequencers run already when the histories part: the second to sign is stopped, whichever it is."""
    async with cloned(server, template_db) as first:
        await post_some(first, folder, 3)
        async with cloned(server, first.name) as second:
            async with sealing(first, folder) as (one, world), sealing(second, folder) as (two, other):
                await one.start()
                await two.start()
                await record(other)
                await two.seal_all()
                await record(world)
                with pytest.raises(HistoryError):
                    await one.seal_all()
                await record(other)
                await two.seal_all()
            async with connected(second.service_url) as looking:
                assert await assert_promises_kept(looking, folder, []) == 3


async def test_a_new_log_is_begun_on_purpose_only(server: TestServer, template_db: str, folder: Path) -> None:
    """After keys or history were lost for good: keys made since, of a new name, in a folder without the old head."""
    async with cloned(server, template_db) as database:
        await post_some(database, folder, 3)
        (folder / "log-keys.json").unlink()
        keys.create(folder / "log-keys.json", "restored.example/log-2")
        with pytest.raises(HistoryError, match="not theirs"):
            await post_some(database, folder, 1)
        (folder / HEAD_FILE).unlink()
        await post_some(database, folder, 1)
        async with connected(database.service_url) as looking:
            notes = [row["note"] for row in await looking.fetch("SELECT note FROM log_checkpoint ORDER BY size")]
    assert [note.split("\n")[0] for note in notes] == ["restored.example/log", "restored.example/log-2"]


async def test_a_damaged_head_is_no_reason_to_go_on(world: World, db: Database, folder: Path) -> None:
    async with connected(db.service_url) as connection:
        await Sequencer(connection, signer=Signer(KeyFile(folder / "log-keys.json"))).seal_all()
        await grow(world, 1)
        for damage in (b"", b"x", b"\xff\xfe", (folder / HEAD_FILE).read_bytes().replace(b"\n2", b"\n3", 1)[:-9]):
            (folder / HEAD_FILE).write_bytes(damage)
            with pytest.raises(HistoryError):
                await Sequencer(connection, signer=Signer(KeyFile(folder / "log-keys.json"))).seal_all()


async def command(db: Database, folder: Path) -> tuple[int | None, bool]:
    """`fundledger sequence`: its exit code, and whether it named the refusal."""
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT / "src"), "FUNDLEDGER_DATABASE_URL": db.service_url,
        "FUNDLEDGER_DATA_DIR": str(folder),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fundledger", "sequence", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    return process.returncode, b"[log-history-broken]" in err
