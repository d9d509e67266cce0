"""A bundle of the whole log of an honest book: sound, the same bytes twice, and only for who trusts the right keys."""

from __future__ import annotations

import json
from pathlib import Path

from tests.builders import World
from tests.databases import Database, connected
from tests.verifier.making import Log
from tests.verifier.story import honest_year


async def test_an_honest_book_is_sound(world: World, db: Database, tmp_path: Path) -> None:
    await honest_year(world)
    async with connected(db.service_url) as connection:
        log = Log.new(connection, tmp_path)
        await log.seal()
        path = await log.export()
        report = log.verify(path)
        assert report.exit_code == 0, json.dumps(report.as_json(), ensure_ascii=False, indent=1)
