"""A whole district year as one story, from the library to the audit report, through the HTTP API and nothing else."""

from __future__ import annotations

from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.verify import verify_database
from tests.databases import Database, connected
from tests.soundness import assert_book_sound
from tests.stories.district_year import audit, budget, households, library, road, turn
from tests.stories.district_year.cast import Year, begin
from tests.web import Api


async def test_a_district_runs_its_year_and_every_report_adds_up(api: Api, db: Database) -> None:
    year = await begin(api)
    await money_comes_down(year)
    await projects_enter_the_library(year)
    await the_road_is_built(year)
    await households_get_their_award(year)
    await the_year_turns(year)
    await what_comes_after(year)
    await everything_is_added_up_again(year, db)


async def money_comes_down(year: Year) -> None:
    await budget.two_people_raise_the_award_for_next_year(year)
    await budget.the_city_adopts(year)
    await budget.the_city_allocates(year)
    await budget.village_b_lends_village_a_its_turn(year)
    await budget.the_city_releases(year)
    await budget.the_district_adds_its_own(year)


async def projects_enter_the_library(year: Year) -> None:
    await library.the_road_is_proposed_reviewed_and_approved(year)
    await library.a_notice_with_another_amount_is_no_notice(year)
    await library.a_villager_objects_and_is_answered(year)
    await library.the_award_and_the_clean_up_follow(year)
    await library.money_goes_to_the_projects(year)


async def the_road_is_built(year: Year) -> None:
    await road.firms_are_registered(year)
    await road.the_road_is_tendered(year)
    await road.the_contract_is_signed(year)
    await road.thirty_percent_are_advanced(year)
    await road.sixty_percent_are_built_and_paid(year)
    await road.the_contract_grows_and_the_road_is_finished(year)


async def households_get_their_award(year: Year) -> None:
    await households.households_are_registered(year)
    await households.the_first_quarter_is_paid_from_a_spreadsheet(year)
    quarter = year.made["first quarter"]
    await households.the_bank_answers(year, quarter, "2019-04-20", returned=2)
    await households.the_returned_line_is_paid_again(year, quarter, 2, households.NEW_CARDS[0], "2019-05-10")
    await households.two_lists_want_the_same_money(year)
    await households.donations_reach_all_four(year)
    await households.the_fourth_quarter_is_paid_in_december(year)


async def the_year_turns(year: Year) -> None:
    await turn.the_clean_up_leaves_the_library(year)
    await turn.the_road_is_evaluated(year)
    await turn.the_officer_hands_over(year)
    await turn.the_year_is_carried_over_and_closed(year)
    quarter = year.made["fourth quarter"]
    await households.the_bank_answers(year, quarter, "2020-01-10", returned=3)
    await households.the_returned_line_is_paid_again(year, quarter, 3, households.NEW_CARDS[1], "2020-02-10")


async def what_comes_after(year: Year) -> None:
    await turn.the_prepaid_release_is_settled(year)
    await turn.the_final_accounts_test_the_floor_again(year)
    await road.what_was_held_back_is_paid_a_year_later(year)
    await turn.two_years_later_what_is_left_goes_back(year)


async def everything_is_added_up_again(year: Year, db: Database) -> None:
    books = await audit.books_of(year)
    await audit.execution_adds_up_by_every_key(year, books)
    await audit.the_last_report_tells_the_story(year)
    await audit.the_term_report_adds_up(year, books)
    await audit.compliance_adds_up(year, books)
    await audit.the_advances_add_up(year, books)
    await audit.each_returned_line_was_paid_again_once(year, books)
    await assert_book_sound(year.api.world.service)
    async with connected(db.service_url) as connection:
        await Sequencer(connection).seal_all()
    report = await verify_database(db.reader_url)
    assert (report.first_fault, report.waiting) == (None, 0), report.as_json()
