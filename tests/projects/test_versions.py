"""Versions under concurrency: of two people who write the same version at once, one gets it."""

from __future__ import annotations

import asyncio

from tests.budget.calls import refused
from tests.builders import DISTRICT, World
from tests.web import Api


async def test_of_two_writers_of_one_version_exactly_one_wins(api: Api, world: World) -> None:
    body = {"name": "李四", "unit_id": str(world.who("district-maker").unit_id), "role": "supervising",
            "valid_from": "2019-01-01", "document_no": "任1号"}  # fmt: skip
    first = (await api.post("district-maker", f"/v1/books/{DISTRICT}/officers", body)).json()
    path = f"/v1/books/{DISTRICT}/officers/{first['officer_id']}/versions"
    answers = await asyncio.gather(
        *(
            api.post("district-maker", path, body | {"version": 2, "document_no": f"任{number}号"})
            for number in range(8)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert {code for answer in answers if answer.status_code == 409 for code in refused(answer)} == {"version-taken"}
    assert len((await api.get("auditor", path.removesuffix("/versions"))).json()) == 2


async def test_the_same_key_at_the_same_time_makes_one_record(api: Api, world: World) -> None:
    body = {"name": "王五", "unit_id": str(world.who("district-maker").unit_id), "role": "accountable",
            "valid_from": "2019-01-01", "document_no": "任9号"}  # fmt: skip
    path = f"/v1/books/{DISTRICT}/officers"
    answers = await asyncio.gather(*(api.post("district-maker", path, body, key="same") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["officer_id"] for answer in answers}) == 1
    assert await world.service.fetchval("SELECT count(*) FROM officer_term WHERE document_no = '任9号'") == 1
