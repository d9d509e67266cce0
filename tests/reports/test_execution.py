"""The execution report adds up the same by every key, and to what the transfers say; compliance names who is short."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from fundledger.book.instructions import Leg
from fundledger.reports.compliance import floor_rows, village_rows
from fundledger.reports.execution import AMOUNTS, Key, execution, totals
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, TODAY, VILLAGE, World, insert
from tests.trail.money import bank_returns, fund, pay

KEYS: tuple[Key, ...] = ("district", "village", "fund", "programme", "project", "allocation", "exec_year")
READDED = """
SELECT coalesce(sum(CASE WHEN d.account_kind = 'paid' THEN t.amount WHEN c.account_kind = 'paid' THEN -t.amount END), 0)::bigint AS paid,
       coalesce(sum(t.amount) FILTER (WHERE e.entry_kind = 'return'), 0)::bigint AS returned,
       coalesce(sum(CASE WHEN d.account_kind IN ('executable', 'available') THEN t.amount ELSE 0 END
                  - CASE WHEN c.account_kind IN ('executable', 'available') THEN t.amount ELSE 0 END), 0)::bigint AS idle
FROM transfer t JOIN entry e USING (book, entry_id)
JOIN account d ON d.book = t.book AND d.account_id = t.debit_account
JOIN account c ON c.book = t.book AND c.account_id = t.credit_account
WHERE t.book = $1 AND e.effective_on <= $2
"""


async def a_year(world: World) -> None:
    """Money in two districts; in one a project is funded, two are paid, one comes back."""
    allocation = await world.funded(1_000_000)
    await world.funded(300_000, district=OTHER_DISTRICT)
    project = await world.project()
    await fund(world, allocation, project, 600_000)
    people = await world.persons(2)
    done = await pay(world, project, [(allocation, 8_000, people[0]), (allocation, 16_000, people[1])])
    await bank_returns(world, done.entry_id, 2, 16_000)


@pytest.mark.parametrize("book", [CITY, DISTRICT])
async def test_every_key_adds_up_to_the_same_totals(world: World, book: int) -> None:
    await a_year(world)
    by_key = {key: totals(await execution(world.service, book, by=key, on=TODAY)) for key in KEYS}
    assert len({tuple(sorted(found.items())) for found in by_key.values()}) == 1
    found = by_key["fund"]
    assert found["allocated"] == found["released"] == (1_300_000 if book == CITY else 1_000_000)
    assert (found["funded"], found["paid"], found["returned"]) == (600_000, 8_000, 16_000)


async def test_the_report_is_what_the_transfers_say(world: World) -> None:
    await a_year(world)
    (row,) = await execution(world.service, DISTRICT, by="district", on=TODAY)
    readded = await world.service.fetchrow(READDED, DISTRICT, TODAY)
    assert readded is not None
    assert {name: row.amounts[name] for name in ("paid", "returned", "idle")} == dict(readded)
    assert row.amounts["idle"] + row.amounts["paid"] + row.amounts["advanced"] == row.amounts["released"]


async def test_an_allocation_is_one_row_whatever_villages_its_projects_are_in(world: World) -> None:
    allocation = await world.funded(1_000_000)
    await fund(world, allocation, await world.project(village_code=VILLAGE), 400_000)
    (row,) = await execution(world.service, CITY, by="allocation", on=TODAY)
    assert (row.key["village_code"], row.amounts["funded"], row.amounts["idle"]) == (None, 400_000, 1_000_000)
    by_village = await execution(world.service, CITY, by="village", on=TODAY)
    assert {one.key["village_code"]: one.amounts["funded"] for one in by_village} == {None: 0, VILLAGE: 400_000}


async def test_a_report_of_an_earlier_day_knows_nothing_of_later_days(world: World) -> None:
    await a_year(world)
    assert await execution(world.service, CITY, by="fund", on=date(2019, 2, 28)) == []


async def test_idle_money_ages_from_the_end_of_its_fiscal_year_whatever_moved_it(world: World) -> None:
    line = await world.adopt(50_000, year=2018, effective_on=date(2018, 5, 1))
    allocation = await world.allocate(line, 50_000, year=2018, effective_on=date(2018, 5, 1))
    await world.release(allocation, 50_000, effective_on=date(2019, 2, 1))
    ages: dict[date, tuple[int, int, int]] = {}
    for day in (date(2019, 12, 30), date(2019, 12, 31), date(2020, 12, 30), date(2020, 12, 31)):
        (row,) = await execution(world.service, DISTRICT, by="district", on=day)
        ages[day] = (row.amounts["idle_alert"], row.amounts["idle_surplus"], row.oldest_idle_days)
    assert ages == {
        date(2019, 12, 30): (0, 0, 364), date(2019, 12, 31): (50_000, 0, 365),
        date(2020, 12, 30): (50_000, 50_000, 730), date(2020, 12, 31): (50_000, 50_000, 731),
    }  # fmt: skip


async def declared(world: World, amount: int, version: int, *, final: bool = False) -> None:
    await insert(world.service, "declared_figure", {
        "book": DISTRICT, "fund_code": "district_increment", "fiscal_year": 2019, "version": version, "amount": amount,
        "is_final": final, "document_no": f"决{version}号", "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip


async def adopt_own(world: World, amount: int, **fields: Any) -> None:
    from fundledger.ids import new_id

    leg = Leg(amount, allocation_id=new_id(), fund_code="district_increment", fiscal_year=2019, district=DISTRICT)
    await world.post(DISTRICT, await world.draft(DISTRICT, "adopt_own", [leg], **fields))


async def test_the_final_accounts_test_the_floor_again(world: World) -> None:
    await declared(world, 1_000_000, 1)
    await adopt_own(world, 150_000)
    (row,) = await floor_rows(world.service, DISTRICT, 2019)
    assert (row.floor_before, row.shortfall_before, row.shortfall, row.finding) == (150_000, 0, 0, None)
    await declared(world, 1_000_001, 2, final=True)
    (row,) = await floor_rows(world.service, CITY, 2019)
    assert (row.declared, row.final, row.floor_before, row.floor_amount) == (1_000_000, 1_000_001, 150_000, 150_001)
    assert (row.shortfall_before, row.shortfall, row.finding) == (0, 1, "final-accounts")
    await adopt_own(world, 1)
    (row,) = await floor_rows(world.service, DISTRICT, 2019)
    assert (row.shortfall, row.finding) == (0, None)


async def test_below_the_floor_by_a_document_is_a_finding(world: World) -> None:
    await declared(world, 1_000_000, 1)
    await adopt_own(world, 100_000, exception_document_no="区府办1号")
    (row,) = await floor_rows(world.service, DISTRICT, 2019)
    assert (row.shortfall, row.finding, row.exception_documents) == (50_000, "exception", ["区府办1号"])


async def listed(world: World, villages: list[str]) -> None:
    maker = world.who("city-maker").staff_id
    await insert(world.service, "village_list_version", {
        "book": DISTRICT, "fund_code": "public_affairs", "fiscal_year": 2019, "version": 1, "list_id": world.officers[CITY, "accountable"],
        "village_count": len(villages), "document_no": "名单1号", "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip
    for village in villages:
        await insert(world.service, "village_list", {
            "book": DISTRICT, "fund_code": "public_affairs", "fiscal_year": 2019, "version": 1, "village_code": village,
            "document_no": "名单1号", "recorded_by": maker,
        })  # fmt: skip


async def test_a_village_without_its_money_is_named(world: World) -> None:
    await listed(world, [VILLAGE])
    (row,) = await village_rows(world.service, DISTRICT, 2019)
    assert (row.listed, row.in_full, row.short_villages, row.shortfall) == (1, 0, [VILLAGE], 10_000_000)
    line = await world.adopt(20_000_000, fund="public_affairs")
    await world.allocate(line, 10_000_000, fund="public_affairs", village=VILLAGE)
    (row,) = await village_rows(world.service, CITY, 2019)
    assert (row.in_full, row.short, row.allocated, row.shortfall) == (1, 0, 10_000_000, 0)


async def test_amounts_are_all_reported(world: World) -> None:
    await a_year(world)
    (row,) = await execution(world.service, DISTRICT, by="district", on=TODAY)
    assert set(AMOUNTS) <= row.amounts.keys()
