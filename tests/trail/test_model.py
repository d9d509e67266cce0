"""Any sequence of postings through the gate: the trail is what a list of single fen says, both ways, then and now.

The gate is held to the model too: it undoes exactly what the model still finds with the receiver.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fundledger.book.instructions import Leg
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from fundledger.trail.answer import Trail
from fundledger.trail.starts import Subject
from fundledger.trail.walk import Direction
from tests.builders import CITY, DISTRICT, World
from tests.trail.model import Fen, Key, Model
from tests.trail.money import ask, bank_returns, pay, sealed, undo

Move = tuple[str, int, int]
MOVES = st.tuples(
    st.sampled_from(
        [
            "allocate",
            "release",
            "release",
            "fund",
            "fund",
            "pay",
            "pay",
            "recover",
            "defund",
            "virement",
            "undo",
            "undo",
        ]
    ),
    st.integers(0, 7),
    st.integers(1, 12),
)


@dataclass
class Play:
    """A small year played on both: one line, two allocations, two projects; amounts of a few fen."""

    world: World
    model: Model = field(default_factory=Model)
    line: UUID = field(default_factory=new_id)
    allocations: list[UUID] = field(default_factory=list)
    projects: list[UUID] = field(default_factory=list)
    posted: list[tuple[str, UUID, UUID | None]] = field(default_factory=list)
    """Kind, entry and, of a release, the district's entry; each moved one line."""

    async def begin(self) -> None:
        """Two budgets, two allocations, one release."""
        self.projects = [await self.world.project() for _ in range(2)]
        for amount in (25, 15):
            leg = Leg(amount, budget_line_id=self.line, fund_code="special_factor", fiscal_year=2019)
            entry = await self.world.post(CITY, await self.world.draft(CITY, "adopt", [leg]))
            self.model.source((CITY, entry.entry_id, 1), "source", "line", amount)
        await self.play(("allocate", 0, 12))
        await self.play(("release", 0, 8))

    async def play(self, move: Move) -> None:
        """Make a move if it can be made; the gate and the model must agree whether it can."""
        kind, which, amount = move
        if kind != "allocate" and not self.allocations:
            return
        if kind == "undo":
            await self._undo(which, amount)
            return
        allocation = new_id() if kind == "allocate" else self.allocations[which % len(self.allocations)]
        project = self.projects[which // 4 % 2]
        payer, to = {
            "allocate": ("line", f"unreleased {allocation}"),
            "release": (f"unreleased {allocation}", f"released {allocation}"),
            "fund": (f"executable {allocation}", f"available {allocation} {project}"),
            "pay": (f"available {allocation} {project}", f"paid {allocation} {project}"),
            "defund": (f"available {allocation} {project}", f"executable {allocation}"),
            "recover": (f"executable {allocation}", f"unreleased {allocation}"),
            "virement": (f"unreleased {allocation}", f"unreleased {self._next_to(allocation)}"),
        }[kind]
        if payer == to:
            return  # a virement needs two allocations
        enough = amount <= len(self.model.held(payer))
        try:
            entry = await self._post(kind, allocation, project, amount)
        except FundledgerError:
            assert not enough, f"the gate refused {move}"
            return
        assert enough, f"the gate accepted {move}"
        book = book_of(kind)
        other = await self._other_side(entry) if kind in ("release", "recover") else None
        if kind == "recover" and other is not None:
            self.model.recover((CITY, entry, 1), (DISTRICT, other, 1), payer, to, amount)
            return  # what it undid of what, only the gate knows: a recovery is not undone here
        self.model.move((book, entry, 1), payer, to, amount)
        if other is not None:
            self.model.cross((CITY, entry, 1), (DISTRICT, other, 1), f"executable {allocation}", amount)
        if kind == "allocate":
            self.allocations.append(allocation)
        self.posted.append((kind, entry, other))

    async def _post(self, kind: str, allocation: UUID, project: UUID, amount: int) -> UUID:
        if kind == "pay":
            (person,) = await self.world.persons(1)
            return (await pay(self.world, project, [(allocation, amount, person)])).entry_id
        book = book_of(kind)
        fields: dict[str, Any] = {"allocation_id": allocation}
        if kind == "allocate":
            fields |= {
                "budget_line_id": self.line,
                "fund_code": "special_factor",
                "fiscal_year": 2019,
                "district": DISTRICT,
            }
        if kind in ("fund", "defund"):
            fields["project_id"] = project
        header: dict[str, Any] = {}
        if kind == "virement":
            fields["to_allocation_id"] = self._next_to(allocation)
            header["exception_document_no"] = "调剂1号"
        draft = await self.world.draft(book, kind, [Leg(amount, **fields)], **header)
        return (await self.world.post(book, draft)).entry_id

    def _next_to(self, allocation: UUID) -> UUID:
        ring = [*self.allocations, allocation]
        return (
            self.allocations[(ring.index(allocation) + 1) % len(self.allocations)] if self.allocations else allocation
        )

    async def _undo(self, which: int, amount: int) -> None:
        kind, entry, other = self.posted[-1 - which % len(self.posted)]
        book = book_of(kind)
        keys = [(book, entry, 1)] + ([(DISTRICT, other, 1)] if other is not None else [])
        left = self.model.moved[keys[0]][2] - self.model.undone.get(keys[0], 0)
        can = amount <= left and all(self.model.can_undo(key, amount) for key in keys)
        try:
            done = await (
                bank_returns(self.world, entry, 1, amount)
                if kind == "pay"
                else undo(self.world, book, entry, 1, amount)
            )
        except FundledgerError as error:
            codes = {error.code, *(fault.code for fault in error.faults)}
            assert not can, f"the gate refused to undo {amount} of {kind}: {codes}"
            return
        assert can, f"the gate undid {amount} of {kind}"
        if other is None:
            self.model.undo((book, done.entry_id, 1), keys[0], amount)
        else:
            back = await self._other_side(done.entry_id)
            self.model.undo_crossing((CITY, done.entry_id, 1), (DISTRICT, back, 1), keys[0], keys[1], amount)

    async def _other_side(self, entry_id: UUID) -> UUID:
        return UUID(str(await self.world.service.fetchval(
            "SELECT o.entry_id FROM entry e JOIN entry o ON o.crossing_id = e.crossing_id AND o.book = $1 "
            "WHERE e.book = $2 AND e.entry_id = $3", DISTRICT, CITY, entry_id)))  # fmt: skip

    async def check(self, model: Model, at: int | None = None) -> None:
        """Every transfer's trail, up and down, fen by fen, against a state of the model."""
        for key, (_, _, amount) in model.moved.items():
            for direction, way in (("up", model.way_up), ("down", model.way_down)):
                found = await self._ask(direction, key, at)  # type: ignore[arg-type]
                assert found.amount == found.asked == amount
                assert told(found) == [way((key, offset)) for offset in range(amount)], (direction, key)

    async def _ask(self, direction: Direction, key: Key, at: int | None) -> Trail:
        return await ask(self.world.service, direction, Subject("line", key[1], key[2]), book=key[0], at=at)


def book_of(kind: str) -> int:
    """Whose instruction it is."""
    return CITY if kind in ("allocate", "release", "recover", "virement") else DISTRICT


def told(found: Trail) -> list[list[Fen]]:
    """The way of each fen asked for, read from the edges of a trail."""
    ways: list[list[Fen]] = [[] for _ in range(found.amount)]
    for edge in sorted(found.edges, key=lambda edge: edge.depth):
        for step in range(edge.amount):
            assert len(ways[edge.at + step]) == edge.depth, "a fen jumps a hop"
            ways[edge.at + step].append((edge.transfer.key, edge.offset + step))
    return ways


# An example costs a second, so a failing one is shown as it is: shrinking would take minutes.
SLOW = settings(
    max_examples=12, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@SLOW
@given(moves=st.lists(MOVES, min_size=6, max_size=22))
async def test_the_trail_is_what_a_list_of_single_fen_says(world: World, moves: Iterable[Move]) -> None:
    play = Play(world)
    await play.begin()
    half, remembered, position = len(list(moves)) // 2, Model(), 0
    for number, move in enumerate(moves):
        if number == half:
            remembered, position = play.model.copy(), await sealed(world.service)
        await play.play(move)
    await play.check(play.model)
    await sealed(world.service)
    await play.check(remembered, position)
