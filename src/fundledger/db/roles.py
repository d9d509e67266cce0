"""The three roles and the database: made once by a superuser, checked as often as one likes.

``fundledger_owner`` owns the database and migrates it, ``fundledger_service`` is the running service, and
``fundledger_reader`` is for auditors. What the last two may do to a table is granted by the migrations; this module
only lets them in. Used by `serve` in the embedded case (passwords are kept in a file of mode 600), by the tests, and by
whoever sets up a server of their own (``fundledger migrate --superuser``). Everything here can be repeated.

A session of the service that could act as owner would make the rest worthless, so no role is a member of another.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg

from fundledger.db.connection import Connection
from fundledger.db.urls import with_database, with_login
from fundledger.files.whole import write_whole

OWNER = "fundledger_owner"
SERVICE = "fundledger_service"
READER = "fundledger_reader"
DATABASE = "fundledger"
SUPERUSER_ONLY = "NOSUPERUSER NOREPLICATION NOBYPASSRLS"
_NOT_FOR_READERS = f"""
DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace
        AND (p.proname LIKE 'pg\\_%advisory%' OR p.proname LIKE 'lo\\_%'
             OR p.proname IN ('lowrite', 'pg_logical_emit_message'))
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', v_function);
        IF v_function::text LIKE 'pg\\_%advisory%' THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {OWNER}, {SERVICE}', v_function);
        END IF;
    END LOOP;
END $$
"""
"""What PostgreSQL lets everybody do and a read-only transaction too: take the locks that sealing and posting wait for,
write large objects and the server's log of changes."""


@dataclass(frozen=True, slots=True)
class Passwords:
    """The passwords of the three roles."""

    owner: str
    service: str
    reader: str

    @classmethod
    def generate(cls) -> Passwords:
        """Three fresh random ones."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    @classmethod
    def kept_in(cls, path: Path) -> Passwords:
        """Those of the file, made and written (mode 600) the first time."""
        if not path.exists():
            write_whole(path, json.dumps(asdict(cls.generate()), indent=2) + "\n")
        return cls(**json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One database as each of the three roles sees it; plain ``postgresql://`` URLs."""

    name: str
    owner_url: str
    service_url: str
    reader_url: str


async def prepare(superuser_url: str, passwords: Passwords, *, database: str = DATABASE) -> DatabaseUrls:
    """Make the roles and the database where they are missing, set the passwords, and let the roles in."""
    connection = await asyncpg.connect(superuser_url)
    try:
        await ensure_roles(connection, passwords)
        await ensure_database(connection, database)
    finally:
        await connection.close()
    await narrow(superuser_url, database)
    return urls(superuser_url, passwords, database)


def urls(server_url: str, passwords: Passwords, database: str) -> DatabaseUrls:
    """The URLs of the three roles for one database of the server that any URL names."""
    place = with_database(server_url, database)
    return DatabaseUrls(
        name=database,
        owner_url=with_login(place, OWNER, passwords.owner),
        service_url=with_login(place, SERVICE, passwords.service),
        reader_url=with_login(place, READER, passwords.reader),
    )


async def ensure_roles(connection: Connection, passwords: Passwords) -> None:
    """Make the three roles, with no attribute beyond logging in, and set their passwords."""
    # Only a superuser may even say NOSUPERUSER; a managed server's administrator gets these by creating the role.
    attributes = SUPERUSER_ONLY if await _is_superuser(connection) else ""
    for role, password in ((OWNER, passwords.owner), (SERVICE, passwords.service), (READER, passwords.reader)):
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
            await connection.execute(f"CREATE ROLE {role}")
        statement = f"ALTER ROLE %I LOGIN NOCREATEDB NOCREATEROLE {attributes} PASSWORD %L"
        await _run(connection, statement, role, password)
    # A habit, not a wall (the grants are the wall): auditors' tools open read-only transactions by default.
    await connection.execute(f"ALTER ROLE {READER} SET default_transaction_read_only = on")


async def ensure_database(connection: Connection, name: str) -> None:
    """Make the database, owned by the owner role, and let nobody else in than the three roles."""
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
        if not await _is_superuser(connection):
            # A managed server's administrator must be a member of a role to give it a database.
            await connection.execute(f"GRANT {OWNER} TO CURRENT_USER")
        await _run(connection, "CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING 'UTF8'", name, OWNER)
    await let_in(connection, name)


async def let_in(connection: Connection, name: str) -> None:
    """Set who may connect. A database made from a template does not get these grants from it."""
    await _run(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", name)
    await _run(connection, f"GRANT CONNECT ON DATABASE %I TO {SERVICE}, {READER}", name)


async def narrow(superuser_url: str, name: str) -> None:
    """Leave the reader no lock that the service waits for. These rights are of one database, and a superuser's to take.

    A managed server's administrator can't: there a reader's session has to be trusted, or ended by hand.
    """
    connection = await asyncpg.connect(with_database(superuser_url, name))
    try:
        if await _is_superuser(connection):
            await connection.execute(_NOT_FOR_READERS)
    finally:
        await connection.close()


async def _is_superuser(connection: Connection) -> bool:
    return bool(await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))


async def _run(connection: Connection, template: str, *arguments: str) -> None:
    """Run a statement that takes no bound parameters, with names and literals quoted by the server itself."""
    places = ", ".join(f"${number}::text" for number in range(2, len(arguments) + 2))
    statement: str = await connection.fetchval(f"SELECT format($1::text, {places})", template, *arguments)
    await connection.execute(statement)
