"""The gate against a plain-Python model: random postings, back-dated ones, reversals, bank returns and closes.

What the model accepts the gate must post, what the model refuses the gate must refuse for the same reasons, and every
balance must agree: now, at the end of any day, and after any earlier posting. Each example has a database of its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fundledger.book.instructions import Leg
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book.attackers import bank_returned, codes_of
from tests.builders import CITY, DISTRICT, PLANNED, World, make_world
from tests.databases import TestServer, cloned, connected
from tests.properties.book_in_sql import AT_ENTRY, BALANCES, ON_DAY
from tests.properties.book_model import Book, City, District, Entry, Move, Posted
from tests.soundness import assert_book_sound

T = TypeVar("T")

BOOKS = {City: CITY, District: DISTRICT}
FIRST = date(2019, 1, 7)
LAST = FIRST + timedelta(days=115)
DAYS = st.integers(0, 115).map(lambda number: FIRST + timedelta(days=number))
MUCH = st.sampled_from(["a little", "a third", "a third", "all", "too much"])
PERIODS = st.sampled_from([f"2018-{month:02}" for month in range(3, 11)])
"""All over when the first payment is made: nobody is entitled before the day."""
SHORT = {"balance-insufficient", "balance-insufficient-on-day"}
OUTCOMES = {"adopt", "allocate", "release", "fund", "pay", "virement", "recover", "defund", "surplus", "return", "reverse", "balance", "paid-twice", "period-closed",
            "spent-downstream", "undo-exceeds", "undo-before-original", "undo-of-undo", "undo-kind", "return-without-bank-result"}  # fmt: skip
"""Kinds that must have been posted, and refusals that must have been met."""


def name_of(book: str, kind: str, owner: UUID, project: UUID | None = None) -> str:
    """An account's name in the model."""
    return f"{book}/{kind}/{owner}/{project or ''}"


class BookMachine(RuleBasedStateMachine):
    """One city, one district, two projects, six people, four months."""

    server: TestServer
    template: str
    seen: Counter[str]

    @initialize()
    def build(self) -> None:
        """A clone of the template with its people, some money, and two funded projects."""
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.book = Book()
        self.entry_ids: dict[int, tuple[UUID, int]] = {}
        self.lines: list[UUID] = []
        self.allocations: list[UUID] = []
        self.standing: dict[tuple[UUID, str], Posted] = {}
        self.returned: set[tuple[int, int]] = set()
        self.latest = FIRST
        self.run(self._build())
        self.adopt(3_000, FIRST)
        for _ in range(2):
            self._allocate(self.lines[0], 1_200, FIRST)
        self._release([(allocation, 900) for allocation in self.allocations], FIRST)
        for allocation, project in zip(self.allocations, self.projects, strict=True):
            self._fund(allocation, project, 500, FIRST)

    async def _build(self) -> None:
        db = await self.stack.enter_async_context(cloned(self.server, self.template))
        service = await self.stack.enter_async_context(connected(db.service_url))
        owner = await self.stack.enter_async_context(connected(db.owner_url))
        self.world: World = await make_world(service, owner)
        self.people = await self.world.persons(6)
        self.projects = [await self.world.project() for _ in range(2)]
        for project in self.projects:
            await self.world.notice(
                "project", project, PLANNED, start=date(2018, 11, 1), end=date(2018, 12, 20), level="district"
            )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run asynchronous work on the machine's own loop."""
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        """The book is sound at the end of every example."""
        if hasattr(self, "world"):
            try:
                self.run(assert_book_sound(self.world.service))
            finally:
                self.run(self.stack.aclose())
                self.loop.close()

    def draw_day(self, data: st.DataObject) -> date:
        """A day: mostly as far as the book has come or a little later, now and then any."""
        far = data.draw(st.integers(0, 7), label="far") == 7
        day: date = data.draw(DAYS) if far else self.latest + timedelta(days=data.draw(st.integers(0, 3)))
        self.latest = self.latest if far else min(day, LAST)
        return day

    def draw_amount(self, data: st.DataObject, *payers: str) -> int:
        """An amount measured by what the payers have: little, all, or one fen too much."""
        balance = min(self.book.accounts[payer].balance for payer in payers)
        much = data.draw(MUCH, label="how much")
        return max(
            {"a little": 1 + balance // 20, "a third": balance // 3, "all": balance, "too much": balance + 1}[much], 1
        )

    @precondition(lambda self: len(self.lines) < 2)
    @rule(amount=st.integers(100, 1000), day=DAYS)
    def adopt(self, amount: int, day: date) -> None:
        """The city adopts a budget line."""
        line = new_id()
        source = self.book.open(name_of(City, "budget_source", line), is_source=True)
        rest = self.book.open(name_of(City, "unreleased_budget", line))
        leg = Leg(amount, budget_line_id=line, fund_code="special_factor", fiscal_year=2019)
        if self.send(CITY, "adopt", [leg], day, [Move(City, source, rest, amount)]):
            self.lines.append(line)

    @precondition(lambda self: len(self.allocations) < 3)
    @rule(data=st.data())
    def allocate(self, data: st.DataObject) -> None:
        """The city allocates from a line to the district."""
        line = data.draw(st.sampled_from(self.lines))
        self._allocate(line, self.draw_amount(data, name_of(City, "unreleased_budget", line)), self.draw_day(data))

    def _allocate(self, line: UUID, amount: int, day: date) -> None:
        allocation = new_id()
        payer, receiver = (
            name_of(City, "unreleased_budget", line),
            self.book.open(name_of(City, "unreleased", allocation)),
        )
        leg = Leg(
            amount,
            budget_line_id=line,
            allocation_id=allocation,
            fund_code="special_factor",
            fiscal_year=2019,
            district=DISTRICT,
        )
        if self.send(CITY, "allocate", [leg], day, [Move(City, payer, receiver, amount)]):
            self.allocations.append(allocation)

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """The city releases one or two allocations (or one twice); both legs of each post together."""
        chosen = data.draw(st.lists(st.sampled_from(self.allocations), min_size=1, max_size=2))
        amounts = [self.draw_amount(data, name_of(City, "unreleased", allocation)) for allocation in chosen]
        self._release(list(zip(chosen, amounts, strict=True)), self.draw_day(data))

    def _release(self, chosen: list[tuple[UUID, int]], day: date) -> None:
        moves, legs = [], []
        for allocation, amount in chosen:
            released = self.book.open(name_of(City, "released", allocation))
            upper = self.book.open(name_of(District, "upper_transfer", allocation), is_source=True)
            executable = self.book.open(name_of(District, "executable", allocation))
            moves += [
                Move(City, name_of(City, "unreleased", allocation), released, amount),
                Move(District, upper, executable, amount),
            ]
            legs.append(Leg(amount, allocation_id=allocation))
        self.send(CITY, "release", legs, day, moves, release_kind="instalment")

    @rule(data=st.data())
    def fund(self, data: st.DataObject) -> None:
        """The district funds a project."""
        allocation, project = data.draw(st.sampled_from(self.allocations)), data.draw(st.sampled_from(self.projects))
        executable = self.book.open(name_of(District, "executable", allocation))
        self._fund(allocation, project, self.draw_amount(data, executable), self.draw_day(data))

    def _fund(self, allocation: UUID, project: UUID, amount: int, day: date) -> None:
        payer = self.book.open(name_of(District, "executable", allocation))
        receiver = self.book.open(name_of(District, "available", allocation, project))
        leg = Leg(amount, allocation_id=allocation, project_id=project)
        self.send(DISTRICT, "fund", [leg], day, [Move(District, payer, receiver, amount)])

    def funded(self) -> list[tuple[UUID, UUID]]:
        """Allocations and the projects that have some of them."""
        names = [
            name.split("/")
            for name, account in self.book.accounts.items()
            if "/available/" in name and account.balance > 0
        ]
        return [(UUID(owner), UUID(project)) for _, _, owner, project in names]

    @precondition(lambda self: self.funded())
    @rule(data=st.data(), period=PERIODS)
    def pay(self, data: st.DataObject, period: str) -> None:
        """The district pays one to three persons the same amount."""
        allocation, project = data.draw(st.sampled_from(self.funded()))
        payees = data.draw(st.lists(st.sampled_from(self.people), min_size=1, max_size=3, unique=True))
        available = name_of(District, "available", allocation, project)
        amount, day = -(-self.draw_amount(data, available) // len(payees)), self.draw_day(data)
        paid = self.book.open(name_of(District, "paid", allocation, project))
        moves = [Move(District, available, paid, amount) for _ in payees]
        known = [p for _, person in payees if (p := self.standing.get((person, period)))]
        twice = {"paid-twice"} if any(p.undone < p.move.amount for p in known) else set()
        unnamed = {"reissue-not-named"} if any(p.undone == p.move.amount for p in known) else set()
        expected = twice | unnamed or self.book.judge("pay", day, moves)
        codes, entry_id = self.run(self._pay(allocation, project, payees, amount, period, day))
        if self.agree("pay", day, moves, expected, codes, entry_id, DISTRICT):
            for (_, person), posted in zip(payees, self.book.entries[-1].moves, strict=True):
                self.standing[person, period] = posted

    @precondition(lambda self: self.standing and self.funded())
    @rule(data=st.data(), other_amount=st.integers(0, 5))
    def pay_again(self, data: st.DataObject, other_amount: int) -> None:
        """The district pays again what it says came back."""
        person, period = data.draw(st.sampled_from(list(self.standing)))
        first = self.standing[person, period]
        homes = [pair for pair in self.funded() if name_of(District, "available", *pair) == first.move.payer]
        allocation, project = data.draw(st.sampled_from([*homes, *homes, *self.funded()]))
        payee = next(pair for pair in self.people if pair[1] == person)
        amount, day = first.move.amount + (other_amount == 1), self.draw_day(data)
        available = name_of(District, "available", allocation, project)
        moves = [Move(District, available, self.book.open(name_of(District, "paid", allocation, project)), amount)]
        wrong = {"reissue-amount-differs"} if amount != first.move.amount else set()
        wrong |= {"reissue-not-returned", "paid-twice"} if first.undone < first.move.amount else set()
        wrong |= set() if first.move.payer.endswith(f"/{project}") else {"reissue-from-other-money"}
        number = next(entry.number for entry in self.book.entries if any(move is first for move in entry.moves))
        named = self.entry_ids[number][0], first.line_no
        codes, entry_id = self.run(self._pay(allocation, project, [payee], amount, period, day, named))
        expected = wrong or self.book.judge("pay", day, moves)
        if self.agree("pay", day, moves, expected, codes, entry_id, DISTRICT):
            self.standing[person, period] = self.book.entries[-1].moves[0]

    async def _pay(
        self, allocation: UUID, project: UUID, payees: list[tuple[UUID, UUID]], amount: int, period: str, day: date,
        reissues: tuple[UUID, int] | None = None,
    ) -> tuple[set[str], UUID | None]:  # fmt: skip
        try:
            new = await self.world.list_of(project, allocation, payees, amount=amount, period=period, published=False,
                                           approved=False, effective_on=day, reissues=reissues)  # fmt: skip
            await self.world.notice(
                "payment_list", new, amount * len(payees), start=date(2018, 12, 1), end=date(2019, 1, 5)
            )
            await self.world.approve_list(new)
            return set(), (await self.world.pay(new)).entry_id
        except (FundledgerError, asyncpg.PostgresError) as refusal:
            return codes_of(refusal), None

    @rule(data=st.data(), kind=st.sampled_from(["virement", "recover", "defund", "surplus"]))
    def turn(self, data: st.DataObject, kind: str) -> None:
        """One of the kinds of the year's turn, where there is something to take."""
        if (kind != "virement" or len(self.allocations) > 1) and (kind != "defund" or self.funded()):
            {"virement": self.virement, "recover": self.recover, "defund": self.defund, "surplus": self.surplus}[kind](
                data
            )

    def virement(self, data: st.DataObject) -> None:
        """The city moves unreleased money from one allocation to another."""
        source, target = data.draw(st.permutations(self.allocations))[:2]
        payer, receiver = name_of(City, "unreleased", source), name_of(City, "unreleased", target)
        amount = self.draw_amount(data, payer)
        leg = Leg(amount, allocation_id=source, to_allocation_id=target)
        moves = [Move(City, payer, receiver, amount)]
        self.send(CITY, "virement", [leg], self.draw_day(data), moves, exception_document_no="调1号")

    def recover(self, data: st.DataObject) -> None:
        """The city takes released money back that the district has not moved on."""
        allocation = data.draw(st.sampled_from(self.allocations))
        released, upper = name_of(City, "released", allocation), name_of(District, "upper_transfer", allocation)
        executable = self.book.open(name_of(District, "executable", allocation))
        self.book.open(released)
        self.book.open(upper, is_source=True)
        amount = self.draw_amount(data, executable)
        moves = [
            Move(City, released, name_of(City, "unreleased", allocation), amount),
            Move(District, executable, upper, amount),
        ]
        self.send(CITY, "recover", [Leg(amount, allocation_id=allocation)], self.draw_day(data), moves)

    def defund(self, data: st.DataObject) -> None:
        """The district takes money back from a project."""
        allocation, project = data.draw(st.sampled_from(self.funded()))
        available = name_of(District, "available", allocation, project)
        amount = self.draw_amount(data, available)
        leg = Leg(amount, allocation_id=allocation, project_id=project)
        moves = [Move(District, available, name_of(District, "executable", allocation), amount)]
        self.send(DISTRICT, "defund", [leg], self.draw_day(data), moves)

    def surplus(self, data: st.DataObject) -> None:
        """The city hands in unreleased money, by a document."""
        allocation = data.draw(st.sampled_from(self.allocations))
        payer, surplus = name_of(City, "unreleased", allocation), self.book.open(name_of(City, "surplus", allocation))
        amount = self.draw_amount(data, payer)
        moves, leg = [Move(City, payer, surplus, amount)], Leg(amount, allocation_id=allocation)
        self.send(CITY, "surplus", [leg], self.draw_day(data), moves, exception_document_no="收1号")

    @rule(data=st.data(), way=st.sampled_from(["all", "part", "part", "more"]), fitting=st.integers(0, 9))
    def undo(self, data: st.DataObject, way: str, fitting: int) -> None:
        """Somebody takes back a line of an earlier entry, whole, in part or too much."""
        undoable = data.draw(st.sampled_from(sorted({entry.kind for entry in self.book.entries})), label="of kind")
        kind = "return" if (undoable == "pay") == (fitting > 0) else "reverse"
        self._undo(data, self.draw_entry(data, undoable), kind, way, bank_said_so=fitting > 5)

    @precondition(lambda self: any(entry.kind == "pay" for entry in self.book.entries))
    @rule(data=st.data(), way=st.sampled_from(["all", "part", "more"]))
    def bank_returns(self, data: st.DataObject, way: str) -> None:
        """The bank sends a payment back, and somebody books it."""
        self._undo(data, self.draw_entry(data, "pay"), "return", way, bank_said_so=True)

    def draw_entry(self, data: st.DataObject, kind: str) -> Entry:
        """One of the entries of a kind."""
        entry: Entry = data.draw(st.sampled_from([entry for entry in self.book.entries if entry.kind == kind]))
        return entry

    def _undo(self, data: st.DataObject, entry: Entry, kind: str, way: str, *, bank_said_so: bool) -> None:
        line_no = data.draw(st.sampled_from(sorted({move.line_no for move in entry.moves})))
        originals = [move for move in entry.moves if move.line_no == line_no]
        left = originals[0].move.amount - originals[0].undone
        amount = {"all": max(left, 1), "part": max(left // 2, 1), "more": left + 1}[way]
        entry_id, book = self.entry_ids[entry.number]
        if kind == "return" and book == CITY:
            return
        if kind == "return" and bank_said_so and (entry.number, line_no) not in self.returned:
            self.run(bank_returned(self.world, entry_id, line_no))
            self.returned.add((entry.number, line_no))
        moves = [Move(o.move.book, o.move.receiver, o.move.payer, amount, undoes=o) for o in originals]
        leg = Leg(amount, undoes_entry_id=entry_id, undoes_line_no=line_no)
        said_so = (entry.number, line_no) in self.returned
        self.send(book, kind, [leg], self.draw_day(data), moves, bank_said_so=said_so)

    @rule(data=st.data())
    def tangle(self, data: st.DataObject) -> None:
        """Two releases of one allocation, the first partly undone, money moved on, the second undone: holes in a queue."""
        allocation = data.draw(st.sampled_from(self.allocations))
        for _ in range(2):
            self._release([(allocation, self.draw_amount(data, name_of(City, "unreleased", allocation)))], self.latest)
        releases = [entry for entry in self.book.entries if entry.kind == "release"][-2:]
        self._undo(data, releases[0], "reverse", "part", bank_said_so=False)
        executable = self.book.open(name_of(District, "executable", allocation))
        self._fund(allocation, self.projects[0], self.draw_amount(data, executable), self.latest)
        self._undo(data, releases[-1], "reverse", data.draw(st.sampled_from(["all", "part"])), bank_said_so=False)

    @rule(book=st.sampled_from([City, District]), back=st.integers(0, 2), sure=st.integers(0, 3))
    def close(self, book: str, back: int, sure: int) -> None:
        """A month is closed, now and then: mostly the one before."""
        if sure:
            return
        month = (self.latest - timedelta(days=15 * back)).replace(day=1)
        closer = self.world.who("city-approver" if book == City else "district-approver").staff_id
        call = "SELECT gate_close_period($1, $2, $3, $4, '结账')"
        try:
            self.run(self.world.service.execute(call, BOOKS[book], month, new_id(), closer))
            codes: set[str] = set()
        except asyncpg.PostgresError as refusal:
            codes = codes_of(refusal)
        assert codes == ({"period-closed"} if (book, month) in self.book.closed else set())
        self.book.closed.add((book, month))

    def send(
        self,
        book: int,
        kind: str,
        legs: list[Leg],
        day: date,
        moves: list[Move],
        *,
        bank_said_so: bool = False,
        **fields: Any,
    ) -> bool:
        """Draft and post; True when it was accepted, by both."""
        expected = self.book.judge(kind, day, moves, bank_said_so=bank_said_so)

        async def post() -> tuple[set[str], UUID | None]:
            try:
                return set(), (
                    await self.world.post(book, await self.world.draft(book, kind, legs, effective_on=day, **fields))
                ).entry_id
            except FundledgerError as refusal:
                return codes_of(refusal), None

        codes, entry_id = self.run(post())
        return self.agree(kind, day, moves, expected, codes, entry_id, book)

    def agree(
        self,
        kind: str,
        day: date,
        moves: list[Move],
        expected: set[str],
        codes: set[str],
        entry_id: UUID | None,
        book: int,
    ) -> bool:
        """The gate and the model say the same of a posting; the model then has it too."""
        said = {"balance" if code in SHORT else code for code in codes}
        note(f"{kind} {day} {[m.amount for m in moves]}: model {sorted(expected)}, gate {sorted(codes)}")
        self.seen.update({kind} if entry_id else said)
        if expected & {"undo-of-undo", "undo-kind"}:
            # What can't be undone at all has no lot to measure; what else is said of it does not matter.
            assert expected <= said
            return False
        assert said == expected
        if entry_id is None:
            return False
        entry = self.book.post(kind, day, moves)
        self.entry_ids[entry.number] = (entry_id, book)
        return True

    @invariant()
    def balances_agree(self) -> None:
        """Every account of the model has the balance the database says, and the other way round."""
        if not hasattr(self, "world"):
            return
        rows = self.run(self.world.service.fetch(BALANCES))
        books = {CITY: City, DISTRICT: District}
        there = {
            name_of(books[r["book"]], r["account_kind"], r["owner"], r["project_id"]): r["balance"]
            for r in rows
            if r["balance"]
        }
        assert there == {name: account.balance for name, account in self.book.accounts.items() if account.balance}

    @precondition(lambda self: self.book.entries)
    @rule(data=st.data(), day=DAYS)
    def look_back(self, data: st.DataObject, day: date) -> None:
        """An account as of a day, and as of an earlier posting."""
        name = data.draw(st.sampled_from(sorted(self.book.accounts)))
        account = self.book.accounts[name]
        book, kind, owner, project = name.split("/")
        key = (BOOKS[book], kind, UUID(owner), UUID(project) if project else None)
        fetch = self.world.service.fetchval
        assert self.run(fetch(ON_DAY, *key, day)) == account.on_day(day)
        entry = data.draw(st.sampled_from(self.book.entries))
        entry_id, _ = self.entry_ids[entry.number]
        order = self.run(fetch("SELECT max(order_no) FROM entry WHERE instruction_id = (SELECT instruction_id FROM entry "
                               "WHERE entry_id = $1 AND book = $2)", entry_id, self.entry_ids[entry.number][1]))  # fmt: skip
        assert self.run(fetch(AT_ENTRY, *key, order)) == account.at_step(entry.number)


def check(server: TestServer, template: str, *, examples: int, steps: int, derandomize: bool) -> Counter[str]:
    """Run the machine; the same examples every time unless told to look for new ones. How often each outcome came."""
    seen: Counter[str] = Counter()
    machine = type("Machine", (BookMachine,), {"server": server, "template": template, "seen": seen})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None, derandomize=derandomize,
            suppress_health_check=list(HealthCheck), print_blob=True,
        ),
    )  # fmt: skip
    return seen


def test_the_gate_agrees_with_the_model(server: TestServer, template_db: str) -> None:
    seen = check(server, template_db, examples=28, steps=40, derandomize=True)
    # Examples that never get to an outcome would prove nothing about it.
    assert seen.keys() >= OUTCOMES, sorted(seen.items())


@pytest.mark.soak
def test_the_gate_agrees_with_the_model_for_longer(server: TestServer, template_db: str) -> None:
    check(server, template_db, examples=600, steps=80, derandomize=False)
