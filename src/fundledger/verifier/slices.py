"""A trail's slices (docs/decisions/0002), held against the lines of the bundle: no fen is missing, none is doubled.

Each slice of the money asked for is continued, at the depth above it, by slices of the same fen: by turn (first in,
first out, without what undoing took out of the queue), by reference of an undoing, or across two books; until it comes
from a source. Memory grows with the trail, never with the book.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import msgspec

from fundledger.verifier.container import LEAVES, LINES, TRAIL, Container
from fundledger.verifier.manifest import LeafRow, LineRow, SliceRow
from fundledger.verifier.money import SOURCES
from fundledger.verifier.report import Place
from fundledger.verifier.schema import Entry1, Entry2, Line, SchemaError, fen, read_line, read_record
from fundledger.verifier.state import Walk

CHECK: Final = "trail-follows-the-money"
BORDER: Final = ("released", "upper_transfer")
"""Where money comes out of another book: the same line of the crossing goes on there."""
ORIGIN: Final = "budget_source"
TRAILS: Final = frozenset({"household", "person", "organisation", "entry", "line"})

Spot = tuple[int, int]
"""Position of the entry, and number of the line."""
Queue = tuple[list[Spot], list[Spot]]
"""What undoing took out of an account: stretches of its given axis, and of its received axis."""


class TrailError(ValueError):
    """A slice does not continue the one before it; says why."""


@dataclass(slots=True)
class _Known:
    """The lines of the bundle by place, whose entries cross, and what was cut out of the queues."""

    lines: dict[Spot, Line] = field(default_factory=dict)
    named: dict[tuple[str, str, int], Spot] = field(default_factory=dict)
    crossings: dict[int, str] = field(default_factory=dict)
    queues: dict[tuple[str, str], Queue] = field(default_factory=dict)


def check_trail(container: Container, walk: Walk) -> None:
    """Every fen asked for is followed from what was asked to a source; the first break is named."""
    known = _read(container)
    pieces = list(container.rows(TRAIL, msgspec.json.Decoder(SliceRow)))
    walk.report.made(CHECK, len(pieces))
    if not pieces:
        walk.report.fault(CHECK, member=TRAIL, reason="the trail is empty")
    for piece in pieces:
        try:
            _inside(known, piece)
        except TrailError as error:
            walk.report.fault(CHECK, **_place(known, piece), reason=str(error))
            return
    depths = [[piece for piece in pieces if piece.depth == depth] for depth in range(_deepest(pieces) + 1)]
    _starts(walk, known, depths[0] if depths else [])
    for number, parents in enumerate(depths):
        _follow(walk, known, parents, depths[number + 1] if number + 1 < len(depths) else [])


def _read(container: Container) -> _Known:
    known = _Known()
    for row in container.rows(LINES, msgspec.json.Decoder(LineRow)):
        try:
            line = read_line(row.data.encode())
        except (SchemaError, UnicodeError):
            continue  # named by the walk
        spot = (row.position, row.line_no)
        known.lines[spot] = line
        known.named[line.book, line.entry_id, line.line_no] = spot
    for leaf in container.rows(LEAVES, msgspec.json.Decoder(LeafRow)):
        if leaf.kind == "entry" and leaf.data is not None:
            try:
                record = read_record("entry", leaf.data.encode())
            except (SchemaError, UnicodeError):
                continue
            if isinstance(record, Entry1 | Entry2) and record.crossing_id is not None:
                known.crossings[leaf.position] = record.crossing_id
    _cut(known)
    return known


def _cut(known: _Known) -> None:
    """Undoing takes the tail of a lot out of the received axis, and its own slice out of the given one."""
    for line in known.lines.values():
        if line.undoes is None or line.credit.kind in SOURCES:
            continue
        spot = known.named.get((line.book, line.undoes.entry_id, line.undoes.line_no))
        if spot is None:
            continue
        given, received = known.queues.setdefault((line.book, line.credit.account_id), ([], []))
        amount, start = fen(line.amount), fen(line.credit_before)
        stop = fen(known.lines[spot].debit_after) - fen(line.undoes.before)
        given.append((start, start + amount))
        received.append((stop - amount, stop))
    for given, received in known.queues.values():
        given.sort()
        received.sort()


def _inside(known: _Known, piece: SliceRow) -> None:
    line = known.lines.get((piece.position, piece.line_no))
    if line is None:
        raise TrailError("the line of a slice is not in the bundle")
    if piece.amount < 1 or piece.offset + piece.amount > fen(line.amount):
        raise TrailError("a slice is larger than its line")
    if (piece.depth == 0) != (piece.step == "start"):
        raise TrailError("a slice begins where none may")


def _starts(walk: Walk, known: _Known, starts: Sequence[SliceRow]) -> None:
    """What was asked for lies end to end, and is of what was asked for."""
    reached, scope = 0, walk.scope
    for piece in sorted(starts, key=lambda one: one.at):
        line = known.lines[piece.position, piece.line_no]
        payees = {line.payee_id, None if line.payment is None else line.payment.household_id}
        entry = {line.entry_id, f"{line.entry_id}:{line.line_no}"}
        if scope.ref not in payees | entry or line.book != scope.book or piece.at != reached:
            reason = "a slice is not of what was asked for, or leaves a gap"
            walk.report.fault(CHECK, **_place(known, piece), reason=reason)
            return
        reached += piece.amount


def _follow(walk: Walk, known: _Known, parents: Sequence[SliceRow], children: Sequence[SliceRow]) -> None:
    """Every stretch of the parents is continued, or comes from a source; no child stands alone."""
    for parent, child, start, stop in _overlaps(parents, children):
        try:
            if parent is None:
                raise TrailError("a slice continues nothing, or money is doubled")
            if child is None:
                _ends(known.lines[parent.position, parent.line_no])
            else:
                _continues(known, parent, child, start, stop - start)
        except TrailError as error:
            piece = parent if child is None else child
            assert piece is not None
            walk.report.fault(CHECK, **_place(known, piece), depth=piece.depth, reason=str(error))
            return


def _overlaps(
    parents: Sequence[SliceRow], children: Sequence[SliceRow]
) -> Iterator[tuple[SliceRow | None, SliceRow | None, int, int]]:
    """Stretches of the asked axis with the parent and the child that hold them; overlapping slices come as alone."""
    above, below = _laid(parents), _laid(children)
    marks = sorted({edge for piece in (*above, *below) for edge in (piece.at, piece.at + piece.amount)})
    first, second = 0, 0
    for start, stop in pairwise(marks):
        while first < len(above) and above[first].at + above[first].amount <= start:
            first += 1
        while second < len(below) and below[second].at + below[second].amount <= start:
            second += 1
        parent = above[first] if first < len(above) and above[first].at <= start else None
        child = below[second] if second < len(below) and below[second].at <= start else None
        if parent is not None or child is not None:
            yield parent, child, start, stop
    for one, two in pairwise(below):
        if two.at < one.at + one.amount:
            yield None, two, two.at, two.at + two.amount


def _laid(pieces: Sequence[SliceRow]) -> list[SliceRow]:
    return sorted(pieces, key=lambda piece: piece.at)


def _ends(line: Line) -> None:
    if line.undoes is not None or line.credit.kind != ORIGIN:
        raise TrailError("the trail stops before the money's source")


def _continues(known: _Known, parent: SliceRow, child: SliceRow, at: int, amount: int) -> None:
    below, above = known.lines[parent.position, parent.line_no], known.lines[child.position, child.line_no]
    down, up = parent.offset + at - parent.at, child.offset + at - child.at
    if below.undoes is not None:
        named = (below.undoes.entry_id, below.undoes.line_no) == (above.entry_id, above.line_no)
        tail = fen(above.amount) - fen(below.undoes.before) - fen(below.amount)
        if child.step != "undo" or not named or below.book != above.book or up != tail + down:
            raise TrailError("an undoing continues as the tail of what it undoes")
    elif below.credit.kind in BORDER:
        crossing = known.crossings.get(parent.position)
        same = crossing is not None and crossing == known.crossings.get(child.position)
        if (
            child.step != "crossing"
            or not same
            or below.book == above.book
            or (parent.line_no, down) != (child.line_no, up)
        ):
            raise TrailError("a crossing continues on its other side, at the same place")
    else:
        _in_turn(known, child, (below, above), (fen(below.credit_before) + down, fen(above.debit_before) + up), amount)


def _in_turn(known: _Known, child: SliceRow, lines: tuple[Line, Line], places: tuple[int, int], amount: int) -> None:
    """First in, first out: the n-th fen received and not taken back is the n-th fen given in turn."""
    below, above = lines
    account = below.credit.account_id
    if child.step != "fifo" or (above.book, above.debit.account_id) != (below.book, account):
        raise TrailError("the money was not in the account that gave it")
    given, received = known.queues.get((below.book, account), ([], []))
    if _rank(given, places[0], amount) != _rank(received, places[1], amount):
        raise TrailError("not the fen whose turn it was")


def _rank(cuts: Sequence[Spot], start: int, amount: int) -> int:
    """The place of `start` among what is left of an axis; TrailError if the stretch touches what was taken out."""
    index = bisect_right(cuts, (start, start + amount + 1))
    if index and cuts[index - 1][1] > start:
        raise TrailError("money that was taken back")
    if index < len(cuts) and cuts[index][0] < start + amount:
        raise TrailError("money that was taken back")
    return start - sum(stop - begin for begin, stop in cuts[:index])


def _deepest(pieces: Sequence[SliceRow]) -> int:
    return max((piece.depth for piece in pieces), default=-1)


def _place(known: _Known, piece: SliceRow) -> Place:
    line = known.lines.get((piece.position, piece.line_no))
    return {
        "position": piece.position, "kind": "entry", "book": None if line is None else line.book,
        "id": None if line is None else line.entry_id, "line": piece.line_no,
    }  # fmt: skip
