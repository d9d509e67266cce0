"""The lines of entries for a bundle: all of an entry's, or some with the nodes that stand for the others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from fundledger.db.connection import Connection
from fundledger.sealing.checkpoint import encode_hash
from fundledger.sealing.inner import GROUP, LOWER
from fundledger.sealing.leaf import Row
from fundledger.sealing.merkle import HASH_BYTES, leaf_hash, root
from fundledger.sealing.records import Accounts, lines
from fundledger.sealing.spans import Span
from fundledger.verifier.multiproof import gaps

_LOWER = """SELECT hashes FROM log_line_node WHERE book = $1 AND entry_id = $2 AND level = $3 ORDER BY number"""


class Picked:
    """Some lines of one entry, and what stands for the rest."""

    def __init__(self, lines: list[tuple[int, bytes]], nodes: list[str]) -> None:
        self.lines, self.nodes = lines, nodes


async def picked(connection: Connection, entry: Row, numbers: Sequence[int], accounts: Accounts) -> Picked:
    """The lines with these numbers (ascending), and the multiproof of the inner tree without them.

    Reads the groups of 16 in which they lie, and the kept nodes for everything else.
    """
    count = entry["line_count"]
    groups = sorted({(number - 1) // GROUP for number in numbers})
    read: dict[int, list[bytes]] = {}
    found: list[tuple[int, bytes]] = []
    wanted = frozenset(numbers)
    for group in groups:
        read[group] = []
        async for number, data in _group(connection, entry, group, accounts):
            read[group].append(leaf_hash(data))
            if number in wanted:
                found.append((number, data))
    kept = b"".join(row["hashes"] for row in await connection.fetch(_LOWER, entry["book"], entry["entry_id"], LOWER))
    lower = [kept[at : at + HASH_BYTES] for at in range(0, len(kept), HASH_BYTES)]
    if count > GROUP and not lower:
        lower = await _made_again(connection, entry, accounts)
    spans = gaps([number - 1 for number in numbers], count)
    return Picked(found, [encode_hash(_hash(span, read, lower)) for span in spans])


async def _group(
    connection: Connection, entry: Row, group: int, accounts: Accounts
) -> AsyncIterator[tuple[int, bytes]]:
    async for number, data in lines(connection, entry, accounts, after=group * GROUP, chunk=GROUP):
        if number > (group + 1) * GROUP:
            return
        yield number, data


def _hash(span: Span, read: dict[int, list[bytes]], lower: Sequence[bytes]) -> bytes:
    """A span inside one group is hashed from its lines, a larger one from the groups' nodes."""
    first = span.start // GROUP
    if first in read and span.stop <= (first + 1) * GROUP:
        return root(read[first][span.start - first * GROUP : span.stop - first * GROUP])
    return root(lower[first : -(-span.stop // GROUP)])


async def _made_again(connection: Connection, entry: Row, accounts: Accounts) -> list[bytes]:
    """The nodes over each group of an entry that was sealed before such nodes were kept."""
    found: list[bytes] = []
    group: list[bytes] = []
    async for _, data in lines(connection, entry, accounts):
        group.append(leaf_hash(data))
        if len(group) == GROUP:
            found.append(root(group))
            group.clear()
    return [*found, root(group)] if group else found
