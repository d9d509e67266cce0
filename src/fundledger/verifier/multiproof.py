"""Many leaves of one RFC 6962 tree under one root: which nodes a proof needs, and the root from leaves and nodes.

Pure; used by the writer (`gaps`) and the verifier (`root_of`). A multiproof holds the roots of the maximal subtrees
without a leaf of the bundle, in depth-first order from left to right; for a whole tree there are none. Both functions
stream: memory is one path.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from fundledger.sealing.merkle import EMPTY_ROOT, node_hash
from fundledger.sealing.spans import Span, split


class ProofError(ValueError):
    """Leaves and nodes are not those of one tree: one is missing, too many, or out of order."""


def gaps(indexes: Sequence[int], size: int) -> Iterator[Span]:
    """The maximal subtrees of the tree of `size` that hold none of `indexes` (ascending), in depth-first order."""
    stack = [Span(0, size)] if size else []
    while stack:
        span = stack.pop()
        first = bisect_left(indexes, span.start)
        if first == len(indexes) or indexes[first] >= span.stop:
            yield span
        elif span.stop - span.start > 1:
            middle = span.start + split(span.stop - span.start)
            stop = bisect_left(indexes, span.stop, first)
            if stop - first < span.stop - span.start:
                stack += (Span(middle, span.stop), Span(span.start, middle))


def root_of(leaves: Iterator[tuple[int, bytes]], nodes: Iterator[bytes], size: int) -> bytes:
    """The root of the tree of `size`; pulls `leaves` (index and hash, ascending) and `nodes` as it goes. ProofError."""
    feed = _Feed(leaves, nodes, size)
    root = feed.root(0, size) if size else EMPTY_ROOT
    if feed.index is not None or next(nodes, None) is not None:
        raise ProofError("there are more leaves or nodes than the tree has")
    return root


class _Feed:
    """The next leaf, read ahead by one."""

    def __init__(self, leaves: Iterator[tuple[int, bytes]], nodes: Iterator[bytes], size: int) -> None:
        self._leaves, self._nodes, self._size = leaves, nodes, size
        self.index: int | None = -1
        self._hash = b""
        self._advance()

    def _advance(self) -> None:
        before = self.index
        found = next(self._leaves, None)
        if found is None:
            self.index = None
            return
        assert before is not None
        if not before < found[0] < self._size:
            raise ProofError(f"leaf {found[0]} is out of order, doubled or beyond the tree")
        self.index, self._hash = found

    def root(self, start: int, stop: int) -> bytes:
        if self.index is None or self.index >= stop:
            node = next(self._nodes, None)
            if node is None:
                raise ProofError(f"nothing stands for leaves {start} to {stop - 1}")
            return node
        if stop - start == 1:
            leaf = self._hash
            self._advance()
            return leaf
        middle = start + split(stop - start)
        return node_hash(self.root(start, middle), self.root(middle, stop))
