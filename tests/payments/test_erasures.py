"""Erasure: late enough, by two people of one office, once; a leaf of the log; and every proof still holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from fundledger.book.instructions import Leg
from fundledger.db.connection import Connection
from fundledger.sealing.verify import verify_database
from tests.builders import DISTRICT, TODAY, World, insert
from tests.databases import Database, connected
from tests.payments.people import LISTS, approved, list_body, money, pay, register, secrets_of, vault_of
from tests.sealing.test_http import seal as seal_all
from tests.web import Api

ERASURES = f"/v1/books/{DISTRICT}/erasures"
WHY = {"document_no": "档销〔2050〕1号", "reason": "保管期满"}


async def shorten(owner: Connection, months: int = 12) -> None:
    """A retention period that lists of 2019 have behind them."""
    await owner.execute(
        "INSERT INTO parameter (code, version, value, unit, valid_from, source) "
        "SELECT 'erasure_retention_months', max(version) + 1, $1, 'months', '2016-01-01', 'test' FROM parameter "
        "WHERE code = 'erasure_retention_months'", months,
    )  # fmt: skip
    await owner.execute(
        "INSERT INTO log_queue (order_no, book, kind, record_id) SELECT nextval('record_order'), 420100, 'parameter', parameter_id "
        "FROM parameter WHERE code = 'erasure_retention_months' ORDER BY version DESC LIMIT 1"
    )


async def paid(api: Api, world: World, size: int = 3) -> tuple[dict[str, Any], Any]:
    """A paid list of so many persons."""
    project = await world.project()
    people = await register(world, vault_of(api), size)
    made = await approved(api, world, list_body(world, project, await money(world, project), people))
    assert (await pay(api, made)).status_code == 200
    return made, people


async def proposed(api: Api, made: dict[str, Any], *, who: str = "district-maker", **fields: Any) -> httpx.Response:
    """Propose to erase a list or some of its lines."""
    return await api.post(who, ERASURES, {"payment_list_id": made["payment_list_id"], **WHY, **fields})


async def decided(
    api: Api, proposal: dict[str, Any], who: str = "district-approver", *, key: str | None = None
) -> httpx.Response:
    """Approve what a proposal answered."""
    path = f"{ERASURES}/{proposal['proposal_id']}/approve"
    return await api.post(who, path, {"content_sha256": proposal["content_sha256"]}, key=key)


async def openings(world: World) -> int:
    return int(await world.service.fetchval("SELECT count(*) FROM payment_line_private"))


def code_of(answer: httpx.Response) -> str:
    return str(answer.json().get("code"))


async def test_before_the_period_is_over_nothing_can_even_be_proposed(api: Api, world: World) -> None:
    made, _ = await paid(api, world)
    refused = await proposed(api, made)
    assert (refused.status_code, code_of(refused)) == (409, "erasure-too-early")
    assert refused.json()["params"] == {"count": 3, "kept_until": "2049-12-31"}
    assert await world.service.fetchval("SELECT count(*) FROM erasure_proposal") == 0


async def test_a_list_is_erased_by_two_and_everything_else_stands(
    api: Api, world: World, db: Database, owner: Connection
) -> None:
    made, people = await paid(api, world)
    await shorten(owner)
    await seal_all(db)
    before = await lines_of_the_log(db)
    answer = await proposed(api, made)
    assert answer.status_code == 201, answer.text
    proposal = answer.json()
    assert (proposal["status"], proposal["lists"][0]["lines"], await openings(world)) == ("proposed", ["1-3"], 3)
    done = await decided(api, proposal)
    assert done.status_code == 200, done.text
    assert (done.json()["status"], done.json()["retention_months"], await openings(world)) == ("approved", 12, 0)
    await seal_all(db)
    assert (await lines_of_the_log(db))[: len(before)] == before
    shown = (await api.get("district-maker", f"{LISTS}/{made['payment_list_id']}/lines")).json()["items"]
    assert {(line["name"], line["card"]) for line in shown} == {(None, None)}
    bank = await api.post("district-payer", f"{LISTS}/{made['payment_list_id']}/bank-file?format=csv")
    assert code_of(bank) == "personal-data-erased"
    report = await verify_database(db.reader_url)
    assert report.first_fault is None, report.as_json()
    await the_leaf_says_which_lines_and_not_whose(api, world, proposal, done.json()["erasure_id"], people)


async def lines_of_the_log(db: Database) -> list[Any]:
    async with connected(db.reader_url) as reader:
        return [tuple(row) for row in await reader.fetch("SELECT position, leaf_hash FROM log_leaf ORDER BY position")]


async def the_leaf_says_which_lines_and_not_whose(
    api: Api, world: World, proposal: dict[str, Any], erasure_id: str, people: Any
) -> None:
    record = (await api.get("auditor", f"/v1/log/records/erasure/{erasure_id}")).json()
    leaf = json.loads(record["data"])
    rows = await world.service.fetch(
        "SELECT line_no, name_commitment, card_commitment FROM payment_line ORDER BY line_no"
    )
    text = "\n".join(f"{row[0]}|{row[1].hex()}|{row[2].hex()}" for row in rows)
    assert leaf["lists"] == [{
        "instruction_id": proposal["lists"][0]["payment_list_id"], "lines": ["1-3"], "line_count": 3,
        "commitments_sha256": sha256(text.encode()).hexdigest(),
    }]  # fmt: skip
    assert (leaf["proposed_by"], leaf["approver_id"], leaf["document_no"], leaf["content_sha256"]) == (
        str(world.who("district-maker").staff_id), str(world.who("district-approver").staff_id), WHY["document_no"],
        proposal["content_sha256"],
    )  # fmt: skip
    assert not [secret for secret in secrets_of(people) if secret in record["data"]]
    assert sha256(b"\x00" + record["data"].encode()).hexdigest() == record["leaf_hash"]


async def test_the_content_that_is_approved_can_be_computed_from_the_page_on_formats(
    api: Api, world: World, owner: Connection
) -> None:
    made, _ = await paid(api, world)
    await shorten(owner)
    proposal = (await proposed(api, made, line_nos=[1, 3])).json()
    [one] = proposal["lists"]
    head = ["fundledger-erasure-v1", DISTRICT, proposal["proposal_id"], WHY["document_no"], WHY["reason"],
            proposal["proposed_by"]]  # fmt: skip
    part = ["list", one["payment_list_id"], "1,3", 2, one["commitments_sha256"]]
    text = "\n".join(json.dumps(record, ensure_ascii=False) for record in (head, part))
    assert sha256(text.encode()).hexdigest() == proposal["content_sha256"]


async def test_who_may_not_decide(api: Api, world: World, owner: Connection) -> None:
    made, _ = await paid(api, world)
    await shorten(owner)
    proposal = (await proposed(api, made)).json()
    assert code_of(await decided(api, proposal, "poverty-approver")) == "erasure-other-office"
    for who in ("district-maker", "district-payer", "other-approver", "city-approver", "auditor", "township-approver"):
        assert (await decided(api, proposal, who)).status_code == 403, who
    changed = {**proposal, "content_sha256": "00" * 32}
    assert code_of(await decided(api, changed)) == "content-changed"
    assert await openings(world) == 3


async def test_one_person_with_both_duties_is_still_one_person(api: Api, world: World, owner: Connection) -> None:
    made, _ = await paid(api, world)
    await shorten(owner)
    proposal = (await proposed(api, made)).json()
    maker, digest = world.who("district-maker").staff_id, bytes.fromhex(proposal["content_sha256"])
    with pytest.raises(asyncpg.PostgresError) as caught:
        await world.service.execute(
            "SELECT approve_erasure($1, $2, $3, $4)", DISTRICT, UUID(proposal["proposal_id"]), digest, maker
        )
    assert "duties-not-separate" in str(caught.value.as_dict()["detail"])


async def test_twice_is_refused_whether_as_one_proposal_or_two(api: Api, world: World, owner: Connection) -> None:
    made, _ = await paid(api, world)
    await shorten(owner)
    first, second = (await proposed(api, made)).json(), (await proposed(api, made, line_nos=[2])).json()
    answer = await decided(api, first, key="k")
    assert (await decided(api, first, key="k")).json() == answer.json()
    assert code_of(await decided(api, first)) == "erasure-decided"
    assert code_of(await decided(api, second)) == "erasure-line-erased"
    assert code_of(await proposed(api, made)) == "erasure-line-erased"
    rejected = await api.post("district-approver", f"{ERASURES}/{second['proposal_id']}/reject", {"reason": "已删除"})
    assert (rejected.status_code, rejected.json()["status"]) == (200, "rejected")
    listed = (await api.get("auditor", ERASURES)).json()["items"]
    assert [one["status"] for one in listed] == ["approved", "rejected"]


@pytest.mark.parametrize("same", [True, False], ids=["one proposal", "two proposals of one line"])
async def test_of_two_approvals_at_once_one_erases(same: bool, api: Api, world: World, owner: Connection) -> None:
    made, _ = await paid(api, world)
    await shorten(owner)
    first = (await proposed(api, made)).json()
    second = first if same else (await proposed(api, made, line_nos=[2])).json()
    answers = await asyncio.gather(decided(api, first), decided(api, second))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert code_of(refused) in ("erasure-decided", "erasure-line-erased")
    assert await world.service.fetchval("SELECT count(*) FROM erasure") == 1


async def test_a_payee_is_erased_on_every_list(api: Api, world: World, owner: Connection) -> None:
    project = await world.project()
    people = await register(world, vault_of(api), 2)
    allocation = await money(world, project)
    for period in ("2019-01", "2019-02"):
        made = await approved(
            api, world, list_body(world, project, allocation, people, period=period, entitlement_on=f"{period}-01")
        )
        assert (await pay(api, made)).status_code == 200
    await shorten(owner)
    answer = await api.post("district-maker", ERASURES, {"payee_id": str(people[0].person_id), **WHY})
    assert answer.status_code == 201, answer.text
    assert [one["line_count"] for one in answer.json()["lists"]] == [1, 1]
    assert (await decided(api, answer.json())).status_code == 200
    assert await openings(world) == 2
    again = await api.post("district-maker", ERASURES, {"payee_id": str(people[0].person_id), **WHY})
    assert code_of(again) == "erasure-nothing"


async def test_of_a_payee_a_line_whose_money_still_waits_is_left_out(api: Api, world: World, owner: Connection) -> None:
    project = await world.project()
    people = await register(world, vault_of(api), 1)
    allocation = await money(world, project)
    body = list_body(world, project, allocation, people, period="2019-01", entitlement_on="2019-01-01")
    waiting = await approved(api, world, body)
    assert (await pay(api, waiting)).status_code == 200
    await return_line(world)
    body = list_body(world, project, allocation, people, period="2019-02", entitlement_on="2019-02-01")
    over = await approved(api, world, body)
    assert (await pay(api, over)).status_code == 200
    await shorten(owner)
    answer = await api.post("district-maker", ERASURES, {"payee_id": str(people[0].person_id), **WHY})
    assert answer.status_code == 201, answer.text
    assert [one["payment_list_id"] for one in answer.json()["lists"]] == [over["payment_list_id"]]


async def test_a_list_that_was_never_paid_is_kept_until_it_is_rejected(
    api: Api, world: World, owner: Connection
) -> None:
    project = await world.project()
    people = await register(world, vault_of(api), 1)
    made = (
        await api.post("district-maker", LISTS, list_body(world, project, await money(world, project), people))
    ).json()
    await shorten(owner, 0)
    refused = await proposed(api, made)
    assert (code_of(refused), refused.json()["params"]["kept_until"]) == ("erasure-too-early", None)
    path = f"/v1/books/{DISTRICT}/instructions/{made['payment_list_id']}/reject"
    assert (await api.post("district-approver", path, {"reason": "重复"})).status_code == 200
    # Rejected today: kept until the end of this year, even without a further month.
    assert (await proposed(api, made)).json()["params"]["kept_until"] is not None


async def test_returned_money_keeps_its_opening_until_it_is_paid_again(
    api: Api, world: World, owner: Connection
) -> None:
    made, _ = await paid(api, world)
    await shorten(owner)
    await return_line(world)
    assert code_of(await proposed(api, made, line_nos=[1])) == "erasure-line-waits"
    assert (await proposed(api, made, line_nos=[2, 3])).status_code == 201


async def return_line(world: World) -> None:
    """Post the return of line 1."""
    entry = await world.service.fetchval("SELECT entry_id FROM entry WHERE entry_kind = 'pay'")
    back = Leg(8_000, undoes_entry_id=entry, undoes_line_no=1)
    await insert(world.service, "bank_result", {
        "book": DISTRICT, "entry_id": entry, "line_no": 1, "outcome": "returned", "settled_on": TODAY,
        "document_no": "回盘1号", "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip
    await world.post(DISTRICT, await world.draft(DISTRICT, "return", [back]))


@pytest.mark.parametrize(
    ("fields", "code"),
    [({}, "erasure-scope"), ({"payee_id": str(UUID(int=1)), "line_nos": [1]}, "erasure-scope"),
     ({"payment_list_id": str(UUID(int=1)), "payee_id": str(UUID(int=1))}, "erasure-scope"),
     ({"payment_list_id": str(UUID(int=1))}, "erasure-nothing"), ({"payee_id": str(UUID(int=1))}, "erasure-nothing")],
)  # fmt: skip
async def test_a_scope_is_one_list_or_one_payee(fields: dict[str, Any], code: str, api: Api) -> None:
    assert code_of(await api.post("district-maker", ERASURES, {**WHY, **fields})) == code


async def test_a_line_that_is_not_on_the_list_is_not_passed_over(api: Api, world: World, owner: Connection) -> None:
    made, _ = await paid(api, world)
    await shorten(owner)
    assert code_of(await proposed(api, made, line_nos=[1, 99])) == "erasure-nothing"


async def test_openings_go_no_other_way(api: Api, world: World, db: Database, owner: Connection) -> None:
    made, _ = await paid(api, world)
    await shorten(owner)
    proposal = (await proposed(api, made, line_nos=[1])).json()
    attacks = ("DELETE FROM payment_line_private", "UPDATE payment_line_private SET sealed = ''",
               "TRUNCATE payment_line_private")  # fmt: skip
    for url in (db.service_url, db.owner_url, db.superuser_url):
        async with connected(url) as connection:
            for statement in attacks:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
    for statement in (
        "INSERT INTO erasure VALUES (420117, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), sha256(''), 0, now())",
        "INSERT INTO log_queue VALUES (1, 420117, 'erasure', gen_random_uuid())",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.service.execute(statement)
    assert (await decided(api, proposal)).status_code == 200
    await the_rest_of_the_list_is_not_open_to_anybody(world, owner, proposal, made)


async def the_rest_of_the_list_is_not_open_to_anybody(
    world: World, owner: Connection, proposal: dict[str, Any], made: dict[str, Any]
) -> None:
    """Neither does an approved proposal grow, nor does an erased opening come back."""
    arguments = (DISTRICT, UUID(proposal["proposal_id"]), UUID(made["payment_list_id"]))
    for connection in (world.service, owner):
        with pytest.raises(asyncpg.PostgresError, match="decided"):
            await connection.execute("INSERT INTO erasure_proposal_line VALUES ($1, $2, $3, 2)", *arguments)
        with pytest.raises(asyncpg.PostgresError, match="erased"):
            await connection.execute(
                "INSERT INTO payment_line_private VALUES ($1, $2, 1, sha256('a'), sha256('b'), 'x')",
                DISTRICT, UUID(made["payment_list_id"]),
            )  # fmt: skip
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute("DELETE FROM payment_line_private")
    assert await openings(world) == 2


async def test_an_opening_that_went_without_two_people_is_found(api: Api, world: World, db: Database) -> None:
    await paid(api, world)
    async with connected(db.superuser_url) as superuser:
        await superuser.execute("SET session_replication_role = replica")
        await superuser.execute("DELETE FROM payment_line_private WHERE line_no = 2")
    report = await verify_database(db.reader_url)
    assert report.first_fault is not None
    assert (report.first_fault.name, report.first_fault.fault and report.first_fault.fault["line_no"]) == (
        "openings-go-by-erasure-only", 2)  # fmt: skip


async def test_an_erasure_while_a_bank_file_is_made_leaves_a_whole_file_or_none(
    api: Api, world: World, owner: Connection
) -> None:
    made, people = await paid(api, world, 5)
    await shorten(owner)
    proposal = (await proposed(api, made)).json()
    calls: list[Awaitable[httpx.Response]] = [
        api.post("district-payer", f"{LISTS}/{made['payment_list_id']}/bank-file?format=csv") for _ in range(4)
    ]
    *files, done = await asyncio.gather(*calls, decided(api, proposal))
    assert done.status_code == 200
    for file in files:
        if file.status_code == 200:
            assert all(person.card in file.text for person in people)
        else:
            assert code_of(file) == "personal-data-erased"
