"""One question about the way of money, answered: the page of the trail, its origins and ends, and what was met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fundledger.book.asof import NOW, AsOf
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.sealing.records import PREFER_INDEXES
from fundledger.trail.describe import Nodes, Row, describe, destinations, origins
from fundledger.trail.hops import Ledger
from fundledger.trail.queue import Slice, TrailBrokenError
from fundledger.trail.starts import Place, Starts, Subject, start
from fundledger.trail.walk import Direction, Path, walk

LIMIT = 1_000


NARROW: Final = frozenset({"line", "household", "person"})
"""Subjects whose start is a few index seeks, like every hop."""
_BIG: Final = 2 * 1024 * 1024
"""Bytes of the table of transfers from which on a narrow trail is planned once."""
_ONCE: Final = f"""SELECT set_config('plan_cache_mode', CASE WHEN pg_relation_size('transfer') > {_BIG}
    THEN 'force_generic_plan' ELSE 'force_custom_plan' END, true), {PREFER_INDEXES}"""
_EACH: Final = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"


@dataclass(frozen=True, slots=True)
class Trail:
    """A page of a trail; amounts in fen. `asked` is of all pages, `amount` of this one: the sum of its ends."""

    asked: int
    amount: int
    edges: list[Slice]
    origins: list[Row]
    ends: list[Row]
    nodes: Nodes
    beyond: Place | None
    round_trips: int


async def trail(
    connection: Connection,
    book: int,
    subject: Subject,
    direction: Direction,
    *,
    as_of: AsOf = NOW,
    undone: bool | None = None,
    after: Place | None = None,
    limit: int = LIMIT,
    books: frozenset[int] | None = None,
) -> Trail:
    """Follow the money of `subject` in `book`, in the caller's snapshot; a page of `limit` edges from `after` on.

    Downwards only into `books` (None: any). Raises `trail-start-not-found`, `trail-limit-too-small`,
    `as-of-not-for-trails` (an effective day does not say what was known), `trail-broken` (a hop lost money: a bug).
    """
    if as_of.effective_on is not None:
        raise problem("as-of-not-for-trails")
    ledger = Ledger(connection, as_of.position)
    await plan_for(connection, once=as_of.position is None and subject.kind in NARROW)
    begin = await start(ledger, book, subject, direction, undone=undone, after=after, limit=limit)
    if direction == "up":
        # What is upstream of money was there before it (lock order), so nothing has to be left out.
        ledger.position = None
    try:
        path = await walk(ledger, direction, begin.slices, limit=limit, books=books)
    except TrailBrokenError as error:
        raise problem("trail-broken", reason=str(error)) from error
    nodes = await describe(ledger, path.edges)
    return Trail(
        begin.asked, path.amount, path.edges, origins(ledger, nodes, path.ends), destinations(path.ends), nodes,
        _beyond(begin, path), ledger.round_trips,
    )  # fmt: skip


async def plan_for(connection: Connection, *, once: bool) -> None:
    """How the rest of the transaction is planned: `once` per connection, or for each question anew.

    Planning costs a narrow trail more than running it, and its questions are seeks on keys whatever the values are, so
    one plan will do; but a plan that was made while the tables were small would read them whole later. Wide starts, and
    trails as of a position, deserve a plan of their own.
    """
    await connection.fetchrow(_ONCE if once else _EACH)


def _beyond(begin: Starts, path: Path) -> Place | None:
    """Where the next page begins: in the start that the horizon cut, or at the first that was not read."""
    for piece in begin.slices:
        if piece.at + piece.amount > path.amount:
            offset = piece.offset + max(path.amount - piece.at, 0)
            return Place(piece.transfer.entry_id, piece.transfer.line_no, offset)
    return begin.beyond
