"""Attacks on payments: approvals, contents, people, legs and lines. Collected by test_attacks_gate.py."""

from __future__ import annotations

from datetime import date

from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from tests.book.attackers import Last, Scene, attack
from tests.builders import DISTRICT, OTHER_DISTRICT, insert

APPROVE = "SELECT gate_approve($1, $2, $3, $4, $5)"


# Approval and content


@attack("not-approved")
async def a_list_that_nobody_approved(s: Scene) -> Last:
    return s.pay(await s.draft_list(approved=False))


@attack("duties-not-separate", "approver-without-duty")
async def a_maker_approves_the_list(s: Scene) -> Last:
    new = await s.draft_list(approved=False)
    maker = s.world.who("district-maker").staff_id
    return s.world.service.fetch(APPROVE, DISTRICT, new, await s.world.digest(DISTRICT, new), maker, new_id())


@attack("duties-not-separate")
async def a_maker_with_every_duty_approves_the_own_list(s: Scene) -> Last:
    s.world.people["district-maker"] = await s.person_of_all_duties()
    new = await s.draft_list(approved=False)
    maker = s.world.who("district-maker").staff_id
    return s.world.service.fetch(APPROVE, DISTRICT, new, await s.world.digest(DISTRICT, new), maker, new_id())


@attack("content-changed")
async def an_approval_names_other_content(s: Scene) -> Last:
    new, approver = await s.draft_list(approved=False), s.world.who("district-approver").staff_id
    other = await s.world.digest(DISTRICT, s.pay_list)
    return s.world.service.fetch(APPROVE, DISTRICT, new, other, approver, new_id())


@attack("content-changed")
async def an_approval_names_nothing(s: Scene) -> Last:
    new, approver = await s.draft_list(approved=False), s.world.who("district-approver").staff_id
    return s.world.service.fetch(APPROVE, DISTRICT, new, None, approver, new_id())


@attack("approver-without-duty")
async def an_approver_of_another_district_approves(s: Scene) -> Last:
    new, approver = await s.draft_list(approved=False), s.world.who("other-approver").staff_id
    return s.world.service.fetch(APPROVE, DISTRICT, new, await s.world.digest(DISTRICT, new), approver, new_id())


@attack("instruction-not-found")
async def a_list_is_approved_in_another_book(s: Scene) -> Last:
    approver = s.world.who("other-approver").staff_id
    return s.world.service.fetch(
        APPROVE, OTHER_DISTRICT, s.pay_list, await s.world.digest(DISTRICT, s.pay_list), approver, new_id()
    )


@attack("already-approved")
async def a_list_is_approved_twice(s: Scene) -> Last:
    approver = s.world.who("poverty-approver").staff_id
    return s.world.service.fetch(
        APPROVE, DISTRICT, s.pay_list, await s.world.digest(DISTRICT, s.pay_list), approver, new_id()
    )


@attack("approve-by-posting")
async def a_budget_posting_is_approved_without_being_posted(s: Scene) -> Last:
    new = await s.drafted(DISTRICT, "fund", Leg(1, allocation_id=s.allocation, project_id=s.project))
    approver = s.world.who("district-approver").staff_id
    return s.world.service.fetch(APPROVE, DISTRICT, new, await s.world.digest(DISTRICT, new), approver, new_id())


@attack("content-changed")
async def amounts_of_two_lines_are_swapped_after_approval(s: Scene) -> Last:
    await s.behind_the_triggers(
        "UPDATE payment_line SET amount = amount + CASE line_no WHEN 1 THEN 1000 ELSE -1000 END "
        "WHERE instruction_id = $1 AND line_no IN (1, 2)", s.pay_list,
    )  # fmt: skip
    return s.pay(s.pay_list)


@attack("content-changed", "card-not-of-payee")
async def a_payee_is_changed_after_approval(s: Scene) -> Last:
    household, person = (await s.world.persons(1))[0]
    await s.behind_the_triggers(
        "UPDATE payment_line SET payee_id = $2, household_id = $3 WHERE instruction_id = $1 AND line_no = 1",
        s.pay_list, person, household,
    )  # fmt: skip
    return s.pay(s.pay_list)


@attack("content-changed")
async def a_card_is_changed_after_approval(s: Scene) -> Last:
    await s.behind_the_triggers(
        "UPDATE payment_line SET card_commitment = sha256('mine') WHERE instruction_id = $1", s.pay_list
    )
    return s.pay(s.pay_list)


@attack("content-changed", "totals-differ")
async def a_line_is_added_after_approval_behind_the_triggers(s: Scene) -> Last:
    await s.behind_the_triggers(
        "INSERT INTO payment_line SELECT l.book, l.instruction_id, l.leg_no, 99, l.amount, l.payee_id, l.household_id, l.quantity, "
        "l.programme_code, l.period, l.participation_ref, NULL, l.card_hash, l.name_commitment, l.card_commitment "
        "FROM payment_line l WHERE instruction_id = $1 AND line_no = 1", s.pay_list,
    )  # fmt: skip
    return s.pay(s.pay_list)


@attack("content-changed")
async def the_header_is_changed_after_approval(s: Scene) -> Last:
    await s.behind_the_triggers("UPDATE instruction SET document_no = 'mine' WHERE instruction_id = $1", s.pay_list)
    return s.pay(s.pay_list)


@attack("content-changed", "leg-of-another-project")
async def the_project_is_changed_after_approval(s: Scene) -> Last:
    await s.behind_the_triggers(
        "UPDATE payment_list SET project_id = $2 WHERE instruction_id = $1", s.pay_list, await s.world.project()
    )
    return s.pay(s.pay_list)


@attack("instruction-rejected")
async def a_list_that_was_sent_back(s: Scene) -> Last:
    new, approver = await s.draft_list(), s.world.who("district-approver").staff_id
    await s.behind_the_triggers("INSERT INTO rejection VALUES ($1, $2, $3, 'no')", DISTRICT, new, approver)
    return s.pay(new)


@attack("already-posted")
async def a_list_is_paid_twice_under_two_keys(s: Scene) -> Last:
    await s.pay(s.pay_list)
    return s.pay(s.pay_list)


# People


@attack("actor-unknown")
async def a_payer_of_another_district_pays(s: Scene) -> Last:
    return s.pay(s.pay_list, "other-payer")


@attack("payer-without-duty")
async def a_second_approver_pays(s: Scene) -> Last:
    return s.pay(s.pay_list, "poverty-approver")


@attack("payer-without-duty", "duties-not-separate")
async def the_approver_pays(s: Scene) -> Last:
    return s.pay(s.pay_list, "district-approver")


@attack("duties-not-separate")
async def the_approver_with_every_duty_pays(s: Scene) -> Last:
    s.world.people["district-approver"] = await s.person_of_all_duties()
    return s.strike(await s.draft_list(), s.world.who("district-approver"), sha=None)


@attack("duties-not-separate")
async def the_maker_with_every_duty_pays(s: Scene) -> Last:
    s.world.people["district-maker"] = await s.person_of_all_duties()
    return s.strike(await s.draft_list(), s.world.who("district-maker"), sha=None)


@attack("payer-without-duty")
async def the_poverty_office_pays(s: Scene) -> Last:
    return s.strike(s.pay_list, await s.person_of_all_duties("poverty-maker"), sha=None)


@attack("maker-without-duty")
async def a_list_drafted_by_somebody_without_the_duty(s: Scene) -> Last:
    payees, maker = await s.world.persons(1), s.world.people["district-maker"]
    s.world.people["district-maker"] = s.world.who("poverty-approver")
    drafted = await s.draft_list(published=False, payees=payees)
    s.world.people["district-maker"] = maker
    await s.world.notice("payment_list", drafted, 8_000)
    return s.pay(drafted)


@attack("23503")
async def a_list_drafted_by_somebody_of_another_district(s: Scene) -> Last:
    payees = await s.world.persons(1)
    s.world.people["district-maker"] = s.world.who("other-maker")
    return s.draft_list(payees=payees)


@attack("officer-not-in-office")
async def an_officer_of_another_district(s: Scene) -> Last:
    return s.pay(await s.draft_list(officer_id=s.world.officers[OTHER_DISTRICT, "accountable"]))


@attack("officer-not-in-office", "supervisor-not-in-office")
async def the_officers_in_each_others_place(s: Scene) -> Last:
    here = {role: s.world.officers[DISTRICT, role] for role in ("accountable", "supervising")}
    return s.pay(await s.draft_list(officer_id=here["supervising"], supervisor_id=here["accountable"]))


# Legs and lines


@attack("allocation-not-found")
async def a_leg_of_another_districts_allocation(s: Scene) -> Last:
    return s.pay(await s.draft_list(allocation=s.other_allocation))


@attack("project-not-in-library", "procurement-missing", "balance-insufficient")
async def a_list_of_another_districts_project(s: Scene) -> Last:
    return s.pay(await s.draft_list(project=s.other_project))


@attack("instruction-not-found")
async def another_districts_list(s: Scene) -> Last:
    return s.pay(s.other_list)


@attack("actor-unknown")
async def another_districts_list_in_its_book(s: Scene) -> Last:
    return s.pay(s.other_list, book=OTHER_DISTRICT)


@attack("totals-differ")
async def legs_that_ask_for_more_than_the_lines(s: Scene) -> Last:
    new = await s.draft_list(approved=False)
    await insert(s.world.service, "instruction_leg", {
        "book": DISTRICT, "instruction_id": new, "leg_no": 2, "amount": 5_000, "allocation_id": s.allocation, "project_id": s.project,
    })  # fmt: skip
    await s.world.approve_list(new)
    return s.pay(new)


@attack("totals-differ")
async def lines_moved_from_one_leg_to_another(s: Scene) -> Last:
    new = await s.draft_list(approved=False)
    for leg_no, amount in ((2, 4_000), (3, 4_000)):
        await insert(s.world.service, "instruction_leg", {
            "book": DISTRICT, "instruction_id": new, "leg_no": leg_no, "amount": amount, "allocation_id": s.allocation,
            "project_id": s.project,
        })  # fmt: skip
    await s.behind_the_triggers("DELETE FROM instruction_leg WHERE instruction_id = $1 AND leg_no = 1", new)
    await s.behind_the_triggers("UPDATE payment_line SET leg_no = 3 WHERE instruction_id = $1", new)
    await s.world.approve_list(new)
    return s.pay(new)


@attack("totals-differ", "project-not-in-library", "procurement-missing", "leg-of-another-project")
async def a_payment_without_a_list(s: Scene) -> Last:
    new = await s.drafted(DISTRICT, "pay", Leg(100, allocation_id=s.allocation, project_id=s.project))
    await s.world.approve_list(new)
    return s.pay(new)


@attack("balance-insufficient")
async def a_list_beyond_what_the_project_has(s: Scene) -> Last:
    return s.pay(await s.draft_list(payees=await s.world.persons(63)))


@attack("balance-insufficient-on-day")
async def a_list_dated_before_the_money_came(s: Scene) -> Last:
    return s.pay(await s.draft_list(effective_on=date(2019, 2, 20)))


@attack("line-of-another-list")
async def a_line_claims_another_period_than_its_list(s: Scene) -> Last:
    # Its own period would be what "paid twice" looks at.
    new = await s.draft_list(approved=False, published=False, payees=s.payees[:1], period="2019-02")
    await s.behind_the_triggers("UPDATE payment_line SET period = '2019-02 ' WHERE instruction_id = $1", new)
    return s.world.approve_list(new)


@attack("line-of-another-list", "not-on-roster")
async def a_line_claims_another_programme_than_its_list(s: Scene) -> Last:
    new = await s.draft_list(approved=False, payees=s.payees[:1])
    await s.behind_the_triggers(
        "UPDATE payment_line SET programme_code = 'industry_award' WHERE instruction_id = $1", new
    )
    return s.world.approve_list(new)


@attack("payee-unknown")
async def a_payee_of_another_district(s: Scene) -> Last:
    elsewhere = await s.world.persons(1, book=OTHER_DISTRICT, village="420116001200")
    new = await s.draft_list(approved=False, payees=elsewhere)
    await insert_roster(s, elsewhere[0][1])
    await insert_status(s, elsewhere[0][0], "registered")
    return s.world.approve_list(new)


@attack("payee-unknown")
async def a_person_counted_for_a_household_of_strangers(s: Scene) -> Last:
    (_, person), (household, _) = await s.world.persons(2)
    return s.world.approve_list(await s.draft_list(payees=[(household, person)], approved=False))


@attack("payee-deceased")
async def a_person_who_died_in_a_household_that_lives(s: Scene) -> Last:
    household, person = (await s.world.persons(1))[0]
    await insert_status(s, person, "deceased")
    return s.world.approve_list(await s.draft_list(payees=[(household, person)], approved=False))


@attack("paid-twice")
async def one_person_on_two_lists_paid_in_one_call(s: Scene) -> Last:
    payees = await s.world.persons(1)
    lists = [await s.draft_list(payees=payees) for _ in range(2)]
    payer = s.world.who("district-payer").staff_id
    return s.world.service.fetch(
        "SELECT * FROM gate_post($1, $2, $3, $4, $5, $6, $7, $8)",
        [DISTRICT] * 2, lists, [new_id(), new_id()], [new_id(), new_id()], [payer] * 2, [None] * 2, ["k1", "k2"], [bytes(32)] * 2,
    )  # fmt: skip


async def insert_status(s: Scene, subject: object, status: str) -> None:
    """A status in the first district's registry, of 2019."""
    await insert(s.world.service, "registry_status", {
        "book": DISTRICT, "subject_id": subject, "valid_from": date(2019, 1, 1), "version": 1, "status": status,
        "document_no": "档2号", "recorded_by": s.world.who("district-maker").staff_id,
    })  # fmt: skip


async def insert_roster(s: Scene, payee: object, action: str = "enrolled") -> None:
    """A roster row in the first district."""
    await insert(s.world.service, "roster_member", {
        "book": DISTRICT, "programme_code": "labour_subsidy", "payee_id": payee, "valid_from": date(2019, 1, 1), "version": 1,
        "action": action, "document_no": "册2号", "recorded_by": s.world.who("district-maker").staff_id,
    })  # fmt: skip


@attack("23514")
async def a_notice_that_was_always_there(s: Scene) -> Last:
    # Days since minus infinity are no number: every payment of the project would fail on it.
    return s.world.service.fetch(
        "SELECT publish_notice($1, $2, 1, 'project', $3, 'village', '栏', '-infinity', '2019-03-01', 100000000, '公示1号', $4)",
        DISTRICT, new_id(), s.project, s.world.who("district-maker").staff_id,
    )  # fmt: skip


@attack("23514")
async def a_declared_figure_of_the_year_nought(s: Scene) -> Last:
    # There is no such date: the view of all floors would fail on it, for everybody.
    return insert(s.world.service, "declared_figure", {
        "book": DISTRICT, "fund_code": "recovered_stock", "fiscal_year": 0, "version": 1, "amount": 1, "document_no": "报1号",
        "recorded_by": s.world.who("district-maker").staff_id,
    })  # fmt: skip
