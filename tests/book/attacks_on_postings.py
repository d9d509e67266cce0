"""Attacks on budget postings, undoing, amounts and dates. Collected by test_attacks_gate.py."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from tests.book.attackers import Last, Scene, attack, bank_returned
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, insert


def adopting(amount: int = 100, line: UUID | None = None, **fields: Any) -> Leg:
    """A leg that adopts a budget line of the city."""
    return Leg(
        amount, **{"budget_line_id": line or new_id(), "fund_code": "special_factor", "fiscal_year": 2019, **fields}
    )


def allocating(line: UUID, amount: int = 100, **fields: Any) -> Leg:
    """A leg that allocates to the first district."""
    return Leg(amount, budget_line_id=line, **{
        "allocation_id": new_id(), "fund_code": "special_factor", "fiscal_year": 2019, "district": DISTRICT, **fields,
    })  # fmt: skip


# Kinds, levels and references


@attack("wrong-level")
async def a_district_adopts_as_the_city_does(s: Scene) -> Last:
    return s.post(await s.drafted(DISTRICT, "adopt", adopting()), DISTRICT)


@attack("wrong-level", "allocation-not-found")
async def a_district_releases_to_another_one(s: Scene) -> Last:
    leg = Leg(100, allocation_id=s.other_allocation, district=OTHER_DISTRICT)
    return s.post(await s.drafted(DISTRICT, "release", leg), DISTRICT)


@attack("wrong-level", "balance-insufficient")
async def a_district_releases_to_itself_once_more(s: Scene) -> Last:
    return s.post(
        await s.drafted(DISTRICT, "release", Leg(100, allocation_id=s.allocation, district=DISTRICT)), DISTRICT
    )


@attack("wrong-level", "declared-figure-missing")
async def the_city_adopts_money_of_a_district(s: Scene) -> Last:
    leg = Leg(100, allocation_id=new_id(), fund_code="recovered_stock", fiscal_year=2019)
    return s.post(await s.drafted(CITY, "adopt_own", leg))


@attack("fund-not-of-this-level")
async def the_city_adopts_a_districts_fund(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "adopt", adopting(fund_code="recovered_stock")))


@attack("allocation-fund-differs")
async def more_is_adopted_on_a_line_of_another_fund(s: Scene) -> Last:
    line = await s.world.adopt(100)
    return s.post(await s.drafted(CITY, "adopt", adopting(line=line, fund_code="targeted")))


@attack("23502")
async def a_budget_line_without_a_fund(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "adopt", adopting(fund_code=None)))


@attack("budget-line-not-found")
async def an_adoption_without_a_line(s: Scene) -> Last:
    leg = Leg(100, fund_code="special_factor", fiscal_year=2019)
    return s.post(await s.drafted(CITY, "adopt", leg))


@attack("release-names-project")
async def a_release_that_names_a_project(s: Scene) -> Last:
    allocation = await s.world.allocate(await s.world.adopt(500), 500)
    return s.post(await s.drafted(CITY, "release", Leg(500, allocation_id=allocation, project_id=s.project)))


@attack("balance-insufficient")
async def a_release_beyond_the_allocation(s: Scene) -> Last:
    allocation = await s.world.allocate(await s.world.adopt(500), 400)
    return s.post(
        await s.drafted(CITY, "release", Leg(300, allocation_id=allocation), Leg(101, allocation_id=allocation))
    )


@attack("allocation-not-found")
async def a_release_of_an_allocation_that_is_none(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "release", Leg(1, allocation_id=new_id(), district=DISTRICT, fiscal_year=2019)))


@attack("district-unknown")
async def an_allocation_to_the_city_itself(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "allocate", allocating(await s.world.adopt(500), district=CITY)))


@attack("allocation-reused")
async def an_allocation_under_an_id_in_use(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "allocate", allocating(await s.world.adopt(500), allocation_id=s.allocation)))


@attack("allocation-fund-differs")
async def an_allocation_of_another_year_than_its_line(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "allocate", allocating(await s.world.adopt(500), fiscal_year=2020)))


@attack("balance-insufficient")
async def an_allocation_of_more_than_the_budget(s: Scene) -> Last:
    line = await s.world.adopt(500)
    return s.post(await s.drafted(CITY, "allocate", allocating(line, 250), allocating(line, 251)))


@attack("village-not-listed")
async def an_allocation_by_standard_to_a_village_that_is_not_listed(s: Scene) -> Last:
    line = await s.world.adopt(20_000_000, fund="targeted")
    leg = allocating(line, 20_000_000, fund_code="targeted", village_code="420117001200")
    return s.post(await s.drafted(CITY, "allocate", leg))


@attack("fund-not-of-this-level")
async def a_district_adopts_a_fund_of_the_city(s: Scene) -> Last:
    leg = Leg(100, allocation_id=new_id(), fund_code="special_factor", fiscal_year=2019)
    return s.post(await s.drafted(DISTRICT, "adopt_own", leg), DISTRICT)


@attack("project-not-in-library")
async def another_districts_project_is_funded(s: Scene) -> Last:
    leg = Leg(100, allocation_id=s.allocation, project_id=s.other_project)
    return s.post(await s.drafted(DISTRICT, "fund", leg), DISTRICT)


@attack("allocation-not-found")
async def a_project_is_funded_with_another_districts_money(s: Scene) -> Last:
    leg = Leg(100, allocation_id=s.other_allocation, project_id=s.project, fiscal_year=2019)
    return s.post(await s.drafted(DISTRICT, "fund", leg), DISTRICT)


@attack("maker-without-duty")
async def an_auditor_drafts_a_release(s: Scene) -> Last:
    s.world.people["city-maker"] = s.world.who("auditor")
    return s.post(await s.drafted(CITY, "adopt", adopting()))


@attack("approver-without-duty", "duties-not-separate")
async def a_maker_posts_the_own_release(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "adopt", adopting()), who="city-maker")


@attack("approver-without-duty")
async def an_administrator_posts(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "adopt", adopting()), who="admin")


@attack("content-changed")
async def a_release_is_posted_with_another_digest(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "adopt", adopting()), sha=bytes(32))


@attack("content-changed")
async def a_release_is_posted_without_a_digest(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "adopt", adopting()), sha=None)


# Undoing


@attack("undo-not-found")
async def a_reversal_of_nothing(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "reverse", Leg(1)))


@attack("undo-not-found")
async def a_reversal_of_another_districts_entry(s: Scene) -> Last:
    entry = await s.world.service.fetchval(
        "SELECT entry_id FROM entry WHERE book = $1 AND entry_kind = 'fund'", OTHER_DISTRICT
    )
    return s.post(await s.drafted(DISTRICT, "reverse", Leg(1, undoes_entry_id=entry, undoes_line_no=1)), DISTRICT)


@attack("undo-of-crossing-by-district")
async def a_release_is_reversed_by_the_district(s: Scene) -> Last:
    entry = await s.world.service.fetchval(
        "SELECT entry_id FROM entry WHERE book = $1 AND entry_kind = 'release'", DISTRICT
    )
    return s.post(await s.drafted(DISTRICT, "reverse", Leg(1, undoes_entry_id=entry, undoes_line_no=1)), DISTRICT)


@attack("undo-exceeds", "balance-insufficient")
async def more_is_undone_in_one_call_than_was_posted(s: Scene) -> Last:
    entry = (await s.post(await s.drafted(CITY, "adopt", adopting(100))))[0]["entry_id"]
    legs = [Leg(60, undoes_entry_id=entry, undoes_line_no=1), Leg(41, undoes_entry_id=entry, undoes_line_no=1)]
    return s.post(await s.drafted(CITY, "reverse", *legs))


@attack("undo-of-undo")
async def an_undoing_is_undone(s: Scene) -> Last:
    entry = (await s.post(await s.drafted(CITY, "adopt", adopting(100))))[0]["entry_id"]
    undo = await s.post(await s.drafted(CITY, "reverse", Leg(60, undoes_entry_id=entry, undoes_line_no=1)))
    again = Leg(60, undoes_entry_id=undo[0]["entry_id"], undoes_line_no=1)
    return s.post(await s.drafted(CITY, "reverse", again))


@attack("spent-downstream", "balance-insufficient")
async def a_release_is_taken_back_after_it_was_spent(s: Scene) -> Last:
    release = await s.world.service.fetchrow(
        "SELECT e.entry_id, t.amount FROM entry e JOIN transfer t USING (book, entry_id) JOIN account a "
        "ON a.book = t.book AND a.account_id = t.debit_account WHERE e.book = $1 AND e.entry_kind = 'release' AND a.allocation_id = $2",
        CITY, s.allocation,
    )  # fmt: skip
    assert release is not None
    leg = Leg(500_001, undoes_entry_id=release["entry_id"], undoes_line_no=1)
    return s.post(await s.drafted(CITY, "reverse", leg))


@attack("return-without-bank-result")
async def a_payment_comes_back_without_the_bank(s: Scene) -> Last:
    paid = (await s.pay(s.pay_list))[0]["entry_id"]
    return s.post(await s.drafted(DISTRICT, "return", Leg(8_000, undoes_entry_id=paid, undoes_line_no=1)), DISTRICT)


@attack("undo-kind")
async def a_payment_is_reversed_instead_of_returned(s: Scene) -> Last:
    paid = (await s.pay(s.pay_list))[0]["entry_id"]
    await bank_returned(s.world, paid, 1)
    return s.post(await s.drafted(DISTRICT, "reverse", Leg(8_000, undoes_entry_id=paid, undoes_line_no=1)), DISTRICT)


@attack("undo-before-original", "balance-insufficient-on-day")
async def a_payment_comes_back_before_it_was_made(s: Scene) -> Last:
    paid = (await s.pay(s.pay_list))[0]["entry_id"]
    await bank_returned(s.world, paid, 1)
    leg = Leg(8_000, undoes_entry_id=paid, undoes_line_no=1)
    return s.post(await s.drafted(DISTRICT, "return", leg, effective_on=date(2019, 2, 28)), DISTRICT)


@attack("undo-kind")
async def a_funding_that_also_undoes_a_payment(s: Scene) -> Last:
    paid = (await s.pay(s.pay_list))[0]["entry_id"]
    leg = Leg(8_000, allocation_id=s.allocation, project_id=s.project, undoes_entry_id=paid, undoes_line_no=1)
    return s.post(await s.drafted(DISTRICT, "fund", leg), DISTRICT)


# Amounts and dates


@attack("23514")
async def an_amount_of_nothing(s: Scene) -> Last:
    return s.drafted(CITY, "adopt", adopting(0))


@attack("23514")
async def a_negative_amount(s: Scene) -> Last:
    return s.drafted(CITY, "adopt", adopting(-5))


@attack("23514")
async def a_negative_leg_hidden_in_a_positive_total(s: Scene) -> Last:
    return s.drafted(CITY, "adopt", adopting(10), adopting(-5))


@attack("amount-too-large")
async def an_amount_beyond_the_limit(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "adopt", adopting(10**15 + 1)))


@attack("amount-too-large")
async def amounts_whose_sum_leaves_the_integers(s: Scene) -> Last:
    line = new_id()
    new = await s.drafted(CITY, "adopt", adopting(2**62, line))
    for leg_no in (2, 3):
        await insert(s.world.service, "instruction_leg", {
            "book": CITY, "instruction_id": new, "leg_no": leg_no, "amount": 2**62, "budget_line_id": line,
            "fund_code": "special_factor", "fiscal_year": 2019,
        })  # fmt: skip
    return s.post(new)


async def adopt_on(s: Scene, day: str) -> None:
    """Draft an adoption of a day that Python has no date for."""
    await s.world.service.execute(
        "INSERT INTO instruction SELECT book, gen_random_uuid(), entry_kind, 'd', $1::text::date, summary, functional_class, "
        "economic_class, officer_id, supervisor_id, release_kind, exception_document_no, inputs, line_count, total, maker_id "
        "FROM instruction WHERE entry_kind = 'adopt' LIMIT 1", day,
    )  # fmt: skip


@attack("23514")
async def the_end_of_time(s: Scene) -> Last:
    return adopt_on(s, "infinity")


@attack("23514")
async def the_beginning_of_time(s: Scene) -> Last:
    return adopt_on(s, "-infinity")


@attack("23514")
async def a_day_before_the_books_of_china(s: Scene) -> Last:
    return adopt_on(s, "4000-01-01 BC")


@attack("date-in-future")
async def a_day_to_come(s: Scene) -> Last:
    leg = adopting(fiscal_year=2999)
    return s.post(await s.drafted(CITY, "adopt", leg, effective_on=date(2999, 12, 31)))


@attack("amount-too-large", "officer-not-in-office", "supervisor-not-in-office")
async def a_day_for_which_the_policy_has_no_limit(s: Scene) -> Last:
    return s.post(await s.drafted(CITY, "adopt", adopting(fiscal_year=2015), effective_on=date(2015, 12, 31)))


@attack("23514")
async def a_fiscal_year_that_never_was(s: Scene) -> Last:
    return s.drafted(CITY, "adopt", adopting(fiscal_year=0))


@attack("period-closed")
async def a_month_that_is_closed_in_the_district_only(s: Scene) -> Last:
    closer = s.world.who("district-approver").staff_id
    await s.world.service.execute(
        "SELECT gate_close_period($1, '2019-03-01', $2, $3, '结账')", DISTRICT, new_id(), closer
    )
    allocation = await s.world.allocate(await s.world.adopt(500), 500)
    return s.post(await s.drafted(CITY, "release", Leg(500, allocation_id=allocation)))


@attack("closer-without-duty")
async def a_month_is_closed_by_another_districts_bureau(s: Scene) -> Last:
    closer = s.world.who("other-approver").staff_id
    return s.world.service.fetch("SELECT gate_close_period($1, '2019-03-01', $2, $3, 'x')", DISTRICT, new_id(), closer)


@attack("23514")
async def half_a_month_is_closed(s: Scene) -> Last:
    closer = s.world.who("district-approver").staff_id
    return s.world.service.fetch("SELECT gate_close_period($1, '2019-03-15', $2, $3, 'x')", DISTRICT, new_id(), closer)


@attack("23514")
async def a_month_before_time_is_closed(s: Scene) -> Last:
    closer = s.world.who("district-approver").staff_id
    return s.world.service.fetch("SELECT gate_close_period($1, '-infinity', $2, $3, 'x')", DISTRICT, new_id(), closer)
