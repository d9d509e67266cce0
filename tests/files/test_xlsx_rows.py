"""Reading .xlsx files as districts send them: every fault at its line and column, good tables exactly as they are."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
import python_calamine
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.styles import PatternFill
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from fundledger.catalogue import CATALOGUE, render
from fundledger.files.tables import read_table
from fundledger.files.xlsx_rows import Kind, SheetRows, read_sheet

COLUMNS = {"户编号": "no", "户主姓名": "name", "银行卡号": "card", "金额": "amount", "数量": "quantity", "日期": "day"}
REQUIRED = ("no", "name", "card", "amount")
KINDS: dict[str, Kind] = {"amount": "number", "quantity": "number", "day": "date"}
HEADER = ["户编号", "户主姓名", "银行卡号", "金额", "数量", "日期"]
DAY = date(2019, 3, 1)
GOOD = ["H001", "张三", "6222020000000000010", 80.5, 1, DAY]


def read(data: bytes, max_lines: int = 1000) -> SheetRows:
    return read_sheet(data, columns=COLUMNS, required=REQUIRED, kinds=KINDS, max_lines=max_lines)


def saved(book: openpyxl.Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def workbook(rows: list[list[Any]], change: Callable[[Worksheet], object] | None = None) -> bytes:
    """A workbook of one sheet with these rows, changed before it is saved."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(row)
    if change:
        change(sheet)
    return saved(book)


def with_cell(place: str, value: Any, number_format: str | None = None) -> bytes:
    """A good list of three lines, one cell replaced."""

    def change(sheet: Worksheet) -> None:
        sheet[place] = value
        if number_format:
            sheet[place].number_format = number_format

    return workbook([HEADER, GOOD, ["H002", *GOOD[1:]], ["H003", *GOOD[1:]]], change)


def faults_of(rows: SheetRows) -> list[tuple[str, int | None, str | None]]:
    return [(fault.code, fault.line, fault.column) for fault in rows.faults]


def test_a_good_list_is_read_exactly_as_it_is() -> None:
    rows = read(workbook([HEADER, GOOD, ["H002", "李 四", "6222020000000000028", 1234567.89, None, None]]))
    assert rows.faults == []
    assert list(rows) == [
        (2, {"no": "H001", "name": "张三", "card": "6222020000000000010", "amount": "80.5", "quantity": "1",
             "day": "2019-03-01"}),
        (3, {"no": "H002", "name": "李 四", "card": "6222020000000000028", "amount": "1234567.89"}),
    ]  # fmt: skip
    assert (rows.headings["amount"], len(rows), rows.sheet) == ("金额", 2, "Sheet")


CELLS: list[tuple[str, Any, str | None, str, str]] = [
    ("C3", 6.2220200000000e18, None, "cell-digits-lost", "银行卡号"),
    ("C3", 6222020000000001, None, "cell-digits-lost", "银行卡号"),
    ("C3", 622202000000001, None, "cell-number-not-text", "银行卡号"),
    ("A3", 1002, None, "cell-number-not-text", "户编号"),
    ("A3", DAY, None, "cell-date-not-wanted", "户编号"),
    ("A3", True, None, "cell-boolean", "户编号"),
    ("B3", "=A2", None, "cell-formula", "户主姓名"),
    ("B3", "#REF!", None, "cell-error", "户主姓名"),
    ("B3", "张\u200b三", None, "csv-control-character", "户主姓名"),
    ("D3", "80.50", "@", "cell-text-not-number", "金额"),
    ("D3", "80元", None, "cell-text-not-number", "金额"),
    ("D3", "=40+40", None, "cell-formula", "金额"),
    ("D3", "=SUM(D2:D2)", None, "cell-formula", "金额"),
    ("D3", DAY, None, "cell-date-not-wanted", "金额"),
    ("D3", 80.505, "0.00", "cell-decimals", "金额"),
    ("D3", False, None, "cell-boolean", "金额"),
    ("D3", "#DIV/0!", None, "cell-error", "金额"),
    ("E3", "3", "@", "cell-text-not-number", "数量"),
    ("F3", "2019-03-01", None, "cell-text-not-date", "日期"),
    ("F3", "1/3/2019", None, "cell-text-not-date", "日期"),
    ("F3", 20190301, "General", "cell-number-not-date", "日期"),
    ("F3", datetime(2019, 3, 1, 8, 30), None, "cell-not-a-day", "日期"),  # noqa: DTZ001 - a spreadsheet has no zones
    ("F3", "=TODAY()", None, "cell-formula", "日期"),
]


@pytest.mark.parametrize(("place", "value", "number_format", "code", "column"), CELLS)
def test_a_bad_cell_is_named_with_line_column_and_what_to_do(
    place: str, value: Any, number_format: str | None, code: str, column: str
) -> None:
    rows = read(with_cell(place, value, number_format))
    assert faults_of(rows) == [(code, 3, column)]
    assert [line for line, _ in rows] == [2, 4]  # the bad line is left out, the others are there
    assert rows.faults[0].params.get("cell", place) == place
    for language in ("zh", "en"):
        texts = render(code, rows.faults[0].params, language)
        assert all(texts)
        assert not any("{" in text for text in texts)


def hidden_sheet(state: str) -> bytes:
    book = openpyxl.Workbook()
    for row in (HEADER, GOOD):
        book.worksheets[0].append(row)
    other = book.create_sheet("底稿")
    other.append(["x"])
    other.sheet_state = state
    return saved(book)


def two_header_rows() -> bytes:
    return workbook([["收款人", None, None, "发放", None, None], HEADER, GOOD], lambda s: s.merge_cells("A1:C1"))


SHEETS: list[tuple[str, bytes, str, int | None, str | None]] = [
    ("merged cells", workbook([HEADER, GOOD, ["H002", *GOOD[1:]]], lambda s: s.merge_cells("B2:B3")),
     "sheet-merged-cells", 2, "户主姓名"),
    ("hidden sheet", hidden_sheet("hidden"), "sheet-hidden", None, None),
    ("very hidden sheet", hidden_sheet("veryHidden"), "sheet-hidden", None, None),
    ("two sheets", hidden_sheet("visible"), "sheet-not-alone", None, None),
    ("two-level header", two_header_rows(), "sheet-header-not-first", 2, None),
    ("header again", workbook([HEADER, HEADER, GOOD]), "sheet-header-twice", 2, None),
    ("title above", workbook([["2019年劳务补助发放表"], HEADER, GOOD]), "sheet-header-not-first", 2, None),
    ("blank row above", workbook([[], HEADER, GOOD]), "sheet-header-not-first", 2, None),
    ("blank row inside", workbook([HEADER, GOOD, [], [], ["H002", *GOOD[1:]]]), "sheet-blank-rows", 3, None),
    ("hidden row", workbook([HEADER, GOOD], lambda s: setattr(s.row_dimensions[2], "hidden", True)),
     "sheet-hidden-row", 2, None),
    ("hidden column", workbook([HEADER, GOOD], lambda s: setattr(s.column_dimensions["D"], "hidden", True)),
     "sheet-hidden-column", 1, "金额"),
    ("beside the header", workbook([HEADER, [*GOOD, None, "备注"]]), "cell-beyond-header", 2, None),
    ("unknown column", workbook([[*HEADER, "备注"], GOOD]), "csv-unknown-column", 1, "备注"),
    ("column twice", workbook([[*HEADER, "金额"], GOOD]), "csv-duplicate-column", 1, "金额"),
    ("column missing", workbook([["户编号", "户主姓名", "金额"], GOOD[:3]]), "csv-missing-column", 1, None),
    ("no header", workbook([GOOD, GOOD]), "csv-no-header", 1, None),
    ("nothing", workbook([]), "csv-empty", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("data", "code", "line", "column"), [case[1:] for case in SHEETS], ids=[c[0] for c in SHEETS])
def test_a_bad_sheet_is_named_at_its_place(data: bytes, code: str, line: int | None, column: str | None) -> None:
    rows = read(data)
    assert (code, line, column) in faults_of(rows)
    assert {fault[0] for fault in faults_of(rows)} == {code}
    for language in ("zh", "en"):
        assert not any("{" in text for text in render(code, rows.faults[0].params, language))


def packed(parts: dict[str, bytes], flag: int = 0) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    data = bytearray(content.getvalue())
    if flag:
        at = data.find(b"PK\x01\x02")
        while at >= 0:
            data[at + 8] |= flag
            at = data.find(b"PK\x01\x02", at + 4)
    return bytes(data)


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(**changes: bytes | None) -> bytes:
    """A good workbook with parts replaced (by the last word of their name) or left out."""
    parts = parts_of(workbook([HEADER, GOOD]))
    for word, part in changes.items():
        name = next((name for name in parts if name.rpartition("/")[2].partition(".")[0] == word), f"xl/{word}.bin")
        if part is None:
            del parts[name]
        else:
            parts[name] = part
    return packed(parts)


DOCTYPE = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
FILES: list[tuple[str, bytes, str]] = [
    ("a CSV file", ",".join(HEADER).encode(), "xlsx-not-a-workbook"),
    ("a zip of something else", packed({"a.txt": b"x"}), "xlsx-not-a-workbook"),
    ("an XLS file", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "xlsx-old-format"),
    ("a password", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "xlsx-encrypted"),
    ("an encrypted zip", packed(parts_of(workbook([HEADER])), flag=1), "xlsx-encrypted"),
    ("cut off", workbook([HEADER, GOOD])[:-200], "xlsx-damaged"),
    ("empty zip", b"PK\x05\x06" + bytes(18), "xlsx-not-a-workbook"),
    ("no sheet", repacked(sheet1=None), "xlsx-damaged"),
    ("half a sheet", repacked(sheet1=b"<worksheet><sheetData><row r='1'>"), "xlsx-damaged"),
    ("no XML", repacked(sheet1=b"\x00\x01\x02"), "xlsx-damaged"),
    ("UTF-16", repacked(sheet1="<worksheet><sheetData/></worksheet>".encode("utf-16")), "xlsx-damaged"),
    ("entities", repacked(workbook=DOCTYPE + b"<workbook/>"), "xlsx-damaged"),
    ("macros", repacked(vbaProject=b"x"), "xlsx-macros"),
    ("a bomb", packed({"xl/workbook.xml": b"<w/>", "xl/worksheets/sheet1.xml": bytes(150_000_000)}), "xlsx-too-large"),
    ("many entries", packed({f"xl/{number}": b"" for number in range(1_001)}), "xlsx-too-large"),
]


@pytest.mark.parametrize(("data", "code"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_what_is_no_sound_workbook_is_named(data: bytes, code: str) -> None:
    rows = read(data)
    assert (faults_of(rows), len(rows)) == ([(code, None, None)], 0)
    assert code in CATALOGUE


def test_a_part_that_lies_about_its_size_is_not_believed() -> None:
    data = bytearray(repacked())
    at = data.rfind(b"xl/worksheets/sheet1.xml") - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")
    assert faults_of(read(bytes(data))) == [("xlsx-damaged", None, None)]


def test_every_fault_comes_at_once() -> None:
    def change(sheet: Worksheet) -> None:
        sheet["D2"], sheet["C3"], sheet["D4"] = "80", 6222020000000001, "=1"

    rows = read(workbook([HEADER, GOOD, GOOD, GOOD, GOOD], change))
    assert sorted(faults_of(rows), key=lambda fault: fault[1] or 0) == [
        ("cell-text-not-number", 2, "金额"), ("cell-digits-lost", 3, "银行卡号"), ("cell-formula", 4, "金额"),
    ]  # fmt: skip
    assert [line for line, _ in rows] == [5]


def test_formats_without_content_do_no_harm() -> None:
    def change(sheet: Worksheet) -> None:
        for row in range(3, 60):
            for column in range(1, 12):
                sheet.cell(row, column).fill = PatternFill("solid", fgColor="FFFF00")
        sheet.merge_cells("I1:K2")
        sheet.column_dimensions["K"].hidden = True

    rows = read(workbook([HEADER, GOOD], change))
    assert (rows.faults, len(rows)) == ([], 1)


def test_too_many_lines_are_named_where_they_begin() -> None:
    rows = read(workbook([HEADER, *[GOOD] * 12]), max_lines=10)
    assert (faults_of(rows), len(rows)) == ([("csv-too-many-lines", 12, None)], 10)


def test_notes_are_skipped_and_empty_sheets_are_nobodys_list() -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].title = "填表说明"
    book.worksheets[0].append(["一行一个收款人"])
    book.create_sheet("空表")
    for row in (HEADER, GOOD):
        if "清单" not in book.sheetnames:
            book.create_sheet("清单")
        book["清单"].append(row)
    rows = read(saved(book))
    assert (rows.faults, len(rows), rows.sheet) == ([], 1, "清单")


def written_by_xlsxwriter(rows: list[list[Any]], **options: Any) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, **options}) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for at, row in enumerate(rows):
            for place, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(at, place, value)
                elif isinstance(value, date):
                    sheet.write_datetime(at, place, value, day)
                elif value is not None:
                    sheet.write_number(at, place, value)
    return content.getvalue()


def prefixed(data: bytes) -> bytes:
    """The same workbook as some libraries write it: every name of the sheet with a prefix."""
    parts = parts_of(data)
    name = "xl/worksheets/sheet1.xml"
    text = parts[name].decode()
    for tag in ("worksheet", "sheetData", "row", "c", "v", "is", "t"):
        text = (
            text.replace(f"<{tag} ", f"<x:{tag} ").replace(f"<{tag}>", f"<x:{tag}>").replace(f"</{tag}>", f"</x:{tag}>")
        )
    text = text.replace('xmlns="', 'xmlns:x="', 1)
    start, end = text.index("<x:sheetData>"), text.index("</x:sheetData>")
    root = text[text.index("<x:worksheet") : text.index(">", text.index("<x:worksheet")) + 1]
    parts[name] = f"{root}{text[start:end]}</x:sheetData></x:worksheet>".encode()
    return packed(parts)


texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12).filter(
    lambda text: not text.startswith(tuple("=+-@＝＋－＠#'")) and "_x" not in text and "\ufffd" not in text
)
lines = st.tuples(
    texts, texts, st.from_regex(r"\A[0-9]{13,19}\Z"),
    st.decimals(min_value=Decimal("0.01"), max_value=Decimal("9999999.99"), places=2),
    st.none() | st.integers(1, 1_000_000), st.none() | st.dates(date(1950, 1, 1), date(2100, 1, 1)),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=st.lists(lines, min_size=1, max_size=8))
def test_good_tables_come_back_as_they_were_whoever_wrote_them(table: list[tuple[Any, ...]]) -> None:
    rows = [[no, name, card, float(amount), quantity, day] for no, name, card, amount, quantity, day in table]
    expected = [
        (line, [no, name, card, amount, str(quantity or ""), day.isoformat() if day else ""])
        for line, (no, name, card, amount, quantity, day) in enumerate(table, start=2)
    ]
    by_openpyxl = workbook([HEADER, *rows])
    files = [by_openpyxl, prefixed(by_openpyxl), written_by_xlsxwriter([HEADER, *rows]),
             written_by_xlsxwriter([HEADER, *rows], constant_memory=True)]  # fmt: skip
    for data in files:
        read_back = read(data)
        assert read_back.faults == []
        found = [(line, [cells.get(name, "") for name in COLUMNS.values()]) for line, cells in read_back]
        assert [(line, [*cells[:3], Decimal(cells[3]), *cells[4:]]) for line, cells in found] == expected


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=st.lists(lines, min_size=1, max_size=8))
def test_the_quick_way_and_the_tree_read_the_same_and_calamine_agrees(
    table: list[tuple[Any, ...]],
) -> None:
    rows = [[no, name, card, float(amount), quantity, day] for no, name, card, amount, quantity, day in table]
    quick = written_by_xlsxwriter([HEADER, *rows])
    parts = parts_of(quick)
    name = "xl/worksheets/sheet1.xml"
    # A comment sends every block through the tree.
    parts[name] = parts[name].replace(b"<sheetData>", b"<sheetData><!-- -->")
    slow = packed(parts)
    assert list(read(quick)) == list(read(slow))
    theirs = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(quick)).get_sheet_by_index(0).to_python()
    ours = [[cells.get(field, "") for field in ("no", "name", "card")] for _, cells in read(quick)]
    assert ours == [row[:3] for row in theirs[1:]]


def test_damaged_bytes_give_a_fault_and_never_an_error() -> None:
    sound = workbook([HEADER, *[["H" + str(number), *GOOD[1:]] for number in range(50)]])
    dice = random.Random(20180912)
    for _ in range(300):
        data = bytearray(sound)
        for _ in range(dice.choice((1, 1, 2, 8))):
            match dice.randrange(4):
                case 0:
                    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
                case 1:
                    del data[dice.randrange(len(data)) :]
                    data += b"\0"
                case 2:
                    at = dice.randrange(len(data))
                    data[at : at + dice.randrange(40)] = dice.randbytes(dice.randrange(40))
                case _:
                    at = dice.randrange(len(data))
                    data[at:at] = data[at : at + 30]
        rows = read(bytes(data))
        assert all(fault.code in CATALOGUE for fault in rows.faults)
        assert rows.faults or len(rows) <= 50


def test_damaged_xml_gives_a_fault_and_never_an_error() -> None:
    parts = parts_of(workbook([HEADER, *[["H" + str(number), *GOOD[1:]] for number in range(20)]]))
    dice = random.Random(20180912)
    names = [name for name in parts if name.startswith("xl/")]
    for _ in range(300):
        changed = dict(parts)
        name = dice.choice(names)
        text = bytearray(changed[name])
        for _ in range(dice.choice((1, 3))):
            at = dice.randrange(len(text) + 1)
            text[at : at + dice.randrange(6)] = dice.choice(
                [b"<", b'"', b"&x;", b"9" * 30, b"</c>", b"-1", b"<f>1</f>", b"\xff"]
            )
        changed[name] = bytes(text)
        rows = read(packed(changed))
        assert all(fault.code in CATALOGUE for fault in rows.faults)


@pytest.mark.parametrize(
    ("written", "amount"),
    [("709.42999999999995", "709.43"), ("709.4299999999999", "709.43"), ("80.099999999999994", "80.1"), ("8.05E1", "80.5"),
     ("1E3", "1000"), ("80.50", "80.50"), ("0.30000000000000004", None), ("0.3000000001", None), ("80.005", None),
     ("709.42999", None)],
)  # fmt: skip
def test_a_binary_fraction_is_read_as_the_amount_it_stands_for_and_noise_is_refused(
    written: str, amount: str | None
) -> None:
    parts = parts_of(workbook([HEADER, GOOD]))
    name = "xl/worksheets/sheet1.xml"
    assert b"<v>80.5</v>" in parts[name]
    parts[name] = parts[name].replace(b"<v>80.5</v>", f"<v>{written}</v>".encode())
    rows = read(packed(parts))
    assert [cells["amount"] for _, cells in rows] == ([amount] if amount else [])
    assert faults_of(rows) == ([] if amount else [("cell-decimals", 2, "金额")])


def test_a_cell_far_away_costs_nothing() -> None:
    rows = read(workbook([HEADER, GOOD], lambda sheet: sheet.cell(1_048_576, 16_384, "x")))
    assert ("cell-beyond-header", 1_048_576, None) in faults_of(rows)


def test_days_counted_from_1904_are_the_same_days() -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    for row in (HEADER, GOOD):
        book.worksheets[0].append(row)
    rows = list(read(saved(book)))
    assert rows[0][1]["day"] == "2019-03-01"


def test_a_table_is_told_apart_by_its_first_bytes() -> None:
    text = "户编号,户主姓名,银行卡号,金额\nH001,张三,6222020000000000010,80.5\n"
    for data in (text.encode(), text.encode("gb18030"), workbook([HEADER[:4], GOOD[:4]])):
        rows = read_table(data, columns=COLUMNS, required=REQUIRED, kinds=KINDS, max_lines=10)
        assert [cells["amount"] for _, cells in rows] == ["80.5"]


def test_the_longest_serial_of_a_day_is_read_without_a_float() -> None:
    start = date(1999, 12, 31)
    rows = read(workbook([HEADER, *[[*GOOD[:5], start + timedelta(days=number)] for number in range(400)]]))
    assert [cells["day"] for _, cells in rows] == [(start + timedelta(days=n)).isoformat() for n in range(400)]
