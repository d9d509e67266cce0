"""A backup folder (备份目录): a base backup, a statement of what it is, and, if asked for, the keys.

    base/         the physical copy (see `fundledger.db.basebackup`)
    keys/         only with --with-keys: log-keys.json, log-head, keys.json as they were before the copy began
    backup.json   written last: a folder without it was broken off and is refused

Everything is of mode 600 and 700. Pure files; called by `backups` and `restoring`.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec

from fundledger.db import basebackup
from fundledger.errors import problem
from fundledger.files.whole import write_whole
from fundledger.sealing.signing import HEAD_FILE
from fundledger.settings import Settings

FORMAT = "fundledger-backup-v1"
STATEMENT = "backup.json"
KEYS = {"log-keys.json", HEAD_FILE, "keys.json"}


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``backup.json``: what was copied. The log was at least that long; `checkpoint` is its newest note then."""

    format: str
    started_at: str
    finished_at: str
    server_version: str
    major: int
    database: str
    revision: str
    log_size: int
    log_origin: str | None
    log_verifiers: list[str]
    checkpoint: str | None
    manifest_sha256: str
    keys: list[str]


def base_of(folder: Path) -> Path:
    """Where the physical copy is."""
    return folder / "base"


def key_of(folder: Path, name: str) -> Path:
    """Where a key file of the backup is."""
    return folder / "keys" / name


def pgdata_of(settings: Settings) -> Path:
    """Where an embedded database of these settings is or would be."""
    link = settings.data_dir / "store"
    return (link if link.is_symlink() else settings.data_dir).resolve() / "pgdata"


def key_files(settings: Settings) -> dict[str, Path]:
    """The files that a book needs besides its database, by their name in a backup."""
    return {
        "log-keys.json": settings.log_keys_path,
        HEAD_FILE: settings.log_keys_path.with_name(HEAD_FILE),
        "keys.json": settings.keys_path,
    }


def begin(folder: Path, settings: Settings) -> None:
    """Make the folder, or take an empty one; `backup-folder-in-use`, also for one inside the database's own."""
    cluster = pgdata_of(settings)
    if settings.embedded and cluster in (folder.resolve(), *folder.resolve().parents):
        raise problem("backup-folder-in-use")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(folder.iterdir()):
        raise problem("backup-folder-in-use")
    folder.chmod(0o700)


def copy_keys(folder: Path, settings: Settings) -> list[str]:
    """Copy the key files that there are; their names."""
    (folder / "keys").mkdir(mode=0o700)
    there = {name: path for name, path in key_files(settings).items() if path.exists()}
    for name, path in there.items():
        write_whole(key_of(folder, name), path.read_text(encoding="utf-8"))
    return list(there)


def finish(folder: Path, statement: Statement) -> None:
    """State what the folder is; from now on it is a backup."""
    write_whole(folder / STATEMENT, msgspec.json.format(msgspec.json.encode(statement), indent=1).decode() + "\n")


def read(folder: Path) -> Statement:
    """The statement of a finished backup; `backup-incomplete`, `backup-unknown-format`, `backup-damaged`."""
    try:
        raw = (folder / STATEMENT).read_bytes()
        if msgspec.json.decode(raw, type=_Format).format != FORMAT:
            raise problem("backup-unknown-format")
        statement = msgspec.json.decode(raw, type=Statement)
    except (FileNotFoundError, NotADirectoryError):
        raise problem("backup-incomplete") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise problem("backup-damaged", reason=STATEMENT) from error
    if not set(statement.keys) <= KEYS:
        raise problem("backup-damaged", reason=STATEMENT)
    return statement


class _Format(msgspec.Struct):
    format: str


def check(folder: Path, statement: Statement, bin_dir: Path) -> None:
    """Whether the copy is the one that was stated, and whole; `backup-damaged`."""
    try:
        manifest = (base_of(folder) / basebackup.MANIFEST).read_bytes()
        missing = [name for name in statement.keys if not key_of(folder, name).is_file()]
    except OSError as error:
        raise problem("backup-damaged", reason=f"{basebackup.MANIFEST} is missing") from error
    if sha256(manifest).hexdigest() != statement.manifest_sha256:
        raise problem("backup-damaged", reason=f"{basebackup.MANIFEST} is not the one of {STATEMENT}")
    if missing:
        raise problem("backup-damaged", reason=f"keys/{missing[0]} is missing")
    basebackup.check(base_of(folder), statement.major, bin_dir)
