"""Reversal (冲销): undoing an entry, in whole or in part, by a new entry in an open month that names what it undoes.

`draft_reversal` only works out what is left to undo; the gate decides when it posts: at most the original is undone
(`undo-exceeds`), not before it was done (`undo-before-original`), not where the receiver has spent it
(`spent-downstream`), never an undo itself (`undo-of-undo`), a crossing only by the city and then on both sides
(`undo-of-crossing-by-district`), a payment only by a bank return (`undo-kind`), and only by an office that could have
made the original (`undo-of-another-office`). Unfunding a project, taking back a release (收回) and correcting an
allocation are all reversals. An allocation whose entry was undone stays on the books at zero: allocating that village
again needs a supplementary document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.book.headings import Heading
from fundledger.book.instructions import Leg, draft
from fundledger.db.connection import Connection
from fundledger.errors import Fault, problem

_ENTRY = "SELECT functional_class, economic_class FROM entry WHERE book = $1 AND entry_id = $2"

_LEFT = """
SELECT t.line_no, t.amount - coalesce(u.undone, 0)::bigint AS remaining
FROM transfer t
LEFT JOIN LATERAL (SELECT sum(v.amount) AS undone FROM transfer v
    WHERE v.book = t.book AND v.undoes_entry_id = t.entry_id AND v.undoes_line_no = t.line_no) u ON true
WHERE t.book = $1 AND t.entry_id = $2 ORDER BY t.line_no
"""


@dataclass(frozen=True, slots=True)
class UndoLine:
    """One line of the original to undo; `amount` in fen, None for all that is left."""

    line_no: int
    amount: int | None = None


async def draft_reversal(
    connection: Connection,
    caller: Caller,
    book: int,
    instruction_id: UUID,
    heading: Heading,
    entry_id: UUID,
    lines: Sequence[UndoLine] = (),
    *,
    kind: str = "reverse",
    inputs: str = "",
) -> None:
    """Draft the undoing of an entry of this book; no lines: everything that is left of it.

    `kind` is the entry kind that undoes; `inputs` names what it rests on.

    Raises `entry-not-found`, `undo-not-found` (no such line), `nothing-to-reverse`. The classification stays.
    """
    entry = await connection.fetchrow(_ENTRY, book, entry_id)
    if entry is None:
        raise problem("entry-not-found")
    left = {row["line_no"]: row["remaining"] for row in await connection.fetch(_LEFT, book, entry_id)}
    legs = [Leg(amount, undoes_entry_id=entry_id, undoes_line_no=line) for line, amount in _amounts(left, lines)]
    if not legs:
        raise problem("nothing-to-reverse")
    classes = {"functional_class": entry["functional_class"], "economic_class": entry["economic_class"]}
    await draft(connection, caller, book, heading.over(instruction_id, kind, legs, inputs=inputs, **classes))


def _amounts(left: dict[int, int], lines: Sequence[UndoLine]) -> list[tuple[int, int]]:
    """(line, fen) to undo; a named amount stands as it is, the gate judges it."""
    wanted = lines or [UndoLine(line_no) for line_no in left]
    unknown = [
        Fault("undo-not-found", pointer=f"/lines/{at}/line_no")
        for at, line in enumerate(lines)
        if line.line_no not in left
    ]
    if unknown:
        raise problem("undo-not-found", faults=unknown)
    amounts = [(line.line_no, left[line.line_no] if line.amount is None else line.amount) for line in wanted]
    return [(line, amount) for line, amount in amounts if amount > 0]
