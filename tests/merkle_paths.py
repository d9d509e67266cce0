"""Proofs by the letter of RFC 6962, from all leaf hashes: what the stored tree's proofs and the verifiers are held against."""

from __future__ import annotations

from collections.abc import Sequence

from fundledger.sealing.merkle import levels, path_in, root


def inclusion_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The proof that the leaf at `index` (from 0) is in the tree over `hashes`, nearest sibling first.

    RFC 6962 section 2.1.1. IndexError if there is no such leaf.
    """
    return path_in(levels(hashes), index)


def consistency_path(hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """The proof that the first `old_size` of `hashes` are the beginning of the whole tree (RFC 6962 section 2.1.2).

    Empty for an old size of zero or of the whole tree. ValueError if the old size is negative or too large.
    """
    if not 0 <= old_size <= len(hashes):
        raise ValueError("the old size is not within the tree")
    return _subproof(hashes, old_size, True) if old_size else []


def _subproof(hashes: Sequence[bytes], old_size: int, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2."""
    size = len(hashes)
    if old_size == size:
        return [] if whole else [root(hashes)]
    split = 1 << (size - 1).bit_length() - 1
    if old_size <= split:
        return [*_subproof(hashes[:split], old_size, whole), root(hashes[split:])]
    return [*_subproof(hashes[split:], old_size - split, False), root(hashes[:split])]
