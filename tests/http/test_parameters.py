"""Policy parameters over HTTP: read by all with their history, proposed by one person of the city, approved by another."""

from __future__ import annotations

from typing import Any

import pytest

from fundledger.ids import new_id
from tests.budget.calls import refused
from tests.web import Api

PATH = "/v1/parameters/proposals"


def change(**fields: Any) -> dict[str, Any]:
    return {"code": "large_project_min", "value": "25000000.5", "unit": "yuan", "valid_from": "2020-01-01",
            "source": "武财〔2019〕12号 第二条", **fields}  # fmt: skip


async def proposed(api: Api, **fields: Any) -> dict[str, Any]:
    answer = await api.post("city-maker", PATH, change(**fields))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def decide(api: Api, proposal: dict[str, Any], who: str = "city-approver", **options: Any) -> Any:
    body = {"content_sha256": proposal["content_sha256"]}
    return await api.post(who, f"{PATH}/{proposal['proposal_id']}/approve", body, **options)


async def test_a_parameter_is_proposed_approved_and_told_with_its_history(api: Api) -> None:
    proposal = await proposed(api, note="按实际调整")
    assert (proposal["status"], proposal["value"], proposal["unit"]) == ("proposed", "25000000.50", "yuan")
    every = (await api.get("township-maker", "/v1/parameters", code="large_project_min")).json()["parameters"]
    assert [row["version"] for row in every] == [1]
    approved = (await decide(api, proposal)).json()
    assert (approved["status"], approved["version"]) == ("approved", 2)
    every = (await api.get("township-maker", "/v1/parameters", code="large_project_min")).json()["parameters"]
    assert [(row["version"], row["value"], row["approver_id"] is None) for row in every] == [
        (1, "30000000.00", True), (2, "25000000.50", False),
    ]  # fmt: skip
    for day, number in (("2019-12-31", 1), ("2020-01-01", 2)):
        rows = (await api.get("auditor", "/v1/parameters", on=day, code="large_project_min")).json()["parameters"]
        assert [row["version"] for row in rows] == [number], day
    assert (await api.get("inspector", f"{PATH}/{proposal['proposal_id']}")).json() == approved


async def test_a_key_makes_one_proposal_and_one_version(api: Api) -> None:
    first = await api.post("city-maker", PATH, change(), key="p1")
    again = await api.post("city-maker", PATH, change(), key="p1")
    assert (first.json(), again.headers["Idempotent-Replayed"]) == (again.json(), "true")
    one, two = [await decide(api, first.json(), key="a1") for _ in range(2)]
    assert (one.json(), two.headers["Idempotent-Replayed"]) == (two.json(), "true")
    assert refused(await decide(api, first.json())) == {"parameter-proposal-decided"}


async def test_a_proposal_is_sent_back_with_its_reason(api: Api) -> None:
    proposal = await proposed(api)
    path = f"{PATH}/{proposal['proposal_id']}/reject"
    answer = (await api.post("city-approver", path, {"reason": "缺少依据"})).json()
    assert (answer["status"], answer["reason"], answer["version"]) == ("rejected", "缺少依据", None)
    assert refused(await decide(api, proposal)) == {"parameter-proposal-decided"}
    pages = {
        status: (await api.get("auditor", PATH, status=status)).json()["items"] for status in ("proposed", "rejected")
    }
    assert [len(pages[status]) for status in ("proposed", "rejected")] == [0, 1]


async def test_only_the_city_changes_a_parameter(api: Api) -> None:
    for who, code in (("district-maker", "forbidden-book"), ("township-maker", "forbidden-role"),
                      ("auditor", "forbidden-role"), ("city-approver", "forbidden-duty")):  # fmt: skip
        assert refused(await api.post(who, PATH, change())) == {code}, who
    proposal = await proposed(api)
    for who, code in (("district-approver", "forbidden-book"), ("city-maker", "forbidden-duty")):
        assert refused(await decide(api, proposal, who)) == {code}, who
    assert refused(await decide(api, {**proposal, "content_sha256": "00" * 32})) == {"content-changed"}
    unknown = {**proposal, "proposal_id": str(new_id())}
    assert (await decide(api, unknown)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"unit": "days", "value": "30"}, "parameter-unit-differs"),
        ({"code": "fee_percent_max", "unit": "percent", "value": "101"}, "parameter-value-out-of-range"),
        ({"valid_to": "2019-12-31"}, "dates-reversed"),
        ({"unit": "percent", "value": "1.5"}, "request-invalid"),
        ({"value": "1e3"}, "request-invalid"),
        ({"value": "-1"}, "request-invalid"),
        ({"value": 30}, "request-invalid"),
        ({"code": "Not A Code"}, "request-invalid"),
    ],
    ids=str,
)
async def test_a_change_that_makes_no_sense_is_refused_at_once(api: Api, fields: dict[str, Any], code: str) -> None:
    answer = await api.post("city-maker", PATH, change(**fields))
    assert answer.status_code in (409, 422), answer.text
    assert answer.json()["code"] == code
