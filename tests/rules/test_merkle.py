"""The RFC 6962 tree: the reference vectors, and no proof that was touched is accepted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundledger.sealing.merkle import (
    EMPTY_ROOT,
    Frontier,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)
from tests.merkle_paths import consistency_path, inclusion_path

REFERENCE_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
REFERENCE_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
REFERENCE = [leaf_hash(bytes.fromhex(leaf)) for leaf in REFERENCE_LEAVES]
FIRST_OF_EIGHT = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
SIX_TO_EIGHT = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]


SIX, FIVE, PAIR = SIX_TO_EIGHT[1], "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b", FIRST_OF_EIGHT[1]
INCLUSION = {
    (0, 1): [], (0, 8): FIRST_OF_EIGHT, (5, 8): [FIVE, SIX, REFERENCE_ROOTS[4]], (2, 3): [REFERENCE_ROOTS[2]],
    (1, 5): [REFERENCE_ROOTS[1], PAIR, FIVE],
}  # fmt: skip
"""Leaf and size: the published paths."""
CONSISTENCY = {(1, 1): [], (1, 8): FIRST_OF_EIGHT, (6, 8): SIX_TO_EIGHT, (2, 5): [PAIR, FIVE]}


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(str(n).encode()) for n in range(count)]


@pytest.mark.parametrize("size", range(9))
def test_roots_match_the_certificate_transparency_reference(size: int) -> None:
    assert root(REFERENCE[:size]).hex() == REFERENCE_ROOTS[size]
    frontier = Frontier()
    frontier.extend(REFERENCE[:size])
    assert frontier.root().hex() == REFERENCE_ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_paths_match_the_certificate_transparency_reference(index: int, size: int) -> None:
    path = [bytes.fromhex(node) for node in INCLUSION[index, size]]
    assert inclusion_path(REFERENCE[:size], index) == path
    assert verify_inclusion(REFERENCE[index], index, size, path, bytes.fromhex(REFERENCE_ROOTS[size]))


@pytest.mark.parametrize(("old_size", "size"), CONSISTENCY)
def test_consistency_matches_the_certificate_transparency_reference(old_size: int, size: int) -> None:
    path = [bytes.fromhex(node) for node in CONSISTENCY[old_size, size]]
    assert consistency_path(REFERENCE[:size], old_size) == path
    old, new = (bytes.fromhex(REFERENCE_ROOTS[number]) for number in (old_size, size))
    assert verify_consistency(old_size, old, size, new, path)


def test_a_node_is_never_a_leaf() -> None:
    left, right = leaves(2)
    assert node_hash(left, right) != leaf_hash(left + right)


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_stored_frontier_goes_on_to_the_same_root(before: int, after: int) -> None:
    hashes = leaves(before + after)
    frontier = Frontier()
    frontier.extend(hashes[:before])
    restored = Frontier(frontier.size, frontier.hashes)
    restored.extend(hashes[before:])
    assert restored.root() == root(hashes)
    assert len(restored.hashes) == (before + after).bit_count()


@pytest.mark.parametrize(
    ("size", "hashes"), [(1, []), (0, [b"x" * 32]), (3, [b"x" * 32]), (1, [b"x" * 31]), (-1, [b"x" * 32])]
)
def test_a_frontier_whose_hashes_do_not_fit_its_size_is_refused(size: int, hashes: list[bytes]) -> None:
    with pytest.raises(ValueError, match="set bit"):
        Frontier(size, hashes)


@pytest.mark.parametrize("size", range(1, 19))
def test_every_leaf_of_every_small_tree_proves_its_place_and_no_other(size: int) -> None:
    hashes = leaves(size)
    for index in range(size):
        path = inclusion_path(hashes, index)
        claims = [(i, s) for s in range(size + 3) for i in range(-1, s + 1)]
        # A path fits another claim only where the tree of that size would place the leaf the same way, with this root.
        held = [claim for claim in claims if verify_inclusion(hashes[index], *claim, path, root(hashes))]
        assert (index, size) in held
        assert all(i == index or s != size for i, s in held)


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[bytes], int]:
    size = draw(st.integers(1, 150))
    return leaves(size), draw(st.integers(0, size - 1))


def altered(path: list[bytes]) -> list[list[bytes]]:
    """Every way to touch a proof: a flipped bit in each hash, each hash left out, doubled or cut, one more, swapped."""
    touched = [[*path, b"\0" * 32], [b"\0" * 32, *path]]
    for place, node in enumerate(path):
        before, after = path[:place], path[place + 1 :]
        flipped = bytes([node[0] ^ 1]) + node[1:]
        touched += [[*before, flipped, *after], [*before, *after], [*before, node, node, *after]]
        touched += [[*before, node[:-1], *after], before]
        if after:
            touched.append([*before, after[0], node, *after[1:]])
    return touched


@given(trees())
def test_a_touched_inclusion_proof_is_refused(tree: tuple[list[bytes], int]) -> None:
    hashes, index = tree
    path, top = inclusion_path(hashes, index), root(hashes)
    assert verify_inclusion(hashes[index], index, len(hashes), path, top)
    assert not any(verify_inclusion(hashes[index], index, len(hashes), wrong, top) for wrong in altered(path))
    assert not verify_inclusion(leaf_hash(b"other"), index, len(hashes), path, top)
    assert not verify_inclusion(hashes[index], index, len(hashes), path, leaf_hash(b"other"))
    assert not verify_inclusion(hashes[index], len(hashes), len(hashes), path, top)
    assert not verify_inclusion(hashes[index], -1, len(hashes), path, top)
    for huge in (2**63 - 1, 2**63, 2**64, 10**40):
        assert not verify_inclusion(hashes[index], huge, len(hashes), path, top)
        assert not verify_inclusion(hashes[index], index, huge, path, top)
    for other in range(len(hashes)):
        assert other == index or not verify_inclusion(hashes[index], other, len(hashes), path, top)


@given(trees())
def test_a_touched_consistency_proof_is_refused(tree: tuple[list[bytes], int]) -> None:
    hashes, old_size = tree
    path, top, old = consistency_path(hashes, old_size), root(hashes), root(hashes[:old_size])
    size = len(hashes)
    assert verify_consistency(old_size, old, size, top, path)
    assert not any(verify_consistency(old_size, old, size, top, wrong) for wrong in altered(path))
    assert not verify_consistency(old_size, leaf_hash(b"other"), size, top, path)
    assert not verify_consistency(size + 1, old, size, top, path)
    assert not verify_consistency(-1, old, size, top, path)
    if old_size:
        assert not verify_consistency(old_size, old, size, leaf_hash(b"other"), path)


@given(st.integers(2, 150), st.data())
def test_a_tree_with_a_changed_past_is_never_consistent(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    old_size = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old_size - 1))
    forged = [*hashes[:changed], leaf_hash(b"forged"), *hashes[changed + 1 :]]
    old = root(hashes[:old_size])
    for path in (consistency_path(forged, old_size), consistency_path(hashes, old_size)):
        assert not verify_consistency(old_size, old, size, root(forged), path)


@pytest.mark.parametrize("size", range(1, 34))
def test_every_old_size_is_consistent_with_every_new_one(size: int) -> None:
    hashes = leaves(size)
    for old_size in range(size + 1):
        path = consistency_path(hashes, old_size)
        assert verify_consistency(old_size, root(hashes[:old_size]), size, root(hashes), path)


def test_the_empty_tree_is_the_beginning_of_every_tree() -> None:
    hashes = leaves(3)
    assert verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    assert verify_consistency(0, EMPTY_ROOT, 3, root(hashes), [])
    assert not verify_consistency(0, hashes[0], 0, hashes[0], [])
    assert not verify_consistency(0, hashes[0], 3, root(hashes), [])
    assert not verify_consistency(0, EMPTY_ROOT, 3, root(hashes), [hashes[0]])


def test_a_leaf_or_an_old_size_outside_the_tree_has_no_proof() -> None:
    for index in (-1, 3):
        with pytest.raises(IndexError):
            inclusion_path(leaves(3), index)
    for old_size in (-1, 4):
        with pytest.raises(ValueError, match="old size"):
            consistency_path(leaves(3), old_size)
