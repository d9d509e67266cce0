"""Bank files over HTTP: recorded for all lines or none; returns drafted, posted by a second person, exactly once."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx

from fundledger.ids import new_id
from tests.builders import DISTRICT, World
from tests.payments.people import BANK, LISTS, approved, list_body, money, pay, register, vault_of
from tests.web import Api


async def paid_list(api: Api, world: World, size: int = 3, **fields: Any) -> dict[str, Any]:
    """A list of people, paid; with its entry's id."""
    project = await world.project()
    allocation = await money(world, project)
    made = await approved(
        api, world, list_body(world, project, allocation, await register(world, vault_of(api), size), **fields)
    )
    paid = await pay(api, made)
    assert paid.status_code == 200, paid.text
    return made | {"entry_id": paid.json()["entry_id"]}


async def send(
    api: Api, *results: dict[str, Any], who: str = "district-maker", key: str | None = None, **fields: Any
) -> httpx.Response:
    """Upload a bank file as JSON."""
    return await api.post(
        who, BANK, {"document_no": "回盘1号", "settled_on": "2019-03-04", **fields, "results": list(results)}, key=key
    )


def faults_of(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(fault["code"], fault["pointer"]) for fault in answer.json()["faults"]]


async def test_a_file_with_faults_records_nothing_and_names_them_all(api: Api, world: World) -> None:
    made = await paid_list(api, world)
    project = UUID(made["project_id"])
    other = await money(world, project)
    unpaid = (
        await api.post(
            "district-maker", LISTS, list_body(world, project, other, await register(world, vault_of(api), 1))
        )
    ).json()
    mine = {"payment_list_id": made["payment_list_id"]}
    answer = await send(
        api,
        {**mine, "line_no": 1, "outcome": "credited"},
        {**mine, "line_no": 9, "outcome": "credited"},
        {"payment_list_id": unpaid["payment_list_id"], "line_no": 1, "outcome": "credited"},
        {"payment_list_id": str(new_id()), "line_no": 1, "outcome": "credited"},
        {"entry_id": made["entry_id"], "line_no": 1, "outcome": "returned"},
        {**mine, "line_no": 2, "outcome": "credited", "settled_on": "2019-02-28"},
        {**mine, "line_no": 3, "outcome": "credited", "settled_on": "2999-01-01"},
        {**mine, "line_no": "x", "outcome": "credited"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "bank-file-malformed"), answer.text
    assert sorted(faults_of(answer)) == sorted([
        ("payment-line-unknown", "/results/1/line_no"), ("payment-not-posted", "/results/2/line_no"),
        ("payment-line-unknown", "/results/3/line_no"), ("bank-line-repeated", "/results/4/line_no"),
        ("settled-before-payment", "/results/5/settled_on"), ("settled-in-future", "/results/6/settled_on"),
        ("bank-line-number-malformed", "/results/7/line_no"),
    ])  # fmt: skip
    assert await world.service.fetchval("SELECT count(*) FROM bank_result") == 0
    assert await world.service.fetchval("SELECT count(*) FROM instruction WHERE entry_kind = 'return'") == 0


async def test_a_result_is_recorded_once(api: Api, world: World) -> None:
    made = await paid_list(api, world)
    mine = {"payment_list_id": made["payment_list_id"], "line_no": 1}
    assert (await send(api, {**mine, "outcome": "credited"})).status_code == 201
    twice = await send(api, {**mine, "outcome": "credited"})
    assert (twice.status_code, faults_of(twice)) == (409, [("bank-result-exists", "/results/0/outcome")])
    # What was credited may come back later, but what came back is not credited any more.
    assert (await send(api, {**mine, "outcome": "returned"})).status_code == 201
    back = await send(api, {**mine, "outcome": "credited"})
    assert "bank-result-exists" in back.text
    other = {**mine, "line_no": 2}
    assert (await send(api, {**other, "outcome": "returned"})).status_code == 201
    assert faults_of(await send(api, {**other, "outcome": "credited"})) == [
        ("bank-result-contradicts", "/results/0/outcome")
    ]


async def test_the_same_file_sent_by_two_at_once_is_recorded_once(api: Api, world: World) -> None:
    made = await paid_list(api, world)
    result = {"payment_list_id": made["payment_list_id"], "line_no": 1, "outcome": "returned"}
    answers = await asyncio.gather(*(send(api, result) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert await world.service.fetchval("SELECT count(*) FROM instruction WHERE entry_kind = 'return'") == 1


async def test_each_payment_of_a_file_gets_a_return_of_its_own(api: Api, world: World) -> None:
    first, second = await paid_list(api, world), await paid_list(api, world)
    results = [
        {"entry_id": made["entry_id"], "line_no": number, "outcome": "returned"}
        for number in (1, 2)
        for made in (first, second)
    ]
    answer = await send(api, *results, key="k")
    assert [draft["total"] for draft in answer.json()["returns"]] == ["160.00", "160.00"], answer.text
    assert (await send(api, *results, key="k")).json() == answer.json()
    for draft in answer.json()["returns"]:
        assert (await api.approve("district-approver", DISTRICT, draft)).status_code == 200
    assert await world.balance("paid", project=UUID(first["project_id"])) == 8_000


async def test_a_return_is_approved_by_a_second_person_of_finance_and_once(api: Api, world: World) -> None:
    made = await paid_list(api, world)
    answer = await send(api, {"payment_list_id": made["payment_list_id"], "line_no": 1, "outcome": "returned"})
    (draft,) = answer.json()["returns"]
    for who, status in (
        ("district-maker", 403),
        ("district-payer", 403),
        ("other-approver", 403),
        ("poverty-approver", 409),
    ):
        assert (await api.approve(who, DISTRICT, draft)).status_code == status, who
    assert (await api.approve("district-approver", DISTRICT, draft)).status_code == 200
    assert (await api.approve("district-approver", DISTRICT, draft)).status_code == 409
    assert await world.balance("paid", project=UUID(made["project_id"])) == 16_000


async def test_only_makers_of_the_districts_finance_send_bank_files(api: Api, world: World) -> None:
    made = await paid_list(api, world)
    result = {"payment_list_id": made["payment_list_id"], "line_no": 1, "outcome": "credited"}
    for who in ("poverty-maker", "township-maker", "district-approver", "other-maker", "city-maker", "auditor"):
        assert (await send(api, result, who=who)).status_code == 403, who


async def test_a_bank_csv_goes_in_as_it_is(api: Api, world: World) -> None:
    made = await paid_list(api, world)
    query = {"document_no": "回盘1号", "settled_on": "2019-03-04", "payment_list_id": made["payment_list_id"]}
    headers = {**api.headers("district-maker"), "Content-Type": "text/csv"}
    text = "行号,结果,原因\n1,成功,\n2,退票,户名不符\n3,成功,\n"
    answer = await api.client.post(BANK, params=query, content=text.encode("gb18030"), headers=headers)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["credited_lines"], answer.json()["returned_lines"]) == (2, 1)
    bad = await api.client.post(
        BANK, params={**query, "settled_on": "soon"}, content=text.encode(), headers={**headers, "Idempotency-Key": "2"}
    )
    assert (bad.status_code, bad.json()["faults"][0]["pointer"]) == (422, "#query/settled_on")


async def test_an_empty_bank_file_is_refused(api: Api, world: World) -> None:
    del world
    answer = await send(api)
    assert (answer.status_code, answer.json()["code"]) == (422, "list-empty")


async def test_a_return_that_was_sent_back_can_be_drafted_again(api: Api, world: World) -> None:
    made = await paid_list(api, world)
    result = {"payment_list_id": made["payment_list_id"], "line_no": 1, "outcome": "returned"}
    first = (await send(api, result)).json()["returns"][0]
    path = f"/v1/books/{DISTRICT}/instructions/{first['instruction_id']}/reject"
    assert (await api.post("poverty-approver", path, {"reason": "越权"})).status_code == 403
    assert (await api.post("district-approver", path, {"reason": "日期有误"})).status_code == 200
    again = await send(api, result)
    assert again.status_code == 201, again.text
    assert (await api.approve("district-approver", DISTRICT, again.json()["returns"][0])).status_code == 200
    assert faults_of(await send(api, result)) == [("bank-result-exists", "/results/0/outcome")]
