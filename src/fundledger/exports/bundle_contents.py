"""The texts of instructions as they were approved (docs/formats.md section 5), streamed in parts.

The same functions that `verify --database` hashes with make the text, from immutable rows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.sealing.content import head_text, line_text
from fundledger.sealing.leaf import Row

CHUNK = 2_000
Key = tuple[int, UUID]

_KEYED = "FROM unnest($1::bigint[], $2::uuid[]) k (book, instruction_id) JOIN"
_MATCH = "r ON r.book = k.book AND r.instruction_id = k.instruction_id"
_HEADERS = f"SELECT r.* {_KEYED} instruction {_MATCH}"
_LEGS = f"SELECT r.* {_KEYED} instruction_leg {_MATCH} ORDER BY r.book, r.instruction_id, r.leg_no"
_LISTS = f"SELECT r.* {_KEYED} payment_list {_MATCH}"
_LINES = """SELECT * FROM payment_line WHERE book = $1 AND instruction_id = $2 AND (leg_no, line_no) > ($3, $4)
    ORDER BY leg_no, line_no LIMIT $5"""


class Texts:
    """The heads of a batch of instructions; their lines are read one by one."""

    def __init__(self, heads: dict[Key, tuple[str, bool]]) -> None:
        self._heads = heads

    @classmethod
    async def read(cls, connection: Connection, keys: Sequence[Key]) -> Texts:
        """Read the heads of these instructions; those that do not exist are left out."""
        arguments = ([book for book, _ in keys], [instruction for _, instruction in keys])
        headers = {_key(row): row for row in await connection.fetch(_HEADERS, *arguments)}
        legs = {key: list(rows) for key, rows in groupby(await connection.fetch(_LEGS, *arguments), _key)}
        lists = {_key(row): row for row in await connection.fetch(_LISTS, *arguments)}
        return cls({
            key: (head_text(row, legs.get(key, []), lists.get(key)), key in lists) for key, row in headers.items()
        })  # fmt: skip

    async def parts(self, connection: Connection, key: Key) -> AsyncIterator[str]:
        """The text of one instruction, in parts that follow on each other; nothing if it is gone."""
        if key not in self._heads:
            return
        head, listed = self._heads[key]
        yield head
        leg_no, line_no = 0, 0
        while listed and (rows := await connection.fetch(_LINES, *key, leg_no, line_no, CHUNK)):
            yield "".join(map(line_text, rows))
            leg_no, line_no = rows[-1]["leg_no"], rows[-1]["line_no"]
            if len(rows) < CHUNK:
                return


def _key(row: Row) -> Key:
    return row["book"], row["instruction_id"]
