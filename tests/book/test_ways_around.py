"""Ways round the invariants that a review found, tried as the service's role with plain SQL: each is refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from tests.book.payment_case import SUBSIDY, WORKS, Built, Case
from tests.book.test_tendering_rules import code_of, newest, refused
from tests.budget.turn import codes, in_project, moved
from tests.builders import DISTRICT, PLANNED, TODAY, World, card_of, insert

ZERO = UUID(int=1)
"""An id before every other one."""


async def planned(world: World, built: Built, procurement: UUID = ZERO) -> None:
    """Another procurement of the project, that came to nothing, under an id of the caller's choice."""
    row = {
        "book": DISTRICT, "procurement_id": procurement, "version": 1, "project_id": built.project, "method": "open",
        "estimate": 1_000, "stage": "planned", "document_no": "招0号", "recorded_by": built.recorder,
    }  # fmt: skip
    await insert(world.service, "procurement", row)
    await insert(world.service, "procurement", row | {"version": 2, "stage": "terminated"})


async def test_a_procurement_of_a_smaller_id_takes_over_nothing_that_was_paid(world: World) -> None:
    built = await WORKS.build(world)
    assert await built.pay() == set()
    await planned(world, built)
    paid = "SELECT contract_paid($1, $2)"
    assert await world.service.fetchval(paid, DISTRICT, built.procurement) == 1_000_000
    assert await world.service.fetchval(paid, DISTRICT, ZERO) == 0
    again = WORKS.but(line={"procurement_id": built.procurement})
    await again.add_list(built)
    assert await built.pay() == {"contract-exceeded"}


async def test_a_list_that_names_no_contract_is_not_paid_where_the_project_ever_had_two(world: World) -> None:
    built = await WORKS.but(before_list=(lambda built: planned(world, built),)).build(world)
    assert await built.pay() == {"procurement-not-named"}
    named = WORKS.but(line={"procurement_id": built.procurement})
    await named.add_list(built)
    assert await built.pay() == set()


async def test_an_advance_counts_as_outstanding_for_its_own_contract_only(world: World) -> None:
    built = await WORKS.but(kind="advance", amount=360_000, claim=None).build(world)
    assert await built.pay() == set()
    later = await world.tender(built.project, built.person, 1_000_000)
    earned = await world.owner.fetchrow(
        "SELECT * FROM advance_earned($1, $2, $3, $4)", DISTRICT, built.project, later, TODAY
    )
    assert earned is not None
    assert (earned["paid"], earned["earned"]) == (0, 1_000_000)


LONG_AGO = {"tender_period_start": date(1990, 1, 2), "tender_period_end": date(1990, 1, 3)}


async def test_a_day_before_every_threshold_makes_no_tender_unnecessary(world: World) -> None:
    project = await world.project(programme="rural_works", category="infrastructure", exemption=None)
    winner, row = await world.supplier(), await contract_of(world, project)
    await refused(world, "procurement", row | {"awardee_id": winner}, "tender-required", "award-without-bid")
    await refused(world, "procurement", row | {"awardee_id": winner, "method": "single_source"}, "tender-required")
    opened = row | {"method": "open", "stage": "tendering", "contract_no": None, "contract_amount": None, **LONG_AGO}
    await refused(world, "procurement", opened, "bid-window-short")
    long = opened | {"tender_period_end": date(1990, 3, 1)}
    await refused(world, "procurement", long, "bid-window-short")


async def contract_of(world: World, project: UUID) -> dict[str, Any]:
    """A contract of 50 million yuan that was asked around for in 1990."""
    return {
        "book": DISTRICT, "procurement_id": new_id(), "version": 1, "project_id": project, "method": "negotiation",
        "estimate": 5_000_000_000, "contract_no": "合同1号", "contract_amount": 5_000_000_000, "stage": "contracted",
        "signed_on": date(1990, 1, 1), "evidence_sha256": await world.evidence(), "document_no": "招1号",
        "recorded_by": world.who("district-maker").staff_id,
    }  # fmt: skip


async def test_an_award_is_made_after_the_bids_closed_and_a_contract_signed_after_that_and_not_tomorrow(
    world: World,
) -> None:
    built = await WORKS.build(world)
    row = await newest(world, "procurement", "procurement_id", built.procurement)
    tomorrow = await world.service.fetchval("SELECT shanghai_today() + 1")
    for days in (
        {"awarded_on": date(2019, 1, 15)},
        {"signed_on": date(2019, 1, 15)},
        {"awarded_on": date(2019, 3, 2), "signed_on": date(2019, 3, 1)},
        {"signed_on": tomorrow},
        {"tender_period_end": tomorrow},
    ):
        await refused(world, "procurement", row | days, "procurement-dates-order")
    await insert(world.service, "procurement", row | {"awarded_on": date(2019, 2, 1), "signed_on": date(2019, 2, 5)})
    assert await built.pay() == set()


async def test_nothing_is_paid_under_a_contract_before_it_was_signed(world: World) -> None:
    built = await WORKS.build(world)
    row = await newest(world, "procurement", "procurement_id", built.procurement)
    await insert(world.service, "procurement", row | {"signed_on": TODAY + timedelta(days=1)})
    assert await built.pay() == {"contract-not-signed"}


@pytest.mark.parametrize("who", ["auditor", "district-payer", "district-approver", "village-clerk", "nobody"])
async def test_what_payments_rely_on_is_recorded_by_makers_of_the_districts_offices(world: World, who: str) -> None:
    built = await WORKS.build(world)
    person = await recorder(world, who)
    procurement = await newest(world, "procurement", "procurement_id", built.procurement)
    evidence = await world.evidence()
    acceptance = {"book": DISTRICT, "acceptance_id": new_id(), "version": 1, "project_id": built.project, "accepted_on": TODAY,
                  "passed": True, "evidence_sha256": evidence, "document_no": "验1号"}  # fmt: skip
    claim = {"book": DISTRICT, "claim_id": new_id(), "project_id": built.project, "procurement_id": built.procurement,
             "payee_id": built.person, "amount": 1, "progress_percent": 1, "document_no": "报1号"}  # fmt: skip
    change = {"book": DISTRICT, "change_id": new_id(), "procurement_id": built.procurement, "amount": 1, "reason": "x",
              "document_no": "变1号", "evidence_sha256": evidence}  # fmt: skip
    account = {"book": DISTRICT, "holder_id": built.person, "version": 2, "account_hash": bytes(32), "sealed": b"x",
               "document_no": "户1号"}  # fmt: skip
    term = {"book": DISTRICT, "officer_id": new_id(), "name": "某人", "unit_id": world.who("district-maker").unit_id,
            "role": "accountable", "valid_from": TODAY, "document_no": "任1号"}  # fmt: skip
    flag = {"book": DISTRICT, "organisation_id": built.person, "negative_code": "N3", "valid_from": TODAY, "version": 1,
            "flagged": False, "reason": "x", "document_no": "负1号"}  # fmt: skip
    for table, row in (("procurement", procurement), ("acceptance", acceptance), ("reimbursement_claim", claim),
                       ("contract_change", change), ("payee_account", account), ("officer_term", term), ("organisation_flag", flag)):  # fmt: skip
        await refused(world, table, row | {"recorded_by": person}, "maker-without-duty")


async def recorder(world: World, who: str) -> UUID:
    """The person; a clerk of a village committee is hired for it, nobody is nobody."""
    if who == "nobody":
        return new_id()
    if who != "village-clerk":
        return world.who(who).staff_id
    unit, clerk = new_id(), new_id()
    await insert(world.owner, "unit", {"book": DISTRICT, "unit_id": unit, "name": "某村委会", "kind": "village"})
    await insert(world.owner, "staff", {"book": DISTRICT, "staff_id": clerk, "unit_id": unit, "name": who, "duties": ["maker"]})  # fmt: skip
    return clerk


async def test_an_account_is_somebodys_and_its_versions_follow_each_other(world: World) -> None:
    [(_, person)] = await world.persons(1)
    row = {"book": DISTRICT, "holder_id": person, "version": 3, "account_hash": card_of(person), "sealed": b"x",
           "document_no": "卡1号", "recorded_by": world.who("district-maker").staff_id}  # fmt: skip
    await refused(world, "payee_account", row, "version-taken")
    await refused(world, "payee_account", row | {"holder_id": new_id(), "version": 1}, "reference-unknown")
    await insert(world.service, "payee_account", row | {"version": 2})


@pytest.mark.parametrize(
    ("case", "code"), [(WORKS.but(account=False), "account-not-registered"), (SUBSIDY, "card-not-of-payee")]
)
async def test_a_line_without_a_card_goes_to_nobodys_account(world: World, case: Case, code: str) -> None:
    built = await case.but(line={"card_hash": None}).build(world)
    assert await built.pay() == {code}


async def test_a_capital_project_that_is_said_to_have_begun_long_ago_is_not_small(world: World) -> None:
    with pytest.raises(asyncpg.PostgresError) as caught:
        await world.project(
            nature="new_works",
            planned_amount=10_000_000_000,
            planned_start=date(2015, 12, 31),
            sources={"targeted": 10_000_000_000},
        )
    assert code_of(caught.value) == {"project-too-large"}


async def test_a_changed_account_is_confirmed_by_an_approver_of_the_districts_bureaus(world: World) -> None:
    [(_, person)] = await world.persons(1)
    version = await world.new_card(person, bytes(32), confirmed=False)
    row = {"book": DISTRICT, "holder_id": person, "version": version}
    township = world.who("township-approver").staff_id
    await refused(world, "payee_account_confirmation", row | {"confirmed_by": township}, "confirmer-without-duty")
    approver = world.who("poverty-approver").staff_id
    await insert(world.service, "payee_account_confirmation", row | {"confirmed_by": approver})


async def test_reversing_a_defunding_gives_a_project_no_more_than_it_was_planned_with(world: World) -> None:
    half = PLANNED // 2
    allocation = await world.funded(2 * half)
    project = await in_project(world, allocation, half)
    back = await moved(world, "defund", Leg(half, allocation_id=allocation, project_id=project), book=DISTRICT)
    await moved(world, "fund", Leg(half, allocation_id=allocation, project_id=project), book=DISTRICT)
    undo = Leg(half, undoes_entry_id=back.entry_id, undoes_line_no=1)
    assert await codes(world, "reverse", undo, book=DISTRICT) == {"financing-exceeded"}


async def test_reversing_a_defunding_gives_nothing_to_a_project_that_left_the_library(world: World) -> None:
    allocation = await world.funded(10_000)
    project = await in_project(world, allocation, 7_000)
    back = await moved(world, "defund", Leg(7_000, allocation_id=allocation, project_id=project), book=DISTRICT)
    row = await newest(world, "project", "project_id", project)
    who = world.who("poverty-approver")
    await insert(world.service, "project", row | {"status": "left", "reason": "不再实施", "recorded_by": who.staff_id,
                                                  "decided_by_unit_id": who.unit_id})  # fmt: skip
    undo = Leg(7_000, undoes_entry_id=back.entry_id, undoes_line_no=1)
    assert await codes(world, "reverse", undo, book=DISTRICT) == {"project-not-approved"}
