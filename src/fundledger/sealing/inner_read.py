"""Lines of entries with their inner paths, read in bulk. Called by `proofs` only.

A line's path needs the other lines of its group of 16, hashed again from the records, and the kept chunks of the inner
tree: three statements for any number of entries. What does not lead to the entry's root that way is tried once more
over all lines of the entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.sealing import leaf
from fundledger.sealing.inner import CHUNK, GROUP, LOWER, UPPER, InnerTree, line_path
from fundledger.sealing.leaf import Row
from fundledger.sealing.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from fundledger.sealing.records import LINE_COLUMNS, Accounts, line_bytes, lines

_GROUPS = f"""SELECT {LINE_COLUMNS} FROM unnest($1::bigint[], $2::uuid[], $3::boolean[], $4::uuid[], $5::integer[],
    $6::integer[]) k (book, entry_id, pays, instruction_id, first, last)
    CROSS JOIN LATERAL (SELECT * FROM transfer x WHERE x.book = k.book AND x.entry_id = k.entry_id
        AND x.line_no BETWEEN k.first AND k.last OFFSET 0) t
    LEFT JOIN LATERAL (SELECT * FROM payment_line y WHERE k.pays AND y.book = k.book
        AND y.instruction_id = k.instruction_id AND y.line_no = t.line_no OFFSET 0) p ON true
    ORDER BY t.book, t.entry_id, t.line_no"""
_CHUNKS = """SELECT c.* FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::integer[]) k
    (book, entry_id, level, number) CROSS JOIN LATERAL (SELECT * FROM log_line_node WHERE book = k.book
    AND entry_id = k.entry_id AND level = k.level AND number = k.number OFFSET 0) c"""
SPAN = GROUP * CHUNK
"""Lines under one chunk of the lower level."""

Key = tuple[int, UUID]
Line = tuple[int, bytes]


class Wanted(NamedTuple):
    """Which lines (by number, from 1) of the entry with this header, whose lines have this root."""

    header: Row
    root: bytes
    numbers: Sequence[int]

    @property
    def key(self) -> Key:
        """What names the entry."""
        return self.header["book"], self.header["entry_id"]

    @property
    def indexes(self) -> list[int]:
        """Where the lines stand if they are numbered without a gap; of those only that there can be."""
        return [number - 1 for number in self.numbers if 1 <= number <= self.header["line_count"]]


@dataclass(frozen=True, slots=True)
class LineProof:
    """A line's canonical bytes, its index in the entry's inner tree, and the path to the entry's ``lines_root``."""

    line_no: int
    index: int
    data: bytes
    path: tuple[bytes, ...]


class Parts(NamedTuple):
    """What paths of one entry are made of: lines by group, hashes by level and chunk."""

    groups: dict[int, list[Line]]
    chunks: dict[tuple[int, int], list[bytes]]


async def read_lines(
    connection: Connection, wanted: Sequence[Wanted], accounts: Accounts
) -> list[tuple[Wanted, list[LineProof] | None]]:
    """The lines that are there, for each entry; None where even all its lines do not have the entry's root."""
    parts = {one.key: Parts({}, {}) for one in wanted}
    await _read_groups(connection, wanted, parts, accounts)
    await _read_chunks(connection, wanted, parts)
    answers: list[tuple[Wanted, list[LineProof] | None]] = []
    for one in wanted:
        found = _found(one, parts[one.key])
        answers.append((one, await _hashed_again(connection, one, accounts) if found is None else found))
    return answers


async def _read_groups(
    connection: Connection, wanted: Sequence[Wanted], parts: dict[Key, Parts], accounts: Accounts
) -> None:
    asked = [(one, group) for one in wanted for group in sorted({index // GROUP for index in one.indexes})]
    rows = await connection.fetch(
        _GROUPS, *_keys(one for one, _ in asked),
        [one.header["entry_kind"] in leaf.PAYMENTS for one, _ in asked],
        [one.header["instruction_id"] for one, _ in asked],
        [group * GROUP + 1 for _, group in asked], [(group + 1) * GROUP for _, group in asked],
    )  # fmt: skip
    sides = await accounts.sides(connection, rows)
    for row in rows:
        groups = parts[row["book"], row["entry_id"]].groups
        groups.setdefault((row["line_no"] - 1) // GROUP, []).append((row["line_no"], line_bytes(row, sides)))


async def _read_chunks(connection: Connection, wanted: Sequence[Wanted], parts: dict[Key, Parts]) -> None:
    asked: list[tuple[Wanted, int, int]] = []
    for one in wanted:
        count = one.header["line_count"]
        if count > GROUP:
            asked += [(one, LOWER, number) for number in sorted({index // SPAN for index in one.indexes})]
        if count > SPAN:
            asked += [(one, UPPER, number) for number in range(-(-count // SPAN // CHUNK))]
    if not asked:
        return
    rows = await connection.fetch(
        _CHUNKS, *_keys(one for one, _, _ in asked), [level for _, level, _ in asked], [number for *_, number in asked]
    )
    for row in rows:
        parts[row["book"], row["entry_id"]].chunks[row["level"], row["number"]] = _split(row["hashes"])


def _keys(wanted: Iterable[Wanted]) -> tuple[list[int], list[UUID]]:
    keys = [one.key for one in wanted]
    return [book for book, _ in keys], [entry_id for _, entry_id in keys]


def _found(one: Wanted, parts: Parts) -> list[LineProof] | None:
    """The lines with their paths; None unless every one leads to the entry's root."""
    count = one.header["line_count"]
    upper = [hashed for (level, _), hashes in sorted(parts.chunks.items()) if level == UPPER for hashed in hashes]
    found: list[LineProof] = []
    for index in one.indexes:
        group = parts.groups.get(index // GROUP, [])
        numbers = [line_no for line_no, _ in group]
        start = index // GROUP * GROUP
        if numbers != list(range(start + 1, min(start + GROUP, count) + 1)):
            return None
        lower = parts.chunks.get((LOWER, index // SPAN), [])
        hashes = [leaf_hash(data) for _, data in group]
        try:
            path = line_path(index, hashes, lower, upper)
        except IndexError:
            return None
        if not verify_inclusion(hashes[index - start], index, count, path, one.root):
            return None
        found.append(LineProof(index + 1, index, group[index - start][1], tuple(path)))
    return found


async def _hashed_again(connection: Connection, one: Wanted, accounts: Accounts) -> list[LineProof] | None:
    """The same over all lines of the entry; None if they are not those that were sealed."""
    tree = InnerTree()
    hashes: list[bytes] = []
    places: dict[int, tuple[int, bytes]] = {}
    async for line_no, data in lines(connection, one.header, accounts):
        if line_no in one.numbers:
            places[line_no] = len(hashes), data
        hashes.append(leaf_hash(data))
        tree.append(hashes[-1])
    root, chunks = tree.finish()
    if root != one.root:
        return None
    kept = {(chunk.level, chunk.number): _split(chunk.hashes) for chunk in chunks}
    upper = [hashed for (level, _), found in sorted(kept.items()) if level == UPPER for hashed in found]
    made: list[LineProof] = []
    for line_no, (index, data) in sorted(places.items()):
        start = index // GROUP * GROUP
        path = line_path(index, hashes[start : start + GROUP], kept.get((LOWER, index // SPAN), []), upper)
        made.append(LineProof(line_no, index, data, tuple(path)))
    return made


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]
