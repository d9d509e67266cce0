"""The yearly village lists (M01, M02): the city's decision, in every district's book at once, version by version."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import fundledger
from fundledger.db.connection import Connection
from fundledger.registry.divisions import import_divisions, read_divisions
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, World
from tests.web import Api

LIST = Path(fundledger.__file__).parent / "demo" / "data" / "wuhan_divisions.csv"
PATH = f"/v1/books/{CITY}/village-lists"


@pytest.fixture
async def villages(world: World, superuser: Connection) -> list[str]:
    """The codes of the real villages, in an arbitrary but fixed order; the test world's own divisions make room."""
    await superuser.execute(
        "SET session_replication_role = replica; DELETE FROM division; RESET session_replication_role"
    )
    await import_divisions(world.service, read_divisions(LIST.read_bytes()), source="test")
    rows = await world.service.fetch("SELECT code FROM division WHERE level = 'village' ORDER BY md5(code)")
    return [row["code"] for row in rows]


def body(villages: list[str], **fields: Any) -> dict[str, Any]:
    """The M02 list of 2019."""
    return {"fund_code": "targeted", "fiscal_year": 2019, "document_no": "武扶组1号", "villages": villages, **fields}


def codes(answer: Any) -> list[tuple[str, str]]:
    """Each fault's code and pointer."""
    return [(fault["code"], fault["pointer"]) for fault in answer.json()["faults"]]


async def test_the_list_of_271_villages_reaches_every_district_at_once(api: Api, villages: list[str]) -> None:
    done = await api.post("city-maker", PATH, body(villages[:271]))
    assert done.status_code == 201, done.text
    assert (done.json()["version"], done.json()["village_count"]) == (1, 271)
    page = (await api.get("auditor", PATH, fund_code="targeted", fiscal_year=2019)).json()
    assert {row["village_code"] for row in page["villages"]} == set(villages[:271])
    own_path = f"/v1/books/{DISTRICT}/village-lists"
    own = (await api.get("district-maker", own_path, fund_code="targeted", fiscal_year=2019)).json()
    expected = {code for code in villages[:271] if code.startswith(str(DISTRICT))}
    assert {row["village_code"] for row in own["villages"]} == expected
    assert own["versions"][0]["village_count"] == len(expected)
    assert all(row["township_name"] for row in own["villages"])
    assert (await api.get("auditor", PATH, fund_code="targeted", fiscal_year=2018)).json()[
        "code"
    ] == "village-list-not-found"


async def test_another_number_than_271_needs_a_document(api: Api, world: World, villages: list[str]) -> None:
    refused = await api.post("city-maker", PATH, body(villages[:270]))
    assert (refused.status_code, refused.json()["code"]) == (409, "village-count-wrong")
    assert refused.json()["params"] == {"count": 270, "expected": 271}
    assert await world.service.fetchval("SELECT count(*) FROM village_list_version") == 0
    done = await api.post("city-maker", PATH, body(villages[:270], exception_document_no="特1号"))
    assert (done.status_code, done.json()["exception_document_no"]) == (201, "特1号")
    # M01 has no fixed number.
    assert (await api.post("city-maker", PATH, body(villages[:3], fund_code="public_affairs"))).status_code == 201


async def test_every_wrong_code_is_named_at_once(api: Api, world: World, villages: list[str]) -> None:
    wrong = ["420102001001", villages[0][:9], villages[0][:6] + "999999", villages[1]]
    refused = await api.post("city-maker", PATH, body([*villages[:271], *wrong]))
    assert (refused.status_code, refused.json()["code"]) == (409, "registry-refused")
    assert codes(refused) == [
        ("village-count-wrong", "/villages"), ("village-foreign", "/villages/271"),
        ("division-not-village", "/villages/272"), ("village-unknown", "/villages/273"),
        ("village-repeated", "/villages/274"),
    ]  # fmt: skip
    assert await world.service.fetchval("SELECT count(*) FROM village_list") == 0
    assert await world.service.fetchval("SELECT count(*) FROM refusal WHERE code = 'registry-refused'") == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"fund_code": "special_factor"}, "fund-not-per-village"), ({"fund_code": "gold"}, "fund-not-per-village"),
     ({"fiscal_year": 2021}, "standard-not-in-force"), ({"fiscal_year": 2015}, "standard-not-in-force"),
     ({"version": 2}, "version-taken")],
)  # fmt: skip
async def test_a_list_of_no_standard_or_out_of_turn_is_refused(
    api: Api, villages: list[str], fields: dict[str, Any], code: str
) -> None:
    refused = await api.post("city-maker", PATH, body(villages[:271], **fields))
    assert (refused.status_code, refused.json()["code"]) == (409, code)


@pytest.mark.parametrize("wrong", [["x"], [], ["4201170012001"], [420117001200]])
async def test_what_is_no_list_of_codes_is_malformed(api: Api, wrong: list[Any]) -> None:
    assert (await api.post("city-maker", PATH, body(wrong))).status_code == 422


async def test_a_new_version_replaces_the_whole_list_also_where_a_district_leaves_it(
    api: Api, world: World, villages: list[str]
) -> None:
    old = [code for code in villages if code.startswith((str(DISTRICT), str(OTHER_DISTRICT)))][:271]
    new = [code for code in villages if code.startswith(str(DISTRICT))][:271]
    assert {code[:6] for code in old} == {str(DISTRICT), str(OTHER_DISTRICT)}
    await api.post("city-maker", PATH, body(old))
    done = await api.post("city-maker", PATH, body(new, version=2, document_no="武扶组2号"))
    assert (done.status_code, done.json()["version"]) == (201, 2), done.text
    rows = await world.service.fetch("SELECT village_code FROM village_list_current")
    assert {row["village_code"] for row in rows} == set(new)
    left = (
        await api.get(
            "other-maker", f"/v1/books/{OTHER_DISTRICT}/village-lists", fund_code="targeted", fiscal_year=2019
        )
    ).json()
    assert (left["version"], left["villages"]) == (2, [])
    past = (await api.get("auditor", PATH, fund_code="targeted", fiscal_year=2019, version=1)).json()
    assert {row["village_code"] for row in past["villages"]} == set(old)


async def test_of_two_lists_at_once_one_wins(api: Api, world: World, villages: list[str]) -> None:
    answers = await asyncio.gather(
        *(api.post("city-maker", PATH, body(villages[number : number + 271])) for number in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"version-taken"}
    assert await world.service.fetchval("SELECT count(*) FROM village_list") == 271


async def test_the_same_key_answers_the_same_list_again(api: Api, world: World, villages: list[str]) -> None:
    first = await api.post("city-maker", PATH, body(villages[:271]), key="k")
    again = await api.post("city-maker", PATH, body(villages[:271]), key="k")
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, first.json(), "true")
    assert await world.service.fetchval("SELECT count(*) FROM village_list") == 271


async def test_a_district_makes_no_list(api: Api) -> None:
    district = f"/v1/books/{DISTRICT}/village-lists"
    for who, path in (
        ("district-maker", PATH),
        ("district-maker", district),
        ("city-approver", PATH),
        ("auditor", PATH),
    ):
        assert (await api.post(who, path, body(["420117001200"]))).status_code == 403


async def test_a_long_list_is_paged(api: Api, villages: list[str]) -> None:
    await api.post("city-maker", PATH, body(villages, fund_code="public_affairs"))
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await api.get("auditor", PATH, fund_code="public_affairs", fiscal_year=2019, **after)).json()
        seen += [row["village_code"] for row in page["villages"]]
        if page["next"] is None:
            break
        after = {"cursor": page["next"]}
    assert seen == sorted(villages)
