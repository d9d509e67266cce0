"""The gate, called as the service's role: money end to end, to several districts, and from several sources."""

from __future__ import annotations

import pytest

from fundledger.book.instructions import Leg
from fundledger.errors import FundledgerError
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, World
from tests.soundness import assert_book_sound


async def test_money_runs_from_the_city_budget_to_a_person(world: World) -> None:
    allocation = await world.funded(1_000_000)
    project = await world.project()
    await world.post(
        DISTRICT, await world.draft(DISTRICT, "fund", [Leg(500_000, allocation_id=allocation, project_id=project)])
    )
    people = await world.persons(3)
    paid = await world.pay(await world.list_of(project, allocation, people))
    rows = await world.service.fetch("SELECT * FROM transfer WHERE entry_id = $1 ORDER BY line_no", paid.entry_id)
    assert [row["amount"] for row in rows] == [8_000] * 3
    assert [row["payee_id"] for row in rows] == [person for _, person in people]
    assert await world.balance("available", allocation=allocation) == 500_000 - 24_000
    assert await world.balance("paid", project=project) == 24_000


async def test_a_release_to_two_districts_crosses_into_both_and_one_leg_is_taken_back(world: World) -> None:
    line = await world.adopt(1_000)
    here, there = await world.allocate(line, 400), await world.allocate(line, 600, district=OTHER_DISTRICT)
    legs = [Leg(400, allocation_id=here), Leg(600, allocation_id=there)]
    released = await world.post(CITY, await world.draft(CITY, "release", legs, release_kind="full"))
    assert await world.balance("executable", allocation=here) == 400
    assert await world.balance("executable", allocation=there) == 600
    back = Leg(250, undoes_entry_id=released.entry_id, undoes_line_no=2)
    await world.post(CITY, await world.draft(CITY, "reverse", [back]))
    assert await world.balance("executable", allocation=here) == 400
    assert await world.balance("executable", allocation=there) == 350
    assert await world.balance("unreleased", allocation=there) == 250
    await assert_book_sound(world.service)


async def test_two_sources_in_one_payment_keep_their_tags(world: World) -> None:
    # Integration of funds (统筹整合, M13): a payment of 8,000 from two allocations is two lists' lines or two legs, never a pool.
    project, people = await world.project(), await world.persons(2)
    first, second = await world.funded(10_000), await world.funded(10_000)
    for allocation in (first, second):
        leg = Leg(10_000, allocation_id=allocation, project_id=project)
        await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    pay_list = await world.list_of(project, first, people[:1], amount=3_000, approved=False, published=False)
    await world.service.execute("INSERT INTO instruction_leg (book, instruction_id, leg_no, amount, allocation_id, project_id) "
                                "VALUES ($1, $2, 2, 5000, $3, $4)", DISTRICT, pay_list, second, project)  # fmt: skip
    # Its total still says 3,000: the approver's digest does not help it.
    await world.notice("payment_list", pay_list, 3_000)
    await world.approve_list(pay_list)
    with pytest.raises(FundledgerError):
        await world.pay(pay_list)
    paid = [
        await world.pay(await world.list_of(project, a, [p], amount=4_000))
        for a, p in zip((first, second), people, strict=True)
    ]
    assert len(paid) == 2
    for allocation in (first, second):
        assert await world.balance("paid", allocation=allocation, project=project) == 4_000
    await assert_book_sound(world.service)
