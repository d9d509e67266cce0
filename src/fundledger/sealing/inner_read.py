"""Lines of entries with their inner paths, read in bulk. Called by `proofs` only.

A line's path is made of kept hashes: one group of 16 of each kept level, by one statement for any number of lines. Only
the lines that are asked for are read, or, of an entry that keeps nothing, all of its at most 16. What does not lead to
the entry's root that way is tried once more over all lines of the entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.sealing import leaf
from fundledger.sealing.inner import CHUNK, GROUP, STRIDE, Chunk, InnerTree, kept_levels, line_path
from fundledger.sealing.leaf import Row
from fundledger.sealing.merkle import HASH_BYTES, leaf_hash, levels, verify_inclusion
from fundledger.sealing.records import LINE_COLUMNS, Accounts, line_bytes, lines

_LINES: Final = f"""SELECT {LINE_COLUMNS}
    FROM unnest($1::bigint[], $2::uuid[], $3::boolean[], $4::uuid[], $5::integer[], $6::integer[])
        k (book, entry_id, pays, instruction_id, first, last)
    CROSS JOIN LATERAL (SELECT * FROM transfer x WHERE x.book = k.book AND x.entry_id = k.entry_id
        AND x.line_no BETWEEN k.first AND k.last OFFSET 0) t
    LEFT JOIN LATERAL (SELECT * FROM payment_line y WHERE k.pays AND y.book = k.book
        AND y.instruction_id = k.instruction_id AND y.line_no = t.line_no OFFSET 0) p ON true
    ORDER BY t.book, t.entry_id, t.line_no"""
# The hashes are stored as they are (EXTERNAL), so that a group is read without the rest of its chunk.
_GROUPS: Final = f"""SELECT k.book, k.entry_id, k.level, k.number, c.hashes
    FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::integer[]) k (book, entry_id, level, number)
    CROSS JOIN LATERAL (SELECT substring(hashes FROM k.number % {CHUNK // GROUP} * {GROUP * HASH_BYTES} + 1
        FOR {GROUP * HASH_BYTES}) AS hashes FROM log_line_node WHERE book = k.book AND entry_id = k.entry_id
        AND level = k.level AND number = k.number / {CHUNK // GROUP} OFFSET 0) c"""

Key = tuple[int, UUID]
GROUPS_MAX: Final = 5_000
UPPER: Final = 2 * STRIDE
"""The lowest level whose groups are remembered: one for each 4,096 lines."""


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
    def line_count(self) -> int:
        """How many lines the entry has."""
        return int(self.header["line_count"])

    @property
    def indexes(self) -> list[int]:
        """Where the lines stand if they are numbered without a gap; of those only that there can be."""
        return [number - 1 for number in self.numbers if 1 <= number <= self.line_count]


@dataclass(frozen=True, slots=True)
class LineProof:
    """A line's canonical bytes, its index in the entry's inner tree, and the path to the entry's ``lines_root``."""

    line_no: int
    index: int
    data: bytes
    path: tuple[bytes, ...]


@dataclass(slots=True)
class _Parts:
    """What was read of one entry: lines by number, and groups of kept hashes with the nodes over them."""

    lines: dict[int, bytes] = field(default_factory=dict)
    groups: dict[tuple[int, int], list[list[bytes]]] = field(default_factory=dict)

    def group(self, level: int, number: int) -> list[list[bytes]]:
        """The nodes over a group; none if it is not kept."""
        return self.groups.get((level, number), [[]])


class Groups:
    """The upper groups of long entries, remembered: each stands for thousands of lines, and none ever changes.

    One per process; about 2 kB a group. Paths made of them are held against the entry's root like all others.
    """

    def __init__(self, most: int = GROUPS_MAX) -> None:
        """Forget them all when there are more than `most`."""
        self._most = most
        self._known: dict[tuple[Key, int, int], list[list[bytes]]] = {}

    def get(self, key: Key, level: int, number: int) -> list[list[bytes]] | None:
        """The nodes over a group, if it is remembered."""
        return self._known.get((key, level, number))

    def remember(self, key: Key, level: int, number: int, nodes: list[list[bytes]]) -> None:
        """A group that was read, if it is an upper one."""
        if level >= UPPER:
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[key, level, number] = nodes

    def forget(self) -> None:
        """Everything: something in it led nowhere."""
        self._known.clear()


async def read_lines(
    connection: Connection, wanted: Sequence[Wanted], accounts: Accounts, known: Groups | None = None
) -> list[tuple[Wanted, list[LineProof] | None]]:
    """The lines that are there, for each entry; None where even all its lines do not have the entry's root."""
    parts = {one.key: _Parts() for one in wanted}
    await _read_lines(connection, wanted, parts, accounts)
    known = known or Groups(most=1)
    await _read_groups(connection, wanted, parts, known)
    answers: list[tuple[Wanted, list[LineProof] | None]] = []
    for one in wanted:
        found = _found(one, parts[one.key])
        if found is None:
            known.forget()
            found = await _hashed_again(connection, one, accounts)
        answers.append((one, found))
    return answers


async def _read_lines(
    connection: Connection, wanted: Sequence[Wanted], parts: dict[Key, _Parts], accounts: Accounts
) -> None:
    asked = [
        (one, first, last)
        for one in wanted
        for first, last in ([(i + 1, i + 1) for i in one.indexes] if one.line_count > GROUP else [(1, one.line_count)])
    ]
    rows = await connection.fetch(
        _LINES, *_keys(one for one, _, _ in asked),
        [one.header["entry_kind"] in leaf.PAYMENTS for one, _, _ in asked],
        [one.header["instruction_id"] for one, _, _ in asked],
        [first for _, first, _ in asked], [last for _, _, last in asked],
    )  # fmt: skip
    sides = await accounts.sides(connection, rows)
    for row in rows:
        parts[row["book"], row["entry_id"]].lines[row["line_no"]] = line_bytes(row, sides)
    for one in wanted:
        if one.line_count <= GROUP:
            found = parts[one.key]
            found.groups[0, 0] = levels([leaf_hash(data) for data in found.lines.values()])


async def _read_groups(
    connection: Connection, wanted: Sequence[Wanted], parts: dict[Key, _Parts], known: Groups
) -> None:
    asked = []
    for one in wanted:
        for level in kept_levels(one.line_count):
            for number in sorted({index >> level + STRIDE for index in one.indexes}):
                if (nodes := known.get(one.key, level, number)) is None:
                    asked.append((one, level, number))
                else:
                    parts[one.key].groups[level, number] = nodes
    if not asked:
        return
    rows = await connection.fetch(
        _GROUPS, *_keys(one for one, _, _ in asked), [level for _, level, _ in asked], [number for *_, number in asked]
    )
    for row in rows:
        key, level, number = (row["book"], row["entry_id"]), row["level"], row["number"]
        parts[key].groups[level, number] = nodes = levels(_split(row["hashes"]))
        known.remember(key, level, number, nodes)


def _keys(wanted: Iterable[Wanted]) -> tuple[list[int], list[UUID]]:
    keys = [one.key for one in wanted]
    return [book for book, _ in keys], [entry_id for _, entry_id in keys]


def _found(one: Wanted, parts: _Parts) -> list[LineProof] | None:
    """The lines with their paths; None unless every one leads to the entry's root."""
    found: list[LineProof] = []
    for index in one.indexes:
        data = parts.lines.get(index + 1)
        try:
            path = line_path(index, one.line_count, parts.group)
        except IndexError:
            return None
        if data is None or not verify_inclusion(leaf_hash(data), index, one.line_count, path, one.root):
            return None
        found.append(LineProof(index + 1, index, data, tuple(path)))
    return found


async def _hashed_again(connection: Connection, one: Wanted, accounts: Accounts) -> list[LineProof] | None:
    """The same over all lines of the entry; None if they are not those that were sealed."""
    hashes: list[bytes] = []
    places: dict[int, tuple[int, bytes]] = {}
    async for line_no, data in lines(connection, one.header, accounts):
        if line_no in one.numbers:
            places[line_no] = len(hashes), data
        hashes.append(leaf_hash(data))
    tree = InnerTree()
    for line in hashes:
        tree.append(line)
    root, chunks = tree.finish()
    if root != one.root or len(hashes) != one.line_count:
        return None
    parts = _Parts(groups=_groups(chunks) if chunks else {(0, 0): levels(hashes)})
    return [
        LineProof(line_no, index, data, tuple(line_path(index, one.line_count, parts.group)))
        for line_no, (index, data) in sorted(places.items())
    ]


def _groups(chunks: Sequence[Chunk]) -> dict[tuple[int, int], list[list[bytes]]]:
    return {
        (chunk.level, (chunk.number * CHUNK + at) // GROUP): levels(hashes[at : at + GROUP])
        for chunk in chunks
        for hashes in [_split(chunk.hashes)]
        for at in range(0, len(hashes), GROUP)
    }


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]
