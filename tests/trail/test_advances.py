"""What a settlement says by reference the trail says too: the gate lets an advance be settled in its turn only."""

from __future__ import annotations

import random
from collections import Counter
from uuid import UUID

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.errors import FundledgerError
from fundledger.trail.starts import Subject
from tests.book.advances import LATER, accepted, advanced, remainder_back, settle, settle_leg
from tests.book.payment_case import ADVANCE, Built
from tests.builders import DISTRICT, World
from tests.soundness import assert_book_sound
from tests.trail.money import ask

SETTLED = (
    "SELECT t.* FROM transfer t JOIN entry e USING (book, entry_id) WHERE e.entry_kind = 'settle' ORDER BY e.order_no"
)


async def whose_turn_it_is(built: Built, advances: list[UUID], amount: int) -> UUID:
    """Settle one of the advances: the gate refuses all but the one whose turn it is, if it still holds so much."""
    for advance in advances:
        try:
            return (await settle(built, settle_leg(built, advance, amount))).entry_id
        except (asyncpg.PostgresError, FundledgerError):
            continue
    raise FundledgerError("nothing-to-reverse")


async def step(built: Built, draw: random.Random, advances: list[UUID], settlements: list[UUID]) -> None:
    """Advance, settle a part of some advance, return a remainder, or take a part of a settlement back."""
    amount = draw.choice([1_000, 2_000, 5_000])
    move = draw.choices(["advance", "settle", "return", "reverse"], [3, 6, 1, 2])[0]
    if move == "advance" or not advances:
        advances.append((await advanced(built, 10_000)).entry_id)
    elif move == "settle":
        settlements.append(await whose_turn_it_is(built, draw.sample(advances, len(advances)), amount))
    elif move == "return":
        await remainder_back(built, draw.choice(advances), amount)
    elif settlements:
        undo = [Leg(1_000, undoes_entry_id=draw.choice(settlements), undoes_line_no=1)]
        await built.world.post(DISTRICT, await built.world.draft(DISTRICT, "reverse", undo, effective_on=LATER))


@pytest.mark.parametrize("seed", range(4))
async def test_the_trail_of_a_settlement_leads_to_the_advance_it_names(seed: int, world: World) -> None:
    built = await ADVANCE.build(world)
    await accepted(built)
    draw, advances, settlements = random.Random(seed), list[UUID](), list[UUID]()
    for _ in range(24):
        try:
            await step(built, draw, advances, settlements)
        except (asyncpg.PostgresError, FundledgerError):
            continue  # out of turn, more than is left: what the gate refuses is tried, too
    rows = await world.service.fetch(SETTLED)
    assert len(rows) >= 5
    for row in rows:
        found = await ask(world.service, "up", Subject("line", row["entry_id"], row["line_no"]))
        passed: Counter[tuple[UUID, int]] = Counter()
        for edge in found.edges:
            if edge.transfer.entry_id in advances:
                passed[edge.transfer.entry_id, edge.transfer.line_no] += edge.amount
        assert passed == {(row["settles_entry_id"], row["settles_line_no"]): row["amount"]}
    await assert_book_sound(world.service)
