"""Follows slices hop by hop, up to where money came from or down to where it went, one page of it at a time.

All slices of a hop are asked for together, book by book, so a trail costs a few round trips per hop whatever its width.
A page is cut on the asked axis: it is the whole trail of the first fen asked for, never half the trail of all of them,
so that its ends add up to its amount exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal
from uuid import UUID

from fundledger.errors import problem
from fundledger.trail import hops
from fundledger.trail.hops import Ledger
from fundledger.trail.queue import (
    Ask,
    End,
    Outcome,
    Queue,
    Slice,
    Step,
    TrailBrokenError,
    Transfer,
    clipped,
    conserve,
    downwards,
    merged,
    tiles,
    upwards,
)

Direction = Literal["up", "down"]
NO_HORIZON = 2**63 - 1
BORDER = ("released", "upper_transfer")
"""Where money leaves a book for another one: the same line of the crossing goes on there."""
HOPS_MAX = 1_000
"""A trail has some six hops, and two more for every return that was paid again; beyond this something is wrong."""


@dataclass(slots=True)
class Path:
    """A page of a trail: `amount` fen of what was asked for, every slice they passed and every end they reached."""

    amount: int
    edges: list[Slice]
    ends: list[End]


@dataclass(slots=True)
class _Hop:
    """What a hop found; only what lies before `horizon` is complete."""

    horizon: int = NO_HORIZON
    slices: list[Slice] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)

    def end(self, piece: Slice, outcome: Outcome, account: UUID) -> None:
        self.ends.append(End(piece.at, piece.amount, outcome, account, piece.transfer))


async def walk(
    ledger: Ledger, direction: Direction, starts: Sequence[Slice], *, limit: int, books: frozenset[int] | None = None
) -> Path:
    """The trail of `starts` (laid end to end on the asked axis), with at most `limit` edges.

    `books` (None: all) are those a downward trail may enter; it ends at their border. Raises `trail-limit-too-small`
    when not even one fen fits, `TrailBrokenError` when the book does not add up.
    """
    horizon = sum(piece.amount for piece in starts)
    edges: list[Slice] = []
    ends: list[End] = []
    frontier = list(starts)
    for _ in range(HOPS_MAX):
        edges += frontier
        horizon = min(horizon, _room(edges, limit))
        frontier = clipped(frontier, horizon)
        if not frontier:
            return Path(horizon, clipped(edges, horizon), sorted(clipped(ends, horizon), key=lambda end: end.at))
        hop = await (_up(ledger, frontier, limit) if direction == "up" else _down(ledger, frontier, limit, books))
        horizon = min(horizon, hop.horizon)
        conserve(clipped(frontier, horizon), [*clipped(hop.slices, horizon), *clipped(hop.ends, horizon)])
        edges, ends = clipped(edges, horizon), ends + hop.ends
        frontier = merged(clipped(hop.slices, horizon))
    raise TrailBrokenError("the trail does not end")


def _room(edges: Sequence[Slice], limit: int) -> int:
    """How much of the asked axis `limit` edges can tell of."""
    if len(edges) <= limit:
        return sum(piece.amount for piece in edges if piece.step == "start")
    horizon = sorted(piece.at for piece in edges)[limit]
    if horizon == 0:
        raise problem("trail-limit-too-small", limit=limit)
    return horizon


async def _up(ledger: Ledger, frontier: Sequence[Slice], limit: int) -> _Hop:
    hop = _Hop()
    for book, pieces in _by_book(frontier):
        await hops.meet_accounts(ledger, book, pieces)
        undoing, crossing, turn = [], [], []
        for piece in pieces:
            payer = ledger.accounts[book, piece.transfer.payer]
            if piece.transfer.undoes_entry_id is not None:
                undoing.append(piece)
            elif payer.kind in BORDER:  # down from the city (下达), or back up from the district (收回)
                crossing.append(piece)
            elif payer.is_source:
                hop.end(piece, "source", payer.account_id)
            else:
                turn.append(piece)
        await _refer(ledger, book, hop, undoing)
        await _cross(ledger, book, hop, crossing, None)
        asks = _in_turn(ledger, book, turn, upwards, lambda piece: piece.transfer.payer)
        for ask, _ in await _take_turns(ledger, book, hop, asks, limit, received=True):
            raise TrailBrokenError(f"account {ask.account} gave what it had not received")
    return hop


async def _down(ledger: Ledger, frontier: Sequence[Slice], limit: int, books: frozenset[int] | None) -> _Hop:
    hop = _Hop()
    for book, pieces in _by_book(frontier):
        await hops.meet_accounts(ledger, book, pieces)
        crossing, turn = [], []
        for piece in await _keep(ledger, book, hop, pieces):
            receiver = ledger.accounts[book, piece.transfer.receiver]
            if receiver.kind in BORDER:
                crossing.append(piece)
            elif receiver.is_source:
                hop.end(piece, "undone", receiver.account_id)
            elif receiver.is_terminal:
                hop.end(piece, "paid", receiver.account_id)
            else:
                turn.append(piece)
        await _cross(ledger, book, hop, crossing, books)
        asks = _in_turn(ledger, book, turn, downwards, lambda piece: piece.transfer.receiver)
        for ask, covered in await _take_turns(ledger, book, hop, asks, limit, received=False):
            left = ask.stop - ask.start - covered
            hop.ends.append(End(ask.at + covered, left, "rests", ask.account, ask.via))
    return hop


async def _keep(ledger: Ledger, book: int, hop: _Hop, pieces: Sequence[Slice]) -> list[Slice]:
    """Sends what was undone after its undoing, by reference; returns what the receivers kept."""
    once = {piece.transfer.key: piece.transfer for piece in pieces if piece.transfer.undoes_entry_id is None}
    if not once:
        return list(pieces)
    found = dict(zip(once, await hops.undoings(ledger, book, list(once.values())), strict=True))
    kept: list[Slice] = []
    for piece in pieces:
        stop = piece.offset + piece.amount
        for undoing in found.get(piece.transfer.key, []):
            start = max(piece.offset, undoing.undone_from)
            if start < stop:
                moved = piece.part(start - piece.offset, stop - piece.offset)
                hop.slices.append(_next(moved, undoing, start - undoing.undone_from, "undo"))
                stop = start
        if stop > piece.offset:
            kept.append(piece.part(0, stop - piece.offset))
    return kept


async def _refer(ledger: Ledger, book: int, hop: _Hop, undoing: Sequence[Slice]) -> None:
    """Upwards from an undoing: the tail of the transfer it undoes, whatever its turn (冲销按原单追溯)."""
    if not undoing:
        return
    once = {piece.transfer.key: piece.transfer for piece in undoing}
    found = dict(zip(once, await hops.originals(ledger, book, list(once.values())), strict=True))
    for piece in undoing:
        (original,) = found[piece.transfer.key]
        hop.slices.append(_next(piece, original, piece.transfer.undone_from + piece.offset, "undo"))


async def _cross(ledger: Ledger, book: int, hop: _Hop, pieces: Sequence[Slice], books: frozenset[int] | None) -> None:
    """Into the other book of a crossing: same line, same offsets."""
    if not pieces:
        return
    once = {piece.transfer.key: piece.transfer for piece in pieces}
    found = dict(zip(once, await hops.counterparts(ledger, book, list(once.values())), strict=True))
    for piece in pieces:
        there = found[piece.transfer.key]
        if not there:
            if ledger.position is None:
                raise TrailBrokenError(f"a crossing has one side only: {piece.transfer.entry_id}")
            hop.end(piece, "in_transit", piece.transfer.receiver)
        elif books is not None and there[0].book not in books:
            hop.end(piece, "other_book", piece.transfer.receiver)
        else:
            (other,) = there
            if other.amount != piece.transfer.amount:
                raise TrailBrokenError(f"the two sides of a crossing differ: {piece.transfer.entry_id}")
            hop.slices.append(_next(piece, other, piece.offset, "crossing"))


def _in_turn(
    ledger: Ledger,
    book: int,
    pieces: Iterable[Slice],
    match: Callable[[Queue, Sequence[Slice]], list[Ask]],
    account_of: Callable[[Slice], UUID],
) -> list[Ask]:
    """Questions to the queues of the accounts, in the order of the asked axis."""
    by_account: dict[UUID, list[Slice]] = {}
    for piece in sorted(pieces, key=lambda piece: piece.at):
        by_account.setdefault(account_of(piece), []).append(piece)
    asks = [ask for account, group in by_account.items() for ask in match(ledger.accounts[book, account].queue, group)]
    return sorted(asks, key=lambda ask: ask.at)


async def _take_turns(
    ledger: Ledger, book: int, hop: _Hop, asks: Sequence[Ask], limit: int, *, received: bool
) -> list[tuple[Ask, int]]:
    """Asks which transfers hold those fen; returns the questions answered in part, with how much was answered.

    An answer of `limit` rows may have been cut off: the horizon then falls to where it was.
    """
    if not asks:
        return []
    query = hops.RECEIVED if received else hops.GIVEN
    answers = await hops.overlapping(ledger, query, book, asks, limit)
    full = sum(map(len, answers)) >= limit
    last = max((number for number, rows in enumerate(answers) if rows), default=0)
    part: list[tuple[Ask, int]] = []
    for number, (ask, rows) in enumerate(zip(asks, answers, strict=True)):
        slices = tiles(ask, rows, received=received, depth=ask.depth + 1)
        hop.slices += slices
        covered = sum(piece.amount for piece in slices)
        if covered == ask.stop - ask.start:
            continue
        if full and number >= last:
            hop.horizon = min(hop.horizon, ask.at + covered)
        else:
            part.append((ask, covered))
    return part


def _next(piece: Slice, transfer: Transfer, offset: int, step: Step) -> Slice:
    return Slice(piece.at, piece.amount, transfer, offset, piece.depth + 1, step)


def _by_book(pieces: Sequence[Slice]) -> list[tuple[int, list[Slice]]]:
    ordered = sorted(pieces, key=lambda piece: (piece.transfer.book, piece.at))
    return [(book, list(group)) for book, group in groupby(ordered, key=lambda piece: piece.transfer.book)]
