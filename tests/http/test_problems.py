"""Refusals over HTTP: their shape and language, what is kept as evidence, and requests that are wrong in every way."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from fundledger.access import tokens
from fundledger.catalogue import CATALOGUE
from fundledger.ids import new_id
from tests.builders import CITY, DISTRICT, World, make_world
from tests.databases import Database, TestServer, cloned, connected
from tests.web import Api, running_api

JSON = {"Content-Type": "application/json"}
RELEASES = f"/v1/books/{CITY}/releases"


@pytest.fixture(scope="module")
async def db(server: TestServer, template_db: str) -> AsyncIterator[Database]:
    """One database for the module: these tests post nothing, so a clone each would only cost time."""
    async with cloned(server, template_db) as database:
        yield database


@pytest.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """The module's people."""
    async with connected(db.service_url) as service, connected(db.owner_url) as owner:
        yield await make_world(service, owner)


@pytest.fixture(scope="module")
async def api(db: Database, world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The module's service."""
    async with running_api(db, world, tmp_path_factory.mktemp("api")) as client:
        yield client


def release_of(world: World, allocation: UUID, **fields: object) -> dict[str, object]:
    return {
        "document_no": "武财指1号", "effective_on": "2019-03-01", "summary": "下达", "kind": "instalment",
        "officer_id": str(world.officers[CITY, "accountable"]),
        "lines": [{"allocation_id": str(allocation), "amount": "200.00"}], **fields,
    }  # fmt: skip


async def drafted(api: Api, world: World, **fields: object) -> dict[str, Any]:
    """A release of 200 yuan of an allocation that has 100, drafted."""
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    answer = await api.post("city-maker", RELEASES, release_of(world, allocation, **fields))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def kept(world: World) -> int:
    return int(await world.service.fetchval("SELECT count(*) FROM refusal"))


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["code"], body["status"], body["type"]) == (code, status, f"/problems/{code}")
    assert body["title"]
    assert body["rule"] == CATALOGUE[code].rule
    assert "{" not in body["title"] + body["detail"] + body["mend"], "a parameter is missing"
    return body


# --- evidence ---


async def test_a_broken_rule_is_kept_as_evidence_and_a_repeat_is_counted(api: Api, world: World) -> None:
    draft = await drafted(api, world)
    answers = [await api.approve("city-approver", CITY, draft) for _ in range(3)]
    instances = {assert_problem(answer, 409, "balance-insufficient")["instance"] for answer in answers}
    rows = await world.service.fetch(
        "SELECT 'urn:uuid:' || r.refusal_id AS instance, r.code, r.action, r.subject_id, r.staff_id, c.repeats "
        "FROM refusal r JOIN refusal_count c USING (book, refusal_id) WHERE r.subject_id = $1",
        UUID(draft["instruction_id"]),
    )
    assert [row["instance"] for row in rows] == list(instances)
    assert dict(rows[0]) == {
        "instance": instances.pop(),
        "code": "balance-insufficient", "repeats": 2, "subject_id": UUID(draft["instruction_id"]),
        "action": "POST /v1/books/{book}/instructions/{instruction_id}/approve",
        "staff_id": world.who("city-approver").staff_id,
    }  # fmt: skip


async def test_another_body_is_evidence_of_its_own(api: Api, world: World) -> None:
    before = await kept(world)
    await api.approve("city-approver", CITY, await drafted(api, world))
    await api.approve("city-approver", CITY, await drafted(api, world))
    assert await kept(world) == before + 2


async def test_calls_that_are_not_authorised_or_not_well_formed_are_not_kept(api: Api, world: World) -> None:
    before, draft = await kept(world), await drafted(api, world)
    path = f"/v1/books/{CITY}/instructions/{draft['instruction_id']}/approve"
    good, token = {"content_sha256": draft["content_sha256"]}, api.headers("city-approver")["Authorization"]
    answers = [
        await api.post(None, path, good), await api.post("district-approver", path, good),
        await api.post("city-maker", path, good), await api.post("city-approver", path, {"content_sha256": 7}),
        await api.post("city-approver", path, {"content_sha256": "zz"}),
        await api.post("city-approver", path, content=b"{", media="application/json"),
        await api.post("city-approver", path.replace("/approve", "/nothing"), good),
        await api.post("city-approver", path.replace(draft["instruction_id"], str(new_id())), good),
        await api.client.post(path, headers={"Authorization": token}, json=good),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [401, 403, 403, 422, 422, 400, 404, 404, 422]
    assert await kept(world) == before


async def test_a_refusal_that_cannot_be_recorded_is_still_a_refusal(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, draft = await kept(world), await drafted(api, world)

    def broken(_: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr("fundledger.api.problems._subject", broken)
    assert_problem(await api.approve("city-approver", CITY, draft), 409, "balance-insufficient")
    assert await kept(world) == before


# --- who ---


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic eDp5", "fl_x"])
async def test_no_token_is_401_and_names_the_scheme(api: Api, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await api.client.get(f"/v1/books/{CITY}/instructions/{new_id()}", headers=headers)
    assert_problem(answer, 401, "token-missing")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_revoked_token_stops_within_the_time_it_is_remembered(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/books/{CITY}/instructions/{new_id()}"
    monkeypatch.setattr(tokens, "CACHE_SECONDS", 0.0)
    world.tokens["left"] = await tokens.issue(world.owner, CITY, world.who("city-maker").staff_id)
    assert (await api.get("left", path)).status_code == 404
    await tokens.revoke(world.owner, world.tokens["left"], "left the office")
    assert_problem(await api.get("left", path), 401, "token-unknown")


async def test_a_stranger_is_refused_before_the_body_is_read(api: Api) -> None:
    taken = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b" " * 1000

    for headers in ({}, {"Authorization": "Bearer fl_unknown"}):
        answer = await api.client.post(RELEASES, headers=headers | JSON, content=chunks())
        assert answer.status_code == 401
    assert taken == 0


# --- the request ---


@pytest.mark.parametrize(
    ("content", "media", "status", "code"),
    [
        (b"{", "application/json", 400, "request-unreadable"),
        (b"\xff\xfe", "application/json", 400, "request-unreadable"),
        (b"[" * 100_000, "application/json", 400, "request-unreadable"),
        (b"9" * 10_000, "application/json", 400, "request-unreadable"),
        (b"<a/>", "application/xml", 415, "media-type-unsupported"),
        (b"{}", "text/plain", 415, "media-type-unsupported"),
        (b"{}", "nonsense", 415, "media-type-unsupported"),
        (b"[]", "application/json", 422, "request-invalid"),
        (b"null", "application/json", 422, "request-invalid"), (b"", "application/json", 422, "request-invalid"),
        (b'{"document_no": NaN}', "application/json", 422, "request-invalid"),
    ],
)  # fmt: skip
async def test_a_body_that_is_none(api: Api, content: bytes, media: str, status: int, code: str) -> None:
    assert_problem(await api.post("city-maker", RELEASES, content=content, media=media), status, code)


async def test_malformed_json_says_where_it_breaks(api: Api) -> None:
    answer = await api.post("city-maker", RELEASES, content=b'{"document_no": }', media="application/json")
    assert answer.json()["params"] == {"pointer": "", "position": 16}


async def test_every_fault_of_a_body_is_named_with_its_pointer(api: Api, world: World) -> None:
    line = {"allocation_id": "x", "amount": 1.5, "a/b~": 1}
    body = release_of(world, new_id(), effective_on="2019-02-30", lines=[line]) | {"surplus": 1}
    del body["summary"]
    answer = assert_problem(await api.post("city-maker", RELEASES, body), 422, "request-invalid")
    faults = {fault["pointer"]: fault["code"] for fault in answer["faults"]}
    assert faults == {
        "/summary": "field-missing", "/surplus": "field-unknown", "/effective_on": "field-invalid",
        "/lines/0/allocation_id": "field-invalid", "/lines/0/amount": "amount-not-a-string",
        "/lines/0/a~1b~0": "field-unknown",
    }  # fmt: skip
    assert answer["params"] == {"count": 6}


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (10.0, "amount-not-a-string"), ("1.234", "amount-too-precise"), ("0", "amount-not-positive"),
        ("0.00", "amount-not-positive"), ("-1", "amount-not-positive"), ("1e3", "amount-malformed"),
        ("1,000.00", "amount-malformed"), ("9" * 40, "amount-too-large"), ("１００", "amount-malformed"),
        (True, "amount-not-a-string"), ("", "amount-malformed"), ([], "amount-not-a-string"),
    ],
)  # fmt: skip
async def test_an_amount_that_is_not_exact_yuan(api: Api, world: World, amount: object, code: str) -> None:
    body = release_of(world, new_id(), lines=[{"allocation_id": str(new_id()), "amount": amount}])
    answer = assert_problem(await api.post("city-maker", RELEASES, body), 422, code)
    assert [fault["pointer"] for fault in answer["faults"]] == ["/lines/0/amount"]


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "", "   ", "\u202e文", "\ud800", "\x7f", "👨\u200d👩", "x" * 501])
async def test_text_that_cannot_be_read_or_stored_is_refused_at_its_place(api: Api, world: World, text: str) -> None:
    content = json.dumps(release_of(world, new_id(), summary=text)).encode()
    answer = await api.post("city-maker", RELEASES, content=content, media="application/json")
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["faults"]] == ["/summary"]


@pytest.mark.parametrize("text", ["𠮷野家", "e\u0301", "'; DROP TABLE entry; --", "{count}", "%s", "<b>"])
async def test_odd_but_visible_text_is_stored_as_it_is(api: Api, world: World, text: str) -> None:
    assert (await drafted(api, world, summary=text))["summary"] == text


async def test_an_unknown_field_with_half_a_surrogate_pair_is_answered(api: Api, world: World) -> None:
    content = b'{"\\ud800": 1, "\\u0000": 2}'
    answer = await api.post("city-maker", RELEASES, content=content, media="application/json")
    assert_problem(answer, 422, "request-invalid")


async def test_a_fault_quotes_nothing_of_what_was_sent(api: Api, world: World) -> None:
    secret = "420101199001011234"
    body = release_of(world, new_id(), officer_id=f"张{secret}", effective_on=secret, kind=secret)
    answer = await api.post("city-maker", RELEASES, body)
    assert answer.status_code == 422
    assert secret not in answer.text
    assert "张" not in answer.text


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency-key-missing"), ("", "idempotency-key-missing"), ("a b", "idempotency-key-malformed"),
        ("x" * 201, "idempotency-key-malformed"), ("é", "idempotency-key-malformed"),
    ],
)  # fmt: skip
async def test_a_key_that_is_none_is_refused(api: Api, world: World, key: str | None, code: str) -> None:
    headers = {b"Authorization": api.headers("city-maker")["Authorization"].encode()}
    if key is not None:
        headers[b"Idempotency-Key"] = key.encode("latin-1")
    assert_problem(await api.client.post(RELEASES, headers=headers, json=release_of(world, new_id())), 422, code)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_a_wrong_verb_is_405_and_says_which_are_right(api: Api, method: str) -> None:
    answer = await api.client.request(method, RELEASES.replace("releases", f"instructions/{new_id()}/approve"))
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "POST"


async def test_an_unknown_address_and_an_unknown_book_are_404(api: Api) -> None:
    assert_problem(await api.get("city-maker", "/v1/nothing"), 404, "route-not-found")
    for book in ("420999", "0", "-1", "４２０１００", "x", "420100.0", "9" * 30):
        answer = await api.get("city-maker", f"/v1/books/{book}/instructions/{new_id()}")
        assert_problem(answer, 404, "book-unknown")


async def test_a_body_beyond_the_limit_is_413_declared_or_streamed(db: Database, world: World, tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 1000

    async with running_api(db, world, tmp_path, max_body_bytes=10_000) as api:
        headers = api.headers("city-maker") | {"Content-Type": "application/json"}
        streamed = await api.client.post(RELEASES, headers=headers, content=chunks())
        assert_problem(streamed, 413, "body-too-large")
        for length in ("10001", "9" * 5000):
            declared = await api.client.post(RELEASES, headers=headers | {"Content-Length": length}, content=b"{}")
            assert assert_problem(declared, 413, "body-too-large")["params"] == {"limit": 10_000}
        assert (await api.post("city-maker", RELEASES, {"summary": "x" * 9000})).status_code == 422


# --- faults of the service ---


async def test_a_bug_is_answered_without_any_detail(api: Api, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret: 420101199001011234")

    monkeypatch.setattr("fundledger.api.instructions.instructions.state_of", broken)
    answer = await api.get("city-maker", f"/v1/books/{CITY}/instructions/{new_id()}")
    body = assert_problem(answer, 500, "internal-error")
    assert "secret" not in answer.text
    assert body["instance"].removeprefix("urn:uuid:") in caplog.text, "the log has the same id"


# --- languages and pages ---


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("", "zh"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,en;q=0.9,zh;q=0.1", "en"), ("fr", "zh"), ("en", "en")],
)
async def test_the_callers_language_comes_first_and_both_are_there(api: Api, accepted: str, language: str) -> None:
    body_of = await api.client.get("/v1/nothing", headers={"Accept-Language": accepted})
    body = assert_problem(body_of, 404, "route-not-found")
    assert body_of.headers["Content-Language"] == language
    assert body["title"] == body[language]["title"]
    assert body["zh"]["title"] == "没有这个地址"
    assert body["en"]["title"] == "There is no such address"


async def test_every_code_has_its_page_as_json_and_for_people(api: Api) -> None:
    listed = (await api.client.get("/problems")).json()
    assert [row["code"] for row in listed] == sorted(CATALOGUE)
    for row in listed:
        answer = await api.client.get(f"/problems/{row['code']}")
        assert answer.json() == row
        page = await api.client.get(f"/problems/{row['code']}", headers={"Accept": "text/html,*/*"})
        assert page.headers["content-type"].startswith("text/html")
        assert row["code"] in page.text
        assert row["zh"]["title"] in page.text


async def test_the_page_of_an_unknown_code_is_404(api: Api) -> None:
    assert_problem(await api.client.get("/problems/no-such-code"), 404, "problem-not-found")
    assert_problem(await api.client.get("/problems/<script>"), 404, "problem-not-found")


async def test_a_district_sees_which_book_it_may_not_touch(api: Api) -> None:
    answer = await api.get("other-maker", f"/v1/books/{DISTRICT}/instructions/{new_id()}")
    assert assert_problem(answer, 403, "forbidden-book")["params"] == {"book": str(DISTRICT)}
