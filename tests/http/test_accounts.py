"""Cards, corporate accounts and flags over HTTP: masked answers, two people, batches, and what a list says of them."""

from __future__ import annotations

from typing import Any

from fundledger.registry.identity import synthetic_card
from tests.builders import DISTRICT, OTHER_DISTRICT, World
from tests.payments.people import (
    ACCOUNT_NO,
    LISTS,
    Person,
    header_of,
    list_body,
    money,
    organisation,
    register,
    secrets_of,
    vault_of,
)
from tests.web import Api

BOOK = f"/v1/books/{DISTRICT}"
NEW = synthetic_card(987_654)


def cards_of(person: Person) -> str:
    return f"{BOOK}/persons/{person.person_id}/cards"


def body(card: str = NEW, version: int = 2, **fields: Any) -> dict[str, Any]:
    return {"card": card, "bank": "农商行", "document_no": "卡变1号", "version": version, **fields}


async def test_a_changed_card_counts_when_another_person_has_confirmed_it(api: Api, world: World) -> None:
    (person,) = await register(world, vault_of(api), 1)
    project = await world.project()
    allocation = await money(world, project)
    made = await api.post("township-maker", cards_of(person), body(), key="k")
    assert made.status_code == 201, made.text
    assert [(v["version"], v["counts"]) for v in made.json()["versions"]] == [(2, False), (1, True)]
    assert made.json()["versions"][0]["account"] == "*" * 15 + NEW[-4:]
    again = await api.post("township-maker", cards_of(person), body(), key="k")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")

    lines = list_body(world, project, allocation, [person])
    to_new = {**lines, "lines": [{**lines["lines"][0], "card": NEW}]}
    early = await api.post("district-maker", LISTS, to_new)
    assert [(f["code"], f["pointer"]) for f in early.json()["faults"]] == [("card-not-of-payee", "/lines/0/card")]
    confirmed = await api.post("poverty-approver", f"{cards_of(person)}/2/confirm")
    assert confirmed.status_code == 201, confirmed.text
    assert [(v["version"], v["counts"]) for v in confirmed.json()["versions"]] == [(2, True), (1, False)]
    twice = await api.post("district-approver", f"{cards_of(person)}/2/confirm")
    assert (twice.status_code, twice.json()["code"]) == (409, "version-taken")
    late = await api.post("district-maker", LISTS, lines)
    assert {fault["code"] for fault in late.json()["faults"]} == {"card-not-of-payee"}
    assert (await api.post("district-maker", LISTS, to_new)).status_code == 201
    seen = await api.get("auditor", cards_of(person))
    assert not any(secret in seen.text + early.text + late.text for secret in [*secrets_of([person]), NEW])


async def test_wrong_cards_versions_and_people_are_refused(api: Api, world: World) -> None:
    (person,) = await register(world, vault_of(api), 1)
    for wrong, status, code in (
        (body(NEW[:-1] + str((int(NEW[-1]) + 1) % 10)), 422, "card-checksum"), (body("6.2E+18"), 422, "card-scientific"),
        (body(version=1), 409, "version-taken"), (body(version=3), 409, "version-taken"),
    ):  # fmt: skip
        answer = await api.post("district-maker", cards_of(person), wrong)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    nobody = await api.post("district-maker", f"{BOOK}/persons/{project_id()}/cards", body())
    assert (nobody.status_code, nobody.json()["code"]) == (404, "person-not-found")
    missing = await api.post("district-approver", f"{cards_of(person)}/2/confirm")
    assert (missing.status_code, missing.json()["code"]) == (404, "account-version-not-found")
    away = f"/v1/books/{OTHER_DISTRICT}/persons/{person.person_id}/cards"
    assert (await api.post("other-maker", away, body())).status_code == 404


def project_id() -> str:
    return "01900000-0000-7000-8000-000000000001"


async def test_a_districts_cards_come_as_one_file(api: Api, world: World) -> None:
    people = await register(world, vault_of(api), 3)
    rows = [(people[0], people[0].card), (people[1], synthetic_card(555_555))]
    csv = "身份证号,银行卡号,开户行,文号\n" + "".join(f"{p.identity},{card},农商行,卡批1号\n" for p, card in rows)
    made = await api.client.post(
        f"{BOOK}/cards/import", content=csv.encode(),
        headers={**api.headers("poverty-maker"), "Content-Type": "text/csv", "Idempotency-Key": "cards"},
    )  # fmt: skip
    assert made.status_code == 201, made.text
    assert (made.json()["line_count"], made.json()["member_count"]) == (2, 1)  # the first has that card already
    items = [{"identity_number": people[2].identity, "card": synthetic_card(444_444), "document_no": "卡批2号"}]
    bad = await api.post("poverty-maker", f"{BOOK}/cards", {"cards": [*items, {**items[0], "card": "1"}, items[0]]})
    assert {(f["code"], f["pointer"]) for f in bad.json()["faults"]} >= {("card-malformed", "/cards/1/card")}
    good = await api.post("poverty-maker", f"{BOOK}/cards", {"cards": items})
    assert good.json()["member_count"] == 1
    versions = (await api.get("auditor", cards_of(people[2]))).json()["versions"]
    assert [(v["version"], v["counts"]) for v in versions] == [(2, False), (1, True)]


async def test_an_organisation_is_paid_on_its_account_and_not_at_all_once_flagged(api: Api, world: World) -> None:
    project = await world.project(programme="rural_works", category="infrastructure", exemption="below_threshold")
    allocation = await money(world, project)
    payee, code = await organisation(world, vault_of(api))
    header = header_of(world, project, allocation, payee_kind="organisation", programme_code="rural_works")
    line = {"credit_code": code, "name": "测试建筑有限公司", "account": "4200186553605300999", "amount": "1.00"}
    wrong = await api.post("district-maker", LISTS, {**header, "lines": [line]})
    assert [(f["code"], f["pointer"]) for f in wrong.json()["faults"]] == [("account-not-of-payee", "/lines/0/account")]
    path = f"{BOOK}/organisations/{payee}/accounts"
    change = {"account": "4200186553605300999", "document_no": "账变1号", "version": 2}
    assert (await api.post("district-maker", path, change)).status_code == 201
    assert (await api.post("poverty-approver", f"{path}/2/confirm")).status_code == 201
    assert [v["counts"] for v in (await api.get("auditor", path)).json()["versions"]] == [True, False]
    made = await api.post("district-maker", LISTS, {**header, "lines": [line]})
    assert made.status_code == 201, made.text

    flags = f"{BOOK}/organisations/{payee}/flags"
    flag = {"negative_code": "N5", "valid_from": "2019-01-01", "reason": "贷款账户", "document_no": "负1号"}
    assert (await api.post("district-maker", flags, flag)).status_code == 201
    refused = await api.post("district-maker", LISTS, {**header, "document_no": "另一份", "lines": [line]})
    assert {f["code"] for f in refused.json()["faults"]} == {"negative-list-payee"}
    lift = {**flag, "version": 2, "flagged": False}
    own = await api.post("district-maker", flags, lift)
    assert (own.status_code, own.json()["code"]) == (409, "duties-not-separate")
    assert (await api.post("poverty-maker", flags, lift)).status_code == 201
    seen = (await api.get("inspector", flags)).json()["flags"]
    assert [(row["version"], row["flagged"]) for row in seen] == [(2, False), (1, True)]
    assert ACCOUNT_NO not in (await api.get("auditor", path)).text


async def test_a_list_with_a_foreign_entitlement_date_is_refused_at_once(api: Api, world: World) -> None:
    people = await register(world, vault_of(api), 1)
    project = await world.project()
    allocation = await money(world, project)
    sent = list_body(world, project, allocation, people, entitlement_on="2019-01-31")
    answer = await api.post("district-maker", LISTS, sent)
    assert (answer.status_code, answer.json()["code"]) == (409, "entitlement-outside-period")
