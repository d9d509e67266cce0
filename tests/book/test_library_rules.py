"""The project library, its objections and its evaluations by plain SQL as the service's role: nobody gets around its order.

Each attack writes one row that a careless or stolen service might write; the database names the rule it breaks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from fundledger.access.policy import Caller
from fundledger.access.tokens import add_staff
from fundledger.book.instructions import Leg
from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book.attackers import codes_of
from tests.builders import (
    CITY,
    DISTRICT,
    VILLAGE,
    World,
    decisions,
    insert,
    insertion,
    notices,
    parts,
)
from tests.databases import Database, connected

Row = dict[str, Any]


@pytest.fixture
async def second(db: Database) -> AsyncIterator[Connection]:
    """Another connection of the service's role."""
    async with connected(db.service_url) as connection:
        yield connection


async def refused_by(connection: Connection, table: str, row: Row) -> str:
    """The rule that refuses the row; it fails the test when none does."""
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await insert(connection, table, row)
    return str(caught.value.constraint_name)


async def proposed(world: World, **fields: Any) -> Row:
    """A proposal with its parts, as it stands in the library."""
    row = {**world.proposal(new_id()), **fields}
    await world.service.execute(insertion("project", row) + parts(row))
    return row


def by(row: Row, who: Caller, status: str, version: int, **fields: Any) -> Row:
    """A decision of somebody on a proposal."""
    return {**row, "status": status, "version": version, "recorded_by": who.staff_id, "decided_by_unit_id": who.unit_id,
            **fields}  # fmt: skip


PROPOSALS: dict[str, tuple[Callable[[World], Row], str]] = {
    "approved at once": (lambda w: {"status": "approved", "decided_by_unit_id": w.who("district-maker").unit_id}, "project_status_order"),
    "reviewed at once": (lambda w: {"status": "reviewed"}, "project_status_order"),
    "a first version that is the second": (lambda w: {"version": 2, "proposed_version": 2}, "project_version_next"),
    "by an approver": (lambda w: {"recorded_by": w.who("district-approver").staff_id}, "project_proposer"),
    "by nobody of the book": (lambda w: {"recorded_by": w.who("city-maker").staff_id}, "project_proposer"),
    "in the name of another unit": (lambda w: {"proposing_unit_id": w.who("poverty-maker").unit_id}, "project_proposal_is_the_proposers"),
    "with a decision on it": (lambda w: {"decided_by_unit_id": w.who("district-maker").unit_id}, "project_proposal_is_the_proposers"),
    "of a category that needs no tender": (lambda w: {"category": "infrastructure"}, "project_category"),
    "without a target": (lambda w: {"performance_target": " "}, "project_without_target"),
    "without a mechanism": (lambda w: {"participation_mechanism": None}, "project_incomplete"),
    "without a schedule": (lambda w: {"planned_end": None}, "project_incomplete"),
    "of large new works": (lambda w: {"nature": "new_works", "planned_amount": 3_000_000_000}, "project_too_large"),
    "a township's, for another place": (lambda w: {
        "village_code": "420117002200", "recorded_by": w.who("township-maker").staff_id,
        "proposing_unit_id": w.who("township-maker").unit_id}, "project_proposer_place"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROPOSALS)
async def test_a_proposal_that_breaks_a_rule_is_refused(name: str, world: World) -> None:
    fields, rule = PROPOSALS[name]
    row = {**world.proposal(new_id()), **fields(world)}
    assert await refused_by(world.service, "project", row) == rule


DECISIONS: dict[str, tuple[str, str, Row, str]] = {
    # on a proposal of the whole district
    "approved without a review": ("district-approver", "approved", {}, "project_status_order"),
    "suspended before its approval": ("district-approver", "suspended", {}, "project_status_order"),
    "reviewed by a maker": ("poverty-maker", "reviewed", {}, "project_decider"),
    "reviewed by the finance bureau": ("district-approver", "reviewed", {}, "project_reviewer"),
    "reviewed by a township": ("township-approver", "reviewed", {}, "project_reviewer"),
    "reviewed by the city": ("city-approver", "reviewed", {}, "project_decider"),
    "reviewed for another amount": ("poverty-approver", "reviewed", {"planned_amount": 1}, "project_content_fixed"),
    "reviewed for another village": ("poverty-approver", "reviewed", {"village_code": VILLAGE}, "project_content_fixed"),
    "reviewed in another unit's name": ("poverty-approver", "reviewed", {"decided_by_unit_id": None}, "project_decider"),
    "reviewed under another code": ("poverty-approver", "reviewed", {"code": "P-other"}, "project_code_fixed"),
    "reviewed on another proposal's indicators": ("poverty-approver", "reviewed", {"proposed_version": 2}, "project_content_fixed"),
    "left without a reason": ("poverty-approver", "left", {}, "project_reason"),
}  # fmt: skip


@pytest.mark.parametrize("name", DECISIONS)
async def test_a_decision_that_breaks_a_rule_is_refused(name: str, world: World) -> None:
    who, status, fields, rule = DECISIONS[name]
    row = await proposed(world)
    assert await refused_by(world.service, "project", by(row, world.who(who), status, 2, **fields)) == rule


async def test_a_villages_project_is_reviewed_by_its_own_township_only(world: World) -> None:
    row = await proposed(world, village_code=VILLAGE)
    rule = await refused_by(world.service, "project", by(row, world.who("poverty-approver"), "reviewed", 2))
    assert rule == "project_reviewer"
    await insert(world.service, "project", by(row, world.who("township-approver"), "reviewed", 2))


async def test_one_person_is_never_two_of_proposer_reviewer_and_approver(world: World) -> None:
    like = world.who("poverty-maker")
    staff = await add_staff(world.owner, DISTRICT, like.unit_id, "全能", ("maker", "approver"))
    both = Caller(DISTRICT, staff, like.unit_id, "poverty_office", "全能", frozenset())
    row = await proposed(world, recorded_by=staff, proposing_unit_id=like.unit_id)
    assert await refused_by(world.service, "project", by(row, both, "reviewed", 2)) == "project_duties"
    await insert(world.service, "project", by(row, world.who("poverty-approver"), "reviewed", 2))
    for who in (both, world.who("poverty-approver")):
        assert await refused_by(world.service, "project", by(row, who, "approved", 3)) == "project_duties"
    await insert(world.service, "project", by(row, world.who("district-approver"), "approved", 3))
    await insert(world.service, "project", by(row, both, "suspended", 4))
    assert await refused_by(world.service, "project", by(row, both, "approved", 5)) == "project_duties"


async def test_without_indicator_or_with_other_sums_a_proposal_goes_no_further(world: World) -> None:
    row = world.proposal(new_id())
    reviewer = world.who("poverty-approver")
    await insert(world.service, "project", row)
    assert await refused_by(world.service, "project", by(row, reviewer, "reviewed", 2)) == "project_without_target"
    key = {"book": DISTRICT, "project_id": row["project_id"], "version": 1}
    await insert(world.service, "project_indicator",
                 {**key, "indicator_no": 1, "kind": "quantity", "name": "户数", "target_value": 1, "unit": "户"})  # fmt: skip
    await insert(world.service, "project_financing", {**key, "fund_code": "targeted", "amount": 1})
    assert await refused_by(world.service, "project", by(row, reviewer, "reviewed", 2)) == "project_financing_sum"


async def test_nothing_is_added_to_a_proposal_that_went_on(world: World) -> None:
    project = await world.project()
    key = {"book": DISTRICT, "project_id": project, "version": 1}
    source = {**key, "fund_code": "donation", "amount": 1}
    indicator = {**key, "indicator_no": 2, "kind": "cost", "name": "成本", "target_value": 1, "unit": "元"}
    assert await refused_by(world.service, "project_financing", source) == "project_proposal_closed"
    assert await refused_by(world.service, "project_indicator", indicator) == "project_proposal_closed"


async def test_the_library_is_written_in_read_committed_only(world: World) -> None:
    async with world.service.transaction(isolation="repeatable_read"):
        with pytest.raises(asyncpg.ActiveSQLTransactionError):
            await insert(world.service, "project", world.proposal(new_id()))


async def funded(world: World, amount: int = 1_000_000, **fields: Any) -> tuple[UUID, UUID]:
    """A project with money; its allocation."""
    project, allocation = await world.project(**fields), await world.funded(amount)
    leg = Leg(amount, allocation_id=allocation, project_id=project)
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    return project, allocation


async def newest(world: World, project: UUID) -> Row:
    row = await world.service.fetchrow("SELECT * FROM project_current WHERE project_id = $1", project)
    assert row is not None
    return {key: value for key, value in dict(row).items() if key != "recorded_at"}


async def test_a_project_with_money_stays_and_one_that_left_takes_nothing_more(world: World) -> None:
    rich, _ = await funded(world)
    poor = await world.project()
    for project, rule in ((rich, "project_has_money"), (poor, None)):
        row = by(await newest(world, project), world.who("district-approver"), "left", 4, reason="不再实施")
        if rule is not None:
            assert await refused_by(world.service, "project", row) == rule
            continue
        await insert(world.service, "project", row)
        assert await refused_by(world.service, "project", {**row, "version": 5}) == "project_has_left"


async def test_money_and_leaving_wait_for_each_other(world: World, second: Connection) -> None:
    project, allocation = await world.project(), await world.funded(1_000_000)
    leg = Leg(1_000_000, allocation_id=allocation, project_id=project)
    drafted = await world.draft(DISTRICT, "fund", [leg])
    leaving = by(await newest(world, project), world.who("poverty-approver"), "left", 4, reason="不再实施")
    transaction = second.transaction()
    await transaction.start()
    await insert(second, "project", leaving)
    posting = asyncio.create_task(world.post(DISTRICT, drafted))
    await asyncio.sleep(0.3)
    assert not posting.done()
    await transaction.commit()
    with pytest.raises(FundledgerError) as caught:
        await posting
    assert codes_of(caught.value) == {"project-not-approved"}


async def test_a_project_is_funded_from_its_sources_up_to_what_each_is_planned_to_give(world: World) -> None:
    project = await world.project(planned_amount=10_000)  # 5,000 of the factor fund; see builders.parts
    allocation = await world.funded(20_000)
    leg = Leg(5_001, allocation_id=allocation, project_id=project)
    with pytest.raises(FundledgerError) as caught:
        await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    assert codes_of(caught.value) == {"financing-exceeded"}
    leg = Leg(5_000, allocation_id=allocation, project_id=project)
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    leg = Leg(1, allocation_id=allocation, project_id=project)
    with pytest.raises(FundledgerError) as caught:
        await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    assert caught.value.faults[0].params["excess"] == "0.01"


async def test_a_fund_that_is_no_source_funds_nothing(world: World) -> None:
    row = world.proposal(new_id())
    key = {"book": DISTRICT, "project_id": row["project_id"], "version": 1}
    indicator = {**key, "indicator_no": 1, "kind": "quantity", "name": "户数", "target_value": 1, "unit": "户"}
    await world.service.execute(
        insertion("project", row) + insertion("project_indicator", indicator)
        + insertion("project_financing", {**key, "fund_code": "targeted", "amount": row["planned_amount"]})
        + decisions(row, await world.deciders(row)) + notices(row)
    )  # fmt: skip
    allocation = await world.funded(100)
    leg = Leg(100, allocation_id=allocation, project_id=row["project_id"])
    with pytest.raises(FundledgerError) as caught:
        await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    assert codes_of(caught.value) == {"fund-not-in-financing"}


def objection(world: World, project: UUID, who: str, **fields: Any) -> Row:
    person = world.who(who)
    return {"book": DISTRICT, "objection_id": new_id(), "version": 1, "project_id": project, "state": "open", "matter": "重复建设",
            "document_no": "市扶办1号", "recorded_book": person.book, "recorded_by": person.staff_id, **fields}  # fmt: skip


async def test_the_city_objects_and_the_district_answers_and_payments_go_on(world: World) -> None:
    project, allocation = await funded(world)
    first = objection(world, project, "city-maker")
    await insert(world.service, "project_objection", first)
    for who in ("district-maker", "other-maker", "township-maker", "admin"):
        assert (
            await refused_by(world.service, "project_objection", objection(world, project, who)) == "project_objector"
        )
    lied = objection(world, project, "district-maker", recorded_book=CITY)
    assert await refused_by(world.service, "project_objection", lied) == "project_objector"
    await world.pay(await world.list_of(project, allocation, await world.persons(1)))
    answered = {**first, "version": 2, "state": "answered", "answer": "已核实，不重复"}
    for who in ("city-approver", "district-maker", "township-approver"):
        person = world.who(who)
        row = {**answered, "recorded_book": person.book, "recorded_by": person.staff_id}
        assert await refused_by(world.service, "project_objection", row) == "objection_answerer"
    person = world.who("poverty-approver")
    answered |= {"recorded_book": DISTRICT, "recorded_by": person.staff_id}
    rule = await refused_by(world.service, "project_objection", {**answered, "matter": "别的"})
    assert rule == "objection_subject_fixed"
    await insert(world.service, "project_objection", answered)
    assert await refused_by(world.service, "project_objection", {**answered, "version": 3}) == "objection_order"


async def test_an_objection_to_a_notice_is_answered_by_somebody_else(world: World) -> None:
    project = await world.project()
    notice = await world.service.fetchval("SELECT notice_id FROM notice WHERE subject_id = $1", project)
    first = {
        "book": DISTRICT, "objection_id": new_id(), "version": 1, "notice_id": notice, "subject_id": project,
        "received_on": date(2019, 2, 1), "kind": "amount", "received_by": "visit", "state": "open", "document_no": "异1号",
        "recorded_by": world.who("township-maker").staff_id,
    }  # fmt: skip
    service, table = world.service, "notice_objection"
    assert await refused_by(service, table, {**first, "subject_id": new_id()}) == "objection_notice"
    rejected = {**first, "state": "answered", "finding": "rejected"}
    assert await refused_by(service, table, rejected) == "objection_order"
    await insert(service, table, first)
    rejected |= {"version": 2}
    assert await refused_by(service, table, rejected) == "objection_answerer"
    answer = {**rejected, "recorded_by": world.who("township-approver").staff_id}
    assert await refused_by(service, table, {**answer, "received_on": date(2019, 2, 2)}) == "objection_subject_fixed"
    assert await refused_by(service, table, {**answer, "state": "mended", "finding": "upheld"}) == "objection_order"
    await insert(service, table, answer)
    assert await refused_by(service, table, {**answer, "version": 3}) == "objection_order"
    assert await service.fetchval("SELECT objection_stands($1, $2)", DISTRICT, project) is False


async def test_a_notice_shows_what_the_book_says_and_nothing_else(world: World) -> None:
    project = await world.project()
    year = await world.service.fetchval("SELECT annual_plan_id($1, 2019)", DISTRICT)
    allocation = await world.funded(500_000)
    maker, city = world.who("district-maker").staff_id, world.who("city-maker").staff_id
    cases: tuple[tuple[int, str, UUID, str, int, int | None, UUID, set[str]], ...] = (
        (DISTRICT, "project", project, "district", 100_000_000, None, maker, set()),
        (DISTRICT, "project", project, "district", 99_999_999, None, maker, {"published-amount-differs"}),
        (DISTRICT, "project", project, "city", 100_000_000, None, maker, {"notice-level-wrong"}),
        (DISTRICT, "project", project, "district", 100_000_000, None, world.who("district-payer").staff_id, {"maker-without-duty"}),
        (DISTRICT, "project", new_id(), "district", 1, None, maker, {"notice-subject-unknown"}),
        (DISTRICT, "annual_plan", year, "district", 100_000_000, 2019, maker, set()),
        (DISTRICT, "annual_plan", year, "district", 100_000_001, 2019, maker, {"published-amount-differs"}),
        (DISTRICT, "annual_plan", year, "district", 100_000_000, 2018, maker, {"notice-subject-unknown"}),
        (CITY, "allocation", allocation, "city", 500_000, None, city, set()),
        (DISTRICT, "allocation", allocation, "district", 500_000, None, maker, set()),
        (DISTRICT, "allocation", allocation, "city", 500_000, None, maker, {"notice-level-wrong"}),
        (CITY, "allocation", allocation, "city", 400_000, None, city, {"published-amount-differs"}),
    )  # fmt: skip
    for book, kind, subject, level, amount, fiscal_year, who, codes in cases:
        values = (book, new_id(), kind, subject, level, amount, who, fiscal_year)
        assert await codes_of_publishing(world, *values) == codes, (kind, level, amount)


async def codes_of_publishing(world: World, *values: Any) -> set[str]:
    """What refuses a notice, or nothing."""
    try:
        await world.service.execute(
            "SELECT publish_notice($1, $2, 1, $3, $4, $5, '栏', '2019-01-10', '2019-02-20', $6, '公示1号', $7, NULL, $8)",
            *values,
        )
    except asyncpg.PostgresError as refusal:
        return codes_of(refusal)
    return set()


async def test_a_notices_versions_keep_their_order_and_subject(world: World) -> None:
    project, other = await world.project(), await world.project()
    notice = await world.notice("project", project, 100_000_000)
    maker = world.who("district-maker").staff_id
    publish = "SELECT publish_notice($1, $2, $3, 'project', $4, 'village', '栏', '2019-01-10', '2019-02-20', 100000000, '公示2号', $5)"
    for version, subject, code in (
        (1, project, "version-taken"),
        (3, project, "version-taken"),
        (2, other, "record-identity-changed"),
    ):
        with pytest.raises(asyncpg.PostgresError) as caught:
            await world.service.execute(publish, DISTRICT, notice, version, subject, maker)
        assert codes_of(caught.value) == {code}
    await world.service.execute(publish, DISTRICT, notice, 2, project, maker)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [("2019-02-11", "2019-02-15", 5), ("2019-02-11", "2019-02-17", 5), ("2019-02-16", "2019-02-17", 0), ("2019-02-10", "2019-02-20", 8),
     ("2019-02-15", "2019-02-14", 0), ("2019-02-15", "2019-02-15", 1), ("2019-01-01", "2019-12-31", 261)],
)  # fmt: skip
async def test_working_days_are_monday_to_friday(world: World, first: str, last: str, days: int) -> None:
    found = await world.service.fetchval(
        "SELECT workdays_between($1, $2)", date.fromisoformat(first), date.fromisoformat(last)
    )
    assert found == days


def evaluation(world: World, project: UUID, **fields: Any) -> Row:
    return {"book": DISTRICT, "evaluation_id": new_id(), "version": 1, "project_id": project, "fiscal_year": 2019, "is_final": False,
            "state": "self", "score": 95, "conclusion": "完成", "document_no": "绩1号",
            "recorded_by": world.who("poverty-maker").staff_id, **fields}  # fmt: skip


async def test_a_project_evaluates_itself_and_somebody_else_reviews_it(world: World) -> None:
    project = await world.project()
    service, table = world.service, "project_evaluation"
    first = evaluation(world, project)
    result = {"state": "reviewed", "result": "good", "use_of_result": "优先安排"}
    assert await refused_by(service, table, {**first, **result}) == "evaluation_review_order"
    assert (
        await refused_by(service, table, {**first, "project_id": (await proposed(world))["project_id"]})
        == "evaluation_project"
    )
    await insert(service, table, first)
    part = {"book": DISTRICT, "evaluation_id": first["evaluation_id"], "version": 1, "actual_value": 50, "score": 95}
    assert await refused_by(service, f"{table}_indicator", {**part, "indicator_no": 2}) == "evaluation_indicator"
    await insert(service, f"{table}_indicator", {**part, "indicator_no": 1})
    reviewed = {**first, **result, "version": 2}
    assert await refused_by(service, table, reviewed) == "project_decider"
    reviewed |= {"recorded_by": world.who("district-approver").staff_id}
    assert await refused_by(service, table, {**reviewed, "score": 100}) == "evaluation_review_order"
    await insert(service, table, reviewed)
    assert (
        await refused_by(service, f"{table}_indicator", {**part, "version": 2, "indicator_no": 1})
        == "evaluation_indicator"
    )
