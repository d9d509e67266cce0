"""The payment lists of one district's year, and the cases that an inspector should find in them.

Planted, and listed in demo/README.md: one card for three households, an amount above the standard with a document, a
line the bank said nothing of, and (with `load`) a household that two districts pay for the same pupil and period.
"""

from __future__ import annotations

from typing import Any

from fundledger.demo.district import (
    District,
    accept,
    account_no,
    bank,
    claim,
    credit_code,
    pay,
    reissue,
    upload,
)
from fundledger.demo.people import Household, Person

PLANT_DISTRICT = 420117
"""新洲: where the planted cases are, but for the one that needs two districts."""
PUBLISHED = ("2019-03-20", "2019-04-05")


def of_head(household: Household, amount: str, **more: Any) -> dict[str, Any]:
    """A line that pays a household through its head."""
    return {"household_no": household.household_no, "name": household.head.name, "card": household.head.card,
            "amount": amount} | more  # fmt: skip


async def households_year(district: District) -> None:
    """Housing, awards, labour, pupils and top-ups: each list published, approved, paid, answered by the bank."""
    some = district.households
    planted = district.book == PLANT_DISTRICT
    await accept(district, "housing", "2019-03-15")
    housing = [of_head(one, "20000.00") for one in some[:30]]
    made = await upload(district, "housing", "household", "2019", "2019-04-10", housing, final=True)
    await pay(district, made, PUBLISHED)
    await bank(district, made, "2019-04-15", returned=(5,))

    industry = [of_head(one, f"{500 * (1 + place % 8)}.00", quantity=1 + place % 8,
                        participation_ref=f"产业台账{place}") for place, one in enumerate(some[:50])]  # fmt: skip
    if planted:
        for place in (11, 12):
            industry[place]["card"] = some[10].head.card
            await _change_card(district, some[place].head, some[10].head.card, 2)
        industry[20] |= {"amount": "9000.00", "quantity": 8, "exception_document_no": "新洲扶组〔2019〕特批1号"}
    made = await upload(district, "industry", "household", "2019-H1", "2019-06-28", industry)
    await pay(district, made, ("2019-06-10", "2019-06-25"))
    await bank(district, made, "2019-07-03", silent=(31,) if planted else ())
    if planted:
        for place in (11, 12):
            await _change_card(district, some[place].head, some[place].head.card, 3)
    await _persons(district)
    await _topups(district)


async def _change_card(district: District, person: Person, card: str, version: int) -> None:
    """Register another card of a person, confirmed by a second person (in the planted case: too easily)."""
    maker, approver = district.who("poverty-maker"), district.who("poverty-approver")
    lookup = {"identity_number": person.identity_number}
    found = await district.caller.post(maker, district.path("persons/lookup"), lookup)
    cards = district.path(f"persons/{found['person_id']}/cards")
    body = {"card": card, "document_no": district.document("卡"), "version": version}
    await district.caller.post(maker, cards, body)
    await district.caller.post(approver, f"{cards}/{version}/confirm")


async def _persons(district: District) -> None:
    labour = [
        {"identity_number": one.head.identity_number, "name": one.head.name, "card": one.head.card,
         "amount": f"{80 * days}.00", "quantity": days, "participation_ref": f"考勤{days}天"}
        for days, one in zip((5, 8, 12, 20, 22) * 4, district.households[:20], strict=True)
    ]  # fmt: skip
    for month in (4, 5):
        made = await upload(district, "labour", "person", f"2019-{month:02}", f"2019-{month + 1:02}-20", labour)
        await pay(district, made, (f"2019-{month + 1:02}-01", f"2019-{month + 1:02}-15"))
        await bank(district, made, f"2019-{month + 1:02}-24")
    pupils = [
        {
            "identity_number": one.pupil.identity_number,
            "name": one.pupil.name,
            "card": one.pupil.card,
            "amount": "1000.00",
        }
        for one in (*district.households[:40], *district.households[60:])
    ]
    made = await upload(district, "pupils", "person", "2019-H1", "2019-05-30", pupils)
    await pay(district, made, ("2019-05-10", "2019-05-25"))
    await bank(district, made, "2019-06-05")


async def _topups(district: District) -> None:
    lines = [of_head(one, "720.00", quantity=6) for one in district.households[:12]]
    made = await upload(district, "dibao", "household", "2019-H1", "2019-07-10", lines)
    await pay(district, made, ("2019-06-20", "2019-07-05"))
    await bank(district, made, "2019-07-15", returned=(3,))
    # The card was corrected: the line that came back is paid again, once; it was published before.
    corrected = {"line_no": 3, "account": district.households[2].head.card}
    again = await reissue(district, made, "2019-08-20", [corrected])
    await pay(district, again, None)
    await bank(district, again, "2019-08-25")


async def suppliers_year(district: District) -> None:
    """The road in two payments, each for accepted progress and less the retention; the village's public affairs."""
    if "road" in district.projects:
        await _road(district)
    village = {
        "credit_code": credit_code(district, 2),
        "name": f"{district.name}示范村股份经济合作社",
        "account": account_no(2),
    }
    body = {"kind": "village_collective"} | village
    made = await district.caller.post(district.who("maker"), district.path("organisations"), body)
    district.suppliers["affairs"] = made["organisation_id"]
    await accept(district, "affairs", "2019-06-05", 60)
    await _bill(district, "affairs", village, "2019-06", "2019-06-10", "30000.00", 60)


async def _road(district: District) -> None:
    road = {
        "credit_code": credit_code(district, 1),
        "name": f"{district.name}路桥工程有限公司（示范）",
        "account": account_no(1),
    }
    await accept(district, "road", "2019-05-10", 50)
    await _bill(district, "road", road, "2019-05", "2019-05-15", "40000.00", 50)
    await accept(district, "road", "2019-09-01")
    await _bill(district, "road", road, "2019-09", "2019-09-20", "55000.00", 100, final=True)


async def _bill(
    district: District, code: str, payee: dict[str, str], period: str, day: str, amount: str, percent: int, *,
    final: bool = False,
) -> None:  # fmt: skip
    """One payment to an organisation: its claim, the list, the bank's answer three days later."""
    claim_id = await claim(district, code, district.suppliers[code], amount, percent)
    line = payee | {"amount": amount}
    made = await upload(district, code, "organisation", period, day, [line], final=final, claim_id=claim_id)
    await pay(district, made, PUBLISHED)
    await bank(district, made, f"{day[:8]}{int(day[8:]) + 3}")
