"""``fundledger bench posting``: starts a server of its own, measures, prints a table or JSON.

The PostgreSQL is embedded, in a temporary folder, with default durability; the service is the real `fundledger serve`
in a process of its own, so the HTTP figures include everything, the sequencer too. Nothing is left behind.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer
import uvloop
from rich.console import Console

from fundledger.bench import bundle, exports, http_lists, posting, sealing, sheets, trails
from fundledger.bench.posting import FIGURES
from fundledger.bench.report import as_table
from fundledger.bench.world import build
from fundledger.db import migrate
from fundledger.db.account import discard
from fundledger.db.embedded import EmbeddedServer
from fundledger.db.roles import DatabaseUrls, Passwords, prepare
from fundledger.registry.vault import Vault

START_SECONDS = 60
err = Console(stderr=True, highlight=False)
app = typer.Typer(add_completion=False, rich_markup_mode=None)


def run(arguments: Sequence[str]) -> int:
    """The command line after ``fundledger bench``; the exit code."""
    code = app(list(arguments), standalone_mode=False)
    return code if isinstance(code, int) else 0


@app.callback()
def _group() -> None:
    """测速 · measure on this machine."""


@app.command(name="posting")
def bench_posting(
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable")] = False,
    quick: Annotated[bool, typer.Option(help="small numbers, to see that it runs")] = False,
    only: Annotated[list[str] | None, typer.Option(help="batch, list, single, trail; default: all")] = None,
) -> None:
    """记账 · posting: raw COPY, the gate, lists and single posts over HTTP, a household's trail."""
    figures = measure(quick=quick, parts=only or ["batch", "list", "single", "trail"])
    text = (
        json.dumps({"machine": machine(), "what": FIGURES, "figures": figures}, indent=2, ensure_ascii=False)
        if as_json
        else as_table(figures)
    )
    sys.stdout.write(text + "\n")


@app.command(name="lists")
def bench_lists(
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable")] = False,
    lines: Annotated[int, typer.Option(help="households in the list", min=1, max=100_000)] = 30_000,
    rounds: Annotated[int, typer.Option(help="previews, uploads and payments", min=1, max=36)] = 3,
) -> None:
    """发放清单 · an .xlsx list: preview, upload, approve, pay, and the service's memory, against openpyxl."""
    figures = measure_lists(lines=lines, rounds=rounds)
    answer = {"machine": machine(), "what": sheets.FIGURES, "goal": sheets.GOAL, "figures": figures}
    text = json.dumps(answer, indent=2, ensure_ascii=False) if as_json else as_table(figures)
    sys.stdout.write(text + "\n")


@app.command(name="trail")
def bench_trail(
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable")] = False,
    transfers: Annotated[int, typer.Option(help="transfers in the book", min=100)] = 1_000_000,
    persons: Annotated[int, typer.Option(help="households that every list pays", min=50, max=200_000)] = 100_000,
    households: Annotated[int, typer.Option(help="trails to ask for", min=20)] = 200,
) -> None:
    """溯源 · a household's trail, plain and with proof, in a big sealed book (a million transfers: some minutes)."""
    figures = measure_trail(transfers=transfers, persons=persons, households=households)
    answer = {"machine": machine(), "what": trails.FIGURES, "goal_ms": trails.GOAL_MS, "figures": figures}
    sys.stdout.write((json.dumps(answer, indent=2, ensure_ascii=False) if as_json else as_table(figures)) + "\n")


def measure_trail(*, transfers: int, persons: int, households: int) -> dict[str, dict[str, object]]:
    """Build the book on a fresh server, seal and sign it, and measure."""

    async def run(urls: DatabaseUrls, place: Path, vault: Vault) -> dict[str, dict[str, object]]:
        owner, service = await asyncpg.connect(urls.owner_url), await asyncpg.connect(urls.service_url)
        err.print("building the book …")
        world = await build(owner, service, vault, persons=persons)
        await trails.pay_lists(world, transfers, err.print)
        await trails.seal(urls.service_url, place / "served" / "log-keys.json", err.print)
        await owner.execute("ANALYZE")
        with serving(urls, place) as (port, process):
            figures = await trails.measure_trails(world, port, process, households=households, say=err.print)
        await owner.close()
        await service.close()
        return figures

    return _on_fresh_server(run)


@app.command(name="sealing")
def bench_sealing(
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable")] = False,
    quick: Annotated[bool, typer.Option(help="small numbers, to see that it runs")] = False,
    lines: Annotated[int, typer.Option(help="lines of the long entry", min=1_000, max=100_000)] = 100_000,
    rounds: Annotated[int, typer.Option(help="rounds with and without sealing, each", min=1, max=50)] = 5,
) -> None:
    """密封 · sealing: seconds from commit to checkpoint, and postings a second with the sequencer running and held."""
    figures = measure_sealing(lines=2_000 if quick else lines, rounds=1 if quick else rounds, quick=quick)
    answer = {"machine": machine(), "what": sealing.FIGURES, "goal": sealing.GOAL, "figures": figures}
    sys.stdout.write((json.dumps(answer, indent=2, ensure_ascii=False) if as_json else as_table(figures)) + "\n")


def measure_sealing(*, lines: int, rounds: int, quick: bool) -> dict[str, dict[str, object]]:
    """Build a book on a fresh server, and measure with its service and sequencer."""

    async def run(urls: DatabaseUrls, place: Path, vault: Vault) -> dict[str, dict[str, object]]:
        owner, service = await asyncpg.connect(urls.owner_url), await asyncpg.connect(urls.service_url)
        err.print("building the book …")
        world = await build(owner, service, vault, persons=lines)
        with serving(urls, place) as (port, process):
            bench = posting.Bench(world, owner, "127.0.0.1", port, err.print, {})
            await sealing.drain(service)
            await sealing.cost(bench, process, count=300 if quick else 3_000, rounds=rounds)
            await sealing.delays(bench, quick=quick)
        await owner.close()
        await service.close()
        return bench.figures

    return _on_fresh_server(run)


@app.command(name="exports")
def bench_exports(
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable")] = False,
    transfers: Annotated[int, typer.Option(help="transfers in the book", min=1_000)] = 1_000_000,
    persons: Annotated[int, typer.Option(help="payees of each list", min=100, max=200_000)] = 100_000,
    only: Annotated[list[str] | None, typer.Option(help="formats; default: csv, ndjson, parquet, xlsx")] = None,
) -> None:
    """导出 · exports of a whole book as files, against COPY of the same query; peak memory (some minutes)."""
    figures = measure_exports(transfers=transfers, persons=persons, formats=only or list(exports.FORMATS))
    answer = {"machine": machine(), "what": exports.FIGURES, "goal": exports.GOAL, "figures": figures}
    sys.stdout.write((json.dumps(answer, indent=2, ensure_ascii=False) if as_json else as_table(figures)) + "\n")


def measure_exports(*, transfers: int, persons: int, formats: list[str]) -> dict[str, dict[str, object]]:
    """Build a book of so many transfers on a fresh server, and measure."""

    async def run(urls: DatabaseUrls, place: Path, vault: Vault) -> dict[str, dict[str, object]]:
        owner, service = await asyncpg.connect(urls.owner_url), await asyncpg.connect(urls.service_url)
        err.print("building the book …")
        world = await build(owner, service, vault, persons=persons)
        await trails.pay_lists(world, transfers, err.print)
        figures = await exports.measure(world, owner, urls.service_url, formats=formats, say=err.print)
        await owner.close()
        await service.close()
        return figures

    return _on_fresh_server(run)


@app.command(name="bundle")
def bench_bundle(
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable")] = False,
    leaves: Annotated[int, typer.Option(help="records in the log, about", min=100, max=1_000_000)] = 100_000,
    persons: Annotated[int, typer.Option(help="lines of the payment list", min=1, max=100_000)] = 10_000,
) -> None:
    """核验包 · a bundle of the whole log: written, and verified on one core."""
    figures = measure_bundle(leaves=leaves, persons=persons)
    answer = {"machine": machine(), "what": bundle.FIGURES, "goal": bundle.GOAL, "figures": figures}
    sys.stdout.write((json.dumps(answer, indent=2, ensure_ascii=False) if as_json else as_table(figures)) + "\n")


def measure_bundle(*, leaves: int, persons: int) -> dict[str, dict[str, object]]:
    """Build a book on a fresh server, fill its log, and measure."""

    async def run(urls: DatabaseUrls, place: Path, vault: Vault) -> dict[str, dict[str, object]]:
        owner, service = await asyncpg.connect(urls.owner_url), await asyncpg.connect(urls.service_url)
        err.print("building the book …")
        world = await build(owner, service, vault, persons=persons)
        figures = await bundle.measure(world, place, leaves=leaves, say=err.print)
        await owner.close()
        await service.close()
        return figures

    return _on_fresh_server(run)


def measure_lists(*, lines: int, rounds: int) -> dict[str, dict[str, object]]:
    """Build a book with so many households on a fresh server, and measure."""

    async def run(urls: DatabaseUrls, place: Path, vault: Vault) -> dict[str, dict[str, object]]:
        owner, service = await asyncpg.connect(urls.owner_url), await asyncpg.connect(urls.service_url)
        err.print("building the book …")
        world = await build(owner, service, vault, persons=lines)
        with serving(urls, place) as (port, process):
            figures = await sheets.measure_sheets(
                world, "127.0.0.1", port, process, lines=lines, rounds=rounds, say=err.print
            )
        await owner.close()
        await service.close()
        return figures

    return _on_fresh_server(run)


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {"python": platform.python_version(), "cores": os.cpu_count(), "system": platform.platform()}


def measure(*, quick: bool, parts: Sequence[str]) -> dict[str, dict[str, object]]:
    """Run the parts on a fresh server."""
    return _on_fresh_server(lambda urls, place, vault: _measure(urls, place, vault, quick=quick, parts=parts))


def _on_fresh_server(
    run: Callable[[DatabaseUrls, Path, Vault], Coroutine[Any, Any, dict[str, dict[str, object]]]],
) -> dict[str, dict[str, object]]:
    with tempfile.TemporaryDirectory(prefix="fundledger-bench-") as folder:
        place = Path(folder)
        try:
            with EmbeddedServer(place / "data") as server:
                urls = asyncio.run(prepare(server.superuser_url, Passwords.kept_in(place / "roles.json")))
                asyncio.run(migrate.upgrade(urls.owner_url))
                vault = Vault.open(place / "keys.json")
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    return runner.run(run(urls, place, vault))
        finally:
            discard(place / "data")  # as root the cluster stands elsewhere, some gigabytes of it


async def _measure(
    urls: DatabaseUrls, place: Path, vault: Vault, *, quick: bool, parts: Sequence[str]
) -> dict[str, dict[str, object]]:
    owner, service = await asyncpg.connect(urls.owner_url), await asyncpg.connect(urls.service_url)
    big = 2_000 if quick else 100_000
    small = 1_000 if quick else 10_000
    err.print("building the book …")
    world = await build(owner, service, vault, persons=big if "batch" in parts else small)
    with served(urls, place) as port:
        bench = posting.Bench(world, owner, "127.0.0.1", port, err.print, {})
        if "single" in parts:
            await _singles(bench, quick=quick)
        if "batch" in parts:
            await posting.batches(bench, small, 3, year=1900)
            await posting.batches(bench, big, 1, year=1950)
            await posting.budget_batch(bench, small)
        if "list" in parts:
            await http_lists.lists(bench, small)
        if "trail" in parts:
            await http_lists.trail(bench, 50 if quick else 200)
    await owner.close()
    await service.close()
    return bench.figures


async def _singles(bench: posting.Bench, *, quick: bool) -> None:
    scale = 10 if quick else 1
    for connections, count in ((1, 1_000), (16, 6_000), (64, 12_000)):
        await posting.releases(bench, count // scale, connections, hot=False)
    await posting.releases(bench, 10_000 // scale, 64, hot=True)
    for turn, (connections, count) in enumerate(((1, 500), (16, 3_000), (64, 6_000))):
        await posting.payments(bench, count // scale, connections, hot=False, turn=turn)
    await posting.payments(bench, 5_000 // scale, 64, hot=True, turn=9)


@contextmanager
def served(urls: DatabaseUrls, place: Path) -> Iterator[int]:
    """The real service in a process of its own, over the benchmark's database; yields its port."""
    with serving(urls, place) as (port, _):
        yield port


@contextmanager
def serving(urls: DatabaseUrls, place: Path) -> Iterator[tuple[int, int]]:
    """The same; yields its port and the id of its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {
        **os.environ, "FUNDLEDGER_DATABASE_URL": urls.service_url, "FUNDLEDGER_OWNER_DATABASE_URL": urls.owner_url,
        "FUNDLEDGER_PORT": str(port), "FUNDLEDGER_DATA_DIR": str(place / "served"), "FUNDLEDGER_DEMO": "false",
        "FUNDLEDGER_KEY_FILE": str(place / "keys.json"),
    }  # fmt: skip
    command = [sys.executable, "-m", "fundledger", "serve"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        _wait(port, process)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the service did not start")
