"""Money outside the five-to-district (M41, M43): paid without project, tender and notice, by three people all the same."""

from __future__ import annotations

import os
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book.attackers import bank_returned, codes_of
from tests.book.payment_case import SUBSIDY
from tests.builders import (
    DISTRICT,
    PLANNED,
    World,
    card_of,
    insert,
)
from tests.soundness import assert_book_sound

Fields = dict[str, Any]


async def received(world: World, amount: int = 1_000_000, fund: str = "donation") -> UUID:
    """Money that a district was given; its allocation."""
    allocation = new_id()
    leg = Leg(amount, allocation_id=allocation, fund_code=fund, fiscal_year=2019)
    await world.post(DISTRICT, await world.draft(DISTRICT, "adopt_own", [leg]))
    return allocation


async def other_list(world: World, allocation: UUID, household: UUID, spoilt: dict[str, Fields] | None = None) -> UUID:
    """A list of one household, drafted by hand; `spoilt` changes header, leg, own (the list's row) or line."""
    header, leg, own, line = ((spoilt or {}).get(name, {}) for name in ("header", "leg", "own", "line"))
    amount = 50_000
    draft = await world.draft(
        DISTRICT, "pay_other", [Leg(amount, allocation_id=allocation, **leg)], line_count=1,
        **{"supervisor_id": None, "economic_class": "30306", **header},
    )  # fmt: skip
    await insert(world.service, "payment_list", {
        "book": DISTRICT, "instruction_id": draft, "project_id": None, "programme_code": "donation_relief", "period": "2019",
        "entitlement_on": date(2019, 2, 1), "payee_kind": "household", "pay_method": "transfer", "is_final": False, **own,
    })  # fmt: skip
    sql = "SELECT person_id FROM person WHERE book = $1 AND household_id = $2 AND is_head"
    head = await world.service.fetchval(sql, DISTRICT, household)
    await insert(world.service, "payment_line", {
        "card_hash": card_of(head) if head else None, "book": DISTRICT, "instruction_id": draft, "leg_no": 1, "line_no": 1, "amount": amount, "payee_id": household,
        "household_id": household, "programme_code": own.get("programme_code", "donation_relief"), "period": "2019",
        "name_commitment": os.urandom(32), "card_commitment": os.urandom(32), **line,
    })  # fmt: skip
    return draft


async def drafted(world: World, allocation: UUID | None = None, **spoilt: Fields) -> tuple[UUID, UUID]:
    """A list that would be paid if nothing was spoilt; with its allocation."""
    ((household, _),) = await world.persons(1, programme=None)
    allocation = allocation or await received(world)
    return await other_list(world, allocation, household, spoilt), allocation


async def pay(world: World, draft: UUID) -> UUID:
    await world.approve_list(draft)
    return (await world.pay(draft)).entry_id


async def refused(world: World, draft: UUID) -> set[str]:
    preview = {
        row["code"] for row in await world.service.fetch("SELECT code FROM payment_faults($1, $2)", DISTRICT, draft)
    }
    with pytest.raises((asyncpg.PostgresError, FundledgerError)) as caught:
        await pay(world, draft)
    assert codes_of(caught.value) == preview
    return preview


async def test_donations_are_paid_without_a_project(world: World) -> None:
    draft, allocation = await drafted(world)
    await pay(world, draft)
    assert await world.balance("paid_other", allocation=allocation) == 50_000
    assert await world.balance("executable", allocation=allocation) == 950_000
    status = await world.service.fetchrow("SELECT * FROM allocation_status WHERE allocation_id = $1", allocation)
    assert status is not None
    assert (status["paid"], status["funded"]) == (50_000, 0)
    await assert_book_sound(world.service)


async def test_what_the_bank_returns_goes_back_to_the_donations(world: World) -> None:
    draft, allocation = await drafted(world)
    entry = await pay(world, draft)
    undo = [Leg(50_000, undoes_entry_id=entry, undoes_line_no=1)]
    back = await world.draft(DISTRICT, "return", undo)
    with pytest.raises(FundledgerError) as caught:
        await world.post(DISTRICT, back)
    assert codes_of(caught.value) == {"return-without-bank-result"}
    await bank_returned(world, entry, 1)
    await world.post(DISTRICT, back)
    assert await world.balance("executable", allocation=allocation) == 1_000_000
    await assert_book_sound(world.service)


SPOILT: dict[str, tuple[dict[str, Fields], set[str]]] = {
    "a bonus": ({"header": {"economic_class": "30102"}}, {"negative-list"}),
    "no officer": ({"header": {"officer_id": new_id()}}, {"officer-not-in-office"}),
    "a supervisor of nobody": ({"header": {"supervisor_id": new_id()}}, {"supervisor-not-in-office"}),
    "a project": ({"own": {"project_id": new_id()}}, {"pay-other-names-project", "leg-of-another-project"}),
    "a contract": ({"own": {"procurement_id": new_id()}}, {"pay-other-names-project"}),
    "a claim": ({"own": {"claim_id": new_id()}}, {"pay-other-names-project"}),
    "a leg of a project": ({"leg": {"project_id": new_id()}}, {"leg-of-another-project"}),
    "a payee of nobody": ({"line": {"payee_id": new_id()}}, {"payee-unknown"}),
    "a programme of the five": ({"own": {"programme_code": "temporary_aid"}}, {"programme-outside-five", "not-on-roster"}),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
async def test_it_is_not_paid_with(name: str, world: World) -> None:
    spoilt, expected = SPOILT[name]
    draft, allocation = await drafted(world, None, **spoilt)
    at_approval = expected & {"payee-unknown", "not-on-roster"}
    if at_approval:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await pay(world, draft)
        assert codes_of(caught.value) == at_approval
    else:
        assert await refused(world, draft) == expected
    assert await world.balance("executable", allocation=allocation) == 1_000_000
    await assert_book_sound(world.service)


async def test_fiscal_money_does_not_leave_by_this_way(world: World) -> None:
    """The way around the five that must not be one: with and without a project."""
    fiscal = await world.funded(1_000_000)
    draft, _ = await drafted(world, fiscal)
    assert await refused(world, draft) == {"fund-not-outside-five"}
    built = await SUBSIDY.build(world)
    draft, _ = await drafted(
        world,
        built.allocation,
        leg={"project_id": built.project},
        own={"project_id": built.project},
    )
    assert await refused(world, draft) >= {"fund-not-outside-five", "pay-other-names-project"}
    await assert_book_sound(world.service)


async def test_three_people_pay_it(world: World) -> None:
    draft, _ = await drafted(world)
    with pytest.raises(FundledgerError) as caught:
        await world.pay(draft)
    assert "not-approved" in codes_of(caught.value)
    await world.approve_list(draft)
    with pytest.raises(FundledgerError) as caught:
        await world.post(DISTRICT, draft, actor="district-approver")
    assert codes_of(caught.value) >= {"duties-not-separate"}
    await world.pay(draft)


async def test_a_household_is_not_given_the_same_twice(world: World) -> None:
    allocation = await received(world)
    ((household, _),) = await world.persons(1, programme=None)
    await pay(world, await other_list(world, allocation, household))
    again = await other_list(world, allocation, household)
    with pytest.raises(asyncpg.PostgresError) as caught:
        await pay(world, again)
    assert codes_of(caught.value) == {"paid-twice"}


async def test_donations_may_also_fund_a_project_and_then_all_five_hold(world: World) -> None:
    allocation = await received(world)
    project = await world.project(
        programme="donation_relief", category="donation", exemption="below_threshold", sources={"donation": PLANNED}
    )
    leg = Leg(100_000, allocation_id=allocation, project_id=project)
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    payees = await world.persons(1, programme=None)
    pay_list = await world.list_of(
        project, allocation, payees, programme="donation_relief", payee_kind="household", published=False
    )
    faults = await world.service.fetch("SELECT code FROM payment_faults($1, $2)", DISTRICT, pay_list)
    assert {row["code"] for row in faults} == {"list-not-published"}
