"""The embedded PostgreSQL: durable by default, one user of a folder at a time, back again after any kill."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fundledger.db import postmaster
from fundledger.db.embedded import EmbeddedError, EmbeddedServer
from tests.databases import connected, throw_away_server
from tests.tidy.sources import ROOT

START_AND_DIE = """
import os, signal, sys
from pathlib import Path
from fundledger.db.embedded import EmbeddedServer
binaries = os.environ.get("FUNDLEDGER_PG_BIN")
EmbeddedServer(Path(sys.argv[1]), bin_dir=Path(binaries) if binaries else None).start()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def durable() -> Iterator[EmbeddedServer]:
    """A server of the test's own, with PostgreSQL's own settings for durability."""
    with throw_away_server() as server:
        yield server


def twin(server: EmbeddedServer) -> EmbeddedServer:
    """A second handle for the same data folder."""
    return EmbeddedServer(server.data_dir, bin_dir=server.bin_dir)


async def test_defaults_are_durable_and_ordered_by_code_point(durable: EmbeddedServer) -> None:
    async with connected(durable.superuser_url) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert await connection.fetchval(f"SHOW {name}") == "on"
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        ordered = await connection.fetch("SELECT w FROM unnest(ARRAY['a', 'B', '贷', '借']) AS t (w) ORDER BY w")
        assert [row["w"] for row in ordered] == ["B", "a", "借", "贷"]


async def test_what_was_committed_outlives_a_kill_of_every_process(durable: EmbeddedServer) -> None:
    async with connected(durable.superuser_url) as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    durable.kill()
    durable.restart()
    async with connected(durable.superuser_url) as connection:
        assert await connection.fetchval("SELECT n FROM kept") == 1


async def test_unix_socket_works_too(durable: EmbeddedServer) -> None:
    password = (durable.data_dir / "superuser.password").read_text(encoding="utf-8").strip()
    async with connected(durable.url("postgres", password, "postgres", unix=True)) as connection:
        assert await connection.fetchval("SELECT inet_client_addr()") is None


def test_second_user_of_a_folder_is_refused(durable: EmbeddedServer) -> None:
    with pytest.raises(EmbeddedError, match=f"another fundledger \\(process {os.getpid()}\\)"):
        twin(durable).start()


def test_password_file_is_private(durable: EmbeddedServer) -> None:
    mode = (durable.data_dir / "superuser.password").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_server_left_behind_by_a_killed_process_is_replaced(durable: EmbeddedServer) -> None:
    durable.stop()
    command = [sys.executable, "-c", START_AND_DIE, str(durable.data_dir)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    orphan = postmaster.running_pid(durable.pgdata)
    assert orphan is not None
    durable.start()
    assert postmaster.running_pid(durable.pgdata) not in (None, orphan)


def test_pid_file_that_names_a_strangers_process_does_not_stop_the_start(durable: EmbeddedServer) -> None:
    durable.kill()
    pid_file = durable.pgdata / "postmaster.pid"
    rest = pid_file.read_text(encoding="utf-8").splitlines()[1:]
    pid_file.write_text("\n".join([str(os.getpid()), *rest]) + "\n", encoding="utf-8")
    durable.restart()
    assert postmaster.is_ready(durable.pgdata)


def test_half_made_cluster_is_made_again(durable: EmbeddedServer) -> None:
    durable.stop()
    durable.pgdata.rename(durable.pgdata.with_name("pgdata.making"))
    durable.start()
    assert postmaster.is_ready(durable.pgdata)


def test_stop_ends_the_server_and_frees_the_folder(durable: EmbeddedServer) -> None:
    durable.stop()
    assert postmaster.running_pid(durable.pgdata) is None
    other = twin(durable)
    other.start()
    other.stop()


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(EmbeddedError, match="cannot be used"):
        EmbeddedServer(tmp_path / "file" / "data").start()
