"""`fundledger restore DIR --data-dir NEW`: a backup becomes an embedded database again, verified and held to account.

Nothing is written before the backup is found whole and every checkpoint at hand is found signed by this log. The newest
of them becomes the folder's ``log-head`` before the server is started, so that a stale copy can't be served by
accident: `sealing.signing` refuses to sign on top of it. Then the database is verified and held against each.
Exit code 0: sound, and proven up to the newest checkpoint; 1: a fault, a stale copy or another history.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from rich.console import Console

from fundledger.cli import backup_folder, places
from fundledger.cli.backup_folder import Statement
from fundledger.cli.given import read_text
from fundledger.db import basebackup, migrate, roles
from fundledger.db.embedded import EmbeddedServer, wheel_bin_dir
from fundledger.errors import problem
from fundledger.files.whole import write_whole
from fundledger.sealing import keys
from fundledger.sealing.checkpoint import Checkpoint, open_checkpoint
from fundledger.sealing.keys import KeysError
from fundledger.sealing.note import NoteError, VerifierKey, parse_key
from fundledger.sealing.signing import HEAD_FILE
from fundledger.sealing.standing import Standing, standings
from fundledger.sealing.verify import Report, verify_database
from fundledger.settings import Settings

out = Console(highlight=False, soft_wrap=True)
FAULT = 1
_RENAME = "SELECT format('ALTER DATABASE %I RENAME TO %I', $1::text, $2::text)"
_STORED = "SELECT note FROM log_checkpoint WHERE size <= $1 ORDER BY size DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that is known from outside the database: where from, what it says, and its note."""

    source: str
    checkpoint: Checkpoint
    note: str


def restore(
    folder: Annotated[Path, typer.Argument(help="备份目录 · the backup")],
    data_dir: Annotated[Path, typer.Option("--data-dir", help="新的数据目录 · a data folder without a database")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="审计机关见证的检查点 · the newest checkpoint note that a witness has")
    ] = None,
) -> None:
    """恢复并核验 · restore into a new data folder, verify, and hold against witnessed checkpoints."""
    named = {"database_url": None, "owner_database_url": None, "reader_database_url": None}
    settings = Settings().model_copy(update={"data_dir": data_dir, **named})
    bin_dir = settings.pg_bin or wheel_bin_dir()
    statement = backup_folder.read(folder)
    _refuse_what_cannot_be(statement, settings, bin_dir)
    backup_folder.check(folder, statement, bin_dir)
    known = _witnessed(folder, statement, settings, checkpoint)
    _bring_keys(folder, statement, settings)
    _keep_head(known, settings)
    copy = backup_folder.base_of(folder)
    server = EmbeddedServer(settings.data_dir, bin_dir=settings.pg_bin, backup=copy)
    try:
        server.start()
        asyncio.run(_name_database(server.superuser_url, statement.database))
        place = asyncio.run(places.ready(server.superuser_url, settings.data_dir))
        report = asyncio.run(verify_database(place.need_reader()))
        sound = _tell_report(report)
        sound = asyncio.run(_hold_against(place.need_reader(), known)) and sound
    finally:
        server.stop()
    if not sound:
        raise typer.Exit(FAULT)


def _refuse_what_cannot_be(statement: Statement, settings: Settings, bin_dir: Path) -> None:
    """`backup-other-tools`, `backup-newer-schema`, `restore-over-database`."""
    tools = basebackup.major_of(bin_dir)
    if tools != statement.major:
        raise problem("backup-other-tools", server=statement.major, tools=tools)
    if statement.revision and not migrate.knows(statement.revision):
        raise problem("backup-newer-schema", revision=statement.revision)
    link = settings.data_dir / "store"
    place = link.resolve() if link.is_symlink() else settings.data_dir
    if (place / "pgdata").exists():
        raise problem("restore-over-database")


def _witnessed(folder: Path, statement: Statement, settings: Settings, given: Path | None) -> list[Witnessed]:
    """Every checkpoint at hand, the given one first; `checkpoint-unusable` for one that this log did not sign."""
    head = backup_folder.key_files(settings)[HEAD_FILE]
    notes = [("--checkpoint", read_text(given))] if given is not None else []
    notes += [(HEAD_FILE, read_text(head))] if head.exists() else []
    if HEAD_FILE in statement.keys:
        notes.append((f"keys/{HEAD_FILE}", read_text(backup_folder.key_of(folder, HEAD_FILE))))
    if statement.checkpoint is not None and statement.log_verifiers:
        notes.append((backup_folder.STATEMENT, statement.checkpoint))
    if not notes:
        return []
    origin, verifiers = _verifiers(folder, statement, settings)
    found = []
    for source, note in notes:
        try:
            found.append(Witnessed(source, open_checkpoint(note, verifiers, origin)[0], note))
        except NoteError as error:
            raise problem("checkpoint-unusable", name=source, reason=str(error)) from error
    return found


def _verifiers(folder: Path, statement: Statement, settings: Settings) -> tuple[str, list[VerifierKey]]:
    """Origin and public keys of the log: of the folder's key file, the backup's, or those that the backup states."""
    try:
        for path in (settings.log_keys_path, backup_folder.key_of(folder, "log-keys.json")):
            if path.exists():
                ring = keys.load(path)
                return ring.origin, ring.verifiers("log")
        if statement.log_origin is not None:
            return statement.log_origin, [parse_key(text) for text in statement.log_verifiers]
    except (KeysError, NoteError) as error:
        raise problem("log-keys-unusable", reason=str(error)) from error
    raise problem("checkpoint-unusable", name="log-keys.json", reason="no verifier key of the log is at hand")


def _bring_keys(folder: Path, statement: Statement, settings: Settings) -> None:
    """Put the backup's keys where there are none; keys that are there stay."""
    for name in statement.keys:
        target = backup_folder.key_files(settings)[name]
        if name != HEAD_FILE and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(target, read_text(backup_folder.key_of(folder, name)))


def _keep_head(known: list[Witnessed], settings: Settings) -> None:
    """The newest checkpoint known becomes ``log-head``: nothing is signed on top of less."""
    if known:
        newest = max(known, key=lambda one: one.checkpoint.size)
        write_whole(backup_folder.key_files(settings)[HEAD_FILE], newest.note)


async def _name_database(superuser_url: str, name: str) -> None:
    """An embedded database has one name, whatever it was called on the server that was copied.

    Another one that has this name on that server steps aside.
    """
    if name == roles.DATABASE:
        return
    connection = await asyncpg.connect(superuser_url)
    try:
        if await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", roles.DATABASE):
            await connection.execute(await connection.fetchval(_RENAME, roles.DATABASE, f"{roles.DATABASE}_aside"))
        await connection.execute(await connection.fetchval(_RENAME, name, roles.DATABASE))
    finally:
        await connection.close()


def _tell_report(report: Report) -> bool:
    fault = report.first_fault
    if fault is None:
        out.print(f"核验通过 · verified: {len(report.checks)} checks, {report.size} records in the log")
        return True
    out.print(f"FAULT {fault.name}: {fault.title_zh} · {fault.title_en}\n      {fault.fault}", markup=False)
    return False


async def _hold_against(reader_url: str, known: list[Witnessed]) -> bool:
    """Say how the restored log stands to what is known from outside."""
    if not known:
        out.print("没有检查点可对照：无法发现备份过旧。 No checkpoint at hand: a stale backup would not be noticed.")
        out.print("  向审计机关的见证方索取，用 --checkpoint。 Ask the audit office's witness; see --checkpoint.")
        return True
    connection = await asyncpg.connect(reader_url)
    try:
        _, found = await standings(connection, [one.checkpoint for one in known])
        fits = True
        for one, standing in zip(known, found, strict=True):
            stored = await connection.fetchval(_STORED, max(standing.size, one.checkpoint.size))
            fits = _tell_standing(one, standing, stored) and fits
    finally:
        await connection.close()
    return fits


def _tell_standing(one: Witnessed, standing: Standing, stored: str | None) -> bool:
    size = one.checkpoint.size
    if standing.verdict == "contains":
        out.print(f"对照 {one.source}：包含其全部 {size} 条 · contains all {size} records of it: proven to there",
                  markup=False)  # fmt: skip
        return True
    if standing.verdict == "stale":
        out.print(f"备份过旧 · STALE: {standing.missing} records are missing that {one.source} has", markup=False)
    else:
        out.print(f"历史不同 · FORK: the first {size} records are not those of {one.source}", markup=False)
    out.print(f"--- {one.source}:\n{one.note}--- 恢复所得 restored ({standing.size} records):", markup=False)
    out.print(stored or "(no signed checkpoint)", markup=False)
    return False
