"""Which database a command is about, as each of the three roles sees it.

With FUNDLEDGER_DATABASE_URL it is that one. Without, it is the embedded one of the data folder: the running one if a
fundledger is using the folder, else one that is started for the command and stopped after it. Passwords of the embedded
roles are kept in the data folder (mode 600); nothing here prints or logs a URL that holds one.
"""

from __future__ import annotations

import asyncio
import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from fundledger.db import roles
from fundledger.db.embedded import SUPERUSER, EmbeddedServer
from fundledger.db.roles import Passwords
from fundledger.db.urls import make_url, with_login
from fundledger.errors import problem
from fundledger.settings import Settings

PASSWORDS_FILE = "role-passwords.json"


@dataclass(frozen=True, slots=True)
class Place:
    """One database; a URL that was not given is None. ``repr`` shows none of them."""

    service: SecretStr | None
    owner: SecretStr | None
    reader: SecretStr | None
    embedded: bool

    def need_service(self) -> str:
        """The service role's URL."""
        return _needed(self.service, "FUNDLEDGER_DATABASE_URL")

    def need_owner(self) -> str:
        """The owner role's URL, for people, tokens and migrations; `database-url-missing` if none was given."""
        return _needed(self.owner, "FUNDLEDGER_OWNER_DATABASE_URL")

    def need_reader(self) -> str:
        """A URL that reads: the reader's, or the service's if there is no other."""
        return _needed(self.reader or self.service, "FUNDLEDGER_READER_DATABASE_URL")


def _needed(url: SecretStr | None, variable: str) -> str:
    if url is None:
        raise problem("database-url-missing", variable=variable)
    return url.get_secret_value()


@contextmanager
def opened(settings: Settings) -> Iterator[Place]:
    """The database of the settings, migrated if it is an embedded one that had to be started."""
    if not settings.embedded:
        yield named(settings)
        return
    running = running_superuser_url(settings.data_dir)
    if running is not None:
        yield embedded_place(running, settings.data_dir)
        return
    with running_server(settings) as server:
        yield asyncio.run(ready(server.superuser_url, settings.data_dir))


def named(settings: Settings) -> Place:
    """The database that the environment names."""
    return Place(settings.database_url, settings.owner_database_url, settings.reader_database_url, embedded=False)


@contextmanager
def running_server(settings: Settings) -> Iterator[EmbeddedServer]:
    """Start the embedded server of the data folder; stopped whatever happens, a start that was broken off included."""
    server = EmbeddedServer(settings.data_dir, bin_dir=settings.pg_bin)
    try:
        server.start()
        yield server
    finally:
        server.stop()


async def ready(superuser_url: str, data_dir: Path) -> Place:
    """Roles, database and migrations of an embedded server; quick when all is there."""
    from fundledger.db import migrate  # Alembic: most commands do without

    made = await roles.prepare(superuser_url, passwords(data_dir))
    await migrate.upgrade(made.owner_url)
    return embedded_place(superuser_url, data_dir)


def embedded_place(superuser_url: str, data_dir: Path) -> Place:
    """The URLs of the embedded database."""
    made = roles.urls(superuser_url, passwords(data_dir), roles.DATABASE)
    return Place(SecretStr(made.service_url), SecretStr(made.owner_url), SecretStr(made.reader_url), embedded=True)


def passwords(data_dir: Path) -> Passwords:
    """The embedded roles' passwords, made the first time."""
    return Passwords.kept_in(data_dir / PASSWORDS_FILE)


def running_superuser_url(data_dir: Path) -> str | None:
    """The superuser's URL of an embedded server that another process of ours runs in the folder, or None.

    The folder's lock tells: a server without a holder of the lock was left behind by a kill and is about to be ended.
    """
    try:
        with (data_dir / "lock").open(encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                port = int((data_dir / "port").read_text(encoding="utf-8"))
                password = (data_dir / "superuser.password").read_text(encoding="utf-8").strip()
                return make_url("127.0.0.1", port, user=SUPERUSER, password=password, database="postgres")
    except (OSError, ValueError):
        return None
    return None


async def set_up(settings: Settings, superuser_url: str) -> None:
    """Make roles and database on a server of one's own, with the passwords of the URLs in the environment."""
    named_urls = (settings.owner_database_url, settings.database_url, settings.reader_database_url)
    chosen = [_password(url) or secrets.token_urlsafe(32) for url in named_urls]
    database = urlsplit(named(settings).need_owner()).path.lstrip("/") or roles.DATABASE
    await roles.prepare(superuser_url, Passwords(*chosen), database=unquote(database))


def _password(url: SecretStr | None) -> str | None:
    found = None if url is None else urlsplit(url.get_secret_value()).password
    return None if found is None else unquote(found)


def without_password(url: str) -> str:
    """A URL that may be shown: no password in it."""
    parts = urlsplit(url)
    return with_login(url, parts.username or "", "").replace(":@", "@", 1)
