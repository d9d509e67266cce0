"""Payment lists, bank files and registers as .xlsx over HTTP: bad ones are named and leave nothing, good ones are taken."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from fundledger.api.uploads import XLSX
from fundledger.payments.template import NOTES, columns_of
from tests.builders import DISTRICT, VILLAGE, World
from tests.payments.people import (
    BANK,
    LISTS,
    Person,
    approve,
    header_of,
    line_of,
    made_up,
    money,
    pay,
    publish,
    register,
    vault_of,
)
from tests.payments.test_bad_lists import csv_line, faults_of, stored, upload_csv
from tests.web import Api

HEADER = ["身份证号", "姓名", "银行卡号", "金额", "数量", "参与记录"]


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


def workbook(rows: list[list[Any]], change: Callable[[Worksheet], object] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(row)
    if change:
        change(sheet)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def cells_of(person: Person) -> list[Any]:
    return [person.identity, person.name, person.card, 80, 1, "出勤表3号"]


async def upload(
    api: Api, world: World, project: UUID, allocation: UUID, content: bytes, *, language: str = "zh", **fields: Any
) -> httpx.Response:
    """Upload a workbook with its header in the query."""
    header = header_of(world, project, **{"sources": [str(allocation)], **fields})
    headers = {**api.headers("district-maker"), "Content-Type": XLSX, "Accept-Language": language}
    return await api.client.post(LISTS, params=header, content=content, headers=headers)


CELLS: list[tuple[str, Any, str, str]] = [
    ("C2", 6.2e18, "cell-digits-lost", "银行卡号"),
    ("C2", "6.2E+18", "card-scientific", "银行卡号"),
    ("A2", 420102199001011234, "cell-digits-lost", "身份证号"),
    ("D2", "80.00", "cell-text-not-number", "金额"),
    ("D2", "=40+40", "cell-formula", "金额"),
    ("D2", date(2019, 3, 1), "cell-date-not-wanted", "金额"),
    ("D2", 80.005, "cell-decimals", "金额"),
    ("D2", -80, "amount-not-positive", "金额"),
    ("D2", None, "field-missing", "金额"),
    ("D2", 80.01, "above-standard", "金额"),
    ("E2", 1.5, "quantity-malformed", "数量"),
    ("F2", 3, "cell-number-not-text", "参与记录"),
    ("F2", "#REF!", "cell-error", "参与记录"),
    ("B2", "别人", "payee-name-differs", "姓名"),
]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_bad_cell_names_line_column_and_what_to_do_and_nothing_is_stored(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person], language: str
) -> None:
    for place, value, code, column in CELLS:

        def change(sheet: Worksheet, place: str = place, value: Any = value) -> None:
            sheet[place] = value

        content = workbook([HEADER, *map(cells_of, people)], change)
        answer = await upload(api, world, project, allocation, content, language=language)
        assert answer.status_code in (409, 422), answer.text
        assert faults_of(answer) == [(code, (2, column))], answer.text
        fault = answer.json()["faults"][0]
        assert fault["title"]
        assert fault["mend"], code
        assert await stored(world.service) == 0


def merged(sheet: Worksheet) -> None:
    sheet.merge_cells("B2:B3")


async def test_bad_sheets_are_named_and_nothing_is_stored(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    rows = [cells_of(person) for person in people]
    cases: list[tuple[bytes, str, Any]] = [
        (workbook([HEADER, *rows], merged), "sheet-merged-cells", (2, "姓名")),
        (workbook([HEADER, HEADER, *rows]), "sheet-header-twice", (2, None)),
        (workbook([["发放表"], HEADER, *rows]), "sheet-header-not-first", (2, None)),
        (workbook([HEADER, *rows, rows[0]]), "payee-listed-twice", (5, "身份证号")),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "xlsx-old-format", (None, None)),
        (",".join(HEADER).encode(), "xlsx-not-a-workbook", (None, None)),
        (workbook([HEADER]), "list-empty", "#query/lines"),
    ]
    for content, code, place in cases:
        answer = await upload(api, world, project, allocation, content)
        found = faults_of(answer)
        assert (code, place) in found, answer.text
        assert await stored(world.service) == 0
    twice = await upload(api, world, project, allocation, workbook([HEADER, *rows, rows[0]]))
    assert twice.json()["faults"][0]["params"] == {"first": "2"}


async def test_a_csv_file_with_the_same_faults_is_named_the_same_way(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    first, second, third = people
    lines = [",".join(HEADER[:3]) + ",金额,数量,参与记录", csv_line(first).replace(first.card, "6.2E+18"),
             csv_line(second, "=40+40"), csv_line(third), csv_line(third)]  # fmt: skip
    answer = await upload_csv(api, world, project, allocation, "\r\n".join(lines).encode("gb18030"))
    assert faults_of(answer) == [
        ("card-scientific", (2, "银行卡号")), ("csv-formula", (3, "金额")), ("payee-listed-twice", (5, "身份证号")),
    ]  # fmt: skip
    mixed = "\r\n".join(lines[:1]).encode("gb18030") + b"\r\n" + lines[3].encode()
    answer = await upload_csv(api, world, project, allocation, mixed)
    assert answer.json()["faults"][0]["code"] == "csv-undecodable"
    assert answer.json()["faults"][0]["line"] is not None
    assert await stored(world.service) == 0


async def template_of(api: Api, kind: str, **params: Any) -> openpyxl.Workbook:
    answer = await api.get("district-maker", f"{LISTS}/template", payee_kind=kind, **params)
    assert (answer.status_code, answer.headers["content-type"]) == (200, XLSX)
    return openpyxl.load_workbook(io.BytesIO(answer.content))


async def test_the_template_filled_in_is_taken_published_approved_and_paid(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    book = await template_of(api, "person", project_id=str(project))
    assert "80.00" in "".join(str(cell.value) for row in book[NOTES].iter_rows() for cell in row)
    sheet = book.worksheets[0]
    place = {str(cell.value): cell.column or 0 for cell in sheet[1]}
    for row, person in enumerate(people, start=2):
        for heading, value in zip(HEADER, cells_of(person), strict=True):
            sheet.cell(row, place[heading]).value = value
    content = io.BytesIO()
    book.save(content)
    preview = await upload(api, world, project, allocation, content.getvalue(), preview="true")
    assert (preview.status_code, preview.json()["line_count"]) == (200, 3), preview.text
    assert await stored(world.service) == 0
    made = await upload(api, world, project, allocation, content.getvalue())
    assert (made.status_code, made.json()["total"]) == (201, "240.00"), made.text
    await publish(world, made.json())
    approved = await approve(api, made.json())
    assert approved.status_code == 200, approved.text
    paid = await pay(api, approved.json())
    assert paid.status_code == 200, paid.text
    await bank_file(api, made.json()["payment_list_id"])


async def bank_file(api: Api, list_id: str) -> None:
    """The bank answers with a workbook: a date as text is refused, a date is taken."""
    rows: list[list[Any]] = [["行号", "结果", "原因", "日期"], [1, "入账", None, date(2019, 3, 2)],
                             [2, "退票", "户名不符", "2019-03-02"]]  # fmt: skip
    params = {"document_no": "回盘1号", "settled_on": "2019-03-02", "payment_list_id": list_id}
    headers = {**api.headers("district-maker"), "Content-Type": XLSX}
    refused = await api.client.post(BANK, params=params, content=workbook(rows), headers=headers)
    assert faults_of(refused) == [("cell-text-not-date", (3, "日期"))], refused.text
    rows[2][3] = date(2019, 3, 2)
    headers = {**api.headers("district-maker"), "Content-Type": XLSX}
    taken = await api.client.post(BANK, params=params, content=workbook(rows), headers=headers)
    assert (taken.status_code, taken.json()["credited_lines"], taken.json()["returned_lines"]) == (201, 1, 1), (
        taken.text
    )


@pytest.mark.parametrize("kind", ["household", "person", "organisation"])
async def test_a_template_of_every_kind_has_the_columns_its_reader_knows(api: Api, kind: Any) -> None:
    book = await template_of(api, kind)
    headings = [cell.value for cell in book.worksheets[0][1]]
    assert headings == [column.heading for column in columns_of(kind)]
    assert book.sheetnames[1] == NOTES
    assert book.worksheets[0].freeze_panes == "A2"
    formats = {
        place: dimension.number_format
        for dimension in book.worksheets[0].column_dimensions.values()
        for place in range(dimension.min or 0, (dimension.max or 0) + 1)
    }
    numbers = [heading for place, heading in enumerate(headings, start=1) if formats[place] != "@"]
    assert numbers == ["数量", "金额"]


async def test_a_household_register_and_its_changes_are_taken_as_workbooks(api: Api, world: World) -> None:
    person = made_up(909_001)
    heading = ["户编号", "村代码", "姓名", "身份证号", "是否户主", "状态", "状态日期", "文号"]
    line = [person.household_no, VILLAGE, person.name, person.identity, "是", "在册", date(2018, 1, 1), "建档1号"]
    path = f"/v1/books/{DISTRICT}/households/import"
    late = [*line[:6], "2018-01-01", line[7]]
    refused = await api.post("district-maker", path, content=workbook([heading, late]), media=XLSX)
    assert faults_of(refused) == [("cell-text-not-date", (2, "状态日期"))], refused.text
    taken = await api.post("district-maker", path, content=workbook([heading, line]), media=XLSX)
    assert (taken.status_code, taken.json()["household_count"]) == (201, 1), taken.text


async def test_the_same_list_is_the_same_whatever_kind_of_file_it_came_in(
    api: Api, world: World, project: UUID, allocation: UUID, people: list[Person]
) -> None:
    rows = [HEADER, *map(cells_of, people)]
    lines = [line_of(person) for person in people]
    as_sheet = await upload(api, world, project, allocation, workbook(rows), preview="true")
    text = "\n".join(",".join(map(str, row)) for row in rows).encode()
    as_csv = await upload_csv(api, world, project, allocation, text, preview="true")
    body = {**header_of(world, project, allocation), "lines": lines}
    as_json = await api.post("district-maker", f"{LISTS}?preview=true", body)
    told = [(answer.status_code, answer.json()["line_count"], answer.json()["total"], [
        (fault["code"], fault["line"]) for fault in answer.json()["pending"]
    ]) for answer in (as_sheet, as_csv, as_json)]  # fmt: skip
    assert told[0] == told[1] == told[2], told
    assert told[0][:3] == (200, 3, "240.00")
