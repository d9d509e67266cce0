"""A log that stands: `/healthz` says so, and no posting is given a promise that is not going to be kept."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from fundledger.db.connection import Connection
from fundledger.sealing import watch
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.watch import REFUSED_FILE, LogState
from tests.builders import CITY, DISTRICT, World
from tests.databases import Database, connected
from tests.http.test_receipts import approve, release_draft
from tests.sealing.sealed import seal
from tests.tidy.sources import ROOT
from tests.web import Api, running_api

LATE = "31 seconds"
"""A second more than half of what a receipt promises."""


@pytest.fixture
async def sealed_api(db: Database, world: World, tmp_path: Path) -> AsyncIterator[Api]:
    """The service as `serve` runs it, for a long time already; everything so far is sealed."""
    async with running_api(db, world, tmp_path, sealed=True) as made:
        await seal(db, tmp_path)
        made.app.state.services.watch._started -= 1_000
        yield made


async def health(api: Api) -> dict[str, Any]:
    answer = await api.client.get("/healthz")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def refused(api: Api, path: str, who: str, json: dict[str, Any] | None = None) -> dict[str, Any]:
    """The parameters of the refusal a posting gets; no entry was made."""
    service = api.world.service
    before = await service.fetchval("SELECT count(*) FROM entry")
    await api.app.state.services.watch.look()
    answer = await api.post(who, path, json, key="k-1")
    assert (answer.status_code, answer.json()["code"]) == (503, "log-not-sealing")
    assert answer.headers["retry-after"] == "1"
    assert "receipt" not in answer.json()
    assert await service.fetchval("SELECT count(*) FROM entry") == before
    found: dict[str, Any] = answer.json()["params"]
    return found


async def release_refused(api: Api, draft: dict[str, Any]) -> dict[str, Any]:
    path = f"/v1/books/{CITY}/instructions/{draft['instruction_id']}/approve"
    return await refused(api, path, "city-approver", {"content_sha256": draft["content_sha256"]})


def sequencing(db: Database, folder: Path) -> subprocess.Popen[bytes]:
    """`fundledger sequence` in a process of its own."""
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT / "src"), "FUNDLEDGER_DATABASE_URL": db.service_url,
        "FUNDLEDGER_DATA_DIR": str(folder),
    }  # fmt: skip
    command = [sys.executable, "-m", "fundledger", "sequence"]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


async def test_a_log_that_keeps_up_is_current(sealed_api: Api, world: World) -> None:
    ok = {"status": "ok", "log": {"state": "current", "oldest_unsealed_seconds": None, "code": None}}
    assert await health(sealed_api) == ok
    draft = await release_draft(world)
    assert (await health(sealed_api))["log"]["oldest_unsealed_seconds"] is not None
    assert "receipt" in await approve(sealed_api, draft, "k-1")


@pytest.mark.parametrize("placed", [False, True])
async def test_records_that_wait_too_long_stop_postings_until_they_are_sealed(
    sealed_api: Api, world: World, db: Database, tmp_path: Path, superuser: Connection, placed: bool
) -> None:
    """Whether they wait for a position still, or have one and lack only the checkpoint."""
    draft = await release_draft(world)
    if placed:
        async with connected(db.service_url) as connection:
            await Sequencer(connection).seal_all()
        assert (await health(sealed_api))["log"]["state"] == "current"
        await superuser.execute("SET session_replication_role = replica")
        await superuser.execute(f"UPDATE log_leaf SET appended_at = appended_at - interval '{LATE}'")
    await superuser.execute(f"UPDATE log_queue SET queued_at = queued_at - interval '{LATE}'")
    found = await health(sealed_api)
    assert (found["status"], found["log"]["state"], found["log"]["code"]) == ("degraded", "behind", None)
    assert found["log"]["oldest_unsealed_seconds"] >= 31
    params = await release_refused(sealed_api, draft)
    assert params["state"] == "behind"
    assert params["seconds"] >= 31
    answer = await sealed_api.get("auditor", f"/v1/books/{CITY}/entries")
    assert answer.status_code == 200
    await seal(db, tmp_path)
    await sealed_api.app.state.services.watch.look()
    assert (await health(sealed_api))["status"] == "ok"
    assert "receipt" in await approve(sealed_api, draft, "k-1")


async def test_what_waits_from_before_the_start_has_its_time(
    db: Database, world: World, tmp_path: Path, superuser: Connection
) -> None:
    draft = await release_draft(world)
    await superuser.execute(f"UPDATE log_queue SET queued_at = queued_at - interval '{LATE}'")
    async with running_api(db, world, tmp_path, sealed=True) as api:
        await api.app.state.services.watch.look()
        assert (await health(api))["status"] == "degraded"
        assert "receipt" in await approve(api, draft, "k-1")


async def test_a_broken_history_stops_postings_and_a_mended_one_lets_them_go_on(
    sealed_api: Api, world: World, db: Database, tmp_path: Path, superuser: Connection
) -> None:
    """The sequencer's own refusal, as a process: nothing has to grow old first."""
    draft = await release_draft(world)
    await seal(db, tmp_path)
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute("CREATE TABLE kept AS SELECT * FROM log_leaf ORDER BY position DESC LIMIT 1")
    await superuser.execute("DELETE FROM log_leaf WHERE position = (SELECT position FROM kept)")
    assert (await health(sealed_api))["status"] == "ok"
    assert sequencing(db, tmp_path).wait(60) == 3
    assert (tmp_path / REFUSED_FILE).read_text(encoding="utf-8") == "log-history-broken\n"
    found = await health(sealed_api)
    assert (found["status"], found["log"]["state"], found["log"]["code"]) == (
        "degraded", "refused", "log-history-broken",
    )  # fmt: skip
    assert (await release_refused(sealed_api, draft))["state"] == "refused"
    path = f"/v1/books/{DISTRICT}/payment-lists/{draft['instruction_id']}/pay"
    assert (await refused(sealed_api, path, "district-payer"))["state"] == "refused"
    assert sequencing(db, tmp_path).wait(60) == 3  # started again by `serve`: still no

    await superuser.execute("INSERT INTO log_leaf SELECT * FROM kept")
    await superuser.execute("DROP TABLE kept")
    process = sequencing(db, tmp_path)
    try:
        await until_not_refused(sealed_api)
    finally:
        process.terminate()
        process.wait(30)
    assert (await health(sealed_api))["status"] == "ok"
    assert "receipt" in await approve(sealed_api, draft, "k-1")


async def until_not_refused(api: Api) -> None:
    for _ in range(600):
        if (await health(api))["log"]["state"] != "refused":
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the refusal stays")


def test_an_unreadable_refusal_is_a_refusal(tmp_path: Path) -> None:
    (tmp_path / REFUSED_FILE).mkdir()
    assert watch.refused(tmp_path / "log-keys.json") == "log-history-broken"


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (LogState(), "current"),
        (LogState(30), "current"),
        (LogState(31), "behind"),
        (LogState(None, "log-keys-unusable"), "refused"),
        (LogState(99, "log-history-broken"), "refused"),
    ],
)
def test_states(found: LogState, state: str) -> None:
    assert found.state == state


async def test_looking_goes_on_while_every_connection_is_in_use(sealed_api: Api) -> None:
    """Nobody would start it again: what it saw last would stand for ever."""
    watched, database = sealed_api.app.state.services.watch, sealed_api.app.state.services.database
    pool = database.engine.sync_engine.pool
    pool._timeout = 0  # of this service's own pool
    async with AsyncExitStack() as stack:
        for _ in range(pool.size() - pool.checkedout()):
            await stack.enter_async_context(database.driver())
        await watched.look()
    assert not watched._task.done()
