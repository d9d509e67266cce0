"""People and their tokens: `fundledger token`. Only the owner's role may add a person, so this is not in the service.

A token is shown once, by `issue`. `list` shows the beginning of each token's hash, which `revoke` takes: so no token
has to be typed on a command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from fundledger.access.tokens import add_staff, add_unit, issue
from fundledger.db.connection import Connection
from fundledger.db.refusals import refusals
from fundledger.errors import problem

_FIND_STAFF = """
SELECT staff_id, duties FROM staff WHERE book = $1 AND unit_id = $2 AND name = $3 ORDER BY created_at DESC LIMIT 1
"""
_LIST = """
SELECT encode(substring(t.token_hash FROM 1 FOR 6), 'hex') AS id, t.book, u.name AS unit, u.kind, s.name, s.duties,
       t.issued_at, t.expires_at, r.revoked_at
FROM token t JOIN staff s ON s.book = t.book AND s.staff_id = t.staff_id
JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
LEFT JOIN token_revocation r ON r.book = t.book AND r.token_hash = t.token_hash
WHERE $1::bigint IS NULL OR t.book = $1 ORDER BY t.book, u.name, s.name, t.issued_at
"""
_REVOKE = """
INSERT INTO token_revocation (book, token_hash, reason) SELECT book, token_hash, $2 FROM token
WHERE token_hash >= $1 AND encode(token_hash, 'hex') LIKE encode($1, 'hex') || '%' ON CONFLICT DO NOTHING RETURNING 1
"""
ID_BYTES = 6


@dataclass(frozen=True, slots=True)
class Person:
    """Who gets a token: a named person of a unit of a book, with duties."""

    book: int
    unit_kind: str
    unit: str
    name: str
    duties: Sequence[str]
    division_code: str | None = None


async def issue_token(owner_url: str, person: Person, days: int) -> str:
    """A new token; unit and person are added if they are new. A person with other duties is a new record."""
    connection: Connection = await asyncpg.connect(owner_url)
    try:
        with refusals():
            async with connection.transaction():
                unit = await add_unit(connection, person.book, person.unit_kind, person.unit, person.division_code)
                known = await connection.fetchrow(_FIND_STAFF, person.book, unit, person.name)
                if known is not None and set(known["duties"]) == set(person.duties):
                    staff = known["staff_id"]
                else:
                    staff = await add_staff(connection, person.book, unit, person.name, person.duties)
                return await issue(connection, person.book, staff, days=days)
    finally:
        await connection.close()


@dataclass(frozen=True, slots=True)
class TokenState:
    """One token as `list` shows it; never the token."""

    id: str
    book: int
    unit: str
    kind: str
    name: str
    duties: list[str]
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


async def list_tokens(owner_url: str, book: int | None) -> list[TokenState]:
    """Every token of a book, or of all."""
    connection: Connection = await asyncpg.connect(owner_url)
    try:
        return [TokenState(**dict(row)) for row in await connection.fetch(_LIST, book)]
    finally:
        await connection.close()


async def revoke_token(owner_url: str, token_id: str, reason: str) -> None:
    """End the token of that id (as listed); `token-id-unknown` if there is none or it has ended."""
    try:
        prefix = bytes.fromhex(token_id)
    except ValueError:
        prefix = b""
    if len(prefix) != ID_BYTES:
        raise problem("token-id-unknown", id="?")  # it may be the token itself, which is never shown
    connection: Connection = await asyncpg.connect(owner_url)
    try:
        if await connection.fetchval(_REVOKE, prefix, reason) is None:
            raise problem("token-id-unknown", id=token_id)
    finally:
        await connection.close()
