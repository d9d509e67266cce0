"""A physical copy of a PostgreSQL (基础备份): taken by pg_basebackup, checked file by file, laid out as a cluster.

Called by `fundledger.cli.backups` and, to lay out, by `embedded`. Physical, because approvals rest on transaction ids
(docs/decisions/0004): a logical dump would give the book other ones. pg_basebackup works beside the running service,
takes no lock on a table, and fetches the WAL that makes the copy whole. `check` does what pg_verifybackup does, from
the same manifest and with pg_waldump for the WAL, because the wheel's pg_verifybackup does not run
(docs/decisions/0021).

A copy's configuration is replaced when it is laid out, since a ``restore_command`` or ``archive_command`` in it would
be run. What the database itself runs (functions, event triggers) comes with it: the manifest tells damage, not malice.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec
from msgspec import Meta, field

from fundledger.errors import problem

MANIFEST = "backup_manifest"
CHUNK = 1024 * 1024
_NOT_LISTED = (MANIFEST, "pg_wal/")
_NEVER: Final = {"recovery.signal", "standby.signal", "tablespace_map", "postmaster.pid", "postmaster.opts"}
"""pg_basebackup writes none of them here; each would make the server do more than recover."""
Lsn = Annotated[str, Meta(pattern=r"^[0-9A-F]{1,8}/[0-9A-F]{1,8}$")]
_AUTHENTICATION = """local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
local replication all scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
host replication all ::1/128 scram-sha-256
"""
_SETTINGS = """# Written by fundledger restore; what the copied server had is in postgresql.conf.of-backup.
max_wal_size = 1GB
lc_messages = 'C'
"""


class _File(msgspec.Struct):
    """A file of PostgreSQL's manifest. `encoded`: hex of a name that is not UTF-8."""

    size: int = field(name="Size")
    path: str | None = field(default=None, name="Path")
    encoded: str | None = field(default=None, name="Encoded-Path")
    algorithm: str = field(default="", name="Checksum-Algorithm")
    checksum: str = field(default="", name="Checksum")


class _Wal(msgspec.Struct):
    """A stretch of WAL that the copy needs."""

    timeline: Annotated[int, Meta(ge=1)] = field(name="Timeline")
    start: Lsn = field(name="Start-LSN")
    end: Lsn = field(name="End-LSN")


class _Manifest(msgspec.Struct):
    """PostgreSQL's manifest, as far as it is used."""

    files: list[_File] = field(name="Files")
    wal: Annotated[list[_Wal], Meta(min_length=1)] = field(name="WAL-Ranges")
    checksum: str = field(name="Manifest-Checksum")


def environment(**more: str) -> dict[str, str]:
    """What PostgreSQL's programs see: no stray PG variable, messages in English."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC", **more}


def major_of(bin_dir: Path) -> int:
    """The major version of the programs of a folder; `backup-failed` if there are none that run."""
    try:
        command = [str(bin_dir / "pg_basebackup"), "-V"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment())
    except (OSError, subprocess.CalledProcessError) as error:
        raise problem("backup-failed", reason="pg_basebackup cannot be run; name PostgreSQL's bin folder") from error
    return int(done.stdout.split()[2].partition(".")[0].rstrip("abcdefghijklmnopqrstuvwxyz"))


def take(url: str, base: Path, bin_dir: Path) -> bytes:
    """Copy the server of a URL into the new folder `base`, WAL included; SHA-256 of the copy's manifest.

    Needs a superuser or a role with REPLICATION. `backup-failed` with PostgreSQL's own words; the password is in none.
    """
    parts = urlsplit(url)
    place, password = parts.netloc.rpartition("@")[2], unquote(parts.password or "")
    who = parts.netloc.rpartition("@")[0].partition(":")[0]
    target = urlunsplit(parts._replace(netloc=f"{who}@{place}", path="/postgres"))
    command = [str(bin_dir / "pg_basebackup"), "-D", str(base), "-d", target, "--format=plain", "--wal-method=stream"]
    command += ["--checkpoint=fast", "--manifest-checksums=SHA256", "--no-password"]
    shown = sys.stderr.isatty()
    done = subprocess.run(
        command + (["--progress"] if shown else []), check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=None if shown else subprocess.PIPE, env=environment(PGPASSWORD=password),
    )  # fmt: skip
    if done.returncode != 0:
        raise problem("backup-failed", reason=_cause(done.stderr))
    return sha256((base / MANIFEST).read_bytes()).digest()


def check(base: Path, major: int, bin_dir: Path) -> None:
    """Whether a copy is whole: each file of its manifest as it was written, nothing besides, the WAL complete.

    `backup-damaged` with the first fault.
    """
    manifest = _manifest(base)
    listed = {_path(row): row for row in manifest.files}
    for name in _files(base):
        if name in _NEVER or name.startswith("pg_tblspc/") or (
            name not in listed and not name.startswith(_NOT_LISTED)
        ):  # fmt: skip
            raise problem("backup-damaged", reason=f"{name} does not belong to the copy")
    for name, row in listed.items():
        if not _as_written(base / name, row):
            raise problem("backup-damaged", reason=f"{name} is missing or not as it was written")
    if (base / "PG_VERSION").read_bytes() != f"{major}\n".encode():
        raise problem("backup-damaged", reason=f"PG_VERSION is not {major}")
    for part in manifest.wal:
        _check_wal(base, part, bin_dir)


def _check_wal(base: Path, part: _Wal, bin_dir: Path) -> None:
    command = [str(bin_dir / "pg_waldump"), "--quiet", f"--path={base / 'pg_wal'}", f"--timeline={part.timeline}"]
    command += [f"--start={part.start}", f"--end={part.end}"]
    done = subprocess.run(command, check=False, capture_output=True, env=environment())
    if done.returncode != 0:
        raise problem("backup-damaged", reason=_cause(done.stderr))


def lay_out(base: Path, folder: Path) -> None:
    """Copy a checked copy into the folder of a new cluster, private, with a configuration of our own."""
    listed = [_path(row) for row in _manifest(base).files]
    shutil.copytree(base, folder, dirs_exist_ok=True)
    for name in listed:
        if Path(name).name.startswith(".s.PGSQL."):
            (folder / name).unlink()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    was = folder / "postgresql.conf"
    if was.exists():
        was.rename(folder / "postgresql.conf.of-backup")
    for name, text in {
        "postgresql.conf": _SETTINGS, "postgresql.auto.conf": "", "pg_hba.conf": _AUTHENTICATION, "pg_ident.conf": "",
    }.items():  # fmt: skip
        (folder / name).write_text(text, encoding="utf-8")


def first_statements(superuser: str, password: str, database: str, wanted: str) -> str:
    """What a copy is told alone, before anybody can connect, a statement a line: its superuser, and the book's name.

    An embedded database has one name, whatever it was called on the server that was copied; another one that has this
    name there steps aside.
    """
    lines = [
        f"IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{superuser}') THEN CREATE ROLE {superuser}; END IF;",
        f"ALTER ROLE {superuser} SUPERUSER LOGIN REPLICATION PASSWORD '{password}';",
        f"IF NOT EXISTS (SELECT FROM pg_database WHERE datname = U&'{_escaped(database)}' AND datallowconn) THEN "
        "RAISE 'the database of the book is not there'; END IF;",
    ]
    if database != wanted:
        lines.append(f"IF EXISTS (SELECT FROM pg_database WHERE datname = '{wanted}') THEN "
                     f"ALTER DATABASE {wanted} RENAME TO {wanted}_aside; END IF;")  # fmt: skip
        lines.append(f'ALTER DATABASE U&"{_escaped(database)}" RENAME TO {wanted};')
    return "".join(f"DO $$ BEGIN {line} END $$\n" for line in lines)


def _escaped(name: str) -> str:
    """A name within ``U&""`` or ``U&''``, in ASCII without a line's end: whatever it holds, it is a name."""
    return "".join(char if char.isascii() and char.isalnum() else f"\\+{ord(char):06X}" for char in name)


def _manifest(base: Path) -> _Manifest:
    """PostgreSQL's manifest; its last line is the SHA-256 of what stands before that line's value."""
    try:
        raw = (base / MANIFEST).read_bytes()
        manifest = msgspec.json.decode(raw, type=_Manifest)
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        raise problem("backup-damaged", reason=f"{MANIFEST} is missing or damaged") from error
    head, mark, tail = raw.rpartition(b'"Manifest-Checksum"')
    if not mark or sha256(head).hexdigest() != manifest.checksum or b"\n" in tail.rstrip():
        raise problem("backup-damaged", reason=f"{MANIFEST} is damaged")
    return manifest


def _path(row: _File) -> str:
    """A file's path in the copy; one that leads out of it is refused."""
    try:
        name = row.path if row.path is not None else os.fsdecode(bytes.fromhex(row.encoded or "-"))
    except ValueError as error:
        raise problem("backup-damaged", reason=f"{MANIFEST} has a file without a name") from error
    if not name or "\0" in name or name.startswith("/") or ".." in Path(name).parts:
        raise problem("backup-damaged", reason=f"{MANIFEST} names a file outside the copy")
    return name


def _files(base: Path) -> Iterator[str]:
    """Every file, link and special file below a folder, as a path relative to it."""
    for folder, folders, files in os.walk(base):
        for name in (*files, *(name for name in folders if (Path(folder) / name).is_symlink())):
            path = Path(folder) / name
            if not stat.S_ISREG(path.lstat().st_mode):
                raise problem("backup-damaged", reason=f"{path.relative_to(base)} is a link or a special file")
            yield str(path.relative_to(base))


def _as_written(path: Path, row: _File) -> bool:
    if not path.is_file() or path.stat().st_size != row.size or row.algorithm != "SHA256":
        return False
    with path.open("rb") as file:
        return bool(file_digest(file, "sha256").hexdigest() == row.checksum)


def _cause(output: bytes | None) -> str:
    """What a program says went wrong; after it may come what it cleaned up."""
    lines = (output or b"").decode(errors="replace").strip().splitlines()
    return next((line for line in lines if "error:" in line), lines[-1]) if lines else "see above"
