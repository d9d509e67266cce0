"""The arithmetic of one account's queue, by hand and against a list of single fen."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundledger.trail.queue import Cuts, End, Slice, TrailBrokenError, Transfer, clipped, conserve, merged

PAYER, RECEIVER = UUID(int=1), UUID(int=2)


def transfer(amount: int = 10, *, entry: int = 1) -> Transfer:
    return Transfer(420117, UUID(int=entry), 1, PAYER, RECEIVER, amount, 100, 200)


def test_a_cut_shifts_what_follows_it() -> None:
    cuts = Cuts([(10, 15), (20, 30)])
    assert [cuts.rank(place, place + 1) for place in (0, 9, 15, 19, 30)] == [0, 9, 10, 14, 15]
    assert cuts.unrank(8, 17) == [(8, 10), (15, 20), (30, 32)]


def test_cuts_that_touch_are_one() -> None:
    assert Cuts([(5, 7), (7, 9)]).unrank(4, 6) == [(4, 5), (9, 10)]


def test_what_was_cut_out_has_no_rank() -> None:
    for start, stop in ((10, 11), (9, 11), (14, 16), (5, 40)):
        with pytest.raises(TrailBrokenError):
            Cuts([(10, 15)]).rank(start, stop)


def test_fen_that_were_taken_twice_are_a_damaged_book() -> None:
    with pytest.raises(TrailBrokenError):
        Cuts([(0, 5), (4, 6)])


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 40), st.integers(1, 40))
def test_unrank_is_the_list_of_single_fen_that_are_left(cut: list[bool], start: int, amount: int) -> None:
    left = [place for place, gone in enumerate([*cut, *[False] * 80]) if not gone]
    cuts = Cuts((place, place + 1) for place, gone in enumerate(cut) if gone)
    pieces = cuts.unrank(start, start + amount)
    assert [place for a, b in pieces for place in range(a, b)] == left[start : start + amount]
    assert [cuts.rank(a, b) for a, b in pieces] == [left.index(a) for a, _ in pieces]


def test_neighbours_of_one_transfer_become_one_slice() -> None:
    one = transfer()
    parts = [Slice(4, 2, one, 4), Slice(0, 4, one, 0), Slice(6, 1, transfer(entry=2), 6), Slice(7, 2, one, 7)]
    assert [(piece.at, piece.amount) for piece in merged(parts)] == [(0, 6), (6, 1), (7, 2)]


def test_clipping_keeps_what_lies_before_the_horizon() -> None:
    parts = [Slice(0, 4, transfer(), 0), Slice(4, 4, transfer(), 4), Slice(8, 2, transfer(), 8)]
    assert [(piece.at, piece.amount) for piece in clipped(parts, 6)] == [(0, 4), (4, 2)]


def test_a_hop_that_loses_or_doubles_a_fen_is_broken() -> None:
    whole = [Slice(0, 10, transfer(), 0)]
    end = End(6, 4, "rests", RECEIVER, transfer())
    conserve(whole, [Slice(0, 6, transfer(entry=2), 0), end])
    wrong: list[list[Slice | End]] = [
        [Slice(0, 5, transfer(), 0), end],
        [Slice(0, 7, transfer(), 0), end],
        [Slice(0, 6, transfer(), 0)],
        [],
    ]
    for answer in wrong:
        with pytest.raises(TrailBrokenError):
            conserve(whole, answer)
