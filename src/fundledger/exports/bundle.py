"""`write_bundle`: what `fundledger verify` proves offline, written from the database in constant memory.

One snapshot (the caller's transaction, repeatable read, read only). The log is read page by page in its order; lines
and texts are spooled beside, packed, and copied into the archive afterwards, as a ZIP takes one member at a time.
Leaves are written with the hash that the log holds, lines as the records are now: a bundle of a book that was
tampered with says so itself. The manifest is signed by the log's receipts key. docs/bundle.md is the format.
"""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any
from uuid import UUID

import msgspec

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.exports.bundle_lines import picked
from fundledger.exports.bundle_records import Needed, records
from fundledger.exports.bundle_selection import Key, Selection
from fundledger.exports.bundle_zip import Member, Writer
from fundledger.sealing import leaf as leaf_content
from fundledger.sealing.canonical import canonical
from fundledger.sealing.checkpoint import encode_hash
from fundledger.sealing.content import Texts
from fundledger.sealing.keys import Keyring
from fundledger.sealing.leaf import Row
from fundledger.sealing.progress import Told, silent
from fundledger.sealing.records import (
    LONG_LINES,
    Accounts,
    Ref,
    entry_rows,
    leaves,
    lines,
    many_lines,
    prefer_indexes,
)
from fundledger.sealing.tree import consistency, roots
from fundledger.verifier.container import (
    CHECKPOINT,
    CONTENTS,
    KEYS,
    LEAVES,
    LINES,
    MANIFEST,
    NODES,
    NOTE,
    OLDER,
    OPENINGS,
    RECORDS,
    TRAIL,
)
from fundledger.verifier.manifest import (
    FORMAT,
    Consistency,
    ContentRow,
    KeyEntry,
    KeyList,
    LeafRow,
    LineRow,
    Manifest,
    OpeningRow,
    Scope,
    SliceRow,
    note_text,
)
from fundledger.verifier.multiproof import gaps

PAGE = 1_000
SPANS = 2_000
_PAGE = """SELECT position, book, kind, record_id, version, leaf_hash, lines_root FROM log_leaf
    WHERE position = ANY($1::bigint[]) ORDER BY position"""
_RANGE = """SELECT position, book, kind, record_id, version, leaf_hash, lines_root FROM log_leaf
    WHERE position >= $1 AND position < $2 ORDER BY position"""
_CHECKPOINT = """SELECT size, note, signed_at FROM log_checkpoint WHERE $1::bigint IS NULL OR size <= $1
    ORDER BY size DESC LIMIT 1"""
_COSIGNATURES = "SELECT line FROM log_cosignature WHERE size = $1 ORDER BY name, key_id, time"
_INSTRUCTIONS = """SELECT a.book, a.approval_id, a.instruction_id FROM unnest($1::bigint[], $2::uuid[]) k (book, id)
    JOIN approval a ON a.book = k.book AND a.approval_id = k.id"""
_WHOLE_LISTS = """SELECT e.book, e.instruction_id, e.entry_id, e.line_count
    FROM unnest($1::bigint[], $2::uuid[]) k (book, id) JOIN entry e ON e.instruction_id = k.id AND e.book = k.book"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """The checkpoint a bundle is under; the note with its cosignatures."""

    size: int
    note: str
    signed_at: Any


@dataclass(slots=True)
class Request:
    """What is to be written."""

    scope: Scope
    selection: Selection
    sealed: Sealed
    older: str | None = None
    older_size: int = 0
    slices: Sequence[SliceRow] = ()
    openings: Sequence[OpeningRow] = ()


@dataclass(slots=True)
class _Spools:
    """Where lines and texts wait."""

    lines: Member
    contents: Member
    needed: Needed = field(default_factory=Needed)
    accounts: Accounts = field(default_factory=lambda: Accounts(most=None))
    met: set[Key] = field(default_factory=set)

    def meet(self) -> None:
        """Note what the accounts that were met since belong to."""
        known = self.accounts.known
        for key in known.keys() - self.met:
            self.needed.account(known[key].account)
            self.met.add(key)


async def newest_checkpoint(connection: Connection, size: int | None = None) -> Sealed:
    """The newest checkpoint of at most `size` records, with its cosignatures; `bundle-without-checkpoint`."""
    row = await connection.fetchrow(_CHECKPOINT, size)
    if row is None:
        raise problem("bundle-without-checkpoint", size="?" if size is None else str(size))
    cosignatures = [found["line"] for found in await connection.fetch(_COSIGNATURES, row["size"])]
    return Sealed(row["size"], row["note"] + "".join(f"{line}\n" for line in cosignatures), row["signed_at"])


async def write_bundle(
    connection: Connection, ring: Keyring, request: Request, file: IO[bytes], told: Told = silent
) -> Manifest:
    """Write a bundle into `file`, telling how far it is; its manifest. `bundle-older-beyond`."""
    await prefer_indexes(connection)
    writer = Writer(file)
    try:
        return await _written(connection, ring, request, writer, told)
    except BaseException:
        writer.abandon()
        raise


async def _written(connection: Connection, ring: Keyring, request: Request, writer: Writer, told: Told) -> Manifest:
    size = request.sealed.size
    proof = await _consistency(connection, request)
    _small(writer, ring, request)
    with tempfile.TemporaryFile() as first, tempfile.TemporaryFile() as second:
        packed = [gzip.GzipFile(fileobj=one, mode="wb", compresslevel=1, mtime=0) for one in (first, second)]
        spools = _Spools(Member(packed[0]), Member(packed[1]))
        with writer.member(LEAVES) as member:
            async for rows in _pages(connection, request.selection.positions):
                await _page(connection, request, rows, member, spools)
                spools.meet()
                told("records", member.rows, len(request.selection.positions))
        kept = ((LINES, spools.lines, packed[0], first), (CONTENTS, spools.contents, packed[1], second))
        for name, spool, archive, raw in kept:
            spool.flush()
            archive.close()
            _copy(writer, name, raw, spool.rows)
    with writer.member(NODES) as member:
        async for node in _nodes(connection, request.selection.positions, size):
            member.line(encode_hash(node))
    with writer.member(RECORDS) as member:
        async for record in records(connection, spools.needed):
            member.row(record)
    _given(writer, request)
    manifest = Manifest(
        format=FORMAT, origin=ring.origin, scope=request.scope, size=size, counts=writer.counts,
        sha256=dict(sorted(writer.digests.items())), consistency=proof,
    )  # fmt: skip
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    writer.whole(MANIFEST, text)
    note = ring.sign_receipt(note_text(ring.origin, text, size, request.scope.kind), request.sealed.signed_at)
    writer.whole(NOTE, note.encode())
    writer.close()
    return manifest


def _small(writer: Writer, ring: Keyring, request: Request) -> None:
    writer.whole(CHECKPOINT, request.sealed.note.encode())
    if request.older is not None:
        writer.whole(OLDER, request.older.encode())
    keys = KeyList(
        origin=ring.origin,
        keys=[KeyEntry(purpose=key.purpose, verifier=str(key.verifier), valid_from=leaf_content.instant(key.valid_from))
              for key in ring.keys],
        vouchers=[key.voucher for key in ring.keys if key.voucher is not None],
    )  # fmt: skip
    writer.whole(KEYS, msgspec.json.encode(keys))


def _given(writer: Writer, request: Request) -> None:
    for name, rows in ((TRAIL, request.slices), (OPENINGS, request.openings)):
        if rows:
            with writer.member(name) as member:
                for row in rows:
                    member.row(row)


def _copy(writer: Writer, name: str, raw: IO[bytes], rows: int) -> None:
    raw.seek(0)
    with writer.member(name) as member, gzip.GzipFile(fileobj=raw, mode="rb") as unpacked:
        member.rows = rows
        while block := unpacked.read(1 << 18):
            member.raw(block)
            member.flush()


async def _consistency(connection: Connection, request: Request) -> Consistency | None:
    if request.older is None:
        return None
    if request.older_size > request.sealed.size:
        raise problem("bundle-older-beyond", old=request.older_size, size=request.sealed.size)
    hashes = await consistency(connection, request.older_size, request.sealed.size)
    return Consistency(old_size=request.older_size, hashes=[encode_hash(one) for one in hashes])


async def _pages(connection: Connection, positions: Sequence[int]) -> AsyncIterator[Sequence[Row]]:
    for start in range(0, len(positions), PAGE):
        if isinstance(positions, range):
            yield await connection.fetch(_RANGE, positions[start], positions[start] + PAGE)
        else:
            yield await connection.fetch(_PAGE, list(positions[start : start + PAGE]))


async def _page(connection: Connection, request: Request, rows: Sequence[Row], member: Member, spools: _Spools) -> None:
    """A page of leaves, with lines and texts."""
    rows = [row for row in rows if row["position"] < request.sealed.size]
    refs = [Ref(row["book"], row["kind"], row["record_id"], row["version"]) for row in rows]
    entries = await _entries(connection, [ref for ref in refs if ref.kind == "entry"])
    numbers = await request.selection.numbers(connection, list(entries.values()))
    whole = [row for ref, row in entries.items() if numbers[ref.book, ref.record_id] is None]
    short = await many_lines(connection, [row for row in whole if row["line_count"] <= LONG_LINES], spools.accounts)
    data = await _data(connection, refs, entries, rows, spools.accounts)
    texts = await _texts(connection, request, [ref for ref in refs if ref.kind == "approval"])
    for row, ref in zip(rows, refs, strict=True):
        position, nodes = row["position"], None
        if ref in entries:
            spools.needed.entry(entries[ref])
            some = numbers[ref.book, ref.record_id]
            if some is None:
                await _all_lines(connection, position, entries[ref], short, spools)
            else:
                nodes = await _some_lines(connection, position, row, entries[ref], some, spools)
        if ref.record_id in texts.keys:
            async for part in texts.read.parts(connection, texts.keys[ref.record_id]):
                spools.contents.row(ContentRow(position=position, text=part))
        found = data.get(ref)
        member.row(LeafRow(
            position=position, book=str(ref.book), kind=ref.kind, id=str(ref.record_id), hash=row["leaf_hash"].hex(),
            data=None if found is None else found.decode(), line_nodes=nodes,
        ))  # fmt: skip


async def _entries(connection: Connection, refs: list[Ref]) -> dict[Ref, Row]:
    """Headers of the entries that are still there."""
    try:
        return await entry_rows(connection, refs)
    except KeyError:
        found: dict[Ref, Row] = {}
        for ref in refs:
            try:
                found |= await entry_rows(connection, [ref])
            except KeyError:
                continue
        return found


async def _data(
    connection: Connection, refs: Sequence[Ref], entries: dict[Ref, Row], rows: Sequence[Row], accounts: Accounts
) -> dict[Ref, bytes]:
    """Canonical bytes of the records that are still there; of an entry under the root of lines that the log holds."""
    held = {ref: row["lines_root"] for ref, row in zip(refs, rows, strict=True)}
    made = {ref: canonical(leaf_content.entry(row, held[ref] or bytes(32))) for ref, row in entries.items()}
    others = [ref for ref in refs if ref.kind != "entry"]
    try:
        return made | {one.ref: one.data for one in await leaves(connection, others, accounts)}
    except KeyError:
        for ref in others:
            try:
                made[ref] = (await leaves(connection, [ref], accounts))[0].data
            except KeyError:
                continue
        return made


@dataclass(slots=True)
class _Texts:
    """The texts of a page's approvals, by approval."""

    keys: dict[UUID, Key]
    read: Texts


async def _texts(connection: Connection, request: Request, approvals: list[Ref]) -> _Texts:
    """Only of instructions whose lines are all in the bundle, if it is not of the whole log."""
    rows = await connection.fetch(_INSTRUCTIONS, [ref.book for ref in approvals], [ref.record_id for ref in approvals])
    keys = {row["approval_id"]: (row["book"], row["instruction_id"]) for row in rows}
    if request.scope.kind != "all" and keys:
        allowed = await _wholly_in(connection, request, list(keys.values()))
        keys = {approval: key for approval, key in keys.items() if key in allowed}
    return _Texts(keys, await Texts.read(connection, list(keys.values())))


async def _wholly_in(connection: Connection, request: Request, keys: list[Key]) -> set[Key]:
    rows = await connection.fetch(_WHOLE_LISTS, [book for book, _ in keys], [instruction for _, instruction in keys])
    numbers = await request.selection.numbers(connection, rows)
    return {(row["book"], row["instruction_id"]) for row in rows if numbers[row["book"], row["entry_id"]] is None}


async def _all_lines(
    connection: Connection, position: int, entry: Row, short: dict[Key, list[tuple[int, bytes]]], spools: _Spools
) -> None:
    key = (entry["book"], entry["entry_id"])
    if key in short:
        for number, data in short[key]:
            _line(spools, position, number, data)
        return
    async for number, data in lines(connection, entry, spools.accounts):
        _line(spools, position, number, data)


async def _some_lines(
    connection: Connection, position: int, row: Row, entry: Row, numbers: list[int], spools: _Spools
) -> list[str]:
    if not numbers:
        return [encode_hash(row["lines_root"])]
    found = await picked(connection, entry, numbers, spools.accounts)
    for number, data in found.lines:
        _line(spools, position, number, data)
    return found.nodes


def _line(spools: _Spools, position: int, number: int, data: bytes) -> None:
    spools.lines.row(LineRow(position=position, line_no=number, data=data.decode()))


async def _nodes(connection: Connection, positions: Sequence[int], size: int) -> AsyncIterator[bytes]:
    """The nodes that stand for what the bundle leaves out."""
    spans = gaps(positions, size)
    while some := list(islice(spans, SPANS)):
        found = await roots(connection, some)
        for span in some:
            yield found[span]
