"""The registry and the policy over HTTP: uploads, as-of reads, rosters, organisations, parameters."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

import pytest

from fundledger.ids import new_id
from fundledger.registry.identity import synthetic_uscc
from tests.builders import DISTRICT, OTHER_DISTRICT, VILLAGE, World, insert
from tests.registry.files import file_of, identity, line, member
from tests.web import Api

HOUSEHOLDS = f"/v1/books/{DISTRICT}/households"
STATUSES = f"/v1/books/{DISTRICT}/statuses"
ROSTERS = f"/v1/books/{DISTRICT}/rosters"


async def register(api: Api, *lines: str, key: str | None = None) -> dict[str, Any]:
    """Import households as the district's maker."""
    answer = await api.post(
        "district-maker", f"{HOUSEHOLDS}/import", content=file_of(*lines), media="text/csv", key=key
    )
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def household(api: Api, number: int, **params: Any) -> dict[str, Any]:
    """A household by its number, read as the auditor."""
    page = (await api.get("auditor", HOUSEHOLDS, household_no=f"H{number:06d}")).json()
    answer = await api.get("auditor", f"{HOUSEHOLDS}/{page['items'][0]['household_id']}", **params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def codes(answer: Any) -> list[tuple[str, Any]]:
    """Each fault's code with its pointer, or its line."""
    return [(fault["code"], fault.get("pointer", fault.get("line"))) for fault in answer.json()["faults"]]


# Households and persons


async def test_a_file_of_households_is_registered_and_read_back_masked(api: Api) -> None:
    made = await register(api, line(1), member(2, 1), line(3, status="脱贫", status_on="2018-12-31"))
    assert (made["household_count"], made["person_count"], made["status_count"]) == (2, 3, 2)
    found = await household(api, 1)
    assert (found["status"], found["village_code"]) == ("registered", VILLAGE)
    assert [member["is_head"] for member in found["members"]] == [True, False]
    assert found["members"][0]["masked"] == {
        "name": "张**", "identity_number": f"999999{'*' * 10}{identity(1)[-2:]}", "card": f"{'*' * 15}0014",
    }  # fmt: skip
    assert identity(1) not in json.dumps(found)


async def test_a_preview_says_what_keeping_says_and_keeps_nothing(api: Api, world: World) -> None:
    path = f"{HOUSEHOLDS}/import?preview=true"
    preview = await api.post("district-maker", path, content=file_of(line(1)), media="text/csv", key="k")
    assert preview.status_code == 200, preview.text
    assert await world.service.fetchval("SELECT count(*) FROM household") == 0
    assert await world.service.fetchval("SELECT count(*) FROM idempotency") == 0
    kept = await register(api, line(1), key="k")
    assert {**preview.json(), "import_id": kept["import_id"]} == kept
    again = await api.post("district-maker", path, content=file_of(line(1)), media="text/csv")
    assert codes(again) == [("household-exists", 2), ("person-exists", 2)]


async def test_the_same_key_answers_the_first_import_again(api: Api, world: World) -> None:
    first = await register(api, line(1), key="k1")
    again = await api.post(
        "district-maker", f"{HOUSEHOLDS}/import", content=file_of(line(1)), media="text/csv", key="k1"
    )
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first, "true")
    other = await api.post(
        "district-maker", f"{HOUSEHOLDS}/import", content=file_of(line(2)), media="text/csv", key="k1"
    )
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-conflict")
    assert await world.service.fetchval("SELECT count(*) FROM household") == 1


async def test_the_same_file_twice_at_the_same_time_is_registered_once(api: Api, world: World) -> None:
    data = file_of(line(1), line(2))
    path = f"{HOUSEHOLDS}/import"
    answers = await asyncio.gather(
        *(api.post("district-maker", path, content=data, media="text/csv", key=key) for key in ("a", "b", "a"))
    )
    assert sorted(answer.status_code for answer in answers) in ([201, 201, 409], [201, 409, 409])
    assert await world.service.fetchval("SELECT count(*) FROM household") == 2


async def test_a_bad_file_names_every_line_and_registers_nothing(api: Api, world: World) -> None:
    await register(api, line(1), member(2, 1))
    data = file_of(
        line(1), line(10, identity=identity(2)), line(11, village_code="420116001200"),
        line(12, village_code="420117001"), line(13, village_code="420117999999"), line(14),
    )  # fmt: skip
    refused = await api.post("district-maker", f"{HOUSEHOLDS}/import", content=data, media="text/csv")
    assert (refused.status_code, refused.json()["code"]) == (409, "registry-refused")
    assert codes(refused) == [
        ("household-exists", 2), ("person-exists", 2), ("person-exists", 3), ("village-foreign", 4),
        ("division-not-village", 5), ("village-unknown", 6),
    ]  # fmt: skip
    assert await world.service.fetchval("SELECT count(*) FROM household") == 1
    kept = await world.service.fetchrow("SELECT code, detail FROM refusal")
    assert kept is not None
    assert kept["code"] == "registry-refused"
    told = refused.text + kept["detail"]
    assert not [text for text in (identity(1), identity(2), "张三丰", "13900000000") if text in told]


async def test_an_unreadable_file_is_malformed_and_not_kept_as_evidence(api: Api, world: World) -> None:
    data = file_of(line(1, identity="1"), line(2, village_code="420116001200"))
    refused = await api.post("district-maker", f"{HOUSEHOLDS}/import", content=data, media="text/csv")
    assert (refused.status_code, refused.json()["code"]) == (422, "request-invalid")
    assert codes(refused) == [("identity-malformed", 2), ("village-foreign", 3)]
    assert await world.service.fetchval("SELECT count(*) FROM refusal") == 0


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"{}", file_of(), b"\x00" * 100])
async def test_what_is_no_file_of_households_is_malformed(api: Api, data: bytes) -> None:
    refused = await api.post("district-maker", f"{HOUSEHOLDS}/import", content=data, media="text/csv")
    assert refused.status_code == 422, refused.text


async def test_only_makers_of_the_district_import(api: Api) -> None:
    for who, status in (("other-maker", 403), ("city-maker", 403), ("district-approver", 403), ("auditor", 403),
                        ("township-maker", 403), ("poverty-maker", 201)):  # fmt: skip
        answer = await api.post(who, f"{HOUSEHOLDS}/import", content=file_of(line(1)), media="text/csv")
        assert answer.status_code == status, (who, answer.text)
    assert (await api.get("other-maker", HOUSEHOLDS)).status_code == 403


async def test_households_are_paged_by_number_and_by_village(api: Api) -> None:
    await register(api, *(line(number) for number in range(1, 8)))
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await api.get("district-maker", HOUSEHOLDS, limit=3, village_code=VILLAGE, **after)).json()
        seen += [row["household_no"] for row in page["items"]]
        if page["next"] is None:
            break
        after = {"cursor": page["next"]}
    assert seen == [f"H{number:06d}" for number in range(1, 8)]
    assert (await api.get("district-maker", HOUSEHOLDS, cursor="x")).json()["code"] == "cursor-malformed"


async def test_a_person_is_found_by_identity_number_in_the_body(api: Api) -> None:
    await register(api, line(1), member(2, 1))
    path = f"/v1/books/{DISTRICT}/persons/lookup"
    found = await api.post("auditor", path, {"identity_number": identity(2).lower()})
    assert (found.json()["household_no"], found.json()["is_head"]) == ("H000001", False)
    missing = await api.post("auditor", path, {"identity_number": identity(3)})
    assert (missing.status_code, missing.json()["code"]) == (404, "person-not-found")
    assert identity(3) not in missing.text
    malformed = await api.post("auditor", path, {"identity_number": "1"})
    assert (malformed.status_code, malformed.json()["code"]) == (422, "identity-malformed")
    assert (await api.post("other-maker", path, {"identity_number": identity(2)})).status_code == 403


async def test_an_unknown_household_and_one_of_another_book_are_not_found(api: Api, world: World) -> None:
    await register(api, line(1))
    known = (await household(api, 1))["household_id"]
    for path in (f"{HOUSEHOLDS}/{new_id()}", f"/v1/books/{OTHER_DISTRICT}/households/{known}"):
        answer = await api.get("auditor", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "household-not-found")


# Statuses


def change(number: int, status: str, on: str, **fields: Any) -> dict[str, Any]:
    """A change of a household's status."""
    return {"household_no": f"H{number:06d}", "status": status, "status_on": on, "document_no": "变动1号", **fields}


async def test_a_status_holds_from_its_day_on_and_the_past_stays(api: Api) -> None:
    await register(api, line(1))
    done = await api.post(
        "poverty-maker", STATUSES, {"changes": [change(1, "exited", "2018-11-30"), change(1, "relapsed", "2019-02-01")]}
    )
    assert done.status_code == 201, done.text
    for day, status in (("2017-12-31", None), ("2018-01-01", "registered"), ("2018-11-29", "registered"),
                        ("2018-11-30", "exited"), ("2019-01-31", "exited"), ("2019-02-01", "relapsed")):  # fmt: skip
        assert (await household(api, 1, on=day))["status"] == status, day
    assert (await household(api, 1))["status"] == "relapsed"


async def test_a_correction_is_the_next_version_of_the_same_day(api: Api) -> None:
    await register(api, line(1))
    first = {"changes": [change(1, "exited", "2018-11-30")]}
    assert (await api.post("district-maker", STATUSES, first)).status_code == 201
    refused = await api.post("district-maker", STATUSES, {"changes": [change(1, "removed", "2018-11-30")]})
    assert (refused.status_code, refused.json()["code"]) == (409, "status-version-taken")
    assert (codes(refused), refused.json()["params"]) == (
        [("status-version-taken", "/changes/0/version")],
        {"expected": 2},
    )
    skipped = await api.post("district-maker", STATUSES, {"changes": [change(1, "removed", "2018-11-30", version=3)]})
    assert skipped.json()["code"] == "status-version-taken"
    assert (
        await api.post("district-maker", STATUSES, {"changes": [change(1, "removed", "2018-11-30", version=2)]})
    ).status_code == 201
    found = await household(api, 1, on="2018-12-01")
    assert found["status"] == "removed"
    assert [(row["status"], row["superseded"]) for row in found["history"]] == [
        ("registered", False), ("exited", True), ("removed", False),
    ]  # fmt: skip


async def test_a_person_who_died_has_a_status_of_its_own(api: Api) -> None:
    await register(api, line(1), member(2, 1))
    dead = {"identity_number": identity(2), "status": "deceased", "status_on": "2018-06-01", "document_no": "注销1号"}
    assert (await api.post("district-maker", STATUSES, {"changes": [dead]})).status_code == 201
    found = await household(api, 1)
    assert [(member["is_head"], member["status"]) for member in found["members"]] == [
        (True, "registered"),
        (False, "deceased"),
    ]
    assert found["status"] == "registered"


async def test_faults_of_statuses_come_at_once_with_their_pointers(api: Api, world: World) -> None:
    await register(api, line(1))
    changes = [
        change(9, "exited", "2018-11-30"), change(1, "exited", "2018-11-30"), change(1, "removed", "2018-11-30"),
        change(1, "exited", "2999-01-01"), {**change(1, "exited", "2018-12-01"), "identity_number": identity(1)},
        {**change(1, "exited", "2018-12-01"), "household_no": None, "identity_number": identity(8)},
    ]  # fmt: skip
    refused = await api.post("district-maker", STATUSES, {"changes": changes})
    assert refused.status_code == 422, refused.text
    assert codes(refused) == [
        ("household-unknown", "/changes/0/household_no"), ("subject-repeated", "/changes/2"),
        ("date-in-future", "/changes/3/status_on"), ("subject-missing", "/changes/4"),
        ("person-unknown", "/changes/5/identity_number"),
    ]  # fmt: skip
    assert await world.service.fetchval("SELECT count(*) FROM registry_status") == 1


async def test_statuses_come_as_csv_too(api: Api) -> None:
    await register(api, line(1), line(2))
    data = "户编号,身份证号,状态,状态日期,文号\nH000001,,脱贫,2018年11月30日,脱贫1号\n,{},死亡,2018/12/1,注销1号\n"
    answer = await api.post(
        "district-maker", f"{STATUSES}/import", content=data.format(identity(2)).encode("gb18030"), media="text/csv"
    )
    assert (answer.status_code, answer.json()["status_count"]) == (201, 2), answer.text
    assert (await household(api, 1))["status"] == "exited"
    bad = "户编号,状态,状态日期,文号\nH000009,脱贫,2018-11-30,1号\nH000001,好,2018-11-30,1号\n"
    refused = await api.post("district-maker", f"{STATUSES}/import", content=bad.encode(), media="text/csv")
    assert codes(refused) == [("household-unknown", 2), ("status-unknown", 3)]


async def test_one_status_of_a_day_wins_when_two_are_recorded_at_once(api: Api, world: World) -> None:
    await register(api, line(1))
    answers = await asyncio.gather(
        *(
            api.post("district-maker", STATUSES, {"changes": [change(1, status, "2018-11-30")]})
            for status in ("exited", "removed")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await world.service.fetchval("SELECT count(*) FROM registry_status WHERE valid_from = '2018-11-30'") == 1


# Rosters


def roster(action: str, on: str, *members: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A change of a roster."""
    return {"action": action, "valid_from": on, "document_no": "花名册1号", "members": list(members), **fields}


async def test_a_roster_is_read_as_of_a_date(api: Api) -> None:
    await register(api, *(line(number) for number in range(1, 6)))
    path = f"{ROSTERS}/industry_award"
    everybody = [{"household_no": f"H{number:06d}"} for number in range(1, 6)]
    assert (await api.post("district-maker", path, roster("enrolled", "2018-03-01", *everybody))).status_code == 201
    assert (await api.post("district-maker", path, roster("struck_off", "2018-09-01", everybody[0]))).status_code == 201
    for day, number in (("2018-02-28", 0), ("2018-03-01", 5), ("2018-08-31", 5), ("2018-09-01", 4)):
        page = (await api.get("auditor", path, on=day)).json()
        assert len(page["members"]) == number, day
    first = (await api.get("auditor", path, limit=3)).json()
    rest = (await api.get("auditor", path, limit=3, cursor=first["next"])).json()
    assert {row["household_no"] for row in first["members"] + rest["members"]} == {f"H{n:06d}" for n in range(2, 6)}
    assert rest["next"] is None
    assert (await household(api, 2))["rosters"][0]["programme_code"] == "industry_award"


async def test_a_programme_for_persons_lists_persons(api: Api) -> None:
    await register(api, line(1), member(2, 1))
    path = f"{ROSTERS}/labour_subsidy"
    refused = await api.post(
        "district-maker",
        path,
        roster("enrolled", "2018-03-01", {"household_no": "H000001"}, {"identity_number": identity(1)}),
    )
    assert (refused.status_code, codes(refused)) == (409, [("roster-member-kind", "/members/0/household_no")])
    done = await api.post("district-maker", path, roster("enrolled", "2018-03-01", {"identity_number": identity(2)}))
    assert done.status_code == 201, done.text
    page = (await api.get("auditor", path)).json()
    assert [row["household_no"] for row in page["members"]] == ["H000001"]


async def test_only_a_member_is_struck_off_and_a_day_is_corrected_by_its_version(api: Api) -> None:
    await register(api, line(1), line(2))
    path, one, two = f"{ROSTERS}/industry_award", {"household_no": "H000001"}, {"household_no": "H000002"}
    await api.post("district-maker", path, roster("enrolled", "2018-03-01", one))
    refused = await api.post("district-maker", path, roster("struck_off", "2018-09-01", one, two))
    assert (refused.status_code, codes(refused)) == (409, [("roster-not-enrolled", "/members/1")])
    assert (await api.get("auditor", path)).json()["members"] != []
    taken = await api.post("district-maker", path, roster("struck_off", "2018-03-01", one))
    assert taken.json()["code"] == "roster-version-taken"
    done = await api.post("district-maker", path, roster("struck_off", "2018-03-01", {**one, "version": 2}))
    assert done.status_code == 201, done.text
    assert (await api.get("auditor", path)).json()["members"] == []


async def test_a_roster_comes_as_csv_too(api: Api) -> None:
    await register(api, line(1), line(2))
    rows = [f"H00000{number},列入,2018-03-01,花1号" for number in (1, 2, 9)]
    data = "\n".join(["户编号,动作,生效日期,文号", *rows])
    path = f"{ROSTERS}/industry_award/import"
    refused = await api.post("district-maker", path, content=data.encode(), media="text/csv")
    assert codes(refused) == [("household-unknown", 4)]
    good = data.rpartition("\n")[0].encode()
    preview = await api.post("district-maker", f"{path}?preview=true", content=good, media="text/csv")
    done = await api.post("district-maker", path, content=good, media="text/csv")
    assert (preview.status_code, done.status_code) == (200, 201)
    assert done.json()["member_count"] == preview.json()["member_count"] == 2


async def test_a_programme_without_a_roster_is_refused(api: Api) -> None:
    for programme in ("rural_works", "no_such"):
        answer = await api.post(
            "district-maker", f"{ROSTERS}/{programme}", roster("enrolled", "2018-03-01", {"household_no": "H1"})
        )
        assert answer.json()["code"] == "programme-without-roster"


# Organisations


def organisation(number: int, **fields: Any) -> dict[str, Any]:
    """A village collective."""
    code = synthetic_uscc(number)
    return {
        "kind": "village_collective",
        "name": f"第{number}村合作社",
        "credit_code": code,
        "account": "1234 5678 9012 3456",
        **fields,
    }


async def test_an_organisation_is_recorded_once_with_its_account_masked(api: Api, world: World) -> None:
    path = f"/v1/books/{DISTRICT}/organisations"
    made = await api.post("district-maker", path, organisation(1), key="k")
    assert (made.status_code, made.json()["account"]) == (201, "*" * 12 + "3456"), made.text
    again = await api.post("district-maker", path, organisation(1), key="k")
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (made.json(), "true")
    twice = await api.post("district-maker", path, organisation(1, credit_code=synthetic_uscc(1).lower()))
    assert (twice.status_code, twice.json()["code"]) == (409, "organisation-exists")
    assert (
        await api.post("other-maker", f"/v1/books/{OTHER_DISTRICT}/organisations", organisation(1))
    ).status_code == 201
    stored = await world.service.fetchval("SELECT account_sealed FROM organisation WHERE book = $1", DISTRICT)
    assert b"3456" not in stored


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({"credit_code": "91999999000000001A"}, ["uscc-checksum"]), ({"credit_code": "1"}, ["uscc-malformed"]),
     ({"account": "abc"}, ["account-malformed"]),
     ({"credit_code": "1", "account": "1"}, ["account-malformed", "uscc-malformed"]),
     ({"kind": "person"}, ["field-invalid"]), ({"name": " "}, ["text-unreadable"]),
     ({"colour": "red"}, ["field-unknown"])],
)  # fmt: skip
async def test_an_organisation_that_cannot_be_is_refused(api: Api, fields: dict[str, str], expected: list[str]) -> None:
    answer = await api.post("district-maker", f"/v1/books/{DISTRICT}/organisations", organisation(1, **fields))
    assert answer.status_code == 422, answer.text
    assert sorted(fault["code"] for fault in answer.json()["faults"]) == expected


async def test_organisations_are_paged_filtered_and_found(api: Api) -> None:
    path = f"/v1/books/{DISTRICT}/organisations"
    for number in range(5):
        kind = "supplier" if number == 4 else "village_collective"
        await api.post("district-maker", path, organisation(number, kind=kind))
    first = (await api.get("auditor", path, limit=3)).json()
    rest = (await api.get("auditor", path, limit=3, cursor=first["next"])).json()
    names = [row["name"] for row in first["items"] + rest["items"]]
    assert names == [f"第{number}村合作社" for number in range(5)]
    assert len((await api.get("auditor", path, kind="supplier")).json()["items"]) == 1
    one = (await api.get("auditor", path, credit_code=synthetic_uscc(2))).json()["items"][0]
    assert (await api.get("auditor", f"{path}/{one['organisation_id']}")).json() == one
    missing = await api.get("auditor", f"/v1/books/{OTHER_DISTRICT}/organisations/{one['organisation_id']}")
    assert (missing.status_code, missing.json()["code"]) == (404, "organisation-not-found")


# Divisions and policy


async def test_divisions_are_listed_by_level_and_parent(api: Api) -> None:
    path = f"/v1/books/{DISTRICT}/divisions"
    every = (await api.get("district-maker", path)).json()["items"]
    assert [row["level"] for row in every] == ["district", "township", "village"]
    below = (await api.get("district-maker", path, parent=VILLAGE[:9])).json()["items"]
    assert [row["code"] for row in below] == [VILLAGE]
    assert (await api.get("district-maker", f"{path}/{VILLAGE}")).json()["book"] == str(DISTRICT)
    assert (await api.get("district-maker", f"{path}/420117999999")).json()["code"] == "division-not-found"


async def test_parameters_are_told_with_all_versions_or_as_of_a_day(api: Api, world: World) -> None:
    await insert(world.owner, "parameter", {
        "code": "village_count_targeted", "version": 2, "value": 270, "unit": "count", "valid_from": date(2019, 1, 1),
        "source": "test",
    })  # fmt: skip
    every = (await api.get("township-maker", "/v1/parameters")).json()["parameters"]
    assert [row["value"] for row in every if row["code"] == "village_count_targeted"] == ["271", "270"]
    assert [row["value"] for row in every if row["code"] == "village_standard_targeted"] == ["200000.00"]
    for day, value in (("2018-12-31", ["271"]), ("2019-01-01", ["270"]), ("2015-12-31", [])):
        rows = (await api.get("auditor", "/v1/parameters", on=day)).json()["parameters"]
        assert [row["value"] for row in rows if row["code"] == "village_count_targeted"] == value, day
        assert len(rows) == len({row["code"] for row in rows})


@pytest.mark.parametrize(
    ("path", "key", "known"),
    [
        ("funds", "fund_code", {"public_affairs", "targeted", "district_increment", "donation", "party_fee"}),
        ("programmes", "programme_code", {"housing_repair", "rural_works", "medical_aid", "donation_relief"}),
        ("exemption-rules", "exemption_code", {"household_subsidy", "below_threshold", "insurance_and_interest"}),
        ("negative-list", "code", {f"N{number}" for number in range(1, 11)}),
    ],
)
async def test_the_reference_lists_are_told_whole(api: Api, world: World, path: str, key: str, known: set[str]) -> None:
    rows = (await api.get("inspector", f"/v1/{path}")).json()
    table = path.removesuffix("s").replace("-", "_")
    assert len(rows) == await world.service.fetchval(f"SELECT count(*) FROM {table}")
    assert known <= {row[key] for row in rows}
    assert all(row[key] for row in rows)
    assert (await api.get(None, f"/v1/{path}")).status_code == 401
