"""Programmes that exclude each other meet at a lock, whatever their periods; and two people for accounts and flags."""

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
from tests.book.attackers import codes_of
from tests.builders import DISTRICT, World, card_of, insert
from tests.databases import Database, connected
from tests.soundness import assert_book_sound

PROGRAMMES = (("housing_repair", "2019-02", 2_000_000), ("relocation", "2018-05", 1_000_000))
"""They exclude each other for ever, so the years of their periods differ here."""


async def both_approved(world: World) -> list[UUID]:
    """One household, approved for both programmes; nothing is paid yet."""
    allocation = await world.funded(10_000_000)
    people = await world.persons(1, programme=None)
    lists = []
    for programme, period, amount in PROGRAMMES:
        project = await world.project(programme=programme, category="housing")
        leg = Leg(2_000_000, allocation_id=allocation, project_id=project)
        await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
        await insert(world.service, "roster_member", {
            "book": DISTRICT, "programme_code": programme, "payee_id": people[0][0], "valid_from": date(2018, 1, 1),
            "version": 1, "action": "enrolled", "document_no": "册1号", "recorded_by": world.who("district-maker").staff_id,
        })  # fmt: skip
        lists.append(await world.list_of(
            project, allocation, people, amount=amount, period=period, programme=programme, payee_kind="household"
        ))  # fmt: skip
    return lists


def payment_of(world: World, pay_list: UUID) -> Posting:
    return Posting(DISTRICT, pay_list, world.who("district-payer").staff_id, None, str(new_id()), bytes(32))


@pytest.mark.parametrize("first", [0, 1])
async def test_of_two_payments_at_once_the_second_sees_the_first(db: Database, world: World, first: int) -> None:
    lists = await both_approved(world)
    async with connected(db.service_url) as one, connected(db.service_url) as two:
        paying = one.transaction()
        await paying.start()
        await post_now(one, [payment_of(world, lists[first])])
        other = asyncio.create_task(post_now(two, [payment_of(world, lists[1 - first])]))
        await asyncio.sleep(0.3)
        assert not other.done(), "the second payment waits for the first"
        await paying.commit()
        with pytest.raises(FundledgerError) as refused:
            await other
    assert codes_of(refused.value) == {"exclusive-programme"}
    await assert_book_sound(world.service)


async def test_of_two_lists_in_one_call_the_second_is_refused(world: World) -> None:
    lists = await both_approved(world)
    with pytest.raises(FundledgerError) as refused:
        await post_now(world.service, [payment_of(world, one) for one in lists])
    assert codes_of(refused.value) == {"exclusive-programme"}
    await world.pay(lists[0])


async def test_a_household_with_one_programme_is_not_approved_for_the_other(world: World) -> None:
    lists = await both_approved(world)
    await world.pay(lists[1])
    with pytest.raises(FundledgerError) as refused:
        await world.pay(lists[0])
    assert codes_of(refused.value) == {"exclusive-programme"}


async def refused_by(connection: Connection, table: str, row: dict[str, object]) -> str:
    with pytest.raises(asyncpg.PostgresError) as caught:
        await insert(connection, table, row)
    return str(getattr(caught.value, "constraint_name", None) or caught.value.sqlstate)


async def test_a_changed_account_is_confirmed_by_another_person_with_the_duty(world: World) -> None:
    ((_, person),) = await world.persons(1)
    version = await world.new_card(person, bytes(32), confirmed=False)
    row = {"book": DISTRICT, "holder_id": person, "version": version}
    own = {**row, "confirmed_by": world.who("district-maker").staff_id}
    assert await refused_by(world.service, "payee_account_confirmation", own) == "payee_account_two_people"
    unfit = {**row, "confirmed_by": world.who("poverty-maker").staff_id}
    assert await refused_by(world.service, "payee_account_confirmation", unfit) == "payee_account_approver"
    sql = "SELECT payee_account_hash($1, $2)"
    assert await world.service.fetchval(sql, DISTRICT, person) == card_of(person)
    fit = {**row, "confirmed_by": world.who("poverty-approver").staff_id}
    await insert(world.service, "payee_account_confirmation", fit)
    assert await world.service.fetchval(sql, DISTRICT, person) == bytes(32)


async def test_the_service_does_not_say_when_an_account_became_known(world: World) -> None:
    ((_, person),) = await world.persons(1)
    row = {"book": DISTRICT, "holder_id": person, "version": 2, "account_hash": bytes(32), "sealed": b"x",
           "document_no": "卡1号", "recorded_by": world.who("district-maker").staff_id, "xid": 3}  # fmt: skip
    assert await refused_by(world.service, "payee_account", row) == "42501"


async def test_whoever_flagged_an_organisation_does_not_lift_the_flag(world: World) -> None:
    made, maker = new_id(), world.who("district-maker").staff_id
    await insert(world.service, "organisation", {
        "book": DISTRICT, "organisation_id": made, "kind": "enterprise", "name": "城投", "credit_code": "91420100000000000X",
        "recorded_by": maker,
    })  # fmt: skip
    row = {"book": DISTRICT, "organisation_id": made, "negative_code": "N10", "valid_from": date(2019, 1, 1), "version": 1,
           "flagged": True, "reason": "部门所属经济实体", "document_no": "负1号", "recorded_by": maker}  # fmt: skip
    await insert(world.service, "organisation_flag", row)
    lifted = {**row, "version": 2, "flagged": False}
    assert await refused_by(world.service, "organisation_flag", lifted) == "organisation_flag_two_people"
    await insert(world.service, "organisation_flag", {**lifted, "recorded_by": world.who("poverty-maker").staff_id})
