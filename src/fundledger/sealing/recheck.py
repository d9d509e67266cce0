"""The log computed again from its records and leaves, in one pass and constant memory. Called by `verify` only.

Per page of leaves: each leaf from its record, the kept parts of an entry's inner tree from its lines, the tree's stored
nodes and the root of every checkpoint from the leaves. Then the cosignatures, by key. Each check keeps its first fault,
which names the record. Signatures are verified with the keys the caller trusts; those of nobody known are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg

from fundledger.db.connection import Connection
from fundledger.sealing.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, peek
from fundledger.sealing.merkle import EMPTY_ROOT, Frontier
from fundledger.sealing.note import NoteError, VerifierKey, join, open_note, signer_of, split, stated_time
from fundledger.sealing.passing import within_lines
from fundledger.sealing.progress import Told, silent
from fundledger.sealing.records import Accounts, Leaf, Ref, entry_rows, leaves
from fundledger.sealing.spans import STRIDE

PAGE: Final = 1_000
_LEAVES: Final = """SELECT position, book, kind, record_id, version, leaf_hash, lines_root FROM log_leaf
    WHERE position > $1 ORDER BY position LIMIT $2"""
_CHUNKS: Final = """SELECT c.* FROM unnest($1::bigint[], $2::uuid[]) k (book, entry_id)
    CROSS JOIN LATERAL (SELECT * FROM log_line_node WHERE book = k.book AND entry_id = k.entry_id OFFSET 0) c"""
_STRAY_CHUNK: Final = """SELECT n.book, n.entry_id, n.level, n.number FROM log_line_node n WHERE NOT EXISTS (SELECT FROM
    log_leaf l WHERE l.book = n.book AND l.kind = 'entry' AND l.record_id = n.entry_id AND l.version = 1) LIMIT 1"""
_NODES: Final = """SELECT k.level, k.index, n.hash FROM unnest($1::integer[], $2::bigint[]) k (level, index)
    LEFT JOIN LATERAL (SELECT hash FROM log_node WHERE level = k.level AND index = k.index OFFSET 0) n ON true"""
_STRAY_NODE: Final = """SELECT level, index FROM log_node WHERE level > 62 OR index >= $1::bigint >> level
    ORDER BY level, index LIMIT 1"""
_CHECKPOINTS: Final = """SELECT size, root, note FROM log_checkpoint WHERE size > $1 AND size <= $2 ORDER BY size"""
_STRAY_CHECKPOINT: Final = "SELECT size FROM log_checkpoint WHERE size > $1 ORDER BY size LIMIT 1"
_COSIGNATURES: Final = """SELECT s.size, s.name, s.key_id, s.time, s.line, c.note FROM log_cosignature s
    LEFT JOIN log_checkpoint c ON c.size = s.size
    WHERE (s.size, s.name, s.key_id) > ($1, $2, $3) ORDER BY s.size, s.name, s.key_id LIMIT $4"""

TITLES: Final = {
    "leaves-fit-their-records": ("日志叶哈希与记录一致", "each leaf hash is that of its record"),
    "line-nodes-fit-their-entries": ("凭证内树的节点与分录一致", "what is kept of inner trees is of their lines"),
    "nodes-fit-their-leaves": ("日志树的节点与叶一致", "the stored nodes of the tree are the hashes of their leaves"),
    "checkpoints-fit-the-log": ("检查点与日志一致，签名有效", "each checkpoint is the signed root of its size"),
    "head-is-in-the-log": ("密钥旁的 log-head 在日志中", "the newest checkpoint the key signed is in the log"),
    "cosignatures-fit-their-checkpoints": ("见证签名与检查点相符", "each cosignature is of a stored checkpoint"),
}  # fmt: skip
"""The checks of this module by name, in order."""

Fault = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose signatures are verified: the log's and witnesses' keys; and the newest checkpoint the log's key signed."""

    log: Sequence[VerifierKey] = ()
    witnesses: Sequence[VerifierKey] = ()
    head: Checkpoint | None = None


@dataclass(slots=True)
class Findings:
    """The first fault of each check, and how many checkpoints and cosignatures only strangers signed."""

    faults: dict[str, Fault] = field(default_factory=dict)
    unverified: int = 0

    def add(self, check: str, fault: Fault) -> None:
        """Keep the first fault of a check."""
        self.faults.setdefault(check, fault)


async def recheck(connection: Connection, trust: Trust, told: Told = silent, size: int = 0) -> Findings:
    """Compute the whole log again, in the caller's snapshot; `size` records are told as the whole of it."""
    walk = _Walk(connection, trust)
    await walk.start()
    after = -1
    while rows := await connection.fetch(_LEAVES, after, PAGE):
        await walk.records(rows)
        await walk.tree(rows)
        after = rows[-1]["position"]
        told("records", after + 1, size)
    await walk.finish()
    await _cosignatures(connection, trust, walk.findings)
    return walk.findings


def grow(tree: Frontier, leaf: bytes) -> list[tuple[int, int, bytes]]:
    """Append to the tree; the nodes that must be stored then: level, index, hash."""
    completed = tree.append(leaf)
    return [(level, (tree.size >> level) - 1, completed[level]) for level in range(STRIDE, len(completed), STRIDE)]


class _Walk:
    """Where the pass is: the tree so far, and what was found."""

    def __init__(self, connection: Connection, trust: Trust) -> None:
        self.findings = Findings()
        self._connection = connection
        self._trust = trust
        self._accounts = Accounts()
        self._tree = Frontier()
        self._kept_from = 0
        self._signed = 0

    async def start(self) -> None:
        """What holds of the empty log."""
        self._kept_from = await self._connection.fetchval("SELECT coalesce(max(from_position), 0) FROM log_kept")
        for row in await self._connection.fetch(_CHECKPOINTS, -1, 0):
            self._checkpoint(row, EMPTY_ROOT)
        if self._trust.head is not None and self._trust.head.size == 0:
            self._head(EMPTY_ROOT)

    async def records(self, rows: Sequence[asyncpg.Record]) -> None:
        """Hold leaves against their records, and kept nodes against lines; in parts of so many lines."""
        refs = [Ref(row["book"], row["kind"], row["record_id"], row["version"]) for row in rows]
        done = 0
        while done < len(refs):
            try:
                some = refs[done:]
                entries = await entry_rows(self._connection, [ref for ref in some if ref.kind == "entry"])
                count = within_lines(some, entries)
                made = await leaves(self._connection, some[:count], self._accounts, entries)
            except KeyError:
                made, count = await self._one(rows[done], refs[done]), 1
            await self._compare(rows[done : done + count], made)
            done += count

    async def _one(self, row: asyncpg.Record, ref: Ref) -> list[Leaf]:
        """The leaf of one record, or none: it, a line, or an account of it is gone."""
        try:
            return await leaves(self._connection, [ref], self._accounts)
        except KeyError:
            self.findings.add("leaves-fit-their-records", {**_leaf_of(row), "missing": True})
            return []

    async def _compare(self, rows: Sequence[asyncpg.Record], made: Sequence[Leaf]) -> None:
        for row, leaf in zip(rows, made, strict=False):
            if (leaf.leaf_hash, leaf.lines_root) != (row["leaf_hash"], row["lines_root"]):
                self.findings.add("leaves-fit-their-records", {**_leaf_of(row), "computed": leaf.leaf_hash.hex()})
        entries = [(row["position"], leaf) for row, leaf in zip(rows, made, strict=False) if leaf.ref.kind == "entry"]
        books, ids = [leaf.ref.book for _, leaf in entries], [leaf.ref.record_id for _, leaf in entries]
        stored: dict[tuple[int, UUID], dict[tuple[int, int], bytes]] = {}
        for row in await self._connection.fetch(_CHUNKS, books, ids):
            stored.setdefault((row["book"], row["entry_id"]), {})[row["level"], row["number"]] = row["hashes"]
        for position, leaf in entries:
            self._chunks(position, leaf, stored.get((leaf.ref.book, leaf.ref.record_id), {}))

    def _chunks(self, position: int, leaf: Leaf, stored: dict[tuple[int, int], bytes]) -> None:
        computed = {(chunk.level, chunk.number): chunk.hashes for chunk in leaf.chunks}
        if not stored and position < self._kept_from:
            return
        wrong = [key for key in sorted(computed.keys() | stored.keys()) if computed.get(key) != stored.get(key)]
        if wrong:
            level, number = wrong[0]
            self.findings.add("line-nodes-fit-their-entries", {
                "book": leaf.ref.book, "entry_id": str(leaf.ref.record_id), "level": level, "number": number,
                "first_line": (number << 8 << level) + 1, "stored": wrong[0] in stored,
            })  # fmt: skip

    async def tree(self, rows: Sequence[asyncpg.Record]) -> None:
        """Append the leaves; hold the nodes they complete, and the checkpoints they reach, against what is stored."""
        nodes: dict[tuple[int, int], bytes] = {}
        start = self._tree.size
        found = await self._connection.fetch(_CHECKPOINTS, start, start + len(rows))
        checkpoints = {row["size"]: row for row in found}
        for row in rows:
            nodes.update(((level, index), value) for level, index, value in grow(self._tree, row["leaf_hash"]))
            if self._tree.size in checkpoints:
                self._checkpoint(checkpoints[self._tree.size], self._tree.root())
            if self._trust.head is not None and self._tree.size == self._trust.head.size:
                self._head(self._tree.root())
        keys = sorted(nodes)
        for row in await self._connection.fetch(_NODES, [level for level, _ in keys], [index for _, index in keys]):
            if row["hash"] != nodes[row["level"], row["index"]]:
                self.findings.add("nodes-fit-their-leaves", {
                    "level": row["level"], "index": row["index"], "first_position": row["index"] << row["level"],
                    "stored": row["hash"] and row["hash"].hex(), "computed": nodes[row["level"], row["index"]].hex(),
                })  # fmt: skip

    def _checkpoint(self, row: asyncpg.Record, root: bytes) -> None:
        self._signed += 1
        fault = {"size": row["size"], "root": row["root"].hex(), "computed": root.hex()}
        try:
            said = peek(row["note"])
            if (said.size, said.root) != (row["size"], row["root"]) or row["root"] != root:
                self.findings.add("checkpoints-fit-the-log", {**fault, "note": [said.size, said.root.hex()]})
            elif self._trust.log:
                open_checkpoint(row["note"], self._trust.log, said.origin)
            else:
                self.findings.unverified += 1
        except NoteError as error:
            self.findings.add("checkpoints-fit-the-log", {**fault, "why": str(error)})

    def _head(self, root: bytes) -> None:
        head = self._trust.head
        if head is not None and head.root != root:
            self.findings.add("head-is-in-the-log", {**_head_of(head), "computed": root.hex()})

    async def finish(self) -> None:
        """What stands beyond the log, or should be there and is not."""
        size = self._tree.size
        for check, query, arguments in (
            ("nodes-fit-their-leaves", _STRAY_NODE, (size,)), ("line-nodes-fit-their-entries", _STRAY_CHUNK, ()),
            ("checkpoints-fit-the-log", _STRAY_CHECKPOINT, (size,)),
        ):  # fmt: skip
            row = await self._connection.fetchrow(query, *arguments)
            if row is not None:
                named = {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}
                self.findings.add(check, {**named, "beyond_the_log": size})
        head = self._trust.head
        if head is not None and (head.size > size or not self._signed):
            self.findings.add("head-is-in-the-log", {**_head_of(head), "log_size": size, "checkpoints": self._signed})


async def _cosignatures(connection: Connection, trust: Trust, findings: Findings) -> None:
    known = {(key.name, key.key_id): key for key in trust.witnesses}
    after: tuple[int, str, bytes] = (-1, "", b"")
    while rows := await connection.fetch(_COSIGNATURES, *after, PAGE):
        for row in rows:
            try:
                findings.unverified += _cosigned(row, known)
            except NoteError as error:
                named = {"size": row["size"], "name": row["name"], "key_id": row["key_id"].hex()}
                findings.add("cosignatures-fit-their-checkpoints", {**named, "why": str(error)})
        after = rows[-1]["size"], rows[-1]["name"], rows[-1]["key_id"]


def _cosigned(row: asyncpg.Record, known: dict[tuple[str, bytes], VerifierKey]) -> bool:
    """Whether a cosignature is of a witness nobody knows here; NoteError if it is not what it says."""
    if row["note"] is None:
        raise NoteError("there is no checkpoint of this size")
    text, _ = split(row["note"])
    split(join(text, [row["line"]]))
    signer = row["name"], bytes(row["key_id"])
    if signer_of(row["line"]) != signer or stated_time(row["line"]) != row["time"]:
        raise NoteError("the line is of another key or time than its row")
    if parse_checkpoint(text).size != row["size"]:
        raise NoteError("the checkpoint is of another size")
    if signer not in known:
        return True
    open_note(join(text, [row["line"]]), [known[signer]])
    return False


def _leaf_of(row: asyncpg.Record) -> Fault:
    return {"position": row["position"], "book": row["book"], "kind": row["kind"], "record_id": str(row["record_id"]),
            "version": row["version"], "leaf_hash": row["leaf_hash"].hex()}  # fmt: skip


def _head_of(head: Checkpoint) -> Fault:
    return {"size": head.size, "root": head.root.hex()}
