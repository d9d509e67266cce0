"""The convention in its plainest form: accounts are lists of single fen, and each fen remembers its way.

Nothing here knows intervals, offsets into accounts or SQL. A fen is where it is in one list; a transfer takes fen from
the head of the payer's list, an undoing takes those that the original moved, wherever they are, last first.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from uuid import UUID

Key = tuple[int, UUID, int]
"""Book, entry, line."""
Fen = tuple[Key, int]
"""One fen of one transfer."""


@dataclass
class Model:
    """Lists of fen by account (any name will do), and for each fen of a transfer where it came from and went next."""

    accounts: dict[str, list[Fen]] = field(default_factory=dict)
    before: dict[Fen, Fen | None] = field(default_factory=dict)
    after: dict[Fen, Fen] = field(default_factory=dict)
    moved: dict[Key, tuple[str, str, int]] = field(default_factory=dict)
    undone: dict[Key, int] = field(default_factory=dict)

    def held(self, account: str) -> list[Fen]:
        """The fen in an account, oldest first."""
        return self.accounts.setdefault(account, [])

    def source(self, key: Key, source: str, to: str, amount: int) -> None:
        """Money comes into being."""
        for offset in range(amount):
            self.before[key, offset] = None
            self.held(to).append((key, offset))
        self.moved[key] = (source, to, amount)

    def move(self, key: Key, payer: str, to: str, amount: int) -> None:
        """By turn: the payer's oldest fen."""
        taken, self.accounts[payer] = self.held(payer)[:amount], self.held(payer)[amount:]
        self._hand(key, taken, to)
        self.moved[key] = (payer, to, amount)

    def cross(self, city: Key, district: Key, to: str, amount: int) -> None:
        """What the city released arrives in the district's book."""
        for offset in range(amount):
            self.before[district, offset] = (city, offset)
            self.after[city, offset] = (district, offset)
            self.held(to).append((district, offset))
        self.moved[district] = ("upper", to, amount)

    def recover(self, city: Key, district: Key, payer: str, to: str, amount: int) -> None:
        """The district's oldest fen go back to the city (收回), where they wait again; what it released stays released."""
        self.move(district, payer, "recovered", amount)
        for offset in range(amount):
            self.before[city, offset] = (district, offset)
            self.after[district, offset] = (city, offset)
            self.held(to).append((city, offset))
        self.moved[city] = ("border", to, amount)

    def can_undo(self, original: Key, amount: int) -> bool:
        """Whether the receiver still holds the tail that would be taken."""
        _, to, _ = self.moved[original]
        return set(self._tail(original, amount)) <= set(self.held(to))

    def undo(self, key: Key, original: Key, amount: int) -> None:
        """By reference: the tail of what the original moved and was not taken back yet."""
        payer, to, _ = self.moved[original]
        taken = self._tail(original, amount)
        self.accounts[to] = [fen for fen in self.held(to) if fen not in set(taken)]
        self._hand(key, taken, payer)
        self.undone[original] = self.undone.get(original, 0) + amount
        self.moved[key] = (to, payer, amount)

    def undo_crossing(self, city: Key, district: Key, original_city: Key, original_district: Key, amount: int) -> None:
        """On both sides; what left the district's book goes on with the city's undoing."""
        self.undo(city, original_city, amount)
        self.undo(district, original_district, amount)
        for offset in range(amount):
            self.after[district, offset] = (city, offset)

    def _tail(self, original: Key, amount: int) -> list[Fen]:
        whole = self.moved[original][2]
        stop = whole - self.undone.get(original, 0)
        return [(original, offset) for offset in range(max(stop - amount, 0), stop)]

    def _hand(self, key: Key, taken: list[Fen], to: str) -> None:
        for offset, fen in enumerate(taken):
            self.before[key, offset] = fen
            self.after[fen] = (key, offset)
            self.held(to).append((key, offset))

    def way_up(self, fen: Fen) -> list[Fen]:
        """This fen, what it was before, and so on to where it came into being."""
        way: list[Fen] = []
        at: Fen | None = fen
        while at is not None:
            way.append(at)
            at = self.before[at]
        return way

    def way_down(self, fen: Fen) -> list[Fen]:
        """This fen, what became of it, and so on to where it is now."""
        way = [fen]
        while way[-1] in self.after:
            way.append(self.after[way[-1]])
        return way

    def copy(self) -> Model:
        """The model as it is now."""
        return deepcopy(self)
