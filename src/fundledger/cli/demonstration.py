"""Loading the demonstration year into an empty database, and showing its people's tokens again later.

The loader itself is `fundledger.demo.load.load(owner_url, service_url, settings, progress)`; it posts through the real
gate and returns the people's tokens by their label. This module decides whether to call it: only into a database
without people and instructions, and again from the start when a load was broken off (a file in the data folder says
so, and then the embedded database holds nothing else). Tokens are kept in ``demo-tokens.json`` (mode 600).
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import logging
from collections.abc import Mapping
from pathlib import Path

import asyncpg
from rich.console import Console

from fundledger.cli.places import Place, ready
from fundledger.cli.progress import progress_display
from fundledger.db import roles
from fundledger.errors import problem
from fundledger.files.whole import write_whole
from fundledger.settings import Settings

log = logging.getLogger("fundledger.serve")

TOKENS_FILE = "demo-tokens.json"
LOADING_FILE = "demo-loading"
LOADER = "fundledger.demo.load"
_EMPTY = "SELECT NOT EXISTS (SELECT FROM staff) AND NOT EXISTS (SELECT FROM instruction)"


def available() -> bool:
    """Whether the demonstration is part of this installation."""
    try:
        return importlib.util.find_spec(LOADER) is not None
    except ModuleNotFoundError:
        return False


async def load_if_empty(place: Place, settings: Settings, superuser_url: str, console: Console) -> None:
    """Load into an empty embedded database; remake one whose load was broken off."""
    if not available():
        log.warning("the demonstration is not part of this installation; the database stays as it is")
        return
    loading = settings.data_dir / LOADING_FILE
    if loading.exists():
        console.print("示范数据上次没有装完，重新装载。 The last load was broken off; loading again.")
        await _make_again(superuser_url, settings.data_dir)
    elif not await is_empty(place.need_owner()):
        return
    loading.touch()
    await load(place, settings, console)
    loading.unlink()


async def load(place: Place, settings: Settings, console: Console) -> None:
    """Load the demonstration into an empty database and keep its tokens; `demo-needs-empty-database` otherwise."""
    if not available():
        raise problem("part-not-installed", part=LOADER)
    if not await is_empty(place.need_owner()):
        raise problem("demo-needs-empty-database")
    demo = importlib.import_module(LOADER)
    with progress_display(console) as told:
        tokens = await demo.load(place.need_owner(), place.need_service(), settings, told)
    if isinstance(tokens, Mapping):
        text = json.dumps(dict(tokens), ensure_ascii=False, indent=2)
        await asyncio.to_thread(write_whole, settings.data_dir / TOKENS_FILE, text + "\n")


async def is_empty(owner_url: str) -> bool:
    """Whether nobody and nothing is recorded yet."""
    connection = await asyncpg.connect(owner_url)
    try:
        return bool(await connection.fetchval(_EMPTY))
    finally:
        await connection.close()


def tokens_of(data_dir: Path) -> dict[str, str]:
    """The tokens of the demonstration's people by label; none if it was not loaded here."""
    try:
        found = json.loads((data_dir / TOKENS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(label): str(token) for label, token in found.items()} if isinstance(found, dict) else {}


async def _make_again(superuser_url: str, data_dir: Path) -> None:
    connection = await asyncpg.connect(superuser_url)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {roles.DATABASE} WITH (FORCE)")
    finally:
        await connection.close()
    (data_dir / TOKENS_FILE).unlink(missing_ok=True)
    await ready(superuser_url, data_dir)
