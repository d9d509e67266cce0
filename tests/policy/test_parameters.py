"""Policy parameters: what counts on a day, changed by two people of the city, also with the service's own SQL."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from fundledger.access.tokens import add_staff
from fundledger.db.migrate import migrations_dir
from fundledger.db.refusals import refusal_of
from fundledger.ids import new_id
from fundledger.sealing.records import Accounts, Ref, leaves
from tests.book.payment_case import SUBSIDY
from tests.builders import CITY, DISTRICT, World, insert
from tests.databases import Database, connected

FROM_2020 = date(2020, 1, 1)


async def proposed(world: World, *, by: str | UUID = "city-maker", **fields: Any) -> UUID:
    """A proposal, written as the service writes it."""
    proposal = new_id()
    await insert(world.service, "parameter_proposal", {
        "book": CITY, "proposal_id": proposal, "code": "publicity_days_district", "value": 43, "unit": "days",
        "valid_from": FROM_2020, "source": "武扶办〔2019〕9号 第三条",
        "proposed_by": world.who(by).staff_id if isinstance(by, str) else by, **fields,
    })  # fmt: skip
    return proposal


async def approve(world: World, proposal: UUID, *, by: str | UUID = "city-approver", sha: bytes | None = None) -> UUID:
    """Approve by hand, naming the right digest unless told otherwise."""
    digest = sha or await world.service.fetchval("SELECT parameter_digest($1, $2)", CITY, proposal)
    person = world.who(by).staff_id if isinstance(by, str) else by
    made: UUID = await world.service.fetchval(
        "SELECT approve_parameter($1, $2, $3, $4)", CITY, proposal, digest, person
    )
    return made


async def refused(world: World, proposal: UUID, **how: Any) -> set[str]:
    """The codes an approval is refused with; it must leave no version behind."""
    before = await world.service.fetchval("SELECT count(*) FROM parameter")
    with pytest.raises(asyncpg.PostgresError) as caught:
        await approve(world, proposal, **how)
    error = refusal_of(caught.value)
    assert error is not None, caught.value
    assert await world.service.fetchval("SELECT count(*) FROM parameter") == before
    return {fault.code for fault in error.faults}


async def value(world: World, code: str, day: date) -> int | None:
    found: int | None = await world.service.fetchval("SELECT parameter_value($1, $2)", code, day)
    return found


async def close_month(world: World, month: date, *, book: int = CITY, who: str = "city-approver") -> None:
    await world.service.execute(
        "SELECT gate_close_period($1, $2, $3, $4, '结1号')", book, month, new_id(), world.who(who).staff_id
    )


async def test_a_version_valid_from_2020_leaves_2019_as_it_was_at_the_gate(world: World) -> None:
    await approve(world, await proposed(world))
    of_2019 = await SUBSIDY.build(world)
    assert await of_2019.pay() == set()
    of_2020 = SUBSIDY.but(fund_year=2020, funded_on=date(2020, 2, 20), effective_on=date(2020, 3, 1))
    assert await (await of_2020.build(world)).pay() == {"project-not-published"}


async def test_versions_are_numbered_and_the_newest_that_is_valid_on_the_day_counts(world: World) -> None:
    code = "standard_labour_subsidy"
    await approve(world, await proposed(world, code=code, value=9_000, unit="fen"))
    await approve(world, await proposed(world, code=code, value=9_900, unit="fen", valid_to=date(2020, 6, 30)))
    rows = await world.service.fetch("SELECT version, value FROM parameter WHERE code = $1 ORDER BY version", code)
    assert [tuple(row) for row in rows] == [(1, 8_000), (2, 9_000), (3, 9_900)]
    for day, expected in ((date(2019, 12, 31), 8_000), (FROM_2020, 9_900), (date(2020, 7, 1), 9_000)):
        assert await value(world, code, day) == expected, day


async def test_a_new_code_brings_its_own_unit_and_a_known_one_keeps_its_own(world: World) -> None:
    assert await value(world, "straw_days", FROM_2020) is None
    await approve(world, await proposed(world, code="straw_days", value=0))
    assert await value(world, "straw_days", FROM_2020) == 0
    assert await refused(world, await proposed(world, code="straw_days", unit="workdays")) == {"parameter-unit-differs"}


async def test_who_decides_is_another_person_of_the_city_with_the_duty(world: World) -> None:
    both = await add_staff(world.owner, CITY, world.who("city-maker").unit_id, "全能", ("maker", "approver"))
    own = await proposed(world, by=both)
    assert await refused(world, own, by=both) == {"duties-not-separate"}
    for stranger in ("district-approver", "auditor", "admin", "city-maker"):
        codes = await refused(world, own, by=stranger)
        assert codes == {"approver-without-duty"}, stranger
    assert await refused(world, own, by=new_id()) == {"approver-without-duty"}
    assert await refused(world, await proposed(world, by="city-approver"), by=both) == {"maker-without-duty"}
    assert await refused(world, await proposed(world, by="auditor")) == {"maker-without-duty"}
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await proposed(world, by="district-maker")
    await approve(world, own)


async def test_exactly_what_was_seen_is_approved_and_once(world: World) -> None:
    proposal = await proposed(world)
    assert await refused(world, proposal, sha=bytes(32)) == {"content-changed"}
    await approve(world, proposal)
    assert await refused(world, proposal) == {"parameter-proposal-decided"}
    back = await proposed(world)
    approver = world.who("city-approver").staff_id
    await world.service.execute("SELECT reject_parameter($1, $2, $3, '依据不足')", CITY, back, approver)
    assert await refused(world, back) == {"parameter-proposal-decided"}
    assert "parameter-proposal-not-found" in await refused(world, new_id(), sha=bytes(32))


@pytest.mark.parametrize(
    ("closed", "fields", "passes"),
    [
        ("2019-03-01", {"valid_from": date(2019, 3, 31)}, False),
        ("2019-03-01", {"valid_from": date(2019, 1, 1)}, False),
        ("2019-03-01", {"valid_from": date(2019, 4, 1)}, True),
        ("2019-03-01", {"valid_from": date(2019, 1, 1), "valid_to": date(2019, 2, 28)}, True),
    ],
)
async def test_a_closed_month_is_final(closed: str, fields: dict[str, Any], passes: bool, world: World) -> None:
    await close_month(world, date.fromisoformat(closed))
    proposal = await proposed(world, **fields)
    if passes:
        await approve(world, proposal)
    else:
        assert await refused(world, proposal) == {"parameter-changes-closed-month"}


async def test_a_month_that_only_a_district_closed_is_final_too(world: World) -> None:
    await close_month(world, date(2020, 1, 1), book=DISTRICT, who="district-approver")
    assert await refused(world, await proposed(world)) == {"parameter-changes-closed-month"}


async def test_an_approval_and_a_close_at_the_same_time_do_not_both_get_the_month(world: World, db: Database) -> None:
    proposal = await proposed(world)
    async with connected(db.service_url) as other:
        transaction = other.transaction()
        await transaction.start()
        closer = world.who("city-approver").staff_id
        await other.execute("SELECT gate_close_period($1, $2, $3, $4, '结1号')", CITY, FROM_2020, new_id(), closer)
        waiting = asyncio.ensure_future(refused(world, proposal))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await transaction.commit()
        assert await waiting == {"parameter-changes-closed-month"}


@pytest.mark.parametrize(
    "fields",
    [
        {"value": -1}, {"unit": "percent", "value": 101}, {"valid_to": date(2019, 12, 31)}, {"unit": "yuan"}, {"source": ""},
        {"code": "x; DROP"}, {"book": DISTRICT}, {"valid_from": date.max},
    ],
    ids=str,
)  # fmt: skip
async def test_a_proposal_that_makes_no_sense_is_not_even_written(fields: dict[str, Any], world: World) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await proposed(world, **fields)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO parameter (code, version, value, unit, valid_from, source) VALUES ('x', 1, 1, 'days', '2020-01-01', 's')",
        "UPDATE parameter SET value = 1", "DELETE FROM parameter", "UPDATE parameter_proposal SET value = 1",
        "INSERT INTO parameter_approval VALUES (420100, gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid(), '', now())",
        "INSERT INTO parameter_rejection VALUES (420100, gen_random_uuid(), gen_random_uuid(), 'x', now())",
        "SELECT * FROM parameter_decision_faults(420100, gen_random_uuid(), gen_random_uuid())",
    ],
)  # fmt: skip
async def test_the_service_has_no_other_way_to_a_parameter(statement: str, world: World) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.service.execute(statement)


async def test_a_change_is_queued_for_the_log_and_its_leaf_names_both_people(world: World) -> None:
    made = await approve(world, await proposed(world))
    queued = await world.service.fetchrow("SELECT book, kind FROM log_queue WHERE record_id = $1", made)
    assert queued is not None
    assert tuple(queued) == (CITY, "parameter")
    leaf = (await leaves(world.service, [Ref(CITY, "parameter", made)], Accounts()))[0].data.decode()
    for person in ("city-maker", "city-approver"):
        assert str(world.who(person).staff_id) in leaf
    seed = await world.service.fetchval("SELECT parameter_id FROM parameter WHERE code = 'amount_max' AND version = 1")
    assert (
        "approver_id" not in (await leaves(world.service, [Ref(CITY, "parameter", seed)], Accounts()))[0].data.decode()
    )


async def test_of_two_approvals_at_once_each_gets_its_own_version(world: World, db: Database) -> None:
    made = [await proposed(world, value=20 + number) for number in range(4)]

    async def one(proposal: UUID) -> None:
        async with connected(db.service_url) as connection:
            await approve(World(connection, world.owner, world.people), proposal)

    await asyncio.gather(*(one(proposal) for proposal in made))
    rows = await world.service.fetch("SELECT version FROM parameter WHERE code = 'publicity_days_district' ORDER BY 1")
    assert [row["version"] for row in rows] == [1, 2, 3, 4, 5]


async def test_every_number_that_a_rule_names_is_there_with_its_source(world: World) -> None:
    rows = await world.service.fetch("SELECT code, unit, source FROM parameter")
    assert all(row["source"] for row in rows)
    used = await world.service.fetch(
        "SELECT DISTINCT standard_parameter AS code FROM programme UNION SELECT limit_parameter FROM exemption_rule "
        "UNION SELECT standard_parameter FROM fund UNION SELECT floor_parameter FROM fund"
    )
    assert {row["code"] for row in used if row["code"]} <= {row["code"] for row in rows}
    source = await world.service.fetchval(
        "SELECT string_agg(prosrc, ' ') FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    views = await world.service.fetchval("SELECT string_agg(definition, ' ') FROM pg_views WHERE schemaname = 'public'")
    named = set(re.findall(r"parameter_value\('([a-z_0-9]+)',", f"{source} {views}"))
    assert named
    assert named <= {row["code"] for row in rows}


async def test_each_of_the_eight_programmes_and_each_fund_outside_the_five_has_its_rows(world: World) -> None:
    rows = await world.service.fetch("SELECT DISTINCT category FROM programme")
    eight = {"industry", "health", "employment", "education", "housing", "minimum_living", "finance", "infrastructure"}
    assert eight <= {row["category"] for row in rows}
    outside = await world.service.fetch("SELECT fund_code, basis FROM fund WHERE outside_five")
    assert {tuple(row) for row in outside} == {
        (code, "received") for code in ("donation", "counterpart_aid", "party_fee", "collective_guide_fund")
    }


async def test_every_code_that_the_documentation_names_exists(world: World) -> None:
    text = (migrations_dir().parent / "docs" / "parameters.md").read_text(encoding="utf-8")
    table = text[text.index("| about |") :]
    codes = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+)+)`", table))
    rows = await world.service.fetch("SELECT code FROM parameter")
    assert len(codes) > 60
    assert codes - {row["code"] for row in rows} == set()
