"""Attacks on the gate's own arguments: ids in use, arrays that do not fit, keys that are none. For test_attacks_gate.py."""

from __future__ import annotations

from typing import Any

from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from tests.book.attackers import GATE, Last, Scene, attack
from tests.book.attacks_on_postings import adopting
from tests.builders import CITY, DISTRICT


async def raw(s: Scene, *arguments: Any) -> Any:
    """Call the gate with arguments of one's own."""
    return await s.world.service.fetch(GATE, *arguments)


@attack("23505")
async def an_entry_id_in_use(s: Scene) -> Last:
    used = await s.world.service.fetchval("SELECT entry_id FROM entry WHERE book = $1 LIMIT 1", CITY)
    return s.post(await s.drafted(CITY, "adopt", adopting()), entry=used)


@attack("23505")
async def a_crossing_id_in_use(s: Scene) -> Last:
    used = await s.world.service.fetchval("SELECT entry_id FROM entry WHERE book = $1 LIMIT 1", DISTRICT)
    allocation = await s.world.allocate(await s.world.adopt(500), 500)
    return s.post(await s.drafted(CITY, "release", Leg(500, allocation_id=allocation)), crossing=used)


@attack("actor-unknown")
async def arrays_of_unequal_length(s: Scene) -> Last:
    actor = s.world.who("district-payer").staff_id
    return raw(s, [DISTRICT, DISTRICT], [s.pay_list], [new_id()], [], [actor], [], ["k"], [bytes(32)])


@attack("instruction-not-found")
async def an_instruction_that_is_null(s: Scene) -> Last:
    actor = s.world.who("district-payer").staff_id
    return raw(s, [DISTRICT], None, [new_id()], [new_id()], [actor], [None], ["k"], [bytes(32)])


@attack("23502")
async def no_key(s: Scene) -> Last:
    return s.pay(s.pay_list, key=None)


@attack("23514")
async def an_empty_key(s: Scene) -> Last:
    return s.pay(s.pay_list, key="")


@attack("23502")
async def no_entry_id(s: Scene) -> Last:
    return s.pay(s.pay_list, entry=None)


@attack("23505")
async def one_instruction_twice_in_one_call(s: Scene) -> Last:
    actor = s.world.who("district-payer").staff_id
    return raw(s, [DISTRICT] * 2, [s.pay_list] * 2, [new_id(), new_id()], [None] * 2, [actor] * 2, [None] * 2,
               ["k1", "k2"], [bytes(32)] * 2)  # fmt: skip


@attack("23505")
async def one_entry_id_for_two_instructions(s: Scene) -> Last:
    actor, entry = s.world.who("city-approver").staff_id, new_id()
    drafts = [await s.drafted(CITY, "adopt", adopting()) for _ in range(2)]
    digests = [await s.world.digest(CITY, draft) for draft in drafts]
    return raw(s, [CITY] * 2, drafts, [entry] * 2, [None] * 2, [actor] * 2, digests, ["k1", "k2"], [bytes(32)] * 2)
