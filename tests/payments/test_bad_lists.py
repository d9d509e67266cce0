"""Bad lists over HTTP: every fault named at once at its place, nothing stored, no personal data in what comes back."""

from __future__ import annotations

import json
import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from fundledger.db.connection import Connection
from fundledger.ids import new_id
from tests.builders import DISTRICT, OTHER_DISTRICT, World, insert
from tests.payments.people import (
    LISTS,
    Person,
    header_of,
    line_of,
    list_body,
    money,
    pay,
    register,
    secrets_of,
    vault_of,
)
from tests.payments.people import approved as approved_list
from tests.web import Api

CSV = "text/csv; charset=gb18030"
HEADINGS = "身份证号,姓名,银行卡号,金额,数量,参与记录"


@pytest.fixture
async def project(world: World) -> UUID:
    """A project that may pay a labour subsidy."""
    return await world.project()


@pytest.fixture
async def allocation(world: World, project: UUID) -> UUID:
    """Its money."""
    return await money(world, project)


@pytest.fixture
async def people(api: Api, world: World) -> list[Person]:
    """Three who may be paid."""
    return await register(world, vault_of(api), 3)


def faults_of(answer: httpx.Response) -> list[tuple[Any, ...]]:
    """Code and place of every fault."""
    return [
        (fault["code"], fault.get("pointer") or (fault.get("line"), fault.get("column")))
        for fault in answer.json()["faults"]
    ]


async def stored(connection: Connection) -> int:
    """How many rows an upload left."""
    return int(await connection.fetchval(
        "SELECT (SELECT count(*) FROM payment_line) + (SELECT count(*) FROM payment_line_private)"
        " + (SELECT count(*) FROM payment_list) + (SELECT count(*) FROM instruction WHERE entry_kind = 'pay')"
        " + (SELECT count(*) FROM idempotency WHERE kind = 'payment_list')"
    ))  # fmt: skip


async def upload_csv(
    api: Api, world: World, project: UUID, allocation: UUID, content: bytes, **fields: Any
) -> httpx.Response:
    """Upload a CSV file with its header in the query."""
    header = header_of(world, project, **{"sources": [str(allocation)], **fields})
    return await api.client.post(
        LISTS, params=header, content=content, headers={**api.headers("district-maker"), "Content-Type": CSV}
    )


def csv_line(person: Person, amount: str = "80.00") -> str:
    return f"{person.identity},{person.name},{person.card},{amount},1,出勤表"


async def test_every_fault_of_a_list_comes_back_at_once(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    first, second, third = people
    body = list_body(world, project, allocation, people)
    misread = second.identity[:-1] + ("0" if second.identity[-1] != "0" else "1")
    cases: list[tuple[dict[str, Any] | object, list[tuple[str, str]]]] = [
        (line_of(first, amount=80.0), [("amount-not-a-string", "/amount")]),
        (line_of(first, amount=80), [("amount-not-a-string", "/amount")]),
        (line_of(first, amount="80.001"), [("amount-too-precise", "/amount")]),
        (line_of(first, amount="0.00"), [("amount-not-positive", "/amount")]),
        (line_of(first, amount="-5"), [("amount-not-positive", "/amount")]),
        (line_of(first, amount="1e3"), [("amount-malformed", "/amount")]),
        (line_of(first, amount="1,000.00"), [("amount-malformed", "/amount")]),
        (line_of(first, amount="99999999999999"), [("amount-too-large", "/amount")]),
        (line_of(first, card="6.2E+18"), [("card-scientific", "/card")]),
        (line_of(first, card=second.card[:-1] + str(9 - int(second.card[-1]))), [("card-checksum", "/card")]),
        (line_of(first, card=6222020000000001), [("field-not-text", "/card")]),
        (line_of(first, identity_number=misread), [("identity-checksum", "/identity_number")]),
        (line_of(first, identity_number="4.2E+17"), [("identity-scientific", "/identity_number")]),
        (line_of(first, name=" "), [("text-unreadable", "/name")]),
        (line_of(first, name="王\x00五"), [("text-unreadable", "/name")]),
        (line_of(first, name="长" * 101), [("text-too-long", "/name")]),
        (line_of(first, quantity=1.5), [("quantity-malformed", "/quantity")]),
        (line_of(first, quantity=True), [("quantity-malformed", "/quantity")]),
        (line_of(first, quantity=0), [("quantity-malformed", "/quantity")]),
        (line_of(first, amont="80.00"), [("line-field-unknown", "")]),
        ({"name": first.name}, [("field-missing", f"/{name}") for name in ("amount", "card", "identity_number")]),
        ("a text", [("line-not-an-object", "")]),
    ]  # fmt: skip
    # The sound ones are looked up all the same: a stranger, a wrong name, somebody twice, one above the standard.
    body["lines"] = [line for line, _ in cases]
    good = len(cases)
    nobody = (await register(world, vault_of(api), 1, book=OTHER_DISTRICT, programme=None))[0]
    body["lines"] += [line_of(nobody), line_of(second, name="别人"), line_of(third, amount="80.01"), line_of(third)]
    answer = await api.post("district-maker", LISTS, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "list-malformed"), answer.text
    expected = [(code, f"/lines/{index}{field}") for index, (_, faults) in enumerate(cases) for code, field in faults]
    expected = [case for case in expected if case[0] != "payee-listed-twice"]
    expected += [
        ("payee-unknown", f"/lines/{good}/identity_number"),
        ("payee-name-differs", f"/lines/{good + 1}/name"),
        ("above-standard", f"/lines/{good + 2}/amount"),
        ("payee-listed-twice", f"/lines/{good + 3}/identity_number"),
    ]
    found = [
        fault for fault in faults_of(answer) if fault[0] != "payee-listed-twice" or f"/lines/{good + 3}/" in fault[1]
    ]
    assert sorted(found) == sorted(expected)
    assert await stored(world.service) == 0


async def test_a_list_that_only_breaks_rules_is_kept_as_evidence(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    body = list_body(world, project, allocation, people)
    body["lines"][1]["amount"] = "80.01"
    del body["lines"][2]["participation_ref"]
    refused = await api.post("district-maker", LISTS, body)
    assert (refused.status_code, refused.json()["code"]) == (409, "list-refused")
    assert faults_of(refused) == [
        ("above-standard", "/lines/1/amount"),
        ("participation-missing", "/lines/2/participation_ref"),
    ]
    row = await world.service.fetchrow("SELECT code, detail FROM refusal")
    assert row is not None
    assert row["code"] == "list-refused"
    assert [fault["code"] for fault in json.loads(row["detail"])["faults"]] == [
        "above-standard",
        "participation-missing",
    ]
    assert await stored(world.service) == 0


async def test_a_struck_off_or_removed_payee_refuses_the_list(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    maker = world.who("district-maker").staff_id
    since, book = date(2019, 1, 15), DISTRICT
    await insert(world.service, "roster_member", {
        "book": book, "programme_code": "labour_subsidy", "payee_id": people[0].person_id, "valid_from": since,
        "action": "struck_off", "document_no": "剔除1号", "recorded_by": maker,
    })  # fmt: skip
    await insert(world.service, "registry_status", {
        "book": book, "subject_id": people[1].household_id, "valid_from": since, "status": "removed",
        "document_no": "清退1号", "recorded_by": maker,
    })  # fmt: skip
    refused = await api.post("district-maker", LISTS, list_body(world, project, allocation, people))
    assert faults_of(refused) == [
        ("roster-struck-off", "/lines/0/identity_number"),
        ("payee-removed", "/lines/1/identity_number"),
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"pay_method": "cash"}, (409, "cash-not-allowed", "/pay_method")),
        ({"pay_method": "barter"}, (422, "field-invalid", "/pay_method")),
        ({"payee_kind": "cat"}, (422, "field-invalid", "/payee_kind")),
        ({"period": "2019-13"}, (422, "field-invalid", "/period")),
        ({"officer_id": "nobody"}, (422, "field-invalid", "/officer_id")),
        ({"effective_on": "2019-02-30"}, (422, "field-invalid", "/effective_on")),
        ({"sources": []}, (422, "field-invalid", "/sources")),
        ({"misspelt": 1}, (422, "field-unknown", "/misspelt")),
        ({"programme_code": "no_such"}, (422, "programme-unknown", "/programme_code")),
        ({"project_id": str(new_id())}, (409, "project-not-in-library", "/project_id")),
        ({"sources": [{"allocation_id": str(new_id())}]}, (404, "allocation-not-found", "/sources")),
        ({"lines": []}, (422, "list-empty", "/lines")),
    ],
)
async def test_a_fault_of_the_header_has_its_own_code_and_place(
    api: Api,
    world: World,
    project: UUID,
    allocation: UUID,
    people: list[Person],
    fields: dict[str, Any],
    expected: tuple[int, str, str],
) -> None:
    answer = await api.post("district-maker", LISTS, {**list_body(world, project, allocation, people), **fields})
    found = answer.json()
    assert (answer.status_code, found["code"], found["faults"][0]["pointer"]) == expected, answer.text
    assert await stored(world.service) == 0


async def test_faults_of_header_and_lines_come_together(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    body = list_body(world, project, allocation, people, period="someday")
    body["lines"][0]["amount"] = 1.5
    answer = await api.post("district-maker", LISTS, body)
    assert answer.json()["code"] == "list-malformed"
    assert faults_of(answer) == [("field-invalid", "/period"), ("amount-not-a-string", "/lines/0/amount")]


async def test_a_source_amount_is_a_decimal_string(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    sources = [{"allocation_id": str(allocation), "amount": 240.0}]
    answer = await api.post("district-maker", LISTS, list_body(world, project, allocation, people, sources=sources))
    assert answer.status_code == 422
    assert faults_of(answer) == [("amount-not-a-string", "/sources/0/amount")]


async def test_a_line_that_would_straddle_two_sources_is_refused(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    other = await money(world, project)
    sources = [{"allocation_id": str(allocation), "amount": "120"}, {"allocation_id": str(other), "amount": "120.00"}]
    answer = await api.post("district-maker", LISTS, list_body(world, project, allocation, people, sources=sources))
    assert faults_of(answer) == [("line-fits-no-source", "/lines/2/amount")]


async def test_the_other_districts_project_and_money_are_unknown_here(
    api: Api, world: World, people: list[Person]
) -> None:
    project = await world.project(book=OTHER_DISTRICT)
    allocation = await world.funded(district=OTHER_DISTRICT)
    answer = await api.post("district-maker", LISTS, list_body(world, project, allocation, people))
    assert {code for code, _ in faults_of(answer)} >= {"project-not-in-library", "allocation-not-found"}
    assert await stored(world.service) == 0


async def test_a_closed_month_refuses_the_list_at_once(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    await world.service.execute(
        "SELECT gate_close_period($1, '2019-03-01', $2, $3, '结账1号')",
        DISTRICT,
        new_id(),
        world.who("district-approver").staff_id,
    )
    answer = await api.post("district-maker", LISTS, list_body(world, project, allocation, people))
    assert (answer.status_code, answer.json()["code"]) == (409, "period-closed")
    assert await stored(world.service) == 0


async def test_a_date_in_the_future_waits_but_is_not_paid(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    later = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    made = await approved_list(api, world, list_body(world, project, allocation, people, effective_on=later))
    assert "date-in-future" in [item["code"] for item in made["pending"]]
    refused = await pay(api, made)
    assert refused.status_code == 409
    assert "date-in-future" in refused.text


@pytest.mark.parametrize(
    ("content", "media", "expected"),
    [
        (b"{", "application/json", (400, "request-unreadable")),
        (b"[]", "application/json", (400, "request-unreadable")),
        (b'{"lines": 5}', "application/json", (400, "request-unreadable")),
        (b'{"lines": [{"a": \xff}]}', "application/json", (400, "request-unreadable")),
        (b'{"payee_kind": "person", "lines": [{"amount": 1e999}]}', "application/json", (422, "list-malformed")),
        (b"[" * 100_000, "application/json", (400, "request-unreadable")),
        (b"{}", "text/plain", (415, "media-type-unsupported")),
        (b"", "text/csv", (422, "list-malformed")),
        (b"\xff\xfe\x00", "text/csv", (422, "list-malformed")),
    ],
)
async def test_an_unreadable_body_is_refused(
    api: Api, world: World, content: bytes, media: str, expected: tuple[int, str]
) -> None:
    answer = await api.post("district-maker", LISTS, content=content, media=media)
    assert (answer.status_code, answer.json()["code"]) == expected, answer.text
    assert await stored(world.service) == 0


async def test_a_body_with_a_byte_order_mark_is_read(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(list_body(world, project, allocation, people)).encode()
    assert (await api.post("district-maker", LISTS, content=body, media="application/json")).status_code == 201


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_a_spreadsheets_file_goes_in_as_it_is(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person], encoding: str
) -> None:
    text = "\r\n".join([HEADINGS, *map(csv_line, people), ""])
    answer = await upload_csv(api, world, project, allocation, text.encode(encoding))
    assert answer.status_code == 201, answer.text
    assert (answer.json()["total"], answer.json()["line_count"]) == ("240.00", 3)
    names = await world.service.fetchval("SELECT count(*) FROM payment_line WHERE participation_ref = '出勤表'")
    assert names == 3


async def test_a_csv_source_may_carry_its_amount_and_a_line_its_document(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    other = await money(world, project)
    document = await world.service.fetchval(
        "SELECT document_no FROM allocation WHERE book = $1 AND allocation_id = $2", DISTRICT, other
    )
    text = "\n".join(
        [HEADINGS + ",指标文号", *(csv_line(p) + f",{document if i == 0 else ''}" for i, p in enumerate(people))]
    )
    answer = await upload_csv(
        api, world, project, allocation, text.encode(), sources=[f"{allocation}:160.00", str(other)]
    )
    assert answer.status_code == 201, answer.text
    assert {s["allocation_id"]: s["amount"] for s in answer.json()["sources"]} == {
        str(allocation): "160.00",
        str(other): "80.00",
    }


async def test_faults_of_a_csv_file_name_line_and_column(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    first, second, third = people
    rows = [
        HEADINGS, csv_line(first, "12.345"), "", csv_line(first),
        csv_line(second).replace(second.name, "=HYPERLINK(1)"),
        csv_line(third).replace(third.card, "6.22E+18"), csv_line(first),
        f"{second.identity},{first.name},{second.card},80,1,出勤表",
        csv_line(third, "80.5"), f"{third.identity},{third.name}",
    ]  # fmt: skip
    answer = await upload_csv(api, world, project, allocation, "\n".join(rows).encode("gb18030"))
    assert (answer.status_code, answer.json()["code"]) == (422, "list-malformed")
    assert sorted(faults_of(answer)) == sorted([
        ("amount-too-precise", (2, "金额")), ("payee-listed-twice", (4, "身份证号")), ("csv-formula", (5, "姓名")),
        ("card-scientific", (6, "银行卡号")), ("payee-listed-twice", (7, "身份证号")),
        ("payee-name-differs", (8, "姓名")),
        ("payee-listed-twice", (9, "身份证号")), ("csv-ragged-line", (10, None)),
    ])  # fmt: skip
    assert await stored(world.service) == 0


async def test_a_csv_with_columns_of_another_form_is_refused(
    api: Api, world: World, project: UUID, allocation: UUID
) -> None:
    answer = await upload_csv(api, world, project, allocation, "户编号,姓名,金额\n1,王五,80\n".encode())
    assert {code for code, _ in faults_of(answer)} == {"csv-unknown-column", "csv-missing-column"}


async def test_a_csv_header_comes_from_the_query_and_its_faults_say_so(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    text = "\n".join([HEADINGS, *map(csv_line, people)]).encode()
    answer = await upload_csv(api, world, project, allocation, text, pay_method="cash")
    assert (answer.status_code, faults_of(answer)) == (409, [("cash-not-allowed", "#query/pay_method")])


async def test_a_list_beyond_the_parameter_is_refused(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person], superuser: Connection
) -> None:
    await superuser.execute(
        "INSERT INTO parameter (code, version, value, unit, valid_from, source)"
        " VALUES ('list_lines_max', 2, 2, 'count', '2016-01-01', 'test')"
    )
    answer = await api.post("district-maker", LISTS, list_body(world, project, allocation, people))
    assert (answer.status_code, answer.json()["code"]) == (413, "list-too-long")
    answer = await upload_csv(api, world, project, allocation, "\n".join([HEADINGS, *map(csv_line, people)]).encode())
    assert faults_of(answer) == [("csv-too-many-lines", (4, None))]
    assert await stored(world.service) == 0


async def test_no_personal_data_leaves_in_answers_refusals_or_logs(
    api: Api,
    world: World,
    project: UUID,
    allocation: UUID,
    people: list[Person],
    caplog: pytest.LogCaptureFixture,
    superuser: Connection,
) -> None:
    caplog.set_level(logging.DEBUG)
    first, second, third = people
    body = list_body(world, project, allocation, people)
    wrong = [line_of(first, amount=1), line_of(second, name=third.name), line_of(third, card=first.card + "1"),
             line_of(third, identity_number=second.identity), {first.identity: first.name}]  # fmt: skip
    texts = [(await api.post("district-maker", LISTS, {**body, "lines": wrong})).text]
    texts.append((await api.post("district-maker", LISTS, {**body, "lines": [line_of(second, name=third.name)]})).text)
    texts.append((await api.post("district-maker", LISTS, {**body, "summary": first.identity * 40})).text)
    rows = "\n".join(
        [HEADINGS, csv_line(first, "x"), csv_line(second) + ",多余", f"={third.identity},{third.name},1,1,1,"]
    )
    texts.append((await upload_csv(api, world, project, allocation, rows.encode())).text)
    made = await api.post("district-maker", LISTS, body)
    texts.append(made.text)
    shown = await api.get("auditor", f"{LISTS}/{made.json()['payment_list_id']}/lines")
    texts.append(shown.text)
    texts.append(caplog.text)
    tables = ("refusal", "payment_line", "payment_line_private", "instruction", "payment_list", "idempotency")
    for table in tables:
        texts += [row[0] for row in await superuser.fetch(f"SELECT t::text FROM {table} t")]
    assert len(texts) > 15
    leaked = [secret for secret in secrets_of(people) for text in texts if secret in text]
    assert leaked == []
