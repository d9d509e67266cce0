"""The proof of a trail's page: every line that money passed through, its entry's leaf, and one checkpoint over all.

Called by `trail`. Each line is shown to be in its entry (inner path to the leaf's ``lines_root``) and each entry in the
log (path to the root of the checkpoint), so that the page can be checked offline. What was posted after the checkpoint
is named in `unsealed` and not proved. Of a city's entry a district sees the header and the lines of its own money only.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from fundledger.api.deps import Services
from fundledger.api.reading import BookOut
from fundledger.api.wire import Answer
from fundledger.db.connection import Connection
from fundledger.sealing.checkpoint import encode_hash
from fundledger.sealing.proofs import Known, RecordProof, prove
from fundledger.sealing.published import newest
from fundledger.sealing.records import Ref
from fundledger.trail.queue import Slice


class ProvedLine(Answer):
    """A line's canonical `data`, and its `index` and `inner_path` (Base64) in the tree of the entry's lines."""

    line_no: int
    index: int
    data: str
    inner_path: list[str]


class ProvedEntry(Answer):
    """An entry's `leaf` data, its `position` and `path` (Base64) in the log, and the lines the trail passed through."""

    book: BookOut
    entry_id: UUID
    position: int
    leaf: str
    path: list[str]
    lines: list[ProvedLine]


class UnsealedEntry(Answer):
    """An entry that the checkpoint does not hold yet."""

    book: BookOut
    entry_id: UUID


class TrailProof(Answer):
    """Every line of the page's edges under one signed note, and what came after it."""

    checkpoint: str
    entries: list[ProvedEntry]
    unsealed: list[UnsealedEntry]


async def prove_edges(
    connection: Connection, edges: Iterable[Slice], services: Services, *, cosigned: bool
) -> TrailProof:
    """Prove the transfers of the edges; `log-checkpoint-not-found` if nothing was signed (or cosigned) yet."""
    under = await newest(connection, cosigned=cosigned)
    wanted: dict[Ref, list[int]] = {}
    for edge in edges:
        money = edge.transfer
        wanted.setdefault(Ref(money.book, "entry", money.entry_id), []).append(money.line_no)
    known = Known(services.nodes, services.groups, under.root)
    proven = await prove(connection, under.size, wanted, services.accounts, known)
    return TrailProof.model_construct(
        checkpoint=under.note, entries=[_entry(one) for one in proven.proofs.values()],
        unsealed=[UnsealedEntry(book=ref.book, entry_id=ref.record_id) for ref in proven.unsealed],
    )  # fmt: skip


def _entry(one: RecordProof) -> ProvedEntry:
    """Built without another look at every field: a trail has some fifty lines with some forty hashes each."""
    return ProvedEntry.model_construct(
        book=one.ref.book, entry_id=one.ref.record_id, position=one.position, leaf=one.data.decode(),
        path=[encode_hash(node) for node in one.path],
        lines=[
            ProvedLine.model_construct(
                line_no=line.line_no, index=line.index, data=line.data.decode(),
                inner_path=[encode_hash(node) for node in line.path],
            )
            for line in one.lines
        ],
    )  # fmt: skip
