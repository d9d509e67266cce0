"""Long commands say how far they are to a person at a terminal, and nothing into a pipe."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from pathlib import Path

from tests.builders import World
from tests.databases import Database
from tests.sealing.sealed import seal
from tests.sealing.test_sequencer import year
from tests.tidy.sources import ROOT


async def verified(db: Database, folder: Path, stderr: int) -> tuple[int, str, str]:
    """`verify --database` with this standard error: exit code, standard output, and standard error if it is a pipe."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm", "COLUMNS": "120",
                   "FUNDLEDGER_DATABASE_URL": db.service_url, "FUNDLEDGER_READER_DATABASE_URL": db.reader_url,
                   "FUNDLEDGER_DATA_DIR": str(folder)}  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fundledger", "verify", "--database", env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=stderr,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), (err or b"").decode()


async def test_a_terminal_sees_how_far_it_is_and_a_pipe_does_not(db: Database, world: World, tmp_path: Path) -> None:
    await year(world)
    await seal(db, tmp_path)
    code, found, err = await verified(db, tmp_path, asyncio.subprocess.PIPE)
    assert (code, err) == (0, ""), found + err
    ours, theirs = pty.openpty()
    try:
        code, again, _ = await verified(db, tmp_path, theirs)
        os.close(theirs)
        shown = os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
    assert (code, again) == (0, found)
    assert "totals" in shown
    assert "records" in shown
