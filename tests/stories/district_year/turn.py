"""The turn of the year and after: a project leaves, money is carried over, the year closes, surplus goes back."""

from __future__ import annotations

from tests.builders import CITY, DISTRICT
from tests.stories.district_year.cast import Year, unit_of


async def the_clean_up_leaves_the_library(year: Year) -> None:
    """It can't be carried out: its money goes back first, then it leaves, with the reason."""
    leaving = {"version": 4, "reason": "村庄整体搬迁", "document_no": year.document_no("区扶组")}
    path = f"projects/{year.made['clean-up']}/leave"
    await year.refused("project-has-money", "district-approver", path, leaving)
    lines = [{"allocation_id": year.made["village B"]}]
    body = year.heading("2019-12-20", "调回", project_id=year.made["clean-up"], lines=lines)
    await year.posted("defundings", body)
    await year.do("district-approver", path, leaving)


async def the_road_is_evaluated(year: Year) -> None:
    """A self-evaluation of every indicator, and its review by another person."""
    path = f"projects/{year.made['road']}/evaluations"
    body = {"fiscal_year": 2019, "indicators": [{"indicator_no": 1, "actual_value": "4", "score": 95}], "score": 95,
            "conclusion": "按期完成", "document_no": year.document_no("绩")}  # fmt: skip
    made = await year.do("poverty-maker", path, body)
    review = {
        "version": 2,
        "result": "good",
        "use_of_result": "下年度优先安排",
        "document_no": year.document_no("绩评"),
    }
    await year.do("poverty-approver", f"{path}/{made['evaluation_id']}/review", review)


async def the_officer_hands_over(year: Year) -> None:
    """The accountable officer's term ends with the year; another's begins."""
    old = (await year.ask("auditor", f"officers/{year.officers[DISTRICT, 'accountable']}"))[-1]
    term = {"name": old["name"], "unit_id": old["unit_id"], "role": "accountable", "valid_from": old["valid_from"],
            "valid_to": "2019-12-31", "document_no": "免1号", "version": 2}  # fmt: skip
    await year.do("district-maker", f"officers/{old['officer_id']}/versions", term)
    new = {"name": "继任责任人", "unit_id": unit_of(year, "district-maker"), "role": "accountable",
           "valid_from": "2020-01-01", "document_no": "任2号"}  # fmt: skip
    year.made["first officer"] = old["officer_id"]
    made = await year.do("district-maker", "officers", new)
    late = {**year.heading("2020-01-02", "结转"), "from_year": 2019}
    drafted = await year.do("district-maker", "carry-overs", late)
    await year.refused("officer-not-in-office", "district-approver", f"instructions/{drafted['instruction_id']}/approve",
                       {"content_sha256": drafted["content_sha256"]})  # fmt: skip
    year.officers[DISTRICT, "accountable"] = made["officer_id"]


async def the_year_is_carried_over_and_closed(year: Year) -> None:
    """What is left goes into 2020; the months close, then the year. A closed month takes nothing more."""
    await year.posted("carry-overs", year.heading("2020-01-06", "结转", from_year=2019))
    await year.refused("year-months-open", "district-approver", "years/2019/close", {"document_no": "关账1号"})
    for month in range(1, 13):
        await year.do("district-approver", f"periods/2019-{month:02d}/close", {"document_no": "结账1号"})
    await year.do("district-approver", "years/2019/close", {"document_no": "关账1号"})
    late = year.heading("2019-12-30", "捐赠", fund_code="donation", fiscal_year=2019, amount="1.00",
                        officer_id=year.made["first officer"])  # fmt: skip
    drafted = await year.do("district-maker", "own-money", late)
    await year.refused("period-closed", "district-approver", f"instructions/{drafted['instruction_id']}/approve",
                       {"content_sha256": drafted["content_sha256"]})  # fmt: skip


async def the_prepaid_release_is_settled(year: Year) -> None:
    """The year's result is 560,000: 140,000 more come down, and not a fen beyond; 40,000 stay in the city."""
    result = {"allocation_id": year.made["factor"], "result_amount": "560000.00", "document_no": "武财清〔2020〕1号",
              "evidence_sha256": await year.evidence("清算表", book=CITY)}  # fmt: skip
    made = await year.do("city-maker", "release-settlements", result, book=CITY)
    await year.do("city-approver", f"release-settlements/{made['settlement_id']}/approve", book=CITY)
    for amount, code in (("140000.01", "topup-above-result"), ("140000.00", None)):
        line = {"allocation_id": year.made["factor"], "amount": amount}
        body = year.heading("2020-03-20", "清算补足", CITY, kind="topup", lines=[line])
        drafted = await year.do("city-maker", "releases", body, book=CITY)
        if code is None:
            await year.approved(drafted, book=CITY)
        else:
            await year.refused(code, "city-approver", f"instructions/{drafted['instruction_id']}/approve",
                               {"content_sha256": drafted["content_sha256"]}, book=CITY)  # fmt: skip
    (settled,) = (await year.ask("auditor", "release-settlements", book=CITY, on="2020-12-31"))["items"]
    assert (settled["topup_due"], settled["remainder_due"], settled["settled"]) == ("0.00", "0.00", True)


async def the_final_accounts_test_the_floor_again(year: Year) -> None:
    """The increment was 1,200,000: the floor is 180,000 now, and 30,000 are missing."""
    figure = {"fund_code": "district_increment", "fiscal_year": 2019, "version": 2, "amount": "1200000.00",
              "is_final": True, "document_no": "区财决1号"}  # fmt: skip
    await year.do("district-maker", "declared-figures", figure)


async def two_years_later_what_is_left_goes_back(year: Year) -> None:
    """Surplus is not carried over any more; the city recovers its own, the district hands in its own."""
    body = year.heading("2022-01-10", "结转", from_year=2020)
    await year.refused("nothing-to-carry", "district-maker", "carry-overs", body)
    mine = [{"allocation_id": year.made[name], "exec_year": 2020} for name in ("district_increment", "recovered_stock")]
    await year.posted("surpluses", year.heading("2022-01-12", "结余", lines=mine))
    theirs = [{"allocation_id": year.made[name], "exec_year": 2020} for name in ("factor", "village B")]
    await year.posted("recoveries", year.heading("2022-01-12", "收回", CITY, lines=theirs), book=CITY)
    unreleased = [{"allocation_id": year.made[name]} for name in ("factor", "village B")]
    await year.posted("surpluses", year.heading("2022-01-20", "结余上缴", CITY, lines=unreleased), book=CITY)
