"""Backups that somebody made up: consistent with their own manifest, and still refused, or said to prove nothing."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fundledger.db.urls import with_database
from tests.backup.restorable import Book, Run
from tests.backup.test_backup import restate
from tests.databases import connected
from tests.tidy.sources import ROOT

Change = Callable[[dict[str, Any]], object]
DEEP = "[" * 100_000


def forge(folder: Path, change: Change) -> None:
    """Change PostgreSQL's manifest, with both sums over it."""
    path = folder / "base" / "backup_manifest"
    manifest = json.loads(path.read_text())
    del manifest["Manifest-Checksum"]
    change(manifest)
    text = json.dumps(manifest)[:-1] + ",\n"
    manifest_text = f'{text}"Manifest-Checksum": "{sha256(text.encode()).hexdigest()}"}}\n'
    replace_manifest(folder, manifest_text)


def replace_manifest(folder: Path, text: str) -> None:
    (folder / "base" / "backup_manifest").write_text(text)
    restate(folder, manifest_sha256=sha256(text.encode()).hexdigest())


def put(folder: Path, name: str, content: bytes = b"") -> None:
    """A file of the copy, new or another, as the manifest says."""
    path = folder / "base" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    row = {"Path": name, "Size": len(content), "Checksum-Algorithm": "SHA256", "Checksum": sha256(content).hexdigest()}

    def change(manifest: dict[str, Any]) -> None:
        manifest["Files"] = [one for one in manifest["Files"] if one.get("Path") != name] + [row]

    forge(folder, change)


def without_keys(folder: Path, **changes: object) -> None:
    shutil.rmtree(folder / "keys")
    restate(folder, keys=[], **changes)


FORGED: dict[str, Callable[[Path], object]] = {
    "a file without a name": lambda f: forge(f, lambda m: m["Files"][0].pop("Path")),
    "a file without a size": lambda f: forge(f, lambda m: m["Files"][0].pop("Size")),
    "a file without a sum": lambda f: forge(f, lambda m: m["Files"][0].pop("Checksum")),
    "a file that is none": lambda f: forge(f, lambda m: m["Files"].append("x")),
    "a name that is no hex": lambda f: forge(f, lambda m: m["Files"].append({"Encoded-Path": "zz", "Size": 0})),
    "a name that climbs": lambda f: forge(f, lambda m: m["Files"].append({"Path": "../../x", "Size": 0})),
    "a name with a NUL": lambda f: forge(f, lambda m: m["Files"].append({"Path": "a\0b", "Size": 0})),
    "WAL from nowhere": lambda f: forge(f, lambda m: m["WAL-Ranges"][0].pop("Start-LSN")),
    "WAL that is an option": lambda f: forge(f, lambda m: m["WAL-Ranges"][0].update({"Start-LSN": "--help"})),
    "no WAL needed": lambda f: forge(f, lambda m: m["WAL-Ranges"].clear()),
    "a list for a manifest": lambda f: replace_manifest(f, "[]"),
    "a deep manifest": lambda f: replace_manifest(f, DEEP),
    "a deep statement": lambda f: (f / "backup.json").write_text(DEEP),
    "keys that are numbers": lambda f: without_keys(f, log_verifiers=[5]),
    "a checkpoint that is a number": lambda f: restate(f, checkpoint=5),
    "a database that is a number": lambda f: restate(f, database=5),
    "a field more": lambda f: restate(f, more="x"),
    "a standby": lambda f: put(f, "standby.signal"),
    "a recovery": lambda f: put(f, "recovery.signal"),
    "links to anywhere": lambda f: put(f, "tablespace_map", b"16400 /tmp/elsewhere\n"),
    "a tablespace": lambda f: put(f, "pg_tblspc/16400/x"),
    "somebody's process": lambda f: put(f, "postmaster.pid", b"1\n/\n"),
    "another version": lambda f: put(f, "PG_VERSION", b"9\n"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_what_was_made_up_is_refused_and_nothing_is_written(
    what: str, run: Run, copy: Path, new: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "forged"
    shutil.copytree(copy, folder)
    FORGED[what](folder)
    code, said = run("restore", folder, "--data-dir", new)
    assert (code, "[backup-damaged]" in said) == (3, True), said
    assert not new.exists()


UNRECOVERABLE: dict[str, Callable[[Path], object]] = {
    "a database that is not there": lambda f: restate(f, database="x\"; DROP DATABASE fundledger; --\n'$$"),
    "a template": lambda f: restate(f, database="template0"),
    "the superuser's database": lambda f: restate(f, database="postgres"),
    "no control file": lambda f: put(f, "global/pg_control", bytes(8192)),
}


@pytest.mark.parametrize("what", UNRECOVERABLE)
def test_what_does_not_recover_leaves_no_database(what: str, run: Run, copy: Path, new: Path, tmp_path: Path) -> None:
    folder = tmp_path / "forged"
    shutil.copytree(copy, folder)
    UNRECOVERABLE[what](folder)
    code, said = run("restore", folder, "--data-dir", new)
    assert (code, "[backup-damaged]" in said) == (3, True), said
    assert list(new.rglob("pgdata*")) == []


def listing(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_size) for path in folder.rglob("*"))


@pytest.mark.parametrize("below", [".", "base", "base/base", "data"])
def test_nothing_is_restored_into_the_backup(below: str, run: Run, copy: Path) -> None:
    before = listing(copy)
    code, said = run("restore", copy, "--data-dir", copy / below)
    assert (code, "[restore-into-backup]" in said) == (3, True), said
    assert listing(copy) == before


def test_a_cluster_is_no_data_folder(run: Run, copy: Path, tmp_path: Path) -> None:
    shutil.copytree(copy / "base", tmp_path / "a cluster")
    code, said = run("restore", copy, "--data-dir", tmp_path / "a cluster")
    assert (code, "[restore-over-database]" in said) == (3, True), said
    assert not (tmp_path / "a cluster" / "log-head").exists()


def test_nothing_is_backed_up_into_the_database(book: Book, run: Run) -> None:
    target = book.server.pgdata / "backups" / "today"
    code, said = run("backup", "--out", target)
    assert (code, "[backup-folder-in-use]" in said) == (3, True), said
    assert not target.parent.exists()


NOBODY = "NO CHECKPOINT FROM OUTSIDE"


def test_a_backup_is_no_witness_of_its_own_age(book: Book, run: Run, copy: Path, new: Path, tmp_path: Path) -> None:
    new.mkdir()
    shutil.copy(copy / "keys" / "log-head", new)  # as a restore that was broken off leaves it
    code, said = run("restore", copy, "--data-dir", new)
    assert (code, NOBODY in said, "contains all" in said) == (0, True, True), said
    book.grow(1)
    shutil.copy(book.data / "log-head", tmp_path / "witnessed")
    assert run("backup", "--out", tmp_path / "fresh")[0] == 0
    code, said = run(
        "restore", tmp_path / "fresh", "--data-dir", tmp_path / "b", "--checkpoint", tmp_path / "witnessed"
    )
    shutil.rmtree(tmp_path / "b", ignore_errors=True)
    assert (code, NOBODY in said) == (0, False), said


def test_a_stored_checkpoint_that_the_log_s_key_did_not_sign_is_a_fault(
    book: Book, run: Run, tmp_path: Path, new: Path
) -> None:
    book.grow(1)
    stored = book.ask("SELECT note FROM log_checkpoint ORDER BY size LIMIT 1")
    forged = stored[:-12] + ("AAAA" if stored[-12:-8] != "AAAA" else "BBBB") + stored[-8:]

    async def write(note: str) -> None:
        async with connected(with_database(book.server.superuser_url, "fundledger")) as connection:
            await connection.execute("SET session_replication_role = replica")
            await connection.execute(
                "UPDATE log_checkpoint SET note = $1 WHERE size = (SELECT min(size) FROM log_checkpoint)", note
            )

    asyncio.run(write(forged))
    try:
        assert run("backup", "--out", tmp_path / "forged", "--with-keys")[0] == 0
    finally:
        asyncio.run(write(stored))
    code, said = run("restore", tmp_path / "forged", "--data-dir", new)
    assert (code, "FAULT checkpoints-fit-the-log" in said) == (1, True), said


def test_a_log_head_that_is_the_newest_is_not_written_again(book: Book, run: Run, copy: Path, new: Path) -> None:
    """It may belong to a service that is signing meanwhile (FUNDLEDGER_LOG_KEY_FILE)."""
    book.grow(1)
    new.mkdir()
    shutil.copy(book.data / "log-head", new)
    before = (new / "log-head").stat().st_ino
    assert run("restore", copy, "--data-dir", new)[0] == 1  # stale
    assert (new / "log-head").stat().st_ino == before


def test_keys_that_are_not_there_are_named(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FUNDLEDGER_KEY_FILE", str(tmp_path / "gone.json"))
    code, said = run("backup", "--out", tmp_path / "b", "--with-keys")
    assert code == 0
    assert f"{tmp_path / 'gone.json'} （不存在 · there is none）" in said
    digest = sha256((tmp_path / "b" / "backup.json").read_bytes()).hexdigest()
    assert f"= {digest}" in said


def test_a_restore_that_was_killed_once_the_database_stood_can_be_verified(
    run: Run, copy: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "fundledger", "restore", str(copy), "--data-dir", str(new)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not any((place / "pgdata").exists() for place in (new, new / "store")):
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    code, said = run("restore", copy, "--data-dir", new)
    assert (code, "[restore-over-database]" in said) == (3, True), said
    assert (new / "log-head").exists()
    monkeypatch.setenv("FUNDLEDGER_DATA_DIR", str(new))
    code, said = run("verify", "--database")
    assert code == 0, said
