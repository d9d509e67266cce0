"""`fundledger backup --out DIR`: a physical copy of the whole server into a new folder, beside the running service.

Order: what the log is now, then the keys if they are wanted, then the copy: so the copy contains at least what is
stated and at least what the copied ``log-head`` names. ``backup.json`` comes last.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer
from rich.console import Console

from fundledger.cli import backup_folder, places
from fundledger.cli.backup_folder import FORMAT, Statement
from fundledger.cli.given import given_variable
from fundledger.cli.progress import watched
from fundledger.db import basebackup, migrate
from fundledger.db.embedded import wheel_bin_dir
from fundledger.errors import problem
from fundledger.sealing import keys
from fundledger.sealing.keys import KeysError
from fundledger.sealing.leaf import instant
from fundledger.settings import Settings

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

SUPERUSER_VARIABLE = "FUNDLEDGER_SUPERUSER_DATABASE_URL"
_STATE = """SELECT current_setting('server_version') AS server_version, current_database() AS database,
    current_setting('server_version_num')::integer / 10000 AS major,
    (SELECT coalesce(max(position) + 1, 0) FROM log_leaf) AS log_size,
    (SELECT note FROM log_checkpoint ORDER BY size DESC LIMIT 1) AS checkpoint"""
_SERVER = """SELECT (SELECT system_identifier FROM pg_control_system()) AS identity,
    (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user) AS may_copy,
    (SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')) AS tablespaces"""


def backup(
    folder: Annotated[Path, typer.Option("--out", help="新的空目录 · a new, empty folder")],
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="连同密钥文件 · the key files too: whoever has it all can read and sign")
    ] = False,
) -> None:
    """备份 · copy the database while the service runs (a named server: FUNDLEDGER_SUPERUSER_DATABASE_URL)."""
    settings = Settings()
    bin_dir = settings.pg_bin or wheel_bin_dir()
    with places.opened(settings) as place:
        superuser_url = _superuser_url(settings)
        state = asyncio.run(_state(place.need_reader(), superuser_url))
        tools = basebackup.major_of(bin_dir)
        if tools != state["major"]:
            raise problem("backup-other-tools", server=state["major"], tools=tools)
        backup_folder.begin(folder, settings)
        statement = _copy(folder, settings, state, superuser_url, bin_dir, with_keys=with_keys)
    out.print(f"备份完成 · backed up: {statement.log_size} records in the log, schema {statement.revision}")
    out.print(f"SHA-256 ({backup_folder.STATEMENT}) = {digest_of(folder)}", markup=False)
    if statement.keys:
        err.print("备份含密钥：请像密钥一样保管。 The backup holds keys: guard it like them.")
    apart = {name: path for name, path in backup_folder.key_files(settings).items() if name not in statement.keys}
    if apart:
        err.print("注意：备份不含下列文件。没有它们，密封的个人信息无法读取，日志无法续签；请另行分开保管：")
        err.print("NOTE: these files are NOT in this backup. Keep them, apart from it:")
    for path in apart.values():
        err.print(f"  {path}" if path.exists() else f"  {path} （不存在 · there is none）", markup=False)


def digest_of(folder: Path) -> str:
    """SHA-256 of the statement, which names that of PostgreSQL's manifest, which names that of every file."""
    return sha256((folder / backup_folder.STATEMENT).read_bytes()).hexdigest()


def _copy(
    folder: Path, settings: Settings, state: dict[str, Any], superuser_url: str, bin_dir: Path, *, with_keys: bool
) -> Statement:
    started = datetime.now(UTC)
    copied = backup_folder.copy_keys(folder, settings) if with_keys else []
    origin, verifiers = _public(settings)
    with watched() as told:
        told("copying", 0, 0)
        digest = basebackup.take(superuser_url, backup_folder.base_of(folder), bin_dir)
    statement = Statement(
        format=FORMAT, started_at=instant(started), finished_at=instant(datetime.now(UTC)), log_origin=origin,
        log_verifiers=verifiers, manifest_sha256=digest.hex(), keys=copied, **state,
    )  # fmt: skip
    backup_folder.finish(folder, statement)
    return statement


def _superuser_url(settings: Settings) -> str:
    if settings.embedded:
        running = places.running_superuser_url(settings.data_dir)
        if running is None:
            raise problem("backup-failed", reason="the embedded server has ended")
        return running
    return given_variable(SUPERUSER_VARIABLE)


async def _state(reader_url: str, superuser_url: str) -> dict[str, Any]:
    """What is going to be copied; refuses a role or a server that can't be."""
    reader = await asyncpg.connect(reader_url, timeout=30)
    powerful = await asyncpg.connect(superuser_url, timeout=30)
    try:
        state, ours = await reader.fetchrow(_STATE), await reader.fetchrow(_SERVER)
        theirs = await powerful.fetchrow(_SERVER)
    finally:
        await reader.close()
        await powerful.close()
    assert state is not None
    assert ours is not None
    assert theirs is not None
    if not theirs["may_copy"]:
        raise problem("backup-needs-replication")
    if theirs["identity"] != ours["identity"]:
        raise problem("backup-other-server")
    if theirs["tablespaces"]:
        raise problem("backup-failed", reason="tablespaces of one's own are not supported; use pg_basebackup yourself")
    if state["database"] in ("postgres", "template1"):
        raise problem("backup-failed", reason="a restore can't rename the database postgres; rename the book's first")
    return {**state, "revision": await migrate.current(reader_url) or ""}


def _public(settings: Settings) -> tuple[str | None, list[str]]:
    """Origin and public keys of the log, as far as its key file is at hand."""
    try:
        ring = keys.load(settings.log_keys_path)
    except KeysError:
        return None, []
    return ring.origin, [str(key) for key in ring.verifiers("log")]
