"""The stored tree: roots, inclusion and consistency paths of any size, from a few index seeks.

Read by the sequencer (to go on where it stopped), the proofs over HTTP, exports and `verify`. Leaf hashes stand in
``log_leaf``, every fourth level above them in ``log_node``; both are append-only, so no snapshot is needed. A proof at
a million leaves reads some hundred rows, in two statements for any number of proofs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fundledger.db.connection import Connection
from fundledger.sealing.merkle import EMPTY_ROOT, Frontier, node_hash, root
from fundledger.sealing.spans import Node, Span, consistency_spans, cover, inclusion_spans, stored

_LEAVES = """SELECT 0 AS level, l.position AS index, l.leaf_hash AS hash FROM unnest($1::bigint[], $2::bigint[])
    k (start, stop) CROSS JOIN LATERAL (SELECT position, leaf_hash FROM log_leaf
    WHERE position >= k.start AND position < k.stop OFFSET 0) l"""
_NODES = """SELECT k.level, n.index, n.hash FROM unnest($1::integer[], $2::bigint[], $3::bigint[])
    k (level, start, stop) CROSS JOIN LATERAL (SELECT index, hash FROM log_node
    WHERE level = k.level AND index >= k.start AND index < k.stop OFFSET 0) n"""

Piece = tuple[int, int, int]
NODES_MAX = 50_000


class Nodes:
    """Hashes of perfect subtrees, remembered for proofs: a subtree whose leaves have positions never changes.

    One per process; about 250 bytes a node. Neither the sequencer nor `verify` uses it: they ask the database.
    """

    def __init__(self, most: int = NODES_MAX) -> None:
        """Forget them all when there are more than `most`."""
        self._most = most
        self._known: dict[Node, bytes] = {}

    def among(self, nodes: Iterable[Node]) -> dict[Node, bytes]:
        """Those of the nodes that are remembered."""
        return {node: self._known[node] for node in nodes if node in self._known}

    def remember(self, found: Mapping[Node, bytes]) -> None:
        """Hashes that were read and combined."""
        if len(self._known) + len(found) > self._most:
            self._known.clear()
        self._known.update(found)

    def forget(self) -> None:
        """Everything: the database has another history."""
        self._known.clear()


class TreeBrokenError(Exception):
    """A stored hash is missing: the log is shorter than asked for, or damaged."""


async def roots(connection: Connection, spans: Iterable[Span], known: Nodes | None = None) -> dict[Span, bytes]:
    """The hash of each span; TreeBrokenError if the log does not reach so far."""
    wanted = {span: cover(span) for span in spans}
    needed = {node for nodes in wanted.values() for node in nodes}
    found = known.among(needed) if known else {}
    missing = needed - found.keys()
    hashes = await _read(connection, sorted({stored(node) for node in missing}))
    new = {node: _node(node, hashes) for node in missing}
    if known:
        known.remember(new)
    found |= new
    return {span: _join([found[node] for node in nodes]) for span, nodes in wanted.items()}


async def root_at(connection: Connection, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return (await roots(connection, [Span(0, size)]))[Span(0, size)] if size else EMPTY_ROOT


async def frontier(connection: Connection, size: int) -> Frontier:
    """The right edge of the tree of `size`, to append to."""
    spans = [Span(node.number << node.level, (node.number + 1) << node.level) for node in cover(Span(0, size))]
    found = await roots(connection, spans)
    return Frontier(size, [found[span] for span in spans])


async def inclusion(connection: Connection, index: int, size: int) -> list[bytes]:
    """The path of one leaf, nearest sibling first; IndexError if the tree of `size` has no such leaf."""
    return (await inclusions(connection, [index], size))[index]


async def inclusions(
    connection: Connection, indexes: Iterable[int], size: int, known: Nodes | None = None
) -> dict[int, list[bytes]]:
    """The paths of several leaves under one root, in the same two statements, or none if all nodes are `known`."""
    wanted = {index: inclusion_spans(index, size) for index in indexes}
    found = await roots(connection, {span for spans in wanted.values() for span in spans}, known)
    return {index: [found[span] for span in spans] for index, spans in wanted.items()}


async def consistency(connection: Connection, old_size: int, size: int) -> list[bytes]:
    """The proof that the tree of `old_size` is the beginning of that of `size`; ValueError if it can't be."""
    spans = consistency_spans(old_size, size)
    found = await roots(connection, spans)
    return [found[span] for span in spans]


async def _read(connection: Connection, pieces: Sequence[Piece]) -> dict[tuple[int, int], bytes]:
    """The stored hashes of the pieces, by level and index."""
    hashes: dict[tuple[int, int], bytes] = {}
    leaves = [piece for piece in pieces if piece[0] == 0]
    nodes = [piece for piece in pieces if piece[0] > 0]
    if leaves:
        rows = await connection.fetch(_LEAVES, [piece[1] for piece in leaves], [piece[2] for piece in leaves])
        hashes.update(((0, row["index"]), row["hash"]) for row in rows)
    if nodes:
        rows = await connection.fetch(_NODES, *([piece[part] for piece in nodes] for part in range(3)))
        hashes.update(((row["level"], row["index"]), row["hash"]) for row in rows)
    return hashes


def _node(node: Node, hashes: dict[tuple[int, int], bytes]) -> bytes:
    level, start, stop = stored(node)
    try:
        return root([hashes[level, index] for index in range(start, stop)])
    except KeyError as error:
        raise TreeBrokenError(f"no hash of level and index {error.args[0]}") from None


def _join(parts: Sequence[bytes]) -> bytes:
    """The hash over perfect subtrees, largest first."""
    result = parts[-1]
    for part in reversed(parts[:-1]):
        result = node_hash(part, result)
    return result
