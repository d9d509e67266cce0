"""Proofs over HTTP: every one verifies with an independent check, and nobody gets one of a record they may not see."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from fundledger.sealing.checkpoint import open_checkpoint, parse_proof
from fundledger.sealing.leaf import KINDS
from fundledger.sealing.log import _TABLES
from tests.builders import CITY, DISTRICT, World
from tests.databases import Database
from tests.sealing.sealed import checked_file, checked_line, seal
from tests.sealing.test_sequencer import refuse, year
from tests.web import Api


async def get(api: Api, who: str, path: str, **params: Any) -> Any:
    answer = await api.get(who, path, **params)
    assert answer.status_code == 200, answer.text
    return answer.json() if answer.headers["content-type"].startswith("application/json") else answer.text


async def paid(world: World, payees: int) -> UUID:
    """A payment list of so many households."""
    allocation = await world.funded(100_000_000)
    project = await world.project(planned_amount=200_000_000)
    legs = [Leg(90_000_000, allocation_id=allocation, project_id=project)]
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", legs))
    return (await world.pay(await world.list_of(project, allocation, await world.persons(payees)))).entry_id


async def test_every_sealed_record_of_every_kind_has_a_proof_that_verifies(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    await year(world)
    await refuse(world.service, world)
    await world.service.execute(
        "SELECT gate_close_period($1, '2019-01-01', $2, $3, '结1号')",
        CITY, new_id(), world.who("city-approver").staff_id,
    )  # fmt: skip
    ring = await seal(db, tmp_path)
    leaves = (await get(api, "auditor", "/v1/log/leaves", limit=1000))["items"]
    assert {"entry", "approval", "refusal", "notice", "parameter", "period_close"} == {leaf["kind"] for leaf in leaves}
    for leaf in leaves:
        path = f"{leaf['kind']}/{leaf['record_id']}"
        record = await get(api, "auditor", f"/v1/log/records/{path}", version=leaf["version"])
        text = await get(api, "auditor", f"/v1/log/proofs/{path}", version=leaf["version"])
        assert checked_file(text, record["data"].encode()) == (leaf["position"], len(leaves))
        open_checkpoint(parse_proof(text).note, ring.verifiers("log"), ring.origin)


async def test_every_kind_of_leaf_can_be_looked_for() -> None:
    assert set(_TABLES) == set(KINDS)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 255, 257])
async def test_lines_of_entries_of_every_shape_verify(
    count: int, api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    entry = await paid(world, count)
    await seal(db, tmp_path)
    for line_no in sorted({1, count // 2 + 1, min(16, count), min(17, count), max(count - 1, 1), count}):
        answer = await get(api, "district-maker", f"/v1/log/proofs/entry/{entry}/lines/{line_no}")
        assert checked_line(answer)["line_no"] == line_no
    for line_no in (count + 1, 2**31 - 1):
        answer = await api.get("auditor", f"/v1/log/proofs/entry/{entry}/lines/{line_no}")
        assert (answer.status_code, answer.json()["code"]) == (404, "log-line-not-found")
    assert (await api.get("auditor", f"/v1/log/proofs/entry/{entry}/lines/0")).status_code == 422
