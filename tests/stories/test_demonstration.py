"""The demonstration year, loaded as `serve` loads it: what its README promises is there, and the README's calls work."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fundledger.cli.serve import listen
from fundledger.demo.load import load
from fundledger.demo.villages import POOR_VILLAGES, draw
from fundledger.registry.divisions import read_divisions
from fundledger.settings import Settings
from tests import databases
from tests.databases import Database, TestServer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
async def year(
    server: TestServer, template_db: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Database, dict[str, str], Path]]:
    """The loaded year: its database, the tokens, and the data folder with the keys."""
    folder = tmp_path_factory.mktemp("demo")
    async with databases.cloned(server, template_db) as database:
        settings = Settings(data_dir=folder)
        tokens = await load(database.owner_url, database.service_url, settings, lambda step, done, total: None)
        yield database, tokens, folder


@pytest.fixture(scope="module")
def address(year: tuple[Database, dict[str, str], Path]) -> Iterator[str]:
    """The real service over the loaded year."""
    database, _, folder = year
    with serving(database, folder) as url:
        yield url


@contextmanager
def serving(database: Database, folder: Path) -> Iterator[str]:
    with listen("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    environment = {**os.environ, "FUNDLEDGER_DATABASE_URL": database.service_url, "FUNDLEDGER_PORT": str(port),
                   "FUNDLEDGER_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT / "src")}  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "fundledger", "serve"], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if b"fundledger: http" in line:
                break
        wait_until_healthy(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def wait_until_healthy(url: str) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):
                return
        except OSError:
            asyncio.run(asyncio.sleep(0.1))
    raise AssertionError("the service did not come up")


def ask(address: str, token: str, path: str) -> Any:
    request = urllib.request.Request(address + path, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_the_lists_are_drawn_with_a_fixed_seed() -> None:
    rows = read_divisions((ROOT / "src/fundledger/demo/data/wuhan_divisions.csv").read_bytes())
    lists, again = draw(rows), draw(rows)
    assert lists == again
    assert sum(map(len, lists.poor.values())) == POOR_VILLAGES
    assert sum(map(len, lists.area.values())) == 552


PLANTED = (
    ("REF-01", "420117", 2), ("REF-01", "420100", 1), ("FCL-12", "420117", 2), ("FCL-10", "420112", 1),
    ("FCL-10", "420117", 1), ("UND-08", "420117", 1), ("STD-01", "420117", 1), ("IDL-11", "420117", 1),
)  # fmt: skip


@pytest.mark.parametrize(("rule", "book", "count"), PLANTED)
def test_an_inspector_finds_the_planted_cases(
    address: str, year: tuple[Database, dict[str, str], Path], rule: str, book: str, count: int
) -> None:
    rows = ask(address, year[1]["inspector"], f"/v1/anomalies/summary?rule={rule}")["rows"]
    assert {row["book"]: row["count"] for row in rows}.get(book) == count


def test_the_trail_of_a_household_ends_at_the_budget_to_the_fen(
    address: str, year: tuple[Database, dict[str, str], Path]
) -> None:
    trail = ask(address, year[1]["auditor"], "/v1/books/420117/trail/up?household_no=WH4201170002")
    cents = [int(origin["amount"].replace(".", "")) for origin in trail["origins"]]
    assert sum(cents) == int(trail["asked"].replace(".", "")) == 2_514_000
    assert {origin["fund_code"] for origin in trail["origins"]} == {
        "district_increment",
        "recovered_stock",
        "special_factor",
    }


def commands_of(year: tuple[Database, dict[str, str], Path], checkout: Path) -> dict[str, str]:
    """What a checkout has: `scripts/fundledger`, and the database that `serve` runs on."""
    command = checkout / "scripts" / "fundledger"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fundledger "$@"\n')
    command.chmod(0o755)
    database, _, folder = year
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), "FUNDLEDGER_DATA_DIR": str(folder),
            "FUNDLEDGER_DATABASE_URL": database.service_url, "FUNDLEDGER_READER_DATABASE_URL": database.reader_url}  # fmt: skip


SHOWN_REFUSALS = {"docs/district-year.md": {"project-not-approved", "card-scientific"}}
"""What a page shows of refusals, one answer each; every other call succeeds."""


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "docs/district-year.md", "docs/audit.md"])
def test_the_calls_of_a_page_work_as_written(
    address: str, year: tuple[Database, dict[str, str], Path], tmp_path: Path, page: str
) -> None:
    data = tmp_path / ".fundledger-data"
    data.mkdir()
    (data / "demo-tokens.json").write_text(json.dumps(year[1]))
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    calls = [
        block for block in blocks if any(word in block for word in ("curl", "as ", "post ", "scripts/fundledger "))
    ]
    assert calls, "the page shows calls"
    script = "\n".join(calls).replace("http://127.0.0.1:8000", address).replace("curl -s ", "curl -s --fail-with-body ")
    done = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False,
        env=commands_of(year, tmp_path),
    )  # fmt: skip
    told = "" if page == "docs/audit.md" else done.stderr  # there commands say how far they are
    assert (done.returncode, told) == (0, ""), done.stdout[-2000:] + done.stderr[-2000:]
    assert "rror" not in done.stderr
    refusals = SHOWN_REFUSALS.get(page, set())
    assert done.stdout.count("urn:uuid") == len(refusals)
    for code in refusals:
        assert f'"code": "{code}"' in done.stdout
    if page in ("README.md", "docs/district-year.md"):
        assert '"entry_id"' in done.stdout


async def test_the_books_are_sound_after_all_the_pages(year: tuple[Database, dict[str, str], Path]) -> None:
    from tests.soundness import assert_book_sound

    async with databases.connected(year[0].superuser_url) as connection:
        await assert_book_sound(connection)
