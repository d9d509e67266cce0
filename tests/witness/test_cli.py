"""The commands as an audit office types them, against the service over a real socket, in processes of their own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from fundledger.db.connection import Connection
from fundledger.sealing.signing import HEAD_FILE
from fundledger.witness import keyfile
from tests.builders import DISTRICT, World
from tests.databases import Database
from tests.sealing.sealed import seal
from tests.sealing.test_sequencer import year
from tests.tidy.sources import ROOT
from tests.web import Api, running_api
from tests.witness.logs import WITNESS
from tests.witness.test_monitor import PAY, superuse
from tests.witness.test_rewritten import AGAIN


@dataclass
class Office:
    """An audit office's machine: a folder, a token, and where the log is."""

    folder: Path
    token: str
    url: str

    async def run(self, *arguments: str, token: str | None = None) -> tuple[int, str]:
        """Run `fundledger witness …`: exit code, and everything it printed."""
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"),
                       "FUNDLEDGER_TOKEN": self.token if token is None else token,
                       "FUNDLEDGER_WITNESS_STORE": str(self.folder)}  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fundledger", "witness", *arguments, env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await process.communicate()
        return process.returncode or 0, printed.decode()


@asynccontextmanager
async def listening(api: Api) -> AsyncIterator[str]:
    """The service on a socket."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(api.app, lifespan="off", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await task


@pytest.fixture
async def office(db: Database, world: World, tmp_path: Path) -> AsyncIterator[Office]:
    keys = tmp_path / "witnesses"
    keys.write_text(f"{keyfile.create(tmp_path / 'w', WITNESS).verifier}\n")
    async with running_api(db, world, tmp_path, witness_keys=keys) as api, listening(api) as url:
        yield Office(tmp_path / "w", world.tokens["auditor"], url)


def told(mark: Path) -> str:
    """The alarm's file that the hook was given."""
    return Path(mark.read_text()).read_text(encoding="utf-8")


async def test_the_life_of_a_witness(
    office: Office, db: Database, world: World, superuser: Connection, tmp_path: Path
) -> None:
    _, entry = await year(world)
    ring = await seal(db, tmp_path)
    given = tmp_path / "log.vkeys"
    given.write_text("# from the bureau, in person\n" + "".join(f"{key}  # log 2026\n" for key in ring.verifiers()))
    assert (await office.run("follow", office.url, "--once"))[0] == 4
    code, printed = await office.run("follow", office.url, "--log-key", str(given), "--once")
    assert (code, "published" in printed) == (0, True), printed
    note = await superuser.fetchval("SELECT line FROM log_cosignature")
    assert note.startswith(f"— {WITNESS} ")
    assert (await office.run("monitor", office.url, "--once"))[0] == 0
    receipt = tmp_path / "receipt"
    import httpx

    headers = {"Authorization": f"Bearer {office.token}"}
    async with httpx.AsyncClient(base_url=office.url, headers=headers) as client:
        receipt.write_text((await client.get(f"/v1/books/{DISTRICT}/entries/{entry}/receipt")).text)
    code, printed = await office.run("check", str(receipt), office.url)
    assert (code, "kept" in printed) == (0, True), printed
    await superuse(superuser, AGAIN)
    await superuser.execute(f"UPDATE transfer SET amount = amount + 1 WHERE entry_id = {PAY} AND line_no = 1")
    (tmp_path / HEAD_FILE).unlink()
    await seal(db, tmp_path)
    mark = tmp_path / "told"
    hook = f"{sys.executable} -c 'import sys, pathlib; pathlib.Path(\"{mark}\").write_text(sys.argv[1])'"
    code, printed = await office.run("follow", office.url, "--once", "--on-alarm", hook)
    assert code == 1
    assert printed.count(f"\n{ring.origin}\n") == 2
    assert told(mark) in printed
    code, printed = await office.run("monitor", office.url, "--once")
    assert (code, str(entry) in printed) == (1, True), printed
    assert (await office.run("status"))[0] == 1
    assert (await office.run("check", str(receipt), office.url))[0] == 1
    assert (await office.run("acknowledge", "--reason", "reported"))[1].strip() == "已确认 acknowledged 2"
    assert (await office.run("status"))[0] == 0
    assert (await office.run("follow", office.url, "--once"))[0] == 1


async def test_refusals_have_codes_and_never_show_the_token(office: Office, tmp_path: Path) -> None:
    key = ["--log-key", str(tmp_path / "witnesses")]
    assert (await office.run("follow", office.url, *key, "--once"))[0] == 2
    assert (await office.run("follow", office.url, "--log-key", "no+key", "--once"))[0] == 2
    assert (await office.run("follow", office.url, "--log-key", "nothing", "--once"))[0] == 4
    code, printed = await office.run("key", "create", "--name", "x.example")
    assert (code, "witness-key-unusable" in printed) == (3, True)
    assert (await office.run("key", "show"))[1].strip() == str(keyfile.load(office.folder).verifier)
    ring_key = tmp_path / "log.key"
    from fundledger.sealing import keys

    ring_key.write_text("".join(f"{one}\n" for one in keys.load(tmp_path / "log-keys.json").verifiers()))
    for url, token, expected in (
        (office.url, "fl_wrong_secret", 3), ("http://127.0.0.1:1", "fl_wrong_secret", 69),
        ("ftp://x", "fl_wrong_secret", 2), (office.url, "", 2), (office.url + "/docs", "fl_wrong_secret", 3),
    ):  # fmt: skip
        code, printed = await office.run("follow", url, "--log-key", str(ring_key), "--once", token=token)
        assert (code, "wrong_secret" in printed) == (expected, False), printed
        assert "Traceback" not in printed
