"""The monitor (监督员): reads the whole log, hashes and adds up everything again, and names the first fault.

A run looks at the log as `following` does, reads what is new in pages, and re-reads a stretch of what it read before,
so that in time everything is read again. A page is kept only after its root was shown to be a beginning of the
checkpoint seen; it can be stopped at any point and goes on there. When history was rewritten, it reads everything again
against the leaf hashes it keeps, to name the first record that is another now.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

from fundledger.sealing.inner import InnerTree
from fundledger.sealing.merkle import EMPTY_ROOT, Frontier, leaf_hash, verify_consistency
from fundledger.sealing.progress import Told, silent
from fundledger.verifier.schema import Approval, Entry1, Entry2
from fundledger.witness.alarms import FAULT, raise_alarm
from fundledger.witness.book import Book, Entry, lines_root, record_name
from fundledger.witness.faults import FaultError, mark_of
from fundledger.witness.following import Looked, State, Witness
from fundledger.witness.ledger import Ledger
from fundledger.witness.store import Seen, last_seen

PAGE_LINES: Final = 20_000
Row = dict[str, Any]


@dataclass(slots=True)
class Watched:
    """What a run did: the look, how far the ledger reaches, how many positions it read again, and the fault found."""

    looked: Looked
    size: int
    reread: int
    fault: str | None


@dataclass(slots=True)
class _Page:
    """What was read of one page: its leaf hashes, and the record at each."""

    start: int
    hashes: list[bytes] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    following: int = 0


class _Again(NamedTuple):
    """An entry that is read again: the root that its lines have to give, and the tree over them."""

    root: str
    tree: InnerTree


async def watch(
    witness: Witness, *, recheck: int, page_lines: int = PAGE_LINES, told: Told = silent
) -> Watched:  # fmt: skip
    """One run, telling how far it is.

    `recheck` positions of those read before are read again (all, if the log contradicts itself).
    """
    looked = await witness.look()
    ledger = Ledger(witness.store.folder, witness.origin)
    try:
        run = _Run(witness, ledger, page_lines)
        reread, fault = 0, None
        try:
            contradicted = looked.state in (State.ALARM, State.STALE)
            reread = await run.again(ledger.size if contradicted else recheck)
            if looked.state is State.CURRENT:
                await run.read(looked, told)
        except FaultError as error:
            fault = str(error)
            run.alarm(fault)
        return Watched(looked, ledger.size, reread, fault)
    finally:
        ledger.close()


class _Run:
    """One run over one ledger."""

    def __init__(self, witness: Witness, ledger: Ledger, page_lines: int) -> None:
        self._witness, self._ledger, self._page_lines = witness, ledger, page_lines
        with witness.store.reading() as db:
            seen = last_seen(db, witness.origin)
            query = "SELECT detail FROM alarm WHERE kind = ? AND origin = ? AND acknowledged_at IS NOT NULL"
            details = [row[0] for row in db.execute(query, (FAULT, witness.origin))]
        self._seen: Seen = seen or Seen(0, EMPTY_ROOT, "")
        self._book = Book(ledger, witness.clock(), {mark for mark in map(mark_of, details) if mark is not None})

    def alarm(self, detail: str) -> None:
        """Keep the fault as an alarm, with the checkpoint under which it was found."""
        store = self._witness.store
        with store.writing() as db:
            raise_alarm(db, self._witness.origin, FAULT, self._seen.note, "", detail, self._witness.clock())

    async def read(self, looked: Looked, told: Told = silent) -> None:
        """Read and keep everything up to the checkpoint seen."""
        while self._ledger.size < self._seen.size:
            with self._ledger.page():
                page = await self._page(self._ledger.frontier.size)
                await self._verify(page)
            told("records", self._ledger.size, self._seen.size)
        with self._ledger.page():
            self._book.finish()

    async def _page(self, start: int) -> _Page:
        page = _Page(start)
        entry: Entry | None = None
        async with aclosing(self._rows(start, self._seen.size)) as rows:
            async for row in rows:
                if "lines" in row:
                    self._lines(entry, row)
                    continue
                if entry is not None:
                    self._book.end(entry)
                    entry = None
                if "next" in row:
                    page.following = row["next"]
                    continue
                entry = self._leaf(page, row)
        if page.following != self._ledger.frontier.size or page.following == start:
            raise FaultError("position-missing", self._ledger.frontier.size, "")
        return page

    def _leaf(self, page: _Page, row: Row) -> Entry | None:
        """One leaf: the next position, its record's hash, and what it means for the book."""
        position, name = self._ledger.frontier.size, _name(row)
        if row["position"] != position:
            raise FaultError("position-missing", position, "", f"{row['position']} {name}")
        if position >= self._seen.size:
            raise FaultError("not-asked", position, name)
        served = bytes.fromhex(row["leaf_hash"])
        data = row["data"]
        if data is None:
            self._book.wrong("record-missing", position, name)
        elif leaf_hash(data.encode()) != served:
            self._book.wrong("record-differs", position, name)
        page.hashes.append(served)
        page.names.append(name)
        if not self._ledger.add_leaf(position, served, name):
            self._book.wrong("record-twice", position, name)
        return None if data is None else self._content(position, name, row)

    def _content(self, position: int, name: str, row: Row) -> Entry | None:
        record = self._book.record(row["data"], row["version"], position, name)
        if isinstance(record, Approval):
            self._book.approval(record)
        return Entry(position, name, record) if isinstance(record, Entry1 | Entry2) else None

    def _lines(self, entry: Entry | None, row: Row) -> None:
        if entry is None or row["position"] != entry.position:
            # Lines of an entry whose header is gone, which was told and acknowledged.
            return
        if row["lines"] is None:
            self._book.wrong("record-missing", entry.position, f"{entry.name} lines")
            return
        for text in row["lines"]:
            self._book.line(entry, text)

    async def _verify(self, page: _Page) -> None:
        """The page is kept only if everything read so far is a beginning of the checkpoint; names where it is not."""
        tree = self._ledger.frontier
        if await self._begins(tree.size, tree.root()):
            return
        good, bad = page.start, tree.size
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if await self._begins(middle, self._root(page, middle)) else (good, middle)
        raise FaultError("not-in-checkpoint", good, page.names[good - page.start])

    def _root(self, page: _Page, size: int) -> bytes:
        tree = Frontier()
        tree.extend(self._ledger.hashes(0, size))
        return tree.root()

    async def _begins(self, size: int, root: bytes) -> bool:
        """Whether the tree of `size` with this root is the beginning of the checkpoint's."""
        if size in (0, self._seen.size):
            return root == (EMPTY_ROOT if size == 0 else self._seen.root)
        proof = await self._witness.client.consistency(size, self._seen.size)
        return proof is not None and verify_consistency(size, root, self._seen.size, self._seen.root, proof)

    async def again(self, count: int) -> int:
        """Read `count` positions again from where the last run ended, around; the first that changed is a fault."""
        size = self._ledger.size
        count = min(count, size)
        (start,) = self._ledger.db.execute("SELECT recheck FROM state").fetchone()
        start = 0 if count == size or start >= size else start
        for first, stop in ((start, min(start + count, size)), (0, max(0, start + count - size))):
            position = first
            while position < stop:
                position = await self._compare(position, stop)
        with self._ledger.page():
            self._ledger.db.execute("UPDATE state SET recheck = ?", ((start + count) % max(size, 1),))
        return count

    async def _compare(self, start: int, stop: int) -> int:
        """Hold one answer's positions against the kept leaf hashes; where the next begins."""
        position, entry = start, _Again("", InnerTree())
        async with aclosing(self._rows(start, stop)) as rows:
            async for row in rows:
                if "lines" in row:
                    for text in row["lines"] or ():
                        entry.tree.append(leaf_hash(text.encode()))
                    continue
                if entry.root and entry.tree.finish()[0].hex() != entry.root:
                    self._book.wrong("record-changed", position - 1, self._ledger.name_of(position - 1))
                if "next" in row:
                    entry = _Again("", InnerTree())
                    continue
                if position >= stop:
                    raise FaultError("not-asked", position, _name(row))
                entry = _Again(self._same(position, row), InnerTree())
                position += 1
        if position == start:
            raise FaultError("position-missing", start, self._ledger.name_of(start))
        return position

    def _same(self, position: int, row: Row) -> str:
        """Whether a record's leaf is still the one that was kept; of an entry, the root that its lines have to give."""
        name, data = self._ledger.name_of(position), row["data"]
        if row["position"] != position:
            raise FaultError("position-missing", position, name)
        if data is None:
            self._book.wrong("record-missing", position, name)
        elif leaf_hash(data.encode()) != self._ledger.hashes(position, position + 1)[0]:
            self._book.wrong("record-changed", position, name)
        else:  # by the record's own words: the row's `kind` is only what the service says
            return lines_root(data)
        return ""

    async def _rows(self, start: int, stop: int) -> AsyncGenerator[Row]:
        """The rows of one answer, each of its form; ends after `next`, or a fault if that never comes."""
        async with aclosing(self._witness.client.entries(start, stop, self._page_lines)) as rows:
            async for row in rows:
                _formed(row, start)
                yield row
                if "next" in row:
                    return
        raise FaultError("position-missing", start, "", "the stream was cut off")


def _formed(row: Row, start: int) -> None:
    """ValueError-free access later on: a row has the fields of its kind, of their types."""
    texts = ("book", "kind", "record_id", "leaf_hash")
    if "next" in row:
        good = type(row["next"]) is int
    elif "lines" in row:
        lines = row["lines"]
        good = lines is None or (isinstance(lines, list) and all(isinstance(text, str) for text in lines))
        good = good and type(row.get("position")) is int
    else:
        good = all(isinstance(row.get(name), str) for name in texts) and type(row.get("position")) is int
        good = good and type(row.get("version")) is int and isinstance(row.get("data", 0), str | None)
        good = good and len(row["leaf_hash"]) == 64 and all(one in "0123456789abcdef" for one in row["leaf_hash"])
    if not good:
        raise FaultError("stream-unreadable", start, "")


def _name(row: Row) -> str:
    return record_name(row["book"], row["kind"], row["record_id"], cast(int, row["version"]))
