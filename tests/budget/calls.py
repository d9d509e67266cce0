"""Short words for budget calls over HTTP: headings, draft and approve, entries found again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, World, insert
from tests.web import Api

PREFIX = {CITY: "city", DISTRICT: "district", OTHER_DISTRICT: "other"}


def heading(world: World, book: int = CITY, **fields: Any) -> dict[str, Any]:
    """What every draft names."""
    return {
        "document_no": "武财指1号", "effective_on": "2019-03-01", "summary": "测试",
        "officer_id": str(world.officers[book, "accountable"]),
        "supervisor_id": str(world.officers[book, "supervising"]), **fields,
    }  # fmt: skip


async def draft(
    api: Api, path: str, body: dict[str, Any], *, book: int = CITY, who: str | None = None
) -> dict[str, Any]:
    """Draft as the book's maker; the answer's body."""
    answer = await api.post(who or f"{PREFIX[book]}-maker", f"/v1/books/{book}{path}", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def post(api: Api, path: str, body: dict[str, Any], *, book: int = CITY, who: str | None = None) -> UUID:
    """Draft and approve; the entry's id."""
    drafted = await draft(api, path, body, book=book, who=who)
    answer = await api.approve(f"{PREFIX[book]}-approver", book, drafted)
    assert answer.status_code == 200, answer.text
    return UUID(answer.json()["entry_id"])


async def adopted(
    api: Api, amount: str, *, fund: str = "special_factor", year: int = 2019, document: str = "预1号"
) -> str:
    """A budget line of the city; its id."""
    body = heading(api.world, fund_code=fund, fiscal_year=year, amount=amount, document_no=document)
    await post(api, "/budget-lines", body)
    lines = (await api.get("city-maker", f"/v1/books/{CITY}/budget-lines", fund_code=fund, fiscal_year=year)).json()
    return str(next(line["budget_line_id"] for line in lines if line["document_no"] == document))


async def listed(world: World, district: int, count: int, *, fund: str = "targeted", year: int = 2019) -> list[str]:
    """Villages of a district on a year's list (M01, M02); their codes."""
    codes = [f"{district}001{number}" for number in range(201, 201 + count)]
    maker = world.who("city-maker").staff_id
    for code in codes:
        row = {
            "book": district,
            "code": code,
            "name": code,
            "level": "village",
            "parent_code": f"{district}001",
            "source": "test",
        }
        if not await world.service.fetchval(
            "SELECT EXISTS (SELECT FROM division WHERE book = $1 AND code = $2)", district, code
        ):
            await insert(world.service, "division", row)
        await insert(world.service, "village_list", {
            "book": district, "fund_code": fund, "fiscal_year": year, "version": 1, "village_code": code,
            "document_no": "名单1号", "recorded_by": maker,
        })  # fmt: skip
    return codes


def refused(answer: Any) -> set[str]:
    """The codes of a refusal's faults, or its own."""
    assert answer.status_code >= 400, answer.text
    body = answer.json()
    return {fault["code"] for fault in body.get("faults", [])} or {body["code"]}
