"""The sequencer: every committed record gets one position, in an order that fits the accounts, whatever is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.book.poster import Posting, post_now
from fundledger.db.connection import Connection
from fundledger.ids import new_id
from fundledger.sealing import passing, sequencer
from fundledger.sealing.keys import KeyFile
from fundledger.sealing.merkle import root
from fundledger.sealing.records import Accounts, Ref, leaves
from fundledger.sealing.sequencer import Sequencer, connect
from fundledger.sealing.signing import Signer
from tests.builders import CITY, DISTRICT, World, append
from tests.databases import Database, connected
from tests.tidy.sources import ROOT


async def year(world: World, *, payees: int = 3) -> tuple[UUID, UUID]:
    """A small fund year: adopt, allocate, release, fund, pay; the allocation and the payment's entry."""
    allocation = await world.funded(10_000_000)
    project = await world.project()
    fund = [Leg(5_000_000, allocation_id=allocation, project_id=project)]
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", fund))
    paid = await world.pay(await world.list_of(project, allocation, await world.persons(payees)))
    return allocation, paid.entry_id


async def refuse(connection: Connection, world: World) -> UUID:
    """Record a refusal whose detail has numbers that JSON readers do not agree on."""
    refusal = new_id()
    await connection.execute(
        "SELECT record_refusal($1, $2, 'balance-insufficient', $3, 'POST /v1/x', NULL, $4, $5)",
        CITY, refusal, world.who("city-approver").staff_id, os.urandom(32),
        '{"params": {"big": 12345678901234567890, "part": 1.5, "small": -7}, "faults": []}',
    )  # fmt: skip
    return refusal


async def positions(connection: Connection) -> list[asyncpg.Record]:
    return await connection.fetch("SELECT * FROM log_leaf ORDER BY position")


async def assert_log_fits(connection: Connection) -> None:
    """Gapless, nothing left over, every hash that of its record, and totals that only rise along the log."""
    rows = await positions(connection)
    assert [row["position"] for row in rows] == list(range(len(rows)))
    assert await connection.fetchval("SELECT count(*) FROM log_queue") == 0
    refs = [Ref(row["book"], row["kind"], row["record_id"], row["version"]) for row in rows]
    made = await leaves(connection, refs, Accounts())
    assert [leaf.leaf_hash for leaf in made] == [row["leaf_hash"] for row in rows]
    assert [leaf.lines_root for leaf in made] == [row["lines_root"] for row in rows]
    for side in ("debit", "credit"):
        wrong = await connection.fetch(f"""
            SELECT * FROM (
                SELECT t.{side}_before AS before, lag(t.{side}_before) OVER (
                    PARTITION BY t.book, t.{side}_account ORDER BY l.position, t.line_no) AS earlier
                FROM transfer t JOIN log_leaf l ON l.book = t.book AND l.kind = 'entry' AND l.record_id = t.entry_id) x
            WHERE before <= earlier""")
        assert wrong == []


async def test_every_kind_of_record_gets_a_position_and_a_hash_of_its_content(world: World, db: Database) -> None:
    await year(world)
    await refuse(world.service, world)
    await world.service.execute(
        "SELECT gate_close_period($1, '2019-01-01', $2, $3, '结1号')",
        CITY, new_id(), world.who("city-approver").staff_id,
    )  # fmt: skip
    async with connected(db.service_url) as connection:
        sealed = await Sequencer(connection).seal_all()
        kinds = {row["kind"] for row in await positions(connection)}
        assert kinds == {"entry", "approval", "refusal", "notice", "parameter", "period_close"}
        entries = await connection.fetchval("SELECT count(*) FROM entry")
        assert sealed == len(await positions(connection)) > entries
        await assert_log_fits(connection)


async def test_versions_of_a_notice_are_records_of_their_own(world: World, db: Database) -> None:
    subject = await world.project()
    notice = await world.service.fetchval("SELECT notice_id FROM notice WHERE subject_id = $1", subject)
    await world.service.execute(
        "SELECT publish_notice($1, $2, 2, 'project', $3, 'village', '公开栏', '2019-01-10', '2019-02-20', 100000000, '号', $4)",
        DISTRICT, notice, subject, world.who("district-maker").staff_id,
    )  # fmt: skip
    async with connected(db.service_url) as connection:
        await Sequencer(connection).seal_all()
        query = "SELECT version, leaf_hash FROM log_leaf WHERE record_id = $1 ORDER BY position"
        rows = await connection.fetch(query, notice)
        assert [row["version"] for row in rows] == [1, 2]
        assert rows[0]["leaf_hash"] != rows[1]["leaf_hash"]


async def test_posts_of_one_group_are_sealed_in_the_order_of_their_totals(world: World, db: Database) -> None:
    allocation = await world.allocate(await world.adopt(1_000_000), 1_000_000)
    postings = []
    for amount in range(1, 41):
        draft = await world.draft(CITY, "release", [Leg(amount, allocation_id=allocation)])
        digest = await world.digest(CITY, draft)
        person = world.who("city-approver").staff_id
        postings.append(Posting(CITY, draft, person, digest, str(new_id()), digest))
    await post_now(world.service, postings)
    async with connected(db.service_url) as connection:
        await Sequencer(connection).seal_all()
        await assert_log_fits(connection)


async def test_a_long_entry_is_streamed_to_the_same_root_as_a_short_one(
    world: World, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, entry = await year(world, payees=7)
    ref = Ref(DISTRICT, "entry", entry)
    async with connected(db.service_url) as connection:
        short = (await leaves(connection, [ref], Accounts()))[0]
        monkeypatch.setattr("fundledger.sealing.records.LONG_LINES", 2)
        monkeypatch.setattr("fundledger.sealing.records.CHUNK", 3)
        assert (await leaves(connection, [ref], Accounts()))[0] == short


async def test_batches_of_any_size_make_a_whole_log(
    world: World, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await year(world)
    monkeypatch.setattr("fundledger.sealing.passing.BATCH_LINES", 2)
    async with connected(db.service_url) as connection:
        sealing = Sequencer(connection)
        await sealing.seal_all(5)
        assert sealing.statistics.batches > sealing.statistics.records / 5
        await assert_log_fits(connection)


async def test_two_sequencers_without_a_leader_do_no_harm(world: World, db: Database) -> None:
    async def seal(connection: Connection) -> None:
        while True:
            try:
                if not await Sequencer(connection).seal_batch(3):
                    return
            except asyncpg.PostgresError as error:
                if error.sqlstate != "FL002":  # the other one was quicker
                    raise

    await year(world)
    async with connected(db.service_url) as one, connected(db.service_url) as two:
        await asyncio.gather(seal(one), seal(two))
        await assert_log_fits(one)


async def test_a_second_sequencer_takes_over_when_the_first_one_ends(world: World, db: Database) -> None:
    stop_first, stop_second = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(sequencer.run(db.service_url, stop_first))
    await empty_queue(world.service)
    second = asyncio.create_task(sequencer.run(db.service_url, stop_second))
    stop_first.set()
    assert (await first).records > 0
    await year(world)
    await empty_queue(world.service)
    stop_second.set()
    assert (await second).records > 0
    await assert_log_fits(world.service)


async def test_a_lost_connection_is_made_again(world: World, db: Database, superuser: Connection) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(sequencer.run(db.service_url, stop))
    await empty_queue(world.service)
    ended = await superuser.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'fundledger-sealing' "
        "AND datname = current_database()"
    )
    assert ended == 1
    await year(world)
    await empty_queue(world.service)
    stop.set()
    await running
    await assert_log_fits(world.service)


async def test_a_sequencer_killed_while_the_book_grows_loses_and_doubles_nothing(
    world: World, db: Database, tmp_path: Path
) -> None:
    allocation = await world.allocate(await world.adopt(1_000_000), 1_000_000)
    command = [sys.executable, "-m", "fundledger", "sequence"]
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT / "src"), "FUNDLEDGER_DATABASE_URL": db.service_url,
        "FUNDLEDGER_DATA_DIR": str(tmp_path),
    }  # fmt: skip

    async def release(count: int) -> None:
        for _ in range(count):
            await world.release(allocation, 10)

    for _ in range(2):
        process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=subprocess.DEVNULL)
        # Until something was appended and signed, so that each kill leaves a checkpoint behind to be held against the log.
        signed = await world.service.fetchval("SELECT count(*) FROM log_checkpoint")
        while await world.service.fetchval("SELECT count(*) FROM log_checkpoint") == signed:
            await release(3)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await release(3)
    async with connected(db.service_url) as connection:
        signer = Signer(KeyFile(tmp_path / "log-keys.json"))
        await Sequencer(connection, signer=signer).seal_all()
        await assert_log_fits(connection)
        hashes = [row["leaf_hash"] for row in await positions(connection)]
        checkpoints = await connection.fetch("SELECT size, root FROM log_checkpoint")
        assert len(checkpoints) > 2
        assert all(root(hashes[: row["size"]]) == row["root"] for row in checkpoints)


async def test_a_forged_order_is_refused_by_the_database(world: World) -> None:
    with pytest.raises(asyncpg.PostgresError) as refused:
        await append(world.service, [9_999_999], [bytes(32)])
    assert refused.value.sqlstate == "FL002"
    for statement in ("UPDATE log_leaf SET position = 0", "DELETE FROM log_leaf", "DELETE FROM log_queue",
                      "INSERT INTO log_queue VALUES (1, 420100, 'entry', gen_random_uuid())"):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.service.execute(statement)


async def test_the_lookups_of_a_batch_use_indexes(world: World, db: Database) -> None:
    """With few rows and no statistics, when the planner would rather read whole tables."""
    from fundledger.sealing import records

    connection = await connect(db.service_url)
    try:
        queries: list[tuple[str, tuple[Any, ...]]] = [
            (records._ENTRY, ([DISTRICT], [new_id()])),
            (records._SHORT, ([DISTRICT], [new_id()], [True], [new_id()])),
            (records._LONG, (DISTRICT, new_id(), True, new_id(), 0, 10)),
            (records._ACCOUNTS, ([DISTRICT], [new_id()])),
            *((query, ([DISTRICT], [new_id()], [1])) for query, _, _ in records._SIMPLE.values()),
        ]
        for query, arguments in queries:
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}", *arguments))
            assert "Seq Scan" not in plan, plan
    finally:
        await connection.close()


async def empty_queue(connection: Connection) -> None:
    """Wait until everything is sealed."""
    for _ in range(400):
        if await connection.fetchval("SELECT count(*) FROM log_queue") == 0:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the queue does not empty")


def test_what_stands_before_a_long_entry_does_not_wait_for_it() -> None:
    refs = [Ref(DISTRICT, "entry", new_id()) for _ in range(5)]
    counts = (1, passing.BATCH_LINES - 1, passing.BATCH_LINES + 5, 1, 1)
    entries: dict[Ref, Any] = {ref: {"line_count": count} for ref, count in zip(refs, counts, strict=True)}
    sizes = []
    while refs:
        sizes.append(passing.within_lines(refs, entries))
        refs = refs[sizes[-1] :]
    assert sizes == [2, 1, 2]


def test_leaf_hashes_are_rfc_6962() -> None:
    from fundledger.sealing.merkle import leaf_hash

    assert leaf_hash(b"x") == sha256(b"\x00x").digest()
