"""The three roles, the migrations that the owner runs, and that running either again changes nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.ext.asyncio import create_async_engine

from fundledger.db import migrate, roles
from fundledger.db.connection import Connection
from fundledger.db.urls import sqlalchemy_url
from tests.databases import Database, connected

TWO_STATEMENTS = """
CREATE FUNCTION answer() RETURNS integer LANGUAGE plpgsql AS $body$
BEGIN
    RETURN 42; -- a semicolon; inside
END;
$body$;
CREATE TABLE after_it (n integer);
"""


async def test_no_role_is_more_than_a_login(superuser: Connection) -> None:
    rows = await superuser.fetch("SELECT * FROM pg_roles WHERE rolname LIKE 'fundledger\\_%' ORDER BY rolname")
    assert [row["rolname"] for row in rows] == [roles.OWNER, roles.READER, roles.SERVICE]
    for row in rows:
        powers = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")
        assert row["rolcanlogin"]
        assert not any(row[power] for power in powers)
    assert (
        await superuser.fetchval("SELECT count(*) FROM pg_auth_members WHERE roleid::regrole::text LIKE 'fund%'") == 0
    )


async def test_preparing_again_changes_nothing(db: Database) -> None:
    await roles.prepare(db.server.superuser_url, db.server.passwords, database=db.name)
    await migrate.upgrade(db.owner_url)
    assert await migrate.current(db.owner_url) == migrate.head()


async def test_service_and_reader_make_no_tables(service: Connection, reader: Connection) -> None:
    for connection in (service, reader):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            await connection.execute("CREATE TABLE mine (n integer)")
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            await connection.execute("CREATE TEMPORARY TABLE mine (n integer)")


async def test_file_of_many_statements_runs_in_the_transaction_of_its_caller(db: Database, tmp_path: Path) -> None:
    file = tmp_path / "two.sql"
    file.write_text(TWO_STATEMENTS, encoding="utf-8")

    def run(connection: SyncConnection) -> None:
        migrate.run_sql_file(connection, file)

    engine = create_async_engine(sqlalchemy_url(db.owner_url))
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.rollback()
        assert (await connection.exec_driver_sql("SELECT to_regclass('after_it')")).scalar() is None
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()
    async with connected(db.owner_url) as plain:
        assert await plain.fetchval("SELECT answer()") == 42


def test_passwords_are_kept_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "roles.json"
    made = roles.Passwords.kept_in(path)
    assert roles.Passwords.kept_in(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
