"""The monitor's own ledger (监督账): leaf hashes, accounts' totals and lines, one SQLite file per log.

Everything in it was verified under a checkpoint that the log signed: one page of the log is one transaction, which ends
only after its root was. It holds ids, amounts and hashes, nothing of a person.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from fundledger.errors import problem
from fundledger.sealing.merkle import Frontier
from fundledger.witness.store import BUSY_SECONDS

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL,
    frontier BLOB NOT NULL, recheck INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS leaf (position INTEGER PRIMARY KEY, hash BLOB NOT NULL, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS account (number INTEGER PRIMARY KEY, book TEXT NOT NULL, account_id TEXT NOT NULL,
    is_source INTEGER NOT NULL, received INTEGER NOT NULL, given INTEGER NOT NULL, UNIQUE (book, account_id));
CREATE TABLE IF NOT EXISTS line (position INTEGER NOT NULL, line_no INTEGER NOT NULL, debit INTEGER NOT NULL,
    credit INTEGER NOT NULL, amount INTEGER NOT NULL, undone INTEGER NOT NULL DEFAULT 0,
    settled INTEGER NOT NULL DEFAULT 0, settles_position INTEGER, settles_line INTEGER,
    reissued INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (position, line_no)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS approval (instruction_id TEXT NOT NULL, content TEXT NOT NULL, approver_id TEXT NOT NULL,
    PRIMARY KEY (instruction_id, content, approver_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending_approval (position INTEGER PRIMARY KEY, instruction_id TEXT NOT NULL,
    content TEXT NOT NULL, approver_id TEXT NOT NULL, due INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS posted (book TEXT NOT NULL, instruction_id TEXT NOT NULL,
    PRIMARY KEY (book, instruction_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS crossing (crossing_id TEXT PRIMARY KEY, position INTEGER NOT NULL, book TEXT NOT NULL,
    facts TEXT NOT NULL, due INTEGER NOT NULL, paired INTEGER NOT NULL DEFAULT 0);
"""


@dataclass(slots=True)
class Account:
    """An account's totals in fen, as the log's lines add up."""

    number: int
    is_source: bool
    received: int
    given: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was read before: accounts, amount, what of it was undone or settled, how often it was paid again."""

    position: int
    line_no: int
    debit: int
    credit: int
    amount: int
    undone: int
    settled: int
    settles_position: int | None
    settles_line: int | None
    reissued: int


def file_of(folder: Path, origin: str) -> Path:
    """Where the ledger of a log is."""
    return folder / f"monitor-{sha256(origin.encode()).hexdigest()[:12]}.sqlite3"


class Ledger:
    """One log's ledger; one process at a time. `page` is a transaction; everything else is called inside one."""

    def __init__(self, folder: Path, origin: str) -> None:
        """Open or make it; `witness-store-unusable`."""
        try:
            self.db = sqlite3.connect(file_of(folder, origin), timeout=BUSY_SECONDS, isolation_level=None)
            self.db.executescript(_SCHEMA)
            self.db.execute("INSERT OR IGNORE INTO state VALUES (1, 0, x'', 0)")
        except sqlite3.Error as error:
            raise _unusable(error) from error
        self._accounts: dict[tuple[str, str], Account] = {}
        self._touched: dict[int, Account] = {}
        self._ended = -1
        self.frontier = Frontier()

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    @property
    def size(self) -> int:
        """How many positions were read and verified."""
        return int(self.db.execute("SELECT size FROM state").fetchone()[0])

    @contextmanager
    def page(self) -> Iterator[None]:
        """A transaction over what is read; undone if it raises. `witness-store-unusable`."""
        try:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                self._begin()
                yield
                self._end()
                self.db.execute("COMMIT")
            except BaseException:
                self._accounts.clear()
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _unusable(error) from error

    def _begin(self) -> None:
        size, stored = self.db.execute("SELECT size, frontier FROM state").fetchone()
        self.frontier = Frontier(size, [stored[at : at + 32] for at in range(0, len(stored), 32)])
        self._touched.clear()
        if size != self._ended:
            # Another process read on meanwhile: what is remembered of accounts is out of date.
            self._accounts.clear()

    def _end(self) -> None:
        rows = [(one.received, one.given, one.number) for one in self._touched.values()]
        self.db.executemany("UPDATE account SET received = ?, given = ? WHERE number = ?", rows)
        frontier = b"".join(self.frontier.hashes)
        self._ended = self.frontier.size
        self.db.execute("UPDATE state SET size = ?, frontier = ?", (self.frontier.size, frontier))

    def account(self, book: str, account_id: str, *, is_source: bool) -> Account:
        """An account's totals, from zero when it is seen first; what the caller changes is kept with the page."""
        found = self._accounts.get((book, account_id))
        if found is None:
            key = (book, account_id)
            query = (
                "INSERT OR IGNORE INTO account (book, account_id, is_source, received, given) VALUES (?, ?, ?, 0, 0)"
            )
            self.db.execute(query, (*key, int(is_source)))
            query = "SELECT number, is_source, received, given FROM account WHERE book = ? AND account_id = ?"
            number, source, received, given = self.db.execute(query, key).fetchone()
            found = self._accounts[key] = Account(number, bool(source), received, given)
        self._touched[found.number] = found
        return found

    def add_leaf(self, position: int, leaf: bytes, name: str) -> bool:
        """The next leaf; False if its record stood in the log before."""
        self.frontier.append(leaf)
        done = self.db.execute("INSERT OR IGNORE INTO leaf VALUES (?, ?, ?)", (position, leaf, name))
        if done.rowcount == 0:
            self.db.execute("INSERT INTO leaf VALUES (?, ?, ?)", (position, leaf, f"{name} @{position}"))
        return done.rowcount == 1

    def line(self, name: str, line_no: int) -> Line | None:
        """A line of an entry (by the name of its record) that was read before."""
        query = """SELECT l.* FROM leaf f JOIN line l ON l.position = f.position WHERE f.name = ? AND l.line_no = ?"""
        row = self.db.execute(query, (name, line_no)).fetchone()
        return None if row is None else Line(*row)

    def line_at(self, position: int, line_no: int) -> Line | None:
        """A line by its entry's position."""
        query = "SELECT * FROM line WHERE position = ? AND line_no = ?"
        row = self.db.execute(query, (position, line_no)).fetchone()
        return None if row is None else Line(*row)

    def name_of(self, position: int) -> str:
        """The record at a position; empty if it was not read."""
        row = self.db.execute("SELECT name FROM leaf WHERE position = ?", (position,)).fetchone()
        return "" if row is None else str(row[0])

    def hashes(self, start: int, stop: int) -> list[bytes]:
        """The leaf hashes of a stretch of positions that were read; `witness-store-unusable` if one is not there."""
        query = "SELECT hash FROM leaf WHERE position >= ? AND position < ? ORDER BY position"
        found = [row[0] for row in self.db.execute(query, (start, stop))]
        if len(found) != stop - start:
            raise _unusable(LookupError(f"leaves of {start} to {stop} are missing"))
        return found


def verified_size(folder: Path, origin: str) -> int:
    """How far a monitor has read and verified a log; 0 if none has."""
    if not file_of(folder, origin).exists():
        return 0
    ledger = Ledger(folder, origin)
    try:
        return ledger.size
    finally:
        ledger.close()


def prefix_root(folder: Path, origin: str, size: int) -> bytes | None:
    """The root of the log's first leaves, if a monitor has read so far; None otherwise."""
    if not file_of(folder, origin).exists():
        return None
    ledger = Ledger(folder, origin)
    try:
        if ledger.size < size:
            return None
        tree = Frontier()
        tree.extend(ledger.hashes(0, size))
        return tree.root()
    finally:
        ledger.close()


def _unusable(error: Exception) -> Exception:
    return problem("witness-store-unusable", reason=f"{type(error).__name__}: {error}"[:200])
