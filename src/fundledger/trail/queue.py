"""The queue of one account, and slices of transfers: pure arithmetic on whole fen, no database.

A transfer's slice is named by an offset into the transfer: fen number `offset` of it is fen `given_before + offset`
that its payer gave and fen `received_before + offset` that its receiver received, ever. A slice also knows where it
lies on the *asked axis*: all fen asked for, laid end to end from 0. Every hop maps the asked axis onto itself, which is
what makes pages and the conservation check simple.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal, Protocol, TypeVar
from uuid import UUID

Step = Literal["start", "fifo", "undo", "crossing"]
"""How a slice continues its neighbour: asked for, by turn (先进先出), by reference of an undoing, across two books."""

Outcome = Literal["source", "rests", "paid", "undone", "in_transit", "other_book"]
"""Where money ends: came from a source; rests in an account; was paid; went back to a source; crossed over, but is
not yet in the other book at the position asked for; went on into a book that the caller may not read."""


class TrailBrokenError(RuntimeError):
    """A hop did not hand on exactly the fen it was given: a damaged book, or a bug here. Never answered as a result."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer (分录): `amount` fen from the payer's given side to the receiver's received side."""

    book: int
    entry_id: UUID
    line_no: int
    payer: UUID
    receiver: UUID
    amount: int
    given_before: int
    received_before: int
    payee_id: UUID | None = None
    undoes_entry_id: UUID | None = None
    undoes_line_no: int | None = None
    undoes_before: int | None = None
    undoes_amount: int | None = None

    @property
    def key(self) -> tuple[int, UUID, int]:
        """What names a transfer."""
        return self.book, self.entry_id, self.line_no

    @property
    def undone_from(self) -> int:
        """Of a transfer that undoes: the offset, in the original, of the first fen it takes back (its tail first)."""
        assert self.undoes_amount is not None
        assert self.undoes_before is not None
        return self.undoes_amount - self.undoes_before - self.amount


@dataclass(frozen=True, slots=True)
class Slice:
    """`amount` fen of a transfer from `offset` on; they answer for fen `at` and following of what was asked for."""

    at: int
    amount: int
    transfer: Transfer
    offset: int
    depth: int = 0
    step: Step = "start"

    @property
    def given_from(self) -> int:
        """The first fen, on the payer's given side."""
        return self.transfer.given_before + self.offset

    @property
    def received_from(self) -> int:
        """The first fen, on the receiver's received side."""
        return self.transfer.received_before + self.offset

    def part(self, start: int, stop: int) -> Slice:
        """The fen [start, stop) of this slice, counted from its own first."""
        return replace(self, at=self.at + start, amount=stop - start, offset=self.offset + start)


@dataclass(frozen=True, slots=True)
class End:
    """`amount` fen whose way ends: in `account`, having come there (or left it, upwards) by `transfer`."""

    at: int
    amount: int
    outcome: Outcome
    account: UUID
    transfer: Transfer


class Piece(Protocol):
    """Anything that lies on the asked axis."""

    @property
    def at(self) -> int:
        """First fen."""

    @property
    def amount(self) -> int:
        """How many."""


Lying = TypeVar("Lying", Slice, End)


class Cuts:
    """Intervals taken out of an axis; `rank` is a place among what is left, `unrank` the way back."""

    def __init__(self, intervals: Iterable[tuple[int, int]] = ()) -> None:
        self._cuts: list[tuple[int, int]] = []
        for start, stop in sorted(intervals):
            if self._cuts and start < self._cuts[-1][1]:
                raise TrailBrokenError(f"two undoings took the same fen: {start}")
            self._cuts.append((start, stop))
        self._starts = [start for start, _ in self._cuts]
        self._taken = [0, *accumulate(stop - start for start, stop in self._cuts)]
        # Where each cut lies among what is left.
        self._ranks = [start - taken for start, taken in zip(self._starts, self._taken, strict=False)]

    def rank(self, start: int, stop: int) -> int:
        """The rank of `start`; [start, stop) must not touch a cut."""
        index = bisect_right(self._starts, start)
        clear_before = index == 0 or self._cuts[index - 1][1] <= start
        clear_after = index == len(self._cuts) or stop <= self._starts[index]
        if not (clear_before and clear_after):
            raise TrailBrokenError(f"money that was taken back is asked for: {start}")
        return start - self._taken[index]

    def unrank(self, start: int, stop: int) -> list[tuple[int, int]]:
        """The intervals of the axis whose ranks are [start, stop), in order."""
        pieces: list[tuple[int, int]] = []
        index = bisect_right(self._ranks, start)
        while start < stop:
            until = min(stop, self._ranks[index]) if index < len(self._ranks) else stop
            if until > start:
                pieces.append((start + self._taken[index], until + self._taken[index]))
            start, index = until, index + 1
        return pieces


@dataclass(frozen=True, slots=True)
class Queue:
    """What was cut out of both sides of an account: fen given back by undoing, and those fen where they had come in."""

    given: Cuts
    received: Cuts


NOTHING_UNDONE = Queue(Cuts(), Cuts())


@dataclass(frozen=True, slots=True)
class Ask:
    """Fen [start, stop) of one side of an account, standing for fen `at` and following of what was asked for."""

    at: int
    account: UUID
    start: int
    stop: int
    via: Transfer
    """The transfer the question comes from."""
    depth: int


def upwards(queue: Queue, pieces: Sequence[Slice]) -> list[Ask]:
    """For slices the account gave, in turn: which fen it had received they were."""
    return _matched(pieces, queue.given, queue.received, given=True)


def downwards(queue: Queue, pieces: Sequence[Slice]) -> list[Ask]:
    """For slices the account received and kept: which fen it gives, or will give, they are."""
    return _matched(pieces, queue.received, queue.given, given=False)


def _matched(pieces: Sequence[Slice], here: Cuts, there: Cuts, *, given: bool) -> list[Ask]:
    asks: list[Ask] = []
    for at, amount, rank, piece in _runs(pieces, here, given=given):
        account = piece.transfer.payer if given else piece.transfer.receiver
        told = at
        for start, stop in there.unrank(rank, rank + amount):
            asks.append(Ask(told, account, start, stop, piece.transfer, piece.depth))
            told += stop - start
    return asks


def _runs(pieces: Sequence[Slice], here: Cuts, *, given: bool) -> list[tuple[int, int, int, Slice]]:
    """(at, amount, rank, first slice) of runs that follow on both axes: one question instead of thousands."""
    runs: list[tuple[int, int, int, Slice]] = []
    for piece in pieces:
        start = piece.given_from if given else piece.received_from
        rank = here.rank(start, start + piece.amount)
        if runs:
            at, amount, first_rank, first = runs[-1]
            if given and at + amount == piece.at and first_rank + amount == rank:
                runs[-1] = (at, amount + piece.amount, first_rank, first)
                continue
        runs.append((piece.at, piece.amount, rank, piece))
    return runs


def tiles(ask: Ask, rows: Sequence[Transfer], *, received: bool, depth: int) -> list[Slice]:
    """The slices of `rows` (of that side, in order) that cover [start, stop) from its first fen on, without a gap."""
    slices: list[Slice] = []
    reached = ask.start
    for row in rows:
        before = row.received_before if received else row.given_before
        stop = min(ask.stop, before + row.amount)
        if before > reached or stop <= reached:
            raise TrailBrokenError(f"account {ask.account} has a gap or an overlap at {reached}")
        at = ask.at + reached - ask.start
        slices.append(Slice(at, stop - reached, row, reached - before, depth, "fifo"))
        reached = stop
    return slices


def merged(slices: Iterable[Slice]) -> list[Slice]:
    """Sorted by the asked axis; neighbours that are neighbours in the same transfer too become one."""
    result: list[Slice] = []
    for piece in sorted(slices, key=lambda piece: piece.at):
        last = result[-1] if result else None
        if (
            last is not None
            and last.transfer.key == piece.transfer.key
            and (last.at + last.amount, last.offset + last.amount, last.step) == (piece.at, piece.offset, piece.step)
        ):
            result[-1] = replace(last, amount=last.amount + piece.amount)
        else:
            result.append(piece)
    return result


def clipped(pieces: Iterable[Lying], horizon: int) -> list[Lying]:
    """What lies before `horizon` on the asked axis."""
    return [
        piece if piece.at + piece.amount <= horizon else replace(piece, amount=horizon - piece.at)
        for piece in pieces
        if piece.at < horizon
    ]


def conserve(asked: Iterable[Piece], answered: Iterable[Piece]) -> None:
    """Raise `TrailBrokenError` unless both cover the same fen of the asked axis, each exactly once."""
    if _covered(asked) != _covered(answered):
        raise TrailBrokenError("a hop lost or doubled money")


def _covered(pieces: Iterable[Piece]) -> list[tuple[int, int]]:
    covered: list[tuple[int, int]] = []
    for piece in sorted(pieces, key=lambda piece: piece.at):
        if covered and piece.at < covered[-1][1]:
            raise TrailBrokenError(f"fen {piece.at} is answered twice")
        if covered and piece.at == covered[-1][1]:
            covered[-1] = (covered[-1][0], piece.at + piece.amount)
        else:
            covered.append((piece.at, piece.at + piece.amount))
    return covered
