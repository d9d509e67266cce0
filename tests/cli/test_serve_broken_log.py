"""`serve` for real, over a database whose signed history is broken under it: it says so and takes no more postings."""

from __future__ import annotations

import asyncio
import json
import signal
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fundledger.db.connection import Connection
from tests.builders import CITY, World
from tests.databases import Database
from tests.http.test_receipts import release_draft
from tests.serving import Service, wait_for


@pytest.fixture
async def service(db: Database, world: World, tmp_path: Path) -> AsyncIterator[Service]:
    """A service and its sequencer over the test's database."""
    made = Service(tmp_path / "data", FUNDLEDGER_DATABASE_URL=db.service_url)
    await asyncio.to_thread(made.start)
    try:
        yield made
    finally:
        await asyncio.to_thread(made.end, signal.SIGTERM)


def log_of(service: Service) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/healthz", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)["log"]
        return found


def sealed(service: Service) -> bool:
    return log_of(service) == {"state": "current", "oldest_unsealed_seconds": None, "code": None}


def refused(service: Service) -> bool:
    return bool(log_of(service)["code"] == "log-history-broken")


async def test_a_history_broken_under_a_running_service_stops_its_postings(
    service: Service, world: World, superuser: Connection
) -> None:
    async def post() -> dict[str, Any]:
        draft = await release_draft(world)
        path, token = f"/v1/books/{CITY}/instructions/{draft['instruction_id']}/approve", world.tokens["city-approver"]
        return await asyncio.to_thread(service.post, path, token, {"content_sha256": draft["content_sha256"]})

    assert "receipt" in await post()
    await asyncio.to_thread(wait_for, "nothing is left to seal", 60, lambda: sealed(service))
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute("DELETE FROM log_leaf WHERE position = (SELECT max(position) FROM log_leaf)")
    await release_draft(world)  # something to seal: the sequencer looks at the log again
    await asyncio.to_thread(wait_for, "the sequencer refuses", 60, lambda: refused(service))
    entries = await world.service.fetchval("SELECT count(*) FROM entry WHERE entry_kind = 'release'")
    with pytest.raises(urllib.error.HTTPError) as answered:
        await post()
    assert (answered.value.code, json.load(answered.value)["code"]) == (503, "log-not-sealing")
    assert await world.service.fetchval("SELECT count(*) FROM entry WHERE entry_kind = 'release'") == entries
