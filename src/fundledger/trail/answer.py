"""One question about the way of money, answered: the page of the trail, its origins and ends, and what was met."""

from __future__ import annotations

from dataclasses import dataclass

from fundledger.book.asof import NOW, AsOf
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.trail.describe import Nodes, Row, describe, destinations, origins
from fundledger.trail.hops import Ledger
from fundledger.trail.queue import Slice, TrailBrokenError
from fundledger.trail.starts import Place, Starts, Subject, start
from fundledger.trail.walk import Direction, Path, walk

LIMIT = 1_000


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
    # The planner's generic plans date from when a table was empty; these queries are worth a plan each.
    await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    ledger = Ledger(connection, as_of.position)
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


def _beyond(begin: Starts, path: Path) -> Place | None:
    """Where the next page begins: in the start that the horizon cut, or at the first that was not read."""
    for piece in begin.slices:
        if piece.at + piece.amount > path.amount:
            offset = piece.offset + max(path.amount - piece.at, 0)
            return Place(piece.transfer.entry_id, piece.transfer.line_no, offset)
    return begin.beyond
