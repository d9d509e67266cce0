"""Adding the book up again (重新记账): what must hold of every record of the log, from its content alone.

Called by `monitor` for each record in the log's order, inside a page of the `Ledger`; raises the first `FaultError`,
unless a person acknowledged just that one, in which case the log's own figures are taken over and the reading goes on.
Amounts are fen. Nothing is asked of the service: what the law of the book needs stands in leaves and lines.
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
from fundledger.witness.faults import FaultError
from fundledger.witness.ledger import Account, Ledger, Line

SOURCES: Final = frozenset({"budget_source", "upper_transfer"})
"""支出预算, 上级转移指标: where money comes from; these alone may be below zero (`account_kind.is_source`)."""
_YUAN: Final = re.compile(r"(0|[1-9][0-9]{0,15})\.[0-9]{2}")


@dataclass(slots=True)
class Entry:
    """The entry that is being read: its header, and what its lines gave so far."""

    position: int
    name: str
    header: dict[str, Any]
    tree: InnerTree = field(default_factory=InnerTree)
    count: int = 0
    total: int = 0
    gave: dict[int, tuple[Account, str]] = field(default_factory=dict)


class Book:
    """The rules, over one ledger. `passed`: faults (code, position) that a person has acknowledged."""

    def __init__(self, ledger: Ledger, passed: Collection[tuple[str, int]] = ()) -> None:
        self._ledger = ledger
        self._passed = passed

    def wrong(self, code: str, position: int, name: str, found: str = "") -> None:
        """Raise the fault, unless it was acknowledged."""
        if (code, position) not in self._passed:
            raise FaultError(code, position, name, found)

    def read(self, text: str, position: int, name: str) -> dict[str, Any]:
        """A record's content; a fault if it is not canonical JSON."""
        try:
            record = json.loads(text)
            if isinstance(record, dict) and canonical(record) == text.encode():
                return record
        except (ValueError, TypeError, RecursionError):
            pass
        raise FaultError("record-unreadable", position, name)

    def approval(self, record: dict[str, Any]) -> None:
        """审批: who approved which content."""
        row = (record["instruction_id"], record["content_sha256"], record["approver_id"])
        self._ledger.db.execute("INSERT OR IGNORE INTO approval VALUES (?, ?, ?)", row)

    def line(self, entry: Entry, text: str) -> None:
        """The next line of an entry."""
        entry.tree.append(leaf_hash(text.encode()))
        entry.count += 1
        name = f"{entry.name} line {entry.count}"
        record = self.read(text, entry.position, name)
        same = (record["kind"], record["book"], record["entry_id"], record["line_no"])
        if same != ("line", entry.header["book"], entry.header["entry_id"], entry.count):
            self.wrong("line-misplaced", entry.position, name, f"{same}")
        amount = _fen(record["amount"])
        entry.total += amount
        debit = self._side(entry, name, record, "debit", "received", amount)
        credit = self._side(entry, name, record, "credit", "given", amount)
        entry.gave[credit.number] = (credit, record["credit"]["account_id"])
        settles = self._settled(entry, name, record, amount)
        self._undone(entry, name, record, amount, debit, credit)
        row = (entry.position, entry.count, debit.number, credit.number, amount, *settles)
        query = """INSERT INTO line (position, line_no, debit, credit, amount, settles_position, settles_line)
            VALUES (?, ?, ?, ?, ?, ?, ?)"""
        self._ledger.db.execute(query, row)

    def end(self, entry: Entry) -> None:
        """After the last line: the inner root, the sums, the balances, and who stands behind it."""
        header, position, name = entry.header, entry.position, entry.name
        root, _ = entry.tree.finish()
        if root.hex() != header["lines_root"]:
            self.wrong("lines-differ", position, name, f"{root.hex()} != {header['lines_root']}")
        if (entry.count, entry.total) != (header["line_count"], _fen(header["total"])):
            found = f"{entry.count} × {format_yuan(entry.total)} != {header['line_count']} × {header['total']}"
            self.wrong("entry-total", position, name, found)
        for account, account_id in entry.gave.values():
            if account.received < account.given and not account.is_source:
                balance = format_yuan(account.received - account.given)
                self.wrong("below-zero", position, name, f"账户 account {account_id}: {balance}")
        people = [header["maker_id"], header["approver_id"], header["payer_id"]]
        named = [person for person in people if person is not None]
        if len(set(named)) != len(named):
            self.wrong("same-person", position, name)
        self._approved(entry)
        self._crossed(entry)

    def finish(self, now: int) -> None:
        """After everything there is: approvals and other sides that are overdue, and the sums."""
        db = self._ledger.db
        db.execute("""DELETE FROM pending_approval WHERE EXISTS (SELECT 1 FROM approval a WHERE
            a.instruction_id = pending_approval.instruction_id AND a.content = pending_approval.content
            AND a.approver_id = pending_approval.approver_id)""")
        query = "SELECT position, content FROM pending_approval WHERE due < ? ORDER BY position"
        for position, content in db.execute(query, (now,)).fetchall():
            self.wrong("approval-missing", position, self._ledger.name_of(position), f"content {content}")
        query = "SELECT position FROM crossing WHERE paired = 0 AND due < ? ORDER BY position"
        for (position,) in db.execute(query, (now,)).fetchall():
            self.wrong("crossing-unpaired", position, self._ledger.name_of(position))
        query = "SELECT book, sum(received - given) FROM account GROUP BY book HAVING sum(received - given) <> 0"
        for book, total in db.execute(query).fetchall():
            size = self._ledger.size
            self.wrong("sum-not-zero", size, f"book {book}", format_yuan(total))

    def _side(
        self, entry: Entry, name: str, record: dict[str, Any], side: str, axis: str, amount: int
    ) -> Account:  # fmt: skip
        """One side of a line: its account, whose total must go on where it stood."""
        described = record[side]
        if account_id(described) != described["account_id"]:
            self.wrong("account-id", entry.position, name, described["account_id"])
        is_source = described["kind"] in SOURCES
        account = self._ledger.account(record["book"], described["account_id"], is_source=is_source)
        before, after = _fen(record[f"{side}_before"]), _fen(record[f"{side}_after"])
        if amount <= 0 or after - before != amount:
            self.wrong("line-amount", entry.position, name, f"{record[f'{side}_before']} → {record[f'{side}_after']}")
        stood = getattr(account, axis)
        if stood != before:
            found = f"账户 account {described['account_id']}: {format_yuan(stood)} != {format_yuan(before)}"
            self.wrong(f"{axis}-gap", entry.position, name, found)
        setattr(account, axis, after)
        return account

    def _undone(
        self, entry: Entry, name: str, record: dict[str, Any], amount: int, debit: Account, credit: Account
    ) -> None:  # fmt: skip
        if record["undoes"] is None:
            return
        found = self._former(record, "undoes")
        if found is None:
            self.wrong("undo-unknown", entry.position, name, f"{record['undoes']['entry_id']}")
            return
        if (found.debit, found.credit) != (credit.number, debit.number):
            self.wrong("undo-accounts", entry.position, name)
        if found.undone != _fen(record["undoes"]["before"]) or found.undone + amount > found.amount:
            self.wrong("undo-too-much", entry.position, name, f"{record['undoes']}")
        if found.settled + found.undone + amount > found.amount:
            self.wrong("settled-too-much", entry.position, name, f"{record['undoes']}")
        self._change(found, "undone", amount)
        if found.settles_position is not None and found.settles_line is not None:
            # A settlement that is reversed gives the advance back what it took.
            advance = self._ledger.line_at(found.settles_position, found.settles_line)
            if advance is not None:
                self._change(advance, "settled", -amount)

    def _settled(self, entry: Entry, name: str, record: dict[str, Any], amount: int) -> tuple[int | None, int | None]:
        """What a settlement takes of its advance; where that is."""
        if record.get("settles") is None:
            return None, None
        found = self._former(record, "settles")
        if found is None or found.settled + found.undone + amount > found.amount:
            self.wrong("settled-too-much", entry.position, name, f"{record['settles']}")
        if found is None:
            return None, None
        self._change(found, "settled", amount)
        return found.position, found.line_no

    def _former(self, record: dict[str, Any], verb: str) -> Line | None:
        named = record[verb]
        return self._ledger.line(record_name(record["book"], "entry", named["entry_id"], 1), named["line_no"])

    def _change(self, line: Line, column: str, amount: int) -> None:
        query = f"UPDATE line SET {column} = {column} + ? WHERE position = ? AND line_no = ?"
        self._ledger.db.execute(query, (amount, line.position, line.line_no))

    def _approved(self, entry: Entry) -> None:
        """The approval stands in the log, perhaps a little further on: looked for when everything was read."""
        header = entry.header
        row = (entry.position, header["instruction_id"], header["content_sha256"], header["approver_id"], _due(header))
        self._ledger.db.execute("INSERT INTO pending_approval VALUES (?, ?, ?, ?, ?)", row)

    def _crossed(self, entry: Entry) -> None:
        """Both sides of a crossing (跨账簿) are equal."""
        header, db = entry.header, self._ledger.db
        crossing = header["crossing_id"]
        if crossing is None:
            return
        names = ("entry_kind", "instruction_id", "effective_on", "line_count", "total", "content_sha256")
        facts = json.dumps([header[name] for name in names], ensure_ascii=False)
        other = db.execute("SELECT book, facts, paired FROM crossing WHERE crossing_id = ?", (crossing,)).fetchone()
        if other is None:
            row = (crossing, entry.position, header["book"], facts, _due(header))
            db.execute("INSERT INTO crossing (crossing_id, position, book, facts, due) VALUES (?, ?, ?, ?, ?)", row)
            return
        if other[0] == header["book"] or other[1] != facts or other[2]:
            self.wrong("crossing-differs", entry.position, entry.name, f"{other[1]} != {facts}")
        db.execute("UPDATE crossing SET paired = 1 WHERE crossing_id = ?", (crossing,))


def record_name(book: str, kind: str, record_id: str, version: int) -> str:
    """A record as people and alarms name it."""
    return f"{kind} {record_id} (book {book}" + (f", version {version})" if version != 1 else ")")


def account_id(account: dict[str, Any]) -> str:
    """The id that follows from what an account belongs to (``docs/formats.md`` section 4)."""
    names = ("budget_line_id", "allocation_id", "project_id")
    parts = [account["kind"], *[account[name] or "" for name in names], str(account["exec_year"])]
    payee = account.get("payee_id")
    text = "|".join([*parts, payee] if payee else parts)
    return str(UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()))


def _due(header: dict[str, Any]) -> int:
    moment = datetime.fromisoformat(header["recorded_at"]) + SEAL_WITHIN
    return int(moment.timestamp())


def _fen(text: Any) -> int:
    """A non-negative amount as leaves write it; ValueError."""
    if not isinstance(text, str) or not _YUAN.fullmatch(text):
        raise ValueError("not an amount")
    return int(text.replace(".", ""))
