"""Backups of a real server: whole, private, beside a posting service; what is not whole is refused."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fundledger.db import basebackup
from fundledger.db.urls import with_database
from fundledger.sealing.checkpoint import peek
from tests.backup.restorable import Book, Run, contents, restored, value_of
from tests.databases import connected
from tests.tidy.sources import ROOT

OLD_TOOLS = Path("/usr/lib/postgresql/15/bin")


def modes(folder: Path) -> set[int]:
    """The modes of everything in a folder."""
    return {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


def test_a_restored_book_is_the_same_to_the_byte(book: Book, run: Run, copy: Path, new: Path) -> None:
    before = asyncio.run(contents(book.place.need_owner()))
    code, said = run("restore", copy, "--data-dir", new)
    assert code == 0, said
    assert "proven to there" in said
    after = restored(new, lambda place, _: contents(place.need_owner()))
    assert after == before
    assert sum(map(len, before.values())) > 500
    for name in ("log-keys.json", "keys.json"):
        kept = book.data / name
        assert not kept.exists() or (new / name).read_bytes() == kept.read_bytes()


def test_backup_goes_on_beside_posting(book: Book, run: Run, tmp_path: Path, new: Path) -> None:
    done = threading.Event()
    posted: list[int] = []

    def post() -> None:
        while not done.is_set():
            book.grow(7)
            posted.append(7)

    poster = threading.Thread(target=post)
    poster.start()
    try:
        code, said = run("backup", "--out", tmp_path / "live")
    finally:
        done.set()
        poster.join()
    assert code == 0, said
    assert posted
    shutil.copy(book.data / "log-keys.json", tmp_path)
    code, said = run("restore", tmp_path / "live", "--data-dir", new)
    assert code == 0, said
    stated = json.loads((tmp_path / "live" / "backup.json").read_text())
    assert restored(new, lambda place, _: size_of(place.need_reader())) >= stated["log_size"] > 0
    assert peek(stated["checkpoint"]).size == stated["log_size"]


async def size_of(url: str) -> int:
    return int(await value_of(url, "SELECT count(*) FROM log_leaf"))


def test_keys_are_kept_apart_unless_asked_for_and_all_is_private(
    book: Book, run: Run, copy: Path, tmp_path: Path
) -> None:
    code, said = run("backup", "--out", tmp_path / "apart")
    assert code == 0
    assert "NOT in this backup" in said
    assert "log-keys.json" in said
    assert sorted(path.name for path in (tmp_path / "apart").iterdir()) == ["backup.json", "base"]
    seeds = [key["private"] for key in json.loads((book.data / "log-keys.json").read_text())["keys"]]
    assert not any(seed in (tmp_path / "apart" / "backup.json").read_text() for seed in seeds)
    assert (copy / "keys" / "log-keys.json").read_bytes() == (book.data / "log-keys.json").read_bytes()
    assert modes(copy) | modes(tmp_path / "apart") == {0o600, 0o700}


def test_no_folder_is_written_over(run: Run, copy: Path, tmp_path: Path, book: Book) -> None:
    code, said = run("backup", "--out", copy)
    assert (code, "backup-folder-in-use" in said) == (3, True)
    code, said = run("restore", copy, "--data-dir", book.data)
    assert (code, "restore-over-database" in said) == (3, True)


def test_a_backup_that_was_killed_is_recognised(book: Book, run: Run, tmp_path: Path, new: Path) -> None:
    folder = tmp_path / "killed"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "FUNDLEDGER_DATA_DIR": str(book.data)}
    command = [sys.executable, "-m", "fundledger", "backup", "--out", str(folder)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not (folder / "base").exists():
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / "backup.json").exists()
    code, said = run("restore", folder, "--data-dir", new)
    assert (code, "backup-incomplete" in said) == (3, True)
    assert run("backup", "--out", folder)[0] == 3
    assert not new.exists()


def flip(path: Path, at: int = 100) -> None:
    """Change one bit."""
    raw = bytearray(path.read_bytes())
    raw[at % len(raw)] ^= 1
    path.write_bytes(raw)


def restate(folder: Path, **changes: object) -> None:
    """Change what a backup says of itself."""
    stated = json.loads((folder / "backup.json").read_text())
    (folder / "backup.json").write_text(json.dumps({**stated, **changes}))


def first_wal(folder: Path) -> Path:
    """The first segment of the copy's WAL."""
    return min(path for path in (folder / "base" / "pg_wal").iterdir() if len(path.name) == 24)


def flip_wal(folder: Path) -> None:
    """Change a bit of the first record that the copy needs."""
    part = json.loads((folder / "base" / "backup_manifest").read_text())["WAL-Ranges"][0]
    high, low = (int(half, 16) for half in part["Start-LSN"].split("/"))
    segment, offset = divmod(low, 16 * 2**20)
    flip(folder / "base" / "pg_wal" / f"{part['Timeline']:08X}{high:08X}{segment:08X}", offset + 27)


DAMAGE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a bit of a table": ("backup-damaged", lambda f: flip(f / "base" / "global" / "1262")),
    "a bit of pg_control": ("backup-damaged", lambda f: flip(f / "base" / "global" / "pg_control")),
    "a file is gone": ("backup-damaged", lambda f: (f / "base" / "global" / "1260").unlink()),
    "a file is shorter": ("backup-damaged", lambda f: os.truncate(f / "base" / "global" / "1260", 10)),
    "a file more": ("backup-damaged", lambda f: (f / "base" / "recovery.signal").touch()),
    "a link": ("backup-damaged", lambda f: (f / "base" / "base" / "x").symlink_to("/etc")),
    "the label is gone": ("backup-damaged", lambda f: (f / "base" / "backup_label").unlink()),
    "no WAL": ("backup-damaged", lambda f: first_wal(f).unlink()),
    "a bit of the WAL": ("backup-damaged", flip_wal),
    "a bit of the manifest": ("backup-damaged", lambda f: flip(f / "base" / "backup_manifest", 500)),
    "no manifest": ("backup-damaged", lambda f: (f / "base" / "backup_manifest").unlink()),
    "another manifest": ("backup-damaged", lambda f: restate(f, manifest_sha256="00" * 32)),
    "a key is gone": ("backup-damaged", lambda f: (f / "keys" / "log-keys.json").unlink()),
    "a key outside": ("backup-damaged", lambda f: restate(f, keys=["../../x"])),
    "a statement of nothing": ("backup-damaged", lambda f: (f / "backup.json").write_text("{")),
    "a list for a statement": ("backup-damaged", lambda f: (f / "backup.json").write_text("[]")),
    "half a statement": (
        "backup-damaged", lambda f: (f / "backup.json").write_text('{"format":"fundledger-backup-v1"}')),
    "another format": ("backup-unknown-format", lambda f: restate(f, format="fundledger-backup-v9")),
    "another major version": ("backup-other-tools", lambda f: restate(f, major=14)),
    "a later schema": ("backup-newer-schema", lambda f: restate(f, revision="20991231_9999")),
    "a checkpoint nobody signed": (
        "checkpoint-unusable", lambda f: restate(f, checkpoint=f"test.example/backup\n1\n{'A' * 43}=\n\n— x eA==\n")),
    "no statement": ("backup-incomplete", lambda f: (f / "backup.json").unlink()),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_not_whole_is_refused_and_nothing_is_written(
    damage: str, run: Run, copy: Path, new: Path, tmp_path: Path
) -> None:
    code_wanted, act = DAMAGE[damage]
    folder = tmp_path / "damaged"
    shutil.copytree(copy, folder, symlinks=True)
    act(folder)
    code, said = run("restore", folder, "--data-dir", new)
    assert (code, f"[{code_wanted}]" in said) == (3, True), said
    assert not new.exists()


@pytest.mark.skipif(not (OLD_TOOLS / "pg_basebackup").exists(), reason="no PostgreSQL 15 on this machine")
@pytest.mark.skipif(os.environ.get("FUNDLEDGER_PG_BIN") == str(OLD_TOOLS), reason="the server itself is PostgreSQL 15")
def test_tools_of_another_version_are_refused(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FUNDLEDGER_PG_BIN", str(OLD_TOOLS))
    code, said = run("backup", "--out", tmp_path / "x")
    assert (code, "backup-other-tools" in said) == (3, True)
    assert not (tmp_path / "x").exists()


def test_a_named_server_needs_a_role_that_may_copy(
    book: Book, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place, folder = book.place, tmp_path / "named"
    for name, url in (("", place.need_service()), ("OWNER_", place.need_owner()), ("READER_", place.need_reader())):
        monkeypatch.setenv(f"FUNDLEDGER_{name}DATABASE_URL", url)
    assert run("backup", "--out", folder)[0] == 2
    monkeypatch.setenv("FUNDLEDGER_SUPERUSER_DATABASE_URL", place.need_owner())
    code, said = run("backup", "--out", folder)
    assert (code, "backup-needs-replication" in said) == (3, True)
    assert not folder.exists()
    monkeypatch.setenv("FUNDLEDGER_SUPERUSER_DATABASE_URL", book.server.superuser_url)
    assert run("backup", "--out", folder)[0] == 0


def test_the_database_that_was_named_is_the_one_that_is_restored(
    book: Book, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, new: Path
) -> None:
    asyncio.run(execute(book.server.superuser_url, 'CREATE DATABASE "账 2" OWNER fundledger_owner TEMPLATE fundledger'))
    other = with_database(book.place.need_reader(), "账 2")
    asyncio.run(execute(with_database(book.server.superuser_url, "账 2"), "CREATE TABLE this_one (n integer)"))
    asyncio.run(execute(book.server.superuser_url, 'GRANT CONNECT ON DATABASE "账 2" TO fundledger_reader'))
    monkeypatch.setenv("FUNDLEDGER_DATABASE_URL", other)
    monkeypatch.setenv("FUNDLEDGER_READER_DATABASE_URL", other)
    monkeypatch.setenv("FUNDLEDGER_SUPERUSER_DATABASE_URL", book.server.superuser_url)
    try:
        assert run("backup", "--out", tmp_path / "two")[0] == 0
    finally:
        asyncio.run(execute(book.server.superuser_url, 'DROP DATABASE "账 2" WITH (FORCE)'))
    code, said = run("restore", tmp_path / "two", "--data-dir", new)
    assert code == 0, said
    found = restored(new, lambda place, _: value_of(place.need_owner(), "SELECT to_regclass('this_one')::text"))
    assert found == "this_one"


async def execute(url: str, statement: str) -> None:
    async with connected(url) as connection:
        await connection.execute(statement)


def test_a_restore_that_was_killed_can_be_begun_again(book: Book, run: Run, copy: Path, new: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "fundledger", "restore", str(copy), "--data-dir", str(new)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not (list(new.glob("pgdata.making")) or list(new.glob("store/pgdata.making"))):
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (new / "log-head").exists(), "known before there was anything to serve"
    code, said = run("restore", copy, "--data-dir", new)
    assert code == 0, said


def test_the_configuration_of_a_copy_is_not_taken_over(copy: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(copy / "base", base)
    (base / "postgresql.conf").write_text("archive_mode = on\narchive_command = 'touch /tmp/owned'\n")
    (base / "postgresql.auto.conf").write_text("restore_command = 'touch /tmp/owned'\n")
    (base / "pg_hba.conf").write_text("host all all 0.0.0.0/0 trust\n")
    basebackup.lay_out(base, tmp_path / "cluster")
    live = "".join((tmp_path / "cluster" / name).read_text() for name in
                   ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf"))  # fmt: skip
    assert "command" not in live
    assert "trust" not in live
