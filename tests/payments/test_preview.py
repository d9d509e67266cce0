"""A preview says what the upload would say, and the quick ways read what the slow ones read."""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundledger.api.uploads import XLSX
from fundledger.errors import FundledgerError
from fundledger.payments import columns, preview
from fundledger.payments.forms import FORMS, KINDS
from fundledger.payments.lines import Line, read_lines
from fundledger.payments.uploads import FileLines, xlsx_lines
from fundledger.registry.identity import (
    all_cards,
    all_identity_numbers,
    check_card,
    check_identity_number,
    synthetic_card,
    synthetic_identity_number,
)
from fundledger.registry.vault import DigestKind, Vault
from tests.builders import World
from tests.payments.people import LISTS, Person, approved, header_of, list_body, money, pay, register, vault_of
from tests.payments.test_bad_lists import stored
from tests.web import Api


@pytest.fixture
def halved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a short list is checked in two halves, by few lines."""
    monkeypatch.setattr(preview, "HALVED", 1)
    monkeypatch.setattr(preview, "CHUNK", 2)


async def faulty(world: World, people: list[Person], body: dict[str, Any]) -> dict[str, Any]:
    """One list with everything that the registry and the gate can say of a line."""
    lines = body["lines"]
    lines[1]["name"] = "别人"
    lines[2]["amount"] = "80.01"
    del lines[3]["participation_ref"]
    lines[4]["identity_number"] = synthetic_identity_number(date(1999, 1, 1), 7)
    who, maker = people[6], world.who("district-maker").staff_id
    await world.service.execute(
        "INSERT INTO registry_status (book, subject_id, valid_from, status, document_no, recorded_by) "
        "SELECT book, household_id, '2018-06-01', 'removed', '剔除1号', $2 FROM household WHERE household_id = $1",
        who.household_id, maker,
    )  # fmt: skip
    await world.service.execute(
        "INSERT INTO roster_member (book, programme_code, payee_id, valid_from, action, document_no, recorded_by) "
        "SELECT book, 'labour_subsidy', person_id, '2018-06-01', 'struck_off', '花名册2号', $2 "
        "FROM person WHERE person_id = $1",
        people[7].person_id, maker,
    )  # fmt: skip
    return body


async def previewed_and_taken(api: Api, world: World, body: dict[str, Any]) -> tuple[Any, Any]:
    """The answers to a preview, which leaves nothing, and to the upload."""
    foreseen = await api.post("district-maker", f"{LISTS}?preview=true", body)
    assert await world.service.fetchval("SELECT count(*) FROM preview_line") == 0
    assert await stored(world.service) == 0
    taken = await api.post("district-maker", LISTS, body)
    assert (foreseen.status_code == 200) is (taken.status_code == 201), (foreseen.text, taken.text)
    return foreseen.json(), taken.json()


@pytest.mark.usefixtures("halved")
async def test_a_preview_says_of_a_sound_list_what_the_upload_says(api: Api, world: World) -> None:
    project = await world.project()
    allocation = await money(world, project)
    body = list_body(world, project, allocation, await register(world, vault_of(api), 10))
    foreseen, taken = await previewed_and_taken(api, world, body)
    same = ("total", "line_count", "sources", "pending", "project_id", "payee_kind")
    assert {name: foreseen[name] for name in same} == {name: taken[name] for name in same}
    assert (foreseen["status"], foreseen["payment_list_id"], foreseen["content_sha256"]) == ("preview", None, None)
    assert foreseen["total"] == "800.00"


@pytest.mark.usefixtures("halved")
async def test_a_preview_says_of_every_faulty_line_what_the_upload_says(api: Api, world: World) -> None:
    project = await world.project()
    allocation = await money(world, project)
    people = await register(world, vault_of(api), 10)
    body = await faulty(world, people, list_body(world, project, allocation, people))
    foreseen, taken = await previewed_and_taken(api, world, body)
    assert foreseen["faults"] == taken["faults"]
    codes = {fault["code"] for fault in foreseen["faults"]}
    assert {"payee-unknown", "payee-name-differs", "above-standard", "participation-missing", "payee-removed",
            "roster-struck-off"} <= codes  # fmt: skip


async def test_a_preview_sees_who_was_paid_already(api: Api, world: World) -> None:
    project = await world.project()
    allocation = await money(world, project)
    people = await register(world, vault_of(api), 3)
    body = list_body(world, project, allocation, people)
    paid = await pay(api, await approved(api, world, body))
    assert paid.status_code == 200, paid.text
    body["document_no"] = "再次"
    foreseen = await api.post("district-maker", f"{LISTS}?preview=true", body)
    taken = await api.post("district-maker", LISTS, body)
    assert [fault["code"] for fault in foreseen.json()["faults"]] == ["paid-twice"] * 3, foreseen.text
    assert foreseen.json()["faults"] == taken.json()["faults"]


async def test_households_are_previewed_like_persons(api: Api, world: World) -> None:
    people = await register(world, vault_of(api), 3, programme="industry_award", household=True)
    project = await world.project(programme_code="industry_award", category="industry")
    allocation = await money(world, project)
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["户编号", "户主姓名", "银行卡号", "金额", "参与记录"])
    for person in people:
        sheet.append([person.household_no, person.name, person.card, 500, "验收单"])
    sheet["B3"] = "别人"
    content = io.BytesIO()
    book.save(content)
    header = header_of(world, project, payee_kind="household", programme_code="industry_award", sources=str(allocation))
    answers = [
        await api.client.post(
            LISTS, params={**header, **more}, content=content.getvalue(),
            headers={**api.headers("district-maker"), "Content-Type": XLSX},
        )
        for more in ({"preview": "true"}, {})
    ]  # fmt: skip
    told = [[(f["code"], f["line"], f["column"]) for f in answer.json()["faults"]] for answer in answers]
    assert told[0] == told[1] == [("payee-name-differs", 3, "户主姓名")]


async def test_a_previewed_line_cannot_be_changed_and_pays_nobody(api: Api, world: World, project_id: UUID) -> None:
    assert await world.service.fetchval("SELECT has_table_privilege('preview_line', 'UPDATE')") is False
    assert await world.service.fetchval("SELECT has_table_privilege('preview_line', 'DELETE')") is False


@pytest.fixture
async def project_id(world: World) -> UUID:
    """A project."""
    return await world.project()


KINDS_OF_DIGEST: list[DigestKind] = ["identity", "card", "phone", "name"]


@given(
    st.lists(st.text(max_size=90), max_size=5), st.sampled_from(KINDS_OF_DIGEST), st.binary(min_size=32, max_size=32)
)
@settings(max_examples=50, deadline=None)
def test_digests_of_many_are_the_digests_of_each(texts: list[str], kind: DigestKind, key: bytes) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    vault = Vault.from_keys(1, key, {1: bytes(32)})
    assert vault.digests(kind, texts) == [vault.digest(kind, text) for text in texts]


def passes(check: Any, text: str) -> bool:
    try:
        check(text)
    except FundledgerError:
        return False
    return True


def misread(text: str, dice: random.Random) -> str:
    """One character changed, or as it was."""
    at = dice.randrange(len(text))
    return text[:at] + dice.choice("0123456789X a９") + text[at + 1 :] if dice.random() < 0.6 else text


def test_check_digits_of_many_are_the_check_digits_of_each() -> None:
    dice = random.Random(20180912)
    for _ in range(300):
        cards = [synthetic_card(dice.randrange(10**12)) for _ in range(dice.randrange(1, 6))]
        short = ["6222020000000000", "4111111111111111", "79927398713000", "0000000000000"]
        people = [
            synthetic_identity_number(date(1930, 1, 1) + timedelta(days=dice.randrange(30_000)), dice.randrange(1000))
            for _ in range(dice.randrange(1, 6))
        ]
        assert all_cards(cards)
        assert all_identity_numbers(people)
        cards = [misread(dice.choice([card, dice.choice(short)]), dice) for card in cards]
        people = [misread(number, dice) for number in people]
        for many, check, numbers in (
            (all_cards, check_card, cards),
            (all_identity_numbers, check_identity_number, people),
        ):
            if many(numbers):
                assert all(passes(check, number) for number in numbers)
            elif all(number.isascii() and number == number.strip() and number.isdigit() for number in numbers):
                assert not all(passes(check, number) for number in numbers)


def one_by_one(upload: FileLines) -> Iterator[tuple[int, dict[str, object]]]:
    for row, fields in upload:
        yield row, dict(fields)


@pytest.mark.parametrize("kind", ["household", "person"])
def test_columns_are_read_as_lines_are(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    form, dice = FORMS[kind], random.Random(20180912)
    heading = {field: heading for heading, field in reversed(form.headings.items())}
    for turn in range(120):
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        fields = [form.key, "name", form.account, "amount", "quantity", "participation_ref"]
        sheet.append([heading[field] for field in fields])
        for number in range(8):
            key = f"H{number}" if kind == "household" else synthetic_identity_number(date(1980, 1, 1), number)
            sheet.append(
                [key, "张三", synthetic_card(number), 80.5, dice.choice([None, 1, 3]), dice.choice([None, "x"])]
            )
        for _ in range(turn % 4):
            cell = sheet.cell(dice.randrange(2, 10), dice.randrange(1, 7))
            cell.value = dice.choice([None, "x" * 201, -1, 0, 1.5, 2_000_000, "H1", " ", sheet["A2"].value, "6.2E+18"])
        content = io.BytesIO()
        book.save(content)

        def upload(data: bytes = content.getvalue()) -> FileLines:
            return xlsx_lines(data, form.headings, form.required, KINDS, 100)

        monkeypatch.setattr("fundledger.payments.lines.BLOCK", 3)
        quick: tuple[list[Line], Any] = read_lines(upload(), form)
        monkeypatch.setattr(columns, "sound_lines", lambda *_: None)
        monkeypatch.setattr("fundledger.payments.lines.sound_lines", lambda *_: None)
        slow = read_lines(upload(), form)
        monkeypatch.undo()
        assert quick == slow


async def test_more_previews_than_the_pool_has_connections_do_not_wait_for_each_other(api: Api, world: World) -> None:
    project = await world.project()
    body = list_body(world, project, await money(world, project), await register(world, vault_of(api), 2))
    calls = [api.post("district-maker", f"{LISTS}?preview=true", body) for _ in range(40)]
    async with asyncio.timeout(25):
        answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
