"""The monitor reads a whole district year, advances, settlements, carry-over and returns included, without a fault."""

from __future__ import annotations

from pathlib import Path

from fundledger.witness.monitor import watch
from tests.databases import Database
from tests.sealing.sealed import seal
from tests.stories.district_year.cast import begin
from tests.stories.test_district_year import (
    households_get_their_award,
    money_comes_down,
    projects_enter_the_library,
    the_road_is_built,
    the_year_turns,
)
from tests.web import Api
from tests.witness.test_follow import watching
from tests.witness.test_monitor import ALL, added_up, balances


async def test_a_whole_district_year_adds_up(api: Api, db: Database, tmp_path: Path) -> None:
    year = await begin(api)
    await money_comes_down(year)
    await projects_enter_the_library(year)
    await the_road_is_built(year)
    await households_get_their_award(year)
    await the_year_turns(year)
    ring = await seal(db, tmp_path)
    witness = watching(api, ring, tmp_path / "w")
    kinds = {row["entry_kind"] for row in await api.world.service.fetch("SELECT DISTINCT entry_kind FROM entry")}
    assert {"advance", "settle", "carry_over", "defund", "return", "pay"} <= kinds
    for _ in range(2):
        watched = await watch(witness, recheck=ALL, page_lines=50)
        assert watched.fault is None
    assert added_up(witness) == await balances(api.world.service)
