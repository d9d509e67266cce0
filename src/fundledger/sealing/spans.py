"""Which parts of the tree a proof is made of: pure arithmetic on positions, no hashes.

A *span* is a run of leaves that is one node of the RFC 6962 tree of some size: a perfect subtree, or the ragged right
edge. `cover` splits a span into perfect subtrees; of those only every fourth level is stored (`STRIDE`), the others are
hashed again from at most eight stored nodes.
"""

from __future__ import annotations

from typing import NamedTuple

STRIDE = 4
"""Levels between stored nodes: level 0 are the leaves, then 4, 8, 12 … (one node per 16 of the level below)."""


class Span(NamedTuple):
    """The leaves from `start` up to, not including, `stop`."""

    start: int
    stop: int


class Node(NamedTuple):
    """The root of a perfect subtree: with 2**level leaves, the `number`-th (from 0) of its level."""

    level: int
    number: int


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The siblings on the way from leaf `index` to the root of the tree of `size`, nearest first; IndexError."""
    if not 0 <= index < size:
        raise IndexError("no leaf at this index")
    spans: list[Span] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + split(stop - start)
        if index < middle:
            spans.append(Span(middle, stop))
            stop = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old_size: int, size: int) -> list[Span]:
    """The nodes of the proof that the tree of `old_size` is the beginning of that of `size` (RFC 6962 section 2.1.2).

    Empty for an old size of zero or of the whole tree. ValueError if the old size is negative or too large.
    """
    if not 0 <= old_size <= size:
        raise ValueError("the old size is not within the tree")
    spans: list[Span] = []
    start, stop, whole = 0, size, True
    if old_size in (0, size):
        return spans
    while old_size != stop:
        middle = start + split(stop - start)
        if old_size <= middle:
            spans.append(Span(middle, stop))
            stop = middle
        else:
            spans.append(Span(start, middle))
            start, whole = middle, False
    return ([] if whole else [Span(start, stop)]) + spans[::-1]


def cover(span: Span) -> list[Node]:
    """The perfect subtrees that make up a node of the tree, from left to right: largest first."""
    nodes: list[Node] = []
    start = span.start
    while start < span.stop:
        level = (span.stop - start).bit_length() - 1
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return nodes


def stored(node: Node) -> tuple[int, int, int]:
    """Which stored nodes make up this one: their level, the first index, and the index after the last."""
    level = node.level // STRIDE * STRIDE
    more = node.level - level
    return level, node.number << more, (node.number + 1) << more


def split(size: int) -> int:
    """The largest power of two below `size`: how many leaves the left half of a node has."""
    return int(1 << (size - 1).bit_length() - 1)
