"""How a database stands to checkpoints kept elsewhere (与见证检查点对照): is what was witnessed still there?

Used after a restore. The roots are computed again from every leaf hash, not read from stored nodes, in one pass and
constant memory; whether the leaf hashes fit the records is `verify`'s to say. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fundledger.db.connection import Connection
from fundledger.sealing.checkpoint import Checkpoint
from fundledger.sealing.merkle import Frontier

Verdict = Literal["contains", "stale", "fork"]
PAGE = 10_000
_HASHES = "SELECT position, leaf_hash FROM log_leaf WHERE position >= $1 ORDER BY position LIMIT $2"


@dataclass(frozen=True, slots=True)
class Standing:
    """One checkpoint against the database: `root` is what the database has at that size, None when it is shorter."""

    witnessed: Checkpoint
    size: int
    root: bytes | None

    @property
    def verdict(self) -> Verdict:
        """*contains*: proven up to position ``witnessed.size - 1``; *stale*: records are missing; *fork*: others."""
        if self.root is None:
            return "stale"
        return "contains" if self.root == self.witnessed.root else "fork"

    @property
    def missing(self) -> int:
        """How many witnessed records the database lacks at least."""
        return max(0, self.witnessed.size - self.size)


async def standings(connection: Connection, witnessed: Iterable[Checkpoint]) -> tuple[Checkpoint, list[Standing]]:
    """The database's own log (size and root; of no origin) and how it stands to each checkpoint, in their order.

    ValueError if the positions have a gap, which `verify` names.
    """
    wanted = list(witnessed)
    roots: dict[int, bytes] = {}
    frontier = Frontier()
    sizes = sorted({checkpoint.size for checkpoint in wanted}, reverse=True)
    while True:
        _note_roots(frontier, sizes, roots)
        limit = min(PAGE, sizes[-1] - frontier.size) if sizes else PAGE
        rows = await connection.fetch(_HASHES, frontier.size, limit)
        if not rows:
            break
        if rows[0]["position"] != frontier.size or rows[-1]["position"] != frontier.size + len(rows) - 1:
            raise ValueError("the positions of the log have a gap")
        frontier.extend(row["leaf_hash"] for row in rows)
    found = [Standing(checkpoint, frontier.size, roots.get(checkpoint.size)) for checkpoint in wanted]
    return Checkpoint("", frontier.size, frontier.root()), found


def _note_roots(frontier: Frontier, sizes: list[int], roots: dict[int, bytes]) -> None:
    while sizes and sizes[-1] == frontier.size:
        roots[sizes.pop()] = frontier.root()
