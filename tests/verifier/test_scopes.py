"""Closed sets of accounts: each is proved by itself, and holds nothing of anybody else's lists."""

from __future__ import annotations

import errno
import gc
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fundledger.errors import FundledgerError
from fundledger.exports.bundle_request import Asked, asked_bundle
from tests.builders import CITY, DISTRICT, World
from tests.databases import Database, connected
from tests.verifier.making import Log, taken
from tests.verifier.story import honest_year


async def test_closed_sets_are_sound(world: World, db: Database, tmp_path: Path) -> None:
    made = await honest_year(world)
    async with connected(db.service_url) as connection:
        log = Log.new(connection, tmp_path)
        await log.seal()
        document = await connection.fetchval(
            "SELECT document_no FROM allocation WHERE allocation_id = $1", made["allocation"]
        )
        cases: list[dict[str, Any]] = [
            {"kind": "allocation", "book": DISTRICT, "ref": str(made["allocation"])},
            {"kind": "allocation", "book": CITY, "ref": str(made["allocation"])},
            {"kind": "document", "book": DISTRICT, "ref": document},
            {"kind": "project", "book": DISTRICT, "ref": str(made["project"])},
            {"kind": "book", "book": DISTRICT},
            {"kind": "book", "book": CITY},
        ]
        for case in cases:
            report = log.verify(await taken(log, **case))
            assert report.exit_code == 0, (case, json.dumps(report.as_json(), ensure_ascii=False, indent=1))
            assert report.outcomes["totals-tile"].made > 0


async def test_what_is_not_there_is_refused(world: World, db: Database, tmp_path: Path) -> None:
    async with connected(db.service_url) as connection:
        log = Log.new(connection, tmp_path)
        with pytest.raises(FundledgerError) as refused:
            await taken(log, kind="all")
        assert refused.value.code == "bundle-without-checkpoint"
        await world.funded(1_000)
        await log.seal()
        for asked, code in (
            ({"kind": "project", "book": DISTRICT, "ref": "nothing"}, "bundle-scope-unknown"),
            ({"kind": "village", "book": DISTRICT, "ref": "1"}, "bundle-scope-unknown"),
            ({"kind": "book", "book": 999_999}, "book-unknown"),
            ({"kind": "project", "book": DISTRICT}, "bundle-scope-malformed"),
            ({"kind": "book"}, "bundle-scope-malformed"),
        ):
            with pytest.raises(FundledgerError) as refused:
                await taken(log, **asked)
            assert refused.value.code == code


class Full(io.BytesIO):
    """A disk that is full after some bytes."""

    def write(self, data: Any) -> int:
        """Take it, or no more."""
        if self.tell() + len(data) > 3_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


async def test_a_full_disk_ends_a_bundle_and_nothing_is_written_to_it_later(
    world: World, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", late.append)
    async with connected(db.service_url) as connection:
        log = Log.new(connection, tmp_path)
        await honest_year(world)
        await log.seal()
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            with Full() as file, pytest.raises(OSError, match="No space left"):
                await asked_bundle(connection, log.ring, Asked("all"), file)
    gc.collect()
    assert late == []
