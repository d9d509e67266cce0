"""Idempotency keys for calls that make a record without passing the gate (the gate claims its own keys).

A key binds to success only, within the caller's unit, for ever. The row is written in the caller's transaction: a
concurrent repeat waits at the unique key until the first commits (and is then a replay) or fails (and then goes on).
"""

from __future__ import annotations

from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem

_CLAIM = """
INSERT INTO idempotency (book, unit_id, key, request_sha256, kind, record_id) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING RETURNING record_id
"""
_FIND = "SELECT request_sha256, kind, record_id FROM idempotency WHERE book = $1 AND unit_id = $2 AND key = $3"


async def claim(
    connection: Connection, caller: Caller, key: str, request_sha256: bytes, kind: str, record_id: UUID
) -> UUID | None:
    """Bind the key to `record_id`; the earlier record's id if this request was done before (a replay), else None.

    Raises `idempotency-conflict` when the key was used with another body.
    """
    with_ids = (caller.book, caller.unit_id, key)
    fresh = await connection.fetchval(_CLAIM, *with_ids, request_sha256, kind, record_id)
    if fresh is not None:
        return None
    row = await connection.fetchrow(_FIND, *with_ids)
    if row is None or row["request_sha256"] != request_sha256 or row["kind"] != kind:
        raise problem("idempotency-conflict", key=key)
    return UUID(str(row["record_id"]))
