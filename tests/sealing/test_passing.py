"""What stands behind a very long entry: small records pass it unless something ties them to it, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.db.connection import Connection
from fundledger.ids import new_id
from fundledger.sealing import passing, sequencer
from fundledger.sealing.passing import Queued, may_go
from fundledger.sealing.records import Accounts, Ref, leaves
from fundledger.sealing.sequencer import Sequencer
from tests.builders import CITY, DISTRICT, World
from tests.databases import Database, connected
from tests.sealing.test_sequencer import assert_log_fits, refuse

A, B, C = (new_id() for _ in range(3))
CASES = [
    ("nothing is long", [("entry", {A}), ("entry", {A})], set(), [0, 1]),
    ("another account", [("entry", {A}), ("entry", {B})], {0}, [1]),
    ("the same account", [("entry", {A}), ("entry", {A, B})], {0}, []),
    ("through one that waits", [("entry", {A}), ("entry", {A, B}), ("entry", {B})], {0}, []),
    ("through one that went before", [("entry", {B}), ("entry", {A}), ("entry", {B})], {1}, [0, 2]),
    ("two long ones", [("entry", {A}), ("entry", {B}), ("entry", {C}), ("entry", {B})], {0, 1}, [2]),
    ("no entry", [("entry", {A}), ("approval", set()), ("refusal", set())], {0}, [1, 2]),
    ("a close and what follows", [("entry", {A}), ("approval", set()), ("period_close", set()), ("entry", {B})], {0}, [1]),
    ("a close before", [("year_close", set()), ("entry", {A}), ("entry", {B})], {1}, [0, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("records", "long", "free"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_who_may_go(records: list[tuple[str, set[object]]], long: set[int], free: list[int]) -> None:
    queue = [Queued(10 + number, Ref(DISTRICT, kind, new_id())) for number, (kind, _) in enumerate(records)]
    ties = {10 + number: frozenset(own) for number, (kind, own) in enumerate(records) if kind == "entry"}
    chosen = may_go(queue, {queue[number].ref for number in long}, ties)  # type: ignore[arg-type]
    assert [one.order - 10 for one in chosen] == free


class Behind:
    """One payment of 30 lines, and behind it: one of another project, one of the same, and a refusal."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def post(self) -> None:
        """Fund two projects from one allocation, seal that, and pay."""
        world = self.world
        self.allocation = await world.funded(10_000_000)
        self.project, other = await world.project(), await world.project()
        for project in (self.project, other):
            fund = [Leg(5_000_000, allocation_id=self.allocation, project_id=project)]
            await world.post(DISTRICT, await world.draft(DISTRICT, "fund", fund))
        people = await world.persons(34)
        long = await world.list_of(self.project, self.allocation, people[:30])
        other_list = await world.list_of(other, self.allocation, people[30:32])
        same_list = await world.list_of(self.project, self.allocation, people[32:])
        await Sequencer(world.service).seal_all()
        self.long = (await world.pay(long)).entry_id
        self.other = (await world.pay(other_list)).entry_id
        self.same = (await world.pay(same_list)).entry_id
        await refuse(world.service, world)

    async def places(self) -> list[int | None]:
        """The positions of the long one, the other and the same; None while it waits."""
        query = "SELECT position FROM log_leaf WHERE record_id = $1"
        return [await self.world.service.fetchval(query, one) for one in (self.long, self.other, self.same)]


@pytest.fixture
async def behind(world: World, monkeypatch: pytest.MonkeyPatch) -> Behind:
    """Entries of more than ten lines are long, and a slice is one line."""
    made = Behind(world)
    await made.post()
    monkeypatch.setattr(passing, "BATCH_LINES", 10)
    monkeypatch.setattr(sequencer, "SLICE_MS", 0)
    return made


async def test_what_shares_no_account_is_sealed_first_and_the_rest_in_order(behind: Behind, db: Database) -> None:
    async with connected(db.service_url) as connection:
        sealing = Sequencer(connection)
        assert await sealing.seal_batch() == 2
        long, other, same = await behind.places()
        assert (long, same) == (None, None)
        assert other is not None
        await sealing.seal_all()
        long, other, same = [place or 0 for place in await behind.places()]
        assert other < long < same
        await assert_log_fits(connection)


async def test_records_that_come_while_lines_are_hashed_pass_too(behind: Behind, db: Database) -> None:
    async with connected(db.service_url) as connection:
        sealing = Sequencer(connection)
        assert await sealing.seal_batch() == 2
        assert await sealing._hash_on()
        await refuse(behind.world.service, behind.world)
        line = await behind.world.adopt(5_000)
        assert await sealing.seal_batch() == 3  # a refusal; an approval and the adoption it is of
        assert (await behind.places())[0] is None
        assert await connection.fetchval("SELECT count(*) FROM transfer WHERE debit_account IN "
                                         "(SELECT account_id FROM account WHERE budget_line_id = $1)", line)  # fmt: skip
        await sealing.seal_all()
        await assert_log_fits(connection)


async def test_a_close_waits_for_what_was_posted_before_it(behind: Behind, db: Database) -> None:
    world = behind.world
    await world.service.execute(
        "SELECT gate_close_period($1, '2019-01-01', $2, $3, '结1号')",
        CITY, new_id(), world.who("city-approver").staff_id,
    )  # fmt: skip
    async with connected(db.service_url) as connection:
        sealing = Sequencer(connection)
        while await sealing.seal_batch():
            pass
        kinds = {row["kind"] for row in await connection.fetch("SELECT kind FROM log_queue")}
        assert kinds == {"entry", "period_close"}
        await sealing.seal_all()
        last = await connection.fetchrow("SELECT kind FROM log_leaf ORDER BY position DESC LIMIT 1")
        assert last is not None
        assert last["kind"] == "period_close"
        await assert_log_fits(connection)


async def test_one_that_was_ended_in_between_leaves_everything_to_the_next(behind: Behind, db: Database) -> None:
    async with connected(db.service_url) as connection:
        first = Sequencer(connection)
        await first.seal_batch()
        await first._hash_on()
        await Sequencer(connection).seal_all()
        await assert_log_fits(connection)
        # And the first one, which still thinks it has half an entry, finds the log ahead of it.
        await refuse(behind.world.service, behind.world)
        with pytest.raises(asyncpg.PostgresError, match="another size"):
            await first.seal_batch()
        assert await first.seal_all() == 1
        await assert_log_fits(connection)


async def test_lines_that_could_not_be_read_are_read_again(behind: Behind, db: Database) -> None:
    """By the same sequencer: half an entry is never taken for a whole one."""
    async with connected(db.service_url) as connection, connected(db.superuser_url) as other:
        sealing = Sequencer(connection)
        await sealing.seal_batch()
        await connection.execute("SET lock_timeout = '10ms'")
        async with other.transaction():
            await other.execute("LOCK TABLE transfer IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await sealing._hash_on()
        await sealing.seal_all()
        await assert_log_fits(connection)


async def orders(connection: Connection) -> list[int]:
    return [row["order_no"] for row in await connection.fetch("SELECT order_no FROM log_queue ORDER BY order_no")]


async def test_the_database_refuses_an_order_that_does_not_fit_the_accounts(behind: Behind, db: Database) -> None:
    """Whoever holds the service's role: the later payment of one project before the earlier one."""
    call = "SELECT log_append((SELECT max(position) + 1 FROM log_leaf), $1, $2, $3, '{}', '{}', '{}', '{}')"
    async with connected(db.service_url) as connection:
        long, other, same, refusal = await orders(connection)
        for some in ([same], [other, same], [refusal, same]):
            with pytest.raises(asyncpg.PostgresError, match="rests on") as refused:
                await connection.execute(call, some, [bytes(32)] * len(some), [bytes(32)] * len(some))
            assert refused.value.sqlstate == "FL002"  # look again: FL003 is a damaged log
        assert await orders(connection) == [long, other, same, refusal]
        await connection.execute(call, [other, refusal], [bytes(32)] * 2, [bytes(32), None])
        assert await orders(connection) == [long, same]


async def test_two_that_undo_lines_of_one_entry_may_be_committed_the_other_way_round(
    world: World, db: Database
) -> None:
    """They share no account, so the earlier one may be seen after the later: no damage, the sequencer looks again."""
    allocations = [await world.allocate(await world.adopt(9_000), 9_000) for _ in range(2)]
    legs = [Leg(9_000, allocation_id=one) for one in allocations]
    entry = (await world.post(CITY, await world.draft(CITY, "release", legs))).entry_id
    undoing = [
        await world.draft(CITY, "reverse", [Leg(9_000, undoes_entry_id=entry, undoes_line_no=number)])
        for number in (1, 2)
    ]
    async with connected(db.service_url) as connection, connected(db.service_url) as other:
        sealing = Sequencer(connection)
        await sealing.seal_all()
        first = replace(world, service=other)
        async with other.transaction():
            await first.post(CITY, undoing[0])
            await world.post(CITY, undoing[1])
            tree, entries = await sealing.start(), await connection.fetch("SELECT order_no FROM log_queue ORDER BY 1")
            seen = [row["order_no"] for row in entries]
        refs = [Ref(*row) for row in await connection.fetch(
            "SELECT book, kind, record_id, version FROM log_queue WHERE order_no = ANY($1) ORDER BY order_no", seen)]  # fmt: skip
        assert min(await orders(connection)) < min(seen)
        with pytest.raises(asyncpg.PostgresError, match="rests on") as refused:
            await sealing._append(tree, seen, await leaves(connection, refs, Accounts()))
        assert sequencer._passing(refused.value)
        assert refused.value.sqlstate == "FL002"
        await sealing.seal_all()
        await assert_log_fits(connection)
