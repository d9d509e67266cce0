"""The RFC 6962 hash tree with SHA-256: roots, streaming roots, and whether a proof holds.

A leaf is hashed with a 0x00 prefix and a node with 0x01, so that a node can never be passed off as a leaf. All
functions but `leaf_hash` work on 32-byte hashes. The `verify_*` functions answer True or False and never raise on
hostile input: a proof that is too short, too long, altered, or for another index or size is False.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962 section 2.1)."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data): the hash of one record's canonical bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right): the hash of two neighbouring subtrees."""
    return sha256(b"\x01" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """The Merkle tree hash over leaf hashes in order; O(n) time and memory. `Frontier` streams."""
    level = list(hashes)
    while len(level) > 1:
        level = _parents(level)
    return level[0] if level else EMPTY_ROOT


class Frontier:
    """The right edge of a growing tree: append leaf hashes one by one, ask for the root at any time.

    Holds one hash per set bit of `size` (at most 17 for 100,000 leaves), largest subtree first: the compact range of
    the whole tree. `hashes` and `size` are all there is to store; `Frontier(size, hashes)` continues from them.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Continue a stored frontier, or start an empty one; ValueError if the two do not belong together."""
        self._hashes = list(hashes)
        self._size = size
        if size < 0 or len(self._hashes) != size.bit_count() or not _all_hashes(self._hashes):
            raise ValueError("a frontier holds one 32-byte hash per set bit of its size")

    @property
    def size(self) -> int:
        """How many leaves were appended."""
        return self._size

    @property
    def hashes(self) -> list[bytes]:
        """The stored form: roots of the perfect subtrees, largest first (a copy)."""
        return list(self._hashes)

    def append(self, leaf: bytes) -> list[bytes]:
        """Add one leaf hash (32 bytes); amortised one `node_hash`. The subtrees it completes, from the leaf upwards."""
        filled = self._size
        completed = [leaf]
        while filled & 1:
            leaf = node_hash(self._hashes.pop(), leaf)
            completed.append(leaf)
            filled >>= 1
        self._hashes.append(leaf)
        self._size += 1
        return completed

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The tree's root now; equal to `root` over all leaf hashes appended so far."""
        if not self._hashes:
            return EMPTY_ROOT
        result = self._hashes[-1]
        for subtree in reversed(self._hashes[:-1]):
            result = node_hash(subtree, result)
        return result


def levels(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """All nodes over leaf hashes, level by level, from the leaves to the root."""
    found = [list(hashes)]
    while len(found[-1]) > 1:
        found.append(_parents(found[-1]))
    return found


def path_in(nodes: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """The path of the leaf at `index` in the `levels` of its tree; IndexError if there is no such leaf."""
    if not 0 <= index < len(nodes[0]):
        raise IndexError("no leaf at this index")
    return [level[(index >> up) ^ 1] for up, level in enumerate(nodes[:-1]) if (index >> up) ^ 1 < len(level)]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], tree_root: bytes) -> bool:
    """Does `path` prove that `leaf` (a leaf hash) stands at `index` of the tree of `size` with `tree_root`?

    RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size or not _all_hashes((leaf, tree_root, *path)):
        return False
    node, last, result = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and result == tree_root


def verify_consistency(old_size: int, old_root: bytes, size: int, tree_root: bytes, path: Sequence[bytes]) -> bool:
    """Does `path` prove that the tree of `old_size` with `old_root` is the beginning of that with `tree_root`?

    RFC 9162 section 2.1.4.2. The RFC leaves an old size of zero open: here it needs the empty root and an empty path.
    """
    if not 0 <= old_size <= size or not _all_hashes((old_root, tree_root, *path)):
        return False
    if old_size == size or old_size == 0:
        expected = tree_root if old_size == size else EMPTY_ROOT
        return not path and old_root == expected and (size > 0 or tree_root == EMPTY_ROOT)
    proof = [old_root, *path] if old_size.bit_count() == 1 else list(path)
    return bool(proof) and _consistent(old_size, old_root, size, tree_root, proof)


def _consistent(old_size: int, old_root: bytes, size: int, tree_root: bytes, proof: list[bytes]) -> bool:
    """Steps 3 to 7 of RFC 9162 section 2.1.4.2: rebuild both roots from the same proof."""
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_result = new_result = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old_result, new_result = node_hash(sibling, old_result), node_hash(sibling, new_result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new_result = node_hash(new_result, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old_result == old_root and new_result == tree_root


def _parents(level: list[bytes]) -> list[bytes]:
    """The next level up; a last node without a sibling moves up unchanged."""
    parents = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    if len(level) % 2:
        parents.append(level[-1])
    return parents


def _all_hashes(hashes: Iterable[bytes]) -> bool:
    return all(len(item) == HASH_BYTES for item in hashes)
