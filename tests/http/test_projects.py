"""The district's records of the five-to-district over HTTP: officers, library, procurement, acceptance, notices."""

from __future__ import annotations

import hashlib
import os
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from tests.budget.calls import draft, heading, refused
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, VILLAGE, World, insert
from tests.web import Api

BOOK = f"/v1/books/{DISTRICT}"
DOCUMENT = "材料".encode()
SHA = hashlib.sha256(DOCUMENT).hexdigest()


async def made(answer: Any) -> dict[str, Any]:
    """The body of an answer that made a record."""
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def officer(world: World, **fields: Any) -> dict[str, Any]:
    return {"name": "张三", "unit_id": str(world.who("district-maker").unit_id), "role": "accountable",
            "valid_from": "2019-01-01", "document_no": "任1号", **fields}  # fmt: skip


async def test_a_term_of_office_ends_by_a_new_version_and_the_gate_knows(api: Api, world: World) -> None:
    first = await made(await api.post("district-maker", f"{BOOK}/officers", officer(world)))
    path = f"{BOOK}/officers/{first['officer_id']}"
    ended = await made(
        await api.post("district-maker", f"{path}/versions", officer(world, version=2, valid_to="2019-02-28"))
    )
    assert (ended["version"], ended["valid_to"]) == (2, "2019-02-28")
    history = (await api.get("auditor", path)).json()
    assert [(row["version"], row["valid_to"]) for row in history] == [(1, None), (2, "2019-02-28")]
    for on, there in (("2019-02-28", True), ("2019-03-01", False), ("2018-12-31", False)):
        page = (await api.get("auditor", f"{BOOK}/officers", on=on)).json()
        assert (first["officer_id"] in [row["officer_id"] for row in page["items"]]) is there, on
    allocation, project = await world.funded(), await world.project()
    lines = [{"allocation_id": str(allocation), "amount": "1.00"}]
    body = heading(world, DISTRICT, officer_id=first["officer_id"], project_id=str(project), lines=lines)
    drafted = await draft(api, "/fundings", body, book=DISTRICT)
    assert refused(await api.approve("district-approver", DISTRICT, drafted)) == {"officer-not-in-office"}
    body = {**body, "effective_on": "2019-02-28"}
    # In office that day; but the money was not there yet.
    answer = await api.approve("district-approver", DISTRICT, await draft(api, "/fundings", body, book=DISTRICT))
    assert "officer-not-in-office" not in refused(answer)


async def test_an_officers_record_is_refused_with_its_reason(api: Api, world: World) -> None:
    path = f"{BOOK}/officers"
    reversed_dates = officer(world, valid_to="2018-12-31")
    assert refused(await api.post("district-maker", path, reversed_dates)) == {"dates-reversed"}
    foreign = officer(world, unit_id=str(world.who("other-maker").unit_id))
    assert refused(await api.post("district-maker", path, foreign)) == {"reference-unknown"}
    first = await made(await api.post("district-maker", path, officer(world)))
    versions = f"{path}/{first['officer_id']}/versions"
    for version in (1, 3):
        assert refused(await api.post("district-maker", versions, officer(world, version=version))) == {"version-taken"}
    changed = officer(world, version=2, role="supervising")
    assert refused(await api.post("district-maker", versions, changed)) == {"record-identity-changed"}
    unknown = f"{path}/{new_id()}/versions"
    assert refused(await api.post("district-maker", unknown, officer(world, version=2))) == {"record-not-found"}
    for text in ("", " ", "a\0b", "a" * 501):
        assert (await api.post("district-maker", path, officer(world, name=text))).status_code == 422, text


async def test_officers_are_listed_page_by_page(api: Api, world: World) -> None:
    for _ in range(3):
        await made(
            await api.post(
                "city-maker", f"/v1/books/{CITY}/officers", officer(world, unit_id=str(world.who("city-maker").unit_id))
            )
        )
    found: list[str] = []
    cursor = None
    while True:
        page = (
            await api.get("auditor", f"/v1/books/{CITY}/officers", limit=2, **({"cursor": cursor} if cursor else {}))
        ).json()
        found += [row["officer_id"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(found) == len(set(found)) == 5


def proposal(world: World, **fields: Any) -> dict[str, Any]:
    return {"code": "P-1", "name": "道路", "programme_code": "rural_works", "village_code": VILLAGE,
            "nature": "new_works", "place": "村东", "location_kind": "rural", "planned_start": "2019-01-01",
            "planned_end": "2019-12-31", "responsible_unit_id": str(world.who("poverty-maker").unit_id),
            "managing_unit_id": str(world.who("poverty-maker").unit_id), "task": "硬化道路2公里", "households": 60,
            "persons": 180, "participation_mechanism": "优先吸纳贫困户务工", "performance_target": "硬化道路2公里",
            "indicators": [{"kind": "quantity", "name": "道路里程", "target_value": "2.0", "unit": "公里"}],
            "planned_amount": "500000.00", "document_no": "区扶办1号",
            "financing": [{"fund_code": "special_factor", "amount": fields.get("planned_amount", "500000.00")}],
            **fields}  # fmt: skip


async def proposed(api: Api, **fields: Any) -> str:
    body = proposal(api.world, **fields)
    return str((await made(await api.post("township-maker", f"{BOOK}/projects", body)))["project_id"])


async def decide(api: Api, project: str, verb: str, version: int, who: str = "poverty-approver", **options: Any) -> Any:
    body = {"version": version, "document_no": "批1号", **({"reason": "无法实施"} if verb == "leave" else {})}
    return await api.post(who, f"{BOOK}/projects/{project}/{verb}", body, **options)


async def reviewed(api: Api, project: str, version: int = 2) -> str:
    await made(await decide(api, project, "review", version, "township-approver"))
    return project


async def approved(api: Api, **fields: Any) -> str:
    project = await reviewed(api, await proposed(api, **fields))
    await made(await decide(api, project, "approve", 3))
    return project


async def test_a_project_is_proposed_reviewed_approved_suspended_and_leaves(api: Api, world: World) -> None:
    project = await proposed(api)
    steps = [("review", "reviewed"), ("approve", "approved"), ("suspend", "suspended"), ("approve", "approved"),
             ("leave", "left")]  # fmt: skip
    people = [
        "township-approver", "poverty-approver", "district-approver", "poverty-approver", "district-approver"
    ]  # fmt: skip
    for number, ((verb, status), who) in enumerate(zip(steps, people, strict=True), start=2):
        row = await made(await decide(api, project, verb, number, who))
        assert (row["status"], row["version"]) == (status, number)
        assert row["decided_by_unit_id"] == str(world.who(who).unit_id)
    history = (await api.get("auditor", f"{BOOK}/projects/{project}")).json()
    assert [row["status"] for row in history] == ["proposed", "reviewed", "approved", "suspended", "approved", "left"]
    assert [row["reason"] for row in history] == [None] * 5 + ["无法实施"]
    assert {row["category"] for row in history} == {"infrastructure"}
    assert {row["planned_amount"] for row in history} == {"500000.00"}
    assert refused(await decide(api, project, "approve", 7)) == {"project-left"}
    again = await api.post("township-maker", f"{BOOK}/projects/{project}/versions", proposal(world, version=7))
    assert refused(again) == {"project-left"}


async def test_a_change_of_an_approved_project_has_to_be_approved_again(api: Api, world: World) -> None:
    project = await approved(api)
    changed = proposal(world, version=4, planned_amount="900000.00")
    row = await made(await api.post("township-maker", f"{BOOK}/projects/{project}/versions", changed))
    assert (row["status"], row["decided_by_unit_id"]) == ("proposed", None)
    allocation = await world.funded()
    lines = [{"allocation_id": str(allocation), "amount": "1.00"}]
    drafted = await draft(api, "/fundings", heading(world, DISTRICT, project_id=project, lines=lines), book=DISTRICT)
    assert refused(await api.approve("district-approver", DISTRICT, drafted)) == {"project-not-approved"}
    await made(await decide(api, await reviewed(api, project, 5), "approve", 6))
    assert (await api.approve("district-approver", DISTRICT, drafted)).status_code == 200


async def test_who_proposes_does_not_approve(api: Api, world: World, owner: Any) -> None:
    both = world.who("poverty-maker").staff_id
    # A person with both duties, as a small district may have: still two people.
    await owner.execute("ALTER TABLE staff DISABLE TRIGGER staff_append_only")
    await owner.execute("UPDATE staff SET duties = '{maker,approver}' WHERE staff_id = $1", both)
    project = str((await made(await api.post("poverty-maker", f"{BOOK}/projects", proposal(world))))["project_id"])
    await reviewed(api, project)
    assert refused(await decide(api, project, "approve", 3, "poverty-maker")) == {"duties-not-separate"}
    await made(await decide(api, project, "approve", 3, "poverty-approver"))
    await made(await decide(api, project, "suspend", 4, "district-approver"))
    # Neither the proposer nor the one who suspended it brings it back.
    for who in ("poverty-maker", "district-approver"):
        assert refused(await decide(api, project, "approve", 5, who)) == {"duties-not-separate"}
    await made(await decide(api, project, "approve", 5, "poverty-approver"))


async def test_the_city_and_other_districts_do_not_approve_a_project(api: Api, world: World) -> None:
    project = await reviewed(api, await proposed(api))
    for who, code in (
        ("city-approver", "forbidden-book"), ("other-approver", "forbidden-book"), ("district-maker", "forbidden-duty"),
        ("township-maker", "forbidden-role"), ("district-payer", "forbidden-duty"), ("auditor", "forbidden-role"),
    ):  # fmt: skip
        assert refused(await decide(api, project, "approve", 3, who)) == {code}, who
    city = await api.post("city-maker", f"/v1/books/{CITY}/projects", proposal(world, village_code=None))
    assert refused(city) == {"wrong-level"}
    foreign = await api.post("other-approver", f"/v1/books/{OTHER_DISTRICT}/projects/{project}/approve",
                             {"version": 3, "document_no": "批1号"})  # fmt: skip
    assert refused(foreign) == {"record-not-found"}


async def test_a_project_is_refused_with_its_reason(api: Api, world: World) -> None:
    path = f"{BOOK}/projects"
    for fields, code in (
        ({"programme_code": "no_such"}, "reference-unknown"), ({"village_code": "420117001999"}, "reference-unknown"),
        ({"managing_unit_id": str(world.who("city-maker").unit_id)}, "reference-unknown"),
        ({"planned_amount": "0.00"}, "amount-not-positive"), ({"planned_amount": 5}, "amount-not-a-string"),
        ({"planned_amount": "100000000000.01"}, "amount-too-large"),
    ):  # fmt: skip
        assert refused(await api.post("township-maker", path, proposal(world, **fields))) == {code}, fields
    assert (await api.post("township-maker", path, proposal(world, performance_target=""))).status_code == 422
    project = await proposed(api)
    assert refused(await decide(api, project, "suspend", 2)) == {"project-status-differs"}
    assert refused(await decide(api, project, "approve", 2)) == {"project-status-differs"}
    for version in (1, 3):
        assert refused(await decide(api, project, "review", version, "township-approver")) == {"version-taken"}
    renamed = proposal(world, version=2, code="P-2")
    assert refused(await api.post("township-maker", f"{path}/{project}/versions", renamed)) == {
        "record-identity-changed"
    }


async def test_a_project_without_a_target_or_indicators_is_not_proposed(api: Api, world: World) -> None:
    body = proposal(world, indicators=[])
    assert refused(await api.post("township-maker", f"{BOOK}/projects", body)) == {"project-without-target"}


async def test_a_decision_is_made_once_whatever_the_repeats(api: Api, world: World) -> None:
    project = await reviewed(api, await proposed(api))
    first = await decide(api, project, "approve", 3, key="a")
    await made(await decide(api, project, "suspend", 4))
    again = await decide(api, project, "approve", 3, key="a")
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first.json())
    assert refused(await decide(api, project, "suspend", 3, key="a")) == {"idempotency-conflict"}


async def test_projects_are_listed_by_status_and_village_with_their_newest_version(api: Api, world: World) -> None:
    first, second = await approved(api), await proposed(api, code="P-2", village_code=None)
    listed = (await api.get("auditor", f"{BOOK}/projects")).json()["items"]
    assert [(row["project_id"], row["version"], row["status"]) for row in listed] == [
        (first, 3, "approved"),
        (second, 1, "proposed"),
    ]
    for filters, expected in (({"status": "proposed"}, [second]), ({"village_code": VILLAGE}, [first]),
                              ({"programme_code": "labour_subsidy"}, [])):  # fmt: skip
        page = (await api.get("auditor", f"{BOOK}/projects", **filters)).json()
        assert [row["project_id"] for row in page["items"]] == expected
    page = (await api.get("auditor", f"{BOOK}/projects", limit=1)).json()
    rest = (await api.get("auditor", f"{BOOK}/projects", limit=1, cursor=page["next"])).json()
    assert [row["project_id"] for row in rest["items"]] == [second]


async def organisation(world: World) -> str:
    supplier = new_id()
    await insert(world.service, "organisation", {
        "book": DISTRICT, "organisation_id": supplier, "kind": "supplier", "name": "施工队",
        "credit_code": f"91420117{os.urandom(5).hex().upper()}"[:18].replace("I", "1").replace("O", "0"),
        "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip
    return str(supplier)


def award(project: str, supplier: str, **fields: Any) -> dict[str, Any]:
    """A contract given to somebody without a tender."""
    return {"project_id": project, "method": "single_source", "estimate": "480000.00", "evidence_sha256": SHA,
            "awardee_id": supplier, "contract_no": "合1号", "contract_amount": "450000.00", "document_no": "招1号",
            **fields}  # fmt: skip


def exemption(project: str, **fields: Any) -> dict[str, Any]:
    return {"project_id": project, "method": "exempt", "estimate": "480000.00", "evidence_sha256": SHA,
            "exemption_code": "village_self_build", "document_no": "豁1号", **fields}  # fmt: skip


PROCUREMENTS = f"{BOOK}/procurements"


@pytest.fixture(autouse=True)
async def document(world: World) -> None:
    """The document that every record here names."""
    await insert(world.service, "evidence", {
        "book": DISTRICT, "sha256": bytes.fromhex(SHA), "media_type": "text/plain", "size_bytes": len(DOCUMENT),
        "content": DOCUMENT, "title": "材料", "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip


async def test_a_procurement_is_refused_with_its_reason(api: Api, world: World) -> None:
    project, supplier = await approved(api), await organisation(world)
    other = await approved(api, code="P-2", programme_code="village_public_affairs")
    for body, codes in (
        (award(project, supplier, contract_no=None, contract_amount=None), {"procurement-incomplete"}),
        (award(project, supplier, stage="planned"), {"procurement-incomplete"}),
        (award(project, supplier, stage="awarded"), {"procurement-incomplete"}),
        (award(project, supplier, evidence_sha256="00" * 32), {"reference-unknown"}),
        (exemption(project, exemption_code=None), {"procurement-incomplete"}),
        (exemption(project, awardee_id=supplier), {"procurement-incomplete"}),
        (exemption(project, exemption_code="household_subsidy"), {"exemption-not-allowed"}),
        (exemption(project, exemption_code="no_such"), {"exemption-not-allowed"}),
        (exemption(project, estimate="1000000.01"), {"exemption-limit-exceeded"}),
        (exemption(other, exemption_code="work_relief"), {"exemption-not-allowed"}),
        (award(project, str(new_id())), {"reference-unknown"}),
        (award(str(new_id()), supplier), {"project-not-in-library"}),
    ):
        answer = await api.post("district-maker", PROCUREMENTS, body)
        assert refused(answer) == codes, body
    answer = await api.post("district-maker", PROCUREMENTS, award(project, supplier, contract_no=None, awardee_id=None))
    assert {fault["pointer"] for fault in answer.json()["faults"]} == {"/contract_no", "/awardee_id"}
    for sha in ("", "AB" * 32, "ab" * 31, "zz" * 32, 5):
        assert (
            await api.post("district-maker", PROCUREMENTS, exemption(project, evidence_sha256=sha))
        ).status_code == 422


async def test_a_contract_that_was_paid_on_keeps_its_awardee_and_never_falls_below_the_payments(
    api: Api, world: World
) -> None:
    project = await world.project()
    allocation = await world.funded(1_000_000)
    await world.post(
        DISTRICT, await world.draft(DISTRICT, "fund", [Leg(500_000, allocation_id=allocation, project_id=project)])
    )
    await world.pay(await world.list_of(project, allocation, await world.persons(2)))
    row = await world.service.fetchrow("SELECT procurement_id FROM procurement WHERE project_id = $1", project)
    assert row is not None
    path = f"{PROCUREMENTS}/{row['procurement_id']}/versions"
    other_kind = exemption(str(project), version=2, exemption_code="below_threshold")
    assert refused(await api.post("district-maker", path, other_kind)) == {"contract-in-use"}
    supplier = await organisation(world)
    assert refused(await api.post("district-maker", path, award(str(project), supplier, version=2))) == {
        "contract-in-use"
    }
    same = exemption(str(project), version=2, exemption_code="household_subsidy")
    await made(await api.post("district-maker", path, same))


async def test_acceptance_has_evidence_and_a_day_that_has_come(api: Api, world: World) -> None:
    project = await approved(api)
    body = {
        "project_id": project,
        "accepted_on": "2019-05-01",
        "passed": False,
        "evidence_sha256": SHA,
        "document_no": "验1号",
    }
    path = f"{BOOK}/acceptances"
    first = await made(await api.post("poverty-maker", path, body))
    again = await made(
        await api.post(
            "poverty-maker", f"{path}/{first['acceptance_id']}/versions", body | {"version": 2, "passed": True}
        )
    )
    assert again["passed"] is True
    assert [row["passed"] for row in (await api.get("auditor", f"{path}/{first['acceptance_id']}")).json()] == [
        False,
        True,
    ]
    assert len((await api.get("auditor", f"{BOOK}/projects/{project}/acceptances")).json()) == 2
    assert refused(await api.post("poverty-maker", path, body | {"accepted_on": "2999-01-01"})) == {"date-in-future"}
    assert refused(await api.post("poverty-maker", path, body | {"project_id": str(new_id())})) == {
        "project-not-in-library"
    }
    moved = body | {"version": 3, "project_id": await approved(api, code="P-2")}
    assert refused(await api.post("poverty-maker", f"{path}/{first['acceptance_id']}/versions", moved)) == {
        "record-identity-changed"
    }


def notice(subject: str, **fields: Any) -> dict[str, Any]:
    return {"subject_kind": "project", "subject_id": subject, "level": "village", "channel": "村务公开栏",
            "published_from": "2019-01-10", "published_to": "2019-01-19", "amount": "500000.00",
            "document_no": "公示1号", **fields}  # fmt: skip


async def test_a_notice_counts_for_the_days_it_was_up_and_every_version_gets_a_place_in_the_log(
    api: Api, world: World
) -> None:
    project, path = await approved(api), f"{BOOK}/notices"
    first = await made(await api.post("township-maker", path, notice(project), key="n"))
    again = await api.post("township-maker", path, notice(project), key="n")
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first)
    days = "SELECT notice_days($1, $2, 'project', $3)"
    assert await world.service.fetchval(days, DISTRICT, UUID(project), date(2019, 3, 1)) == 10
    longer = notice(project, version=2, published_to="2019-01-25")
    await made(await api.post("township-maker", f"{path}/{first['notice_id']}/versions", longer))
    assert await world.service.fetchval(days, DISTRICT, UUID(project), date(2019, 3, 1)) == 16
    assert await world.service.fetchval(days, DISTRICT, UUID(project), date(2019, 1, 12)) == 3
    listed = (await api.get("auditor", path, subject_id=project)).json()
    assert [row["version"] for row in listed] == [1, 2]
    queued = await world.service.fetchval(
        "SELECT count(*) FROM log_queue WHERE kind = 'notice' AND record_id = $1", UUID(first["notice_id"])
    )
    assert queued == 2


async def test_a_notice_is_refused_with_its_reason(api: Api, world: World) -> None:
    project, path = await approved(api), f"{BOOK}/notices"
    for body, codes in (
        (notice(project, published_to="2019-01-09"), {"dates-reversed"}),
        (notice(str(new_id())), {"notice-subject-unknown"}),
        (notice(project, subject_kind="payment_list"), {"notice-subject-unknown"}),
        (notice(project, amount="0.00"), {"amount-not-positive"}),
        (notice(project, amount="499999.99"), {"published-amount-differs"}),
        (notice(project, level="city"), {"notice-level-wrong"}),
        (notice(project, fiscal_year=2019), {"notice-subject-unknown"}),
    ):
        assert refused(await api.post("township-maker", path, body)) == codes, body
    first = await made(await api.post("township-maker", path, notice(project)))
    versions = f"{path}/{first['notice_id']}/versions"
    assert refused(await api.post("township-maker", versions, notice(project, version=3))) == {"version-taken"}
    other = await approved(api, code="P-2")
    assert refused(await api.post("township-maker", versions, notice(other, version=2))) == {"record-identity-changed"}


@pytest.mark.parametrize("path", ["officers", "projects", "procurements", "acceptances", "notices"])
async def test_a_record_of_another_district_is_neither_written_nor_read(api: Api, world: World, path: str) -> None:
    foreign = f"/v1/books/{OTHER_DISTRICT}/{path}"
    assert (await api.get("district-maker", f"{foreign}/{new_id()}")).status_code == 403
    assert refused(await api.get("other-maker", f"{foreign}/{new_id()}")) == {"record-not-found"}
