"""Terms of office: a version continues its record, a term keeps the days it answered for; also with direct SQL."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from fundledger.ids import new_id
from tests.budget.calls import refused
from tests.builders import CITY, DISTRICT, OFFICERS, World, insert
from tests.databases import Database, connected
from tests.web import Api

PATH = f"/v1/books/{DISTRICT}/officers"


async def version(world: World, whose: str = "accountable", *, book: int = CITY, **fields: Any) -> None:
    """Write the second version of an officer of the world as the service does; it names every column."""
    maker = world.who("city-maker" if book == CITY else "district-maker")
    await insert(world.service, "officer_term", {
        "book": book, "officer_id": world.officers[book, whose], "name": OFFICERS[whose], "unit_id": maker.unit_id, "role": whose,
        "valid_from": date(2018, 1, 1), "version": 2, "document_no": "任2号", "recorded_by": maker.staff_id, **fields,
    })  # fmt: skip


async def adopted_on(world: World, *days: date) -> None:
    """Something posted under the city's officers on each day."""
    for day in days:
        await world.adopt(100, effective_on=day)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"version": 3}, "officer_term_next"), ({"version": 1}, "officer_term_next"), ({"version": 0}, "officer_term_next"),
        ({"role": "supervising"}, "officer_term_same"),
        ({"valid_to": date(2019, 5, 1)}, "officer_term_in_use"), ({"valid_from": date(2019, 3, 2)}, "officer_term_in_use"),
    ],
    ids=str,
)  # fmt: skip
async def test_a_version_that_bends_a_term_is_refused_by_the_database(
    fields: dict[str, Any], constraint: str, world: World
) -> None:
    await adopted_on(world, date(2019, 3, 1), date(2019, 5, 2))
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await version(world, **fields)
    assert getattr(caught.value, "constraint_name", None) == constraint


async def test_a_term_may_end_on_the_day_of_its_last_posting_and_begin_on_that_of_its_first(world: World) -> None:
    await adopted_on(world, date(2019, 3, 1), date(2019, 5, 2))
    await version(world, valid_from=date(2019, 3, 1), valid_to=date(2019, 5, 2))
    await version(world, "supervising", valid_to=date(2019, 5, 2))


async def test_a_supervisors_term_keeps_the_days_supervised(world: World) -> None:
    await adopted_on(world, date(2019, 5, 2))
    with pytest.raises(asyncpg.CheckViolationError, match="would lose"):
        await version(world, "supervising", valid_to=date(2019, 5, 1))


async def test_the_number_of_a_person_is_given_once(world: World) -> None:
    await version(world, person_no="鄂A-1")
    with pytest.raises(asyncpg.CheckViolationError, match="another role or person"):
        await version(world, version=3, person_no="鄂A-2")
    await version(world, version=3, person_no="鄂A-1", name="改名")


async def test_a_term_is_not_cut_short_under_a_posting_on_its_way(world: World, db: Database) -> None:
    async with connected(db.service_url) as other:
        transaction = other.transaction()
        await transaction.start()
        posting = World(other, world.owner, world.people, world.tokens, world.officers)
        await posting.adopt(100, effective_on=date(2019, 5, 2))
        cutting = asyncio.ensure_future(version(world, valid_to=date(2019, 5, 1)))
        await asyncio.sleep(0.3)
        assert not cutting.done()
        await transaction.commit()
        with pytest.raises(asyncpg.CheckViolationError, match="would lose"):
            await cutting


async def test_over_http_a_term_in_use_is_refused_with_its_code_and_the_units_are_told(api: Api, world: World) -> None:
    await world.funded()
    body = {"name": OFFICERS["accountable"], "unit_id": str(world.who("city-maker").unit_id), "role": "accountable",
            "valid_from": "2018-01-01", "valid_to": "2019-02-28", "document_no": "免1号", "version": 2}  # fmt: skip
    path = f"/v1/books/{CITY}/officers/{world.officers[CITY, 'accountable']}/versions"
    assert refused(await api.post("city-maker", path, body)) == {"officer-term-in-use"}
    ended = await api.post("city-maker", path, {**body, "valid_to": "2019-03-01"})
    assert ended.status_code == 201, ended.text
    units = (await api.get("auditor", f"/v1/books/{CITY}/units", kind="finance")).json()["items"]
    assert [unit["name"] for unit in units] == [f"finance-{CITY}"]
    assert ended.json()["unit_name"] == f"finance-{CITY}"


async def test_who_answered_on_a_day_is_told_by_role_and_a_persons_terms_by_number(api: Api, world: World) -> None:
    unit = str(world.who("district-maker").unit_id)
    for name, role, first, last in (
        ("张三", "accountable", "2019-01-01", "2019-06-30"),
        ("张三", "supervising", "2019-07-01", None),
    ):
        body = {"name": name, "unit_id": unit, "role": role, "valid_from": first, "valid_to": last, "document_no": "任1号",
                "person_no": "鄂A-3"}  # fmt: skip
        answer = await api.post("district-maker", PATH, body)
        assert answer.status_code == 201, answer.text
    terms = (await api.get("auditor", PATH, person_no="鄂A-3")).json()["items"]
    assert [term["role"] for term in terms] == ["accountable", "supervising"]
    for day, names in (("2019-06-30", {"责任人", "张三"}), ("2019-07-01", {"责任人"})):
        rows = (await api.get("auditor", PATH, on=day, role="accountable")).json()["items"]
        assert {row["name"] for row in rows} == names, day
    changed = {"name": "张三", "unit_id": unit, "role": "accountable", "valid_from": "2019-01-01", "document_no": "任2号",
               "version": 2, "person_no": "鄂A-4"}  # fmt: skip
    answer = await api.post("district-maker", f"{PATH}/{UUID(terms[0]['officer_id'])}/versions", changed)
    assert refused(answer) == {"record-identity-changed"}


async def test_a_term_of_an_unknown_officer_begins_with_version_one(world: World) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="not the next version"):
        await version(world, officer_id=new_id())
