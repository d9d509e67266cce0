"""The year's turn over HTTP: drafts that a second person approves, what a carry-over leaves behind, the state of a year."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from tests.budget.calls import adopted, draft, heading, listed, post, refused
from tests.budget.turn import JANUARY, OLD, close_months, held, in_project, moved, own_money
from tests.builders import CITY, DISTRICT, World
from tests.soundness import assert_book_sound
from tests.web import Api

JANUARY_15, OLD_DAY = str(JANUARY), str(OLD)


async def state(api: Api, year: int = 2019, *, book: int = DISTRICT, **params: Any) -> dict[str, Any]:
    """The state of a year."""
    answer = await api.get("auditor", f"/v1/books/{book}/years/{year}", **params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_virement_is_drafted_with_its_document_and_approved_by_another_person(api: Api, world: World) -> None:
    villages = await listed(world, DISTRICT, 2)
    line = await world.adopt(40_000_000, fund="targeted")
    source, target = [await world.allocate(line, 20_000_000, fund="targeted", village=v) for v in villages]
    lines = [{"allocation_id": str(source), "to_allocation_id": str(target), "amount": "5000.00"}]
    missing = await api.post("city-maker", f"/v1/books/{CITY}/virements", heading(world, lines=lines))
    assert missing.status_code == 422
    body = heading(world, lines=lines, exception_document_no="武财调1号")
    drafted = await draft(api, "/virements", body)
    assert refused(await api.approve("city-maker", CITY, drafted)) == {"forbidden-duty"}
    assert (await api.approve("city-approver", CITY, drafted)).status_code == 200
    assert await world.balance("unreleased", allocation=target) == 20_500_000
    entry = await api.get("auditor", f"/v1/books/{CITY}/instructions/{drafted['instruction_id']}/legs")
    assert [(leg["allocation_id"], leg["to_allocation_id"]) for leg in entry.json()] == [(str(source), str(target))]


async def test_recovered_money_is_released_again_or_moved(api: Api, world: World) -> None:
    allocation, other = await world.funded(10_000), await world.allocate(await world.adopt(1_000), 1_000)
    body = heading(world, lines=[{"allocation_id": str(allocation), "amount": "60.00"}])
    await post(api, "/recoveries", body)
    await post(
        api,
        "/releases",
        heading(world, kind="instalment", lines=[{"allocation_id": str(allocation), "amount": "20.00"}]),
    )
    lines = [{"allocation_id": str(allocation), "to_allocation_id": str(other), "amount": "40.00"}]
    await post(api, "/virements", heading(world, lines=lines, exception_document_no="武财调1号"))
    assert await world.balance("unreleased", allocation=other) == 5_000
    assert await world.balance("executable", allocation=allocation) == 6_000
    # Everything there is of a year's account.
    rest = heading(world, lines=[{"allocation_id": str(allocation), "exec_year": 2019}], effective_on=JANUARY_15)
    await post(api, "/recoveries", rest)
    assert await world.balance("executable", allocation=allocation) == 0
    again = await api.post("city-maker", f"/v1/books/{CITY}/recoveries", rest)
    assert refused(again) == {"nothing-to-move"}
    unknown = heading(world, lines=[{"allocation_id": str(new_id())}])
    assert refused(await api.post("city-maker", f"/v1/books/{CITY}/recoveries", unknown)) == {"allocation-not-found"}
    await assert_book_sound(world.service)


async def test_one_carry_over_takes_all_that_may_go_and_lists_what_may_not(api: Api, world: World) -> None:
    young = await world.funded(10_000)
    await in_project(world, young, 4_000)
    old = await world.allocate(await world.adopt(3_000, year=2017), 3_000, year=2017)
    await world.release(old, 3_000)
    early = await world.allocate(await world.adopt(2_000, year=2020), 2_000, year=2020)
    await world.release(early, 2_000, release_kind="early")
    body = heading(world, DISTRICT, from_year=2019, effective_on=JANUARY_15)
    drafted = await draft(api, "/carry-overs", body, book=DISTRICT)
    assert (drafted["line_count"], drafted["total"]) == (2, "100.00")
    assert [(item["allocation_id"], item["balance"], item["code"]) for item in drafted["left"]] == [
        (str(old), "30.00", "surplus-not-carried")
    ]  # fmt: skip
    assert (await api.approve("district-approver", DISTRICT, drafted)).status_code == 200
    assert [await held(world, kind, 2020, young) for kind in ("executable", "available")] == [6_000, 4_000]
    empty = await api.post("district-maker", f"/v1/books/{DISTRICT}/carry-overs", body)
    assert refused(empty) == {"nothing-to-carry"}
    wrong = heading(world, DISTRICT, from_year=2020, effective_on=JANUARY_15)
    assert refused(await api.post("district-maker", f"/v1/books/{DISTRICT}/carry-overs", wrong)) == {
        "carry-over-year-wrong"
    }
    await assert_book_sound(world.service)


async def test_a_repeated_carry_over_answers_what_the_first_one_found(api: Api, world: World) -> None:
    allocation = await world.funded(10_000)
    old = await world.allocate(await world.adopt(3_000, year=2017), 3_000, year=2017)
    await world.release(old, 3_000)
    path, body = f"/v1/books/{DISTRICT}/carry-overs", heading(world, DISTRICT, from_year=2019, effective_on=JANUARY_15)
    first = await api.post("district-maker", path, body, key="once")
    await moved(world, "recover", Leg(3_000, allocation_id=old, exec_year=2019), effective_on=JANUARY)
    await moved(world, "recover", Leg(10_000, allocation_id=allocation, exec_year=2019), effective_on=JANUARY)
    again = await api.post("district-maker", path, body, key="once")
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(first.json()["left"]) == 1
    # What it was drafted from is gone since: it does not post.
    assert "balance-insufficient" in refused(await api.approve("district-approver", DISTRICT, first.json()))


async def test_surplus_is_taken_back_from_its_project_recovered_and_handed_in(api: Api, world: World) -> None:
    allocation, own = await world.funded(10_000), await own_money(world, 5_000)
    project = await in_project(world, allocation, 4_000)
    due = {item["account_kind"] + item["fund_code"]: item["due"] for item in (await state(api, on=OLD_DAY))["balances"]}
    assert due == {
        "executablespecial_factor": "recover", "availablespecial_factor": "defund", "executablerecovered_stock": "surplus"
    }  # fmt: skip
    item = {"allocation_id": str(allocation), "exec_year": 2019}
    defunding = heading(world, DISTRICT, project_id=str(project), lines=[item], effective_on=OLD_DAY)
    await post(api, "/defundings", defunding, book=DISTRICT)
    await post(api, "/recoveries", heading(world, lines=[item], effective_on=OLD_DAY))
    await post(api, "/surpluses", heading(world, lines=[{"allocation_id": str(allocation)}], effective_on=OLD_DAY))
    await post(
        api, "/surpluses", heading(world, DISTRICT, lines=[{"allocation_id": str(own), "exec_year": 2019}], effective_on=OLD_DAY),
        book=DISTRICT,
    )  # fmt: skip
    assert await world.balance("surplus", allocation=allocation) == 10_000
    assert await world.balance("surplus", allocation=own) == 5_000
    assert (await state(api, on=OLD_DAY))["balances"] == []
    floors = (await api.get("auditor", f"/v1/books/{DISTRICT}/floors")).json()
    assert [floor["adopted"] for floor in floors] == ["50.00"]
    await assert_book_sound(world.service)


async def test_surplus_that_is_not_due_needs_a_document(api: Api, world: World) -> None:
    allocation = await world.allocate(await world.adopt(1_000), 1_000)
    body = heading(world, lines=[{"allocation_id": str(allocation), "amount": "10.00"}])
    drafted = await draft(api, "/surpluses", body)
    assert refused(await api.approve("city-approver", CITY, drafted)) == {"surplus-not-due"}
    await post(api, "/surpluses", body | {"exception_document_no": "武财收1号"})
    assert await world.balance("surplus", allocation=allocation) == 1_000


async def test_the_state_of_a_year_says_what_is_left_how_old_it_is_and_what_is_due(api: Api, world: World) -> None:
    allocation = await world.funded(10_000)
    project = await in_project(world, allocation, 4_000)
    found = await state(api, on="2020-01-15")
    assert found["open_months"] == [f"2019-{month:02d}" for month in range(1, 13)]
    assert found["closed"] is None
    assert [(i["account_kind"], i["project_id"], i["balance"], i["age_days"], i["surplus_on"], i["due"]) for i in found["balances"]] == [
        ("executable", None, "60.00", 15, "2021-12-30", "carry_over"),
        ("available", str(project), "40.00", 15, "2021-12-30", "carry_over"),
    ]  # fmt: skip
    assert {item["due"] for item in (await state(api, on="2019-12-31"))["balances"]} == {"spend"}
    assert (await state(api, 2020))["balances"] == []
    unreleased = await world.allocate(await world.adopt(1_000, year=2018), 1_000, year=2018)
    city = (await state(api, book=CITY, on="2020-01-15"))["balances"]
    assert [(item["allocation_id"], item["due"]) for item in city] == [(str(unreleased), "release")]
    assert {item["due"] for item in (await state(api, book=CITY, on="2020-12-30"))["balances"]} == {"surplus"}


async def test_a_year_is_closed_once_by_an_approver_of_finance_and_says_what_hinders_it(api: Api, world: World) -> None:
    allocation = await world.funded(10_000)
    path, body = f"/v1/books/{DISTRICT}/years/2019/close", {"document_no": "关账1号"}
    hindered = await api.post("district-approver", path, body)
    assert refused(hindered) == {"year-months-open", "year-has-balance"}
    [balance] = [fault for fault in hindered.json()["faults"] if fault["code"] == "year-has-balance"]
    assert "100.00" in balance["detail"]
    await moved(
        world, "carry_over", Leg(10_000, allocation_id=allocation, exec_year=2019), book=DISTRICT, effective_on=JANUARY
    )
    await close_months(world)
    closed = await api.post("district-approver", path, body, key="close")
    assert closed.status_code == 201, closed.text
    assert (closed.json()["open_months"], closed.json()["closed"]["document_no"]) == ([], "关账1号")
    again = await api.post("district-approver", path, body, key="close")
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", closed.json())
    assert refused(await api.post("district-approver", path, body)) == {"year-closed"}
    assert refused(await api.post("district-maker", path, body)) == {"forbidden-duty"}
    assert refused(await api.post("district-approver", f"/v1/books/{DISTRICT}/years/2100/close", body)) >= {
        "year-not-over"
    }
    assert (await state(api))["closed"] == closed.json()["closed"]


async def test_a_supplementary_budget_is_another_line_and_says_so(api: Api, world: World) -> None:
    first = await adopted(api, "100.00", document="预1号")
    second = await adopted(api, "50.00", document="追加1号")
    other_year = await adopted(api, "50.00", document="追加2号", year=2020)
    lines = (await api.get("auditor", f"/v1/books/{CITY}/budget-lines")).json()
    assert {line["budget_line_id"]: (line["adopted"], line["supplementary"]) for line in lines} == {
        first: ("100.00", False), second: ("50.00", True), other_year: ("50.00", False)
    }  # fmt: skip
    allocation = await world.allocate(UUID(second), 5_000)
    assert await world.balance("unreleased", allocation=allocation) == 5_000


async def test_extra_own_money_counts_to_the_floor_with_the_first(api: Api, world: World) -> None:
    figure = {
        "fund_code": "district_increment",
        "fiscal_year": 2019,
        "version": 1,
        "amount": "1000.00",
        "document_no": "报1号",
    }
    await api.post("district-maker", f"/v1/books/{DISTRICT}/declared-figures", figure)
    money = heading(world, DISTRICT, fund_code="district_increment", fiscal_year=2019, amount="100.00")
    await post(api, "/own-money", money | {"exception_document_no": "区政1号"}, book=DISTRICT)
    await post(api, "/own-money", money | {"document_no": "追加1号", "amount": "50.00"}, book=DISTRICT)
    [floor] = (await api.get("auditor", f"/v1/books/{DISTRICT}/floors")).json()
    assert (floor["floor_amount"], floor["adopted"], floor["shortfall"]) == ("150.00", "150.00", "0.00")
