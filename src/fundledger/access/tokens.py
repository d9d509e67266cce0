"""Tokens: issue (as owner), authenticate (as service), revoke (as owner).

Authentication is looked up once and remembered for CACHE_SECONDS, so a revoked token works at most that much longer;
an unknown token is not remembered. Nothing here logs a token or its hash.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.db.database import Database
from fundledger.db.refusals import refusals
from fundledger.errors import problem
from fundledger.ids import new_id

CACHE_SECONDS = 2.0
CACHE_MAX = 10_000
PREFIX = "fl_"
"""Tokens carry it so that a secret scanner recognises one that was leaked."""

_FIND = """
SELECT t.book, s.staff_id, s.unit_id, u.kind, s.name, s.duties, u.division_code, t.expires_at
FROM token t
JOIN staff s ON s.book = t.book AND s.staff_id = t.staff_id
JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
WHERE t.token_hash = $1 AND t.expires_at > now()
  AND NOT EXISTS (SELECT FROM token_revocation r WHERE r.book = t.book AND r.token_hash = t.token_hash)
"""


class Tokens:
    """Authentication with a short memory. One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[bytes, tuple[float, Caller]] = {}

    async def caller(self, token: str) -> Caller:
        """The person behind a token; raises `token-unknown` (expired and revoked ones too)."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        with refusals():
            async with self._database.driver() as connection:
                row = await connection.fetchrow(_FIND, digest)
        if row is None:
            self._known.pop(digest, None)
            raise problem("token-unknown")
        caller = Caller(
            row["book"], row["staff_id"], row["unit_id"], row["kind"], row["name"], frozenset(row["duties"]),
            row["division_code"],
        )  # fmt: skip
        if len(self._known) >= CACHE_MAX:
            self._known.clear()
        self._known[digest] = (time.monotonic() + CACHE_SECONDS, caller)
        return caller


async def add_unit(owner: Connection, book: int, kind: str, name: str, division_code: str | None = None) -> UUID:
    """The unit of that name, added if it is new (单位). Needs the owner role."""
    known = await owner.fetchval("SELECT unit_id FROM unit WHERE book = $1 AND name = $2", book, name)
    if known is not None:
        return UUID(str(known))
    unit_id = new_id()
    await owner.execute(
        "INSERT INTO unit (book, unit_id, name, kind, division_code) VALUES ($1, $2, $3, $4, $5)",
        book, unit_id, name, kind, division_code,
    )  # fmt: skip
    return unit_id


async def add_staff(owner: Connection, book: int, unit_id: UUID, name: str, duties: Sequence[str]) -> UUID:
    """A new person of a unit with duties. Needs the owner role."""
    staff_id = new_id()
    await owner.execute(
        "INSERT INTO staff (book, staff_id, unit_id, name, duties) VALUES ($1, $2, $3, $4, $5)",
        book, staff_id, unit_id, name, list(duties),
    )  # fmt: skip
    return staff_id


async def issue(owner: Connection, book: int, staff_id: UUID, *, days: int = 365, token: str | None = None) -> str:
    """A new token for a person, shown this once. Needs the owner role."""
    secret = token or PREFIX + secrets.token_urlsafe(32)
    await owner.execute(
        "INSERT INTO token (book, token_hash, staff_id, expires_at) VALUES ($1, $2, $3, $4)",
        book, hashlib.sha256(secret.encode()).digest(), staff_id, datetime.now(UTC) + timedelta(days=days),
    )  # fmt: skip
    return secret


async def revoke(owner: Connection, token: str, reason: str) -> None:
    """End a token. Needs the owner role; raises `token-unknown`."""
    done = await owner.execute(
        "INSERT INTO token_revocation (book, token_hash, reason) SELECT book, token_hash, $2 FROM token "
        "WHERE token_hash = $1 ON CONFLICT DO NOTHING",
        hashlib.sha256(token.encode()).digest(), reason,
    )  # fmt: skip
    if done.endswith(" 0"):
        raise problem("token-unknown")
