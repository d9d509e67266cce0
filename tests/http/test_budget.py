"""Adopting, allocating, releasing, the districts' own money, funding: over HTTP, through the real gate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from fundledger.budget.computations import recompute
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.budget.calls import adopted, draft, heading, listed, post, refused
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, World
from tests.soundness import assert_book_sound
from tests.web import Api

STANDARD = 20_000_000  # M02: 200,000 yuan in fen


async def test_a_budget_is_adopted_as_a_line_and_a_supplement_as_another(api: Api, world: World) -> None:
    first = await adopted(api, "100.00")
    second = await adopted(api, "20.00", document="预2号")
    assert first != second
    lines = (await api.get("auditor", f"/v1/books/{CITY}/budget-lines", fiscal_year=2019)).json()
    assert {(line["document_no"], line["adopted"], line["unallocated"]) for line in lines} == {
        ("预1号", "100.00", "100.00"), ("预2号", "20.00", "20.00"),
    }  # fmt: skip


async def test_the_same_document_does_not_adopt_twice(api: Api, world: World) -> None:
    await adopted(api, "100.00")
    body = heading(world, fund_code="special_factor", fiscal_year=2019, amount="1.00", document_no="预1号")
    answer = await api.approve("city-approver", CITY, await draft(api, "/budget-lines", body))
    assert refused(answer) == {"budget-line-exists"}


async def test_the_city_does_not_adopt_a_districts_own_money(api: Api, world: World) -> None:
    body = heading(world, fund_code="district_increment", fiscal_year=2019, amount="1.00")
    answer = await api.post("city-maker", f"/v1/books/{CITY}/budget-lines", body)
    assert refused(answer) == {"fund-not-of-this-level"}
    with pytest.raises(FundledgerError) as refusal:
        await world.adopt(100, fund="recovered_stock")
    assert [fault.code for fault in refusal.value.faults] == ["fund-not-of-this-level"]


def by_standard(world: World, line: str, **fields: Any) -> dict[str, Any]:
    return heading(world, fund_code="targeted", fiscal_year=2019, budget_line_id=line, **fields)


BY_STANDARD = f"/v1/books/{CITY}/allocations/by-standard"


async def test_the_standard_goes_to_every_listed_village_exactly_as_previewed(api: Api, world: World) -> None:
    await listed(world, DISTRICT, 3)
    await listed(world, OTHER_DISTRICT, 2)
    line = await adopted(api, "1000000.00", fund="targeted")
    body = by_standard(world, line, documents={str(DISTRICT): "武财指新洲1号"})
    preview = await api.post("city-maker", f"{BY_STANDARD}?preview=true", body)
    assert preview.status_code == 200, preview.text
    shown = preview.json()
    assert (shown["total"], shown["remaining"]) == ("1000000.00", "0.00")
    assert [(d["district"], d["allocations"], d["total"]) for d in shown["districts"]] == [
        (str(OTHER_DISTRICT), 2, "400000.00"), (str(DISTRICT), 3, "600000.00"),
    ]  # fmt: skip
    assert await world.service.fetchval("SELECT count(*) FROM instruction WHERE entry_kind = 'allocate'") == 0

    drafted = await draft(api, "/allocations/by-standard", body)
    legs = (await api.get("city-approver", f"/v1/books/{CITY}/instructions/{drafted['instruction_id']}/legs")).json()
    assert [(leg["district"], leg["village_code"], leg["amount"]) for leg in legs] == [
        (item["district"], item["village_code"], item["amount"]) for item in shown["lines"]
    ]
    assert (await api.approve("city-approver", CITY, drafted)).status_code == 200
    rows = await world.service.fetch("SELECT district, document_no, village_code FROM allocation WHERE book = $1", CITY)
    assert {(row["district"], row["document_no"]) for row in rows} == {
        (DISTRICT, "武财指新洲1号"), (OTHER_DISTRICT, "武财指1号"),
    }  # fmt: skip
    assert len(rows) == 5
    assert await world.service.fetchval("SELECT count(*) FROM allocation WHERE book = $1", DISTRICT) == 3
    await assert_book_sound(world.service)


async def test_a_computed_allocation_can_be_computed_again(api: Api, world: World) -> None:
    await listed(world, DISTRICT, 2)
    line = await adopted(api, "400000.00", fund="targeted")
    drafted = await draft(api, "/allocations/by-standard", by_standard(world, line))
    answer = (await api.get("auditor", f"/v1/books/{CITY}/allocations/computations/{drafted['instruction_id']}")).json()
    assert (answer["agrees"], answer["total"], answer["inputs"]["standard"]) == (True, "400000.00", "200000.00")


async def test_only_villages_without_an_allocation_are_taken_by_default(api: Api, world: World) -> None:
    codes = await listed(world, DISTRICT, 3)
    line = await adopted(api, "600000.00", fund="targeted")
    await post(api, "/allocations/by-standard", by_standard(world, line, village_codes=codes[:1]))
    preview = (await api.post("city-maker", f"{BY_STANDARD}?preview=true", by_standard(world, line))).json()
    assert [item["village_code"] for item in preview["lines"]] == codes[1:]
    await post(api, "/allocations/by-standard", by_standard(world, line))
    answer = await api.post("city-maker", BY_STANDARD, by_standard(world, line))
    assert refused(answer) == {"nothing-to-allocate"}


async def test_a_second_allocation_of_a_village_needs_a_supplementary_document(api: Api, world: World) -> None:
    codes = await listed(world, DISTRICT, 1)
    line = await adopted(api, "600000.00", fund="targeted")
    early = await draft(api, "/allocations/by-standard", by_standard(world, line))
    await post(api, "/allocations/by-standard", by_standard(world, line))
    # Drafted before the other one posted, so that only the gate can refuse it.
    assert refused(await api.approve("city-approver", CITY, early)) == {"village-already-allocated"}
    answer = await api.post("city-maker", BY_STANDARD, by_standard(world, line, village_codes=codes))
    assert refused(answer) == {"village-already-allocated"}
    more = heading(world, budget_line_id=line, exception_document_no="补1号",
                   lines=[{"district": str(DISTRICT), "village_code": codes[0], "amount": "123456.78"}])  # fmt: skip
    await post(api, "/allocations", more)
    page = (await api.get("auditor", f"/v1/books/{CITY}/allocations", village_code=codes[0])).json()
    assert {(item["allocated"], item["supplementary_document_no"]) for item in page["items"]} == {
        ("200000.00", None), ("123456.78", "补1号"),
    }  # fmt: skip


async def test_every_fault_of_an_explicit_allocation_is_named_at_once(api: Api, world: World) -> None:
    codes = await listed(world, DISTRICT, 2)
    line = await adopted(api, "9000000.00", fund="targeted")
    lines = [
        {"district": str(DISTRICT), "village_code": codes[0], "amount": "200000.01"},
        {"district": str(DISTRICT), "village_code": "420117999999", "amount": "1.00"},
        {"district": "420199", "village_code": codes[1], "amount": "1.00"},
        {"district": str(DISTRICT), "village_code": codes[0], "amount": "1.00"},
    ]  # fmt: skip
    answer = await api.post(
        "city-maker", f"/v1/books/{CITY}/allocations", heading(world, budget_line_id=line, lines=lines)
    )
    assert {(fault["code"], fault["pointer"]) for fault in answer.json()["faults"]} == {
        ("village-above-standard", "/lines/0"), ("village-not-listed", "/lines/1"), ("district-unknown", "/lines/2"),
        ("village-not-listed", "/lines/2"), ("village-already-allocated", "/lines/3"),
    }  # fmt: skip


async def test_an_allocation_beyond_the_budget_line_is_previewed_as_short_and_refused(api: Api, world: World) -> None:
    await listed(world, DISTRICT, 2)
    line = await adopted(api, "300000.00", fund="targeted")
    preview = (await api.post("city-maker", f"{BY_STANDARD}?preview=true", by_standard(world, line))).json()
    assert preview["remaining"] == "-100000.00"
    answer = await api.approve(
        "city-approver", CITY, await draft(api, "/allocations/by-standard", by_standard(world, line))
    )
    assert refused(answer) == {"balance-insufficient"}


async def test_a_year_without_a_standard_and_a_fund_without_one_are_refused(api: Api, world: World) -> None:
    line = await adopted(api, "1.00", fund="targeted", year=2021)
    answer = await api.post("city-maker", BY_STANDARD, {**by_standard(world, line), "fiscal_year": 2021})
    assert refused(answer) == {"standard-not-in-force"}
    answer = await api.post("city-maker", BY_STANDARD, {**by_standard(world, line), "fund_code": "special_factor"})
    assert refused(answer) == {"fund-basis-differs"}
    answer = await api.post("city-maker", BY_STANDARD, {**by_standard(world, line), "fiscal_year": 2020})
    assert refused(answer) == {"allocation-fund-differs"}
    answer = await api.post("city-maker", BY_STANDARD, by_standard(world, str(new_id())))
    assert refused(answer) == {"budget-line-not-found"}


def by_factors(world: World, line: str, **fields: Any) -> dict[str, Any]:
    values = {str(DISTRICT): "31483", str(OTHER_DISTRICT): "4318"}
    return heading(world, fiscal_year=2019, budget_line_id=line, total="1000.00", data_vintage="2018年底", **{
        "factors": [
            {"code": "poor", "name": "贫困人口", "weight": "0.5", "direction": "share", "values": values},
            {"code": "income", "name": "农民收入", "weight": "5/10", "direction": "gap",
             "values": {str(DISTRICT): "17000.5", str(OTHER_DISTRICT): "18000"}},
        ], **fields,
    })  # fmt: skip


async def test_a_factor_allocation_keeps_its_inputs_and_is_recomputed_from_them(api: Api, world: World) -> None:
    line = await adopted(api, "1000.00")
    path = f"/v1/books/{CITY}/allocations/by-factors"
    preview = (await api.post("city-maker", f"{path}?preview=true", by_factors(world, line))).json()
    # 100000 fen: half by 31483 : 4318 of 35801, half to the one below the average.
    assert [(item["district"], item["amount"]) for item in preview["lines"]] == [
        (str(OTHER_DISTRICT), "60.31"), (str(DISTRICT), "939.69"),
    ]  # fmt: skip
    drafted = await draft(api, "/allocations/by-factors", by_factors(world, line))
    inputs = await world.service.fetchval(
        "SELECT inputs FROM instruction WHERE instruction_id = $1", UUID(drafted["instruction_id"])
    )
    assert [(item.district, item.amount) for item in recompute(inputs)] == [(OTHER_DISTRICT, 6_031), (DISTRICT, 93_969)]
    answer = (await api.get("auditor", f"/v1/books/{CITY}/allocations/computations/{drafted['instruction_id']}")).json()
    assert (answer["agrees"], answer["inputs"]["data_vintage"], answer["total"]) == (True, "2018年底", "1000.00")
    assert (await api.approve("city-approver", CITY, drafted)).status_code == 200


async def test_amounts_that_do_not_follow_from_the_inputs_do_not_agree(api: Api, world: World, superuser: Any) -> None:
    line = await adopted(api, "1000.00")
    drafted = await draft(api, "/allocations/by-factors", by_factors(world, line))
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute("UPDATE instruction_leg SET amount = amount + 1 WHERE leg_no = 1 AND instruction_id = $1",
                            UUID(drafted["instruction_id"]))  # fmt: skip
    answer = (await api.get("auditor", f"/v1/books/{CITY}/allocations/computations/{drafted['instruction_id']}")).json()
    assert answer["agrees"] is False


async def test_unusable_factors_are_refused_with_their_place(api: Api, world: World) -> None:
    line = await adopted(api, "1000.00")
    body = by_factors(world, line)
    body["factors"][1]["weight"] = "0.4"
    answer = await api.post("city-maker", f"/v1/books/{CITY}/allocations/by-factors", body)
    assert (answer.status_code, answer.json()["code"], answer.json()["params"]) == (
        409,
        "weights-not-one",
        {"sum": "9/10"},
    )
    for weight in (0.5, "1e3", "-1", "0.5 ", "５", "1/2/3"):
        body["factors"][1]["weight"] = weight
        answer = await api.post("city-maker", f"/v1/books/{CITY}/allocations/by-factors", body)
        assert answer.status_code == 422, answer.text
    body = by_factors(world, line)
    for item in body["factors"]:
        item["values"]["420199"] = "1"
    assert refused(await api.post("city-maker", f"/v1/books/{CITY}/allocations/by-factors", body)) == {
        "district-unknown"
    }


async def test_a_preview_leaves_its_key_free_and_a_replay_drafts_nothing(api: Api, world: World) -> None:
    line = await adopted(api, "1000.00")
    path = f"/v1/books/{CITY}/allocations/by-factors"
    assert (await api.post("city-maker", f"{path}?preview=true", by_factors(world, line), key="k")).status_code == 200
    first = await api.post("city-maker", path, by_factors(world, line), key="k")
    again = await api.post("city-maker", path, by_factors(world, line), key="k")
    assert (first.status_code, again.headers.get("Idempotent-Replayed")) == (201, "true")
    assert first.json() == again.json()
    assert await world.service.fetchval("SELECT count(*) FROM instruction WHERE entry_kind = 'allocate'") == 1


async def release(api: Api, world: World, kind: str, lines: list[dict[str, Any]], **fields: Any) -> Any:
    return await api.post("city-maker", f"/v1/books/{CITY}/releases", heading(world, kind=kind, lines=lines, **fields))


async def test_a_release_in_full_is_all_that_is_left(api: Api, world: World) -> None:
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    await world.release(allocation, 4_000)
    wrong = await release(api, world, "full", [{"allocation_id": str(allocation), "amount": "100.00"}])
    assert refused(wrong) == {"release-not-full"}
    assert wrong.json()["params"]["remaining"] == "60.00"
    missing = await release(api, world, "instalment", [{"allocation_id": str(allocation)}])
    assert refused(missing) == {"release-amount-missing"}
    drafted = await release(api, world, "full", [{"allocation_id": str(allocation)}])
    assert (drafted.status_code, drafted.json()["total"]) == (201, "60.00")
    assert (await api.approve("city-approver", CITY, drafted.json())).status_code == 200
    again = await release(api, world, "full", [{"allocation_id": str(allocation)}])
    assert refused(again) == {"release-not-full"}


async def test_next_years_money_is_released_early_and_only_early(api: Api, world: World) -> None:
    line = await world.adopt(10_000, year=2020)
    allocation = str(await world.allocate(line, 10_000, year=2020))
    for kind, expected in (
        ("instalment", {"release-kind-wrong"}),
        ("prepaid", {"release-kind-wrong"}),
        ("early", set()),
    ):
        drafted = await release(api, world, kind, [{"allocation_id": allocation, "amount": "1.00"}])
        answer = await api.approve("city-approver", CITY, drafted.json())
        assert (refused(answer) if expected else set()) == expected, kind
        assert (answer.status_code == 200) == (not expected), kind
    late = await release(
        api, world, "early", [{"allocation_id": allocation, "amount": "1.00"}], effective_on="2020-01-01"
    )
    assert refused(await api.approve("city-approver", CITY, late.json())) == {"release-kind-wrong"}


async def test_releases_are_listed_in_both_books_and_for_the_allocation(api: Api, world: World) -> None:
    line = await world.adopt(10_000)
    allocation, other = await world.allocate(line, 6_000), await world.allocate(line, 4_000, district=OTHER_DISTRICT)
    lines = [{"allocation_id": str(allocation), "amount": "10.00"}]
    for kind in ("instalment", "prepaid"):
        await post(api, "/releases", heading(world, kind=kind, lines=lines))
    city = await post(api, "/releases", heading(world, kind="full", lines=[{"allocation_id": str(other)}]))
    page = (await api.get("auditor", f"/v1/books/{CITY}/releases", limit=2)).json()
    assert [(item["kind"], item["total"]) for item in page["items"]] == [("full", "40.00"), ("prepaid", "10.00")]
    rest = (await api.get("auditor", f"/v1/books/{CITY}/releases", limit=2, cursor=page["next"])).json()
    assert [item["kind"] for item in rest["items"]] == ["instalment"]
    assert rest["next"] is None
    received = (await api.get("district-maker", f"/v1/books/{DISTRICT}/releases")).json()["items"]
    assert [item["kind"] for item in received] == ["prepaid", "instalment"]
    shown = (await api.get("auditor", f"/v1/books/{CITY}/releases/{city}/lines")).json()
    assert [(item["allocation_id"], item["amount"], item["undone"]) for item in shown] == [
        (str(other), "40.00", "0.00")
    ]
    for book in (CITY, DISTRICT):
        detail = (await api.get("auditor", f"/v1/books/{book}/allocations/{allocation}")).json()
        assert [item["amount"] for item in detail["releases"]] == ["10.00", "10.00"]
        figures = detail["allocation"]
        assert (figures["allocated"], figures["released"], figures["remaining"]) == ("60.00", "20.00", "40.00")


async def test_allocations_are_listed_page_by_page_with_how_far_they_came(api: Api, world: World) -> None:
    allocation = await world.funded(1_000_000)
    project = await world.project()
    lines = [{"allocation_id": str(allocation), "amount": "5000.00"}]
    body = heading(world, DISTRICT, project_id=str(project), lines=lines)
    await post(api, "/fundings", body, book=DISTRICT)
    await world.pay(await world.list_of(project, allocation, await world.persons(2)))
    line = await world.adopt(3_000)
    others = [await world.allocate(line, 1_000, district=OTHER_DISTRICT) for _ in range(3)]
    found: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await api.get("city-maker", f"/v1/books/{CITY}/allocations", **params)).json()
        found += [item["allocation_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == [str(allocation), *map(str, others)]
    for who, book in (("city-maker", CITY), ("district-maker", DISTRICT)):
        page = (await api.get(who, f"/v1/books/{book}/allocations", district=DISTRICT, fiscal_year=2019)).json()
        [item] = page["items"]
        names = ("allocated", "released", "remaining", "executable", "funded", "paid")
        assert {name: item[name] for name in names} == {
            "allocated": "10000.00", "released": "10000.00", "remaining": "0.00", "executable": "5000.00",
            "funded": "5000.00", "paid": "160.00",
        }  # fmt: skip
    assert (await api.get("district-maker", f"/v1/books/{CITY}/allocations")).status_code == 403
    assert refused(await api.get("auditor", f"/v1/books/{CITY}/allocations", cursor="WzFd")) == {"cursor-malformed"}
    assert (await api.get("auditor", f"/v1/books/{CITY}/allocations", document_no="\0")).status_code == 422


async def declare(api: Api, amount: str, version: int, *, fund: str = "district_increment", final: bool = False) -> Any:
    body = {
        "fund_code": fund,
        "fiscal_year": 2019,
        "version": version,
        "amount": amount,
        "is_final": final,
        "document_no": "报1号",
    }
    return await api.post("district-maker", f"/v1/books/{DISTRICT}/declared-figures", body)


def own(world: World, amount: str, **fields: Any) -> dict[str, Any]:
    return heading(
        world, DISTRICT, **{"fund_code": "district_increment", "fiscal_year": 2019, "amount": amount, **fields}
    )


async def floors(api: Api, book: int = DISTRICT, path: str = "floors") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.get("auditor", f"/v1/books/{book}/{path}", fiscal_year=2019)).json()
    return found


async def test_a_district_adopts_at_least_the_floor_over_its_declared_figure(api: Api, world: World) -> None:
    path = f"/v1/books/{DISTRICT}/own-money"
    assert refused(await api.post("district-maker", path, own(world, "1.00"))) == {"declared-figure-missing"}
    assert (await declare(api, "1000.01", 1)).status_code == 201
    preview = (await api.post("district-maker", f"{path}?preview=true", own(world, "150.00"))).json()
    # 15 % of 1000.01 is 150.0015: the floor is rounded up to the fen.
    assert preview["floor"]["floor_amount"] == "150.01"
    assert (preview["shortfall_after"], preview["needs_exception"]) == ("0.01", True)
    short = await api.post("district-maker", path, own(world, "150.00"))
    assert refused(short) == {"below-floor"}
    assert short.json()["params"]["shortfall"] == "0.01"
    await post(api, "/own-money", own(world, "150.01", allocation_document_no="区财1号"), book=DISTRICT)
    [item] = (await api.get("district-maker", f"/v1/books/{DISTRICT}/allocations")).json()["items"]
    assert (item["document_no"], item["allocated"], item["executable"]) == ("区财1号", "150.01", "150.01")
    assert await floors(api, path="floors/findings") == []
    assert await world.service.fetchval("SELECT count(*) FROM entry WHERE book = $1", CITY) == 0


async def test_below_the_floor_with_a_document_is_adopted_and_stays_a_finding(api: Api, world: World) -> None:
    await declare(api, "1000.00", 1)
    await post(api, "/own-money", own(world, "100.00", exception_document_no="特批1号"), book=DISTRICT)
    for book in (DISTRICT, CITY):
        [finding] = await floors(api, book, "floors/findings")
        assert (finding["reason"], finding["shortfall"], finding["exception_documents"]) == (
            "exception",
            "50.00",
            ["特批1号"],
        )
    await post(api, "/own-money", own(world, "50.00"), book=DISTRICT)
    assert await floors(api, path="floors/findings") == []


async def test_the_gate_itself_refuses_below_the_floor(api: Api, world: World) -> None:
    await declare(api, "1000.00", 1)
    drafted = await draft(api, "/own-money", own(world, "150.00"), book=DISTRICT)
    await declare(api, "1000.07", 2)
    assert refused(await api.approve("district-approver", DISTRICT, drafted)) == {"below-floor"}


async def test_final_accounts_reopen_the_test(api: Api, world: World) -> None:
    await declare(api, "1000.00", 1)
    await post(api, "/own-money", own(world, "150.00"), book=DISTRICT)
    assert (await declare(api, "2000.00", 2, final=True)).status_code == 201
    [finding] = await floors(api, path="floors/findings")
    assert (finding["reason"], finding["shortfall"], finding["is_final"]) == ("final-accounts", "150.00", True)
    assert refused(await declare(api, "1000.00", 3)) == {"figure-already-final"}
    assert (await declare(api, "1000.00", 3, final=True)).status_code == 201
    assert await floors(api, path="floors/findings") == []
    history = (
        await api.get(
            "auditor", f"/v1/books/{DISTRICT}/declared-figures", fund_code="district_increment", fiscal_year=2019
        )
    ).json()
    assert [(item["version"], item["amount"]) for item in history] == [(1, "1000.00"), (2, "2000.00"), (3, "1000.00")]


async def test_recovered_stock_is_posted_as_received(api: Api, world: World) -> None:
    stock = {"fund_code": "recovered_stock"}
    await declare(api, "100.00", 1, fund="recovered_stock")
    await post(api, "/own-money", own(world, "50.00", **stock), book=DISTRICT)
    await declare(api, "260.00", 2, fund="recovered_stock")
    answer = await api.post("district-maker", f"/v1/books/{DISTRICT}/own-money", own(world, "79.99", **stock))
    assert refused(answer) == {"below-floor"}
    await post(api, "/own-money", own(world, "80.00", **stock), book=DISTRICT)


async def test_a_declared_figure_goes_up_by_one_version_at_a_time(api: Api, world: World) -> None:
    assert (await declare(api, "0.00", 1)).status_code == 201
    for version in (1, 3):
        assert refused(await declare(api, "5.00", version)) == {"version-taken"}
    assert refused(await declare(api, "5.00", 1, fund="targeted")) == {"fund-not-of-this-level"}
    assert (await declare(api, "-5.00", 2)).json()["code"] == "amount-not-positive"
    body = {
        "fund_code": "district_increment",
        "fiscal_year": 2019,
        "version": 2,
        "amount": "7.00",
        "document_no": "报2号",
    }
    path = f"/v1/books/{DISTRICT}/declared-figures"
    first = await api.post("district-maker", path, body, key="d")
    assert (await declare(api, "8.00", 3)).status_code == 201
    again = await api.post("district-maker", path, body, key="d")
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first.json())


async def test_a_project_is_funded_from_several_allocations_and_unfunded_by_reversal(api: Api, world: World) -> None:
    first, second = await world.funded(10_000), await world.funded(5_000)
    project = await world.project()
    lines = [{"allocation_id": str(first), "amount": "60.00"}, {"allocation_id": str(second), "amount": "50.00"}]
    entry = await post(api, "/fundings", heading(world, DISTRICT, project_id=str(project), lines=lines), book=DISTRICT)
    row = await world.service.fetchrow("SELECT functional_class, economic_class FROM entry WHERE entry_id = $1", entry)
    assert row is not None
    assert tuple(row) == ("2130599", "30399")
    assert await world.balance("available", allocation=first, project=project) == 6_000
    body = heading(
        world, DISTRICT, entry_id=str(entry), effective_on="2019-03-02", lines=[{"line_no": 1, "amount": "20.00"}]
    )
    await post(api, "/reversals", body, book=DISTRICT)
    assert await world.balance("available", allocation=first) == 4_000
    await post(api, "/reversals", {**body, "lines": []}, book=DISTRICT)
    assert await world.balance("available", project=project) == 0
    assert await world.balance("executable", allocation=second) == 5_000
    again = await api.post("district-maker", f"/v1/books/{DISTRICT}/reversals", body | {"lines": []})
    assert refused(again) == {"nothing-to-reverse"}
    await assert_book_sound(world.service)


async def test_a_project_that_is_not_ready_is_not_funded(api: Api, world: World) -> None:
    allocation = await world.funded(10_000)
    lines = [{"allocation_id": str(allocation), "amount": "1.00"}]
    path = f"/v1/books/{DISTRICT}/fundings"
    unknown = await api.post("district-maker", path, heading(world, DISTRICT, project_id=str(new_id()), lines=lines))
    assert refused(unknown) == {"project-not-in-library"}
    for project, code in (
        (await world.project(status="suspended"), "project-not-approved"),
        (await world.project(status="reviewed"), "project-not-approved"),
        (await world.project(location_kind="urban"), "project-urban"),
    ):
        drafted = await draft(
            api, "/fundings", heading(world, DISTRICT, project_id=str(project), lines=lines), book=DISTRICT
        )
        assert refused(await api.approve("district-approver", DISTRICT, drafted)) == {code}
    others = await world.project(book=OTHER_DISTRICT)
    answer = await api.post("district-maker", path, heading(world, DISTRICT, project_id=str(others), lines=lines))
    assert refused(answer) == {"project-not-in-library"}


async def test_money_of_another_districts_allocation_does_not_fund_a_project(api: Api, world: World) -> None:
    foreign = await world.funded(10_000, district=OTHER_DISTRICT)
    project = await world.project()
    lines = [{"allocation_id": str(foreign), "amount": "1.00"}]
    drafted = await draft(
        api, "/fundings", heading(world, DISTRICT, project_id=str(project), lines=lines), book=DISTRICT
    )
    answer = await api.approve("district-approver", DISTRICT, drafted)
    assert answer.status_code in (404, 409)
    assert await world.balance("available") == 0


async def test_a_day_that_no_book_knows_is_refused_before_anything_is_drafted(api: Api, world: World) -> None:
    for day in ("1999-12-31", "3000-01-01", "0001-01-01", "2019-02-29", "infinity", 20190301):
        body = heading(world, fund_code="special_factor", fiscal_year=2019, amount="1.00", effective_on=day)
        assert (await api.post("city-maker", f"/v1/books/{CITY}/budget-lines", body)).status_code == 422, day
    future = heading(world, fund_code="special_factor", fiscal_year=2019, amount="1.00", effective_on="2999-12-31")
    answer = await api.approve("city-approver", CITY, await draft(api, "/budget-lines", future))
    assert refused(answer) == {"date-in-future"}
