"""Once (design 3.6): a key binds to one success, within its unit, for ever; the same call at the same time posts once."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from fundledger.book.idempotency import claim
from fundledger.book.instructions import Leg
from fundledger.book.poster import post_now
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book.lanes import approval_of, outcome_of, payment_of, posters, releases, together
from tests.builders import CITY, DISTRICT, World
from tests.databases import Database, connected
from tests.soundness import assert_book_sound


async def test_the_same_call_many_times_at_once_posts_once(world: World, db: Database) -> None:
    allocation = await world.allocate(await world.adopt(100), 100)
    (posting,) = await releases(world, [allocation])
    async with posters(db.service_url, 3) as lanes:
        assert await together(lanes, [posting] * 24) == {"posted": 1, "replayed": 23}
    assert await world.balance("released", allocation=allocation) == 1
    await assert_book_sound(world.service)


async def test_a_key_with_another_body_is_a_conflict_and_spoils_nobody_else(world: World, db: Database) -> None:
    allocation = await world.allocate(await world.adopt(100), 100)
    one, other, third = await releases(world, [allocation] * 3)
    stolen = replace(other, key=one.key)
    async with posters(db.service_url, 1) as (poster,):
        first, second, innocent = await asyncio.gather(
            outcome_of(poster.post(one)), outcome_of(poster.post(stolen)), outcome_of(poster.post(third))
        )
        # Which of the two bodies got the key is a matter of arrival; that exactly one did is not.
        assert sorted([first, second]) == ["posted", "refused: idempotency-conflict"]
        assert innocent == "posted"
    assert await world.balance("released", allocation=allocation) == 2
    await assert_book_sound(world.service)


async def test_a_refused_key_is_free(world: World) -> None:
    allocation = await world.allocate(await world.adopt(100), 100)
    too_much, right = await releases(world, [allocation], 101), await releases(world, [allocation], 100)
    with pytest.raises(FundledgerError) as caught:
        await post_now(world.service, too_much)
    assert caught.value.code == "balance-insufficient"
    (posted,) = await post_now(world.service, [replace(right[0], key=too_much[0].key)])
    assert not posted.replayed


async def test_a_replay_answers_the_first_entry_even_after_the_month_is_closed(world: World) -> None:
    allocation = await world.allocate(await world.adopt(100), 100)
    (posting,) = await releases(world, [allocation])
    (first,) = await post_now(world.service, [posting])
    closer = world.who("city-approver").staff_id
    await world.service.execute("SELECT gate_close_period($1, '2019-03-01', $2, $3, '结账')", CITY, new_id(), closer)
    (again,) = await post_now(world.service, [posting])
    assert (again.entry_id, again.recorded_at, again.replayed) == (first.entry_id, first.recorded_at, True)


async def test_a_key_belongs_to_a_unit(world: World) -> None:
    fund = Leg(1, allocation_id=await world.funded(100), project_id=await world.project())
    drafts = [await world.draft(DISTRICT, "fund", [fund]) for _ in range(2)]
    by_finance = await approval_of(world, DISTRICT, drafts[0], key="the key")
    by_poverty_office = await approval_of(world, DISTRICT, drafts[1], key="the key", actor="poverty-approver")
    for posting in (by_finance, by_poverty_office):
        assert not (await post_now(world.service, [posting]))[0].replayed


async def test_a_key_that_made_another_record_posts_nothing(world: World) -> None:
    allocation = await world.allocate(await world.adopt(100), 100)
    (posting,) = await releases(world, [allocation])
    await claim(world.service, world.who("city-approver"), posting.key, posting.request_sha256, "rejection", new_id())
    with pytest.raises(FundledgerError) as caught:
        await post_now(world.service, [posting])
    assert caught.value.code == "idempotency-conflict"
    assert await world.balance("released", allocation=allocation) == 0


async def test_a_repeat_waits_for_the_first_and_posts_if_that_one_failed(world: World, db: Database) -> None:
    allocation = await world.allocate(await world.adopt(100), 100)
    (posting,) = await releases(world, [allocation])
    async with connected(db.service_url) as other:
        for commits in (False, True):
            first = world.service.transaction()
            await first.start()
            await post_now(world.service, [posting])
            repeat = asyncio.create_task(post_now(other, [posting]))
            done, _ = await asyncio.wait({repeat}, timeout=0.3)
            assert not done
            if commits:
                await first.commit()
                assert (await repeat)[0].replayed
            else:
                await first.rollback()
                # The repeat posted by itself; a third call is its replay.
                assert not (await repeat)[0].replayed
                (posting,) = await releases(world, [allocation])
    assert await world.balance("released", allocation=allocation) == 2
    await assert_book_sound(world.service)


async def test_two_approvers_posting_one_draft_at_once_post_it_once(world: World, db: Database) -> None:
    fund = Leg(1, allocation_id=await world.funded(100), project_id=await world.project())
    draft = await world.draft(DISTRICT, "fund", [fund])
    calls = [
        await approval_of(world, DISTRICT, draft, actor=who) for who in ("district-approver", "poverty-approver")
    ] * 4
    calls = [replace(call, key=str(new_id())) for call in calls]
    async with posters(db.service_url, 2) as lanes:
        assert await together(lanes, calls) == {"posted": 1, "refused: already-posted": 7}
    await assert_book_sound(world.service)


async def test_one_list_paid_by_impatient_clients_is_paid_once(world: World, db: Database) -> None:
    allocation, project = await world.funded(1_000_000), await world.project()
    await world.post(
        DISTRICT, await world.draft(DISTRICT, "fund", [Leg(500_000, allocation_id=allocation, project_id=project)])
    )
    pay_list = await world.list_of(project, allocation, await world.persons(2))
    same, fresh = payment_of(world, pay_list), [payment_of(world, pay_list) for _ in range(4)]
    async with posters(db.service_url, 2) as lanes:
        outcomes = await together(lanes, [same, same, *fresh, same])
    assert outcomes["posted"] == 1
    assert outcomes.keys() <= {"posted", "replayed", "refused: already-posted"}
    assert isinstance(outcomes, Counter)
    assert await world.balance("paid", project=project) == 16_000
    await assert_book_sound(world.service)
