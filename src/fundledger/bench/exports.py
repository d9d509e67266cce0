"""``fundledger bench exports``: a book of a million transfers as files, against COPY of the same query to nowhere.

The book is lists paid through the gate. Each format is written by ``fundledger export trail`` in a process of its own,
start, planning, hashing and fsync included; its peak memory is that process's. Positions are given with made-up
hashes: sealing is measured elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fundledger.access.policy import CITY_BOOK
from fundledger.bench.sheets import peak_mb
from fundledger.bench.world import DISTRICT, World
from fundledger.db.connection import Connection
from fundledger.exports.scope import Scope, settle
from fundledger.exports.statements import long_entry, prepare, stretch
from fundledger.exports.stretches import cut, runs

FORMATS = ("csv", "ndjson", "parquet", "xlsx")
GOAL = {"of_copy": 0.4, "peak_mb": 300}
FIGURES = {
    "copy": "COPY (the query of the rows, values as they are) TO STDOUT, received and thrown away: the measure of all",
    "export": "fundledger export trail into a folder: planned, written, hashed, fsynced; a process of its own",
    "peak_mb": "peak resident memory of that process (VmHWM)",
}


async def measure(
    world: World, owner: Connection, service_url: str, *, formats: list[str], say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Every figure of one run over the book as it is."""
    await _positions(owner)
    scope = await settle(owner, [CITY_BOOK, DISTRICT])
    figures: dict[str, dict[str, Any]] = {}
    rows, seconds = await _copied(owner, scope)
    figures["copy"] = {"rows": rows, "seconds": round(seconds, 2), "rows_per_second": round(rows / seconds)}
    say(f"copy: {figures['copy']}")
    for name in formats:
        figures[f"export_{name}"] = found = await asyncio.to_thread(_exported, world, service_url, name)
        found |= {"rows_per_second": round(rows / found["seconds"]), "of_copy": round(seconds / found["seconds"], 3)}
        say(f"{name}: {found}")
    return figures


async def _positions(owner: Connection) -> None:
    """Give everything its position, with made-up hashes."""
    orders = [row["order_no"] for row in await owner.fetch("SELECT order_no FROM log_queue ORDER BY order_no")]
    for first in range(0, len(orders), 5_000):
        some = orders[first : first + 5_000]
        await owner.execute(
            "SELECT log_append((SELECT coalesce(max(position) + 1, 0) FROM log_leaf), $1, $2, $3, "
            "'{}', '{}', '{}', '{}')", some, [bytes(32)] * len(some), [None] * len(some),
        )  # fmt: skip
    await owner.execute("VACUUM ANALYZE")


async def _copied(connection: Connection, scope: Scope) -> tuple[int, float]:
    """Rows and seconds of COPY of the same statements, values unformatted."""

    async def nowhere(data: bytes) -> None:
        """Take it and forget it."""

    rows = 0
    pieces = [piece async for piece in cut(connection, scope, 10**9)]
    started = time.perf_counter()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await prepare(connection)
        for piece in pieces:
            for run in await runs(connection, scope, piece.key):
                query = (long_entry if run.is_long else stretch)("transfers", lambda column, sql: sql)
                status = await connection.copy_from_query(query, *run.values, output=nowhere)
                rows += int(status.rpartition(" ")[2])
    return rows, time.perf_counter() - started


def _exported(world: World, service_url: str, name: str) -> dict[str, Any]:
    """Seconds, peak memory and size of one export by the command line."""
    with tempfile.TemporaryDirectory(prefix="fundledger-bench-") as folder:
        place = Path(folder)
        environment = {
            **os.environ, "FUNDLEDGER_DATABASE_URL": service_url, "FUNDLEDGER_TOKEN": world.tokens["city-maker"],
            "FUNDLEDGER_DATA_DIR": str(place / "data"),
        }  # fmt: skip
        command = [sys.executable, "-m", "fundledger", "export", "trail", "--format", name, "--out", str(place / "out")]
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment)  # noqa: S603  (our own interpreter and module)
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_mb(process.pid) or 0)
            time.sleep(0.05)
        seconds = time.perf_counter() - started
        if process.returncode:
            raise RuntimeError(f"export {name} ended with {process.returncode}")
        size = sum(path.stat().st_size for path in (place / "out").iterdir())
        return {"seconds": round(seconds, 2), "peak_mb": peak, "file_mb": round(size / 1e6)}
