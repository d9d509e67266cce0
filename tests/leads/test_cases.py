"""Each rule against its worked cases: what must hit, and what looks alike and must not."""

from __future__ import annotations

import pytest

from fundledger.leads.anomalies import Anomaly, Question, count, find
from fundledger.leads.rules import RULES
from tests.builders import DISTRICT, OTHER_DISTRICT, World
from tests.leads import cases
from tests.leads.cases import CASES, CITY_AND_DISTRICTS, LATER, Case


async def ask(world: World, question: Question) -> list[Anomaly]:
    async with world.service.transaction(readonly=True):
        return await find(world.service, question, limit=1000)


def question_of(case: Case) -> Question:
    return Question(CITY_AND_DISTRICTS, [case.rule], on=case.on, idle_days=case.days)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule} {case.name}")
async def test_a_rule_hits_what_it_is_for_and_nothing_else(case: Case, world: World) -> None:
    await case.scenario(world)
    found = await ask(world, question_of(case))
    assert sorted((hit.book, hit.amount or 0) for hit in found) == sorted(
        (book, amount or 0) for book, amount in case.hits
    )
    assert {hit.rule for hit in found} <= {case.rule}
    assert len({(hit.rule, hit.book, hit.sort_key) for hit in found}) == len(found)


def test_every_rule_has_cases_that_hit_and_cases_that_do_not() -> None:
    for rule in RULES:
        assert {bool(case.hits) for case in CASES if case.rule == rule.rule} == {True, False}, rule.rule


async def test_a_refused_attempt_says_who_tried_what_how_often(world: World) -> None:
    await cases.refused_twice(world)
    (hit,) = await ask(world, Question(CITY_AND_DISTRICTS, ["REF-01"]))
    assert (hit.evidence["attempts"], hit.evidence["call_count"]) == (3, 2)
    assert [call["attempts"] for call in hit.evidence["calls"]] == [2, 1]
    assert (hit.evidence["person"], hit.evidence["unit"]) == ("district-maker", f"finance-{DISTRICT}")


async def test_a_shared_card_shows_the_households_and_payments_of_both_districts(world: World) -> None:
    await cases.one_card_two_districts(world)
    here, there = await ask(world, Question(CITY_AND_DISTRICTS, ["FCL-12"]))
    assert (here.book, there.book) == (OTHER_DISTRICT, DISTRICT)
    assert here.subject_id == there.subject_id
    assert here.evidence == there.evidence
    assert here.evidence["total"] == "160.00"
    numbers = {str(row["household_no"]) for row in await world.service.fetch("SELECT household_no FROM household")}
    assert {family["household_no"] for family in here.evidence["households"]} == numbers
    assert {payment["document_no"] for payment in here.evidence["payments"]} == {
        row["document_no"]
        for row in await world.service.fetch("SELECT document_no FROM entry WHERE entry_kind = 'pay'")
    }


async def test_a_card_of_eleven_households_is_one_hit(world: World) -> None:
    await cases.paid(world, 12, cards=(cases.CARD,) * 11)
    (hit,) = await ask(world, Question(CITY_AND_DISTRICTS, ["FCL-12"]))
    assert hit.evidence["household_count"] == 11
    assert hit.amount == 11 * cases.PAY


async def test_above_standard_shows_the_exception_document_and_the_officials(world: World) -> None:
    await cases.above_with_a_document(world)
    hit = (await ask(world, Question(CITY_AND_DISTRICTS, ["STD-01"])))[0]
    assert hit.evidence["exception_document_no"] == "特批1号"
    assert (hit.evidence["amount"], hit.evidence["standard"], hit.evidence["excess"]) == ("90.00", "80.00", "10.00")
    assert hit.evidence["people"] == {
        "maker": "district-maker", "approver": "district-approver", "payer": "district-payer", "officer": "责任人",
    }  # fmt: skip


async def test_the_counts_agree_with_the_hits(world: World) -> None:
    for scenario in cases.EVERY_RULE:
        await scenario(world)
    question = Question(CITY_AND_DISTRICTS, on=LATER)
    found = await ask(world, question)
    assert {hit.rule for hit in found} == {rule.rule for rule in RULES}
    async with world.service.transaction(readonly=True):
        counts = await count(world.service, question)
    for row in counts:
        same = [hit for hit in found if (hit.rule, hit.book) == (row.rule, row.book)]
        assert (row.count, row.amount) == (len(same), sum(hit.amount or 0 for hit in same))
    assert sum(row.count for row in counts) == len(found)
    assert [hit.happened_on for hit in found] == sorted((hit.happened_on for hit in found), reverse=True)
