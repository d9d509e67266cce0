"""The city's year: adopt, allocate by the policy and by factors, release in two instalments; a district's own money."""

from __future__ import annotations

from typing import Any

from fundledger.demo.caller import CITY, YEAR, Caller
from fundledger.demo.offices import DISTRICTS, Offices, header
from fundledger.money import format_yuan, parse_yuan

ADOPTED = {"public_affairs": "55200000.00", "targeted": "54200000.00", "special_factor": "36000000.00"}
"""M02 is the policy's 271 × 200,000; M01 is 552 villages and communities × 100,000; the factor fund is illustrative."""

FACTORS = (
    ("poor_population", "贫困人口占比", "1/2", "share", ("1800", "600", "5200", "7400", "14600", "15400")),
    ("farmer_income", "农民人均收入差距", "3/10", "gap", ("24100", "23200", "20600", "21800", "19400", "19900")),
    ("fiscal_capacity", "人均财力差距", "1/5", "gap", ("16800", "14900", "11200", "12400", "8700", "8100")),
)
DECLARED = {"district_increment": ("180000000.00", 15), "recovered_stock": ("9000000.00", 50)}
"""Illustrative revenue increment (M03) and recovered idle funds (M04) of a district, and the policy's percentages."""


async def adopt_and_allocate(caller: Caller, offices: Offices) -> None:
    """Adopt three budget lines and allocate all of them: two by the policy's standards, one by factors."""
    lines = {}
    for number, (fund, amount) in enumerate(ADOPTED.items(), start=1):
        body = {**header(offices, CITY, f"武财预〔{YEAR}〕{number}号", "2019-01-10", "年初预算批复"),
                "fund_code": fund, "fiscal_year": YEAR, "amount": amount}  # fmt: skip
        draft = await caller.post("finance-maker", f"/v1/books/{CITY}/budget-lines", body)
        await caller.approve("finance-approver", CITY, draft)
        legs = await caller.get("finance-maker", f"/v1/books/{CITY}/instructions/{draft['instruction_id']}/legs")
        lines[fund] = _items(legs)[0]["budget_line_id"]
    for number, fund in enumerate(("public_affairs", "targeted"), start=11):
        body = {**header(offices, CITY, f"武财农〔{YEAR}〕{number}号", "2019-01-20", "按标准分配"), "fund_code": fund,
                "fiscal_year": YEAR, "budget_line_id": lines[fund],
                "documents": {str(book): f"武财农〔{YEAR}〕{number}-{book % 100}号" for book in DISTRICTS}}  # fmt: skip
        draft = await caller.post("finance-maker", f"/v1/books/{CITY}/allocations/by-standard", body)
        await caller.approve("finance-approver", CITY, draft)
    body = {**header(offices, CITY, f"武财农〔{YEAR}〕13号", "2019-01-25", "因素法分配（示范权重）"),
            "fiscal_year": YEAR, "budget_line_id": lines["special_factor"], "total": ADOPTED["special_factor"],
            "data_vintage": "2018（示范数据）",
            "factors": [_factor(*factor) for factor in FACTORS]}  # fmt: skip
    draft = await caller.post("finance-maker", f"/v1/books/{CITY}/allocations/by-factors", body)
    await caller.approve("finance-approver", CITY, draft)


def _factor(code: str, name: str, weight: str, direction: str, values: tuple[str, ...]) -> dict[str, Any]:
    by_district = {str(book): value for book, value in zip(DISTRICTS, values, strict=True)}
    return {"code": code, "name": name, "weight": weight, "direction": direction, "values": by_district}


async def release_all(caller: Caller, offices: Offices) -> None:
    """Two instalments for every district; the last district's second one is kept back, so that somebody is behind."""
    for book in DISTRICTS:
        allocations = await every(caller, "finance-maker", f"/v1/books/{CITY}/allocations", district=str(book))
        for part, (day, share) in enumerate((("2019-02-15", 60), ("2019-06-20", 40)), start=1):
            if part == 2 and book == max(DISTRICTS):
                continue
            lines = [
                {
                    "allocation_id": one["allocation_id"],
                    "amount": format_yuan(parse_yuan(one["allocated"]) * share // 100),
                }
                for one in allocations
            ]
            body = {**header(offices, CITY, f"武财农〔{YEAR}〕{20 + part}-{book % 100}号", day, "分期下达"),
                    "kind": "instalment", "lines": lines}  # fmt: skip
            draft = await caller.post("finance-maker", f"/v1/books/{CITY}/releases", body)
            await caller.approve("finance-approver", CITY, draft)


async def adopt_own_money(caller: Caller, offices: Offices, book: int) -> dict[str, str]:
    """M03 and M04 of a district: declare, adopt exactly the floor; returns the allocations by fund."""
    made = {}
    for number, (fund, (declared, percent)) in enumerate(DECLARED.items(), start=1):
        figure = {"fund_code": fund, "fiscal_year": YEAR, "version": 1, "amount": declared,
                  "document_no": f"{DISTRICTS[book]}财〔{YEAR}〕{number}号（示范数）"}  # fmt: skip
        await caller.post(f"{book}-maker", f"/v1/books/{book}/declared-figures", figure)
        body = {**header(offices, book, f"{DISTRICTS[book]}财预〔{YEAR}〕{number}号", "2019-01-15", "区级预算安排"),
                "fund_code": fund, "fiscal_year": YEAR,
                "amount": format_yuan(parse_yuan(declared) * percent // 100)}  # fmt: skip
        draft = await caller.post(f"{book}-maker", f"/v1/books/{book}/own-money", body)
        await caller.approve(f"{book}-approver", book, draft)
        legs = await caller.get(f"{book}-maker", f"/v1/books/{book}/instructions/{draft['instruction_id']}/legs")
        made[fund] = _items(legs)[0]["allocation_id"]
    return made


async def every(caller: Caller, who: str, path: str, **params: Any) -> list[dict[str, Any]]:
    """All items of a paged list."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await caller.get(who, path, **params, limit=500, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def _items(answer: Any) -> list[dict[str, Any]]:
    return list(answer if isinstance(answer, list) else answer["items"])
