"""The inner tree of an entry's lines: its root, and what is kept of it so that a line's path costs little.

Pure. Lines are leaves of an RFC 6962 tree of their own. Of an entry of more than 16 lines every fourth level is kept
(0 are the lines' own hashes, then 4, 8 …, as far as a level has more than one hash), in chunks of 256 hashes. A path is
then made of one group of 16 hashes of each kept level, and no other line need be read. Shorter entries keep nothing:
their lines are one group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from fundledger.sealing.merkle import path_in, root

STRIDE = 4
"""Levels between kept ones."""
GROUP = 1 << STRIDE
"""Hashes of one kept level under one of the next."""
CHUNK = 256
"""Hashes in one chunk."""
LOWER = STRIDE
"""The lowest kept level of nodes: one hash per group of lines."""


class Chunk(NamedTuple):
    """The `number`-th run of at most CHUNK hashes of a level."""

    level: int
    number: int
    hashes: bytes


class InnerTree:
    """Takes the hashes of lines in order; `finish` once. Holds 32 bytes a line."""

    def __init__(self) -> None:
        """Begin an entry."""
        self._lines: list[bytes] = []

    def append(self, line: bytes) -> None:
        """The hash of the next line."""
        self._lines.append(line)

    def finish(self) -> tuple[bytes, list[Chunk]]:
        """The root over all lines, and the chunks to keep."""
        if len(self._lines) <= GROUP:
            return root(self._lines), []
        chunks: list[Chunk] = []
        level, hashes = 0, self._lines
        while len(hashes) > 1:
            chunks += _chunks(level, hashes)
            level, hashes = level + STRIDE, [root(hashes[at : at + GROUP]) for at in range(0, len(hashes), GROUP)]
        return hashes[0], chunks


def kept_levels(count: int) -> list[int]:
    """The levels that are kept of an entry of so many lines."""
    return list(range(0, (count - 1).bit_length(), STRIDE)) if count > GROUP else []


def line_path(index: int, count: int, group_of: Callable[[int, int], Sequence[Sequence[bytes]]]) -> list[bytes]:
    """The path of the line at `index` among `count` to the root of its entry, nearest sibling first.

    ``group_of(level, number)`` gives the `levels` over the number-th group of 16 hashes of a kept level (of level 0,
    the whole entry, where nothing is kept); IndexError if a group is too short.
    """
    return [
        node
        for level in kept_levels(count) or [0]
        for node in path_in(group_of(level, index >> level + STRIDE), (index >> level) % GROUP)
    ]


def _chunks(level: int, hashes: Sequence[bytes]) -> list[Chunk]:
    return [
        Chunk(level, start // CHUNK, b"".join(hashes[start : start + CHUNK])) for start in range(0, len(hashes), CHUNK)
    ]
