"""Trails worked out by hand: every slice of every hop, and what remains at the ends, in fen."""

from __future__ import annotations

import pytest

from fundledger.book.instructions import Leg
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from fundledger.trail.starts import Subject
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, VILLAGE, World
from tests.trail.money import ask, bank_returns, fund, line, outcomes, pay, sealed, shape, undo


async def test_a_payment_straddles_two_instalments_and_both_are_named(world: World) -> None:
    allocation = await world.allocate(await world.adopt(1_000), 1_000)
    first, second, third = [await world.release(allocation, amount) for amount in (300, 500, 200)]
    project = await world.project()
    funded = await fund(world, allocation, project, 1_000)
    people = await world.persons(3)
    paid = await pay(
        world, project, [(allocation, 250, people[0]), (allocation, 100, people[1]), (allocation, 600, people[2])]
    )

    up = await ask(world.service, "up", line(paid, 2))
    assert shape(up, book=DISTRICT) == [
        (0, paid.entry_id, 0, 0, 100),
        (1, funded.entry_id, 250, 0, 100),
        (2, crossing_of(up, first.entry_id), 250, 0, 50), (2, crossing_of(up, second.entry_id), 0, 50, 50),
    ]  # fmt: skip
    assert [row[1:] for row in shape(up, book=CITY)][:2] == [(first.entry_id, 250, 0, 50), (second.entry_id, 0, 50, 50)]
    # In the city the two instalments are one slice again: they lie side by side in the allocation.
    assert [(row[0], row[2:]) for row in shape(up, book=CITY)][2:] == [(4, (250, 0, 100)), (5, (250, 0, 100))]
    assert [(row["fund_code"], row["fiscal_year"], row["amount"]) for row in up.origins] == [
        ("special_factor", 2019, 100)
    ]

    last = await ask(world.service, "up", line(paid, 3))
    assert [row[2:] for row in shape(last, book=DISTRICT)][2:] == [(50, 0, 450), (0, 450, 150)]

    down = await ask(world.service, "down", Subject("release", second.entry_id), book=CITY)
    assert outcomes(down) == {("paid", people[1][1]): 50, ("paid", people[2][1]): 450}
    rest = await ask(world.service, "down", Subject("release", third.entry_id), book=CITY)
    assert outcomes(rest) == {("paid", people[2][1]): 150, ("rests", None): 50}
    assert third.entry_id == rest.edges[0].transfer.entry_id


def crossing_of(found: object, city_entry: object) -> object:
    """The district's entry of a release, from the trail's own nodes."""
    rows = found.nodes.entries  # type: ignore[attr-defined]
    (crossing,) = [row["crossing_id"] for row in rows if row["entry_id"] == city_entry and row["book"] == CITY]
    return next(row["entry_id"] for row in rows if row["crossing_id"] == crossing and row["book"] == DISTRICT)


async def test_money_that_came_back_and_was_paid_again_has_the_origin_it_had(world: World) -> None:
    allocation = await world.funded(1_000)
    project = await world.project()
    funded = await fund(world, allocation, project, 1_000)
    people = await world.persons(3)
    paid = await pay(world, project, [(allocation, 400, people[0]), (allocation, 300, people[1])])
    returned = await bank_returns(world, paid.entry_id, 1, 150)
    # 300 were never spent and are first in turn; then comes the tail of line 1 that the bank sent back.
    again = await pay(world, project, [(allocation, 350, people[2])])

    up = await ask(world.service, "up", line(again))
    assert shape(up, book=DISTRICT)[:6] == [
        (0, again.entry_id, 0, 0, 350),
        (1, funded.entry_id, 700, 0, 300), (1, returned.entry_id, 0, 300, 50),
        (2, shape(up, book=DISTRICT)[3][1], 700, 0, 300), (2, paid.entry_id, 250, 300, 50),
        (3, funded.entry_id, 250, 300, 50),
    ]  # fmt: skip
    assert sum(row["amount"] for row in up.origins) == 350

    down = await ask(world.service, "down", line(paid, 1))
    assert outcomes(down) == {("paid", people[0][1]): 250, ("paid", people[2][1]): 50, ("rests", None): 100}
    household = await ask(world.service, "up", Subject("household", people[0][0]))
    assert (household.asked, household.amount) == (250, 250)
    whole = await ask(world.service, "up", Subject("person", people[0][1]), undone=True)
    assert whole.asked == 400


async def test_undoing_part_of_a_funding_takes_its_tail_out_of_the_middle_of_the_queue(world: World) -> None:
    allocation = await world.funded(1_000)
    project = await world.project()
    first = await fund(world, allocation, project, 400)
    second = await fund(world, allocation, project, 300)
    third = await fund(world, allocation, project, 300)
    people = await world.persons(3)
    await pay(world, project, [(allocation, 350, people[0])])
    await undo(world, DISTRICT, second.entry_id, 1, 100)
    back = await undo(world, DISTRICT, second.entry_id, 1, 50)
    paid = await pay(world, project, [(allocation, 300, people[1])])

    up = await ask(world.service, "up", line(paid))
    assert shape(up)[1:4] == [
        (1, first.entry_id, 350, 0, 50), (1, second.entry_id, 0, 50, 150), (1, third.entry_id, 0, 200, 100),
    ]  # fmt: skip
    down = await ask(world.service, "down", line(second))
    assert outcomes(down) == {("paid", people[1][1]): 150, ("rests", None): 150}
    # The second undoing took what lies before the first one's part: offsets 150 to 200 of the original.
    up = await ask(world.service, "up", line(back))
    assert shape(up)[1][:3] == (1, second.entry_id, 150)
    refunded = await fund(world, allocation, project, 150)
    assert [row[1:] for row in shape(await ask(world.service, "up", line(refunded)))][1:4] != []
    assert outcomes(await ask(world.service, "down", line(refunded))) == {("rests", None): 150}


async def test_two_allocations_in_one_project_keep_their_own_origins(world: World) -> None:
    one = await world.allocate(await world.adopt(500), 500)
    other_line = await world.adopt(500, year=2018, document_no="武财农1号")
    other = await world.allocate(other_line, 500, year=2018)
    project = await world.project()
    for allocation in (one, other):
        await world.release(allocation, 500)
        await fund(world, allocation, project, 500)
    people = await world.persons(2)
    paid = await pay(world, project, [(one, 70, people[0]), (other, 200, people[1])])
    await pay(world, project, [(other, 30, people[0])], period="2019-01")

    found = await ask(world.service, "up", Subject("household", people[0][0]))
    assert {(row["fiscal_year"], row["amount"]) for row in found.origins} == {(2019, 70), (2018, 30)}
    assert next(row["document_no"] for row in found.origins if row["fiscal_year"] == 2018) == "武财农1号"
    assert next(row["budget_line_id"] for row in found.origins if row["fiscal_year"] == 2018) == other_line
    entry = await ask(world.service, "up", Subject("entry", paid.entry_id))
    assert {row["fiscal_year"]: row["amount"] for row in entry.origins} == {2019: 70, 2018: 200}
    of_project = await ask(world.service, "up", Subject("project", project))
    assert {row["fiscal_year"]: row["amount"] for row in of_project.origins} == {2019: 500, 2018: 500}


async def test_several_budgets_of_one_line_come_first_in_first_out(world: World) -> None:
    line_id = new_id()
    for amount, number in ((300, "一"), (700, "二")):
        leg = Leg(amount, budget_line_id=line_id, fund_code="special_factor", fiscal_year=2019)
        await world.post(CITY, await world.draft(CITY, "adopt", [leg], document_no=f"预算{number}"))
    early, late = await world.allocate(line_id, 250), await world.allocate(line_id, 500)
    up = await ask(world.service, "up", Subject("allocation", late), book=CITY)
    assert [(row["document_no"], row["amount"]) for row in up.origins] == [("预算一", 50), ("预算二", 450)]
    down = await ask(world.service, "down", Subject("document", "预算一"), book=CITY)
    assert outcomes(down) == {("rests", None): 300}
    assert {row["allocation_id"] for row in down.nodes.allocations} == {early, late}


async def test_a_release_taken_back_returns_to_its_allocation_and_may_go_out_again(world: World) -> None:
    allocation = await world.allocate(await world.adopt(1_000), 1_000)
    first = await world.release(allocation, 600)
    project = await world.project()
    await fund(world, allocation, project, 200)
    back = await undo(world, CITY, first.entry_id, 1, 300)
    second = await world.release(allocation, 500)

    down = await ask(world.service, "down", Subject("release", first.entry_id), book=CITY)
    # 200 are in the project, 100 stayed unspent; 300 came back and queue behind the 400 that were never released, so
    # that 100 of them went out again and 200 wait.
    kinds = {row["account_id"]: row["account_kind"] for row in down.nodes.accounts}
    assert {kinds[row["account_id"]]: row["amount"] for row in down.ends} == {
        "available": 200, "executable": 200, "unreleased": 200,
    }  # fmt: skip
    up = await ask(world.service, "up", line(second), book=CITY)
    made = next(edge.transfer.entry_id for edge in up.edges if edge.depth == 1 and edge.step == "fifo" and edge.at == 0)
    assert shape(up)[:5] == [
        (0, second.entry_id, 0, 0, 500),
        (1, made, 600, 0, 400), (1, back.entry_id, 0, 400, 100),
        (2, up.edges[-1].transfer.entry_id, 600, 0, 400), (2, first.entry_id, 300, 400, 100),
    ]  # fmt: skip
    # From the district's side the money is seen to leave its book and to come back with the next release.
    lots = await ask(world.service, "down", Subject("allocation", allocation), book=DISTRICT)
    assert lots.asked == 1_100
    own = await ask(
        world.service, "down", Subject("allocation", allocation), book=DISTRICT, books=frozenset({DISTRICT})
    )
    assert outcomes(own)["other_book", None] == 300
    assert {edge.transfer.book for edge in own.edges} == {DISTRICT}


async def test_a_budget_taken_back_ends_at_its_source(world: World) -> None:
    line_id = new_id()
    leg = Leg(900, budget_line_id=line_id, fund_code="special_factor", fiscal_year=2019)
    adopted = await world.post(CITY, await world.draft(CITY, "adopt", [leg]))
    await undo(world, CITY, adopted.entry_id, 1, 200)
    assert outcomes(await ask(world.service, "down", line(adopted), book=CITY)) == {
        ("undone", None): 200,
        ("rests", None): 700,
    }


async def test_a_districts_own_money_comes_from_its_own_budget(world: World) -> None:
    allocation = new_id()
    await world.service.execute(
        "INSERT INTO declared_figure (book, fund_code, fiscal_year, version, amount, document_no, recorded_by) "
        "VALUES ($1, 'district_increment', 2019, 1, 1000, '申报1号', $2)",
        DISTRICT, world.who("district-maker").staff_id,
    )  # fmt: skip
    leg = Leg(500, allocation_id=allocation, fund_code="district_increment", fiscal_year=2019, district=DISTRICT)
    await world.post(DISTRICT, await world.draft(DISTRICT, "adopt_own", [leg], document_no="区预算1号"))
    project = await world.project()
    funded = await fund(world, allocation, project, 120)
    up = await ask(world.service, "up", line(funded))
    assert [(row["book"], row["document_no"], row["allocation_id"], row["amount"]) for row in up.origins] == [
        (DISTRICT, "区预算1号", allocation, 120)
    ]
    assert up.origins[0]["budget_line_id"] is None


async def test_a_village_is_asked_for_what_it_was_allocated_and_what_was_paid_to_it(world: World) -> None:
    line_id = await world.adopt(1_000)
    allocation = await world.allocate(line_id, 600, village=VILLAGE)
    other = await world.allocate(line_id, 400, district=OTHER_DISTRICT)
    await world.release(allocation, 600)
    project = await world.project(village_code=VILLAGE)
    await fund(world, allocation, project, 600)
    people = await world.persons(2)
    await pay(world, project, [(allocation, 100, people[0]), (allocation, 150, people[1])])
    down = await ask(world.service, "down", Subject("village", VILLAGE), book=CITY)
    assert outcomes(down) == {("paid", people[0][1]): 100, ("paid", people[1][1]): 150, ("rests", None): 350}
    assert other not in {row["allocation_id"] for row in down.nodes.allocations}
    up = await ask(world.service, "up", Subject("village", VILLAGE))
    assert (up.asked, [row["amount"] for row in up.origins]) == (250, [250])
    assert {row["household_no"] for row in up.nodes.payees} == {str(household) for household, _ in people}
    assert all(row["name"] is None for row in up.nodes.payees)


async def test_what_the_book_does_not_know_is_not_found_and_what_has_no_money_is_empty(world: World) -> None:
    (known,) = await world.persons(1)
    assert (await ask(world.service, "up", Subject("household", known[0]))).edges == []
    for subject in (Subject("household", new_id()), Subject("entry", new_id()), Subject("document", "无此文号"),
                    Subject("village", "420117999999"), Subject("allocation", new_id())):  # fmt: skip
        with pytest.raises(FundledgerError, match="trail-start-not-found"):
            await ask(world.service, "up", subject)


async def test_pages_of_a_trail_lie_end_to_end_and_each_adds_up(world: World) -> None:
    allocation = await world.funded(10_000)
    project = await world.project()
    for amount in (3_000, 4_000, 3_000):
        await fund(world, allocation, project, amount)
    people = await world.persons(40)
    await pay(world, project, [(allocation, 200 + number, person) for number, person in enumerate(people)])
    for direction, subject in (("down", Subject("allocation", allocation)), ("up", Subject("village", VILLAGE))):
        whole = await ask(world.service, direction, subject)  # type: ignore[arg-type]
        assert whole.beyond is None
        place, amount, pages, told = None, 0, 0, 0
        while place is not None or pages == 0:
            page = await ask(world.service, direction, subject, limit=17, after=place)  # type: ignore[arg-type]
            assert len(page.edges) <= 17
            ends = sum(row["amount"] for row in (page.ends if direction == "down" else page.origins))
            assert ends == page.amount > 0
            assert sum(edge.amount for edge in page.edges if edge.depth == 0) == page.amount
            told += sum(edge.amount for edge in page.edges)
            place, amount, pages = page.beyond, amount + page.amount, pages + 1
        assert (amount, pages > 2) == (whole.amount, True)
        assert told == sum(edge.amount for edge in whole.edges)
    with pytest.raises(FundledgerError, match="trail-limit-too-small"):
        await ask(world.service, "down", Subject("allocation", allocation), limit=2)


async def test_as_of_a_position_a_trail_is_what_it_was_then(world: World) -> None:
    allocation = await world.allocate(await world.adopt(1_000), 1_000)
    project = await world.project()
    released = await world.release(allocation, 800)
    people = await world.persons(2)
    then: list[tuple[int, object, object]] = []

    async def remember() -> None:
        subject = Subject("release", released.entry_id)
        found = await ask(world.service, "down", subject, book=CITY)
        then.append((await sealed(world.service), shape(found), found.ends))

    await remember()
    await fund(world, allocation, project, 500)
    await remember()
    paid = await pay(world, project, [(allocation, 300, people[0])])
    await remember()
    await bank_returns(world, paid.entry_id, 1, 120)
    await remember()
    await undo(world, CITY, released.entry_id, 1, 100)
    await remember()
    await pay(world, project, [(allocation, 300, people[1])])
    await remember()
    assert len({str(edges) for _, edges, _ in then}) == len(then)
    for position, edges, ends in then:
        found = await ask(world.service, "down", Subject("release", released.entry_id), book=CITY, at=position)
        assert (shape(found), found.ends) == (edges, ends)
    with pytest.raises(FundledgerError, match="trail-start-not-found"):
        await ask(world.service, "up", line(paid), at=then[1][0])


async def test_between_the_two_sides_of_a_crossing_money_is_in_transit(world: World) -> None:
    allocation = await world.allocate(await world.adopt(1_000), 1_000)
    await sealed(world.service)
    released = await world.release(allocation, 800)
    await sealed(world.service)
    rows = await world.service.fetch(
        "SELECT book, position FROM log_leaf WHERE kind = 'entry' ORDER BY position DESC LIMIT 2"
    )
    first, last = min(row["position"] for row in rows), max(row["position"] for row in rows)
    if next(row["book"] for row in rows if row["position"] == first) == CITY:
        between = await ask(world.service, "down", Subject("release", released.entry_id), book=CITY, at=first)
        assert outcomes(between) == {("in_transit", None): 800}
    else:
        up = await ask(world.service, "up", Subject("allocation", allocation), at=first)
        assert sum(row["amount"] for row in up.origins) == 800
    after = await ask(world.service, "down", Subject("release", released.entry_id), book=CITY, at=last)
    assert outcomes(after) == {("rests", None): 800}
