"""Advances and their settlement (先预拨后清算, M09): what the gate lets through, and everything it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from typing import Any

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.book.poster import Posted, Posting, post_now
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book.advances import (
    LATER,
    accepted,
    advanced,
    based_on,
    remainder_back,
    settle,
    settle_leg,
    settlement,
    status,
)
from tests.book.attackers import bank_returned, codes_of
from tests.book.lanes import approval_of, payment_of, posters, together
from tests.book.payment_case import ADVANCE, Built
from tests.builders import DISTRICT, PLANNED, World
from tests.databases import Database
from tests.soundness import assert_book_sound


@pytest.fixture
async def built(world: World) -> Built:
    """A contract of 12,000.00 yuan with an advance of 3,600.00 drafted."""
    return await ADVANCE.but(funded=40_000_000).build(world)


async def refused(posting: Awaitable[Posted]) -> set[str]:
    with pytest.raises((asyncpg.PostgresError, FundledgerError)) as caught:
        await posting
    return codes_of(caught.value)


async def test_an_advance_stands_at_its_payee_until_it_is_settled_or_comes_back(world: World, built: Built) -> None:
    entry = (await advanced(built)).entry_id
    assert await world.balance("advanced", project=built.project) == 360_000
    assert await world.balance("paid", project=built.project) == 0
    await accepted(built)
    await settle(built, settle_leg(built, entry, 300_000))
    assert await status(world, entry) == ("3600.00", "3000.00", "0.00", "600.00")
    await remainder_back(built, entry, 60_000)
    assert await status(world, entry) == ("3600.00", "3000.00", "600.00", "0.00")
    assert await world.balance("paid", project=built.project) == 300_000
    assert await world.balance("advanced", project=built.project) == 0
    assert await world.balance("available", project=built.project) == built.case.funded - 300_000
    payees = await world.service.fetch("SELECT DISTINCT payee_id FROM transfer WHERE payee_id IS NOT NULL")
    assert [row["payee_id"] for row in payees] == [built.person]
    await assert_book_sound(world.service)


async def test_an_advance_of_one_year_is_settled_in_the_next(world: World, built: Built) -> None:
    entry = (await advanced(built)).entry_id
    await accepted(built)
    await settle(built, settle_leg(built, entry, 360_000), effective_on=date(2020, 1, 15))
    years = await world.service.fetch("SELECT exec_year FROM account WHERE account_kind = 'paid'")
    assert [row["exec_year"] for row in years] == [2020]
    await assert_book_sound(world.service)


async def test_advances_are_settled_in_their_order(world: World, built: Built) -> None:
    first = (await advanced(built, 100_000)).entry_id
    second = (await advanced(built, 50_000)).entry_id
    await accepted(built)
    assert await refused(settle(built, settle_leg(built, second, 1))) == {"settle-out-of-order"}
    both = (settle_leg(built, first, 100_000), settle_leg(built, second, 20_000))
    assert await refused(settle(built, *reversed(both))) == {"settle-out-of-order", "settle-exceeds"}
    await settle(built, *both)
    assert await refused(settle(built, settle_leg(built, first, 1))) == {"settle-exceeds"}
    assert await refused(settle(built, settle_leg(built, second, 30_001))) == {"settle-exceeds", "balance-insufficient"}
    await settle(built, settle_leg(built, second, 30_000))
    assert await world.balance("advanced", project=built.project) == 0
    await assert_book_sound(world.service)


async def test_a_returned_remainder_leaves_the_turn_to_the_next(world: World, built: Built) -> None:
    first, second = (await advanced(built, 100_000)).entry_id, (await advanced(built, 50_000)).entry_id
    await accepted(built)
    await settle(built, settle_leg(built, first, 30_000))
    await remainder_back(built, first, 70_000)
    assert await refused(settle(built, settle_leg(built, first, 1))) == {"settle-exceeds"}
    assert await refused(remainder_back(built, first, 1)) == {"spent-downstream"}
    await settle(built, settle_leg(built, second, 50_000))
    await assert_book_sound(world.service)


async def test_what_was_settled_is_not_given_back(world: World, built: Built) -> None:
    entry = (await advanced(built)).entry_id
    await accepted(built)
    await settle(built, settle_leg(built, entry, 300_000))
    assert await refused(remainder_back(built, entry, 60_001)) >= {"spent-downstream"}
    await assert_book_sound(world.service)


async def test_a_settlement_taken_back_moved_the_advance_too(world: World, built: Built) -> None:
    """The retention of what opens its line runs from the last movement: the reversal, a year later."""
    entry = (await advanced(built)).entry_id
    await accepted(built)
    done = (await settle(built, settle_leg(built, entry, 100_000))).entry_id
    moved = "SELECT last_moved_on($1, $2, 1)"
    assert await world.service.fetchval(moved, DISTRICT, entry) == LATER
    undo, day = [Leg(100_000, undoes_entry_id=done, undoes_line_no=1)], date(2020, 1, 15)
    await world.post(DISTRICT, await world.draft(DISTRICT, "reverse", undo, effective_on=day))
    assert await world.service.fetchval(moved, DISTRICT, entry) == day


async def test_a_settlement_taken_back_is_settled_again_after_those_that_wait(world: World, built: Built) -> None:
    first, second = (await advanced(built, 100_000)).entry_id, (await advanced(built, 50_000)).entry_id
    await accepted(built)
    done = (await settle(built, settle_leg(built, first, 100_000))).entry_id
    undo = [Leg(40_000, undoes_entry_id=done, undoes_line_no=1)]
    await world.post(DISTRICT, await world.draft(DISTRICT, "reverse", undo, effective_on=LATER))
    assert await status(world, first) == ("1000.00", "600.00", "0.00", "400.00")
    assert await refused(settle(built, settle_leg(built, first, 40_000))) == {"settle-out-of-order"}
    await settle(built, settle_leg(built, second, 50_000), settle_leg(built, first, 40_000))
    assert await status(world, first) == ("1000.00", "1000.00", "0.00", "0.00")
    await assert_book_sound(world.service)


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], set[str]]] = {
    "an advance of nobody": ({"settles_entry_id": new_id()}, {}, {"advance-not-found"}),
    "a line of nobody": ({"settles_line_no": 2}, {}, {"advance-not-found"}),
    "no advance": ({"settles_entry_id": None, "settles_line_no": None}, {}, {"advance-not-found"}),
    "another project": ({"project_id": new_id()}, {}, {"settle-differs"}),
    "no project": ({"project_id": None}, {}, {"allocation-not-found", "settle-differs"}),
    "no allocation": ({"allocation_id": None}, {}, {"allocation-not-found", "settle-differs"}),
    "another year": ({"exec_year": 2018}, {}, {"past-year-money"}),
    "before the advance": ({}, {"effective_on": date(2019, 2, 28)},
                           {"settle-before-advance", "settle-without-acceptance", "balance-insufficient-on-day"}),
    "before the acceptance": ({}, {"effective_on": date(2019, 3, 31)}, {"settle-without-acceptance"}),
    "without evidence": ({}, {"inputs": ""}, {"settle-without-evidence"}),
    "on evidence that nobody kept": ({}, {"inputs": based_on(bytes(32))}, {"settle-without-evidence"}),
    "on scribbles": ({}, {"inputs": '{"evidence_sha256":"'}, {"settle-without-evidence"}),
    "without a supervisor": ({}, {"supervisor_id": None}, {"supervisor-not-in-office"}),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
async def test_a_settlement_is_refused_for(name: str, world: World, built: Built) -> None:
    leg, header, expected = WRONG[name]
    entry = (await advanced(built)).entry_id
    await built.accepted(accepted_on=LATER)
    assert await refused(settle(built, settle_leg(built, entry, 100_000, **leg), **header)) == expected
    assert await status(world, entry) == ("3600.00", "0.00", "0.00", "3600.00")
    await assert_book_sound(world.service)


async def test_only_an_advance_is_settled(world: World, built: Built) -> None:
    """The reference may not lead to another account: settling a funding would pay without a payer."""
    await accepted(built)
    await advanced(built)
    funding = await world.service.fetchval("SELECT entry_id FROM entry WHERE entry_kind = 'fund'")
    assert await refused(settle(built, settle_leg(built, funding, 1_000))) == {"advance-not-found"}
    payment = built.case.but(kind="pay", amount=5_000, claim="approved")
    await payment.add_list(built)
    await world.approve_list(built.pay_list)
    paid = (await world.pay(built.pay_list)).entry_id
    assert await refused(settle(built, settle_leg(built, paid, 1_000))) >= {"advance-not-found"}
    await assert_book_sound(world.service)


async def test_an_advance_is_not_settled_by_its_maker_nor_by_a_township(world: World, built: Built) -> None:
    entry = (await advanced(built)).entry_id
    await accepted(built)
    draft = await settlement(built, settle_leg(built, entry, 1_000))
    assert await refused(world.post(DISTRICT, draft, actor="district-maker")) >= {"duties-not-separate"}


async def test_a_remainder_comes_back_on_a_receipt_or_the_banks_word(world: World, built: Built) -> None:
    entry = (await advanced(built)).entry_id
    assert await refused(remainder_back(built, entry, 1_000, inputs="")) == {"advance-return-without-receipt"}
    assert await refused(remainder_back(built, entry, 1_000, inputs=based_on(bytes(32)))) == {
        "advance-return-without-receipt"
    }
    leg = [Leg(1_000, undoes_entry_id=entry, undoes_line_no=1)]
    for kind in ("return", "reverse"):
        assert "undo-kind" in await refused(world.post(DISTRICT, await world.draft(DISTRICT, kind, leg)))
    await bank_returned(world, entry, 1)
    await remainder_back(built, entry, 360_000, inputs="")
    assert await world.balance("available", project=built.project) == built.case.funded
    await assert_book_sound(world.service)


async def test_two_settlements_at_once_settle_an_advance_once(world: World, built: Built, db: Database) -> None:
    entry = (await advanced(built)).entry_id
    await accepted(built)
    drafts = [await settlement(built, settle_leg(built, entry, 250_000)) for _ in range(4)]
    postings = [await approval_of(world, DISTRICT, draft) for draft in drafts]
    async with posters(db.service_url) as made:
        outcomes = await together(made, postings)
    assert outcomes["posted"] == 1, outcomes
    assert await status(world, entry) == ("3600.00", "2500.00", "0.00", "1100.00")
    await assert_book_sound(world.service)


async def test_an_advance_and_its_return_and_settlement_at_once(world: World, built: Built, db: Database) -> None:
    entry = (await advanced(built)).entry_id
    await accepted(built)
    await bank_returned(world, entry, 1)
    back = await world.draft(
        DISTRICT, "advance_return", [Leg(200_000, undoes_entry_id=entry, undoes_line_no=1)], effective_on=LATER
    )
    drafts = [back, await settlement(built, settle_leg(built, entry, 200_000))]
    async with posters(db.service_url) as made:
        outcomes = await together(made, [await approval_of(world, DISTRICT, draft) for draft in drafts])
    assert outcomes["posted"] == 1, outcomes
    await assert_book_sound(world.service)


async def approved(built: Built, kind: str, amount: int) -> Posting:
    claim = "approved" if kind == "pay" else None
    await replace(built.case, kind=kind, amount=amount, claim=claim).add_list(built)
    await built.world.approve_list(built.pay_list)
    return payment_of(built.world, built.pay_list)


async def test_two_advances_at_once_do_not_exceed_the_limit_together(world: World, built: Built, db: Database) -> None:
    postings = [await approved(built, "advance", 200_000) for _ in range(2)]
    assert await refused(post_both(world, postings)) == {"advance-above-limit"}
    async with posters(db.service_url) as made:
        outcomes = await together(made, postings)
    assert outcomes == {"posted": 1, "refused: advance-above-limit": 1}
    await assert_book_sound(world.service)


async def post_both(world: World, postings: list[Posting]) -> Posted:
    return (await post_now(world.service, postings))[0]


async def test_advance_and_payment_at_once_do_not_exceed_the_contract_together(
    world: World, built: Built, db: Database
) -> None:
    await world.progress(built.project, 100)
    postings = [await approved(built, "advance", 360_000), await approved(built, "pay", 900_000)]
    assert await refused(post_both(world, postings)) == {"contract-exceeded"}
    async with posters(db.service_url) as made:
        outcomes = await together(made, postings)
    assert outcomes == {"posted": 1, "refused: contract-exceeded": 1}
    await assert_book_sound(world.service)


async def test_the_limit_is_that_of_the_day_and_frees_up_as_advances_are_settled(world: World, built: Built) -> None:
    first = (await advanced(built)).entry_id
    with pytest.raises(FundledgerError) as caught:
        await advanced(built, 1_000)
    assert caught.value.code == "advance-above-limit"
    shown = {key: caught.value.params[key] for key in ("limit", "outstanding", "percent")}
    assert shown == {"limit": "3600.00", "outstanding": "3600.00", "percent": 30}
    await accepted(built)
    await settle(built, settle_leg(built, first, 360_000))
    await advanced(built, 100_000, effective_on=LATER)
    await assert_book_sound(world.service)


async def test_no_more_is_settled_than_the_amount_accepted(world: World, built: Built) -> None:
    entry = (await advanced(built)).entry_id
    await built.accepted(procurement_id=built.procurement, amount_accepted=300_000)
    assert await refused(settle(built, settle_leg(built, entry, 300_001))) == {"settle-without-acceptance"}
    await settle(built, settle_leg(built, entry, 300_000))
    await remainder_back(built, entry, 60_000)
    await assert_book_sound(world.service)


Spoil = Callable[[Built], Awaitable[object]]


async def test_an_overdue_advance_stops_others_until_it_is_settled(world: World, built: Built) -> None:
    entry = (await advanced(built, 100_000)).entry_id
    await advanced(built, 1_000, effective_on=date(2019, 8, 28))
    overdue = date(2019, 8, 29)
    with pytest.raises(FundledgerError) as caught:
        await advanced(built, 1_000, effective_on=overdue)
    assert (caught.value.code, caught.value.params["due_on"]) == ("advance-overdue", "2019-08-28")
    # Judged by the day on which it counts (0012): for an earlier day of an open month it may still be entered.
    await advanced(built, 1_000, effective_on=date(2019, 8, 27))
    await accepted(built)
    await settle(built, settle_leg(built, entry, 100_000), effective_on=overdue)
    await advanced(built, 1_000, effective_on=overdue)
    await assert_book_sound(world.service)


async def test_a_lock_on_the_project_holds_up_a_settlement(world: World, built: Built, db: Database) -> None:
    """How much of a contract may be settled depends on what was paid of it: both take the project."""
    entry = (await advanced(built)).entry_id
    await accepted(built)
    draft = await settlement(built, settle_leg(built, entry, 1_000))
    async with posters(db.service_url, 1) as made:
        async with world.owner.transaction():
            await world.owner.execute("SELECT 1 FROM project WHERE project_id = $1 FOR NO KEY UPDATE", built.project)
            task = asyncio.create_task(made[0].post(await approval_of(world, DISTRICT, draft)))
            done, _ = await asyncio.wait({task}, timeout=0.5)
            assert not done
        assert not (await task).replayed


async def test_an_advance_is_settled_as_far_as_the_work_was_accepted(world: World, built: Built) -> None:
    entry = (await advanced(built)).entry_id
    await world.progress(built.project, 20, accepted_on=date(2019, 3, 15))
    with pytest.raises(FundledgerError) as caught:
        await settle(built, settle_leg(built, entry, 240_001))
    (fault,) = caught.value.faults
    assert fault.code == "settle-without-acceptance"
    assert {name: fault.params[name] for name in ("percent", "earned", "excess")} == {
        "percent": 20, "earned": "2400.00", "excess": "0.01",
    }  # fmt: skip
    parts = (settle_leg(built, entry, 200_000), settle_leg(built, entry, 40_001))
    assert await refused(settle(built, *parts)) == {"settle-without-acceptance"}
    await settle(built, settle_leg(built, entry, 240_000))
    assert await refused(settle(built, settle_leg(built, entry, 1))) == {"settle-without-acceptance"}
    await world.progress(built.project, 30, accepted_on=LATER)
    await settle(built, settle_leg(built, entry, 120_000))
    await assert_book_sound(world.service)


async def test_what_was_paid_meanwhile_counts_with_the_settlement(world: World, built: Built) -> None:
    entry = (await advanced(built, 300_000)).entry_id
    await world.progress(built.project, 50)
    payment = built.case.but(kind="pay", amount=300_000, claim="approved")
    await payment.add_list(built)
    await world.approve_list(built.pay_list)
    await world.pay(built.pay_list)
    await settle(built, settle_leg(built, entry, 300_000))
    assert await world.balance("paid", project=built.project) == 600_000
    await assert_book_sound(world.service)


async def test_settlements_of_two_accounts_at_once_stay_within_the_progress(world: World, db: Database) -> None:
    built = await ADVANCE.but(funded=PLANNED // 2 - 500_000).build(world)
    entries = [(await advanced(built, 180_000)).entry_id]
    drafts = [await settlement(built, settle_leg(built, entries[0], 180_000))]
    # The fund has given all it was planned to give; half a million of it comes back and is given again by another allocation.
    back = Leg(500_000, allocation_id=built.allocation, project_id=built.project)
    await world.post(DISTRICT, await world.draft(DISTRICT, "defund", [back]))
    built.allocation = await world.funded(500_000)
    leg = Leg(500_000, allocation_id=built.allocation, project_id=built.project)
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    entries.append((await advanced(built, 180_000)).entry_id)
    drafts.append(await settlement(built, settle_leg(built, entries[1], 180_000)))
    await world.progress(built.project, 20)
    async with posters(db.service_url) as made:
        outcomes = await together(made, [await approval_of(world, DISTRICT, draft) for draft in drafts])
    assert outcomes["posted"] == 1, outcomes
    assert await world.balance("paid", project=built.project) == 180_000
    await assert_book_sound(world.service)
