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
from fundledger.cli.progress import watched
from fundledger.db import basebackup, migrate
from fundledger.db.embedded import EmbeddedServer, wheel_bin_dir
from fundledger.errors import problem
from fundledger.files.whole import write_whole
from fundledger.sealing import keys
from fundledger.sealing.checkpoint import Checkpoint, open_checkpoint
from fundledger.sealing.keys import KeysError
from fundledger.sealing.note import NoteError, VerifierKey, parse_key
from fundledger.sealing.recheck import Trust
from fundledger.sealing.signing import HEAD_FILE
from fundledger.sealing.standing import Standing, standings
from fundledger.sealing.verify import NOBODY, Report, verify_database
from fundledger.settings import Settings

out = Console(highlight=False, soft_wrap=True)
FAULT = 1
_STORED = "SELECT note FROM log_checkpoint WHERE size <= $1 ORDER BY size DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that is known from outside the database: where from, what it says, and its note."""

    source: str
    checkpoint: Checkpoint
    note: str
    outside: bool = True
    """Not from the backup itself, which says nothing about its own age."""


def restore(
    folder: Annotated[Path, typer.Argument(help="备份目录 · the backup")],
    data_dir: Annotated[Path, typer.Option("--data-dir", help="新的数据目录 · a data folder without a database")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="以前见过的检查点 · a checkpoint seen before: the newest that the witness has")
    ] = None,
) -> None:
    """恢复并核验 · restore into a new data folder, verify, and hold against witnessed checkpoints."""
    named = {"database_url": None, "owner_database_url": None, "reader_database_url": None}
    settings = Settings().model_copy(update={"data_dir": data_dir, **named})
    bin_dir = settings.pg_bin or wheel_bin_dir()
    statement = backup_folder.read(folder)
    _refuse_what_cannot_be(folder, statement, settings, bin_dir)
    with watched() as told:
        told("checking", 0, 0)
        backup_folder.check(folder, statement, bin_dir)
    known = _witnessed(folder, statement, settings, checkpoint)
    _bring_keys(folder, statement, settings)
    _keep_head(known, settings)
    backup = backup_folder.base_of(folder), statement.database
    server = EmbeddedServer(settings.data_dir, bin_dir=settings.pg_bin, backup=backup)
    try:
        with watched() as told:
            told("recovering", 0, 0)
            server.start()
            place = asyncio.run(places.ready(server.superuser_url, settings.data_dir))
            told("recovering", 1, 1)
            trust = _trust(folder, statement, settings, known)
            report = asyncio.run(verify_database(place.need_reader(), trust, told))
        sound = _tell_report(report)
        sound = asyncio.run(_hold_against(place.need_reader(), known)) and sound
    finally:
        server.stop()
    if not sound:
        raise typer.Exit(FAULT)


def _refuse_what_cannot_be(folder: Path, statement: Statement, settings: Settings, bin_dir: Path) -> None:
    """`backup-other-tools`, `backup-newer-schema`, `restore-over-database`, `restore-into-backup`."""
    tools = basebackup.major_of(bin_dir)
    if tools != statement.major:
        raise problem("backup-other-tools", server=statement.major, tools=tools)
    if statement.revision and not migrate.knows(statement.revision):
        raise problem("backup-newer-schema", revision=statement.revision)
    target = settings.data_dir.resolve()
    if folder.resolve() in (target, *target.parents):
        raise problem("restore-into-backup")
    if backup_folder.pgdata_of(settings).exists() or (target / "PG_VERSION").exists():
        raise problem("restore-over-database")


def _witnessed(folder: Path, statement: Statement, settings: Settings, given: Path | None) -> list[Witnessed]:
    """Every checkpoint at hand, the given one first; `checkpoint-unusable` for one that this log did not sign."""
    head = backup_folder.key_files(settings)[HEAD_FILE]
    own = {}
    if HEAD_FILE in statement.keys:
        own[f"keys/{HEAD_FILE}"] = read_text(backup_folder.key_of(folder, HEAD_FILE))
    if statement.checkpoint is not None and statement.log_verifiers:
        own[backup_folder.STATEMENT] = statement.checkpoint
    notes = {"--checkpoint": read_text(given)} if given is not None else {}
    notes |= {HEAD_FILE: read_text(head)} if head.exists() else {}
    if not notes and not own:
        return []
    origin, verifiers = _verifiers(folder, statement, settings)
    found = []
    for source, note in (notes | own).items():
        try:
            checkpoint = open_checkpoint(note, verifiers, origin)[0]
        except NoteError as error:
            raise problem("checkpoint-unusable", name=source, reason=str(error)) from error
        # A restore that was broken off has left the backup's own as log-head.
        found.append(Witnessed(source, checkpoint, note, source == "--checkpoint" or note not in own.values()))
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


def _trust(folder: Path, statement: Statement, settings: Settings, known: list[Witnessed]) -> Trust:
    """The log's keys verify its stored checkpoints, as far as they are at hand."""
    return Trust(_verifiers(folder, statement, settings)[1]) if known else NOBODY


def _bring_keys(folder: Path, statement: Statement, settings: Settings) -> None:
    """Put the backup's keys where there are none; keys that are there stay."""
    for name in statement.keys:
        target = backup_folder.key_files(settings)[name]
        if name != HEAD_FILE and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(target, read_text(backup_folder.key_of(folder, name)))


def _keep_head(known: list[Witnessed], settings: Settings) -> None:
    """The newest checkpoint known becomes ``log-head``: nothing is signed on top of less."""
    if not known:
        return
    newest = max(known, key=lambda one: one.checkpoint.size)
    # Not its own again: with FUNDLEDGER_LOG_KEY_FILE it may be that of a service that signs meanwhile.
    if newest.source != HEAD_FILE:
        write_whole(backup_folder.key_files(settings)[HEAD_FILE], newest.note)


def _tell_report(report: Report) -> bool:
    fault = report.first_fault
    if fault is None:
        out.print(f"核验通过 · verified: {len(report.checks)} checks, {report.size} records in the log")
        return True
    out.print(f"FAULT {fault.name}: {fault.title_zh} · {fault.title_en}\n      {fault.fault}", markup=False)
    return False


async def _hold_against(reader_url: str, known: list[Witnessed]) -> bool:
    """Say how the restored log stands to what is known from outside."""
    if not any(one.outside for one in known):
        out.print("没有备份以外的检查点：无法发现备份过旧或被重写。")
        out.print("NO CHECKPOINT FROM OUTSIDE the backup: a stale or rewritten backup would not be noticed.")
        out.print("  向审计机关的见证方索取，用 --checkpoint。 Ask the audit office's witness; see --checkpoint.")
    if not known:
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
