"""January: a parameter changes by two people, the city's budget comes down, the district adds its own money."""

from __future__ import annotations

from tests.builders import CITY, DISTRICT, VILLAGE
from tests.stories.district_year.cast import SECOND_VILLAGE, Year


async def two_people_raise_the_award_for_next_year(year: Year) -> None:
    """500 yuan a mu become 600 from 2020 on: proposed by one person of the city, approved by another."""
    change = {"code": "standard_industry_award", "value": "600", "unit": "yuan", "valid_from": "2020-01-01",
              "source": "武扶办〔2019〕9号 第三条"}  # fmt: skip
    proposals = "/v1/parameters/proposals"
    answer = await year.api.post("city-maker", proposals, change)
    assert answer.status_code == 201, answer.text
    proposed = answer.json()
    seen = {"content_sha256": proposed["content_sha256"]}
    approve = f"{proposals}/{proposed['proposal_id']}/approve"
    assert (await year.api.post("city-maker", approve, seen)).status_code == 403
    assert (await year.api.post("city-approver", approve, seen)).status_code == 200
    for day, value in (("2019-12-31", "500.00"), ("2020-01-01", "600.00")):
        found = (await year.api.get("auditor", "/v1/parameters", on=day, code=change["code"])).json()["parameters"]
        assert [one["value"] for one in found] == [value]


async def the_city_adopts(year: Year) -> None:
    """200,000 for two villages at the standard (M01), and 600,000 by factors (M05)."""
    for fund, amount in (("public_affairs", "200000.00"), ("special_factor", "600000.00")):
        body = year.heading("2019-01-10", "年初预算批复", CITY, fund_code=fund, fiscal_year=2019, amount=amount)
        await year.posted("budget-lines", body, book=CITY)
        lines = await year.ask("auditor", "budget-lines", book=CITY, fund_code=fund)
        year.made[f"line {fund}"] = lines[0]["budget_line_id"]


async def the_city_allocates(year: Year) -> None:
    """The standard to each listed village; the factor fund to the district, within the budget and not a fen beyond."""
    villages = [VILLAGE, SECOND_VILLAGE]
    listing = {
        "fund_code": "public_affairs",
        "fiscal_year": 2019,
        "document_no": "武扶组〔2019〕3号",
        "villages": villages,
    }
    await year.do("city-maker", "village-lists", listing, book=CITY)
    body = year.heading("2019-01-20", "按标准分配", CITY, fund_code="public_affairs", fiscal_year=2019,
                        budget_line_id=year.made["line public_affairs"])  # fmt: skip
    await year.posted("allocations/by-standard", body, book=CITY)
    factor = {"district": str(DISTRICT), "amount": "600000.00", "document_no": "武财农〔2019〕13号"}
    body = year.heading(
        "2019-01-25", "因素法分配", CITY, budget_line_id=year.made["line special_factor"], lines=[factor]
    )
    await year.posted("allocations", body, book=CITY)
    found = (await year.ask("auditor", "allocations", book=CITY))["items"]
    names = {VILLAGE: "village A", SECOND_VILLAGE: "village B", None: "factor"}
    year.made |= {names[one["village_code"]]: one["allocation_id"] for one in found}
    assert {one["allocated"] for one in found} == {"100000.00", "600000.00"}


async def village_b_lends_village_a_its_turn(year: Year) -> None:
    """20,000 move between villages of one fund and year, and only by the document that orders it (调剂)."""
    line = {"allocation_id": year.made["village B"], "to_allocation_id": year.made["village A"], "amount": "20000.00"}
    body = year.heading("2019-02-01", "村间调剂", CITY, lines=[line])
    assert (await year.send("city-maker", "virements", body, book=CITY)).status_code == 422
    await year.posted("virements", {**body, "exception_document_no": "武扶组〔2019〕5号"}, book=CITY)


async def the_city_releases(year: Year) -> None:
    """The villages' money in full by instalment; of the factor fund 70 % ahead of the result (先预拨后清算)."""
    villages = [{"allocation_id": year.made["village A"], "amount": "120000.00"},
                {"allocation_id": year.made["village B"], "amount": "80000.00"}]  # fmt: skip
    await year.posted(
        "releases", year.heading("2019-02-15", "分期下达", CITY, kind="instalment", lines=villages), book=CITY
    )
    prepaid = {"allocation_id": year.made["factor"], "amount": "420000.01"}
    body = year.heading("2019-02-15", "预拨", CITY, kind="prepaid", lines=[prepaid])
    drafted = await year.do("city-maker", "releases", body, book=CITY)
    seen = {"content_sha256": drafted["content_sha256"]}
    path = f"instructions/{drafted['instruction_id']}/approve"
    await year.refused("prepaid-release-above-limit", "city-approver", path, seen, book=CITY)
    await year.posted("releases", {**body, "lines": [{**prepaid, "amount": "420000.00"}]}, book=CITY)


async def the_district_adds_its_own(year: Year) -> None:
    """15 % of the increment (M03) and half of the recovered idle funds (M04): a yuan less is refused."""
    for fund, declared, floor in (
        ("district_increment", "1000000.00", "150000.00"), ("recovered_stock", "200000.00", "100000.00"),
    ):  # fmt: skip
        figure = {"fund_code": fund, "fiscal_year": 2019, "version": 1, "amount": declared, "document_no": "区财1号"}
        await year.do("district-maker", "declared-figures", figure)
        body = year.heading("2019-01-15", "区级预算安排", fund_code=fund, fiscal_year=2019)
        short = {**body, "amount": f"{float(floor) - 1:.2f}"}
        await year.refused("below-floor", "district-maker", "own-money", short)
        await year.posted("own-money", {**body, "amount": floor})
    gift = year.heading("2019-03-05", "社会捐赠", fund_code="donation", fiscal_year=2019, amount="20000.00")
    await year.posted("own-money", gift)
    for one in (await year.ask("auditor", "allocations"))["items"]:
        year.made.setdefault(one["fund_code"], one["allocation_id"])
