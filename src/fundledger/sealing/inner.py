"""The inner tree of an entry's lines: its root, and what is kept of it so that a line's path costs little.

Pure. Lines are leaves of an RFC 6962 tree of their own. Of its nodes two levels are kept, in chunks of 256: level 4
(one hash per 16 lines) and level 12 (one per 4,096). A path then needs the line's own group of 16, hashed again from
the records, and one chunk of each level. Entries of up to 16 lines keep nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fundledger.sealing.merkle import EMPTY_ROOT, inclusion_path, root

GROUP = 16
"""Lines under one kept node of the lower level."""
CHUNK = 256
"""Hashes in one chunk; also how many nodes of the lower level lie under one of the upper."""
LOWER, UPPER = 4, 12


class Chunk(NamedTuple):
    """The `number`-th run of at most CHUNK hashes of a level."""

    level: int
    number: int
    hashes: bytes


class InnerTree:
    """Takes the hashes of lines in order; `finish` once."""

    def __init__(self) -> None:
        """Begin an entry."""
        self._group: list[bytes] = []
        self._lower: list[bytes] = []

    def append(self, line: bytes) -> None:
        """The hash of the next line."""
        self._group.append(line)
        if len(self._group) == GROUP:
            self._lower.append(root(self._group))
            self._group.clear()

    def finish(self) -> tuple[bytes, list[Chunk]]:
        """The root over all lines, and the chunks to keep."""
        if self._group:
            self._lower.append(root(self._group))
        upper = [root(self._lower[start : start + CHUNK]) for start in range(0, len(self._lower), CHUNK)]
        if not upper:
            return EMPTY_ROOT, []
        chunks = _chunks(LOWER, self._lower) if len(self._lower) > 1 else []
        return root(upper), chunks + (_chunks(UPPER, upper) if len(upper) > 1 else [])


def line_path(index: int, group: Sequence[bytes], lower: Sequence[bytes], upper: Sequence[bytes]) -> list[bytes]:
    """The path of the line at `index` to the root of its entry, nearest sibling first.

    `group`: the hashes of its group's lines; `lower`: of its chunk of the lower level; `upper`: of the whole upper
    level. Both are empty, or one hash, where the entry is too short to have them.
    """
    path = inclusion_path(group, index % GROUP)
    if len(lower) > 1:
        path += inclusion_path(lower, index // GROUP % CHUNK)
    if len(upper) > 1:
        path += inclusion_path(upper, index // (GROUP * CHUNK))
    return path


def _chunks(level: int, hashes: Sequence[bytes]) -> list[Chunk]:
    return [
        Chunk(level, start // CHUNK, b"".join(hashes[start : start + CHUNK])) for start in range(0, len(hashes), CHUNK)
    ]
