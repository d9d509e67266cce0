"""What stands in a bundle's small members and rows: the format itself, shared by the writer and the verifier."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

FORMAT: Final = "fundledger-bundle-v1"
FAMILY: Final = "fundledger-bundle-v"
Position = Annotated[int, Meta(ge=0, lt=2**53)]
Index = Annotated[int, Meta(ge=1, lt=2**31)]
ScopeKind = Literal[
    "all",
    "book",
    "allocation",
    "village",
    "project",
    "document",
    "household",
    "person",
    "organisation",
    "entry",
    "line",
]


class _Row(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """Every field present, no other."""


class Scope(_Row):
    """What the bundle is of. `closed`: the ids of allocations, projects, or the book, whose accounts it holds whole."""

    kind: ScopeKind
    book: str | None
    ref: str | None
    closed: list[str]
    openings: bool


class Consistency(_Row):
    """The proof that the tree of `old_size` is the beginning of this one, as Base64."""

    old_size: Position
    hashes: list[str]


class Manifest(_Row):
    """``bundle.json``: what is in the bundle, and the SHA-256 of each other member but the note."""

    format: str
    origin: str
    scope: Scope
    size: Position
    counts: dict[str, int]
    sha256: dict[str, str]
    consistency: Consistency | None


class KeyEntry(_Row):
    """A verifier key of the log, for information: trust comes from elsewhere."""

    purpose: str
    verifier: str
    valid_from: str


class KeyList(_Row):
    """``keys``: verifier keys, and the notes by which each introduces the next."""

    origin: str
    keys: list[KeyEntry]
    vouchers: list[str]


class LeafRow(_Row):
    """A line of ``leaves.ndjson``. `data` is null where the record could not be found; `hash` is what the log holds.

    `line_nodes` (of an entry): null if all its lines are there, else the nodes that stand for the others, as Base64.
    """

    position: Position
    book: str
    kind: str
    id: str
    hash: str
    data: str | None
    line_nodes: list[str] | None


class LineRow(_Row):
    """A line of ``lines.ndjson``, in order of the position of its entry and its number."""

    position: Position
    line_no: Index
    data: str


class ContentRow(_Row):
    """A part of an instruction's text (docs/formats.md section 5), at the position of its approval."""

    position: Position
    text: str


class RecordRow(_Row):
    """A record that is not sealed: `kind` names its table, `data` are its columns."""

    kind: str
    data: dict[str, Any]


class SliceRow(_Row):
    """A piece of a trail: `amount` fen of a line from `offset` on, for fen `at` and following of what was asked."""

    at: Position
    amount: Index | Position
    depth: Position
    step: Literal["start", "fifo", "undo", "crossing"]
    position: Position
    line_no: Index
    offset: Position


class OpeningRow(_Row):
    """What opens one commitment; null where the salt was erased. `field` is ``name`` or ``card``."""

    position: Position
    line_no: Index
    field: Literal["name", "card"]
    salt: str | None
    value: str | None


def note_text(origin: str, manifest: bytes, size: int, scope: str) -> str:
    """What the exporter signs: the digest of ``bundle.json``, and in short what it is of."""
    return f"{FORMAT}\n{origin}\n{hashlib.sha256(manifest).hexdigest()}\n{size}\n{scope}\n"
