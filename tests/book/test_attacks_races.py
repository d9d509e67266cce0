"""Attacks by timing: content that changes while it is approved or posted, and snapshots older than the locks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.db.connection import Connection
from fundledger.ids import new_id
from tests.book.attackers import Scene, codes_of, make_scene
from tests.builders import CITY, DISTRICT, World
from tests.databases import Database, connected
from tests.soundness import assert_book_sound

ADD_LINE = """
INSERT INTO payment_line (book, instruction_id, leg_no, line_no, amount, payee_id, household_id, programme_code, period,
    participation_ref, name_commitment, card_commitment)
SELECT book, instruction_id, leg_no, $2, amount, payee_id, household_id, programme_code, period, participation_ref,
    name_commitment, card_commitment FROM payment_line WHERE instruction_id = $1 AND line_no = 1
"""
ADD_LEG = """
INSERT INTO instruction_leg (book, instruction_id, leg_no, amount, budget_line_id, allocation_id, fund_code, fiscal_year, district)
SELECT book, instruction_id, $2, amount, budget_line_id, gen_random_uuid(), fund_code, fiscal_year, district
FROM instruction_leg WHERE instruction_id = $1 AND leg_no = 1
"""


@pytest.fixture
async def scene(world: World, superuser: Connection) -> Scene:
    """The book under attack."""
    return await make_scene(world, superuser)


@pytest.fixture
async def second(db: Database) -> AsyncIterator[Connection]:
    """Another session of the service's role."""
    async with connected(db.service_url) as connection:
        yield connection


async def adoption(world: World) -> UUID:
    """A draft that adopts 100 fen."""
    leg = Leg(100, budget_line_id=new_id(), fund_code="special_factor", fiscal_year=2019)
    return await world.draft(CITY, "adopt", [leg])


async def waits(task: asyncio.Task[Any]) -> bool:
    """Whether a call is still waiting for a lock after a while."""
    done, _ = await asyncio.wait({task}, timeout=0.3)
    return not done


async def test_nothing_is_added_to_what_was_approved_or_posted(scene: Scene) -> None:
    adopted = await adoption(scene.world)
    await scene.post(adopted)
    for statement, instruction in ((ADD_LINE, scene.pay_list), (ADD_LEG, scene.pay_list), (ADD_LEG, adopted)):
        with pytest.raises(asyncpg.CheckViolationError, match="content is final"):
            await scene.world.service.execute(statement, instruction, 99)
    with pytest.raises(asyncpg.CheckViolationError, match="content is final"):
        await scene.world.service.execute(
            "INSERT INTO payment_list SELECT book, $2, project_id, programme_code, period, entitlement_on, payee_kind, pay_method, "
            "is_final FROM payment_list WHERE instruction_id = $1", scene.other_list, await posted_in_other_district(scene),
        )  # fmt: skip
    await scene.pay(scene.pay_list)
    with pytest.raises(asyncpg.CheckViolationError, match="content is final"):
        await scene.world.service.execute(ADD_LINE, scene.pay_list, 99)
    await assert_book_sound(scene.superuser)


async def posted_in_other_district(scene: Scene) -> object:
    """The funding of the other district's project: a posted instruction without a list."""
    return await scene.world.service.fetchval(
        "SELECT e.instruction_id FROM entry e WHERE e.entry_kind = 'fund' AND e.book <> $1", DISTRICT
    )


async def test_copy_adds_nothing_either(scene: Scene) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="content is final"):
        await scene.world.service.copy_records_to_table(
            "instruction_leg",
            columns=["book", "instruction_id", "leg_no", "amount"],
            records=[(DISTRICT, scene.pay_list, 7, 1)],
        )


@pytest.mark.parametrize("commits", [True, False])
async def test_an_approval_waits_for_lines_on_their_way(commits: bool, scene: Scene, second: Connection) -> None:
    new = await scene.draft_list(approved=False)
    adding = second.transaction()
    await adding.start()
    await second.execute(ADD_LINE, new, 2)
    approving = asyncio.create_task(scene.world.approve_list(new))
    assert await waits(approving)
    if commits:
        await adding.commit()
        with pytest.raises(asyncpg.PostgresError) as caught:
            await approving
        assert "content-changed" in codes_of(caught.value)
    else:
        await adding.rollback()
        await approving


async def test_lines_on_their_way_are_refused_once_an_approval_came_first(scene: Scene, second: Connection) -> None:
    new = await scene.draft_list(approved=False)
    approving = scene.world.service.transaction()
    await approving.start()
    await scene.world.approve_list(new)
    adding = asyncio.create_task(second.execute(ADD_LINE, new, 2))
    assert await waits(adding)
    await approving.commit()
    with pytest.raises(asyncpg.CheckViolationError, match="content is final"):
        await adding
    await scene.pay(new)
    await assert_book_sound(scene.superuser)


async def test_a_posting_waits_for_legs_on_their_way_and_is_then_refused(scene: Scene, second: Connection) -> None:
    draft = await adoption(scene.world)
    adding = second.transaction()
    await adding.start()
    await second.execute(ADD_LEG, draft, 2)
    posting = asyncio.create_task(scene.post(draft))
    assert await waits(posting)
    await adding.commit()
    with pytest.raises(asyncpg.PostgresError) as caught:
        await posting
    assert codes_of(caught.value) == {"content-changed", "totals-differ"}


async def test_a_draft_is_sent_back_or_posted_never_both(scene: Scene, second: Connection) -> None:
    draft, approver = await adoption(scene.world), scene.world.who("city-approver").staff_id
    rejecting = second.transaction()
    await rejecting.start()
    await second.execute("INSERT INTO rejection VALUES ($1, $2, $3, 'no')", CITY, draft, approver)
    posting = asyncio.create_task(scene.post(draft))
    assert await waits(posting)
    await rejecting.commit()
    with pytest.raises(asyncpg.PostgresError) as caught:
        await posting
    assert codes_of(caught.value) == {"instruction-rejected"}
    posted = await adoption(scene.world)
    await scene.post(posted)
    with pytest.raises(asyncpg.CheckViolationError, match="is posted"):
        await second.execute("INSERT INTO rejection VALUES ($1, $2, $3, 'no')", CITY, posted, approver)


@pytest.mark.parametrize("level", ["repeatable_read", "serializable"])
async def test_an_old_snapshot_writes_nothing(level: Any, scene: Scene, second: Connection) -> None:
    draft, unapproved = await adoption(scene.world), await scene.draft_list(approved=False)
    digests = [await scene.world.digest(CITY, draft), await scene.world.digest(DISTRICT, unapproved)]
    who = scene.world.who
    old = second.transaction(isolation=level)
    await old.start()
    await second.fetch("SELECT count(*) FROM period_close")
    closer = who("city-approver").staff_id
    await scene.world.service.execute(
        "SELECT gate_close_period($1, '2019-03-01', $2, $3, '结账')", CITY, new_id(), closer
    )
    attempts: list[tuple[str, tuple[Any, ...]]] = [
        ("SELECT * FROM gate_post($1, $2, $3, $4, $5, $6, $7, $8)",
         ([CITY], [draft], [new_id()], [new_id()], [closer], [digests[0]], ["k"], [bytes(32)])),
        ("SELECT gate_approve($1, $2, $3, $4, $5)",
         (DISTRICT, unapproved, digests[1], who("district-approver").staff_id, new_id())),
        ("SELECT gate_close_period($1, $2, $3, $4, 'x')", (CITY, date(2019, 2, 1), new_id(), closer)),
        (ADD_LINE, (unapproved, 2)), (ADD_LEG, (draft, 2)),
        ("INSERT INTO rejection VALUES ($1, $2, $3, 'no')", (CITY, draft, closer)),
    ]  # fmt: skip
    for statement, values in attempts:
        savepoint = second.transaction()
        await savepoint.start()
        with pytest.raises(asyncpg.PostgresError) as caught:
            await second.execute(statement, *values)
        assert caught.value.sqlstate == "25001", statement
        await savepoint.rollback()
    await old.rollback()
    await assert_book_sound(scene.superuser)


async def test_a_project_without_a_first_version_still_pays_one_list_after_the_other(
    scene: Scene, second: Connection
) -> None:
    # A contract is only safe if two payments of the project wait for each other, whatever its versions are called.
    await scene.superuser.execute("ALTER TABLE project DISABLE TRIGGER project_guard")
    world, project = scene.world, await scene.world.project(version=7, proposed_version=7)
    await scene.superuser.execute("ALTER TABLE project ENABLE TRIGGER project_guard")
    await world.post(
        DISTRICT, await world.draft(DISTRICT, "fund", [Leg(9_000, allocation_id=scene.allocation, project_id=project)])
    )
    lists = [await scene.draft_list(project=project, amount=1_000, period=f"2019-0{month}") for month in (1, 2)]
    first = world.service.transaction()
    await first.start()
    await scene.pay(lists[0])
    payer = world.who("district-payer").staff_id
    other = asyncio.create_task(second.fetch(
        "SELECT * FROM gate_post($1, $2, $3, $4, $5, $6, $7, $8)", [DISTRICT], [lists[1]], [new_id()], [new_id()], [payer], [None],
        ["k"], [bytes(32)],
    ))  # fmt: skip
    assert await waits(other)
    locked = await scene.superuser.fetchval(
        "SELECT string_agg(DISTINCT l.relation::regclass::text, ',') FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE a.wait_event_type = 'Lock' AND l.mode = 'RowShareLock' AND l.relation::regclass::text = 'account_balance'"
    )
    assert locked is None, "it waited at the balances, not at the project"
    await first.commit()
    await other
    await assert_book_sound(scene.superuser)
