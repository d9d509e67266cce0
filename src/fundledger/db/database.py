"""The service's connections: one pool, two kinds of transaction, and the driver underneath for COPY and the gate.

`writing` commits on normal exit and rolls back on any error; `reading` is a REPEATABLE READ, READ ONLY snapshot, so
that the parts of one answer belong together. Nobody else commits. READ COMMITTED with sorted locks is the isolation
of writes: no rule rests on SERIALIZABLE.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from sqlalchemy import event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.db.connection import Connection
from fundledger.db.urls import sqlalchemy_url

SERVER_SETTINGS = {
    "application_name": "fundledger",
    # Every query of ours is short or streams; one that hangs must not hold its locks for ever.
    "lock_timeout": "60s",
    "idle_in_transaction_session_timeout": "300s",
    "jit": "off",
}


class Database:
    """A pool of connections of one role. Make one per process; `dispose` closes it."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=False,
            # The one that was used last has its plans and pages at hand.
            pool_use_lifo=True,
            # An error's text goes to the log; the values of a statement may be personal data.
            hide_parameters=True,
            connect_args={"server_settings": SERVER_SETTINGS, "timeout": 30},
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_unfit)

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A transaction that commits on normal exit, READ COMMITTED."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A read-only snapshot; it never commits anything."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            await session.connection(
                execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            )
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """The same as `reading` without a session, for answers where each round trip counts."""
        async with (
            self.driver() as connection, connection.transaction(isolation="repeatable_read", readonly=True)
        ):  # fmt: skip
            yield connection

    @asynccontextmanager
    async def driver(self) -> AsyncIterator[Connection]:
        """A bare asyncpg connection in autocommit: each call is a transaction of its own (the gate, the sequencer)."""
        # Straight from the pool: SQLAlchemy's own connection around it took as long as signing a receipt.
        try:
            pooled = await self.engine.raw_connection()
        except self.engine.dialect.loaded_dbapi.Error as error:
            # What connecting met, in asyncpg's own words, as every other error that comes out of here.
            raise error.__cause__ or error from None
        try:
            yield cast(Connection, pooled.driver_connection)
        finally:
            await greenlet_spawn(pooled.close)


def _refuse_unfit(connection: DBAPIConnection, *_: object) -> None:
    """Have the pool open a new connection where this one was closed, in use or since, or left in a transaction.

    It would hand it out for ever; and knows nothing of the driver's own transactions, whose end a cancelled task may
    have missed: what the next one writes would be committed by nobody.
    """
    driver = connection.driver_connection
    if driver.is_closed() or driver.is_in_transaction():
        raise DisconnectionError


async def driver_of(session: AsyncSession) -> Connection:
    """The asyncpg connection inside the session's own transaction, for COPY and arrays."""
    connection = await session.connection()
    # SQLAlchemy begins lazily; a driver call before its first statement would stand outside the transaction.
    await connection.execute(text("SELECT 1"))
    raw = await connection.get_raw_connection()
    return cast(Connection, raw.driver_connection)


__all__ = ["AsyncSession", "Database", "driver_of"]
