"""What a reviewer found: overlapping periods, an undo in a batch with others, an approval race, new reasons for the same refused call."""

from __future__ import annotations

import asyncio
from datetime import date
from uuid import UUID

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.book.poster import Posting, post_now
from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.builders import CITY, DISTRICT, World, card_of, insert
from tests.databases import Database, connected
from tests.web import Api

OVERLAPS = (
    ("2018-02", "2018-02", True), ("2018-02", "2018-Q1", True), ("2018-Q1", "2018-H1", True), ("2018-H1", "2018", True),
    ("2018-02", "2018-03", False), ("2018-04", "2018-Q1", False), ("2018-Q3", "2018-H1", False), ("2018", "2019", False),
)  # fmt: skip


@pytest.mark.parametrize(("first", "second", "overlaps"), OVERLAPS)
async def test_nobody_is_paid_twice_for_overlapping_periods(
    world: World, first: str, second: str, overlaps: bool
) -> None:
    allocation, project = await world.funded(), await world.project()
    leg = Leg(1_000_000, allocation_id=allocation, project_id=project)
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    people = await world.persons(1)
    await world.pay(await world.list_of(project, allocation, people, period=first))
    if not overlaps:
        await world.list_of(project, allocation, people, period=second)
        return
    with pytest.raises(Exception, match="fundledger refuses"):
        await world.list_of(project, allocation, people, period=second)


async def test_an_undo_is_not_posted_in_one_call_with_others(world: World) -> None:
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    released = await world.release(allocation, 1_000)
    undo = await world.draft(CITY, "reverse", [Leg(1_000, undoes_entry_id=released.entry_id, undoes_line_no=1)])
    more = await world.draft(CITY, "release", [Leg(500, allocation_id=allocation)])
    postings = [
        Posting(CITY, one, world.who("city-approver").staff_id, await world.digest(CITY, one), str(new_id()), bytes(32))
        for one in (undo, more)
    ]
    with pytest.raises(FundledgerError) as refused:
        await post_now(world.service, postings)
    assert {fault.code for fault in refused.value.faults} == {"undo-in-batch"}
    for posting in postings:
        await post_now(world.service, [posting])
    assert await world.balance("executable", allocation=allocation) == 500


async def test_the_same_call_refused_for_new_reasons_is_new_evidence(api: Api, world: World) -> None:
    allocation, project = await world.funded(), await world.project()
    leg = Leg(1_000_000, allocation_id=allocation, project_id=project)
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    people = await world.persons(1)
    made = await world.list_of(project, allocation, people, published=False, final=True)
    path = f"/v1/books/{DISTRICT}/payment-lists/{made}/pay"
    for _ in range(2):
        assert (await api.post("district-payer", path, key="same")).status_code == 409
    await world.notice("payment_list", made, 8_000)
    assert (await api.post("district-payer", path, key="same")).status_code == 409
    rows = await world.service.fetch("SELECT refusal_id FROM refusal")
    repeats = await world.service.fetch("SELECT repeats FROM refusal_count")
    assert (len(rows), [row["repeats"] for row in repeats]) == (2, [1])


async def test_an_approval_waits_for_a_payment_of_the_same_claim(db: Database, world: World) -> None:
    """The list is committed while its approval waits for it: the approval must still meet the payment under way."""
    allocation, first, second = await world.funded(), await world.project(), await world.project()
    legs = [Leg(1_000_000, allocation_id=allocation, project_id=project) for project in (first, second)]
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", legs))
    people = await world.persons(1)
    approved = await world.list_of(first, allocation, people)
    late = await world.draft(DISTRICT, "pay", [Leg(8_000, allocation_id=allocation, project_id=second)], line_count=1)
    async with (
        connected(db.service_url) as lister,
        connected(db.service_url) as payer,
        connected(db.service_url) as other,
    ):
        listing, paying = lister.transaction(), payer.transaction()
        await listing.start()
        await add_list(lister, late, second, people[0])
        digest = await lister.fetchval("SELECT instruction_digest($1, $2)", DISTRICT, late)
        approver = world.who("district-approver").staff_id
        approving = asyncio.create_task(
            other.execute("SELECT gate_approve($1, $2, $3, $4, $5)", DISTRICT, late, digest, approver, new_id())
        )
        await asyncio.sleep(0.3)
        await paying.start()
        person = world.who("district-payer").staff_id
        await post_now(payer, [Posting(DISTRICT, approved, person, None, str(new_id()), bytes(32))])
        await listing.commit()
        await asyncio.sleep(0.3)
        assert not approving.done(), "the approval does not overtake the payment"
        await paying.commit()
        with pytest.raises(asyncpg.PostgresError) as refused:
            await approving
    assert "paid-twice" in str(refused.value.detail)


async def add_list(connection: Connection, instruction_id: UUID, project: UUID, payee: tuple[UUID, UUID]) -> None:
    household, person = payee
    await insert(connection, "payment_list", {
        "book": DISTRICT, "instruction_id": instruction_id, "project_id": project, "programme_code": "labour_subsidy",
        "period": "2019-02", "entitlement_on": date(2019, 2, 1), "payee_kind": "person", "pay_method": "transfer",
        "is_final": False,
    })  # fmt: skip
    await insert(connection, "payment_line", {
        "book": DISTRICT, "instruction_id": instruction_id, "leg_no": 1, "line_no": 1, "amount": 8_000, "payee_id": person,
        "household_id": household, "programme_code": "labour_subsidy", "period": "2019-02", "participation_ref": "出勤表",
        "card_hash": card_of(person), "name_commitment": bytes(32), "card_commitment": bytes(32),
    })  # fmt: skip
