"""Checkpoints as they are published (检查点): the stored note, and below it the cosignatures that came since.

Read by ``/v1/log``, the trail and bundles. A checkpoint is answered with everything that was accepted for it, whatever
keys are trusted today: readers judge by keys of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.sealing.checkpoint import Checkpoint, peek
from fundledger.sealing.note import SIGNATURES_MAX
from fundledger.sealing.tree import consistency

OWN_LINES: Final = 4
"""Room for the log's own signatures: the key in force and the one before it, and some to spare."""
_SELECT: Final = f"""SELECT c.size, c.root, c.note, ARRAY(SELECT s.line FROM log_cosignature s
    WHERE s.size = c.size ORDER BY s.received_at, s.name, s.key_id LIMIT {SIGNATURES_MAX - OWN_LINES}) AS cosignatures
    FROM log_checkpoint c"""
_NEWEST: Final = f"{_SELECT} ORDER BY c.size DESC LIMIT 1"
_NEWEST_COSIGNED: Final = f"""{_SELECT} WHERE c.size = (SELECT size FROM log_cosignature ORDER BY size DESC LIMIT 1)"""
_OF_SIZE: Final = f"{_SELECT} WHERE c.size = $1"


@dataclass(frozen=True, slots=True)
class Published:
    """A signed note of a checkpoint, with its cosignatures."""

    size: int
    root: bytes
    note: str

    @property
    def checkpoint(self) -> Checkpoint:
        """What the note says."""
        return peek(self.note)


async def newest(connection: Connection, *, cosigned: bool = False) -> Published:
    """The newest checkpoint, or the newest that a witness cosigned; `log-checkpoint-not-found` before there is one."""
    return _published(await connection.fetchrow(_NEWEST_COSIGNED if cosigned else _NEWEST))


async def of_size(connection: Connection, size: int) -> Published:
    """The checkpoint of exactly this size; `log-checkpoint-not-found`."""
    return _published(await connection.fetchrow(_OF_SIZE, size))


async def asked_for(connection: Connection, size: int | None, *, cosigned: bool = False) -> Published:
    """The one of a size, or the newest."""
    return await newest(connection, cosigned=cosigned) if size is None else await of_size(connection, size)


async def consistent(connection: Connection, old: int, size: int) -> list[bytes]:
    """The proof that the log of `old` leaves is the beginning of that of `size`; `log-size-out-of-range`."""
    length = await connection.fetchval("SELECT coalesce(max(position) + 1, 0) FROM log_leaf")
    if not 0 <= old <= size <= length:
        raise problem("log-size-out-of-range", old=str(old), size=str(size), length=str(length))
    return await consistency(connection, old, size)


def _published(row: Any) -> Published:
    if row is None:
        raise problem("log-checkpoint-not-found")
    return Published(row["size"], row["root"], row["note"] + "".join(f"{line}\n" for line in row["cosignatures"]))
