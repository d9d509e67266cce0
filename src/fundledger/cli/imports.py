"""`fundledger import`: files into the registry through the same functions as the service, as the service's role.

Divisions are public and need nobody's name. Households are imported as a person: the token in FUNDLEDGER_TOKEN says
who, and the demand is that of the HTTP route (an office's maker, own book). Personal data is hashed and sealed with the
keys of the settings before it reaches the database.
"""

from __future__ import annotations

import hashlib

from fundledger.access.policy import OFFICES, Demand
from fundledger.access.tokens import Tokens
from fundledger.book.idempotency import claim
from fundledger.db.database import Database, driver_of
from fundledger.db.refusals import refusals
from fundledger.ids import new_id
from fundledger.registry.divisions import import_divisions, read_divisions
from fundledger.registry.households import import_households
from fundledger.registry.registered import adopt_registered
from fundledger.registry.vault import Vault
from fundledger.settings import Settings


async def divisions(service_url: str, content: bytes, source: str) -> int:
    """Import a list of divisions (行政区划); how many were new."""
    rows = read_divisions(content)
    database = Database(service_url, pool_size=1)
    try:
        with refusals():
            async with database.writing() as session:
                return await import_divisions(await driver_of(session), rows, source=source)
    finally:
        await database.dispose()


async def households(service_url: str, settings: Settings, token: str, book: int, content: bytes, key: str) -> str:
    """Import households (建档立卡户) once per key; a sentence about what was made."""
    database = Database(service_url, pool_size=2)
    try:
        caller = await Tokens(database).caller(token)
        Demand(OFFICES, "maker", writes=True).refuse(caller, book)
        digest = hashlib.sha256(f"import households {book}\n".encode() + content).digest()
        new = new_id()
        with refusals():
            async with database.writing() as session:
                connection = await driver_of(session)
                if await claim(connection, caller, key, digest, "registry_import", new) is not None:
                    return "done before under this key; nothing was added"
                vault = Vault.open(settings.keys_path)
                counts = await import_households(connection, caller, vault, book, new, digest, content)
        return f"{counts}"
    finally:
        await database.dispose()


async def registered_accounts(service_url: str, settings: Settings) -> int:
    """Make the cards and accounts that the first version sealed with their holders accounts of their own; how many."""
    database = Database(service_url, pool_size=1)
    try:
        with refusals():
            async with database.writing() as session:
                return await adopt_registered(await driver_of(session), Vault.open(settings.keys_path))
    finally:
        await database.dispose()
