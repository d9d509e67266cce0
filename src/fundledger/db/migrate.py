"""Bringing a database to the newest schema: Alembic, in this process, as the owner role.

Used by `serve` (embedded), ``fundledger migrate`` and the tests. The revisions are SQL text: a revision of
``migrations/versions`` calls `run_sql_file` for files of ``migrations/sql``. Each revision is one transaction, and an
advisory lock makes two migrations of one database wait for each other. A migration that cannot get a lock within
seconds gives up rather than stopping everybody's work.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from fundledger.db.urls import sqlalchemy_url

VERSION_TABLE_SCHEMA = "public"
LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "30min"
MIGRATION_LOCK = 0x66756E64
"""The advisory lock's key ("fund" in ASCII)."""


def migrations_dir() -> Path:
    """The migrations: beside ``src`` in a checkout and in the image, inside the package in an installed wheel."""
    package = Path(__file__).resolve().parent.parent
    for place in (package.parent.parent / "migrations", package / "migrations"):
        if (place / "env.py").is_file():
            return place
    raise FileNotFoundError("the folder of the migrations is missing beside src and in the package")


def head() -> str | None:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def knows(revision: str) -> bool:
    """Whether this code can bring a database of that revision up to date."""
    return any(script.revision == revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


async def upgrade(owner_url: str, revision: str = "head") -> None:
    """Migrate to ``revision``; does nothing when the database is already there."""
    await _with_connection(owner_url, lambda connection: command.upgrade(_config(connection), revision))


async def current(url: str) -> str | None:
    """The revision a database is at, or nothing before its first migration. Any role that may read it will do."""
    found: list[str | None] = []

    def look(connection: Connection) -> None:
        options = {"version_table_schema": VERSION_TABLE_SCHEMA}
        found.append(MigrationContext.configure(connection, opts=options).get_current_revision())

    await _with_connection(url, look)
    return found[0]


def prepare_connection(connection: Connection) -> None:
    """Set the timeouts and take the migration lock, for the session (called by ``migrations/env.py``)."""
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
    connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    connection.exec_driver_sql(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
    connection.commit()


def run_sql_file(connection: Connection, path: Path) -> None:
    """Run a file of any number of SQL statements, dollar-quoted bodies included, in the current transaction.

    asyncpg's own ``execute`` sends the text as it is, and the server splits it; SQLAlchemy's would prepare it, which
    allows one statement only. For a revision: ``run_sql_file(op.get_bind(), SQL / "0001_book.sql")``.
    """
    run_sql(connection, path.read_text(encoding="utf-8"))


def run_sql_folder(connection: Connection, revision: str) -> None:
    """Run the SQL files of a revision's folder below ``migrations/sql`` in the order of their names."""
    for path in sorted((migrations_dir() / "sql" / revision).glob("*.sql")):
        run_sql_file(connection, path)


def run_sql(connection: Connection, text: str) -> None:
    """Run several statements given as text; see `run_sql_file`."""
    # SQLAlchemy begins lazily, at its own first statement; without one the text would commit by itself.
    connection.exec_driver_sql("SELECT 1")
    driver = connection.connection.driver_connection
    assert driver is not None
    await_only(driver.execute(text))


async def _with_connection(url: str, work: Callable[[Connection], None]) -> None:
    engine = create_async_engine(sqlalchemy_url(url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(work)
    finally:
        await engine.dispose()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    # Alembic expands % in values; a folder may have one in its name.
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config
