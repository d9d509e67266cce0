"""The year's turn at the gate: what each kind moves, and what it is refused for; as the service's role, without the API."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book.attackers import bank_returned, codes_of
from tests.budget.calls import listed
from tests.budget.turn import JANUARY, OLD, close_months, close_year, codes, held, in_project, moved, own_money
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, TODAY, World
from tests.soundness import assert_book_sound

DOCUMENT: dict[str, Any] = {"exception_document_no": "武财调1号"}


async def two_villages(world: World, amount: int = 20_000_000) -> tuple[UUID, UUID]:
    """Two villages' allocations of the targeted fund."""
    villages = await listed(world, DISTRICT, 2)
    line = await world.adopt(2 * amount, fund="targeted")
    first, second = [await world.allocate(line, amount, fund="targeted", village=village) for village in villages]
    return first, second


async def test_a_virement_moves_unreleased_money_to_another_village_even_above_the_standard(world: World) -> None:
    source, target = await two_villages(world)
    await moved(world, "virement", Leg(500_000, allocation_id=source, to_allocation_id=target), **DOCUMENT)
    assert await world.balance("unreleased", allocation=source) == 19_500_000
    assert await world.balance("unreleased", allocation=target) == 20_500_000
    # The money is the target's now: it goes down as such.
    await world.release(target, 20_500_000)
    assert await world.balance("executable", allocation=target) == 20_500_000
    figures = await world.service.fetch("SELECT allocation_id, allocated FROM allocation_status WHERE book = $1", CITY)
    assert {row["allocation_id"]: row["allocated"] for row in figures} == {source: 19_500_000, target: 20_500_000}
    await assert_book_sound(world.service)


async def test_every_fault_of_a_virement_is_named_at_once(world: World) -> None:
    source, target = await two_villages(world)
    other_fund = await world.allocate(await world.adopt(1_000), 1_000)
    next_year = await world.allocate(await world.adopt(1_000, year=2020), 1_000, year=2020)
    own = await own_money(world, 1_000)
    leg = Leg(1_000, allocation_id=source, to_allocation_id=target)
    assert await codes(world, "virement", leg) == {"virement-without-document"}
    for to, expected in (
        (source, {"virement-to-itself"}), (other_fund, {"virement-differs"}), (next_year, {"virement-differs"}),
        (None, {"allocation-not-found"}), (new_id(), {"allocation-not-found"}), (own, {"allocation-not-found"}),
    ):  # fmt: skip
        found = await codes(world, "virement", Leg(1_000, allocation_id=source, to_allocation_id=to), **DOCUMENT)
        assert expected <= found <= expected | {"virement-to-itself"}, (to, found)
    assert "allocation-not-found" in await codes(
        world, "virement", Leg(1_000, allocation_id=new_id(), to_allocation_id=target), **DOCUMENT
    )
    too_much = [
        Leg(20_000_001, allocation_id=source, to_allocation_id=target),
        Leg(1, allocation_id=source, to_allocation_id=next_year),
    ]
    assert await codes(world, "virement", *too_much) == {
        "balance-insufficient", "virement-differs", "virement-without-document"
    }  # fmt: skip
    assert await codes(world, "virement", leg, book=DISTRICT, **DOCUMENT) >= {"wrong-level"}


async def test_a_virement_to_a_village_that_left_the_list_is_refused(world: World) -> None:
    source, target = await two_villages(world)
    await world.service.execute(
        "INSERT INTO village_list (book, fund_code, fiscal_year, version, village_code, document_no, recorded_by) "
        "SELECT book, fund_code, fiscal_year, 2, village_code, '名单2号', recorded_by FROM village_list v "
        "WHERE village_code = (SELECT village_code FROM allocation WHERE book = $1 AND allocation_id = $2)", CITY, source,
    )  # fmt: skip
    leg = Leg(1_000, allocation_id=source, to_allocation_id=target)
    assert await codes(world, "virement", leg, **DOCUMENT) == {"village-not-listed"}
    # Away from it is what a virement is for.
    back = Leg(1_000, allocation_id=target, to_allocation_id=source)
    assert await codes(world, "virement", back, **DOCUMENT) == set()


async def test_released_money_is_not_moved_by_virement(world: World) -> None:
    source, target = await two_villages(world)
    await world.release(source, 20_000_000)
    leg = Leg(1, allocation_id=source, to_allocation_id=target)
    assert await codes(world, "virement", leg, **DOCUMENT) == {"balance-insufficient"}


async def test_a_recovery_crosses_back_on_both_sides_and_the_money_can_go_down_again(world: World) -> None:
    allocation = await world.funded(10_000)
    await moved(world, "recover", Leg(4_000, allocation_id=allocation))
    assert await world.balance("released", allocation=allocation) == 6_000
    assert await world.balance("executable", allocation=allocation) == 6_000
    assert await world.balance("upper_transfer", allocation=allocation) == -6_000
    assert await world.balance("unreleased", allocation=allocation) == 4_000
    await assert_book_sound(world.service)
    await world.release(allocation, 4_000)
    assert await world.balance("executable", allocation=allocation) == 10_000


async def test_a_recovery_takes_what_the_district_still_holds_of_the_year_named(world: World) -> None:
    allocation = await world.funded(10_000)
    project = await in_project(world, allocation, 7_000)
    assert await codes(world, "recover", Leg(3_001, allocation_id=allocation)) == {"balance-insufficient"}
    january: dict[str, Any] = {"effective_on": JANUARY}
    # Without a year it looks at the current one, where nothing stands.
    assert await codes(world, "recover", Leg(3_000, allocation_id=allocation), **january) == {"balance-insufficient"}
    assert await codes(world, "recover", Leg(3_000, allocation_id=allocation, exec_year=2019), **january) == set()
    leg = Leg(100, allocation_id=allocation, exec_year=2019, project_id=project)
    assert await codes(world, "recover", leg, **january) == {"leg-says-too-much", "balance-insufficient"}
    await assert_book_sound(world.service)


async def test_a_recovery_of_the_district_s_own_money_is_refused(world: World) -> None:
    own = await own_money(world, 1_000)
    assert "allocation-not-found" in await codes(world, "recover", Leg(1_000, allocation_id=own))
    assert "allocation-not-found" in await codes(world, "recover", Leg(1_000, allocation_id=own, district=DISTRICT))


@pytest.mark.parametrize("book", [CITY, DISTRICT])
async def test_a_recovery_needs_the_month_open_in_both_books(world: World, book: int) -> None:
    allocation = await world.funded(10_000)
    await close_months(world, book=book)
    assert await codes(world, "recover", Leg(1_000, allocation_id=allocation)) == {"period-closed"}


async def test_a_recovery_from_two_districts_in_one_instruction_crosses_into_each(world: World) -> None:
    here, there = await world.funded(10_000), await world.funded(10_000, district=OTHER_DISTRICT)
    await moved(world, "recover", Leg(1_000, allocation_id=here), Leg(2_000, allocation_id=there))
    assert [await world.balance("executable", allocation=a) for a in (here, there)] == [9_000, 8_000]
    await assert_book_sound(world.service)


async def test_defunding_gives_money_back_within_the_year_it_stood_in(world: World) -> None:
    allocation = await world.funded(10_000)
    project = await in_project(world, allocation, 7_000)
    leg = Leg(3_000, allocation_id=allocation, project_id=project)
    await moved(world, "defund", leg, book=DISTRICT)
    assert await held(world, "executable", 2019, allocation) == 6_000
    january: dict[str, Any] = {"effective_on": JANUARY, "book": DISTRICT}
    assert await codes(world, "defund", leg, **january) == {"balance-insufficient"}
    past = Leg(4_000, allocation_id=allocation, project_id=project, exec_year=2019)
    await moved(world, "defund", past, **january)
    assert (await held(world, "executable", 2019, allocation), await held(world, "executable", 2020, allocation)) == (
        10_000,
        0,
    )
    assert await codes(world, "defund", past, **january) == {"balance-insufficient"}
    await assert_book_sound(world.service)


async def test_money_leaves_a_project_whatever_its_status_but_only_one_of_this_book(world: World) -> None:
    allocation = await world.funded(10_000)
    project = await in_project(world, allocation, 7_000)
    # As the first schema let a project leave; the library's own rule keeps one that has money.
    await world.owner.execute("ALTER TABLE project DISABLE TRIGGER project_guard")
    for version, status in ((4, "suspended"), (5, "left")):
        await world.service.execute(
            "INSERT INTO project (book, project_id, version, code, name, category, programme_code, managing_unit_id, "
            "performance_target, planned_amount, status, document_no, recorded_by) SELECT book, project_id, $3, code, name, "
            "category, programme_code, managing_unit_id, performance_target, planned_amount, $4, document_no, recorded_by "
            "FROM project WHERE book = $1 AND project_id = $2 AND version = 1", DISTRICT, project, version, status,
        )  # fmt: skip
        await moved(world, "defund", Leg(1_000, allocation_id=allocation, project_id=project), book=DISTRICT)
    await world.owner.execute("ALTER TABLE project ENABLE TRIGGER project_guard")
    foreign = await world.project(book=OTHER_DISTRICT)
    leg = Leg(1_000, allocation_id=allocation, project_id=foreign)
    assert "project-not-in-library" in await codes(world, "defund", leg, book=DISTRICT)
    assert "project-not-in-library" in await codes(world, "defund", Leg(1_000, allocation_id=allocation), book=DISTRICT)


async def test_a_carry_over_brings_executable_and_project_money_into_the_new_year(world: World) -> None:
    allocation = await world.funded(10_000)
    project = await in_project(world, allocation, 7_000)
    fields: dict[str, Any] = {"book": DISTRICT, "effective_on": JANUARY}
    fund = Leg(1_000, allocation_id=allocation, project_id=project)
    assert await codes(world, "fund", fund, **fields) == {"balance-insufficient"}
    carried = [
        Leg(3_000, allocation_id=allocation, exec_year=2019),
        Leg(7_000, allocation_id=allocation, project_id=project, exec_year=2019),
    ]
    await moved(world, "carry_over", *carried, **fields)
    assert [await held(world, kind, 2020, allocation) for kind in ("executable", "available")] == [3_000, 7_000]
    assert [await held(world, kind, 2019, allocation) for kind in ("executable", "available")] == [0, 0]
    assert await codes(world, "fund", fund, **fields) == set()
    await assert_book_sound(world.service)


async def test_every_fault_of_a_carry_over_is_named(world: World) -> None:
    allocation = await world.funded(10_000)
    early = await world.allocate(await world.adopt(1_000, year=2020), 1_000, year=2020)
    await world.release(early, 1_000, release_kind="early")
    fields: dict[str, Any] = {"book": DISTRICT, "effective_on": JANUARY}

    async def refused(leg: Leg, day: date = JANUARY) -> set[str]:
        return await codes(world, "carry_over", leg, book=DISTRICT, effective_on=day)

    assert await refused(Leg(1, allocation_id=allocation)) == {"carry-over-year-missing"}
    assert await refused(Leg(1, allocation_id=allocation, exec_year=2020)) == {"carry-over-year-wrong"}
    # Neither within the year nor into the past.
    assert await refused(Leg(1, allocation_id=allocation, exec_year=2019), TODAY) == {"carry-over-year-wrong"}
    assert await refused(Leg(1, allocation_id=early, exec_year=2020), date(2019, 12, 1)) == {"carry-over-year-wrong"}
    assert await refused(Leg(1, allocation_id=early, exec_year=2019)) == {
        "carry-over-not-needed",
        "balance-insufficient",
    }
    assert await refused(Leg(10_001, allocation_id=allocation, exec_year=2019)) == {"balance-insufficient"}
    assert await refused(Leg(1, allocation_id=allocation, exec_year=2019, project_id=new_id())) >= {
        "project-not-in-library"
    }
    assert "allocation-not-found" in await refused(Leg(1, allocation_id=new_id(), exec_year=2019))
    assert "wrong-level" in await codes(
        world, "carry_over", Leg(1, allocation_id=allocation, exec_year=2019), effective_on=JANUARY
    )
    assert await codes(world, "carry_over", Leg(10_000, allocation_id=allocation, exec_year=2019), **fields) == set()


async def test_the_clock_runs_from_the_fiscal_year_whatever_became_of_the_money(world: World) -> None:
    allocation = await world.funded(10_000)
    project = await in_project(world, allocation, 7_000)
    last_day, day = date(2021, 12, 30), date(2021, 12, 31)
    for year, on in ((2019, date(2020, 6, 1)), (2020, date(2021, 1, 2))):
        leg = Leg(7_000, allocation_id=allocation, project_id=project, exec_year=year)
        await moved(world, "carry_over", leg, book=DISTRICT, effective_on=on)
    # Into another project: the clock does not start again.
    await moved(
        world, "defund", Leg(7_000, allocation_id=allocation, project_id=project), book=DISTRICT, effective_on=last_day
    )
    other = await in_project(world, allocation, 7_000, effective_on=last_day)
    leg = Leg(7_000, allocation_id=allocation, project_id=other, exec_year=2021)
    assert await codes(world, "carry_over", leg, book=DISTRICT, effective_on=date(2022, 1, 2)) == {
        "surplus-not-carried"
    }
    # 730 days after 31 December 2019 is 30 December 2021.
    left = Leg(3_000, allocation_id=allocation, exec_year=2019)
    assert await codes(world, "carry_over", left, book=DISTRICT, effective_on=day) == {"surplus-not-carried"}
    assert await codes(world, "carry_over", left, book=DISTRICT, effective_on=last_day) == {"surplus-not-carried"}
    assert await codes(world, "carry_over", left, book=DISTRICT, effective_on=date(2021, 12, 29)) == set()
    await assert_book_sound(world.service)


async def test_surplus_is_recovered_handed_in_and_not_released_again(world: World) -> None:
    allocation = await world.funded(10_000)
    project = await in_project(world, allocation, 4_000)
    old: dict[str, Any] = {"effective_on": OLD}
    leg = Leg(4_000, allocation_id=allocation, project_id=project, exec_year=2019)
    await moved(world, "defund", leg, book=DISTRICT, **old)
    await moved(world, "recover", Leg(10_000, allocation_id=allocation, exec_year=2019), **old)
    again = Leg(1_000, allocation_id=allocation)
    assert await codes(world, "release", again, **old) == {"surplus-not-released"}
    assert await codes(world, "release", again, **old, **DOCUMENT) == set()
    await moved(world, "surplus", Leg(9_000, allocation_id=allocation), **old)
    assert await world.balance("surplus", allocation=allocation) == 9_000
    status = await world.service.fetchrow(
        "SELECT allocated, released, surplus FROM allocation_status WHERE book = $1 AND allocation_id = $2",
        CITY,
        allocation,
    )
    assert status is not None
    assert tuple(status) == (10_000, 1_000, 9_000)
    await assert_book_sound(world.service)


async def test_surplus_needs_its_age_or_a_document(world: World) -> None:
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    leg = Leg(1_000, allocation_id=allocation)
    assert await codes(world, "surplus", leg) == {"surplus-not-due"}
    assert await codes(world, "surplus", leg, effective_on=date(2021, 12, 29)) == {"surplus-not-due"}
    assert await codes(world, "surplus", leg, **DOCUMENT) == set()
    assert await codes(world, "surplus", leg, effective_on=date(2021, 12, 30)) == set()
    assert await codes(world, "surplus", Leg(8_001, allocation_id=allocation), effective_on=OLD) == {
        "balance-insufficient"
    }


async def test_a_district_hands_in_its_own_surplus_and_the_floor_still_counts_it(world: World) -> None:
    own, granted = await own_money(world, 10_000), await world.funded(10_000)
    leg = Leg(6_000, allocation_id=own, exec_year=2019)
    assert await codes(world, "surplus_own", leg, book=DISTRICT) == {"surplus-not-due"}
    assert await codes(world, "surplus_own", leg, book=DISTRICT, effective_on=OLD) == set()
    assert await codes(world, "surplus_own", Leg(1_000, allocation_id=own), book=DISTRICT, **DOCUMENT) == set()
    foreign = Leg(1_000, allocation_id=granted, exec_year=2019)
    assert await codes(world, "surplus_own", foreign, book=DISTRICT, effective_on=OLD) == {"surplus-not-own"}
    floor = await world.service.fetchrow("SELECT adopted FROM floor_test WHERE book = $1", DISTRICT)
    assert floor is not None
    assert floor["adopted"] == 10_000
    status = await world.service.fetchrow(
        "SELECT allocated, released, executable, surplus FROM allocation_status WHERE book = $1 AND allocation_id = $2",
        DISTRICT,
        own,
    )
    assert status is not None
    assert tuple(status) == (10_000, 10_000, 3_000, 7_000)
    await assert_book_sound(world.service)


async def test_own_money_adopted_a_second_time_counts_to_the_floor_with_the_first(world: World) -> None:
    first, second = await own_money(world, 10_000), await own_money(world, 5_000)
    assert first != second
    floor = await world.service.fetchrow("SELECT adopted FROM floor_test WHERE book = $1", DISTRICT)
    assert floor is not None
    assert floor["adopted"] == 15_000


async def test_money_of_a_past_year_is_neither_funded_nor_paid_nor_named_by_kinds_that_know_no_year(
    world: World,
) -> None:
    allocation = await world.funded(1_000_000)
    project = await in_project(world, allocation, 500_000)
    fields: dict[str, Any] = {"book": DISTRICT, "effective_on": JANUARY}
    past = Leg(1_000, allocation_id=allocation, project_id=project, exec_year=2019)
    assert await codes(world, "fund", past, **fields) == {"past-year-money"}
    pay_list = await world.list_of(project, allocation, await world.persons(1), effective_on=JANUARY)
    with pytest.raises(FundledgerError) as refusal:
        await world.pay(pay_list)
    assert codes_of(refusal.value) == {"balance-insufficient"}
    _, target = await two_villages(world)
    named = Leg(1, allocation_id=target, to_allocation_id=target, exec_year=2019)
    assert "past-year-money" in await codes(world, "virement", named, **DOCUMENT)
    assert "past-year-money" in await codes(
        world, "surplus", Leg(1, allocation_id=target, exec_year=2019), effective_on=OLD
    )
    assert "past-year-money" in await codes(world, "release", Leg(1, allocation_id=target, exec_year=2020))


async def test_a_leg_that_says_more_than_its_kind_reads_is_refused(world: World) -> None:
    allocation = await world.funded(10_000)
    stray: dict[str, Any] = {
        "budget_line_id": new_id(), "fund_code": "targeted", "fiscal_year": 2018, "district": OTHER_DISTRICT,
        "village_code": "420117001200", "allocation_document_no": "指1号", "payee_id": new_id(),
        "settles_entry_id": new_id(), "to_allocation_id": allocation,
    }  # fmt: skip
    for name, value in stray.items():
        leg = Leg(1_000, allocation_id=allocation, **{name: value})
        assert await codes(world, "recover", leg) == {"leg-says-too-much"}, name
        carried = Leg(1_000, allocation_id=allocation, exec_year=2019, **{name: value})
        assert await codes(world, "carry_over", carried, book=DISTRICT, effective_on=JANUARY) == {"leg-says-too-much"}


async def test_reversals_of_the_kinds_undo_them_where_the_money_still_is(world: World) -> None:
    source, target = await two_villages(world)
    allocation, own = await world.funded(10_000), await own_money(world, 5_000)
    project = await in_project(world, allocation, 4_000)
    entries = [
        (CITY, await moved(world, "virement", Leg(500, allocation_id=source, to_allocation_id=target), **DOCUMENT)),
        (CITY, await moved(world, "recover", Leg(500, allocation_id=allocation))),
        (DISTRICT, await moved(world, "defund", Leg(500, allocation_id=allocation, project_id=project), book=DISTRICT)),
        (DISTRICT, await moved(world, "surplus_own", Leg(500, allocation_id=own), book=DISTRICT, **DOCUMENT)),
        (CITY, await moved(world, "surplus", Leg(500, allocation_id=source), **DOCUMENT)),
        (
            DISTRICT,
            await moved(
                world,
                "carry_over",
                Leg(500, allocation_id=allocation, exec_year=2019),
                book=DISTRICT,
                effective_on=JANUARY,
            ),
        ),
    ]
    before = await world.service.fetchval("SELECT count(*) FROM entry")
    for book, posted in entries:
        undo = Leg(500, undoes_entry_id=posted.entry_id, undoes_line_no=1)
        assert await codes(world, "reverse", undo, book=book, effective_on=JANUARY) == set()
    assert (
        await world.service.fetchval("SELECT count(*) FROM entry") == before + 7
    )  # the recovery is undone in both books
    assert await world.balance("unreleased", allocation=source) == 20_000_000
    assert await world.balance("unreleased", allocation=target) == 20_000_000
    assert await held(world, "executable", 2019, allocation) == 6_000
    assert await world.balance("surplus") == 0
    await assert_book_sound(world.service)


async def test_a_virement_whose_money_went_on_is_not_undone(world: World) -> None:
    source, target = await two_villages(world)
    posted = await moved(world, "virement", Leg(500, allocation_id=source, to_allocation_id=target), **DOCUMENT)
    await world.release(target, 20_000_500)
    undo = Leg(500, undoes_entry_id=posted.entry_id, undoes_line_no=1)
    assert await codes(world, "reverse", undo) & {"spent-downstream", "balance-insufficient"}


# -- closing a year


async def refused_close(world: World, year: int = 2019, **fields: Any) -> set[str]:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await close_year(world, year, **fields)
    return codes_of(refusal.value)


async def test_a_year_closes_once_its_months_are_closed_and_its_accounts_empty(world: World) -> None:
    allocation = await world.funded(10_000)
    project = await in_project(world, allocation, 4_000)
    assert await refused_close(world) == {"year-months-open", "year-has-balance"}
    assert await refused_close(world, who="district-maker") == {
        "closer-without-duty",
        "year-months-open",
        "year-has-balance",
    }
    assert await refused_close(world, 2999) == {"year-months-open", "year-not-over"}
    carried = [
        Leg(6_000, allocation_id=allocation, exec_year=2019),
        Leg(4_000, allocation_id=allocation, project_id=project, exec_year=2019),
    ]
    await moved(world, "carry_over", *carried, book=DISTRICT, effective_on=JANUARY)
    await close_months(world)
    close_id = await close_year(world)
    assert (
        await world.service.fetchval(
            "SELECT count(*) FROM log_queue WHERE kind = 'year_close' AND record_id = $1", close_id
        )
        == 1
    )
    assert await refused_close(world) == {"year-closed"}
    assert await refused_close(world, who="poverty-approver") == {"year-closed", "closer-without-duty"}


async def test_a_year_with_a_balance_names_every_account(world: World) -> None:
    allocation = await world.funded(10_000)
    project = await in_project(world, allocation, 4_000)
    await close_months(world)
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await close_year(world)
    rows = json.loads(refusal.value.detail or "")
    assert [(row["params"]["account_kind"], row["params"]["project_id"], row["params"]["remaining"]) for row in rows] == [
        ("executable", None, 6_000), ("available", str(project), 4_000)
    ]  # fmt: skip


async def test_the_city_closes_a_year_when_no_unreleased_money_is_surplus_by_its_end(world: World) -> None:
    old = await world.allocate(await world.adopt(1_000, year=2017), 1_000, year=2017)
    await world.allocate(await world.adopt(1_000, year=2018), 1_000, year=2018)
    await close_months(world, book=CITY)
    assert await refused_close(world, book=CITY) == {"year-has-balance"}
    await moved(world, "surplus", Leg(1_000, allocation_id=old), effective_on=JANUARY)
    await close_year(world, book=CITY)
    await assert_book_sound(world.service)


async def test_what_comes_back_to_a_closed_year_leaves_by_defunding_carry_over_or_recovery_but_not_by_reversal(
    world: World,
) -> None:
    allocation = await world.funded(1_000_000)
    project = await in_project(world, allocation, 16_000)
    payees = await world.persons(2)
    paid = await world.pay(await world.list_of(project, allocation, payees))
    january: dict[str, Any] = {"effective_on": JANUARY}
    carried = await moved(
        world, "carry_over", Leg(984_000, allocation_id=allocation, exec_year=2019), book=DISTRICT, **january
    )
    await close_months(world)
    await close_year(world)
    for line in (1, 2):
        await bank_returned(world, paid.entry_id, line)
        undo = Leg(8_000, undoes_entry_id=paid.entry_id, undoes_line_no=line)
        assert await codes(world, "return", undo, book=DISTRICT, **january) == set()
    assert await held(world, "available", 2019, allocation) == 16_000
    undo = Leg(1, undoes_entry_id=carried.entry_id, undoes_line_no=1)
    assert await codes(world, "reverse", undo, book=DISTRICT, **january) == {"year-closed"}
    taken = Leg(8_000, allocation_id=allocation, project_id=project, exec_year=2019)
    assert await codes(world, "defund", taken, book=DISTRICT, **january) == set()
    assert await codes(world, "recover", Leg(4_000, allocation_id=allocation, exec_year=2019), **january) == set()
    assert (
        await codes(world, "carry_over", Leg(4_000, allocation_id=allocation, exec_year=2019), book=DISTRICT, **january)
        == set()
    )
    assert await codes(world, "carry_over", taken, book=DISTRICT, **january) == set()
    # Nothing of the closed year itself: its months are closed.
    assert "period-closed" in await codes(world, "defund", taken, book=DISTRICT, effective_on=date(2019, 12, 31))
    await assert_book_sound(world.service)


async def test_the_service_writes_no_year_close_of_its_own(world: World) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.service.execute(
            "INSERT INTO year_close VALUES ($1, 2019, $2, $3, '关账', 1, now())",
            DISTRICT,
            new_id(),
            world.who("district-approver").staff_id,
        )
