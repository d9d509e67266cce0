"""What a walk through a bundle remembers: totals per account, and what is open. Grows with accounts, not lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fundledger.verifier.manifest import Scope
from fundledger.verifier.registry import Procurement, Registry
from fundledger.verifier.report import Place, Report
from fundledger.verifier.schema import Account, Approval, Entry, Line

LineKey = tuple[str, str, int]
"""Book, entry, number."""


@dataclass(slots=True)
class Original:
    """A line that later lines refer to, once it was seen (`amount` 0: not yet); sums in fen."""

    position: int = -1
    amount: int = 0
    debit: str = ""
    credit: str = ""
    entry_kind: str = ""
    payee: str | None = None
    settles: LineKey | None = None
    contract: tuple[str, str] | None = None
    undone: int = 0
    settled: int = 0
    reissued: bool = False


@dataclass(slots=True)
class Totals:
    """What an account received and gave up to here, in fen."""

    received: int = 0
    given: int = 0


@dataclass(slots=True)
class Open:
    """The entry whose lines are being read."""

    position: int
    entry: Entry
    whole: bool
    day: str
    procurement: Procurement | None = None
    lines: int = 0
    total: int = 0
    reissues: int = 0


@dataclass(slots=True)
class Item:
    """One line with its amounts in fen."""

    open: Open
    line: Line
    amount: int
    debit: tuple[int, int]
    credit: tuple[int, int]


@dataclass(slots=True)
class Content:
    """An instruction's text, read: its header, and the digest over its lines."""

    header: Sequence[object]
    listed: Sequence[object] | None
    more: Sequence[object] | None
    lines: bytes


@dataclass(slots=True)
class Approved:
    """An approval that no entry has used up yet."""

    position: int
    approval: Approval
    content: Content | None
    uses: int = 0


@dataclass(slots=True)
class Posted:
    """An entry that waits for its approval, or for the other side of its crossing."""

    position: int
    entry: Entry
    lines: bytes | None


@dataclass(slots=True)
class Walk:
    """Everything the checks may look at."""

    report: Report
    scope: Scope
    size: int
    registry: Registry
    originals: dict[LineKey, Original]
    totals: dict[tuple[str, str], Totals] = field(default_factory=dict)
    approved: dict[str, Approved] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    """Instructions that were posted: no second approval of them is taken."""
    waiting: dict[str, list[Posted]] = field(default_factory=dict)
    crossings: dict[str, Posted] = field(default_factory=dict)
    newest: str = ""
    """When the newest entry was recorded."""
    paid: dict[tuple[str, str], int] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        """Whether the bundle is the whole log."""
        return self.scope.kind == "all"

    def holds_whole(self, book: str, account: Account) -> bool:
        """Whether every line of this account is in the bundle."""
        kind = self.scope.kind
        if kind == "all":
            return True
        if kind == "book":
            return book in self.closed
        if kind == "project":
            return book == self.scope.book and account.project_id in self.closed
        return account.allocation_id in self.closed

    def holds_entries(self, book: str) -> bool:
        """Whether the entries of this book are in the bundle with all their lines."""
        return self.whole or (self.scope.kind == "book" and book in self.closed)

    def contract_held(self, book: str) -> bool:
        """Whether every payment of this book's contracts is in the bundle."""
        return self.holds_entries(book) or self.scope.kind == "project"

    def fault(self, name: str, here: Open, line_no: int | None, detail: Place) -> None:
        """A check failed at an entry, or one of its lines."""
        place: Place = {"position": here.position, "kind": "entry", "book": here.entry.book, "id": here.entry.entry_id}
        if line_no is not None:
            place["line"] = line_no
        self.report.fault(name, **place, **detail)

    def lacks(self, name: str, here: Open, **detail: object) -> None:
        """A check could not be made at an entry."""
        self.report.incomplete(
            name, position=here.position, kind="entry", book=here.entry.book, id=here.entry.entry_id, **detail
        )
