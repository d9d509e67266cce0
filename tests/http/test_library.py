"""The library over HTTP: who proposes and reviews, sources of money, the city's objections, evaluation, publicity."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from tests.budget.calls import refused
from tests.builders import CITY, DISTRICT, World, insert
from tests.http.test_projects import BOOK, approved, decide, made, notice, proposal, proposed, reviewed
from tests.web import Api


async def test_a_proposal_keeps_what_it_says_of_itself(api: Api, world: World) -> None:
    project = await approved(api)
    rows = (await api.get("auditor", f"{BOOK}/projects/{project}")).json()
    township = str(world.who("township-maker").unit_id)
    for row in rows:
        assert (row["nature"], row["location_kind"], row["households"], row["persons"]) == (
            "new_works",
            "rural",
            60,
            180,
        )
        assert (row["proposing_unit_id"], row["proposed_version"]) == (township, 1)
    indicators = (await api.get("auditor", f"{BOOK}/projects/{project}/indicators")).json()
    assert indicators == [
        {"indicator_no": 1, "kind": "quantity", "name": "道路里程", "target_value": "2.0", "unit": "公里"}
    ]


async def test_a_proposal_is_refused_with_its_reason(api: Api, world: World) -> None:
    two = [{"fund_code": "special_factor", "amount": "250000.00"}] * 2
    for fields, code in (
        ({"planned_end": "2018-12-31"}, "dates-reversed"),
        ({"financing": []}, "financing-sum-differs"),
        ({"financing": [{"fund_code": "targeted", "amount": "499999.99"}]}, "financing-sum-differs"),
        ({"financing": two}, "financing-sum-differs"),
        ({"financing": [{"fund_code": "no_such", "amount": "500000.00"}]}, "reference-unknown"),
        ({"proposal_sha256": "ab" * 32}, "reference-unknown"),
        ({"planned_amount": "30000000.00"}, "project-too-large"),
    ):  # fmt: skip
        answer = await api.post("township-maker", f"{BOOK}/projects", proposal(world, **fields))
        assert refused(answer) == {code}, fields
    malformed: tuple[dict[str, Any], ...] = (
        {"nature": "castle"},
        {"location_kind": "seaside"},
        {"persons": -1},
        {"task": " "},
        {"place": None},
    )
    for fields in malformed:
        answer = await api.post("township-maker", f"{BOOK}/projects", proposal(world, **fields))
        assert answer.status_code == 422, fields
    for value in (2, "2,0", "-1", "1e3", "2.00001"):
        kind = {"kind": "quantity", "name": "里程", "target_value": value, "unit": "公里"}
        answer = await api.post("township-maker", f"{BOOK}/projects", proposal(world, indicators=[kind]))
        assert answer.status_code == 422, value


async def test_the_township_reviews_its_villages_projects_and_the_poverty_office_the_districts(
    api: Api, world: World
) -> None:
    project = await proposed(api)
    assert refused(await decide(api, project, "review", 2, "poverty-approver")) == {"project-reviewer-wrong"}
    assert refused(await decide(api, project, "review", 2, "district-approver")) == {"forbidden-role"}
    assert refused(await decide(api, project, "approve", 2)) == {"project-status-differs"}
    await reviewed(api, project)
    wide = await proposed(api, code="P-2", village_code=None)
    assert refused(await decide(api, wide, "review", 2, "township-approver")) == {"project-reviewer-wrong"}
    await made(await decide(api, wide, "review", 2, "poverty-approver"))
    assert refused(await decide(api, wide, "approve", 3, "poverty-approver")) == {"duties-not-separate"}
    await made(await decide(api, wide, "approve", 3, "district-approver"))


async def test_a_project_with_money_does_not_leave(api: Api, world: World) -> None:
    project, allocation = await world.project(), await world.funded(10_000)
    leg = Leg(10_000, allocation_id=allocation, project_id=project)
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    assert refused(await decide(api, str(project), "leave", 4)) == {"project-has-money"}
    sources = (await api.get("auditor", f"{BOOK}/projects/{project}/sources")).json()
    found = {row["fund_code"]: (row["planned"], row["funded"], row["paid"]) for row in sources}
    assert found["special_factor"] == ("500000.00", "100.00", "0.00")
    assert found["targeted"] == ("200000.00", "0.00", "0.00")
    assert sum(float(planned) for planned, _, _ in found.values()) == 1_000_000


async def test_projects_are_listed_by_the_years_of_their_schedule(api: Api, world: World) -> None:
    short = await proposed(api)
    long = await proposed(api, code="P-2", planned_end="2021-03-31")
    for year, expected in ((2018, []), (2019, [short, long]), (2021, [long]), (2022, [])):
        page = (await api.get("auditor", f"{BOOK}/projects", year=year)).json()
        assert [row["project_id"] for row in page["items"]] == expected, year
    page = (await api.get("auditor", f"{BOOK}/projects", year=2021, status="reviewed")).json()
    assert page["items"] == []


async def test_the_city_objects_and_the_district_answers(api: Api, world: World) -> None:
    project = await approved(api)
    path = f"{BOOK}/projects/{project}/objections"
    body = {"matter": "与另一项目重复", "document_no": "市扶办意见1号"}
    first = await made(await api.post("city-maker", path, body, key="o"))
    again = await api.post("city-maker", path, body, key="o")
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first)
    assert (first["state"], first["recorded_book"]) == ("open", str(CITY))
    await made(await api.post("auditor", path, body))
    unknown = await api.post("city-maker", f"{BOOK}/projects/{new_id()}/objections", body)
    assert refused(unknown) == {"record-not-found"}
    answer = {"version": 2, "answer": "位置不同，不重复", "document_no": "区扶办复1号"}
    reply = f"{path}/{first['objection_id']}/answer"
    assert refused(await api.post("city-approver", reply, answer)) == {"forbidden-book"}
    await made(await api.post("poverty-approver", reply, answer))
    assert refused(await api.post("poverty-approver", reply, {**answer, "version": 3})) == {"objection-order"}
    listed = (await api.get("district-maker", path)).json()
    assert sorted(row["state"] for row in listed) == ["answered", "open", "open"]


async def test_evidence_is_named_by_a_hash_the_book_has(api: Api, world: World) -> None:
    project = await approved(api)
    content = b"%PDF-1.4 photograph"
    await insert(world.service, "evidence", {
        "book": DISTRICT, "sha256": sha256(content).digest(), "media_type": "application/pdf", "size_bytes": len(content),
        "content": content, "title": "公示照片", "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip
    for digest, codes in ((sha256(content).hexdigest(), None), ("ab" * 32, {"reference-unknown"})):
        answers = [
            await api.post("township-maker", f"{BOOK}/notices", notice(project, evidence_sha256=digest)),
            await api.post("city-maker", f"{BOOK}/projects/{project}/objections",
                           {"matter": "重复", "document_no": "意1号", "evidence_sha256": digest}),
        ]  # fmt: skip
        for answer in answers:
            if codes is None:
                assert (await made(answer))["evidence_sha256"] == digest
            else:
                assert refused(answer) == codes


async def test_an_evaluation_speaks_of_every_indicator_and_is_reviewed(api: Api, world: World) -> None:
    project = await approved(api)
    path = f"{BOOK}/projects/{project}/evaluations"
    reached = {"indicator_no": 1, "actual_value": "1.8", "score": 90}
    body: dict[str, Any] = {
        "fiscal_year": 2019,
        "indicators": [reached],
        "score": 90,
        "conclusion": "基本完成",
        "document_no": "绩1号",
    }
    for wrong in ([], [reached, reached], [{**reached, "indicator_no": 2}]):
        answer = await api.post("township-maker", path, {**body, "indicators": wrong})
        assert refused(answer) == {"evaluation-not-possible"}, wrong
    first = await made(await api.post("township-maker", path, body))
    review = {"version": 2, "result": "fail", "use_of_result": "下年度不安排", "document_no": "绩评1号"}
    second = await made(await api.post("poverty-approver", f"{path}/{first['evaluation_id']}/review", review))
    assert (second["state"], second["result"], second["score"]) == ("reviewed", "fail", 90)
    for filters, count in (({"result": "fail"}, 1), ({"result": "good"}, 0), ({"year": 2019}, 1), ({"year": 2020}, 0)):
        page = (await api.get("auditor", f"{BOOK}/evaluations", **filters)).json()
        assert len(page["items"]) == count, filters
    assert [row["version"] for row in (await api.get("auditor", path)).json()] == [1, 2]
    found = (await api.get("auditor", f"{BOOK}/evaluations/{first['evaluation_id']}/indicators")).json()
    assert found == [{"version": 1, "indicator_no": 1, "actual_value": "1.8", "score": 90}]


async def test_an_objection_to_a_notice_is_recorded_answered_and_mended(api: Api, world: World) -> None:
    project = await approved(api)
    published = await made(await api.post("township-maker", f"{BOOK}/notices", notice(project)))
    path = f"{BOOK}/notices/{published['notice_id']}/objections"
    body = {"received_on": "2019-01-15", "kind": "eligibility", "received_by": "visit", "document_no": "异1号"}
    assert (await api.post("township-maker", path, {**body, "name": "张三"})).status_code == 422
    first = await made(await api.post("township-maker", path, body))
    one = f"{path}/{first['objection_id']}"
    mend = {"version": 2, "document_no": "改1号"}
    assert refused(await api.post("township-approver", f"{one}/mend", mend)) == {"objection-order"}
    answer = {"version": 2, "finding": "upheld", "document_no": "复1号"}
    await made(await api.post("township-approver", f"{one}/answer", answer))
    mended = await made(await api.post("poverty-approver", f"{one}/mend", {**mend, "version": 3}))
    assert (mended["state"], mended["finding"]) == ("mended", "upheld")
    page = (await api.get("auditor", path, limit=2)).json()
    rest = (await api.get("auditor", path, cursor=page["next"])).json()
    assert [row["state"] for row in page["items"]] == ["open", "answered"]
    assert ([row["state"] for row in rest["items"]], rest["next"]) == (["mended"], None)


async def test_an_annual_plan_is_published_with_the_sum_of_its_projects(api: Api, world: World) -> None:
    await approved(api)
    await approved(api, code="P-2", planned_amount="100000.00")
    await proposed(api, code="P-3")
    plan = notice(
        "", subject_kind="annual_plan", subject_id=None, fiscal_year=2019, level="district", amount="600000.00"
    )
    first = await made(await api.post("district-maker", f"{BOOK}/notices", plan))
    assert (first["fiscal_year"], first["amount"]) == (2019, "600000.00")
    wrong = await api.post("district-maker", f"{BOOK}/notices", {**plan, "amount": "1100000.00"})
    assert refused(wrong) == {"published-amount-differs"}
    listed = (await api.get("auditor", f"{BOOK}/notices", subject_id=first["subject_id"])).json()
    assert len(listed) == 1


async def test_the_publicity_report_names_what_is_short_and_what_differs(api: Api, world: World) -> None:
    project, path = await approved(api), f"{BOOK}/publicity"
    for level in ("village", "township"):
        await made(await api.post("township-maker", f"{BOOK}/notices", notice(project, level=level)))
    page = (await api.get("inspector", path)).json()
    assert [(row["level"], row["finding"], row["days"]) for row in page["items"]] == [("district", "PRC-03", 0)]
    changed = proposal(world, version=4, planned_amount="600000.00")
    await made(await api.post("township-maker", f"{BOOK}/projects/{project}/versions", changed))
    await made(await decide(api, await reviewed(api, project, 5), "approve", 6))
    page = (await api.get("inspector", path, everything=True)).json()
    found = {row["level"]: (row["finding"], row["published"], row["ledger"]) for row in page["items"]}
    assert found == {
        "district": ("PRC-03", None, "600000.00"),
        "township": ("PRC-04", "500000.00", "600000.00"),
        "village": ("PRC-04", "500000.00", "600000.00"),
    }
    first = (await api.get("inspector", path, limit=1)).json()
    rest = (await api.get("inspector", path, cursor=first["next"])).json()
    assert [row["level"] for row in first["items"] + rest["items"]] == ["district", "township", "village"]


async def test_a_paid_list_that_was_published_as_it_is_is_no_finding(api: Api, world: World) -> None:
    project, allocation = await world.project(), await world.funded(100_000)
    leg = Leg(100_000, allocation_id=allocation, project_id=project)
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    await world.pay(await world.list_of(project, allocation, await world.persons(2)))
    page = (await api.get("auditor", f"{BOOK}/publicity", everything=True)).json()
    (row,) = [row for row in page["items"] if row["subject_kind"] == "payment_list"]
    assert (row["published"], row["ledger"], row["days"], row["finding"]) == ("160.00", "160.00", 30, None)
