"""The award to households: a spreadsheet, its faults, the bank's answer, and what came back is paid again once."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import date
from typing import Any

from openpyxl import load_workbook

from fundledger.registry.identity import synthetic_card, synthetic_identity_number
from tests.builders import DISTRICT, VILLAGE
from tests.stories.district_year.cast import XLSX, Year
from tests.stories.district_year.library import funded, published

HEADS = [(f"4201170012000{number}", f"{'赵钱孙李'[number]}测试", synthetic_identity_number(date(1960, 1, 1), 500 + number),
          synthetic_card(7_000 + number)) for number in range(4)]  # fmt: skip
NEW_CARDS = (synthetic_card(7_100), synthetic_card(7_101))


async def households_are_registered(year: Year) -> None:
    """Four households with their heads and cards, on the rosters of the award and of the relief."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["户编号", "村代码", "姓名", "身份证号", "户主", "银行卡号", "状态", "状态日期", "文号"])
    for number, name, identity, card in HEADS:
        writer.writerow([number, VILLAGE, name, identity, "是", card, "registered", "2018-01-01", "建档1号"])
    await year.do("poverty-maker", "households/import", content=text.getvalue().encode(), media="text/csv")
    members = [{"household_no": head[0]} for head in HEADS]
    roster = {"action": "enrolled", "valid_from": "2019-01-01", "document_no": "花名册1号", "members": members}
    await year.do("poverty-maker", "rosters/industry_award", roster)
    exempt = {"project_id": year.made["award"], "method": "exempt", "exemption_code": "household_subsidy",
              "estimate": "16000.00", "evidence_sha256": await year.evidence("奖补办法"), "document_no": "招豁1号"}  # fmt: skip
    await year.do("district-maker", "procurements", exempt)


def heading(year: Year, period: str, day: str) -> dict[str, Any]:
    """What a list of the award says beside its lines."""
    quarter = f"{period[:4]}-{3 * int(period[-1]):02d}-01"
    return {**year.heading(day, "产业奖补"), "project_id": year.made["award"], "programme_code": "industry_award",
            "period": period, "entitlement_on": quarter, "payee_kind": "household"}  # fmt: skip


def payees(year: Year) -> list[dict[str, Any]]:
    """The heads of household with the cards they have now."""
    return [
        {"household_no": number, "name": name, "card": year.made.get(f"card {number}", card)}
        for number, name, _, card in HEADS
    ]


def award(year: Year, period: str, day: str, amount: str = "1000.00") -> dict[str, Any]:
    """A list that gives each household two mu's award."""
    lines = [{**line, "amount": amount, "quantity": 2, "participation_ref": "台账"} for line in payees(year)]
    return {
        **heading(year, period, day),
        "lines": lines,
        "sources": [{"allocation_id": year.made["district_increment"]}],
    }


async def the_template_is_filled_in(year: Year, *, card: str) -> bytes:
    """The district's template, filled in by hand; the last household's card as it was typed."""
    answer = await year.api.get("district-maker", f"/v1/books/{DISTRICT}/payment-lists/template", payee_kind="household",
                                project_id=year.made["award"])  # fmt: skip
    book = load_workbook(io.BytesIO(answer.content))
    sheet = book["发放清单"]
    places = {cell.value: int(cell.column or 0) for cell in sheet[1]}
    for row, (number, name, _, registered) in enumerate(HEADS, start=2):
        typed = card if row == len(HEADS) + 1 else registered
        cells: dict[str, str | int] = {
            "户编号": number,
            "户主姓名": name,
            "银行卡号": typed,
            "金额": 1000,
            "数量": 2,
            "参与记录": "台账",
        }
        for heading_, value in cells.items():
            sheet.cell(row, places[heading_], value)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


async def the_first_quarter_is_paid_from_a_spreadsheet(year: Year) -> None:
    """The preview names the line with the wrong card; corrected, the list is taken, published, approved and paid."""
    query = {**heading(year, "2019-Q1", "2019-04-15"), "sources": year.made["district_increment"]}
    path = f"/v1/books/{DISTRICT}/payment-lists"
    wrong = await the_template_is_filled_in(year, card="6.2E+18")
    answer = await year.send(
        "district-maker", "payment-lists", content=wrong, media=XLSX, query={**query, "preview": "true"}
    )
    (fault,) = answer.json()["faults"]
    assert (fault["code"], fault["line"]) == ("card-scientific", 5), fault
    right = await the_template_is_filled_in(year, card=HEADS[3][3])
    made = await year.do("district-maker", "payment-lists", content=right, media=XLSX, query=query)
    assert (made["line_count"], made["total"]) == (4, "4000.00"), path
    year.made["first quarter"] = await ready(year, made, ("2019-04-01", "2019-04-14"))
    await year.do("district-payer", f"payment-lists/{year.made['first quarter']}/pay")


async def ready(year: Year, made: dict[str, Any], days: tuple[str, str]) -> str:
    """A list published for its working days, and approved."""
    year.made["list"] = made["payment_list_id"]
    await published(year, "list", made["total"], ("village",), "payment_list", days)
    approval = {"content_sha256": made["content_sha256"]}
    await year.do("district-approver", f"payment-lists/{made['payment_list_id']}/approve", approval)
    return str(made["payment_list_id"])


async def the_bank_answers(year: Year, payment_list: str, day: str, *, returned: int) -> None:
    """The bank's file goes out and comes back with a column of results; the returned line is posted back."""
    answer = await year.send("district-payer", f"payment-lists/{payment_list}/bank-file", query={"format": "csv"})
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    back = io.StringIO()
    writer = csv.writer(back)
    writer.writerow([*rows[0], "结果", "原因"])
    for row in rows[1:]:
        came_back = row[1] == str(returned)
        writer.writerow(
            [*row, *(("退票", "账号户名不符") if came_back else ("入账", "") if row[1].isdigit() else ("", ""))]
        )
    taken = await year.do(
        "district-maker", "bank-results", content=back.getvalue().encode(), media="text/csv",
        query={"document_no": "回盘1号", "settled_on": day, "payment_list_id": payment_list,
               "officer_id": year.officers[DISTRICT, "accountable"],
               "supervisor_id": year.officers[DISTRICT, "supervising"]},
    )  # fmt: skip
    assert (taken["credited_lines"], taken["returned_lines"]) == (3, 1)
    for drafted in taken["returns"]:
        await year.approved(drafted)


async def the_returned_line_is_paid_again(year: Year, payment_list: str, line: int, card: str, day: str) -> None:
    """The household's card is corrected by two people; the line is paid once more, and only once."""
    head = await year.do("poverty-maker", "persons/lookup", {"identity_number": HEADS[line - 1][2]})
    cards = f"persons/{head['person_id']}/cards"
    await year.do("township-maker", cards, {"card": card, "document_no": "换卡1号", "version": 2})
    await year.do("poverty-approver", f"{cards}/2/confirm")
    year.made[f"card {HEADS[line - 1][0]}"] = card
    again = {**year.heading(day, "退票重发"), "lines": [{"line_no": line, "account": card}]}
    made = await year.do("district-maker", f"payment-lists/{payment_list}/reissues", again)
    assert made["pending"] == [], made["pending"]
    path = f"payment-lists/{made['payment_list_id']}"
    await year.do("district-approver", f"{path}/approve", {"content_sha256": made["content_sha256"]})
    await year.do("district-payer", f"{path}/pay")
    await year.refused("nothing-to-reissue", "district-maker", f"payment-lists/{payment_list}/reissues",
                       {**again, "document_no": year.document_no()})  # fmt: skip


async def two_lists_want_the_same_money(year: Year) -> None:
    """6,000 are left; two lists of 4,000 are paid at the same moment: one posts, the other says what is missing."""
    lists = []
    for period in ("2019-Q2", "2019-Q3"):
        made = await year.do("district-maker", "payment-lists", award(year, period, "2019-10-20"))
        lists.append(await ready(year, made, ("2019-10-01", "2019-10-19")))
    pays = [f"payment-lists/{one}/pay" for one in lists]
    answers = await asyncio.gather(*(year.send("district-payer", pay) for pay in pays))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    ((loser, refused),) = [pair for pair in zip(pays, answers, strict=True) if pair[1].status_code == 409]
    (fault,) = refused.json()["faults"]
    assert (fault["code"], fault["params"]["shortfall"]) == ("balance-insufficient", "2000.00")
    await funded(year, "award", {"district_increment": "6000.00"}, "2019-10-20")
    await year.do("district-payer", loser)


async def donations_reach_all_four(year: Year) -> None:
    """500 each out of what was given: outside the five (M43), so without project and notice, by three people all the same."""
    lines = [{**line, "amount": "500.00"} for line in payees(year)]
    body = {**year.heading("2019-09-10", "慰问"), "kind": "pay_other", "programme_code": "donation_relief",
            "period": "2019", "entitlement_on": "2019-09-01", "payee_kind": "household", "lines": lines,
            "sources": [{"allocation_id": year.made["donation"]}]}  # fmt: skip
    made = await year.do("poverty-maker", "payment-lists", body)
    path = f"payment-lists/{made['payment_list_id']}"
    await year.do("poverty-approver", f"{path}/approve", {"content_sha256": made["content_sha256"]})
    await year.do("district-payer", f"{path}/pay")


async def the_fourth_quarter_is_paid_in_december(year: Year) -> None:
    """2020's higher standard is not yet: 600 a mu is refused in 2019."""
    higher = await year.send("district-maker", "payment-lists", award(year, "2019-Q4", "2019-12-27", "1200.00"),
                             query={"preview": "true"})  # fmt: skip
    assert {one["code"] for one in higher.json().get("faults") or higher.json()["pending"]} == {"above-standard"}
    made = await year.do("district-maker", "payment-lists", award(year, "2019-Q4", "2019-12-27"))
    year.made["fourth quarter"] = await ready(year, made, ("2019-12-16", "2019-12-26"))
    await year.do("district-payer", f"payment-lists/{year.made['fourth quarter']}/pay")
