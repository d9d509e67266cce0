"""Openings of the name and card commitments of exactly the payees a bundle is of, and of nobody else.

Salts and sealed values stand beside the list until they are erased; what was erased is told as such. Nothing here is
logged, and no refusal holds a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fundledger.db.connection import Connection
from fundledger.payments.store import open_private
from fundledger.registry.vault import Vault
from fundledger.trail.queue import Slice
from fundledger.verifier.manifest import OpeningRow

OPENED: Final = frozenset({"household", "person", "organisation", "line"})
"""Scopes that are of payees; a whole entry is of many."""
_PRIVATE: Final = """SELECT l.position, p.book, p.instruction_id, p.line_no, s.name_salt, s.card_salt, s.sealed
    FROM unnest($1::bigint[], $2::uuid[], $3::integer[]) k (book, entry_id, line_no)
    JOIN entry e ON e.book = k.book AND e.entry_id = k.entry_id
    JOIN log_leaf l ON l.book = e.book AND l.kind = 'entry' AND l.record_id = e.entry_id
    JOIN payment_line p ON p.book = e.book AND p.instruction_id = e.instruction_id AND p.line_no = k.line_no
    LEFT JOIN payment_line_private s ON s.book = p.book AND s.instruction_id = p.instruction_id
        AND s.line_no = p.line_no
    ORDER BY l.position, p.line_no"""


async def openings(connection: Connection, vault: Vault, found: Sequence[Slice]) -> list[OpeningRow]:
    """Of the lines that were asked for (the trail's starts), by position and line."""
    keys = sorted({edge.transfer.key for edge in found if edge.depth == 0})
    columns = ([key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys])
    made: list[OpeningRow] = []
    for row in await connection.fetch(_PRIVATE, *columns):
        plain: dict[str, str] = {}
        if row["sealed"] is not None:
            plain = open_private(vault, row["book"], row["instruction_id"], row["line_no"], row["sealed"])
        for name, salt in (("name", row["name_salt"]), ("card", row["card_salt"])):
            opened = name in plain and salt is not None
            made.append(OpeningRow(
                position=row["position"], line_no=row["line_no"], field="name" if name == "name" else "card",
                salt=bytes(salt).hex() if opened else None, value=plain[name] if opened else None,
            ))  # fmt: skip
    return made
