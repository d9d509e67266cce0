"""A list of 100,000 lines in a service of its own process: taken with less than 400 MB, while others are answered.

Runs a real uvicorn, so that what is measured is the whole process (VmHWM), not this one.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from fundledger.registry.vault import Vault
from tests.builders import World
from tests.databases import Database
from tests.payments.people import LISTS, header_of, line_of, money, register
from tests.web import Api

LINES = 100_000
PEAK_MB = 400
SERVER = """
import sys, uvicorn
from pathlib import Path
from fundledger.api.app import create_app
from fundledger.settings import Settings
app = create_app(Settings(data_dir=Path(sys.argv[1]), pool_size=4), sys.argv[2])
uvicorn.run(app, port=int(sys.argv[3]), log_level="warning", access_log=False, loop="uvloop", http="httptools")
"""


class Service:
    """The service in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, client: httpx.AsyncClient, world: World) -> None:
        self._process = process
        self.api = Api(client, None, world)  # type: ignore[arg-type]

    def peak_mb(self) -> float:
        """The most memory the process ever had, in MB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


@pytest.fixture
async def running(db: Database, world: World, tmp_path: Path) -> AsyncIterator[Service]:
    """Start it, wait until it answers, end it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(tmp_path), db.service_url, str(port)
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
            await _answering(client)
            yield Service(process, client, world)
    finally:
        process.terminate()
        await process.wait()


async def _answering(client: httpx.AsyncClient) -> None:
    for _ in range(300):
        try:
            if (await client.get("/healthz")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.1)
    raise TimeoutError("the service does not answer")


async def body_of(world: World, folder: Path, size: int) -> bytes:
    """A list that pays `size` registered people."""
    project = await world.project(planned_amount=2 * size * 8_000)  # half of it from the factor fund
    allocation = await money(world, project, size * 8_000)
    people = await register(world, Vault.open(folder / "keys.json"), size)
    await world.owner.execute("SELECT refresh_statistics('{household,person,registry_status,roster_member}')")
    lines = [line_of(person) for person in people]
    return json.dumps({**header_of(world, project, allocation), "lines": lines}, ensure_ascii=False).encode()


async def test_a_list_of_a_hundred_thousand_lines_stays_small_and_other_calls_are_answered(
    running: Service, world: World, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    body = await body_of(world, tmp_path, LINES)
    before = running.peak_mb()
    waits: list[float] = []
    upload = asyncio.create_task(running.api.post("district-maker", LISTS, content=body, media="application/json"))
    while not upload.done():
        start = time.monotonic()
        assert (await running.api.get("auditor", LISTS)).status_code == 200
        waits.append(time.monotonic() - start)
        await asyncio.sleep(0.05)
    made = await upload
    assert made.status_code == 201, made.text[:2000]
    peak = running.peak_mb()
    for name, value in (("peak_mb", peak), ("idle_mb", before), ("longest_wait_s", max(waits))):
        record_property(name, round(value, 2))
    assert made.json()["line_count"] == LINES
    assert peak < PEAK_MB
    assert max(waits) < 2
