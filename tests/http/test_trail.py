"""The trail and the book over HTTP: what the answers look like, who may read them, and what is refused."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from fundledger.ids import new_id
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, VILLAGE, World
from tests.trail.money import bank_returns, fund, pay, sealed, undo
from tests.web import Api


async def small_year(world: World) -> dict[str, Any]:
    """Two instalments, a project, two persons paid; the second payment straddles the instalments."""
    allocation = await world.allocate(
        await world.adopt(100_000, document_no="武财预〔2019〕1号"), 100_000, village=VILLAGE
    )
    first = await world.release(allocation, 30_000)
    await world.release(allocation, 50_000)
    project = await world.project(name="道路养护", village_code=VILLAGE)
    await fund(world, allocation, project, 80_000)
    people = await world.persons(2)
    paid = await pay(world, project, [(allocation, 25_000, people[0]), (allocation, 10_050, people[1])])
    return {
        "allocation": allocation,
        "release": first.entry_id,
        "project": project,
        "people": people,
        "paid": paid.entry_id,
    }


async def trail_of(api: Api, who: str, direction: str = "up", book: int = DISTRICT, **params: Any) -> dict[str, Any]:
    answer = await api.get(who, f"/v1/books/{book}/trail/{direction}", **params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_newcomer_asks_where_one_payment_came_from_and_gets_the_exact_answer(api: Api, world: World) -> None:
    made = await small_year(world)
    body = await trail_of(api, "auditor", entry_id=made["paid"], line_no=2)
    assert (body["asked"], body["amount"], body["truncated"], body["subject"]) == ("100.50", "100.50", False, "line")
    (origin,) = body["origins"]
    assert (origin["fund_code"], origin["fiscal_year"], origin["document_no"], origin["amount"]) == (
        "special_factor", 2019, "武财预〔2019〕1号", "100.50",
    )  # fmt: skip
    releases = [edge for edge in body["edges"] if edge["book"] == str(DISTRICT) and edge["depth"] == 2]
    assert [(edge["at"], edge["offset"], edge["amount"]) for edge in releases] == [
        ("0.00", "250.00", "50.00"), ("50.00", "0.00", "50.50"),
    ]  # fmt: skip
    assert [edge["step"] for edge in body["edges"] if edge["depth"] == 3] == ["crossing", "crossing"]
    kinds = {node["entry_kind"] for node in body["nodes"]["entries"]}
    assert kinds == {"adopt", "allocate", "release", "fund", "pay"}
    (payment,) = [node for node in body["nodes"]["entries"] if node["entry_kind"] == "pay"]
    assert payment["payer_id"] == str(world.who("district-payer").staff_id)
    assert payment["officer_id"] == str(world.officers[DISTRICT, "accountable"])
    assert [project["name"] for project in body["nodes"]["projects"]] == ["道路养护"]
    assert [node["household_no"] for node in body["nodes"]["payees"]] == [str(made["people"][1][0])]
    assert body["nodes"]["budget_lines"][0]["document_no"] == "武财预〔2019〕1号"


async def test_a_trail_can_start_anywhere(api: Api, world: World) -> None:
    made = await small_year(world)
    household, person = made["people"][0]
    for direction, book, params, asked in (
        ("up", DISTRICT, {"household_id": household}, "250.00"),
        ("up", DISTRICT, {"household_no": str(household)}, "250.00"),
        ("up", DISTRICT, {"person_id": person}, "250.00"),
        ("up", DISTRICT, {"village_code": VILLAGE}, "350.50"),
        ("up", DISTRICT, {"project_id": made["project"]}, "800.00"),
        ("down", DISTRICT, {"project_id": made["project"]}, "800.00"),
        ("down", DISTRICT, {"allocation_id": made["allocation"]}, "800.00"),
        ("down", CITY, {"allocation_id": made["allocation"]}, "1000.00"),
        ("down", CITY, {"village_code": VILLAGE}, "1000.00"),
        ("down", CITY, {"release_id": made["release"]}, "300.00"),
        ("down", CITY, {"document_no": "武财预〔2019〕1号"}, "1000.00"),
        ("up", DISTRICT, {"entry_id": made["paid"]}, "350.50"),
    ):  # fmt: skip
        body = await trail_of(api, "inspector", direction, book, **params)
        assert body["asked"] == body["amount"] == asked, (direction, book, params)
        ends = body["origins"] if direction == "up" else body["ends"]
        assert sum(fen(row["amount"]) for row in ends) == fen(asked)


def fen(text: str) -> int:
    return int(text.replace(".", ""))


async def test_names_never_leave_with_a_trail(api: Api, world: World) -> None:
    made = await small_year(world)
    text = json.dumps(await trail_of(api, "inspector", "down", allocation_id=made["allocation"]), ensure_ascii=False)
    for name in ("责任人", "district-payer", "sealed"):
        assert name not in text


async def test_pages_follow_each_other(api: Api, world: World) -> None:
    allocation = await world.funded(1_000_000)
    project = await world.project()
    await fund(world, allocation, project, 1_000_000)
    people = await world.persons(120)
    await pay(world, project, [(allocation, 5_000, person) for person in people])
    cursor, told, pages = None, 0, 0
    while cursor is not None or pages == 0:
        page = await trail_of(
            api, "auditor", "down", project_id=project, limit=50, **({"cursor": cursor} if cursor else {})
        )
        assert page["asked"] == "10000.00"
        assert page["truncated"] == (page["next"] is not None)
        assert sum(fen(row["amount"]) for row in page["ends"]) == fen(page["amount"])
        cursor, told, pages = page["next"], told + fen(page["amount"]), pages + 1
    assert (told, pages) == (1_000_000, 3)


async def test_a_district_reads_its_money_up_into_the_citys_book_but_not_down_into_it(api: Api, world: World) -> None:
    mine = await world.allocate(await world.adopt(1_000), 1_000)
    released = await world.release(mine, 600)
    await undo(world, CITY, released.entry_id, 1, 600)

    down = await trail_of(api, "district-maker", "down", allocation_id=mine)
    assert {edge["book"] for edge in down["edges"]} == {str(DISTRICT)}
    assert [(row["outcome"], row["amount"]) for row in down["ends"]] == [("other_book", "6.00")]
    up = await trail_of(api, "district-maker", "up", allocation_id=mine)
    assert {edge["book"] for edge in up["edges"]} == {str(DISTRICT), str(CITY)}
    for who in ("auditor", "city-maker"):
        whole = await trail_of(api, who, "down", allocation_id=mine)
        assert {edge["book"] for edge in whole["edges"]} == {str(DISTRICT), str(CITY)}
        assert [(row["outcome"], row["book"]) for row in whole["ends"]] == [("rests", str(CITY))]


@pytest.mark.parametrize("path", ["trail/up", "accounts", "trial-balance", "entries"])
async def test_another_districts_book_is_closed_and_auditors_and_the_city_read_all(
    api: Api, world: World, path: str
) -> None:
    params = {"village_code": VILLAGE} if path == "trail/up" else {}
    for who, status in (("district-maker", 200), ("township-maker", 200), ("auditor", 200), ("inspector", 200),
                        ("city-maker", 200), ("other-maker", 403), ("admin", 403), (None, 401)):  # fmt: skip
        answer = await api.get(who, f"/v1/books/{DISTRICT}/{path}", **params)
        assert answer.status_code == status, (who, answer.text)
    answer = await api.get("district-maker", f"/v1/books/{OTHER_DISTRICT}/{path}", **params)
    assert answer.status_code == 403


async def test_a_question_that_is_not_one_is_refused_with_its_code(api: Api, world: World) -> None:
    made = await small_year(world)
    trail = f"/v1/books/{DISTRICT}/trail/up"
    for path, params, status, code in (
        (trail, {}, 422, "trail-subject-not-one"),
        (trail, {"entry_id": made["paid"], "project_id": made["project"]}, 422, "trail-subject-not-one"),
        (trail, {"project_id": made["project"], "line_no": 1}, 422, "trail-subject-not-one"),
        (trail, {"entry_id": new_id()}, 404, "trail-start-not-found"),
        (trail, {"entry_id": made["paid"], "line_no": 3}, 404, "trail-start-not-found"),
        (trail, {"household_no": "无"}, 404, "trail-start-not-found"),
        (trail, {"document_no": "\x00"}, 422, "text-unreadable"),
        (trail, {"entry_id": made["paid"], "position": 999_999}, 404, "as-of-not-reached"),
        (trail, {"entry_id": made["paid"], "position": 0, "known_at": "2020-01-01T00:00:00Z"}, 422, "as-of-ambiguous"),
        (trail, {"entry_id": made["paid"], "known_at": "2020-01-01T00:00:00"}, 422, "request-invalid"),
        (trail, {"entry_id": made["paid"], "cursor": "x"}, 422, "cursor-malformed"),
        (trail, {"entry_id": made["paid"], "cursor": "WzEsMiwzXQ"}, 422, "cursor-malformed"),
        (trail, {"entry_id": made["paid"], "limit": 49}, 422, "request-invalid"),
        (f"/v1/books/{DISTRICT}/trail/sideways", {"entry_id": made["paid"]}, 422, "request-invalid"),
        (f"/v1/books/{DISTRICT}/accounts/{new_id()}", {}, 404, "account-not-found"),
        (f"/v1/books/{DISTRICT}/accounts", {"cursor": "WzFd"}, 422, "cursor-malformed"),
        (f"/v1/books/{DISTRICT}/entries/{new_id()}", {}, 404, "entry-not-found"),
        (f"/v1/books/{DISTRICT}/entries", {"period": "2019-13"}, 422, "request-invalid"),
    ):  # fmt: skip
        answer = await api.get("auditor", path, **params)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, params, answer.text)


async def test_balances_statement_and_trial_balance_say_the_same(api: Api, world: World) -> None:
    made = await small_year(world)
    await bank_returns(world, made["paid"], 1, 5_000)
    head = await sealed(world.service)
    book = f"/v1/books/{DISTRICT}"
    listed = (await api.get("auditor", f"{book}/accounts", kind="paid", project_id=made["project"])).json()
    (paid,) = listed["items"]
    assert (paid["received"], paid["given"], paid["balance"]) == ("350.50", "50.00", "300.50")
    assert (listed["next"], listed["as_of"]) == (None, {"effective_on": None, "position": None})
    assert (await api.get("auditor", f"{book}/accounts/{paid['account_id']}")).json() == paid
    statement = (await api.get("auditor", f"{book}/accounts/{paid['account_id']}/statement", limit=2)).json()
    assert [(line["side"], line["amount"], line["balance"]) for line in statement["items"]] == [
        ("received", "250.00", "250.00"), ("received", "100.50", "350.50"),
    ]  # fmt: skip
    rest = (
        await api.get("auditor", f"{book}/accounts/{paid['account_id']}/statement", cursor=statement["next"])
    ).json()
    assert [(line["side"], line["amount"], line["undoes_line_no"]) for line in rest["items"]] == [("given", "50.00", 1)]
    trial = (await api.get("auditor", f"{book}/trial-balance", position=head)).json()
    assert trial["received"] == trial["given"]
    assert next(row["balance"] for row in trial["rows"] if row["account_kind"] == "paid") == "300.50"
    early = (await api.get("auditor", f"{book}/trial-balance", effective_on="2018-12-31")).json()
    assert (early["received"], early["given"]) == ("0.00", "0.00")


async def test_an_entry_is_read_with_its_transfers_page_by_page(api: Api, world: World) -> None:
    made = await small_year(world)
    book = f"/v1/books/{DISTRICT}"
    (listed,) = (await api.get("auditor", f"{book}/entries", kind="pay", period="2019-03")).json()["items"]
    assert UUID(listed["entry_id"]) == made["paid"]
    assert (await api.get("auditor", f"{book}/entries", kind="pay", period="2019-02")).json()["items"] == []
    first = (await api.get("auditor", f"{book}/entries/{made['paid']}", limit=1)).json()
    assert {key: first[key] for key in listed} == listed
    second = (await api.get("auditor", f"{book}/entries/{made['paid']}", limit=1, cursor=first["next"])).json()
    assert [one["transfers"][0]["amount"] for one in (first, second)] == ["250.00", "100.50"]
    assert (second["next"], second["transfers"][0]["given_before"]) == (None, "250.00")
