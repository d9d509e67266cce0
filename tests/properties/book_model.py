"""The book in plain Python: what the gate must accept and refuse, written down without its shortcuts.

An account is a queue of lots. Ordinary giving takes from the oldest lot; undoing takes from the lot that the original
brought, and only what is left of it. `Book.judge` says what a posting would be refused for, `Book.post` applies it. Totals,
tiles, the order of locks and the shape of the tables are the gate's own business and do not occur here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

City = "city"
District = "district"


@dataclass
class Lot:
    """Money an account received at one time, and how much of it is still there."""

    left: int


@dataclass
class Account:
    """An account: its lots in the order they came, its changes by day, and how it stood after each posting."""

    is_source: bool
    lots: list[Lot] = field(default_factory=list)
    days: dict[date, int] = field(default_factory=dict)
    balance: int = 0
    history: list[tuple[int, int]] = field(default_factory=list)

    def on_day(self, day: date) -> int:
        """The balance at the end of a day."""
        return sum(delta for when, delta in self.days.items() if when <= day)

    def at_step(self, step: int) -> int:
        """The balance after the posting with this number."""
        return next((balance for number, balance in reversed(self.history) if number <= step), 0)


@dataclass(frozen=True)
class Move:
    """Money from one account to another, in one book; `undoes` names the move that it takes back."""

    book: str
    payer: str
    receiver: str
    amount: int
    undoes: Posted | None = None


@dataclass
class Posted:
    """A move that was posted: its lot at the receiver, and how much was undone since."""

    move: Move
    kind: str
    day: date
    line_no: int
    lot: Lot
    undone: int = 0


@dataclass
class Entry:
    """A posting that was accepted."""

    kind: str
    number: int
    day: date
    moves: list[Posted]


class Book:
    """Both books of a city and one district."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.entries: list[Entry] = []
        self.closed: set[tuple[str, date]] = set()

    def open(self, name: str, *, is_source: bool = False) -> str:
        """An account by name, opened when it is new."""
        self.accounts.setdefault(name, Account(is_source))
        return name

    def judge(self, kind: str, day: date, moves: list[Move], *, bank_said_so: bool = False) -> set[str]:
        """Why a posting would be refused; nothing if it is accepted."""
        faults = {"period-closed"} if any((m.book, day.replace(day=1)) in self.closed for m in moves) else set()
        faults |= self._short(day, moves)
        for move in moves:
            if move.undoes is not None:
                faults |= self._undo_faults(kind, day, moves, move, move.undoes)
                if kind == "return" and not bank_said_so:
                    faults.add("return-without-bank-result")
        return faults

    def _short(self, day: date, moves: list[Move]) -> set[str]:
        """Whether an account would go below zero, now or at the end of any day."""
        now = {name: account.balance for name, account in self.accounts.items()}
        for move in moves:
            now[move.payer] -= move.amount
            now[move.receiver] += move.amount
            if now[move.payer] < 0 and not self.accounts[move.payer].is_source:
                return {"balance"}
        for name in {move.payer for move in moves}:
            account = self.accounts[name]
            if account.is_source:
                continue
            delta = sum((m.receiver == name) * m.amount - (m.payer == name) * m.amount for m in moves)
            if any(account.on_day(when) + delta < 0 for when in {day, *(d for d in account.days if d > day)}):
                return {"balance"}
        return set()

    def _undo_faults(self, kind: str, day: date, moves: list[Move], move: Move, original: Posted) -> set[str]:
        if original.move.undoes is not None:
            return {"undo-of-undo"}
        if (kind == "return") != (original.kind == "pay"):
            return {"undo-kind"}
        faults = {"undo-before-original"} if day < original.day else set()
        if original.undone + move.amount > original.move.amount:
            faults.add("undo-exceeds")
        elif move.amount > original.lot.left:
            faults.add("spent-downstream")
        return faults

    def post(self, kind: str, day: date, moves: list[Move]) -> Entry:
        """Apply a posting that `judge` accepts."""
        number = len(self.entries) + 1
        entry = Entry(kind, number, day, [])
        for line_no, move in enumerate(moves, start=1):
            self._take(move)
            lot = Lot(move.amount)
            self.accounts[move.receiver].lots.append(lot)
            line = line_no if len({m.book for m in moves}) == 1 else (line_no + 1) // 2
            entry.moves.append(Posted(move, kind, day, line, lot))
            for name, delta in ((move.payer, -move.amount), (move.receiver, move.amount)):
                account = self.accounts[name]
                account.balance += delta
                account.days[day] = account.days.get(day, 0) + delta
                account.history.append((number, account.balance))
        self.entries.append(entry)
        return entry

    def _take(self, move: Move) -> None:
        if move.undoes is not None:
            move.undoes.undone += move.amount
            move.undoes.lot.left -= move.amount
            return
        if self.accounts[move.payer].is_source:
            return  # it has nothing to spend: what came back to it stays whole
        wanted = move.amount
        for lot in self.accounts[move.payer].lots:
            taken = min(lot.left, wanted)
            lot.left -= taken
            wanted -= taken
