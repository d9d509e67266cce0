"""The bank instruction file (代发文件): for payers of a paid list only, recorded every time, and read back with results."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import logging
from typing import Any
from uuid import UUID

import openpyxl
import pytest

from fundledger.payments.bank_files import _CsvFile
from fundledger.payments.store import sealing_context
from tests.builders import DISTRICT, World
from tests.databases import Database, connected
from tests.payments.people import BANK, LISTS, approved, list_body, money, pay, register, secrets_of, vault_of
from tests.web import Api


async def paid(api: Api, world: World, size: int = 2) -> tuple[dict[str, Any], Any]:
    project = await world.project()
    people = await register(world, vault_of(api), size)
    made = await approved(api, world, list_body(world, project, await money(world, project), people))
    assert (await pay(api, made)).status_code == 200
    return made, people


def path_of(made: dict[str, Any], form: str = "csv") -> str:
    return f"{LISTS}/{made['payment_list_id']}/bank-file?format={form}"


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


async def test_the_file_says_whom_to_pay_and_its_taking_is_recorded(
    api: Api, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    made, people = await paid(api, world)
    with caplog.at_level(logging.DEBUG):
        answer = await api.post("district-payer", path_of(made), key="k")
    assert answer.status_code == 200, answer.text
    assert rows_of(answer.text) == [
        ["发放清单", "行号", "户名", "账号", "金额"],
        *([made["payment_list_id"], str(n), one.name, one.card, "80.00"] for n, one in enumerate(people, start=1)),
        ["合计", "2", "", "", "160.00"],
    ]
    digest = hashlib.sha256(answer.content).digest()
    assert answer.headers["content-digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert answer.headers["cache-control"] == "no-store"
    assert not [text for text in secrets_of(people) if text in caplog.text]
    again = await api.post("district-payer", path_of(made), key="k")
    assert (again.content, again.headers["idempotent-replayed"]) == (answer.content, "true")
    taken = (await api.get("auditor", f"{LISTS}/{made['payment_list_id']}/bank-files")).json()["items"]
    assert [(one["sha256"], one["line_count"], one["total"], one["format"]) for one in taken] == [
        (digest.hex(), 2, "160.00", "csv")] * 2  # fmt: skip
    assert {one["taken_by"] for one in taken} == {str(world.who("district-payer").staff_id)}


async def test_a_workbook_holds_cards_as_text_and_amounts_as_numbers(api: Api, world: World) -> None:
    made, people = await paid(api, world)
    answer = await api.post("district-payer", path_of(made, "xlsx"))
    assert answer.status_code == 200
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.content))["Sheet1"].values)
    assert rows[1] == (made["payment_list_id"], "1", people[0].name, people[0].card, 80)
    assert rows[-1] == ("合计", "2", None, None, 160)
    assert (await api.post("district-payer", path_of(made, "xlsx"))).content == answer.content


async def test_only_a_payer_of_finance_takes_it_and_only_once_it_was_paid(api: Api, world: World) -> None:
    project = await world.project()
    people = await register(world, vault_of(api), 1)
    waiting = await approved(api, world, list_body(world, project, await money(world, project), people))
    early = await api.post("district-payer", path_of(waiting))
    assert (early.status_code, early.json()["code"]) == (409, "list-not-paid")
    assert (await pay(api, waiting)).status_code == 200
    for who in (
        "district-maker",
        "district-approver",
        "poverty-maker",
        "other-payer",
        "auditor",
        "inspector",
        "city-maker",
    ):
        assert (await api.post(who, path_of(waiting))).status_code == 403, who
    assert (await api.post("district-payer", path_of(waiting, "pdf"))).status_code == 422
    assert await world.service.fetchval("SELECT count(*) FROM bank_file") == 0


async def test_without_the_personal_data_nothing_leaves(api: Api, world: World, db: Database) -> None:
    made, people = await paid(api, world)
    async with connected(db.superuser_url) as superuser:
        await superuser.execute("SET session_replication_role = replica")
        await superuser.execute("DELETE FROM payment_line_private WHERE line_no = 2")
    refused = await api.post("district-payer", path_of(made))
    assert (refused.status_code, refused.json()["code"], refused.json()["params"]["count"]) == (
        409,
        "personal-data-erased",
        1,
    )
    assert not [text for text in secrets_of(people) if text in refused.text]
    assert await world.service.fetchval("SELECT count(*) FROM bank_file") == 0


async def test_the_file_comes_back_from_the_bank_with_a_column_of_results(api: Api, world: World) -> None:
    made, _ = await paid(api, world)
    rows = rows_of((await api.post("district-payer", path_of(made))).text)
    results = ["结果", "成功", "退票", ""]
    text = "\n".join(",".join([*row, result]) for row, result in zip(rows, results, strict=True)) + "\n"
    query = {"document_no": "回盘1号", "settled_on": "2019-03-04"}
    headers = {**api.headers("district-maker"), "Content-Type": "text/csv"}
    wrong = text.replace(",80.00,成功", ",81.00,成功")
    refused = await api.client.post(BANK, params=query, content=wrong.encode("gb18030"), headers=headers)
    assert [(one["code"], one["line"], one["column"]) for one in refused.json()["faults"]] == [
        ("bank-amount-differs", 2, "金额")
    ]
    answer = await api.client.post(BANK, params=query, content=text.encode("gb18030"), headers=headers)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["credited_lines"], answer.json()["returned_lines"]) == (1, 1)


async def test_the_record_is_append_only_and_names_nobody_who_was_paid(api: Api, world: World, db: Database) -> None:
    made, _ = await paid(api, world, 1)
    await api.post("district-payer", path_of(made))
    for statement in ("UPDATE bank_file SET total = 1", "DELETE FROM bank_file", "TRUNCATE bank_file"):
        with pytest.raises(Exception, match=r"append-only|permission denied"):
            await world.service.execute(statement)
    async with connected(db.owner_url) as owner:
        with pytest.raises(Exception, match="append-only"):
            await owner.execute("DELETE FROM bank_file WHERE book = $1", DISTRICT)


def test_what_a_spreadsheet_would_run_is_disarmed() -> None:
    file = _CsvFile()
    file.add([("=1+1", "+2", "-3x", "@x", 5)])
    assert rows_of(file.finish().decode()) == [["'=1+1", "'+2", "'-3x", "'@x", "0.05"]]


async def test_a_card_sealed_in_place_of_the_approved_one_does_not_reach_the_bank(
    api: Api, world: World, db: Database
) -> None:
    made, people = await paid(api, world)
    sealed = vault_of(api).seal(
        {"name": people[0].name, "card": people[1].card},
        sealing_context(DISTRICT, UUID(made["payment_list_id"]), 1),
    )
    # Erasure takes the private row away as the owner; whoever writes one again wrote nothing that was approved.
    await world.owner.execute("ALTER TABLE payment_line_private DISABLE TRIGGER payment_line_private_append_only")
    await world.owner.execute("UPDATE payment_line_private SET sealed = $1 WHERE line_no = 1", sealed)
    answer = await api.post("district-payer", path_of(made))
    assert (answer.status_code, answer.json()["code"]) == (409, "bank-file-differs"), answer.text
    assert not [text for text in secrets_of(people) if text in answer.text]
    assert await world.service.fetchval("SELECT count(*) FROM bank_file") == 0
