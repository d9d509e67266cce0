"""Jobs after a SIGKILL of the service, beside another process, with a damaged part; and how far they say they are."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from fundledger.exports import records
from fundledger.exports.folder import check, read_manifest
from fundledger.ids import new_id
from tests.builders import World
from tests.databases import Database
from tests.exports.taking import scope_of, taken
from tests.exports.test_folder import command, ended
from tests.exports.test_http import finished
from tests.exports.test_rows import small_year
from tests.serving import Service, wait_for
from tests.web import running_api

SERVE = """
import sys, time
from fundledger.exports import delimited, folder
delimited.ROWS_MAX = 4
write = folder.Hashed.write
begun = 0
def stuck(self, data):
    global begun
    begun += self.size == 0
    if begun == 2 and self.size:
        write(self, data[: len(data) // 2])
        self._file.flush()
        print("reached", flush=True)
        time.sleep(600)
    return write(self, data)
if sys.argv[1] == "stuck":
    folder.Hashed.write = stuck
del sys.argv[1]
from fundledger.cli.commands import main
main()
"""
HOLD = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID
from fundledger.exports.jobs import _held
with _held(Path(sys.argv[1]), SimpleNamespace(export_id=UUID(sys.argv[2]))) as ours:
    print(ours, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def real(db: Database, tmp_path: Path) -> Iterator[Service]:
    """A service over the test's database, with parts of four rows; gone afterwards."""
    made = Service(tmp_path / "data", FUNDLEDGER_DATABASE_URL=db.service_url)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGKILL)


async def test_a_service_killed_in_the_middle_of_a_job_finishes_it_when_it_is_started_again(
    real: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_here(_: Any) -> int:
        return 0

    monkeypatch.setattr("tests.exports.test_rows.sealed", not_here)  # the service's own sequencer does it
    await small_year(world)
    token = world.tokens["auditor"]
    await asyncio.to_thread(real.start, "-c", SERVE, "stuck")
    for _ in range(1_000):
        if not await world.owner.fetchval("SELECT EXISTS (SELECT FROM log_queue)"):
            break
        await asyncio.sleep(0.05)
    job = (await asyncio.to_thread(real.post, "/v1/exports", token, {"format": "csv"}))["export_id"]
    await asyncio.to_thread(wait_for, "the second part", 60, lambda: "reached" in real.output.read_text())
    state = await asyncio.to_thread(real.get, f"/v1/exports/{job}", token)
    assert (state["state"], state["parts_done"], state["rows_done"]) == ("running", 1, 4)
    assert cast(int, state["part_bytes"]) > 0

    await asyncio.to_thread(real.end, signal.SIGKILL)
    folder = real.data / "exports" / str(job)
    assert sorted(path.name for path in folder.iterdir()) == [".transfers-0002.csv.partial", "transfers-0001.csv"]
    await world.adopt(5)  # known later: not in it
    await asyncio.to_thread(real.start, "-c", SERVE, "free")
    await asyncio.to_thread(
        wait_for, "the end", 60, lambda: real.get(f"/v1/exports/{job}", token)["state"] in ("done", "failed")
    )
    state = await asyncio.to_thread(real.get, f"/v1/exports/{job}", token)
    assert state["state"] == "done", state
    assert check(folder).fault is None
    assert not list(folder.glob(".*"))
    monkeypatch.setattr("fundledger.exports.delimited.ROWS_MAX", 4)
    undisturbed = await taken(world.service, "csv", await scope_of(world.service, position=state["as_of"]))
    assert [folder.joinpath(part.name).read_bytes() for part, _ in undisturbed] == [data for _, data in undisturbed]
    assert await asyncio.to_thread(real.end, signal.SIGTERM) == 0


def holding(place: Path, export_id: UUID) -> subprocess.Popen[str]:
    """Another process that has the job, or was told that it can't."""
    command = [sys.executable, "-c", HOLD, str(place), str(export_id)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> str:
    """Whether it has the job."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def killed(process: subprocess.Popen[str]) -> None:
    """SIGKILL, and wait."""
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_a_job_is_one_process_s_and_a_killed_one_s_no_longer(tmp_path: Path) -> None:
    job = new_id()
    others = [holding(tmp_path, job) for _ in range(6)]
    try:
        answers = {process: told(process) for process in others}
        (first,) = [process for process in others if answers[process] == "True"]
        assert sorted(answers.values()) == ["False"] * 5 + ["True"]
        killed(first)
        after = [holding(tmp_path, job) for _ in range(2)]
        others += after
        assert sorted(map(told, after)) == ["False", "True"]
        assert [path.name for path in tmp_path.iterdir()] == [f".lock-{job.bytes[-1]:02x}"]
    finally:
        for process in others:
            killed(process)


async def test_a_job_that_another_process_has_is_left_to_it_until_it_dies(
    db: Database, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await small_year(world)
    monkeypatch.setattr("fundledger.exports.jobs.RETRY_SECONDS", 0.02)
    tried = asyncio.Event()
    monkeypatch.setattr("fundledger.exports.jobs._locked", spied(tried))
    ours = new_id()
    monkeypatch.setattr("fundledger.api.exports.new_id", lambda: ours)
    (tmp_path / "exports").mkdir()
    other = await asyncio.to_thread(holding, tmp_path / "exports", ours)
    try:
        assert await asyncio.to_thread(told, other) == "True"
        async with running_api(db, world, tmp_path) as api:
            made = await api.post("auditor", "/v1/exports", {"format": "csv"})
            await asyncio.wait_for(tried.wait(), 30)
            assert await records.open_jobs(world.service) != []
            assert not (tmp_path / "exports" / str(ours)).exists()
            killed(other)
            assert (await finished(api, "auditor", made))["state"] == "done"
    finally:
        killed(other)


def spied(tried: asyncio.Event) -> Any:
    """The lock's own function, telling of the third time that it was refused."""
    from fundledger.exports.jobs import _locked

    refused = 0

    def locked(descriptor: int) -> bool:
        nonlocal refused
        found = _locked(descriptor)
        refused += not found
        if refused == 3:
            tried.set()
        return found

    return locked


async def test_a_job_that_was_ended_by_whoever_had_it_is_not_done_again(
    db: Database, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await small_year(world)
    seen, look = asyncio.Event(), records.open_jobs

    async def ended_meanwhile(connection: Any) -> Any:
        found = await look(connection)
        for job in found:
            await records.end(connection, job, "failed", "export-disk-full")
            seen.set()
        return found

    monkeypatch.setattr("fundledger.exports.records.open_jobs", ended_meanwhile)
    async with running_api(db, world, tmp_path) as api:
        made = await api.post("auditor", "/v1/exports", {"format": "csv"})
        await asyncio.wait_for(seen.wait(), 30)
        state = await finished(api, "auditor", made)
        assert (state["state"], state["reason"]) == ("failed", "export-disk-full")
    assert [row["outcome"] for row in await world.owner.fetch("SELECT outcome FROM export_outcome")] == ["failed"]
    assert not (tmp_path / "exports" / str(made.json()["export_id"])).exists()


async def test_a_finished_part_that_was_changed_is_written_again(
    db: Database, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await small_year(world)
    monkeypatch.setattr("fundledger.exports.delimited.ROWS_MAX", 4)
    reached, write = asyncio.Event(), records.keep_part

    async def stuck(*arguments: Any) -> None:
        if arguments[2].number == 3:
            reached.set()
            await asyncio.sleep(3_600)
        await write(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr("fundledger.exports.records.keep_part", stuck)
        async with running_api(db, world, tmp_path) as api:
            made = await api.post("auditor", "/v1/exports", {"format": "csv"})
            await asyncio.wait_for(reached.wait(), 30)
            state = (await api.get("auditor", f"/v1/exports/{made.json()['export_id']}")).json()
    folder = tmp_path / "exports" / state["export_id"]
    third = (folder / "transfers-0003.csv").read_bytes()
    # Written but not kept: it counts as the part that is being written, all of its rows.
    assert (state["parts_done"], state["rows_done"], state["part_bytes"]) == (2, 8, len(third))
    assert state["part_rows"] == third.count(b"\n") - 1 == state["rows_about"] - 8
    whole = (folder / "transfers-0002.csv").read_bytes()
    (folder / "transfers-0002.csv").write_bytes(whole[:-2] + b"?\n")  # as long as it was
    before = (folder / "transfers-0001.csv").stat().st_mtime_ns
    async with running_api(db, world, tmp_path) as api:
        state = await finished(api, "auditor", made)
    assert (state["state"], state["part_rows"], state["part_bytes"]) == ("done", 0, 0)
    assert (folder / "transfers-0002.csv").read_bytes() == whole
    assert (folder / "transfers-0001.csv").stat().st_mtime_ns == before
    assert check(folder).fault is None


async def test_the_command_writes_a_changed_part_again_and_says_if_it_comes_out_different(
    db: Database, world: World, tmp_path: Path
) -> None:
    await small_year(world)
    folder = tmp_path / "out"
    assert (await ended(await command(db, world, "trail", "--out", str(folder))))[0] == 0
    part, manifest = folder / "transfers-0002.csv", folder / "manifest.json"
    whole = part.read_bytes()
    part.write_bytes(whole[:-2] + b"?\n")
    assert (await ended(await command(db, world, "trail", "--out", str(folder))))[0] == 0
    assert (part.read_bytes(), check(folder).fault) == (whole, None)
    digest = next(one.sha256 for one in read_manifest(folder) if one.name == part.name)
    manifest.write_text(manifest.read_text().replace(digest, "00" * 32))
    code, said = await ended(await command(db, world, "trail", "--out", str(folder)))
    assert (code, "export-not-repeatable" in said) == (70, True)
