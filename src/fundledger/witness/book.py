"""Adding the book up again (重新记账): what must hold of every record of the log, from its content alone.

Called by `monitor` for each record in the log's order, inside a page of the `Ledger`; raises the first `FaultError`,
unless a person acknowledged just that one, in which case the log's own figures are taken over and the reading goes on.
Amounts are fen. Nothing is asked of the service: what the law of the book needs stands in leaves and lines, and their
form is read as strictly as a bundle's (`verifier.schema`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fundledger.money import format_yuan
from fundledger.sealing.canonical import canonical
from fundledger.sealing.inner import InnerTree
from fundledger.sealing.merkle import leaf_hash
from fundledger.sealing.receipt import SEAL_WITHIN
from fundledger.verifier import schema
from fundledger.verifier.money import PAYING, RULES, SPENDING, UNDOING
from fundledger.verifier.schema import Line2, PayeeAccount, Reference, read_line
from fundledger.witness.faults import FaultError
from fundledger.witness.ledger import Account, Ledger, Line

SOURCES: Final = frozenset({"budget_source", "upper_transfer"})
"""支出预算, 上级转移指标: where money comes from; these alone may be below zero (`account_kind.is_source`)."""
BOUNDARY: Final = frozenset({"released", "upper_transfer"})
"""已下达, 上级转移指标: what moves on one of these moves on the other in the other book, under one crossing."""
_UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What a record that is not of its form comes to (`schema.SchemaError` is a ValueError)."""
_YUAN: Final = re.compile(r"(0|[1-9][0-9]{0,15})\.[0-9]{2}")


@dataclass(slots=True)
class Entry:
    """The entry that is being read: its header, and what its lines gave so far."""

    position: int
    name: str
    header: schema.Entry
    tree: InnerTree = field(default_factory=InnerTree)
    count: int = 0
    total: int = 0
    gave: dict[int, tuple[Account, str]] = field(default_factory=dict)
    crossed: dict[str, int] = field(default_factory=dict)


class Book:
    """The rules, over one ledger, read at `now`. `passed`: faults (code, position) that a person has acknowledged."""

    def __init__(self, ledger: Ledger, now: int, passed: Collection[tuple[str, int]] = ()) -> None:
        self._ledger = ledger
        self._now = now
        self._passed = passed

    def wrong(self, code: str, position: int, name: str, found: str = "") -> None:
        """Raise the fault, unless it was acknowledged."""
        if (code, position) not in self._passed:
            raise FaultError(code, position, name, found)

    def record(self, text: str, version: int, position: int, name: str) -> Any:
        """What a leaf says, in the form of its kind; None if it can't be read and a person acknowledged that.

        The kind is what the record calls itself: the row's label has to agree, as have id and `version`.
        """
        try:
            record, found = _read(text, version)
        except _UNREADABLE as error:
            self.wrong("record-unreadable", position, name, type(error).__name__)
            return None
        if found != name:
            self.wrong("record-differs", position, name, found)
        return record

    def approval(self, record: schema.Approval) -> None:
        """审批: who approved which content."""
        row = (record.instruction_id, record.content_sha256, record.approver_id)
        self._ledger.db.execute("INSERT OR IGNORE INTO approval VALUES (?, ?, ?)", row)

    def line(self, entry: Entry, text: str) -> None:
        """The next line of an entry."""
        entry.tree.append(leaf_hash(text.encode()))
        entry.count += 1
        name = f"{entry.name} line {entry.count}"
        try:
            record = read_line(text.encode())
            amount = _fen(record.amount)
            self._moved(entry, name, record, amount)
        except _UNREADABLE as error:
            self.wrong("record-unreadable", entry.position, name, type(error).__name__)

    def _moved(self, entry: Entry, name: str, record: schema.Line, amount: int) -> None:
        """A line that could be read: its accounts, what it undoes, settles and pays again."""
        same = (record.book, record.entry_id, record.line_no)
        if same != (entry.header.book, entry.header.entry_id, entry.count):
            self.wrong("line-misplaced", entry.position, name, f"{same}")
        entry.total += amount
        self._fits(entry, name, record, amount)
        debit = self._side(entry, name, record, "debit", "received", amount)
        credit = self._side(entry, name, record, "credit", "given", amount)
        entry.gave[credit.number] = (credit, record.credit.account_id)
        settles = self._settled(entry, name, record, amount, credit)
        self._undone(entry, name, record, amount, debit, credit)
        self._reissued(entry, name, record, amount)
        row = (entry.position, entry.count, debit.number, credit.number, amount, *settles)
        query = """INSERT INTO line (position, line_no, debit, credit, amount, settles_position, settles_line)
            VALUES (?, ?, ?, ?, ?, ?, ?)"""
        self._ledger.db.execute(query, row)

    def end(self, entry: Entry) -> None:
        """After the last line: the inner root, the sums, the balances, and who stands behind it."""
        try:
            self._ended(entry)
        except _UNREADABLE as error:
            self.wrong("record-unreadable", entry.position, entry.name, type(error).__name__)

    def _ended(self, entry: Entry) -> None:
        header, position, name = entry.header, entry.position, entry.name
        root, _ = entry.tree.finish()
        if root.hex() != header.lines_root:
            self.wrong("lines-differ", position, name, f"{root.hex()} != {header.lines_root}")
        if (entry.count, entry.total) != (header.line_count, _fen(header.total)):
            found = f"{entry.count} × {format_yuan(entry.total)} != {header.line_count} × {header.total}"
            self.wrong("entry-total", position, name, found)
        for account, account_id in entry.gave.values():
            if account.received < account.given and not account.is_source:
                balance = format_yuan(account.received - account.given)
                self.wrong("below-zero", position, name, f"账户 account {account_id}: {balance}")
        named = [person for person in (header.maker_id, header.approver_id, header.payer_id) if person is not None]
        if len(set(named)) != len(named) or (header.payer_id is not None) != (header.entry_kind in PAYING):
            self.wrong("same-person", position, name)
        self._approved(entry)
        self._crossed(entry)

    def finish(self) -> None:
        """After everything there is: approvals and other sides that are overdue."""
        db, now = self._ledger.db, self._now
        db.execute("""DELETE FROM pending_approval WHERE EXISTS (SELECT 1 FROM approval a WHERE
            a.instruction_id = pending_approval.instruction_id AND a.content = pending_approval.content
            AND a.approver_id = pending_approval.approver_id)""")
        query = "SELECT position, content FROM pending_approval WHERE due < ? ORDER BY position"
        for position, content in db.execute(query, (now,)).fetchall():
            self.wrong("approval-missing", position, self._ledger.name_of(position), f"content {content}")
        query = "SELECT position FROM crossing WHERE paired = 0 AND due < ? ORDER BY position"
        for (position,) in db.execute(query, (now,)).fetchall():
            self.wrong("crossing-unpaired", position, self._ledger.name_of(position))

    def _fits(self, entry: Entry, name: str, record: schema.Line, amount: int) -> None:
        """The kind of entry may move money between these kinds of account; what crosses books is counted."""
        kind, kinds = entry.header.entry_kind, (record.credit.kind, record.debit.kind)
        payer, receiver = ((side.allocation_id, side.project_id) for side in (record.credit, record.debit))
        allowed = kind in UNDOING if record.undoes is not None else kinds in RULES.get(kind, ())
        if not allowed or (kind in SPENDING and payer != receiver):
            self.wrong("account-kinds", entry.position, name, f"{kind}: {kinds[0]} → {kinds[1]}")
        for side in (record.credit, record.debit):
            if side.kind in BOUNDARY:
                key = f"{side.allocation_id}"
                entry.crossed[key] = entry.crossed.get(key, 0) + amount

    def _side(
        self, entry: Entry, name: str, record: schema.Line, side: str, axis: str, amount: int
    ) -> Account:  # fmt: skip
        """One side of a line: its account, whose total must go on where it stood."""
        described: schema.Account = getattr(record, side)
        if account_id(described) != described.account_id:
            self.wrong("account-id", entry.position, name, described.account_id)
        is_source = described.kind in SOURCES
        account = self._ledger.account(record.book, described.account_id, is_source=is_source)
        first, last = getattr(record, f"{side}_before"), getattr(record, f"{side}_after")
        before, after = _fen(first), _fen(last)
        if amount <= 0 or after - before != amount:
            self.wrong("line-amount", entry.position, name, f"{first} → {last}")
        stood = getattr(account, axis)
        if stood != before:
            found = f"账户 account {described.account_id}: {format_yuan(stood)} != {format_yuan(before)}"
            self.wrong(f"{axis}-gap", entry.position, name, found)
        setattr(account, axis, after)
        return account

    def _undone(
        self, entry: Entry, name: str, record: schema.Line, amount: int, debit: Account, credit: Account
    ) -> None:  # fmt: skip
        undoes = record.undoes
        if undoes is None:
            return
        found = self._former(record.book, undoes)
        if found is None:
            self.wrong("undo-unknown", entry.position, name, undoes.entry_id)
            return
        if (found.debit, found.credit) != (credit.number, debit.number):
            self.wrong("undo-accounts", entry.position, name)
        if found.undone != _fen(undoes.before) or found.undone + amount > found.amount:
            self.wrong("undo-too-much", entry.position, name, f"{undoes.entry_id} {undoes.line_no}: {undoes.before}")
        if found.settled + found.undone + amount > found.amount:
            self.wrong("settled-too-much", entry.position, name, f"{undoes.entry_id} {undoes.line_no}")
        self._change(found, "undone", amount)
        if found.settles_position is not None and found.settles_line is not None:
            # A settlement that is reversed gives the advance back what it took.
            advance = self._ledger.line_at(found.settles_position, found.settles_line)
            if advance is not None:
                self._change(advance, "settled", -amount)

    def _settled(
        self, entry: Entry, name: str, record: schema.Line, amount: int, credit: Account
    ) -> tuple[int | None, int | None]:  # fmt: skip
        """What a settlement takes of its advance, which has to be of the same account; where that is."""
        settles = record.settles if isinstance(record, Line2) else None
        found = None if settles is None else self._former(record.book, settles)
        if settles is None and entry.header.entry_kind != "settle":
            return None, None
        if found is None or found.debit != credit.number:
            self.wrong("settle-unknown", entry.position, name)
            return None, None
        if found.settled + found.undone + amount > found.amount:
            self.wrong("settled-too-much", entry.position, name, f"{found.position} {found.line_no}")
        self._change(found, "settled", amount)
        return found.position, found.line_no

    def _reissued(self, entry: Entry, name: str, record: schema.Line, amount: int) -> None:
        """What is paid again (重发) came back whole, is the same amount, and was not paid again before."""
        reissues = record.reissues if isinstance(record, Line2) else None
        if reissues is None:
            return
        found = self._former(record.book, reissues)
        if found is None or (found.amount, found.undone, found.reissued) != (amount, amount, 0):
            self.wrong("reissue-twice", entry.position, name, f"{reissues.entry_id} {reissues.line_no}")
        if found is not None:
            self._change(found, "reissued", 1)

    def _former(self, book: str, named: Reference) -> Line | None:
        return self._ledger.line(record_name(book, "entry", named.entry_id, 1), named.line_no)

    def _change(self, line: Line, column: str, amount: int) -> None:
        query = f"UPDATE line SET {column} = {column} + ? WHERE position = ? AND line_no = ?"
        self._ledger.db.execute(query, (amount, line.position, line.line_no))

    def _approved(self, entry: Entry) -> None:
        """Posted once; the approval stands in the log, perhaps a little further on: looked for at the end."""
        header, db = entry.header, self._ledger.db
        once = db.execute("INSERT OR IGNORE INTO posted VALUES (?, ?)", (header.book, header.instruction_id))
        if once.rowcount == 0:
            self.wrong("posted-twice", entry.position, entry.name, f"instruction {header.instruction_id}")
        row = (entry.position, header.instruction_id, header.content_sha256, header.approver_id, self._due(header))
        db.execute("INSERT INTO pending_approval VALUES (?, ?, ?, ?, ?)", row)

    def _crossed(self, entry: Entry) -> None:
        """Both sides of a crossing (跨账簿) are equal, of each allocation too; nothing else leaves or enters a book."""
        header, db = entry.header, self._ledger.db
        crossing = header.crossing_id
        if crossing is None:
            if entry.crossed:
                self.wrong("crossing-unpaired", entry.position, entry.name, ", ".join(sorted(entry.crossed)))
            return
        facts = json.dumps([
            header.entry_kind, header.instruction_id, header.effective_on, header.line_count, header.total,
            header.content_sha256, header.approver_id, sorted(entry.crossed.items()),
        ], ensure_ascii=False)  # fmt: skip
        other = db.execute("SELECT book, facts, paired FROM crossing WHERE crossing_id = ?", (crossing,)).fetchone()
        if other is None:
            row = (crossing, entry.position, header.book, facts, self._due(header))
            db.execute("INSERT INTO crossing (crossing_id, position, book, facts, due) VALUES (?, ?, ?, ?, ?)", row)
            return
        if other[0] == header.book or other[1] != facts or other[2]:
            self.wrong("crossing-differs", entry.position, entry.name, f"{other[1]} != {facts}")
        db.execute("UPDATE crossing SET paired = 1 WHERE crossing_id = ?", (crossing,))

    def _due(self, header: schema.Entry) -> int:
        """By when the rest has to be there: counted from now at the latest, whatever time the record gives itself."""
        recorded = int(datetime.fromisoformat(header.recorded_at).timestamp())
        return min(recorded, self._now) + int(SEAL_WITHIN.total_seconds())


def record_name(book: str, kind: str, record_id: str, version: int) -> str:
    """A record as people and alarms name it."""
    return f"{kind} {record_id} (book {book}" + (f", version {version})" if version != 1 else ")")


def account_id(account: schema.Account) -> str:
    """The id that follows from what an account belongs to (``docs/formats.md`` section 4)."""
    names = (account.budget_line_id, account.allocation_id, account.project_id)
    parts = [account.kind, *[name or "" for name in names], str(account.exec_year)]
    payee = account.payee_id if isinstance(account, PayeeAccount) else None
    text = "|".join([*parts, payee] if payee else parts)
    return str(UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()))


def lines_root(text: str) -> str:
    """The root that the lines of an entry's leaf have to give; empty of other records and of what can't be read."""
    try:
        record = json.loads(text)
        return str(record["lines_root"]) if record["kind"] == "entry" else ""
    except _UNREADABLE:
        return ""


def _read(text: str, version: int) -> tuple[Any, str]:
    """A record and its name. Of a kind that is not known here only the canonical form is asked: a newer service."""
    free = json.loads(text)
    kind = str(free["kind"])
    if kind not in schema.ID_FIELD:
        if canonical(free) != text.encode():
            raise ValueError("not canonical")
        return free, record_name(free["book"], kind, free[f"{kind}_id"], version)
    record: Any = schema.read_record(kind, text.encode())
    known = record.version if kind == "notice" else 1
    return record, record_name(record.book, kind, getattr(record, schema.ID_FIELD[kind]), known)


def _fen(text: str) -> int:
    """A non-negative amount as leaves write it; ValueError."""
    if not _YUAN.fullmatch(text):
        raise ValueError("not an amount")
    return int(text.replace(".", ""))
