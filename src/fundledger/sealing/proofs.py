"""Proofs in bulk (批量证明): records and lines of entries, their places and paths under one checkpoint.

The one place that proves. Asked by ``/v1/log/proofs``, the trail with proof, receipts and bundles. A constant number of
statements whatever the number of records (two for the tree, one for each kind of record, four for lines); memory is the
answer's. Reads immutable rows by key only: no lock, no snapshot; run `prefer_indexes` first on a shared connection.

Nothing leaves that would not verify: leaf data is held against the stored hash and every line's path against the
entry's root, so that a record somebody changed is `log-record-altered` here and not a riddle for the auditor. An entry
sealed before parts of inner trees were kept (revision 0002), or whose lines are not numbered 1, 2, 3 …, has all its
lines hashed again, which streams but takes their number's time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.sealing import leaf
from fundledger.sealing.canonical import canonical
from fundledger.sealing.inner_read import Groups, LineProof, Wanted, read_lines
from fundledger.sealing.leaf import Row
from fundledger.sealing.merkle import leaf_hash, verify_inclusion
from fundledger.sealing.records import Accounts, Ref, entry_rows, leaves
from fundledger.sealing.tree import Nodes, inclusions

_POSITIONS = """SELECT l.* FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::integer[])
    k (book, kind, record_id, version) CROSS JOIN LATERAL (SELECT book, kind, record_id, version, position, leaf_hash,
    lines_root FROM log_leaf WHERE book = k.book AND kind = k.kind AND record_id = k.record_id AND version = k.version
    OFFSET 0) l"""


@dataclass(frozen=True, slots=True)
class RecordProof:
    """A leaf's bytes, its position, the path to the checkpoint's root, and the lines that were asked for, in order."""

    ref: Ref
    position: int
    data: bytes
    path: tuple[bytes, ...]
    lines: tuple[LineProof, ...] = ()


class Proven(NamedTuple):
    """What could be proved under the checkpoint's size; `unsealed` were appended later, or wait, or do not exist."""

    proofs: dict[Ref, RecordProof]
    unsealed: list[Ref]


@dataclass(frozen=True, slots=True)
class Known:
    """What a process remembers of hashes that never change, and the checkpoint's root that paths have to lead to."""

    nodes: Nodes
    groups: Groups
    root: bytes


async def prove(
    connection: Connection, size: int, wanted: Mapping[Ref, Sequence[int]], accounts: Accounts | None = None,
    known: Known | None = None,
) -> Proven:  # fmt: skip
    """Prove records, and of entries the lines with these numbers, in the tree of the first `size` leaves.

    With `known`, hashes of the log and of long entries that were read before are not read again.
    Raises `log-line-not-found` and `log-record-altered`. Does not ask who may see what.
    """
    places = await _places(connection, wanted, size)
    entries = {ref: sorted(set(numbers)) for ref, numbers in wanted.items() if ref in places and ref.kind == "entry"}
    try:
        headers = await entry_rows(connection, list(entries)) if entries else {}
        data = await _data(connection, places, headers)
    except KeyError as error:  # sealed, and not there any more
        raise next(altered(ref) for ref in places if (ref.book, ref.record_id) == error.args[0][:2]) from None
    for ref, bytes_of in data.items():
        if leaf_hash(bytes_of) != places[ref]["leaf_hash"]:
            raise altered(ref)
    lines = await _lines(connection, places, headers, entries, accounts or Accounts(), known.groups if known else None)
    paths = await _paths(connection, places.values(), size, known)
    proofs = {
        ref: RecordProof(ref, row["position"], data[ref], tuple(paths[row["position"]]), lines.get(ref, ()))
        for ref, row in places.items()
    }
    return Proven(proofs, [ref for ref in wanted if ref not in places])


def altered(ref: Ref) -> Exception:
    """The refusal to prove a record that is not what was sealed."""
    return problem("log-record-altered", kind=ref.kind, book=str(ref.book), record_id=str(ref.record_id))


async def _places(connection: Connection, wanted: Mapping[Ref, Sequence[int]], size: int) -> dict[Ref, Row]:
    """The rows of those records that have a position within `size`."""
    columns = [[ref[column] for ref in wanted] for column in range(4)]
    rows = await connection.fetch(_POSITIONS, *columns)
    found = {Ref(row["book"], row["kind"], row["record_id"], row["version"]): row for row in rows}
    return {ref: found[ref] for ref in wanted if ref in found and found[ref]["position"] < size}


async def _paths(
    connection: Connection, places: Iterable[Row], size: int, known: Known | None
) -> dict[int, list[bytes]]:
    """Paths by position. What is remembered and does not lead to the root (another history now) is read again."""
    hashes = {int(row["position"]): row["leaf_hash"] for row in places}
    if known is None:
        return await inclusions(connection, hashes, size)
    paths = await inclusions(connection, hashes, size, known.nodes)
    if all(verify_inclusion(hashes[index], index, size, path, known.root) for index, path in paths.items()):
        return paths
    known.nodes.forget()
    return await inclusions(connection, hashes, size)


async def _data(connection: Connection, places: Mapping[Ref, Row], headers: Mapping[Ref, Row]) -> dict[Ref, bytes]:
    """Canonical bytes; those of entries over the stored root of their lines, so that no line need be read."""
    made = {ref: canonical(leaf.entry(row, places[ref]["lines_root"])) for ref, row in headers.items()}
    others = [ref for ref in places if ref.kind != "entry"]
    made.update((one.ref, one.data) for one in await leaves(connection, others, Accounts()))
    return made


async def _lines(
    connection: Connection, places: Mapping[Ref, Row], headers: Mapping[Ref, Row],
    entries: Mapping[Ref, Sequence[int]], accounts: Accounts, groups: Groups | None,
) -> dict[Ref, tuple[LineProof, ...]]:  # fmt: skip
    wanted = [
        Wanted(headers[ref], places[ref]["lines_root"], numbers) for ref, numbers in entries.items() if numbers
    ]  # fmt: skip
    found: dict[Ref, tuple[LineProof, ...]] = {}
    for one, lines in await read_lines(connection, wanted, accounts, groups) if wanted else ():
        ref = Ref(one.header["book"], "entry", one.header["entry_id"])
        if lines is None:
            raise altered(ref)
        missing = set(one.numbers) - {line.line_no for line in lines}
        if missing:
            raise problem("log-line-not-found", line_no=min(missing))
        found[ref] = tuple(lines)
    return found
