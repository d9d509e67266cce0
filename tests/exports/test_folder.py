"""The command line's folders: begun, killed, gone on with, checked, damaged, and never left by a name."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from fundledger.errors import FundledgerError
from fundledger.exports.folder import check, safe_name
from tests.builders import World
from tests.databases import Database
from tests.exports.taking import scope_of, taken
from tests.exports.test_rows import small_year

SLOW = """
import os, sys, time
from fundledger.exports import delimited, local
delimited.ROWS_MAX = 4
write = local.write_part
async def slow(connection, form, scope, part, folder, progress):
    if part.number == 3:
        (folder / f".{part.name}.partial").write_bytes(b"half a l")
        print("reached", flush=True)
        time.sleep(60)
    return await write(connection, form, scope, part, folder, progress)
if os.environ["SLOW"] == "1":
    local.write_part = slow
from fundledger.cli.commands import main
main()
"""


async def command(db: Database, world: World, *arguments: str, slow: str = "0") -> asyncio.subprocess.Process:
    """`fundledger export …` as the auditor in a process of its own; parts have four rows."""
    environment = {
        **os.environ, "FUNDLEDGER_DATABASE_URL": db.service_url, "FUNDLEDGER_TOKEN": world.tokens["auditor"], "SLOW": slow,
    }  # fmt: skip
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", SLOW, "export", *arguments, env=environment, stdout=-1, stderr=-1
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str]:
    """Exit code, and everything it said."""
    out, err = await process.communicate()
    return process.returncode or 0, out.decode() + err.decode()


async def test_a_killed_export_goes_on_and_comes_out_the_same(
    db: Database, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await small_year(world)
    folder = tmp_path / "out"
    process = await command(db, world, "trail", "--out", str(folder), slow="1")
    assert process.stdout is not None
    assert await process.stdout.readline() == b"reached\n"
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert sorted(path.name for path in folder.iterdir()) == [
        ".transfers-0003.csv.partial", "transfers-0001.csv", "transfers-0002.csv", "unfinished.json",
    ]  # fmt: skip
    untouched = (folder / "transfers-0001.csv").stat().st_mtime_ns
    code, said = await ended(await command(db, world, "check", str(folder)))
    assert (code, "export-manifest-unreadable" in said) == (2, True)
    code, said = await ended(await command(db, world, "trail", "--out", str(folder), "--layout", "payment_voucher"))
    assert (code, "export-folder-other" in said) == (3, True)
    await world.adopt(5)  # known later: not in it
    assert (await ended(await command(db, world, "trail", "--out", str(folder))))[0] == 0
    monkeypatch.setattr("fundledger.exports.delimited.ROWS_MAX", 4)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    expected = await taken(world.service, "csv", await scope_of(world.service, position=manifest["as_of"]))
    assert [folder.joinpath(part.name).read_bytes() for part, _ in expected] == [data for _, data in expected]
    assert (folder / "transfers-0001.csv").stat().st_mtime_ns == untouched
    assert (await ended(await command(db, world, "check", str(folder))))[0] == 0
    assert (await ended(await command(db, world, "trail", "--out", str(folder))))[0] == 0  # finished: nothing to do
    assert await world.owner.fetchval("SELECT count(*) FROM export_record WHERE way = 'command'") == 1


async def test_a_damaged_missing_or_foreign_part_is_named(db: Database, world: World, tmp_path: Path) -> None:
    await small_year(world)
    folder = tmp_path / "out"
    assert (await ended(await command(db, world, "trail", "--out", str(folder), "--format", "parquet")))[0] == 0
    part = folder / "transfers-0001.parquet"
    whole = part.read_bytes()
    for damaged, said in ((whole[:-1], "bytes instead of"), (whole[:-1] + bytes([whole[-1] ^ 1]), "SHA-256")):
        part.write_bytes(damaged)
        code, text = await ended(await command(db, world, "check", str(folder)))
        assert (code, said in text, part.name in text) == (1, True, True)
    part.unlink()
    assert "missing" in (check(folder).fault or "")
    part.symlink_to("/etc/passwd")
    assert "missing" in (check(folder).fault or "")
    part.unlink()
    part.write_bytes(whole)
    assert check(folder).fault is None
    (folder / "more.csv").write_bytes(b"")
    assert "more.csv" in (check(folder).fault or "")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/b", "..", ".", ".hidden", "", "a\\b", "a\n", "a" * 101, None, 7]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: Any) -> None:
    with pytest.raises(FundledgerError, match="export-name-unsafe"):
        safe_name(name)
    part = {"number": 1, "name": name, "rows": 1, "bytes": 1, "sha256": "00" * 32}
    (tmp_path / "manifest.json").write_text(json.dumps({"version": "fundledger-export-v1", "parts": [part]}))
    with pytest.raises(FundledgerError, match="export-name-unsafe"):
        check(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"version": "v9", "parts": []}', '{"version": "fundledger-export-v1"}', "[" * 100_000,
             '{"version": "fundledger-export-v1", "parts": [{"name": "a"}]}'],
)  # fmt: skip
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(FundledgerError, match="export-manifest-unreadable"):
        check(tmp_path)
