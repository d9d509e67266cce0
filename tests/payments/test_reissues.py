"""Re-issues over HTTP and against the gate by hand: once, from where the money lies, corrected, also in the next year."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.book.poster import Posting, post_now
from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from fundledger.sealing.content import digests
from tests.book.attackers import bank_returned, codes_of
from tests.book.lanes import outcome_of, payment_of, posters
from tests.book.payment_case import WORKS, Case
from tests.builders import DISTRICT, World, card_of, insert
from tests.databases import Database
from tests.payments.people import (
    BANK,
    LISTS,
    Person,
    approve,
    approved,
    line_of,
    list_body,
    made_up,
    money,
    pay,
    register,
    secrets_of,
    vault_of,
)
from tests.soundness import assert_book_sound
from tests.web import Api

LINES = f"/v1/books/{DISTRICT}/payment-lines"


async def came_back(api: Api, world: World, made: dict[str, Any], *numbers: int, on: str = "2019-03-04") -> None:
    """The bank returns lines of a paid list, and the return is posted."""
    results = [{"line_no": number, "outcome": "returned", "reason": "账号有误"} for number in numbers]
    body = {"document_no": "回盘1号", "settled_on": on, "payment_list_id": made["payment_list_id"], "results": results}
    answer = await api.post("district-maker", BANK, body)
    assert answer.status_code == 201, answer.text
    for draft in answer.json()["returns"]:
        posted = await api.approve("district-approver", DISTRICT, draft)
        assert posted.status_code == 200, posted.text


async def paid_list(api: Api, world: World, size: int = 3) -> tuple[dict[str, Any], list[Person]]:
    """A list of people that was paid."""
    project = await world.project()
    people = await register(world, vault_of(api), size)
    made = await approved(api, world, list_body(world, project, await money(world, project), people))
    assert (await pay(api, made)).status_code == 200
    return made, people


def reissue_body(**fields: Any) -> dict[str, Any]:
    return {"document_no": f"重发{new_id()}", "effective_on": "2019-03-10", "summary": "退票重发", **fields}


async def reissue(
    api: Api, made: dict[str, Any], *, who: str = "district-maker", key: str | None = None, **fields: Any
) -> Any:
    return await api.post(who, f"{LISTS}/{made['payment_list_id']}/reissues", reissue_body(**fields), key=key)


async def approve_and_pay(api: Api, made: dict[str, Any]) -> Any:
    answer = await approve(api, made)
    assert answer.status_code == 200, answer.text
    return await pay(api, made)


async def states(api: Api, made: dict[str, Any]) -> list[str]:
    items = (await api.get("auditor", f"{LISTS}/{made['payment_list_id']}/lines")).json()["items"]
    return [item["state"] for item in items]


async def test_what_came_back_is_paid_again_once_with_a_corrected_card(api: Api, world: World) -> None:
    made, people = await paid_list(api, world)
    await came_back(api, world, made, 1, 3)
    card = made_up(987_654).card
    await world.new_card(people[2].person_id, vault_of(api).digest("card", card))
    answer = await reissue(api, made, lines=[{"line_no": 3, "account": card}, {"line_no": 1}], key="k")
    assert answer.status_code == 201, answer.text
    again = answer.json()
    assert (again["total"], again["line_count"], again["pending"], again["line_states"]) == (
        "160.00",
        2,
        [],
        {"listed": 2},
    )
    for name in ("project_id", "programme_code", "period", "entitlement_on", "payee_kind"):
        assert again[name] == made[name]
    replay = await reissue(api, made, lines=[{"line_no": 3, "account": card}, {"line_no": 1}], key="k")
    assert (replay.status_code, replay.json()["code"]) == (409, "idempotency-conflict")  # another document number
    assert (await approve_and_pay(api, again)).status_code == 200
    assert await states(api, made) == ["reissued", "sent", "reissued"]
    lines = (await api.get("auditor", f"{LISTS}/{again['payment_list_id']}/lines")).json()["items"]
    assert [(one["reissues_list"], one["reissues_line_no"], one["state"]) for one in lines] == [
        (made["payment_list_id"], 3, "sent"), (made["payment_list_id"], 1, "sent")]  # fmt: skip
    assert lines[0]["card"][-4:] == card[-4:]
    assert lines[1]["card"][-4:] == people[0].card[-4:]
    shown = (await api.get("auditor", f"{LISTS}/{made['payment_list_id']}")).json()
    assert shown["line_states"] == {"sent": 1, "reissued": 2}
    nothing = await reissue(api, made)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing-to-reissue")
    await assert_book_sound(world.service)
    key = DISTRICT, UUID(again["payment_list_id"])
    assert (await digests(world.service, [key]))[key] == await world.digest(*key)


async def test_a_reissue_that_comes_back_is_paid_again_by_naming_it(api: Api, world: World) -> None:
    made, _ = await paid_list(api, world, 1)
    await came_back(api, world, made, 1)
    again = (await reissue(api, made)).json()
    assert (await approve_and_pay(api, again)).status_code == 200
    await came_back(api, world, again, 1, on="2019-03-12")
    assert (await reissue(api, made)).json()["code"] == "nothing-to-reissue"
    third = (await reissue(api, again, effective_on="2019-03-15")).json()
    assert (await approve_and_pay(api, third)).status_code == 200
    assert (await states(api, made), await states(api, again), await states(api, third)) == (
        ["reissued"],
        ["reissued"],
        ["sent"],
    )
    await assert_book_sound(world.service)


async def test_an_ordinary_list_names_what_came_back_by_itself(api: Api, world: World) -> None:
    made, people = await paid_list(api, world, 2)
    await came_back(api, world, made, 2)
    others = await register(world, vault_of(api), 1)
    project, allocation = UUID(made["project_id"]), UUID(made["sources"][0]["allocation_id"])
    body = list_body(world, project, allocation, [others[0], people[1]])
    again = await approved(api, world, body)
    assert (await pay(api, again)).status_code == 200
    assert await states(api, made) == ["sent", "reissued"]
    # Another sum than came back is no re-issue, and can't pass as a new payment either.
    more, more_people = await paid_list(api, world, 1)
    await came_back(api, world, more, 1)
    other = list_body(world, UUID(more["project_id"]), UUID(more["sources"][0]["allocation_id"]), [])
    refused = await api.post("district-maker", LISTS, {**other, "lines": [line_of(more_people[0], "79.99")]})
    assert [(fault["code"], fault["pointer"]) for fault in refused.json()["faults"]] == [
        ("reissue-amount-differs", "/lines/0/amount")]  # fmt: skip
    assert not [text for text in secrets_of([*people, *more_people]) if text in refused.text]


async def test_a_reissue_is_refused_with_its_reasons_and_tells_nobody(api: Api, world: World) -> None:
    made, people = await paid_list(api, world)
    unpaid = await api.post("district-maker", LISTS, list_body(
        world, UUID(made["project_id"]), UUID(made["sources"][0]["allocation_id"]), await register(world, vault_of(api), 1)))  # fmt: skip
    assert (await reissue(api, unpaid.json())).json()["code"] == "list-not-paid"
    assert (await reissue(api, {"payment_list_id": new_id()})).status_code == 404
    await came_back(api, world, made, 1)
    lines = [{"line_no": 1, "name": "别人", "account": "12345"}, {"line_no": 2}, {"line_no": 1}]
    refused = await reissue(api, made, lines=lines)
    assert (refused.status_code, refused.json()["code"]) == (409, "list-refused")
    assert sorted((fault["code"], fault["pointer"]) for fault in refused.json()["faults"]) == [
        ("card-malformed", "/lines/0/account"), ("line-not-reissuable", "/lines/1/line_no"),
        ("line-not-reissuable", "/lines/2/line_no"), ("payee-name-differs", "/lines/0/name")]  # fmt: skip
    assert "别人" not in refused.text
    for who in ("district-approver", "district-payer", "other-maker", "city-maker", "auditor"):
        assert (await reissue(api, made, who=who)).status_code == 403, who
    again = await reissue(api, made, lines=[{"line_no": 1, "name": people[0].name}])
    assert again.status_code == 201, again.text


async def test_of_two_lists_that_pay_the_same_line_again_one_is_paid(api: Api, world: World, db: Database) -> None:
    made, _ = await paid_list(api, world, 2)
    await came_back(api, world, made, 1)
    lists = [(await reissue(api, made)).json() for _ in range(2)]
    for one in lists:
        assert (await approve(api, one)).status_code == 200
    async with posters(db.service_url) as (first, second):
        calls = [(first, lists[0]), (second, lists[1])]
        outcomes = await asyncio.gather(*(
            outcome_of(poster.post(payment_of(world, UUID(one["payment_list_id"])))) for poster, one in calls))  # fmt: skip
    assert sorted(outcomes) == ["posted", "refused: posting-refused"]
    left = next(one for one, outcome in zip(lists, outcomes, strict=True) if outcome != "posted")
    assert {fault["code"] for fault in (await pay(api, left)).json()["faults"]} == {"reissued-already", "paid-twice"}
    await assert_book_sound(world.service)


async def ready(world: World) -> tuple[UUID, UUID]:
    """A project with money: (project, allocation)."""
    project = await world.project()
    return project, await money(world, project)


async def returned_by_hand(world: World, project: UUID, allocation: UUID, payees: list[Any]) -> UUID:
    """A list paid to payees whose first line came back: the payment's entry."""
    entry = (await world.pay(await world.list_of(project, allocation, payees))).entry_id
    await bank_returned(world, entry, 1)
    back = Leg(8_000, undoes_entry_id=entry, undoes_line_no=1)
    await world.post(DISTRICT, await world.draft(DISTRICT, "return", [back]))
    return entry


async def test_two_lists_of_one_call_do_not_pay_the_same_line_again(world: World) -> None:
    project, allocation = await ready(world)
    payees = await world.persons(1)
    entry = await returned_by_hand(world, project, allocation, payees)
    lists = [await world.list_of(project, allocation, payees, reissues=(entry, 1)) for _ in range(2)]
    payer = world.who("district-payer").staff_id
    with pytest.raises(FundledgerError) as caught:
        await post_now(world.service, [Posting(DISTRICT, one, payer, None, str(new_id()), bytes(32)) for one in lists])
    assert codes_of(caught.value) == {"reissued-already", "paid-twice"}


async def test_one_list_does_not_name_a_line_twice(world: World) -> None:
    project, allocation = await ready(world)
    payees = await world.persons(2)
    entry = await returned_by_hand(world, project, allocation, payees[:1])
    made = await world.list_of(project, allocation, payees, approved=False, published=False)
    copied = await world.draft(
        DISTRICT, "pay", [Leg(16_000, allocation_id=allocation, project_id=project)], line_count=2
    )
    await world.service.execute(
        "INSERT INTO payment_list SELECT (jsonb_populate_record(p, jsonb_build_object('instruction_id', $2::uuid))).* "
        "FROM payment_list p WHERE instruction_id = $1", made, copied)  # fmt: skip
    await world.service.execute(
        """INSERT INTO payment_line SELECT (jsonb_populate_record(l, jsonb_build_object('instruction_id', $2::uuid,
               'reissues_entry_id', $3::uuid, 'reissues_line_no', 1))).* FROM payment_line l WHERE instruction_id = $1""",
        made, copied, entry,
    )  # fmt: skip
    with pytest.raises(asyncpg.PostgresError) as caught:
        await world.approve_list(copied)
    assert codes_of(caught.value) == {"reissued-already", "reissue-of-another-payee"}


async def test_an_organisation_names_only_the_same_sum_of_the_same_project(world: World) -> None:
    built = await WORKS.build(world)
    assert await built.pay() == set()
    entry = await world.service.fetchval("SELECT entry_id FROM entry WHERE instruction_id = $1", built.pay_list)
    await bank_returned(world, entry, 1)
    back = Leg(WORKS.amount, undoes_entry_id=entry, undoes_line_no=1)
    await world.post(DISTRICT, await world.draft(DISTRICT, "return", [back]))

    async def said_of(case: Case) -> set[str]:
        await case.add_list(built)
        return {code for code in await built.preview() if code.startswith("reissue")}

    assert await said_of(WORKS) == {"reissue-not-named"}
    assert await said_of(WORKS.but(amount=900_000)) == set()
    assert await said_of(WORKS.but(line={"reissues_entry_id": entry, "reissues_line_no": 1})) == set()


async def test_the_unique_index_is_the_last_guard_and_has_its_code(world: World, superuser: Connection) -> None:
    from fundledger.db.refusals import refusal_of

    project, allocation = await ready(world)
    payees = await world.persons(1)
    entry = await returned_by_hand(world, project, allocation, payees)
    again = (await world.pay(await world.list_of(project, allocation, payees, reissues=(entry, 1)))).entry_id
    with pytest.raises(asyncpg.UniqueViolationError) as caught:
        await superuser.execute(
            """INSERT INTO transfer SELECT (jsonb_populate_record(t, jsonb_build_object('line_no', 9, 'debit_before', 10000000,
                   'debit_after', 10008000, 'credit_before', 20000000, 'credit_after', 20008000))).*
               FROM transfer t WHERE entry_id = $1""", again)  # fmt: skip
    refusal = refusal_of(caught.value)
    assert refusal is not None
    assert refusal.code == "reissued-already"


async def test_what_comes_back_in_the_next_year_is_paid_again_from_the_old_years_account(
    api: Api, world: World
) -> None:
    """Paid in December 2019, returned after the month was closed, paid again in 2020: the story of the year's end."""
    project = await world.project()
    people = await register(world, vault_of(api), 2)
    allocation = await money(world, project)
    body = list_body(world, project, allocation, people, effective_on="2019-12-20")
    made = await approved(api, world, body)
    entry = (await pay(api, made)).json()["entry_id"]
    closed = await api.post(
        "district-approver", f"/v1/books/{DISTRICT}/periods/2019-12/close", {"document_no": "结账12号"}
    )
    assert closed.status_code == 201, closed.text

    results = [{"line_no": 2, "outcome": "returned", "reason": "账号有误"}, {"line_no": 1, "outcome": "credited"}]
    file = {"document_no": "回盘9号", "settled_on": "2020-01-06", "payment_list_id": made["payment_list_id"]}
    taken = await api.post("district-maker", BANK, {**file, "effective_on": "2019-12-31", "results": results})
    assert taken.status_code == 201, taken.text
    (draft,) = taken.json()["returns"]
    late = await api.approve("district-approver", DISTRICT, draft)
    assert (late.status_code, late.json()["code"]) == (409, "period-closed")
    await api.post(
        "district-approver", f"/v1/books/{DISTRICT}/instructions/{draft['instruction_id']}/reject", {"reason": "已结账"}
    )
    taken = await api.post("district-maker", BANK, {**file, "results": results[:1]})
    assert (await api.approve("district-approver", DISTRICT, taken.json()["returns"][0])).status_code == 200
    assert await states(api, made) == ["credited", "returned"]

    # The money lies in the account of 2019, where an ordinary payment of 2020 does not reach it.
    held = {row["exec_year"]: row["balance"] for row in await world.service.fetch(
        """SELECT a.exec_year, b.received - b.given AS balance FROM account a JOIN account_balance b USING (book, account_id)
           WHERE a.account_kind = 'available' AND a.project_id = $1""", project)}  # fmt: skip
    assert held == {2019: 10_000_000 - 8_000}
    plain = Leg(8_000, allocation_id=allocation, project_id=project, exec_year=2019)
    assert "past-year-money" in await faults_of_plain(world, project, plain)

    await world.new_card(people[1].person_id, vault_of(api).digest("card", made_up(5).card))
    again = await reissue(api, made, effective_on="2020-01-10", lines=[{"line_no": 2, "account": made_up(5).card}])
    assert (again.status_code, again.json()["pending"]) == (201, []), again.text
    assert (await approve_and_pay(api, again.json())).status_code == 200
    assert await states(api, made) == ["credited", "reissued"]
    row = await world.service.fetchrow(
        """SELECT c.exec_year AS payer_year, d.exec_year AS receiver_year, t.reissues_entry_id, t.reissues_line_no
           FROM transfer t JOIN account c ON c.account_id = t.credit_account JOIN account d ON d.account_id = t.debit_account
           JOIN entry e ON e.entry_id = t.entry_id WHERE e.instruction_id = $1""", UUID(again.json()["payment_list_id"]))  # fmt: skip
    assert row is not None
    assert tuple(row.values()) == (2019, 2020, UUID(entry), 2)
    await assert_book_sound(world.service)
    mine = (await api.get("auditor", LINES, household_no=people[1].household_no)).json()["items"]
    assert [(one["effective_on"], one["state"]) for one in mine] == [("2020-01-10", "sent"), ("2019-12-20", "reissued")]


async def faults_of_plain(world: World, project: UUID, leg: Leg) -> set[str]:
    """What the gate says of a line that re-issues nothing and draws on a leg."""
    household, person = (await world.persons(1))[0]
    made = await world.draft(DISTRICT, "pay", [leg], line_count=1, effective_on=date(2020, 1, 10))
    await insert(world.service, "payment_list", {
        "book": DISTRICT, "instruction_id": made, "project_id": project, "programme_code": "labour_subsidy", "period": "2020-01",
        "entitlement_on": date(2020, 1, 1), "payee_kind": "person", "pay_method": "transfer", "is_final": False,
    })  # fmt: skip
    await insert(world.service, "payment_line", {
        "book": DISTRICT, "instruction_id": made, "leg_no": 1, "line_no": 1, "amount": leg.amount, "payee_id": person,
        "household_id": household, "programme_code": "labour_subsidy", "period": "2020-01", "participation_ref": "出勤表",
        "name_commitment": bytes(32), "card_commitment": bytes(32), "card_hash": card_of(person),
    })  # fmt: skip
    return {row["code"] for row in await world.service.fetch("SELECT code FROM payment_faults($1, $2)", DISTRICT, made)}


async def test_an_uploaded_list_of_the_next_year_gives_old_money_a_leg_of_its_own(api: Api, world: World) -> None:
    project = await world.project()
    people = await register(world, vault_of(api), 1)
    allocation = await money(world, project)
    made = await approved(api, world, list_body(world, project, allocation, people, effective_on="2019-12-20"))
    assert (await pay(api, made)).status_code == 200
    await came_back(api, world, made, 1, on="2020-01-06")
    others = await register(world, vault_of(api), 1)
    fresh = await money(world, await world.project())
    body = list_body(world, project, allocation, [*others, *people], effective_on="2020-01-10")
    body["sources"].append({"allocation_id": str(fresh)})
    body["lines"][0]["allocation"] = str(fresh)
    answer = await api.post("district-maker", LISTS, body)
    assert answer.status_code == 201, answer.text
    legs = await world.service.fetch(
        """SELECT l.allocation_id, l.exec_year, p.line_no, p.reissues_line_no FROM instruction_leg l JOIN payment_line p
           USING (book, instruction_id, leg_no) WHERE instruction_id = $1 ORDER BY line_no""",
        UUID(answer.json()["payment_list_id"]),
    )  # fmt: skip
    assert [tuple(row.values()) for row in legs] == [(fresh, None, 1, None), (allocation, 2019, 2, 1)]


async def test_states_from_listed_to_credited_and_the_filter(api: Api, world: World, tmp_path: Path) -> None:
    del tmp_path
    project = await world.project()
    people = await register(world, vault_of(api), 3)
    made = (
        await api.post("district-maker", LISTS, list_body(world, project, await money(world, project), people))
    ).json()
    path = f"{LISTS}/{made['payment_list_id']}"
    assert (made["line_states"], await states(api, made)) == ({"listed": 3}, ["listed"] * 3)
    await world.notice("payment_list", UUID(made["payment_list_id"]), 24_000)
    assert (await api.get("auditor", path)).json()["line_states"] == {"published": 3}
    assert await states(api, made) == ["published"] * 3
    assert (await approve(api, made)).json()["line_states"] == {"approved": 3}
    assert await states(api, made) == ["approved"] * 3
    assert (await pay(api, made)).status_code == 200
    assert await states(api, made) == ["sent"] * 3
    results = [
        {"line_no": 1, "outcome": "credited", "amount": "80.00"},
        {"line_no": 2, "outcome": "returned", "reason": "销户"},
    ]
    file = {
        "document_no": "回1号",
        "settled_on": "2019-03-04",
        "payment_list_id": made["payment_list_id"],
        "results": results,
    }
    taken = await api.post("district-maker", BANK, file)
    assert taken.status_code == 201, taken.text
    assert await states(api, made) == ["credited", "returned", "sent"]
    assert (await api.get("auditor", path)).json()["line_states"] == {"sent": 1, "credited": 1, "returned": 1}
    (back,) = (await api.get("auditor", f"{path}/lines", state="returned")).json()["items"]
    assert (back["line_no"], back["reason"], back["return_posted"]) == (2, "销户", False)
    assert (await api.get("auditor", f"{path}/lines", state="lost")).status_code == 422
    waiting = (await api.get("auditor", LINES, payee_id=str(people[1].person_id), state="returned")).json()["items"]
    assert [(one["payment_list_id"], one["line_no"], one["return_reason"]) for one in waiting] == [
        (made["payment_list_id"], 2, "销户")
    ]
    for query in ({}, {"payee_id": str(new_id()), "household_no": "1"}):
        answer = await api.get("auditor", LINES, **query)
        assert (answer.status_code, answer.json()["code"]) == (422, "payee-not-named")


async def test_a_list_that_was_sent_back_is_rejected_line_by_line(api: Api, world: World) -> None:
    project = await world.project()
    made = (await api.post("district-maker", LISTS, list_body(
        world, project, await money(world, project), await register(world, vault_of(api), 2)))).json()  # fmt: skip
    path = f"/v1/books/{DISTRICT}/instructions/{made['payment_list_id']}/reject"
    assert (await api.post("district-approver", path, {"reason": "名单有误"})).status_code == 200
    assert await states(api, made) == ["rejected", "rejected"]
    shown = (await api.get("auditor", f"{LISTS}/{made['payment_list_id']}")).json()
    assert shown["line_states"] == {"rejected": 2}
