"""The inner tree of lines: what is kept gives the very paths of the RFC 6962 tree over all lines, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundledger.sealing.inner import CHUNK, GROUP, STRIDE, Chunk, InnerTree, kept_levels, line_path
from fundledger.sealing.merkle import EMPTY_ROOT, leaf_hash, levels, root, verify_inclusion
from tests.merkle_paths import inclusion_path

LINES = [leaf_hash(str(number).encode()) for number in range(70_000)]


def grown(count: int) -> tuple[bytes, list[Chunk]]:
    tree = InnerTree()
    for line in LINES[:count]:
        tree.append(line)
    return tree.finish()


class Kept:
    """Groups of 16 hashes as the database keeps them, by slices of chunks."""

    def __init__(self, count: int, chunks: list[Chunk]) -> None:
        self.count = count
        self.rows = {(chunk.level, chunk.number): chunk.hashes for chunk in chunks}

    def group(self, level: int, number: int) -> list[list[bytes]]:
        if not self.rows:
            return levels(LINES[: self.count])
        chunk, place = divmod(number, CHUNK // GROUP)
        hashes = self.rows[level, chunk][place * GROUP * 32 : (place + 1) * GROUP * 32]
        return levels([hashes[at : at + 32] for at in range(0, len(hashes), 32)])


def check(count: int, indexes: list[int]) -> None:
    top, chunks = grown(count)
    assert top == root(LINES[:count])
    assert sorted({chunk.level for chunk in chunks}) == kept_levels(count)
    kept = Kept(count, chunks)
    for index in indexes:
        path = line_path(index, count, kept.group)
        assert path == inclusion_path(LINES[:count], index)
        assert verify_inclusion(LINES[index], index, count, path, top)


@pytest.mark.parametrize("count", [*range(1, 40), 255, 256, 257, 272, 273])
def test_every_line_of_a_short_entry_has_the_path_of_the_rfc(count: int) -> None:
    check(count, list(range(count)))


@pytest.mark.parametrize("count", [4_095, 4_096, 4_097, 4_112, 5_000, 65_536, 65_537, 70_000])
def test_lines_of_a_long_entry_have_the_path_of_the_rfc(count: int) -> None:
    check(count, sorted({0, 15, 16, 17, 255, 256, count // 2, count - 17, count - 2, count - 1}))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3_000), st.data())
def test_a_path_fits_no_other_line_and_no_other_entry(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    top, chunks = grown(count)
    path = line_path(index, count, Kept(count, chunks).group)
    other = data.draw(st.integers(0, count - 1).filter(lambda one: one != index)) if count > 1 else None
    if other is not None:
        assert not verify_inclusion(LINES[index], other, count, path, top)
        assert not verify_inclusion(LINES[other], index, count, path, top)
        assert not verify_inclusion(LINES[index], index, count, path[:-1], top)
    assert not verify_inclusion(LINES[index], index, count, [*path, top], top)
    assert not verify_inclusion(LINES[index], index, count, path, grown(count + 1)[0])


def test_an_entry_without_lines_has_the_empty_root_and_short_ones_keep_nothing() -> None:
    assert grown(0) == (EMPTY_ROOT, [])
    assert [kept_levels(count) for count in (0, 1, 16, 17, 256, 257, 4_096, 4_097)] == [
        [], [], [], [0, 4], [0, 4], [0, 4, 8], [0, 4, 8], [0, 4, 8, 12],
    ]  # fmt: skip
    assert grown(16)[1] == []


def test_chunks_hold_256_hashes_and_the_last_one_the_rest() -> None:
    _, chunks = grown(5_000)
    for level in kept_levels(5_000):
        mine = [chunk for chunk in chunks if chunk.level == level]
        assert [chunk.number for chunk in mine] == list(range(len(mine)))
        assert all(len(chunk.hashes) == CHUNK * 32 for chunk in mine[:-1])
        assert sum(len(chunk.hashes) for chunk in mine) // 32 == -(-5_000 // (1 << level))
    assert STRIDE == 4
