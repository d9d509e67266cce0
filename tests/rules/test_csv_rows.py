"""Uploaded CSV files are read as offices save them, and every line that cannot be read is named at once."""

from __future__ import annotations

import csv
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundledger.files.csv_rows import MAX_CELL_CHARACTERS, MAX_RECORD_LINES, CsvRows, read_rows, safe_cell

COLUMNS = {"姓名": "name", "name": "name", "金额（元）": "amount", "amount": "amount", "备注": "note", "note": "note"}
HEADER = "姓名,金额（元）,备注\n"


def read(data: str | bytes, max_lines: int = 100) -> CsvRows:
    content = data.encode() if isinstance(data, str) else data
    return read_rows(content, columns=COLUMNS, required=["name", "amount"], max_lines=max_lines)


def faults(data: str | bytes, max_lines: int = 100) -> list[tuple[str, int | None, str | None]]:
    return [(fault.code, fault.line, fault.column) for fault in read(data, max_lines).faults]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("header", ["姓名,金额(元),备注", "Name , AMOUNT,note", "姓 名,金额（元）,note"])
def test_a_file_is_read_in_any_usual_encoding_line_ending_and_heading(encoding: str, newline: str, header: str) -> None:
    rows = read(newline.join([header, "张三,12.50,㐂", " 李四\u3000,7,"]).encode(encoding))
    assert rows.faults == []
    assert list(rows) == [
        (2, {"name": "张三", "amount": "12.50", "note": "㐂"}),
        (3, {"name": "李四", "amount": "7", "note": ""}),
    ]
    assert len(rows) == 2
    assert list(rows) == list(rows)


def test_a_file_may_come_in_chunks() -> None:
    data = (HEADER + "张三,1,\n").encode()
    chunks = (data[i : i + 1] for i in range(len(data)))
    rows = read_rows(chunks, columns=COLUMNS, required=["name"], max_lines=10)
    assert [row for _, row in rows] == [{"name": "张三", "amount": "1", "note": ""}]


def test_line_numbers_stay_true_after_blank_lines_and_quoted_line_breaks() -> None:
    data = "\n" + HEADER + '\n张三,1,"一\r\n二"\n,,\n  ,,\n李四,2,\n\n\n=1,2,\n'
    rows = read(data)
    assert [(line, row["name"]) for line, row in rows] == [(4, "张三"), (8, "李四")]
    assert faults(data) == [("csv-formula", 11, "姓名")]


def test_quotes_commas_and_line_breaks_inside_cells_are_kept() -> None:
    rows = read(HEADER + '"张,三","1","他说""好"""\n')
    assert list(rows) == [(2, {"name": "张,三", "amount": "1", "note": '他说"好"'})]


def test_headings_are_given_back_as_the_file_writes_them() -> None:
    assert read("Name,金额(元)\n").headings == {"name": "Name", "amount": "金额(元)"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", [("csv-empty", None, None)]),
        (b"\xef\xbb\xbf", [("csv-empty", None, None)]),
        ("\n \n,,\n", [("csv-empty", None, None)]),
        (b"name,amount\na\xff,1\n", [("csv-undecodable", 2, None)]),
        ("姓名,金额\n".encode("utf-16"), [("csv-undecodable", 1, None)]),
        (HEADER.encode() + "张三".encode()[:-1] + b",1,\n", [("csv-undecodable", 2, None)]),
        (b"\xef\xbb\xbfname,amount\n" + "张".encode("gb18030") + b",1\n", [("csv-undecodable", 2, None)]),
        (HEADER.encode("gb18030") + b"ok,1,\nbad\xff,2,\n", [("csv-undecodable", 3, None)]),
        ("张三,100\n李四,200\n", [("csv-no-header", 1, None)]),
        ("2019年发放表\n姓名,金额\n", [("csv-no-header", 1, None)]),
        ("姓名;金额;备注\n", [("csv-no-header", 1, None)]),
        ("姓名,amount,村\n", [("csv-unknown-column", 1, "村")]),
        ("姓名,,amount\n", [("csv-unknown-column", 1, "#2")]),
        ("姓名,amount,name\n", [("csv-duplicate-column", 1, "name")]),
        ("备注,村\n", [("csv-unknown-column", 1, "村"), *[("csv-missing-column", 1, None)] * 2]),
        ('姓名,"金额\n', [("csv-unclosed-quote", 1, None)]),
    ],
)
def test_a_file_without_a_sound_header_has_no_rows(
    data: str | bytes, expected: list[tuple[str, int | None, str | None]]
) -> None:
    assert faults(data) == expected
    assert list(read(data)) == []
    assert len(read(data)) == 0


def test_a_missing_column_names_the_headings_it_may_have() -> None:
    assert read("姓名\n").faults[0].params == {"field": "amount", "accepted": ["金额（元）", "amount"]}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("=1+1,1,", [("csv-formula", 2, "姓名")]),
        ("+86 138,1,", [("csv-formula", 2, "姓名")]),
        ("-cmd,1,", [("csv-formula", 2, "姓名")]),
        ("@SUM(A1),1,", [("csv-formula", 2, "姓名")]),
        ("\tx,1,", [("csv-formula", 2, "姓名")]),
        ("＝1,1,", [("csv-formula", 2, "姓名")]),
        ("张三,1,  =1", [("csv-formula", 2, "备注")]),
        ('张三,1,"=1"', [("csv-formula", 2, "备注")]),
        ('张三,1," \n =1"', [("csv-formula", 2, "备注")]),
        ("=a,=b,@c", [("csv-formula", 2, "姓名"), ("csv-formula", 2, "金额（元）"), ("csv-formula", 2, "备注")]),
        ("-5.00,-1,-", []),
        ('张三,"-1,000.50",--', []),
        ("a=b,1,x-y@z", []),
        ('张三,1,"\r\nx"', []),
        ('张三,1,"\r\n\tx"', [("csv-formula", 2, "备注")]),
        (" =1,1,", [("csv-formula", 2, "姓名")]),
        ("张\xa0三,1,\ue000", []),
        ("张\x00三,1,", [("csv-control-character", 2, "姓名")]),
        ("张三,1\x1b,", [("csv-control-character", 2, "金额（元）")]),
        ("\u202d4201,1,", [("csv-control-character", 2, "姓名")]),
        ("张\u200b三,1,", [("csv-control-character", 2, "姓名")]),
        ("张\ufffd,1,", [("csv-control-character", 2, "姓名")]),
        ("张三,1", [("csv-ragged-line", 2, None)]),
        ("张三,1,a,b", [("csv-ragged-line", 2, None)]),
        ("张三,1,a,, ", []),
        ("张三,1,=a,=b", [("csv-formula", 2, "备注"), ("csv-formula", 2, None), ("csv-ragged-line", 2, None)]),
        ('"张"三,1,', [("csv-stray-quote", 2, None)]),
        ('张三,1,"', [("csv-unclosed-quote", 2, None)]),
        ("张" * (MAX_CELL_CHARACTERS + 1) + ",1,", [("csv-cell-too-long", 2, "姓名")]),
        ("张" * 200_000 + ",1,", [("csv-cell-too-long", 2, None)]),
    ],
)
def test_a_line_with_a_fault_is_named_and_left_out_while_the_next_is_read(
    line: str, expected: list[tuple[str, int | None, str | None]]
) -> None:
    data = f"{HEADER}{line}\n李四,2,\n"
    assert faults(data) == expected
    names = [row["name"] for _, row in read(data)]
    assert names[-1] == "李四"
    assert len(names) == len(read(data)) == (1 if expected else 2)


def test_the_fault_of_a_character_names_it_and_never_the_cell() -> None:
    assert read(HEADER + "张\u202e三,1,\n").faults[0].params == {"character": "U+202E"}


def test_an_unclosed_quote_does_not_hide_the_faults_after_it() -> None:
    data = HEADER + '"张三,1,\n=1,2,\n李四,3,\n"王五,4,\n'
    assert faults(data) == [
        ("csv-unclosed-quote", 2, None),
        ("csv-formula", 3, "姓名"),
        ("csv-unclosed-quote", 5, None),
    ]
    assert [line for line, _ in read(data)] == [4]


def test_a_record_may_span_some_lines_but_not_the_rest_of_the_file() -> None:
    def spanning(lines: int) -> str:
        return HEADER + '张三,1,"' + "x\n" * (lines - 1) + '"\n李四,2,\n'

    assert faults(spanning(MAX_RECORD_LINES)) == []
    assert faults(spanning(MAX_RECORD_LINES + 1))[0] == ("csv-unclosed-quote", 2, None)


def test_quotes_left_open_on_every_line_are_named_line_by_line() -> None:
    data = HEADER + 'a","b,1,"x\n' * 3000
    assert len(read(data, 10_000).faults) >= 3000


def test_more_lines_than_allowed_are_named_and_not_read() -> None:
    data = HEADER + "张三,1,\n" * 3 + "=1,1,\n" * 10
    assert faults(data, 3) == [("csv-too-many-lines", 5, None)]
    assert [line for line, _ in read(data, 3)] == [2, 3, 4]
    assert len(read(data, 3)) == 3
    assert faults(HEADER + '"x"y\n' * 9, 2)[-1] == ("csv-too-many-lines", 4, None)


def test_faults_are_not_capped() -> None:
    assert len(read(HEADER + "=1,1,\n" * 5000, 5000).faults) == 5000


_CELL = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"], exclude_characters="\ufffd"))


@given(st.lists(st.tuples(_CELL, _CELL, _CELL)), st.sampled_from(["utf-8", "gb18030"]))
def test_what_a_csv_writer_wrote_with_safe_cells_is_read_back(lines: list[tuple[str, str, str]], encoding: str) -> None:
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(["姓名", "金额", "note"])
    writer.writerows([[safe_cell(cell) for cell in line] for line in lines])
    columns = {"姓名": "name", "金额": "amount", "note": "note"}
    rows = read_rows(
        target.getvalue().encode("utf-8-sig" if encoding == "utf-8" else encoding),
        columns=columns,
        required=[],
        max_lines=10_000,
    )
    expected = [[safe_cell(cell).strip() for cell in line] for line in lines if any(cell.strip() for cell in line)]
    assert rows.faults == []
    assert [list(row.values()) for _, row in rows] == expected


@given(st.binary())
def test_any_bytes_give_rows_or_faults_and_never_an_exception(data: bytes) -> None:
    rows = read_rows(data, columns=COLUMNS, required=["name"], max_lines=10)
    assert len(list(rows)) == len(rows)


@given(st.text("\"',\n\r=a\x00 ", max_size=60))
def test_any_arrangement_of_quotes_and_line_breaks_is_survived(body: str) -> None:
    rows = read(HEADER + body)
    listed = list(rows)
    assert len(listed) == len(rows)
    assert all(HEADER.count("\n") < line for line, _ in listed)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-cmd", "'-cmd"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("  =1", "'  =1"),
        ("-12.50", "-12.50"),
        ("-", "-"),
        ("张三", "张三"),
        ("", ""),
    ],
)
def test_a_written_cell_never_runs_as_a_formula(text: str, written: str) -> None:
    assert safe_cell(text) == written


def test_a_hundred_thousand_lines_are_read_in_little_memory() -> None:
    line = "张三丰,12345.67,江夏区某街道某村第三小组 2019 年度\n"
    data = (HEADER + line * 100_000).encode()
    tracemalloc.start()
    try:
        rows = read(data, 100_000)
        assert rows.faults == []
        assert sum(1 for _ in rows) == 100_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000


@given(st.lists(st.text('=-+@＝ \t\r\n\x00\u200b\ufffd"a1.,\u3000', max_size=6), min_size=3, max_size=3))
def test_a_row_that_is_given_out_never_holds_a_formula_or_an_invisible_character(cells: list[str]) -> None:
    target = io.StringIO()
    csv.writer(target, quoting=csv.QUOTE_ALL).writerow(cells)
    for _, row in read(HEADER + target.getvalue()):
        for cell in row.values():
            assert not set(cell) & set("\x00\u200b\ufffd")
            assert safe_cell(cell) == cell
