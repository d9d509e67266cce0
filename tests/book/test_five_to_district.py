"""Five to the district (五到区), design section 4: each of the five, every way to fail it, and ways to hold it.

A refusal lists exactly the codes of what failed, alone and together; the preview says the same as paying. A code of the
gate that no case raises fails the last test.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fundledger.book.instructions import Leg
from fundledger.book.poster import Posting, post_now
from fundledger.db.migrate import migrations_dir
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book.attackers import bank_returned, codes_of
from tests.book.payment_case import ADVANCE, HOUSING, SUBSIDY, WORKS, Built, Case, Hook
from tests.builders import (
    DISTRICT,
    LEVELS,
    OFFICERS,
    OTHER_DISTRICT,
    PLANNED,
    TODAY,
    VILLAGE,
    World,
    card_of,
    insert,
)
from tests.soundness import assert_book_sound

Change = Callable[[Case], Case]
LIST_CODES = {"payee-unknown", "payee-not-registered", "payee-removed", "payee-deceased", "not-on-roster", "roster-struck-off",
              "paid-twice", "above-standard", "not-paid-in-full", "participation-missing", "line-of-another-list", "reissue-unknown",
              "reissue-of-another-payee", "reissue-not-returned", "reissued-already", "reissue-amount-differs",
              "reissue-from-other-money", "reissue-not-named", "card-not-registered",
              "card-not-of-payee", "account-not-registered", "account-not-of-payee", "exclusive-programme"}  # fmt: skip
"""What is a fault of a line: found when the list is approved, and again when it is paid if something changed since."""


async def removed(built: Built) -> None:
    await built.status(built.household, "removed")


async def deceased(built: Built) -> None:
    await built.status(built.household, "deceased")


async def person_deceased(built: Built) -> None:
    await built.status(built.person, "deceased")


async def struck_off(built: Built) -> None:
    await built.roster("struck_off")


async def suspended(built: Built) -> None:
    await built.suspended()


async def targetless(built: Built) -> None:
    await built.as_of_the_first_schema(performance_target="")


async def without_indicators(built: Built) -> None:
    await built.as_of_the_first_schema(proposed_version=None)


async def in_town(built: Built) -> None:
    await built.changed(location_kind="urban")


async def large_works(built: Built) -> None:
    await built.as_of_the_first_schema(nature="new_works")


async def dearer(built: Built) -> None:
    await built.changed(planned_amount=110_000_000)


async def dearer_and_published(built: Built) -> None:
    await built.changed(planned_amount=110_000_000)
    for level in LEVELS:
        await built.world.notice("project", built.project, 110_000_000, level=level)


async def project_objected(built: Built) -> None:
    await built.objection(built.project)


async def project_objection_upheld(built: Built) -> None:
    await built.objection(built.project, UPHELD)


async def project_objection_mended(built: Built) -> None:
    await built.objection(built.project, UPHELD, MENDED)


async def list_objected(built: Built) -> None:
    await built.objection(built.pay_list)


async def list_objection_rejected(built: Built) -> None:
    await built.objection(built.pay_list, REJECTED)


UPHELD = {"state": "answered", "finding": "upheld"}
REJECTED = {"state": "answered", "finding": "rejected"}
MENDED = {"state": "mended", "finding": "upheld"}


async def moved_away(built: Built) -> None:
    await built.changed(village_code=VILLAGE)


async def other_programme(built: Built) -> None:
    await built.changed(programme_code="education_aid", category="education")


async def paid_before(built: Built) -> None:
    world = built.world
    earlier = await world.list_of(built.project, built.allocation, [(built.household, built.person)], amount=1_000)
    await world.pay(earlier)


async def came_back(built: Built, amount: int = 8_000, *, posted: bool = True, project: UUID | None = None) -> UUID:
    """A payment to the payee, returned whole (and posted back); the list names it from now on. Returns its entry."""
    world, where = built.world, project or built.project
    payees = [(built.household, built.person)]
    again = built.case.line
    earlier = await world.list_of(
        where, built.allocation, payees, amount=amount,
        reissues=(again["reissues_entry_id"], again["reissues_line_no"]) if "reissues_entry_id" in again else None,
    )  # fmt: skip
    entry = (await world.pay(earlier)).entry_id
    await bank_returned(world, entry, 1)
    leg = Leg(amount, undoes_entry_id=entry, undoes_line_no=1)
    if posted:
        await world.post(DISTRICT, await world.draft(DISTRICT, "return", [leg]))
    built.case.line.update(reissues_entry_id=entry, reissues_line_no=1)
    return entry


async def still_at_the_bank(built: Built) -> None:
    await came_back(built, posted=False)


async def less_came_back(built: Built) -> None:
    await came_back(built, 1_000)


async def came_back_twice(built: Built) -> None:
    """The re-issue came back too; the list names the re-issue."""
    await came_back(built)
    await came_back(built)


async def first_named_again(built: Built) -> None:
    """The re-issue came back too, and the list names the first payment."""
    first = await came_back(built)
    await came_back(built)
    built.case.line["reissues_entry_id"] = first


async def paid_again_already(built: Built) -> None:
    await came_back(built)
    line, payees = built.case.line, [(built.household, built.person)]
    named = (line["reissues_entry_id"], line["reissues_line_no"])
    await built.world.pay(await built.world.list_of(built.project, built.allocation, payees, reissues=named))


async def not_named(built: Built) -> None:
    await came_back(built)
    built.case.line.update(reissues_entry_id=None, reissues_line_no=None)


async def elsewhere(built: Built) -> UUID:
    """Another project with money of the same allocation."""
    project = await built.world.project()
    leg = Leg(1_000_000, allocation_id=await built.world.funded(1_000_000), project_id=project)
    await built.world.post(DISTRICT, await built.world.draft(DISTRICT, "fund", [leg]))
    built.allocation, home = leg.allocation_id or new_id(), built.allocation
    try:
        await came_back(built, project=project)
    finally:
        built.allocation = home
    return project


async def came_back_elsewhere(built: Built) -> None:
    await elsewhere(built)


async def somebody_elses(built: Built) -> None:
    """What another person was paid, and got back."""
    mine = built.household, built.person
    built.household, built.person = (await built.world.persons(1))[0]
    await came_back(built)
    built.household, built.person = mine


async def wrong_in_every_way(built: Built) -> None:
    """Another person's payment from another project, of another sum."""
    mine = built.household, built.person
    built.household, built.person = (await built.world.persons(1))[0]
    await elsewhere(built)
    built.household, built.person = mine


async def failed_acceptance(built: Built) -> None:
    await built.accepted(passed=False)


async def late_acceptance(built: Built) -> None:
    await built.accepted(accepted_on=date(2019, 3, 2))


async def revoked_acceptance(built: Built) -> None:
    acceptance = new_id()
    await built.accepted(acceptance_id=acceptance)
    await built.accepted(acceptance_id=acceptance, version=2, passed=False)


async def terms_ended(built: Built) -> None:
    for role in ("accountable", "supervising"):
        await insert(built.world.service, "officer_term", {
            "book": DISTRICT, "officer_id": built.world.officers[DISTRICT, role], "name": OFFICERS[role], "role": role, "version": 2,
            "unit_id": built.world.who("district-maker").unit_id, "valid_from": date(2018, 1, 1), "valid_to": date(2019, 2, 28),
            "document_no": "免1号", "recorded_by": built.recorder,
        })  # fmt: skip


async def term_version(built: Built, role: str, **fields: Any) -> None:
    await insert(built.world.service, "officer_term", {
        "book": DISTRICT, "officer_id": built.world.officers[DISTRICT, role], "name": OFFICERS[role], "role": role, "version": 2,
        "unit_id": built.world.who("district-maker").unit_id, "valid_from": date(2018, 1, 1), "document_no": "更1号",
        "recorded_by": built.recorder, **fields,
    })  # fmt: skip


async def one_name(built: Built) -> None:
    await term_version(built, "supervising", name=OFFICERS["accountable"])


async def one_person(built: Built) -> None:
    for role in OFFICERS:
        await term_version(built, role, person_no="鄂A-7")


async def two_people_of_one_name(built: Built) -> None:
    for role in OFFICERS:
        await term_version(built, role, name="张伟", person_no=f"鄂A-{role}")


async def list_of_another_project(built: Built) -> None:
    built.case.line["project"] = await built.world.project()


async def unsigned_exemption(built: Built) -> None:
    await built.procurement_version(evidence_sha256=None)


async def dearer_contract(built: Built) -> None:
    await built.world.contract_change(built.procurement, 500_000)


async def dearer_contract_nobody_approved(built: Built) -> None:
    await built.world.contract_change(built.procurement, 500_000, decision=None)


async def dearer_contract_refused(built: Built) -> None:
    await built.world.contract_change(built.procurement, 500_000, decision="rejected")


async def advanced_before(built: Built) -> None:
    await built.case.but(amount=1_000, effective_on=TODAY).add_list(built)
    await built.world.approve_list(built.pay_list)
    await built.world.pay(built.pay_list)


async def to_somebody_else(built: Built) -> None:
    built.case.line["payee_id"] = await built.world.supplier()


async def second_contract(built: Built) -> None:
    await built.world.tender(built.project, built.person, 100_000)


async def named(built: Built) -> None:
    built.case.line["procurement_id"] = built.procurement


async def of_another_project(built: Built) -> None:
    other = await built.world.project()
    built.case.line["procurement_id"] = await built.world.service.fetchval(
        "SELECT procurement_id FROM procurement WHERE project_id = $1", other
    )


async def terminated(built: Built) -> None:
    await built.procurement_version(stage="terminated")


async def second_lot(built: Built) -> None:
    """The other half of the road, in another project; it is tendered, the first half was given to somebody."""
    other = await built.world.project(programme="rural_works", category="infrastructure", exemption=None)
    await built.world.tender(other, await built.world.supplier(), 250_000_000, lot_group="环湖路")


async def bid_struck_out(built: Built) -> None:
    """Behind the trigger: after an award nobody can."""
    await built.world.owner.execute("ALTER TABLE bid DISABLE TRIGGER bid_check")
    await built.world.service.execute(
        "INSERT INTO bid (book, bid_id, version, procurement_id, bidder_id, price, received_on, status, reason, evidence_sha256, "
        "document_no, recorded_by) SELECT book, bid_id, 2, procurement_id, bidder_id, price, received_on, 'disqualified', '资质过期', "
        "evidence_sha256, document_no, recorded_by FROM bid WHERE procurement_id = $1 AND bidder_id = $2",
        built.procurement, built.person,
    )  # fmt: skip


async def claim_of_another(built: Built) -> None:
    other = await built.world.project(programme="rural_works", category="infrastructure", exemption=None)
    procurement = await built.world.tender(other, built.person, 1_000_000)
    built.case.line["claim_id"] = await built.world.claim(other, procurement, built.person, 1_000_000)


async def claim_of_nobody(built: Built) -> None:
    built.case.line["claim_id"] = new_id()


async def other_contract_accepted(built: Built) -> None:
    """Another contract of the project is done; the one that is paid here is named."""
    other = await built.world.tender(built.project, await built.world.supplier(), 100_000)
    await built.accepted(procurement_id=other)
    built.case.line["procurement_id"] = built.procurement


async def this_contract_accepted(built: Built) -> None:
    await built.accepted(procurement_id=built.procurement)


def accepted_for(amount: int) -> Callable[[Built], Awaitable[None]]:
    """The contract's final acceptance, which says what its work is worth (审定金额)."""

    async def accept(built: Built) -> None:
        await built.accepted(procurement_id=built.procurement, amount_accepted=amount)

    return accept


async def accepted_long_ago(built: Built) -> None:
    await built.accepted(accepted_on=date(2018, 2, 1))


HALF_A_ROAD = WORKS.but(
    procurement={"contract_amount": 250_000_000, "method": "single_source", "lot_group": "环湖路"},
    before_list=[second_lot],
)
"""Given to a firm without a tender: 2.5 million yuan, and another 2.5 million for the rest of the same road."""
SELF_BUILT = WORKS.but(
    procurement={
        "contract_amount": None,
        "method": "exempt",
        "exemption_code": "village_self_build",
        "estimate": 1_000_000,
    }
)


async def card_changed_alone(built: Built) -> None:
    await built.world.new_card(built.person, card_of(built.household), confirmed=False)


async def card_changed(built: Built) -> None:
    await built.world.new_card(built.person, card_of(built.household))


async def supplier_changed_alone(built: Built) -> None:
    await built.world.new_card(built.person, bytes(32), confirmed=False)


async def flagged(built: Built) -> None:
    await flag(built, "N5")


async def flagged_later(built: Built) -> None:
    await flag(built, "N9", since=date(2019, 3, 2))


async def flag_lifted(built: Built) -> None:
    await flag(built, "N10")
    await flag(built, "N10", since=date(2019, 2, 1), flagged=False, by="poverty-maker")


async def flag(
    built: Built, code: str, *, since: date = date(2019, 1, 1), flagged: bool = True, by: str = "district-maker"
) -> None:
    await insert(built.world.service, "organisation_flag", {
        "book": DISTRICT, "organisation_id": built.person, "negative_code": code, "valid_from": since, "version": 1,
        "flagged": flagged, "reason": "国库账户", "document_no": "负1号", "recorded_by": built.world.who(by).staff_id,
    })  # fmt: skip


async def pay_programme(
    built: Built, programme: str, kind: str, category: str, period: str = "2019-02", amount: int = 1_000
) -> UUID:
    """The household (or its head) is paid a grant of another programme; its entry."""
    world = built.world
    project = await world.project(programme=programme, category=category)
    allocation = await world.funded(100_000)
    leg = Leg(100_000, allocation_id=allocation, project_id=project)
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    payee = built.household if kind == "household" else built.person
    await insert(world.service, "roster_member", {
        "book": DISTRICT, "programme_code": programme, "payee_id": payee, "valid_from": date(2018, 1, 1), "version": 1,
        "action": "enrolled", "document_no": "册3号", "recorded_by": built.recorder,
    })  # fmt: skip
    pay_list = await world.list_of(project, allocation, [(built.household, built.person)], amount=amount, period=period,
                                   programme=programme, payee_kind=kind)  # fmt: skip
    return (await world.pay(pay_list)).entry_id


async def relocated(built: Built) -> None:
    await pay_programme(built, "relocation", "household", "housing", period="2018-05")


async def relocated_and_returned(built: Built) -> None:
    entry = await pay_programme(built, "relocation", "household", "housing", period="2018-05")
    await bank_returned(built.world, entry, 1)
    back = [Leg(1_000, undoes_entry_id=entry, undoes_line_no=1)]
    await built.world.post(DISTRICT, await built.world.draft(DISTRICT, "return", back))


async def destitute(built: Built) -> None:
    await pay_programme(built, "destitute_support", "person", "minimum_living", period="2019-Q1")


async def destitute_last_year(built: Built) -> None:
    await pay_programme(built, "destitute_support", "person", "minimum_living", period="2018-02")


async def member_with_card(built: Built) -> None:
    """A member of the household, whose card the line names (`MEMBER`)."""
    member = new_id()
    await insert(built.world.service, "person", {
        "book": DISTRICT, "person_id": member, "household_id": built.household, "is_head": False, "sealed": b"x",
        "identity_hash": os.urandom(32), "name_hash": os.urandom(32), "recorded_by": built.recorder,
    })  # fmt: skip
    await built.world.new_card(member, MEMBER)


async def no_card(built: Built) -> None:
    """Another household in the payee's place, of whose head no card is known."""
    built.household, built.person = new_id(), new_id()
    await insert(built.world.service, "household", {
        "book": DISTRICT, "household_id": built.household, "household_no": str(built.household), "village_code": VILLAGE,
        "recorded_by": built.recorder,
    })  # fmt: skip
    await insert(built.world.service, "person", {
        "book": DISTRICT, "person_id": built.person, "household_id": built.household, "is_head": True, "sealed": b"x",
        "identity_hash": os.urandom(32), "name_hash": os.urandom(32), "recorded_by": built.recorder,
    })  # fmt: skip
    await built.status(built.household, "registered")
    await built.roster("enrolled")


MEMBER = os.urandom(32)
DIBAO = HOUSING.but(programme="dibao_topup", category="minimum_living", amount=12_000)

WAYS_TO_FAIL: dict[str, tuple[str, Case, Change, set[str]]] = {
    # 资金到区
    "vehicles": ("funds", SUBSIDY, lambda c: c.but(economic_class="31013"), {"negative-list"}),
    "bonuses": ("funds", SUBSIDY, lambda c: c.but(economic_class="30102"), {"negative-list"}),
    "next year's money": ("funds", SUBSIDY, lambda c: c.but(fund_year=2020), {"year-not-begun", "balance-insufficient"}),
    "money of another village": ("funds", SUBSIDY, lambda c: c.but(money_of="420117001999", before_list=[moved_away]),
                                 {"money-of-another-village"}),
    "more than there is": ("funds", SUBSIDY, lambda c: c.but(funded=7_999), {"balance-insufficient"}),
    "before the money came": ("funds", SUBSIDY, lambda c: c.but(funded_on=date(2019, 3, 2)), {"balance-insufficient-on-day"}),
    "households in a programme of persons": ("funds", SUBSIDY, lambda c: c.but(payee_kind="household"), {"programme-payee-kind"}),
    "nobody's payee": ("funds", SUBSIDY, lambda c: c.but(line={"payee_id": new_id()}), {"payee-unknown", "not-on-roster"}),
    "not registered": ("funds", SUBSIDY, lambda c: c.but(registered=False), {"payee-not-registered"}),
    "removed": ("funds", SUBSIDY, lambda c: c.but(before_list=[removed]), {"payee-removed"}),
    "deceased household": ("funds", SUBSIDY, lambda c: c.but(before_list=[deceased]), {"payee-deceased"}),
    "deceased person": ("funds", SUBSIDY, lambda c: c.but(before_list=[person_deceased]), {"payee-deceased"}),
    "not on the roster": ("funds", SUBSIDY, lambda c: c.but(enrolled=False), {"not-on-roster"}),
    "struck off": ("funds", SUBSIDY, lambda c: c.but(before_list=[struck_off]), {"roster-struck-off"}),
    "paid twice": ("funds", SUBSIDY, lambda c: c.but(before_list=[paid_before]), {"paid-twice"}),
    "above the standard": ("funds", SUBSIDY, lambda c: c.but(amount=8_001), {"above-standard"}),
    "below what the house costs": ("funds", HOUSING, lambda c: c.but(amount=1_999_999), {"not-paid-in-full"}),
    "no part taken": ("funds", SUBSIDY, lambda c: c.but(line={"participation_ref": None}), {"participation-missing"}),
    "money of a past year": ("funds", SUBSIDY, lambda c: c.but(leg={"exec_year": 2018}), {"past-year-money", "balance-insufficient"}),
    "a card of somebody else": ("funds", SUBSIDY, lambda c: c.but(line={"card_hash": bytes(32)}), {"card-not-of-payee"}),
    "no card at all": ("funds", SUBSIDY, lambda c: c.but(line={"card_hash": None}), {"card-not-of-payee"}),
    "a new card that one person recorded": ("funds", SUBSIDY, lambda c: c.but(
        before_list=[card_changed_alone], line={"card_hash": "the household's"}), {"card-not-of-payee"}),
    "the old card after a confirmed change": ("funds", SUBSIDY, lambda c: c.but(before_list=[card_changed]), {"card-not-of-payee"}),
    "a member's card without a document": ("funds", HOUSING, lambda c: c.but(
        before_list=[member_with_card], line={"card_hash": MEMBER}), {"card-not-of-payee"}),
    "a stranger's card with a document": ("funds", HOUSING, lambda c: c.but(
        line={"card_hash": bytes(32), "exception_document_no": "特1号"}), {"card-not-of-payee"}),
    "no registered card": ("funds", SUBSIDY, lambda c: c.but(before_list=[no_card]), {"card-not-registered"}),
    "no registered account": ("funds", WORKS, lambda c: c.but(account=False), {"account-not-registered"}),
    "another account than the firm's": ("funds", WORKS, lambda c: c.but(line={"card_hash": MEMBER}), {"account-not-of-payee"}),
    "a firm's account that one person changed": ("funds", WORKS, lambda c: c.but(
        before_list=[supplier_changed_alone], line={"card_hash": bytes(32)}), {"account-not-of-payee"}),
    "a treasury account": ("funds", WORKS, lambda c: c.but(before_list=[flagged]), {"negative-list-payee"}),
    "entitled before the period": ("funds", SUBSIDY, lambda c: c.but(entitlement_on=date(2019, 1, 31)), {"entitlement-outside-period"}),
    "entitled after the period": ("funds", SUBSIDY, lambda c: c.but(entitlement_on=date(2019, 3, 1)), {"entitlement-outside-period"}),
    "entitled in the same month of another year": ("funds", SUBSIDY, lambda c: c.but(entitlement_on=date(2018, 2, 1)),
                                                   {"entitlement-outside-period"}),
    "entitled after the day of payment": ("funds", SUBSIDY, lambda c: c.but(period="2019", entitlement_on=date(2019, 3, 2)),
                                          {"entitlement-outside-period"}),
    "a house after a relocation": ("funds", HOUSING, lambda c: c.but(before_list=[relocated]), {"exclusive-programme"}),
    "dibao beside support of the destitute": ("funds", DIBAO, lambda c: c.but(before_list=[destitute]), {"exclusive-programme"}),
    "a line of another period": ("funds", SUBSIDY, lambda c: c.but(line={"period": "2019-01"}), {"line-of-another-list"}),
    "again what nobody paid": ("funds", SUBSIDY, lambda c: c.but(line={"reissues_entry_id": new_id(), "reissues_line_no": 1}),
                               {"reissue-unknown"}),
    "again what another person was paid": ("funds", SUBSIDY, lambda c: c.but(line={}, before_list=[somebody_elses]), {"reissue-of-another-payee"}),
    "again before the return is posted": ("funds", SUBSIDY, lambda c: c.but(line={}, before_list=[still_at_the_bank]),
                                          {"reissue-not-returned", "paid-twice"}),
    "again, and more than came back": ("funds", SUBSIDY, lambda c: c.but(line={}, before_list=[less_came_back]), {"reissue-amount-differs"}),
    "again a second time": ("funds", SUBSIDY, lambda c: c.but(line={}, before_list=[paid_again_already]), {"reissued-already", "paid-twice"}),
    "again by naming the first payment twice": ("funds", SUBSIDY, lambda c: c.but(line={}, before_list=[first_named_again]), {"reissued-already"}),
    "again from another project": ("funds", SUBSIDY, lambda c: c.but(line={}, before_list=[came_back_elsewhere]), {"reissue-from-other-money"}),
    "again without saying so": ("funds", SUBSIDY, lambda c: c.but(line={}, before_list=[not_named]), {"reissue-not-named"}),
    "again, wrong in every way": ("funds", SUBSIDY, lambda c: c.but(line={}, amount=7_999, before_list=[wrong_in_every_way]),
                                  {"reissue-of-another-payee", "reissue-amount-differs", "reissue-from-other-money"}),
    "an advance to a person": ("funds", SUBSIDY, lambda c: c.but(kind="advance", procurement={"estimate": 100_000}), {"advance-not-to-organisation"}),
    "an advance that another answers for": ("funds", ADVANCE, lambda c: c.but(leg={"payee_id": new_id()}), {"advance-payee-differs"}),
    "advanced beyond the limit": ("funds", ADVANCE, lambda c: c.but(amount=360_001), {"advance-above-limit"}),
    "other money in a programme of donations": ("funds", SUBSIDY, lambda c: c.but(
        programme="donation_relief", category="donation", payee_kind="household", procurement={"exemption_code": "below_threshold"}),
                                                {"programme-outside-five"}),
    # 项目到区
    "a project of nobody": ("projects", SUBSIDY, lambda c: c.but(line={"project": new_id()}),
                            {"project-not-in-library", "leg-of-another-project", "procurement-missing"}),
    "another project than the money's": ("projects", SUBSIDY, lambda c: c.but(before_list=[list_of_another_project], line={}),
                                         {"leg-of-another-project"}),
    "suspended": ("projects", SUBSIDY, lambda c: c.but(before_list=[suspended]), {"project-not-approved"}),
    "without a target": ("projects", SUBSIDY, lambda c: c.but(before_list=[targetless]), {"project-without-target"}),
    "of another programme": ("projects", SUBSIDY, lambda c: c.but(before_list=[other_programme]), {"project-of-another-programme"}),
    "never published": ("projects", SUBSIDY, lambda c: c.but(project_notice=None), {"project-not-published"}),
    "published for nine days": ("projects", SUBSIDY, lambda c: c.but(project_notice=(date(2019, 2, 1), date(2019, 2, 9))),
                                {"project-not-published"}),
    "published since eight days": ("projects", SUBSIDY, lambda c: c.but(project_notice=(date(2019, 2, 22), date(2019, 3, 30))),
                                   {"project-not-published"}),
    "without indicators": ("projects", SUBSIDY, lambda c: c.but(before_list=[without_indicators]), {"project-without-target"}),
    "in a town": ("projects", SUBSIDY, lambda c: c.but(before_list=[in_town]), {"project-urban"}),
    "large works": ("projects", SUBSIDY, lambda c: c.but(project={"planned_amount": 3_000_000_000}, before_list=[large_works]),
                    {"project-too-large"}),
    "not published in the village": ("projects", SUBSIDY, lambda c: c.but(
        project={"village_code": VILLAGE}, project_levels=("township", "district")), {"project-not-published"}),
    "not published in the township": ("projects", SUBSIDY, lambda c: c.but(
        project={"village_code": VILLAGE}, project_levels=("village", "district")), {"project-not-published"}),
    "not published by the district": ("projects", SUBSIDY, lambda c: c.but(project_levels=("village", "township")), {"project-not-published"}),
    "published before it became dearer": ("projects", SUBSIDY, lambda c: c.but(before_list=[dearer]), {"published-amount-differs"}),
    "somebody objects to the project": ("projects", SUBSIDY, lambda c: c.but(before_list=[project_objected]), {"objection-open"}),
    "somebody objected to the project and was right": ("projects", SUBSIDY, lambda c: c.but(before_list=[project_objection_upheld]),
                                                       {"objection-open"}),
    # 招投标到区
    "no tender": ("tendering", SUBSIDY, lambda c: c.but(procurement=None), {"procurement-missing"}),
    "an exemption for another kind of project": ("tendering", SUBSIDY, lambda c: c.but(procurement={"exemption_code": "village_self_build"}),
                                                 {"exemption-not-allowed"}),
    "an exemption beyond its limit": ("tendering", SUBSIDY, lambda c: c.but(
        procurement={"exemption_code": "below_threshold", "estimate": 400_000_001}), {"exemption-limit-exceeded"}),
    "an exemption without evidence": ("tendering", SUBSIDY, lambda c: c.but(before_list=[unsigned_exemption]), {"exemption-without-evidence"}),
    "beyond the contract": ("tendering", WORKS, lambda c: c.but(amount=1_200_001), {"contract-exceeded"}),
    "another firm than the winner": ("tendering", WORKS, lambda c: c.but(before_list=[to_somebody_else], line={}), {"payee-not-awardee"}),
    "beyond the contract, its change not decided": ("tendering", WORKS, lambda c: c.but(
        amount=1_400_000, before_list=[dearer_contract_nobody_approved]), {"contract-exceeded"}),
    "beyond the contract, its change refused": ("tendering", WORKS, lambda c: c.but(amount=1_400_000, before_list=[dearer_contract_refused]),
                                                {"contract-exceeded"}),
    "one of two contracts": ("tendering", WORKS, lambda c: c.but(before_list=[second_contract]), {"procurement-not-named"}),
    "a contract of another project": ("tendering", SUBSIDY, lambda c: c.but(before_list=[of_another_project], line={}),
                                      {"procurement-of-another-project"}),
    "a contract that was ended": ("tendering", WORKS, lambda c: c.but(before_list=[terminated]), {"contract-not-signed"}),
    "lots that should have been tendered together": ("tendering", HALF_A_ROAD, lambda c: c, {"tender-required"}),
    "an exemption for lots too large together": ("tendering", SELF_BUILT, lambda c: c.but(
        procurement={"exemption_code": "below_threshold", "lot_group": "环湖路", "estimate": 200_000_000}, before_list=[second_lot]),
        {"exemption-limit-exceeded"}),
    "a winner whose bid was struck out": ("tendering", WORKS, lambda c: c.but(before_list=[bid_struck_out]), {"award-without-bid"}),
    # 管理到区
    "no managing unit": ("management", SUBSIDY, lambda c: c.but(project={"managing_unit_id": None}), {"managing-unit-missing"}),
    "the contract filled without acceptance": ("management", WORKS, lambda c: c.but(amount=1_200_000), {"acceptance-missing"}),
    "final without acceptance": ("management", WORKS, lambda c: c.but(final=True), {"acceptance-missing"}),
    "final after a failed acceptance": ("management", WORKS, lambda c: c.but(final=True, before_list=[failed_acceptance]), {"acceptance-missing"}),
    "final before the acceptance": ("management", WORKS, lambda c: c.but(final=True, before_list=[late_acceptance]), {"acceptance-missing"}),
    "final after a revoked acceptance": ("management", WORKS, lambda c: c.but(final=True, before_list=[revoked_acceptance]), {"acceptance-missing"}),
    "final after the acceptance of another contract": ("management", WORKS, lambda c: c.but(
        final=True, line={}, before_list=[other_contract_accepted]), {"acceptance-missing"}),
    "the last to a household after another contract": ("management", SUBSIDY, lambda c: c.but(
        final=True, line={}, before_list=[other_contract_accepted]), {"acceptance-missing"}),
    "more than the amount accepted": ("management", WORKS, lambda c: c.but(before_list=[accepted_for(999_999)]), {"ahead-of-progress"}),
    "the retention of the amount accepted": ("management", WORKS, lambda c: c.but(
        retention=3, amount=970_001, before_list=[accepted_for(1_000_000)]), {"retention-held"}),
    "half done, nearly all paid": ("management", WORKS, lambda c: c.but(progress=50), {"ahead-of-progress"}),
    "nothing accepted yet": ("management", WORKS, lambda c: c.but(progress=None), {"ahead-of-progress"}),
    "more than the village's estimate": ("management", SELF_BUILT, lambda c: c.but(amount=1_000_001), {"ahead-of-progress"}),
    "the retention with the rest": ("management", WORKS, lambda c: c.but(retention=3, amount=1_164_001), {"retention-held"}),
    "the retention before its time": ("management", WORKS, lambda c: c.but(retention=3, amount=1_200_000, final=True, before_list=[accepted]),
                                      {"retention-held"}),
    "no claim": ("management", WORKS, lambda c: c.but(claim=None), {"claim-missing"}),
    "a claim of nobody": ("management", WORKS, lambda c: c.but(before_list=[claim_of_nobody], line={}), {"claim-missing"}),
    "a claim nobody looked at": ("management", WORKS, lambda c: c.but(claim="waiting"), {"claim-not-reviewed"}),
    "a claim sent back": ("management", WORKS, lambda c: c.but(claim="rejected"), {"claim-not-reviewed"}),
    "a claim for another road": ("management", WORKS, lambda c: c.but(before_list=[claim_of_another], line={}), {"claim-of-another-payment"}),
    "more than was claimed": ("management", WORKS, lambda c: c.but(claimed=999_999), {"claim-exceeded"}),
    "a list that nobody saw": ("management", SUBSIDY, lambda c: c.but(list_notice=None), {"list-not-published"}),
    "a list seen for six days": ("management", SUBSIDY, lambda c: c.but(list_notice=(date(2019, 2, 10), date(2019, 2, 15))), {"list-not-published"}),
    "a list seen for seven days with a weekend": ("management", SUBSIDY, lambda c: c.but(list_notice=(date(2019, 2, 11), date(2019, 2, 17))),
                                                  {"list-not-published"}),
    "somebody objects to the list": ("management", SUBSIDY, lambda c: c.but(before_approval=[list_objected]), {"objection-open"}),
    "a list seen with other amounts": ("management", SUBSIDY, lambda c: c.but(published=7_999), {"published-amount-differs"}),
    "advanced to a debtor": ("management", ADVANCE, lambda c: c.but(amount=300_000, effective_on=date(2019, 8, 29), before_list=[advanced_before]),
                             {"advance-overdue"}),
    # 责任到区
    "no supervisor": ("responsibility", SUBSIDY, lambda c: c.but(header={"supervisor_id": None}), {"supervisor-not-in-office"}),
    "officers of nobody": ("responsibility", SUBSIDY, lambda c: c.but(header={"officer_id": new_id(), "supervisor_id": new_id()}),
                           {"officer-not-in-office", "supervisor-not-in-office"}),
    "one name in both offices": ("responsibility", SUBSIDY, lambda c: c.but(before_list=[one_name]), {"officers-not-distinct"}),
    "one person in both offices": ("responsibility", SUBSIDY, lambda c: c.but(before_list=[one_person]), {"officers-not-distinct"}),
    "officers who left": ("responsibility", SUBSIDY, lambda c: c.but(before_list=[terms_ended]), {"officer-not-in-office", "supervisor-not-in-office"}),
}  # fmt: skip


async def refusals_of(world: World, case: Case, expected: set[str]) -> None:
    """The case is refused with exactly these codes by the preview and by paying, and not paid."""
    built = await case.build(world)
    assert await built.preview() == expected
    at_approval = expected & LIST_CODES
    assert await built.pay() == (at_approval or expected)
    assert await world.service.fetchval("SELECT count(*) FROM entry WHERE instruction_id = $1", built.pay_list) == 0


@pytest.mark.parametrize("name", WAYS_TO_FAIL)
async def test_one_failure_is_refused_with_exactly_its_codes(name: str, world: World) -> None:
    _, base, change, expected = WAYS_TO_FAIL[name]
    await refusals_of(world, change(base), expected)


MIXABLE = [name for name, (_, base, _, expected) in WAYS_TO_FAIL.items() if base is SUBSIDY and len(expected) == 1]
BILLS = [
    name
    for name, (dimension, base, _, _) in WAYS_TO_FAIL.items()
    if base is WORKS and dimension == "management" and "amount" not in name and name not in (
        "final after a failed acceptance", "final before the acceptance", "final after a revoked acceptance",
        "final after the acceptance of another contract", "the contract filled without acceptance", "the retention with the rest", "the retention before its time",
    )
]  # fmt: skip
"""Ways to fail a bill that leave its amount as it is."""
ALONE = {
    "money of another village",
    "a list that nobody saw",
    "somebody objects to the list",
    "households in a programme of persons",
    "before the money came",
    "paid twice",
    "another project than the money's",
    "the last to a household after another contract",
    *(name for name in MIXABLE if name.startswith("again") and name != "again what nobody paid"),
}
"""Failures that change what other failures mean."""


@pytest.mark.parametrize("seed", range(12))
async def test_failures_together_are_refused_with_all_their_codes(seed: int, world: World) -> None:
    by_dimension: dict[str, list[str]] = {}
    for name in MIXABLE:
        if name not in ALONE:
            by_dimension.setdefault(WAYS_TO_FAIL[name][0], []).append(name)
    draw = random.Random(seed)
    chosen = [
        draw.choice(by_dimension[dimension]) for dimension in draw.sample(sorted(by_dimension), draw.randint(2, 5))
    ]
    expected = set().union(*(WAYS_TO_FAIL[name][3] for name in chosen))
    await refusals_of(world, SUBSIDY.spoil(*(WAYS_TO_FAIL[name][2] for name in chosen)), expected)


@pytest.mark.parametrize("seed", range(6))
async def test_failures_of_a_bill_together_are_refused_with_all_their_codes(seed: int, world: World) -> None:
    draw = random.Random(seed)
    claims = [name for name in BILLS if "claim" in name]
    works = [name for name in BILLS if "accept" in name or "done" in name]
    chosen = [
        draw.choice(claims),
        draw.choice(works),
        draw.choice(["a winner whose bid was struck out", "another firm than the winner"]),
    ]
    expected = set().union(*(WAYS_TO_FAIL[name][3] for name in chosen)) | {"project-not-approved", "negative-list"}
    case = WORKS.spoil(*(WAYS_TO_FAIL[name][2] for name in chosen)).but(before_list=[suspended], economic_class="31013")
    await refusals_of(world, case, expected)


AFTER_APPROVAL = {
    "removed": ([removed], {"payee-removed"}), "deceased": ([person_deceased], {"payee-deceased"}),
    "struck off": ([struck_off], {"roster-struck-off"}), "paid elsewhere": ([paid_before], {"paid-twice"}),
    "card changed": ([card_changed], {"card-not-of-payee"}),
    "project suspended": ([suspended], {"project-not-approved"}), "officers left": ([terms_ended], {
        "officer-not-in-office", "supervisor-not-in-office"}),
    "removed and suspended": ([removed, suspended], {"payee-removed", "project-not-approved"}),
}  # fmt: skip


@pytest.mark.parametrize(("case", "hook", "expected"), [
    (HOUSING, relocated, {"exclusive-programme"}), (WORKS, card_changed, {"account-not-of-payee"}), (WORKS, flagged, {"negative-list-payee"}),
])  # fmt: skip
async def test_of_other_payees_too(
    case: Case, hook: Callable[[Built], Awaitable[None]], expected: set[str], world: World
) -> None:
    built = await case.but(after_approval=[hook]).build(world)
    assert await built.preview() == set()
    assert await built.pay() == expected


@pytest.mark.parametrize("name", AFTER_APPROVAL)
async def test_what_changes_between_approval_and_payment_counts(name: str, world: World) -> None:
    hooks, expected = AFTER_APPROVAL[name]
    built = await SUBSIDY.but(after_approval=hooks).build(world)
    assert await built.preview() == set()
    assert await built.pay() == expected


async def exited(built: Built) -> None:
    await built.status(built.household, "exited")


async def enrolled_again(built: Built) -> None:
    await built.roster("struck_off")
    await built.roster("enrolled", since=date(2019, 1, 15))


async def removed_later(built: Built) -> None:
    await built.status(built.household, "removed", since=date(2019, 2, 2))


async def returned_by_the_bank(built: Built) -> None:
    await came_back(built)


async def accepted(built: Built) -> None:
    await built.accepted()


async def published_again(built: Built) -> None:
    await built.world.notice(
        "project", built.project, PLANNED, start=date(2019, 2, 1), end=date(2019, 2, 10), level="district"
    )


async def notice_corrected(built: Built) -> None:
    row = await built.world.service.fetchrow("SELECT * FROM notice WHERE subject_id = $1", built.pay_list)
    assert row is not None
    await built.world.service.execute(
        "SELECT publish_notice($1, $2, 2, 'payment_list', $3, 'village', '村务公开栏', $4, $5, 8000, '公示2号', $6)",
        DISTRICT, row["notice_id"], built.pay_list, row["published_from"], row["published_to"], built.recorder,
    )  # fmt: skip


WAYS_TO_PASS: dict[str, Case] = {
    "two people of one name": SUBSIDY.but(before_list=[two_people_of_one_name]),
    "a working day": SUBSIDY, "a house": HOUSING, "a road": WORKS,
    "an advance": ADVANCE, "an advance without acceptance, though it says final": ADVANCE.but(final=True),
    "exited from poverty": SUBSIDY.but(before_list=[exited]),
    "struck off and enrolled again": SUBSIDY.but(before_list=[enrolled_again]),
    "removed after the day that counts": SUBSIDY.but(before_list=[removed_later]),
    "on the new card once it is confirmed": SUBSIDY.but(before_list=[card_changed], line={"card_hash": "the household's"}),
    "on the old card while the new one waits": SUBSIDY.but(before_list=[card_changed_alone]),
    "on a guardian's card with a document": HOUSING.but(before_list=[member_with_card], line={
        "card_hash": MEMBER, "exception_document_no": "特1号"}),
    "no card of one's own, on a guardian's with a document": SUBSIDY.but(before_list=[no_card, member_with_card], line={
        "card_hash": MEMBER, "exception_document_no": "特1号"}),
    "a firm flagged from tomorrow": WORKS.but(before_list=[flagged_later]),
    "a flag that another person lifted": WORKS.but(before_list=[flag_lifted]),
    "a house after a relocation that came back": HOUSING.but(before_list=[relocated_and_returned]),
    "dibao after last year's support of the destitute": DIBAO.but(before_list=[destitute_last_year]),
    "entitled on the day of payment": SUBSIDY.but(period="2019-Q1", entitlement_on=date(2019, 3, 1)),
    **{f"a {kind}": WORKS.but(organisation_kind=kind) for kind in ("supplier", "village_collective", "enterprise", "institution")},
    "returned by the bank and paid again": SUBSIDY.but(line={}, before_list=[returned_by_the_bank]),
    "returned twice and paid a third time": SUBSIDY.but(line={}, before_list=[came_back_twice]),
    "two working days": SUBSIDY.but(amount=16_000, line={"quantity": 2}),
    "above the standard with a document": SUBSIDY.but(amount=9_000, line={"exception_document_no": "特1号"}),
    "no part taken, with a document": SUBSIDY.but(line={"participation_ref": None, "exception_document_no": "特1号"}),
    "half a house with a document": HOUSING.but(amount=1_000_000, line={"exception_document_no": "特1号"}),
    "published a second time, long enough": SUBSIDY.but(project_notice=(date(2019, 2, 1), date(2019, 2, 2)), before_list=[published_again]),
    "published for exactly the days asked": SUBSIDY.but(project_notice=(date(2019, 2, 1), date(2019, 2, 10)),
                                                         list_notice=(date(2019, 2, 21), date(2019, 3, 30))),
    "a wrong notice corrected": SUBSIDY.but(published=7_999, before_approval=[notice_corrected]),
    "another exemption": SUBSIDY.but(procurement={"exemption_code": "work_relief"}),
    "final after acceptance": WORKS.but(final=True, before_list=[accepted]),
    "final after the acceptance of its own contract": WORKS.but(
        final=True, line={}, before_list=[other_contract_accepted, this_contract_accepted]),
    "the last to a household after its own acceptance": SUBSIDY.but(
        final=True, line={}, before_list=[other_contract_accepted, this_contract_accepted]),
    "the amount accepted": WORKS.but(final=True, before_list=[accepted_for(1_000_000)]),
    "more accepted than the contract": WORKS.but(amount=1_200_000, before_list=[accepted_for(2_000_000)]),
    "all of the amount accepted but the retention": WORKS.but(retention=3, amount=970_000, before_list=[accepted_for(1_000_000)]),
    "the contract filled after acceptance": WORKS.but(amount=1_200_000, before_list=[accepted]),
    "beyond the contract after an approved change": WORKS.but(amount=1_400_000, before_list=[dearer_contract]),
    "the village builds itself": SELF_BUILT,
    "one of two contracts, named": WORKS.but(before_list=[second_contract, named], line={}),
    "half done, half paid": WORKS.but(progress=50, amount=600_000),
    "all but the retention": WORKS.but(retention=3, amount=1_164_000),
    "the retention when its time has come": WORKS.but(retention=3, amount=1_200_000, final=True, before_list=[accepted_long_ago]),
    "published in the village, the township and the district": SUBSIDY.but(project={"village_code": VILLAGE}),
    "dearer, and published again": SUBSIDY.but(before_list=[dearer_and_published]),
    "somebody objected to the project and it was mended": SUBSIDY.but(before_list=[project_objection_mended]),
    "somebody objected to the list and was wrong": SUBSIDY.but(before_approval=[list_objection_rejected]),
    "money of the project's own village": SUBSIDY.but(money_of=VILLAGE, before_list=[moved_away]),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS_TO_PASS)
async def test_a_payment_passes_when_all_five_hold(name: str, world: World) -> None:
    built = await WAYS_TO_PASS[name].build(world)
    assert await built.preview() == set()
    assert await built.pay() == set()
    await assert_book_sound(world.service)


async def test_two_lists_in_one_call_do_not_exceed_a_contract_together(world: World) -> None:
    case = WORKS.but(amount=700_000)
    built = await case.build(world)
    lists = [built.pay_list]
    await case.add_list(built)
    lists.append(built.pay_list)
    for pay_list in lists:
        await world.approve_list(pay_list)
    payer = world.who("district-payer").staff_id
    both = [Posting(DISTRICT, pay_list, payer, None, f"key-{n}", bytes(32)) for n, pay_list in enumerate(lists)]
    with pytest.raises(FundledgerError) as caught:
        await post_now(world.service, both)
    assert codes_of(caught.value) == {"contract-exceeded"}
    await post_now(world.service, both[:1])
    with pytest.raises(FundledgerError):
        await post_now(world.service, both[1:])
    await assert_book_sound(world.service)


async def test_a_payment_names_its_books_own_district(world: World) -> None:
    elsewhere = await world.project(book=OTHER_DISTRICT)
    built = await SUBSIDY.but(line={"project": elsewhere}).build(world)
    assert {"project-not-in-library", "procurement-missing"} <= await built.preview()


GATE = (
    "gate_check_funds",
    "gate_check_projects",
    "gate_check_tendering",
    "gate_check_management",
    "gate_check_publicity",
    "gate_check_reissues",
    "gate_check_advances",
    "gate_check_lines",
    "gate_check_exclusions",
    "gate_check_officers",
)
"""The functions that check a payment; `gate_check_settling` and the rest look at what is no payment."""
OUTSIDE_THE_FIVE = {"fund-not-outside-five", "pay-other-names-project"}
"""Codes that a function above gives for other kinds of entry only (`pay_other`), each tried elsewhere."""


def definition_of(function: str) -> str:
    """The body of a function of the schema as the newest revision has it, without comments."""
    files = sorted((Path(migrations_dir()) / "sql").glob("*/*.sql"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    found = re.findall(rf"CREATE (?:OR REPLACE )?FUNCTION {function}\(.*?\$\$;", text, re.S)
    assert found, function
    return re.sub(r"--.*", "", found[-1])


@pytest.mark.parametrize("spoil", [targetless, without_indicators])
async def test_a_project_without_target_or_indicator_is_not_funded_either(world: World, spoil: Hook) -> None:
    """No target, no library, no money (M10): of an old project too, when more money is asked for."""
    built = await SUBSIDY.but(funded=1_000_000).build(world)
    allocation = await world.funded(1_000)
    await spoil(built)
    leg = Leg(1_000, allocation_id=allocation, project_id=built.project)
    draft = await world.draft(DISTRICT, "fund", [leg])
    with pytest.raises(FundledgerError) as caught:
        await world.post(DISTRICT, draft)
    assert "project-without-target" in codes_of(caught.value)
    assert await world.balance("available", allocation=allocation) == 0


def codes_of_the_gate() -> set[str]:
    """Every code that the checks of a payment can give."""
    text = "".join(definition_of(function) for function in GATE)
    return set(re.findall(r"'([a-z]+(?:-[a-z]+)+)'", text)) - OUTSIDE_THE_FIVE


def test_every_code_of_five_to_district_has_a_case() -> None:
    tried = set().union(*(expected for _, _, _, expected in WAYS_TO_FAIL.values()))
    assert codes_of_the_gate() - tried == set()
