"""Payment lists over HTTP: the whole way, the three people, keys, races, and what the bank said."""

from __future__ import annotations

import asyncio
from uuid import UUID

from fundledger.access.tokens import add_staff, issue
from fundledger.db.connection import Connection
from tests.builders import DISTRICT, OTHER_DISTRICT, World
from tests.payments.people import (
    ACCOUNT_NO,
    BANK,
    LISTS,
    approve,
    approved,
    header_of,
    line_of,
    list_body,
    money,
    organisation,
    pay,
    publish,
    register,
    vault_of,
)  # fmt: skip
from tests.web import Api


async def test_a_list_runs_from_upload_to_the_paid_account(api: Api, world: World) -> None:
    project = await world.project()
    allocation = await money(world, project)
    people = await register(world, vault_of(api), 3)
    made = await api.post("district-maker", LISTS, list_body(world, project, allocation, people))
    assert made.status_code == 201, made.text
    assert (made.json()["status"], made.json()["total"], made.json()["line_count"]) == ("drafted", "240.00", 3)
    assert [item["code"] for item in made.json()["pending"]] == ["list-not-published"]
    assert made.json()["pending"][0]["dimension"] == "management"
    await publish(world, made.json())
    done = await approve(api, made.json())
    assert (done.status_code, done.json()["status"], done.json()["pending"]) == (200, "approved", []), done.text
    paid = await pay(api, made.json())
    assert paid.status_code == 200, paid.text
    rows = await world.service.fetch(
        "SELECT amount, payee_id FROM transfer WHERE entry_id = $1 ORDER BY line_no", UUID(paid.json()["entry_id"])
    )
    assert [(row["amount"], row["payee_id"]) for row in rows] == [(8_000, person.person_id) for person in people]
    shown = (await api.get("auditor", f"{LISTS}/{made.json()['payment_list_id']}")).json()
    assert (shown["status"], shown["entry_id"], shown["pending"]) == ("posted", paid.json()["entry_id"], [])
    assert shown["content_sha256"] == made.json()["content_sha256"]
    assert await world.balance("paid", project=project) == 24_000


async def test_a_preview_says_what_the_upload_says_and_stores_nothing(api: Api, world: World) -> None:
    project = await world.project()
    body = list_body(world, project, await money(world, project), await register(world, vault_of(api), 2))
    preview = await api.post("district-maker", f"{LISTS}?preview=true", body, key="same")
    assert preview.status_code == 200, preview.text
    for left in ("payment_line", "instruction WHERE entry_kind = 'pay'", "idempotency WHERE key = 'same'"):
        assert await world.service.fetchval(f"SELECT count(*) FROM {left}") == 0
    made = await api.post("district-maker", LISTS, body, key="same")
    assert made.status_code == 201, made.text
    own = {"payment_list_id", "content_sha256", "status", "made_at"}
    assert {k: v for k, v in preview.json().items() if k not in own} == {
        k: v for k, v in made.json().items() if k not in own
    }
    assert preview.json()["payment_list_id"] is preview.json()["content_sha256"] is None


async def test_a_household_programme_pays_the_head_of_the_household(api: Api, world: World) -> None:
    project = await world.project(programme="dibao_topup", category="minimum_living")
    allocation = await money(world, project)
    people = await register(world, vault_of(api), 2, programme="dibao_topup", household=True)
    header = header_of(world, project, allocation, payee_kind="household", programme_code="dibao_topup")
    lines = [{"household_no": p.household_no, "name": p.name, "card": p.card, "amount": "120"} for p in people]
    made = await approved(api, world, {**header, "lines": lines})
    assert (await pay(api, made)).status_code == 200
    payees = await world.service.fetch("SELECT payee_id FROM transfer WHERE payee_id IS NOT NULL")
    assert {row["payee_id"] for row in payees} == {person.household_id for person in people}


async def test_an_organisation_is_paid_by_its_credit_code(api: Api, world: World) -> None:
    project = await world.project(
        programme="rural_works", category="infrastructure", exemption="below_threshold", estimate=1_000_000
    )
    allocation = await money(world, project)
    payee, code = await organisation(world, vault_of(api))
    procurement = await world.service.fetchval("SELECT procurement_id FROM procurement WHERE project_id = $1", project)
    await world.progress(project, 60)
    claim = await world.claim(project, procurement, payee, 500_150)
    header = header_of(world, project, allocation, payee_kind="organisation", programme_code="rural_works",
                       claim_id=str(claim))  # fmt: skip
    line = {"credit_code": code, "name": "测试建筑有限公司", "account": ACCOUNT_NO, "amount": "5000.5"}
    made = await approved(api, world, {**header, "lines": [line, {**line, "amount": "1"}]})
    assert made["total"] == "5001.50"
    assert (made["procurement_id"], made["claim_id"]) == (str(procurement), str(claim))
    assert (await pay(api, made)).status_code == 200
    assert await world.service.fetchval("SELECT sum(amount) FROM transfer WHERE payee_id = $1", payee) == 500_150


async def test_a_key_gives_the_first_result_again_at_every_step(api: Api, world: World) -> None:
    project = await world.project()
    body = list_body(world, project, await money(world, project), await register(world, vault_of(api), 1))
    first = await api.post("district-maker", LISTS, body, key="upload")
    again = await api.post("district-maker", LISTS, body, key="upload")
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, first.json(), "true")
    other = await api.post("district-maker", LISTS, {**body, "summary": "另一份"}, key="upload")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-conflict")
    await publish(world, first.json())
    done, redone = [await approve(api, first.json(), key="approve") for _ in range(2)]
    assert (redone.json(), redone.headers["Idempotent-Replayed"]) == (done.json(), "true")
    paid, repaid = [await pay(api, first.json(), key="pay") for _ in range(2)]
    assert (repaid.json(), repaid.headers["Idempotent-Replayed"]) == (paid.json(), "true")
    assert await world.balance("paid", project=project) == 8_000


async def test_a_refused_upload_leaves_its_key_free(api: Api, world: World) -> None:
    project = await world.project()
    body = list_body(world, project, await money(world, project), await register(world, vault_of(api), 1))
    wrong = {**body, "lines": [{**body["lines"][0], "amount": "0"}]}
    assert (await api.post("district-maker", LISTS, wrong, key="k")).status_code == 422
    assert (await api.post("district-maker", LISTS, body, key="k")).status_code == 201


async def test_two_uploads_with_one_key_at_the_same_time_make_one_list(api: Api, world: World) -> None:
    project = await world.project()
    body = list_body(world, project, await money(world, project), await register(world, vault_of(api), 5))
    answers = await asyncio.gather(*(api.post("district-maker", LISTS, body, key="k") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["payment_list_id"] for answer in answers}) == 1
    assert await world.service.fetchval("SELECT count(*) FROM payment_list") == 1


async def test_a_second_approval_is_a_conflict(api: Api, world: World) -> None:
    project = await world.project()
    made = await approved(
        api, world, list_body(world, project, await money(world, project), await register(world, vault_of(api), 1))
    )
    again = await approve(api, made)
    assert (again.status_code, again.json()["code"]) == (409, "already-approved")


async def test_an_approval_names_exactly_what_was_seen(api: Api, world: World) -> None:
    project = await world.project()
    made = (
        await api.post(
            "district-maker",
            LISTS,
            list_body(world, project, await money(world, project), await register(world, vault_of(api), 1)),
        )
    ).json()
    wrong = await approve(api, {**made, "content_sha256": "0" * 64})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "content-changed")
    assert (
        await world.service.fetchval(
            "SELECT count(*) FROM approval a JOIN instruction n USING (book, instruction_id) WHERE n.entry_kind = 'pay'"
        )
        == 0
    )


async def test_maker_approver_and_payer_are_three_people_of_this_district(api: Api, world: World) -> None:
    project = await world.project()
    body = list_body(world, project, await money(world, project), await register(world, vault_of(api), 1))
    for who in ("district-approver", "district-payer", "other-maker", "city-maker", "auditor"):
        assert (await api.post(who, LISTS, body)).status_code == 403, who
    made = (await api.post("district-maker", LISTS, body)).json()
    await publish(world, made)
    for who in ("district-maker", "district-payer", "other-approver", "city-approver", "inspector"):
        assert (await approve(api, made, who)).status_code == 403, who
    assert (await approve(api, made)).status_code == 200
    for who in ("district-maker", "district-approver", "poverty-approver", "other-payer", "auditor"):
        assert (await pay(api, made, who)).status_code == 403, who
    # The list is not in the other district's book, so its payer finds nothing there.
    elsewhere = await api.post("other-payer", f"/v1/books/{OTHER_DISTRICT}/payment-lists/{made['payment_list_id']}/pay")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "instruction-not-found")
    assert await world.balance("paid", project=project) == 0


async def test_a_maker_with_every_duty_does_not_approve_or_pay_the_own_list(api: Api, world: World) -> None:
    project = await world.project()
    body = list_body(world, project, await money(world, project), await register(world, vault_of(api), 1))
    staff = await add_staff(
        world.owner, DISTRICT, world.who("district-maker").unit_id, "全能", ("maker", "approver", "payer")
    )
    world.tokens["all-duties"] = await issue(world.owner, DISTRICT, staff)
    made = (await api.post("all-duties", LISTS, body)).json()
    await publish(world, made)
    assert (await approve(api, made, "all-duties")).json()["code"] == "duties-not-separate"
    assert (await approve(api, made)).status_code == 200
    refused = await pay(api, made, "all-duties")
    assert refused.status_code == 409
    assert "duties-not-separate" in refused.text


async def test_paying_without_approval_is_refused(api: Api, world: World) -> None:
    project = await world.project()
    made = (
        await api.post(
            "district-maker",
            LISTS,
            list_body(world, project, await money(world, project), await register(world, vault_of(api), 1)),
        )
    ).json()
    await publish(world, made)
    refused = await pay(api, made)
    assert (refused.status_code, refused.json()["code"]) == (409, "not-approved")


async def test_a_rejected_list_is_neither_approved_nor_paid(api: Api, world: World) -> None:
    project = await world.project()
    made = (
        await api.post(
            "district-maker",
            LISTS,
            list_body(world, project, await money(world, project), await register(world, vault_of(api), 1)),
        )
    ).json()
    path = f"/v1/books/{DISTRICT}/instructions/{made['payment_list_id']}/reject"
    assert (await api.post("district-approver", path, {"reason": "重做"})).status_code == 200
    assert (await approve(api, made)).json()["code"] == "instruction-rejected"
    assert (await api.get("district-maker", f"{LISTS}/{made['payment_list_id']}")).json()["status"] == "rejected"


async def test_paying_twice_with_another_key_is_refused(api: Api, world: World) -> None:
    project = await world.project()
    made = await approved(
        api, world, list_body(world, project, await money(world, project), await register(world, vault_of(api), 2))
    )
    assert (await pay(api, made)).status_code == 200
    again = await pay(api, made)
    assert again.status_code == 409
    assert "already-posted" in again.text
    assert await world.balance("paid", project=project) == 16_000


async def test_of_many_payers_at_once_exactly_one_pays(api: Api, world: World) -> None:
    project = await world.project()
    made = await approved(
        api, world, list_body(world, project, await money(world, project), await register(world, vault_of(api), 2))
    )
    answers = await asyncio.gather(*(pay(api, made) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    same = await asyncio.gather(*(pay(api, made, key="one") for _ in range(4)))
    assert {answer.status_code for answer in same} == {409}
    assert await world.balance("paid", project=project) == 16_000


async def test_two_lists_that_together_overdraw_a_project_do_not_both_pay(api: Api, world: World) -> None:
    project = await world.project()
    allocation = await money(world, project, 20_000)
    first, second = await register(world, vault_of(api), 2), await register(world, vault_of(api), 2)
    lists = [await approved(api, world, list_body(world, project, allocation, people)) for people in (first, second)]
    answers = await asyncio.gather(*(pay(api, made) for made in lists))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert "balance-insufficient" in next(answer.text for answer in answers if answer.status_code == 409)
    assert await world.balance("available", project=project) == 4_000


async def test_content_changed_behind_the_trigger_is_not_paid(api: Api, world: World, superuser: Connection) -> None:
    project = await world.project()
    made = await approved(
        api, world, list_body(world, project, await money(world, project), await register(world, vault_of(api), 2))
    )
    stranger = (await register(world, vault_of(api), 1))[0]
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute(
        "UPDATE payment_line SET payee_id = $1, household_id = $2 WHERE line_no = 2",
        stranger.person_id,
        stranger.household_id,
    )
    refused = await pay(api, made)
    assert refused.status_code == 409
    assert "content-changed" in refused.text
    assert await world.balance("paid", project=project) == 0


async def test_several_sources_keep_their_tag(api: Api, world: World) -> None:
    project = await world.project()
    first, second = await money(world, project, 20_000), await money(world, project, 20_000)
    people = await register(world, vault_of(api), 4)
    header = header_of(
        world, project, sources=[{"allocation_id": str(first), "amount": "200.00"}, {"allocation_id": str(second)}]
    )
    lines = [line_of(person) for person in people]
    lines[0]["allocation"] = str(second)
    made = await approved(api, world, {**header, "lines": lines})
    assert made["sources"] == [
        {"allocation_id": str(first), "amount": "160.00"},
        {"allocation_id": str(second), "amount": "160.00"},
    ]
    assert (await pay(api, made)).status_code == 200
    shown = (await api.get("district-maker", f"{LISTS}/{made['payment_list_id']}/lines")).json()["items"]
    assert [line["allocation_id"] for line in shown] == [str(second), str(first), str(first), str(second)]
    assert await world.balance("paid", allocation=first) == await world.balance("paid", allocation=second) == 16_000


async def test_lines_are_paged_and_masked(api: Api, world: World) -> None:
    project = await world.project()
    people = await register(world, vault_of(api), 5)
    made = (
        await api.post("district-maker", LISTS, list_body(world, project, await money(world, project), people))
    ).json()
    path, seen, cursor = f"{LISTS}/{made['payment_list_id']}/lines", [], None
    for _ in range(3):
        page = (await api.get("auditor", path, limit=2, **({"cursor": cursor} if cursor else {}))).json()
        seen += page["items"]
        cursor = page["next"]
    assert ([line["line_no"] for line in seen], cursor) == ([1, 2, 3, 4, 5], None)
    assert [line["name"] for line in seen] == [person.name[0] + "***" for person in people]
    assert [line["card"][-4:] for line in seen] == [person.card[-4:] for person in people]
    assert all(set(line["card"][:-4]) == {"*"} for line in seen)


async def test_lists_are_paged_newest_first(api: Api, world: World) -> None:
    project = await world.project()
    allocation, people = await money(world, project), await register(world, vault_of(api), 3)
    made = [
        (await api.post("district-maker", LISTS, list_body(world, project, allocation, [p]))).json()["payment_list_id"]
        for p in people
    ]
    page = (await api.get("auditor", LISTS, limit=2)).json()
    rest = (await api.get("auditor", LISTS, limit=2, cursor=page["next"], project_id=project)).json()
    assert [item["payment_list_id"] for item in page["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None
    assert (await api.get("other-maker", LISTS)).status_code == 403


async def test_a_missing_list_is_not_found(api: Api, world: World) -> None:
    del world
    missing = f"{LISTS}/01890000-0000-7000-8000-000000000000"
    for path in (missing, f"{missing}/lines"):
        answer = await api.get("auditor", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "payment-list-not-found")
    assert (await api.post("district-payer", f"{missing}/pay")).status_code == 404


async def test_a_returned_line_goes_back_and_the_person_may_be_paid_again(api: Api, world: World) -> None:
    project = await world.project()
    allocation = await money(world, project)
    people = await register(world, vault_of(api), 3)
    body = list_body(world, project, allocation, people)
    made = await approved(api, world, body)
    assert (await pay(api, made)).status_code == 200
    results = [{"line_no": 1, "outcome": "credited"}, {"line_no": 2, "outcome": "returned", "reason": "账户已销户"}]
    file = {
        "document_no": "回盘1号",
        "settled_on": "2019-03-04",
        "payment_list_id": made["payment_list_id"],
        "results": results,
    }
    taken = await api.post("district-maker", BANK, file, key="bank")
    assert taken.status_code == 201, taken.text
    assert (taken.json()["credited_lines"], taken.json()["returned_lines"]) == (1, 1)
    replay = await api.post("district-maker", BANK, file, key="bank")
    assert (replay.json(), replay.headers["Idempotent-Replayed"]) == (taken.json(), "true")
    (draft,) = taken.json()["returns"]
    assert (draft["entry_kind"], draft["total"], draft["status"]) == ("return", "80.00", "drafted")
    # Until the return is posted the money counts as paid.
    once_more = {**body, "document_no": "再拨1号", "lines": [body["lines"][1]]}
    assert "paid-twice" in (await api.post("district-maker", LISTS, once_more)).text
    assert (await api.approve("district-approver", DISTRICT, draft)).status_code == 200
    assert await world.balance("available", project=project, allocation=allocation) == 10_000_000 - 16_000
    again = await approved(api, world, once_more)
    assert (await pay(api, again)).status_code == 200
    assert await world.balance("paid", project=project) == 24_000
    shown = (await api.get("auditor", f"{LISTS}/{made['payment_list_id']}")).json()
    assert (shown["credited_lines"], shown["returned_lines"]) == (1, 1)
    lines = (await api.get("auditor", f"{LISTS}/{made['payment_list_id']}/lines")).json()["items"]
    assert [(line["outcome"], line["reason"]) for line in lines] == [
        ("credited", ""),
        ("returned", "账户已销户"),
        (None, None),
    ]


async def test_a_person_is_not_paid_twice_for_one_programme_and_period(api: Api, world: World) -> None:
    project = await world.project()
    allocation, people = await money(world, project), await register(world, vault_of(api), 2)
    body = list_body(world, project, allocation, people)
    waiting = await approved(api, world, {**body, "document_no": "另一份"})
    assert (await pay(api, await approved(api, world, body))).status_code == 200
    refused = await pay(api, waiting)
    assert refused.status_code == 409
    assert {fault["code"] for fault in refused.json()["faults"]} == {"paid-twice"}
    assert await world.balance("paid", project=project) == 16_000
