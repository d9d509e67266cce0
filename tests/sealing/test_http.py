"""The sealed log over HTTP: an auditor recomputes a leaf and its lines; others see what they may see."""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

from fundledger.ids import new_id
from fundledger.sealing.merkle import leaf_hash, root
from fundledger.sealing.sequencer import Sequencer
from tests.builders import CITY, DISTRICT, World
from tests.databases import Database, connected
from tests.sealing.test_sequencer import refuse, year
from tests.web import Api


async def seal(db: Database) -> int:
    """Seal what waits."""
    async with connected(db.service_url) as connection:
        return await Sequencer(connection).seal_all()


async def get(api: Api, who: str, path: str, **params: Any) -> Any:
    answer = await api.get(who, path, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_auditor_recomputes_the_leaf_and_the_lines_of_a_payment(api: Api, world: World, db: Database) -> None:
    _, entry = await year(world, payees=5)
    await seal(db)
    record = await get(api, "auditor", f"/v1/log/records/entry/{entry}")
    assert sha256(b"\x00" + record["data"].encode()).hexdigest() == record["leaf_hash"]
    lines: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await get(api, "auditor", f"/v1/log/records/entry/{entry}/lines", limit=2, **cursor)
        lines += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert [json.loads(text)["line_no"] for text in lines] == [1, 2, 3, 4, 5]
    assert root([leaf_hash(text.encode()) for text in lines]).hex() == record["lines_root"]
    assert json.loads(record["data"])["lines_root"] == record["lines_root"]
    leaves = await get(api, "auditor", "/v1/log/leaves", limit=1000)
    assert leaves["items"][record["position"]]["leaf_hash"] == record["leaf_hash"]


async def test_leaves_are_paged_by_position_without_a_gap(api: Api, world: World, db: Database) -> None:
    await year(world)
    size = await seal(db)
    positions: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = await get(api, "district-maker", "/v1/log/leaves", limit=7, **cursor)
        positions += [item["position"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert positions == list(range(size))
    assert (await get(api, "auditor", "/v1/log")) | {"newest_at": ""} == {"size": size, "newest_at": "", "waiting": 0}


async def test_a_time_maps_to_the_size_the_log_had_then(api: Api, world: World, db: Database) -> None:
    first = await seal(db)
    then = (await db_newest(db)) + timedelta(microseconds=1)
    await world.adopt(5)
    await seal(db)
    assert (await get(api, "auditor", "/v1/log", at=then.isoformat()))["size"] == first
    assert (await get(api, "auditor", "/v1/log", at="2001-01-01T00:00:00Z"))["size"] == 0
    assert (await get(api, "auditor", "/v1/log"))["size"] > first
    assert (await api.get("auditor", "/v1/log", at="2019-01-01T00:00:00")).status_code == 422


async def db_newest(db: Database) -> Any:
    async with connected(db.service_url) as connection:
        return await connection.fetchval("SELECT max(appended_at) FROM log_leaf")


async def test_a_record_that_waits_shows_the_leaf_it_will_have(api: Api, world: World, db: Database) -> None:
    _, entry = await year(world)
    before = await get(api, "auditor", f"/v1/log/records/entry/{entry}")
    assert before["position"] is None
    await seal(db)
    after = await get(api, "auditor", f"/v1/log/records/entry/{entry}")
    assert after["position"] is not None
    assert (after["data"], after["leaf_hash"]) == (before["data"], before["leaf_hash"])


async def test_a_district_sees_its_own_records_only_and_refusals_are_for_inspectors(
    api: Api, world: World, db: Database
) -> None:
    allocation, entry = await year(world)
    release = await world.service.fetchval(
        "SELECT entry_id FROM entry WHERE book = $1 AND entry_kind = 'release'", CITY
    )
    refusal = await refuse(world.service, world)
    await seal(db)
    expected = {
        ("district-maker", "entry", entry): 200, ("other-maker", "entry", entry): 404,
        ("city-maker", "entry", entry): 200, ("district-maker", "entry", release): 404,
        ("auditor", "entry", release): 200, ("inspector", "refusal", refusal): 200,
        ("city-maker", "refusal", refusal): 403, ("admin", "entry", entry): 403,
        ("auditor", "entry", allocation): 404, ("auditor", "approval", entry): 404,
        ("auditor", "notice", new_id()): 404, ("auditor", "nonsense", entry): 422,
    }  # fmt: skip
    found = {key: (await api.get(key[0], f"/v1/log/records/{key[1]}/{key[2]}")).status_code for key in expected}
    assert found == expected
    assert (await api.get("other-maker", f"/v1/log/records/entry/{entry}/lines")).status_code == 404
    notice = await world.service.fetchval("SELECT notice_id FROM notice WHERE book = $1", DISTRICT)
    assert (await api.get("auditor", f"/v1/log/records/notice/{notice}")).status_code == 200
    assert (await api.get("auditor", f"/v1/log/records/notice/{notice}", version=2)).status_code == 404


async def test_a_cursor_that_is_not_ours_is_refused(api: Api) -> None:
    for cursor in ("WyJhIl0", "W10", "!", "WzFlOTld", "WzEsMl0"):
        assert (await api.get("auditor", "/v1/log/leaves", cursor=cursor)).status_code == 422, cursor
