"""Resolving payment lists against a registry of the size of a district: what is found, and that indexes find it."""

from __future__ import annotations

import os

import pytest

from fundledger.db.connection import Connection
from fundledger.registry import as_of, divisions, persons, resolve, rosters
from fundledger.registry.resolve import resolve_households, resolve_persons
from tests.builders import DISTRICT, OTHER_DISTRICT, TODAY, VILLAGE, World

HOUSEHOLDS = 20_000


async def test_households_and_persons_are_found_in_their_own_book_only(world: World) -> None:
    (household, person), *_ = await world.persons(3)
    await world.persons(1, book=OTHER_DISTRICT, village="420116001200")
    row = await world.service.fetchrow("SELECT * FROM person WHERE person_id = $1", person)
    assert row is not None
    found = await resolve_households(world.service, DISTRICT, [str(household), str(household), "unknown"])
    assert found == {str(household): resolve.HouseholdRef(household, person, row["name_hash"])}
    known = await resolve_persons(world.service, DISTRICT, [row["identity_hash"], bytes(32)])
    assert known == {row["identity_hash"]: resolve.PersonRef(person, household, True, row["name_hash"])}
    assert await resolve_households(world.service, OTHER_DISTRICT, [str(household)]) == {}
    assert await resolve_persons(world.service, OTHER_DISTRICT, [row["identity_hash"]]) == {}


LOAD = """
INSERT INTO household (book, household_id, household_no, village_code, recorded_by)
SELECT {book}, gen_random_uuid(), 'L' || n, '{village}', '{staff}' FROM generate_series(1, {count}) n;
INSERT INTO person (book, person_id, household_id, is_head, identity_hash, name_hash, sealed, recorded_by)
SELECT book, gen_random_uuid(), household_id, true, sha256(household_id::text::bytea), sha256('name'), 'x', recorded_by
FROM household;
INSERT INTO registry_status (book, subject_id, valid_from, status, document_no, recorded_by)
SELECT book, household_id, '2018-01-01', 'registered', '1', recorded_by FROM household;
INSERT INTO roster_member (book, programme_code, payee_id, valid_from, action, document_no, recorded_by)
SELECT book, p, household_id, d, 'enrolled', '1', recorded_by FROM household,
    unnest('{{industry_award,housing_repair}}'::text[]) p, unnest('{{2018-01-01,2018-06-01}}'::date[]) d;
SELECT refresh_statistics('{{household,person,registry_status,roster_member}}');
"""


@pytest.fixture
async def large(world: World) -> World:
    """A district with a registry of 20,000 households, loaded with SQL."""
    staff = world.who("district-maker").staff_id
    await world.service.execute(LOAD.format(book=DISTRICT, village=VILLAGE, staff=staff, count=HOUSEHOLDS))
    return world


async def plan(connection: Connection, sql: str, *arguments: object) -> str:
    """The plan of a query."""
    return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {sql}", *arguments))


async def test_what_grows_with_the_registry_is_read_by_index(large: World) -> None:
    service = large.service
    some = ["L1", "L2", "L17"]
    household = await service.fetchval("SELECT household_id FROM household WHERE household_no = 'L5'")
    queries: list[tuple[str, tuple[object, ...]]] = [
        (resolve._HOUSEHOLDS, (DISTRICT, some)),
        (resolve._PERSONS, (DISTRICT, [os.urandom(32) for _ in some])),
        (persons._FIND, (DISTRICT, os.urandom(32))),
        (as_of._HOUSEHOLD, (DISTRICT, household, None)),
        (as_of._PERSONS, (DISTRICT, household)),
        (as_of._HISTORY, (DISTRICT, [household])),
        (as_of._ROSTERS, (DISTRICT, [household], TODAY)),
        (as_of._PAGE, (DISTRICT, "L5", None, 100)),
        (rosters._MEMBERS, (DISTRICT, "industry_award", TODAY, rosters.LAST_ID, 100)),
        (divisions._PAGE_OF_PARENT, (DISTRICT, "", None, 10, VILLAGE[:9])),
    ]
    for sql, arguments in queries:
        told = await plan(service, sql, *arguments)
        for table in ("household", "person", "registry_status", "roster_member"):
            assert f"Seq Scan on {table}" not in told, told
    # A page of a roster reads a page's rows and sorts nothing.
    assert "Sort" not in await plan(service, rosters._MEMBERS, DISTRICT, "industry_award", TODAY, rosters.LAST_ID, 100)


async def test_all_of_a_large_list_is_resolved_in_one_query(large: World) -> None:
    found = await resolve_households(large.service, DISTRICT, (f"L{number}" for number in range(HOUSEHOLDS + 100)))
    assert len(found) == HOUSEHOLDS
    rows = await large.service.fetch("SELECT identity_hash FROM person WHERE book = $1", DISTRICT)
    assert len(await resolve_persons(large.service, DISTRICT, (row["identity_hash"] for row in rows))) == len(rows)
