"""The witness's own store: a folder with one SQLite file, written in short exclusive transactions.

Everything a decision rests on is read and written inside one `Store.writing` block, which takes SQLite's write lock
first and is on disk when it ends: two processes on one store, and a kill at any point, are harmless. Nothing seen is
ever forgotten: a checkpoint stays, verbatim, as evidence.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fundledger.errors import problem
from fundledger.sealing.note import VerifierKey, parse_key

FILE: Final = "witness.sqlite3"
BUSY_SECONDS: Final = 30
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS trusted (            -- keys of logs, given by the office or introduced by such a key
    origin TEXT NOT NULL, verifier TEXT NOT NULL, introduced INTEGER NOT NULL, PRIMARY KEY (origin, verifier));
CREATE TABLE IF NOT EXISTS seen (               -- every checkpoint that was found consistent, verbatim
    origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL, seen_at INTEGER NOT NULL,
    PRIMARY KEY (origin, size));
CREATE TABLE IF NOT EXISTS cosignature (        -- the newest one per checkpoint
    origin TEXT NOT NULL, size INTEGER NOT NULL, time INTEGER NOT NULL, line TEXT NOT NULL,
    published INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (origin, size));
CREATE TABLE IF NOT EXISTS clock (              -- the time of the newest cosignature of any log: it never goes back
    one INTEGER PRIMARY KEY CHECK (one = 1), time INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS withheld (           -- how often in succession a log gave no usable consistency proof
    origin TEXT PRIMARY KEY, times INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS alarm (
    number INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL, kind TEXT NOT NULL, raised_at INTEGER NOT NULL,
    seen_note TEXT NOT NULL, new_note TEXT NOT NULL, detail TEXT NOT NULL, hooked INTEGER NOT NULL DEFAULT 0,
    acknowledged_at INTEGER, reason TEXT);
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint that was found consistent with everything before it."""

    size: int
    root: bytes
    note: str


class Store:
    """The folder of one witness. Cheap to make; opens its file for each transaction."""

    def __init__(self, folder: Path) -> None:
        """Open or make the store; `witness-store-unusable`."""
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _unusable(error) from error
        with self._opened() as db:
            if db.execute("PRAGMA user_version").fetchone()[0] > _VERSION:
                raise problem("witness-store-unusable", reason="it was written by a newer version")
            db.executescript(_SCHEMA)
            db.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One writer at a time; on disk when the block ends, undone when it raises; `witness-store-unusable`."""
        with self._opened() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read what is there; `witness-store-unusable`."""
        with self._opened() as db:
            yield db

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self.folder / FILE, timeout=BUSY_SECONDS, isolation_level=None)
            with closing(connection) as db:
                db.execute("PRAGMA synchronous = EXTRA")
                yield db
        except sqlite3.Error as error:
            raise _unusable(error) from error


def trust(db: sqlite3.Connection, origin: str, keys: Sequence[VerifierKey], *, introduced: bool) -> None:
    """Keep verifier keys of a log (its log key, and the one of its receipts)."""
    db.executemany(
        "INSERT OR IGNORE INTO trusted VALUES (?, ?, ?)", [(origin, str(key), int(introduced)) for key in keys]
    )


def trusted(db: sqlite3.Connection, origin: str) -> list[VerifierKey]:
    """The keys of a log; none if the log is unknown here."""
    rows = db.execute("SELECT verifier FROM trusted WHERE origin = ? ORDER BY rowid", (origin,))
    return [parse_key(text) for (text,) in rows]


def origins(db: sqlite3.Connection) -> list[str]:
    """The logs this witness knows."""
    return [origin for (origin,) in db.execute("SELECT DISTINCT origin FROM trusted ORDER BY origin")]


def last_seen(db: sqlite3.Connection, origin: str) -> Seen | None:
    """The largest checkpoint of a log."""
    query = "SELECT size, root, note FROM seen WHERE origin = ? ORDER BY size DESC LIMIT 1"
    return _seen(db.execute(query, (origin,)).fetchone())


def seen_at(db: sqlite3.Connection, origin: str, size: int) -> Seen | None:
    """The checkpoint of one size, if it was seen."""
    query = "SELECT size, root, note FROM seen WHERE origin = ? AND size = ?"
    return _seen(db.execute(query, (origin, size)).fetchone())


def keep(db: sqlite3.Connection, origin: str, checkpoint: Seen, now: int) -> None:
    """A checkpoint that was found consistent; the first note of its size stays."""
    row = (origin, checkpoint.size, checkpoint.root, checkpoint.note, now)
    db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?, ?)", row)
    db.execute("DELETE FROM withheld WHERE origin = ?", (origin,))


def tick(db: sqlite3.Connection, now: int) -> int:
    """The time of the next cosignature: now, or the last one's if the clock went back."""
    row = db.execute("SELECT time FROM clock").fetchone()
    time = max(now, row[0] if row else 0)
    db.execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (time,))
    return time


def count_withheld(db: sqlite3.Connection, origin: str) -> int:
    """One more run in which the log gave no usable proof; how many in succession."""
    db.execute("INSERT INTO withheld VALUES (?, 1) ON CONFLICT (origin) DO UPDATE SET times = times + 1", (origin,))
    found: int = db.execute("SELECT times FROM withheld WHERE origin = ?", (origin,)).fetchone()[0]
    return found


def _seen(row: tuple[int, bytes, str] | None) -> Seen | None:
    return None if row is None else Seen(*row)


def _unusable(error: Exception) -> Exception:
    return problem("witness-store-unusable", reason=f"{type(error).__name__}: {error}"[:200])
