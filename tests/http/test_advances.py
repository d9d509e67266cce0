"""Advances and prepaid releases over HTTP: from the list that advances to the settlement, and the city's side."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from tests.builders import CITY, DISTRICT, World, insert
from tests.payments.people import (
    ACCOUNT_NO,
    BANK,
    LISTS,
    approve,
    header_of,
    money,
    organisation,
    pay,
    register,
    vault_of,
)
from tests.soundness import assert_book_sound
from tests.web import Api

BOOK = f"/v1/books/{DISTRICT}"
FIRM = "测试建筑有限公司"


async def contract(api: Api, world: World) -> tuple[UUID, UUID, str]:
    """A project with a contract of 12,000.00 and money for it; the project, its allocation, the winner's credit code."""
    winner, code = await organisation(world, vault_of(api), FIRM)
    project = await world.project(programme="rural_works", category="infrastructure", exemption=None)
    await world.tender(project, winner, 1_200_000)
    return project, await money(world, project), code


def advance_body(world: World, project: UUID, allocation: UUID, *codes: str, amount: str = "3600.00",
                 **fields: Any) -> dict[str, Any]:  # fmt: skip
    lines = [{"credit_code": code, "name": FIRM, "account": ACCOUNT_NO, "amount": amount} for code in codes]
    header = header_of(
        world, project, allocation, kind="advance", payee_kind="organisation", programme_code="rural_works", **fields
    )
    return {**header, "lines": lines}


def heading(world: World, book: int = DISTRICT, **fields: Any) -> dict[str, Any]:
    return {
        "document_no": f"文{new_id()}", "effective_on": "2019-04-01", "summary": "清算",
        "officer_id": str(world.officers[book, "accountable"]),
        "supervisor_id": str(world.officers[book, "supervising"]), **fields,
    }  # fmt: skip


async def advance(api: Api, world: World, body: dict[str, Any]) -> str:
    made = await api.post("district-maker", LISTS, body)
    assert (made.status_code, made.json()["kind"], made.json()["pending"]) == (201, "advance", []), made.text
    assert (await approve(api, made.json())).status_code == 200
    paid = await pay(api, made.json())
    assert paid.status_code == 200, paid.text
    return str(paid.json()["entry_id"])


async def accept(world: World, project: UUID) -> None:
    await insert(world.service, "acceptance", {
        "book": DISTRICT, "acceptance_id": new_id(), "version": 1, "project_id": project, "accepted_on": date(2019, 3, 20),
        "passed": True, "evidence_sha256": await world.evidence(), "document_no": "验1号",
        "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip


async def listed(api: Api, **params: Any) -> list[dict[str, Any]]:
    return list((await api.get("auditor", f"{BOOK}/advances", **params)).json()["items"])


async def test_an_advance_is_listed_settled_and_its_remainder_returned(api: Api, world: World) -> None:
    project, allocation, code = await contract(api, world)
    entry = await advance(api, world, advance_body(world, project, allocation, code))
    (shown,) = await listed(api, on="2019-08-28")
    assert (shown["payee_name"], shown["outstanding"], shown["due_on"]) == (FIRM, "3600.00", "2019-08-28")
    assert (shown["age_days"], shown["overdue"]) == (180, False)
    assert await listed(api, on="2019-08-28", overdue=True) == []
    assert [item["entry_id"] for item in await listed(api, on="2019-08-29", overdue=True)] == [entry]
    await accept(world, project)
    kept = (await world.evidence()).hex()
    body = heading(world, evidence_sha256=kept, lines=[{"entry_id": entry, "line_no": 1, "amount": "3000.00"}])
    drafted = await api.post("poverty-maker", f"{BOOK}/settlements", body, key="s1")
    assert (drafted.status_code, drafted.json()["entry_kind"]) == (201, "settle"), drafted.text
    again = await api.post("poverty-maker", f"{BOOK}/settlements", body, key="s1")
    assert again.json()["instruction_id"] == drafted.json()["instruction_id"]
    assert (await api.approve("district-approver", DISTRICT, drafted.json())).status_code == 200
    back = heading(world, entry_id=entry, evidence_sha256=kept)
    drafted = await api.post("district-maker", f"{BOOK}/advance-returns", back)
    assert (drafted.status_code, drafted.json()["total"]) == (201, "600.00"), drafted.text
    assert (await api.approve("district-approver", DISTRICT, drafted.json())).status_code == 200
    (shown,) = await listed(api)
    assert (shown["settled"], shown["returned"], shown["outstanding"]) == ("3000.00", "600.00", "0.00")
    for path, more in (
        ("settlements", {"lines": [{"entry_id": entry, "line_no": 1}]}),
        ("advance-returns", {"entry_id": entry}),
    ):
        answer = await api.post("district-maker", f"{BOOK}/{path}", heading(world, evidence_sha256=kept, **more))
        assert answer.json()["code"] == "nothing-to-reverse", answer.text
    await assert_book_sound(world.service)


async def test_a_settlement_names_advances_of_this_book_and_kept_evidence(api: Api, world: World) -> None:
    project, allocation, code = await contract(api, world)
    entry = await advance(api, world, advance_body(world, project, allocation, code))
    await accept(world, project)
    nobodys = heading(world, evidence_sha256="00" * 32, lines=[{"entry_id": str(new_id()), "line_no": 1}])
    answer = await api.post("district-maker", f"{BOOK}/settlements", nobodys)
    assert (answer.status_code, answer.json()["code"]) == (404, "advance-not-found")
    answer = await api.post(
        "district-maker", f"{BOOK}/advance-returns", heading(world, evidence_sha256="00" * 32, entry_id=str(new_id()))
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "advance-not-found")
    unkept = heading(world, evidence_sha256="00" * 32, lines=[{"entry_id": entry, "line_no": 1}])
    drafted = await api.post("district-maker", f"{BOOK}/settlements", unkept)
    answer = await api.approve("district-approver", DISTRICT, drafted.json())
    assert answer.json()["code"] == "settle-without-evidence"


async def test_an_advance_has_one_payee_and_is_for_organisations(api: Api, world: World) -> None:
    project, allocation, code = await contract(api, world)
    _, other = await organisation(world, vault_of(api), FIRM)
    answer = await api.post("district-maker", LISTS, advance_body(world, project, allocation, code, other))
    assert (answer.status_code, answer.json()["code"]) == (409, "list-refused"), answer.text
    assert [(fault["code"], fault["pointer"]) for fault in answer.json()["faults"]] == [
        ("advance-payee-differs", "/lines/1/credit_code")
    ]
    preview = await api.post(
        "district-maker", f"{LISTS}?preview=true", advance_body(world, project, allocation, code, amount="3600.01")
    )
    assert [fault["code"] for fault in preview.json()["pending"]] == ["advance-above-limit"]
    ((person,), people) = (await register(world, vault_of(api), 1), await world.project())
    body = header_of(world, people, await money(world, people), kind="advance")
    body["lines"] = [{"identity_number": person.identity, "name": person.name, "card": person.card, "amount": "1.00"}]
    answer = await api.post("district-maker", LISTS, body)
    assert "advance-not-to-organisation" in {fault["code"] for fault in answer.json()["faults"]}


async def test_an_advance_that_the_bank_returns_goes_back_by_an_advance_return(api: Api, world: World) -> None:
    project, allocation, code = await contract(api, world)
    entry = await advance(api, world, advance_body(world, project, allocation, code))
    result = {"document_no": "回盘1号", "settled_on": "2019-03-02", "entry_id": entry,
              "results": [{"line_no": 1, "outcome": "returned", "reason": "户名不符"}]}  # fmt: skip
    answer = await api.post("district-maker", BANK, result)
    assert answer.status_code == 201, answer.text
    drafts = await world.service.fetch(
        "SELECT instruction_id, entry_kind FROM instruction WHERE entry_kind LIKE '%return'"
    )
    assert [row["entry_kind"] for row in drafts] == ["advance_return"]
    await world.post(DISTRICT, drafts[0]["instruction_id"])
    (shown,) = await listed(api)
    assert (shown["returned"], shown["outstanding"]) == ("3600.00", "0.00")
    await assert_book_sound(world.service)


async def donated(world: World) -> UUID:
    allocation = new_id()
    leg = Leg(1_000_000, allocation_id=allocation, fund_code="donation", fiscal_year=2019)
    await world.post(DISTRICT, await world.draft(DISTRICT, "adopt_own", [leg]))
    return allocation


async def test_donations_are_paid_by_a_list_without_a_project(api: Api, world: World) -> None:
    allocation = await donated(world)
    people = await register(world, vault_of(api), 2, programme=None, household=True)
    lines = [{"household_no": p.household_no, "name": p.name, "card": p.card, "amount": "500.00"} for p in people]
    header = header_of(
        world, new_id(), allocation, kind="pay_other", payee_kind="household", programme_code="donation_relief"
    )
    answer = await api.post("district-maker", LISTS, {**header, "lines": lines})
    assert answer.json()["code"] == "pay-other-names-project", answer.text
    del header["project_id"]
    made = await api.post("district-maker", LISTS, {**header, "lines": lines})
    assert (made.status_code, made.json()["kind"], made.json()["pending"]) == (201, "pay_other", []), made.text
    assert made.json()["project_id"] is None
    assert (await approve(api, made.json())).status_code == 200
    assert (await pay(api, made.json())).status_code == 200
    (listed_list,) = (await api.get("auditor", LISTS)).json()["items"]
    assert (listed_list["kind"], listed_list["project_id"], listed_list["status"]) == ("pay_other", None, "posted")
    result = {"document_no": "回盘1号", "settled_on": "2019-03-02", "payment_list_id": made.json()["payment_list_id"],
              "results": [{"line_no": 1, "outcome": "returned", "reason": "销户"}]}  # fmt: skip
    assert (await api.post("district-maker", BANK, result)).status_code == 201
    draft = await world.service.fetchval("SELECT instruction_id FROM instruction WHERE entry_kind = 'return'")
    await world.post(DISTRICT, draft)
    assert await world.balance("executable", allocation=allocation) == 950_000
    await assert_book_sound(world.service)


async def test_every_other_list_names_a_project_and_fiscal_money_needs_one(api: Api, world: World) -> None:
    allocation = await world.funded(1_000_000)
    people = await register(world, vault_of(api), 1, programme=None, household=True)
    lines = [{"household_no": p.household_no, "name": p.name, "card": p.card, "amount": "500.00"} for p in people]
    header = header_of(world, new_id(), allocation, payee_kind="household", programme_code="donation_relief")
    del header["project_id"]
    answer = await api.post("district-maker", LISTS, {**header, "lines": lines})
    assert {fault["code"] for fault in answer.json()["faults"]} == {"list-without-project", "programme-outside-five"}
    answer = await api.post("district-maker", LISTS, {**header, "kind": "pay_other", "lines": lines})
    assert answer.json()["code"] == "fund-not-outside-five", answer.text


CITY_SETTLEMENTS = f"/v1/books/{CITY}/release-settlements"


async def test_a_prepaid_release_is_settled_by_a_topup(api: Api, world: World) -> None:
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    await world.release(allocation, 6_000, release_kind="prepaid")
    (shown,) = (await api.get("auditor", CITY_SETTLEMENTS, overdue=True, on="2020-06-29")).json()["items"]
    assert (shown["prepaid"], shown["settled"], shown["due_on"]) == ("60.00", False, "2020-06-28")
    assert (await api.get("auditor", CITY_SETTLEMENTS, overdue=True, on="2020-06-28")).json()["items"] == []
    body = {"allocation_id": str(allocation), "result_amount": "80.00", "document_no": "清算1号",
            "evidence_sha256": (await world.evidence(CITY)).hex()}  # fmt: skip
    made = await api.post("city-maker", CITY_SETTLEMENTS, body, key="d1")
    assert (made.status_code, made.json()["version"], made.json()["approved_by"]) == (201, 1, None), made.text
    again = await api.post("city-maker", CITY_SETTLEMENTS, body, key="d1")
    assert again.json() == made.json()
    path = f"{CITY_SETTLEMENTS}/{made.json()['settlement_id']}"
    done = await api.post("city-approver", f"{path}/approve")
    assert (done.status_code, done.json()["approved_by"]) == (200, str(world.who("city-approver").staff_id)), done.text
    assert (await api.post("city-approver", f"{path}/approve")).json()["code"] == "settlement-already-approved"
    (shown,) = (await api.get("auditor", CITY_SETTLEMENTS)).json()["items"]
    assert (shown["topup_due"], shown["remainder_due"], shown["settled_by"]) == ("20.00", "0.00", [])
    release = heading(world, CITY, kind="topup", lines=[{"allocation_id": str(allocation), "amount": "20.00"}])
    drafted = await api.post("city-maker", f"/v1/books/{CITY}/releases", release)
    posted = await api.approve("city-approver", CITY, drafted.json())
    assert posted.status_code == 200, posted.text
    (shown,) = (await api.get("auditor", CITY_SETTLEMENTS, on="2021-01-01")).json()["items"]
    assert (shown["topup_due"], shown["settled"], shown["overdue"]) == ("0.00", True, False)
    assert [item["entry_id"] for item in shown["settled_by"]] == [posted.json()["entry_id"]]


async def test_what_was_prepaid_above_the_result_comes_back_by_a_recovery(api: Api, world: World) -> None:
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    await world.release(allocation, 6_000, release_kind="prepaid")
    body = {"allocation_id": str(allocation), "result_amount": "45.00", "document_no": "清算1号",
            "evidence_sha256": (await world.evidence(CITY)).hex()}  # fmt: skip
    made = (await api.post("city-maker", CITY_SETTLEMENTS, body)).json()
    approved = await api.post("city-approver", f"{CITY_SETTLEMENTS}/{made['settlement_id']}/approve")
    assert approved.status_code == 200, approved.text
    late = {"overdue": True, "on": "2020-06-29"}
    (shown,) = (await api.get("auditor", CITY_SETTLEMENTS, **late)).json()["items"]
    assert (shown["topup_due"], shown["remainder_due"], shown["settled"]) == ("0.00", "15.00", False)

    async def recover(amount: str) -> str:
        lines = [{"allocation_id": str(allocation), "amount": amount}]
        drafted = await api.post("city-maker", f"/v1/books/{CITY}/recoveries", heading(world, CITY, lines=lines))
        assert drafted.status_code == 201, drafted.text
        posted = await api.approve("city-approver", CITY, drafted.json())
        assert posted.status_code == 200, posted.text
        return str(posted.json()["entry_id"])

    first = await recover("10.00")
    (shown,) = (await api.get("auditor", CITY_SETTLEMENTS, **late)).json()["items"]
    assert (shown["remainder_due"], shown["settled"]) == ("5.00", False)
    second = await recover("5.00")
    assert (await api.get("auditor", CITY_SETTLEMENTS, **late)).json()["items"] == []
    (shown,) = (await api.get("auditor", CITY_SETTLEMENTS, on="2020-06-29")).json()["items"]
    assert (shown["remainder_due"], shown["settled"], shown["overdue"]) == ("0.00", True, False)
    assert [item["entry_id"] for item in shown["settled_by"]] == [first, second]
    assert await world.balance("executable", allocation=allocation) == 4_500
    await assert_book_sound(world.service)


async def test_a_declaration_names_an_allocation_and_kept_evidence(api: Api, world: World) -> None:
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    body = {"allocation_id": str(allocation), "result_amount": "80.00", "document_no": "清算1号",
            "evidence_sha256": "00" * 32}  # fmt: skip
    assert (await api.post("city-maker", CITY_SETTLEMENTS, body)).json()["code"] == "reference-unknown"
    answer = await api.post("city-maker", CITY_SETTLEMENTS, {**body, "allocation_id": str(new_id())})
    assert answer.json()["code"] == "allocation-not-found"
    answer = await api.post("city-approver", f"{CITY_SETTLEMENTS}/{new_id()}/approve")
    assert answer.json()["code"] == "settlement-not-found"
