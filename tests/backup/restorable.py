"""A book on an embedded server of its own, and the command line over it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from fundledger.cli import places
from fundledger.cli.commands import main
from fundledger.db import account
from fundledger.db.embedded import EmbeddedServer
from fundledger.sealing import keys
from fundledger.sealing.keys import KeyFile
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.signing import Signer
from tests.book.test_soundness import money_down_and_back
from tests.builders import World, make_world
from tests.databases import connected
from tests.sealing.test_sequencer import refuse

ORIGIN = "test.example/backup"
Run = Callable[..., tuple[int, str]]


class Book:
    """A data folder with a running server, keys, and what was posted in it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        binaries = os.environ.get("FUNDLEDGER_PG_BIN")
        self.server = EmbeddedServer(data, bin_dir=Path(binaries) if binaries else None)
        self.server.start()
        self.place = asyncio.run(places.ready(self.server.superuser_url, data))
        keys.create(data / "log-keys.json", ORIGIN)
        asyncio.run(self._fill())

    async def _fill(self) -> None:
        async with connected(self.place.need_service()) as service, connected(self.place.need_owner()) as owner:
            world = await make_world(service, owner)
            await money_down_and_back(world)
            await self._seal(service)
        self.people = world.people

    async def _seal(self, service: Any) -> None:
        await Sequencer(service, signer=Signer(KeyFile(self.data / "log-keys.json"))).seal_all()

    def grow(self, count: int) -> None:
        """So many records more, sealed and signed."""

        async def more() -> None:
            async with connected(self.place.need_service()) as service, connected(self.place.need_owner()) as owner:
                world = World(service, owner, people=self.people)
                for _ in range(count):
                    await refuse(service, world)
                await self._seal(service)

        asyncio.run(more())

    def ask(self, query: str) -> Any:
        """One value, as the reader."""
        return asyncio.run(value_of(self.place.need_reader(), query))

    def end(self) -> None:
        """Stop and remove."""
        self.server.destroy()


async def value_of(url: str, query: str) -> Any:
    async with connected(url) as connection:
        return await connection.fetchval(query)


async def contents(url: str) -> dict[str, list[str]]:
    """Every table of a database, row by row as text (large ones included: the test's book is small)."""
    async with connected(url) as connection:
        names = [row[0] for row in await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1")]  # fmt: skip
        return {
            name: [row[0] for row in await connection.fetch(f"SELECT t::text FROM {name} t ORDER BY 1")]
            for name in names
        }


def restored(data: Path, work: Callable[[places.Place, str], Coroutine[Any, Any, Any]]) -> Any:
    """Start a restored database for a piece of work."""
    binaries = os.environ.get("FUNDLEDGER_PG_BIN")
    with EmbeddedServer(data, bin_dir=Path(binaries) if binaries else None) as server:
        return asyncio.run(work(places.embedded_place(server.superuser_url, data), server.superuser_url))


def command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: Path) -> Run:
    """Run a command: exit code, and all that it said."""
    for name in [name for name in os.environ if name.startswith("FUNDLEDGER_") and name != "FUNDLEDGER_PG_BIN"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FUNDLEDGER_DATA_DIR", str(data))

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["fundledger", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), captured.out + captured.err

    return call


def discard(folder: Path) -> None:
    """Remove a restored data folder wherever its cluster is."""
    account.discard(folder)
    shutil.rmtree(folder, ignore_errors=True)
