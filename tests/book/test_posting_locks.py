"""Locks: calls that want the same rows in any order all come through, and a rule holds however they interleave."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from fundledger.book.instructions import Leg
from fundledger.book.poster import Posting, post_now
from fundledger.db.refusals import refusals
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book.lanes import approval_of, outcome_of, payment_of, posters, releases, together
from tests.builders import CITY, DISTRICT, VILLAGE, World, insert
from tests.databases import Database, connected
from tests.soundness import assert_book_sound


async def allocated(world: World, count: int, each: int) -> list[UUID]:
    """Allocations of one line."""
    line = await world.adopt(count * each)
    return [await world.allocate(line, each) for _ in range(count)]


@pytest.mark.parametrize("order", ["accounts", "keys"])
async def test_groups_in_opposite_order_never_wait_for_each_other_in_a_circle(
    order: str, world: World, db: Database
) -> None:
    allocations = await allocated(world, 4, 1_000)
    async with connected(db.service_url) as left, connected(db.service_url) as right:
        for round_number in range(12):
            groups = [await releases(world, allocations), await releases(world, list(reversed(allocations)))]
            if order == "keys":
                # The same keys from both sides: each posts once, the other side's are conflicts or replays, nobody hangs.
                keys = [f"{round_number}-{number}" for number in range(4)]
                groups = [[with_key(p, k) for p, k in zip(group, keys, strict=True)] for group in groups]
                groups[1].reverse()
            results = await asyncio.gather(
                *(outcome_of(first_of(post_now(c, g))) for c, g in zip((left, right), groups, strict=True))
            )
            allowed = {"posted"} if order == "accounts" else {"posted", "refused: idempotency-conflict"}
            assert set(results) <= allowed, results
    await assert_book_sound(world.service)


def with_key(posting: Posting, key: str) -> Posting:
    """The posting under another key."""
    return Posting(
        posting.book, posting.instruction_id, posting.actor_id, posting.content_sha256, key, posting.request_sha256
    )


async def first_of(answers: Coroutine[Any, Any, list[Any]]) -> Any:
    """The first answer of a group."""
    return (await answers)[0]


async def test_multi_leg_postings_over_shared_accounts_in_random_order_all_come_through(
    world: World, db: Database
) -> None:
    allocations = await allocated(world, 6, 10_000)
    draw = random.Random(7)
    postings = []
    for _ in range(24):
        legs = [Leg(draw.randint(1, 9), allocation_id=a) for a in draw.sample(allocations, draw.randint(2, 5))]
        postings.append(await approval_of(world, CITY, await world.draft(CITY, "release", legs)))
    async with posters(db.service_url, 4, pool_size=2) as lanes:
        assert await together(lanes, postings) == {"posted": 24}
    await assert_book_sound(world.service)


async def test_a_hot_account_takes_64_clients_and_gives_to_the_last_fen(world: World, db: Database) -> None:
    (allocation,) = await allocated(world, 1, 150)
    postings = await releases(world, [allocation] * 64, 3)
    async with posters(db.service_url, 4) as lanes:
        outcomes = await together(lanes, postings)
    assert outcomes == {"posted": 50, "refused: balance-insufficient": 14}
    assert await world.balance("unreleased", allocation=allocation) == 0
    await assert_book_sound(world.service)


@pytest.mark.parametrize("seed", range(4))
async def test_of_two_lists_that_together_overdraw_exactly_one_is_paid(seed: int, world: World, db: Database) -> None:
    allocation, project = await world.funded(1_000_000), await world.project()
    await world.post(
        DISTRICT, await world.draft(DISTRICT, "fund", [Leg(24_000, allocation_id=allocation, project_id=project)])
    )
    lists = [await world.list_of(project, allocation, await world.persons(2), period=f"2019-0{n}") for n in (1, 2)]
    async with posters(db.service_url, 1 + seed % 2) as lanes:
        outcomes = await together(lanes, [payment_of(world, pay_list) for pay_list in lists])
    assert outcomes == {"posted": 1, "refused: balance-insufficient": 1}
    assert await world.balance("available", project=project) == 8_000
    await assert_book_sound(world.service)


@pytest.mark.parametrize("seed", range(4))
async def test_one_person_on_two_lists_is_paid_once_however_they_meet(seed: int, world: World, db: Database) -> None:
    payees = await world.persons(2)
    lists = []
    for _ in range(2):
        # Different money and projects: only the claim window makes them meet.
        allocation, project = await world.funded(100_000), await world.project()
        await world.post(
            DISTRICT, await world.draft(DISTRICT, "fund", [Leg(99_000, allocation_id=allocation, project_id=project)])
        )
        lists.append(await world.list_of(project, allocation, payees))
    async with posters(db.service_url, 1 + seed % 2) as lanes:
        outcomes = await together(lanes, [payment_of(world, pay_list) for pay_list in lists])
    assert outcomes == {"posted": 1, "refused: posting-refused": 1}
    await assert_book_sound(world.service)


@pytest.mark.parametrize("lanes_count", [1, 2])
async def test_a_village_is_allocated_once_however_many_ask(lanes_count: int, world: World, db: Database) -> None:
    maker = world.who("district-maker").staff_id
    await insert(world.service, "village_list", {
        "book": DISTRICT, "fund_code": "targeted", "fiscal_year": 2019, "version": 1, "village_code": VILLAGE,
        "document_no": "名单1号", "recorded_by": maker,
    })  # fmt: skip
    # Two budget lines, so that no account makes them wait for each other.
    lines = [await world.adopt(20_000_000, fund="targeted") for _ in range(2)]
    postings = []
    for line in lines * 3:
        leg = Leg(20_000_000, budget_line_id=line, allocation_id=new_id(), fund_code="targeted", fiscal_year=2019,
                  district=DISTRICT, village_code=VILLAGE)  # fmt: skip
        postings.append(await approval_of(world, CITY, await world.draft(CITY, "allocate", [leg])))
    async with posters(db.service_url, lanes_count) as lanes:
        outcomes = await together(lanes, postings)
    assert outcomes["posted"] == 1
    # The later ones of the same line also lack the money, so they are refused for two things.
    assert outcomes.keys() <= {"posted", "refused: village-already-allocated", "refused: posting-refused"}
    assert (
        await world.service.fetchval(
            "SELECT count(*) FROM allocation WHERE village_code = $1 AND book = $2", VILLAGE, CITY
        )
        == 1
    )
    await assert_book_sound(world.service)


@pytest.mark.parametrize("seed", range(6))
async def test_a_month_closed_while_others_post_takes_nothing_after_it(seed: int, world: World, db: Database) -> None:
    allocations = await allocated(world, 4, 100)
    postings = await releases(world, allocations * 8)
    draw = random.Random(seed)

    async def close() -> None:
        await asyncio.sleep(draw.random() * 0.05)
        book, closer = ((CITY, "city-approver"), (DISTRICT, "district-approver"))[seed % 2]
        async with connected(db.service_url) as connection:
            with refusals():
                await connection.execute("SELECT gate_close_period($1, $2, $3, $4, '结账')",
                                         book, date(2019, 3, 1), new_id(), world.who(closer).staff_id)  # fmt: skip

    async with posters(db.service_url, 2) as lanes:
        outcomes, _ = await asyncio.gather(together(lanes, postings), close())
    assert outcomes.keys() <= {"posted", "refused: period-closed"}
    assert (
        await world.service.fetchval("SELECT count(*) FROM entry WHERE entry_kind = 'release'")
        == 2 * outcomes["posted"]
    )
    await assert_book_sound(world.service)
    with pytest.raises(FundledgerError):
        await post_now(world.service, await releases(world, allocations[:1]))


async def test_one_bad_posting_in_a_group_spoils_nobody_else(world: World, db: Database) -> None:
    allocations = await allocated(world, 2, 1_000)
    good, bad = await releases(world, allocations * 10), await releases(world, allocations[:1], 5_000)
    broken = await releases(world, allocations[:1])
    # A key the table itself refuses: an error that is no refusal of the gate, as a bug would be.
    broken = [with_key(broken[0], "")]
    async with posters(db.service_url, 1) as (poster,):
        calls = [asyncio.create_task(outcome_or_bug(poster.post(p))) for p in (*good[:10], *bad, *broken, *good[10:])]
        outcomes = await asyncio.gather(*calls)
    assert outcomes.count("posted") == 20
    assert sorted(set(outcomes) - {"posted"}) == ["bug", "refused: balance-insufficient"]
    await assert_book_sound(world.service)


async def outcome_or_bug(posting: Any) -> str:
    """The outcome, or 'bug' for an error that is no refusal."""
    try:
        return await outcome_of(posting)
    except Exception:
        return "bug"


async def test_who_posts_first_is_told_posted_even_in_a_group_with_a_conflict(world: World, db: Database) -> None:
    allocations = await allocated(world, 1, 1_000)
    used, thief, innocent = await releases(world, allocations * 3)
    await post_now(world.service, [used])
    async with posters(db.service_url, 1) as (poster,):
        calls = [poster.post(with_key(thief, used.key)), poster.post(innocent)]
        outcomes = await asyncio.gather(*(outcome_of(call) for call in calls))
    assert outcomes == ["refused: idempotency-conflict", "posted"]
