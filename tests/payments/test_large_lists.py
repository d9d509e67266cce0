"""A list of 100,000 lines in a service of its own process: taken, approved, paid, and never above 400 MB of memory.

Runs a real uvicorn, so that what is measured is the whole process (VmHWM), not this one.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fundledger.registry.vault import Vault
from tests.builders import DISTRICT, World
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

    def __init__(self, process: subprocess.Popen[bytes], client: httpx.AsyncClient, world: World) -> None:
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
    command = [sys.executable, "-c", SERVER, str(tmp_path), db.service_url, str(port)]
    process = subprocess.Popen(command)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
            await _answering(client)
            yield Service(process, client, world)
    finally:
        process.terminate()
        process.wait(timeout=30)


async def _answering(client: httpx.AsyncClient) -> None:
    import asyncio

    for _ in range(300):
        try:
            if (await client.get("/healthz")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.1)
    raise TimeoutError("the service does not answer")


async def body_of(world: World, folder: Path, size: int) -> bytes:
    """A list that pays `size` registered people."""
    project = await world.project()
    allocation = await money(world, project, size * 8_000)
    people = await register(world, Vault.open(folder / "keys.json"), size)
    await world.owner.execute("SELECT refresh_statistics('{household,person,registry_status,roster_member}')")
    lines = [line_of(person) for person in people]
    return json.dumps({**header_of(world, project, allocation), "lines": lines}, ensure_ascii=False).encode()


async def test_a_list_of_a_hundred_thousand_lines_stays_small_and_other_calls_are_answered(
    running: Service, world: World, tmp_path: Path
) -> None:
    import asyncio

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
    print(f"lines {LINES}, body {len(body) / 1e6:.1f} MB, peak {peak:.0f} MB (idle {before:.0f}), longest wait {max(waits):.2f} s")
    assert made.json()["line_count"] == LINES
    assert peak < PEAK_MB
    assert max(waits) < 2
