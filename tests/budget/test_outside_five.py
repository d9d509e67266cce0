"""Money outside the five (M41, M43): donations and counterpart aid come to a district, party fees and the guide fund
come down from the city; all of it is paid by `pay_other`, and no other money is."""

from __future__ import annotations

import os
from datetime import date
from uuid import UUID

import pytest

from fundledger.book.instructions import Leg
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.budget.calls import adopted, heading, post, refused
from tests.builders import CITY, DISTRICT, World, card_of, insert
from tests.soundness import assert_book_sound
from tests.web import Api


async def received(api: Api, fund: str, amount: str = "5000.00") -> UUID:
    """Money a district received, as an allocation of its own."""
    body = heading(api.world, DISTRICT, fund_code=fund, fiscal_year=2019, amount=amount, functional_class="2130599",
                   economic_class="30306", document_no=f"捐{fund}")  # fmt: skip
    await post(api, "/own-money", body, book=DISTRICT)
    found: UUID = await api.world.service.fetchval("SELECT allocation_id FROM allocation WHERE fund_code = $1", fund)
    return found


async def handed_down(api: Api, fund: str, amount: str = "5000.00") -> UUID:
    """Money of the city, adopted, allocated and released to a district."""
    line = await adopted(api, amount, fund=fund)
    rows = [{"district": str(DISTRICT), "amount": amount}]
    await post(api, "/allocations", heading(api.world, budget_line_id=line, lines=rows))
    found: UUID = await api.world.service.fetchval(
        "SELECT allocation_id FROM allocation WHERE fund_code = $1 AND book = $2", fund, CITY
    )
    rows = [{"allocation_id": str(found), "amount": amount}]
    await post(api, "/releases", heading(api.world, kind="instalment", lines=rows))
    return found


async def paid_other(world: World, allocation: UUID, amount: int, programme: str) -> None:
    """Pay a household out of an allocation, without a project."""
    household, head = (await world.persons(1, programme=None))[0]
    new = await world.draft(
        DISTRICT, "pay_other", [Leg(amount, allocation_id=allocation)], economic_class="30306", line_count=1
    )
    await insert(world.service, "payment_list", {
        "book": DISTRICT, "instruction_id": new, "programme_code": programme, "period": "2019-02",
        "entitlement_on": date(2019, 2, 1), "payee_kind": "household", "pay_method": "transfer", "is_final": False,
    })  # fmt: skip
    await insert(world.service, "payment_line", {
        "book": DISTRICT, "instruction_id": new, "leg_no": 1, "line_no": 1, "amount": amount, "payee_id": household,
        "household_id": household, "quantity": 1, "programme_code": programme, "period": "2019-02", "card_hash": card_of(head),
        "name_commitment": os.urandom(32), "card_commitment": os.urandom(32),
    })  # fmt: skip
    await world.approve_list(new)
    await world.pay(new)


@pytest.mark.parametrize(
    ("fund", "programme"), [("donation", "donation_relief"), ("counterpart_aid", "donation_relief")]
)
async def test_what_a_district_received_is_adopted_without_a_floor_and_paid_outside_the_five(
    fund: str, programme: str, api: Api, world: World
) -> None:
    allocation = await received(api, fund)
    await paid_other(world, allocation, 30_000, programme)
    assert await world.balance("paid_other", allocation=allocation) == 30_000
    assert await world.balance("executable", allocation=allocation) == 470_000
    await assert_book_sound(world.service)


@pytest.mark.parametrize(
    ("fund", "programme"), [("party_fee", "party_fee_relief"), ("collective_guide_fund", "party_fee_relief")]
)
async def test_what_the_city_hands_down_goes_the_way_of_every_release(
    fund: str, programme: str, api: Api, world: World
) -> None:
    allocation = await handed_down(api, fund)
    await paid_other(world, allocation, 30_000, programme)
    assert await world.balance("paid_other", allocation=allocation) == 30_000
    await assert_book_sound(world.service)


async def test_special_money_is_never_paid_outside_the_five(world: World) -> None:
    allocation = await world.funded(100_000)
    with pytest.raises(FundledgerError) as caught:
        await paid_other(world, allocation, 30_000, "donation_relief")
    assert {fault.code for fault in caught.value.faults} == {"fund-not-outside-five"}


async def test_no_level_adopts_the_other_ones_money(api: Api, world: World) -> None:
    body = heading(world, fund_code="donation", fiscal_year=2019, amount="1.00")
    assert refused(await api.post("city-maker", f"/v1/books/{CITY}/budget-lines", body)) == {"fund-not-of-this-level"}
    own = heading(world, DISTRICT, fund_code="party_fee", fiscal_year=2019, amount="1.00", functional_class="2130599",
                  economic_class="30306")  # fmt: skip
    assert refused(await api.post("district-maker", f"/v1/books/{DISTRICT}/own-money", own)) == {
        "fund-not-of-this-level"
    }
    leg = Leg(100, allocation_id=new_id(), fund_code="party_fee", fiscal_year=2019, district=DISTRICT)
    with pytest.raises(FundledgerError) as caught:
        await world.post(DISTRICT, await world.draft(DISTRICT, "adopt_own", [leg]))
    assert "fund-not-of-this-level" in {fault.code for fault in caught.value.faults}
