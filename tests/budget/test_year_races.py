"""The year's turn with many hands: a carry-over against what else moves the old year's money, and closing meanwhile."""

from __future__ import annotations

import asyncio
import random
from uuid import UUID

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from tests.book.attackers import bank_returned, codes_of
from tests.book.lanes import approval_of, outcome_of, payment_of, posters, together
from tests.budget.turn import JANUARY, close_months, held, in_project, moved
from tests.builders import CITY, DISTRICT, World
from tests.databases import Database, connected
from tests.soundness import assert_book_sound


@pytest.mark.parametrize("seed", range(3))
async def test_a_carry_over_and_a_list_of_the_old_year_never_spend_the_same_money(
    seed: int, world: World, db: Database
) -> None:
    allocation = await world.funded(100_000)
    project = await in_project(world, allocation, 24_000)
    pay_list = await world.list_of(project, allocation, await world.persons(2))  # effective in the old year, 16,000
    leg = Leg(24_000, allocation_id=allocation, project_id=project, exec_year=2019)
    carry = await world.draft(DISTRICT, "carry_over", [leg], effective_on=JANUARY)
    postings = [payment_of(world, pay_list), await approval_of(world, DISTRICT, carry)]
    async with posters(db.service_url, 1 + seed % 2) as lanes:
        outcomes = await together(lanes, postings if seed else postings[::-1])
    assert outcomes["posted"] == 1
    # A payment that counts in December lacks the money of January too, if the carry-over came first.
    assert outcomes.keys() <= {"posted", "refused: balance-insufficient", "refused: posting-refused"}
    await assert_book_sound(world.service)


async def test_two_carry_overs_and_a_recovery_of_the_same_money_post_one(world: World, db: Database) -> None:
    allocation = await world.funded(10_000)
    leg = Leg(10_000, allocation_id=allocation, exec_year=2019)
    january = {"effective_on": JANUARY}
    carries = [await world.draft(DISTRICT, "carry_over", [leg], **january) for _ in range(2)]
    recovery = await world.draft(CITY, "recover", [leg], **january)
    postings = [await approval_of(world, DISTRICT, carry) for carry in carries]
    async with posters(db.service_url, 3) as lanes:
        outcomes = await together(lanes, [*postings, await approval_of(world, CITY, recovery)])
    assert outcomes == {"posted": 1, "refused: balance-insufficient": 2}
    await assert_book_sound(world.service)


async def emptied(world: World) -> tuple[UUID, UUID, UUID]:
    """A year whose months are closed and whose accounts are empty; allocation, project, a paid list's entry."""
    allocation = await world.funded(1_000_000)
    project = await in_project(world, allocation, 8_000)
    paid = await world.pay(await world.list_of(project, allocation, await world.persons(1)))
    leg = Leg(992_000, allocation_id=allocation, exec_year=2019)
    carried = await moved(world, "carry_over", leg, book=DISTRICT, effective_on=JANUARY)
    await close_months(world)
    await bank_returned(world, paid.entry_id, 1)
    return allocation, carried.entry_id, paid.entry_id


CLOSE = "SELECT gate_close_year($1, 2019, $2, $3, '关账1号')"


@pytest.mark.parametrize("seed", range(4))
async def test_a_year_closed_while_a_reversal_posts_either_sees_its_money_or_refuses_it(
    seed: int, world: World, db: Database
) -> None:
    allocation, carried, _ = await emptied(world)
    undo = Leg(5_000, undoes_entry_id=carried, undoes_line_no=1)
    posting = await approval_of(world, DISTRICT, await world.draft(DISTRICT, "reverse", [undo], effective_on=JANUARY))
    draw, closer = random.Random(seed), world.who("district-approver").staff_id

    async def close() -> set[str]:
        await asyncio.sleep(draw.random() * 0.02)
        async with connected(db.service_url) as connection:
            try:
                await connection.execute(CLOSE, DISTRICT, new_id(), closer)
            except asyncpg.PostgresError as error:
                return codes_of(error)
        return set()

    async with posters(db.service_url, 1) as (poster,):
        outcome, refused = await asyncio.gather(outcome_of(poster.post(posting)), close())
    assert (outcome, refused) in (("posted", {"year-has-balance"}), ("refused: year-closed", set()))
    assert await held(world, "executable", 2019, allocation) == (5_000 if outcome == "posted" else 0)
    await assert_book_sound(world.service)


async def test_closing_waits_for_a_return_on_its_way_and_sees_it(world: World, db: Database) -> None:
    _, _, paid = await emptied(world)
    undo = Leg(8_000, undoes_entry_id=paid, undoes_line_no=1)
    draft = await world.draft(DISTRICT, "return", [undo], effective_on=JANUARY)
    closer = world.who("district-approver").staff_id
    async with connected(db.service_url) as other:
        returning = world.service.transaction()
        await returning.start()
        await world.post(DISTRICT, draft)
        closing = asyncio.create_task(other.execute(CLOSE, DISTRICT, new_id(), closer))
        await asyncio.sleep(0.3)
        assert not closing.done()
        await returning.commit()
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await closing
    assert codes_of(refusal.value) == {"year-has-balance"}


async def test_of_two_who_close_a_year_one_does(world: World, db: Database) -> None:
    await emptied(world)
    closer = world.who("district-approver").staff_id
    async with connected(db.service_url) as left, connected(db.service_url) as right:
        results = await asyncio.gather(
            *(c.execute(CLOSE, DISTRICT, new_id(), closer) for c in (left, right)), return_exceptions=True
        )
    [error] = [result for result in results if isinstance(result, BaseException)]
    assert codes_of(error) == {"year-closed"}
    await assert_book_sound(world.service)


async def test_a_year_is_closed_only_in_read_committed(world: World) -> None:
    async with world.service.transaction(isolation="repeatable_read"):
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await world.service.execute(CLOSE, DISTRICT, new_id(), world.who("district-approver").staff_id)
    assert refusal.value.sqlstate == "25001"
