"""Pure rules of lists: reading of rows, the spread over sources, the lines of a bank's file."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from fundledger.errors import FundledgerError
from fundledger.payments.bank_lines import FIELDS, HEADINGS, REQUIRED, FileDefaults, read_bank_lines
from fundledger.payments.forms import FORMS, check_account
from fundledger.payments.lines import Line, read_lines
from fundledger.payments.sources import Source, assign
from fundledger.payments.uploads import JsonRows, csv_lines, json_rows, open_json
from fundledger.registry.identity import synthetic_identity_number

A, B, C = (UUID(int=number) for number in (1, 2, 3))
PROJECT = UUID(int=9)


def rows_of(elements: list[Any], fields: frozenset[str], array: str = "lines") -> JsonRows:
    header, raws = open_json(json.dumps({array: elements}).encode(), array)
    assert header == {}
    return json_rows(raws, array, fields, 1000)


def lines_of(*amounts: int, named: dict[int, str] | None = None) -> list[Line]:
    names = named or {}
    return [Line(n + 1, n, f"k{n}", "名", "1", amount, 1, None, None, names.get(n)) for n, amount in enumerate(amounts)]


def spread(sources: list[Source], lines: list[Line]) -> tuple[dict[UUID, int], list[int], list[str]]:
    legs, numbers, faults = assign(rows_of([], frozenset()), sources, lines, PROJECT, {})
    assert sum(leg.amount for leg in legs) == sum(
        line.amount for line, number in zip(lines, numbers, strict=True) if number
    )
    assert all(leg.project_id == PROJECT for leg in legs)
    return (
        {leg.allocation_id: leg.amount for leg in legs if leg.allocation_id},
        numbers,
        [fault.code for fault in faults],
    )


@pytest.mark.parametrize(
    ("sources", "lines", "legs", "numbers", "faults"),
    [
        # One source takes all.
        ([Source(A)], lines_of(5, 7), {A: 12}, [1, 1], []),
        # Filled in order; the rest goes to the one without a limit.
        ([Source(A, 10), Source(B)], lines_of(6, 6, 4), {A: 10, B: 6}, [1, 2, 1], []),
        # A line that names its source comes first, so that the others do not take its money.
        ([Source(A, 5), Source(B, 5)], lines_of(5, 5, named={1: str(A)}), {A: 5, B: 5}, [2, 1], []),
        # By document number, where only one source has it.
        ([Source(A, None, "指1"), Source(B, None, "指2")], lines_of(5, named={0: "指2"}), {B: 5}, [1], []),
        (
            [Source(A, None, "指1"), Source(B, None, "指1")],
            lines_of(5, named={0: "指1"}),
            {},
            [0],
            ["line-source-unknown"],
        ),
        ([Source(A)], lines_of(5, named={0: str(C)}), {}, [0], ["line-source-unknown"]),
        # No line is split.
        ([Source(A, 8), Source(B, 8)], lines_of(6, 6, 4), {A: 6, B: 6}, [1, 2, 0], ["line-fits-no-source"]),
        # A source that pays nothing gets no leg, and legs are numbered without a gap.
        ([Source(A, 1), Source(B)], lines_of(6), {B: 6}, [1], []),
    ],
)
def test_every_line_has_one_source(
    sources: list[Source], lines: list[Line], legs: dict[UUID, int], numbers: list[int], faults: list[str]
) -> None:
    assert spread(sources, lines) == (legs, numbers, faults)


def test_a_household_line_is_read_from_either_form_alike() -> None:
    form = FORMS["household"]
    fields = {"household_no": "0001", "name": "张三", "card": "9999990000000000014", "amount": "1.20", "quantity": 2}
    (from_json,), faults = read_lines(rows_of([fields], form.fields), form)
    assert faults == []
    text = "数量,户编号,户主姓名,卡号,发放金额\n2,0001,张三,9999990000000000014,1.20\n"
    (from_csv,), faults = read_lines(csv_lines(text.encode(), form.headings, form.required, 10), form)
    assert faults == []
    assert from_csv == from_json._replace(row=2)
    assert (from_json.amount, from_json.quantity, from_json.key) == (120, 2, "0001")


def test_an_identity_number_is_the_same_in_lower_case() -> None:
    form = FORMS["person"]
    number = next(n for n in (synthetic_identity_number(date(1950, 1, 1), i) for i in range(99)) if n.endswith("X"))
    line = {"identity_number": number, "name": "张三", "card": "9999990000000000014", "amount": "1"}
    _, faults = read_lines(rows_of([line, {**line, "identity_number": number.lower()}], form.fields), form)
    assert [(fault.code, fault.params) for fault in faults] == [("payee-listed-twice", {"first": "/lines/0"})]


@pytest.mark.parametrize("text", ["1234", "12a45678", "1" * 41, "6.2E+18", "１２３４５６"])
def test_what_is_no_account_is_refused(text: str) -> None:
    with pytest.raises(FundledgerError) as caught:
        check_account(text)
    assert caught.value.code == "account-malformed"


def bank(*elements: Any, defaults: FileDefaults | None = None) -> tuple[list[Any], list[tuple[str, str | None]]]:
    known = defaults or FileDefaults("回盘1号", date(2019, 3, 4), A)
    lines, faults = read_bank_lines(rows_of(list(elements), FIELDS, "results"), known)
    return lines, [(fault.code, fault.pointer) for fault in faults]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"line_no": 0, "outcome": "credited"}, ("bank-line-number-malformed", "/results/0/line_no")),
        ({"line_no": 1.0, "outcome": "credited"}, ("bank-line-number-malformed", "/results/0/line_no")),
        ({"line_no": 1, "outcome": "lost"}, ("bank-outcome-unknown", "/results/0/outcome")),
        ({"outcome": "credited"}, ("field-missing", "/results/0/line_no")),
        ({"line_no": 1}, ("field-missing", "/results/0/outcome")),
        (
            {"line_no": 1, "outcome": "returned", "reason": "卡号6222 0200 1234不符"},
            ("reason-holds-number", "/results/0/reason"),
        ),
        (
            {"line_no": 1, "outcome": "returned", "settled_on": "04.03.2019"},
            ("date-malformed", "/results/0/settled_on"),
        ),
        ({"line_no": 1, "outcome": "returned", "entry_id": "x"}, ("id-malformed", "/results/0/entry_id")),
        (
            {"line_no": 1, "outcome": "credited", "entry_id": str(A), "payment_list_id": str(B)},
            ("bank-list-missing", "/results/0"),
        ),
        ({"line_no": 1, "outcome": "credited", "mood": 1}, ("line-field-unknown", "/results/0")),
    ],
)
def test_a_faulty_bank_line_is_named(line: dict[str, Any], expected: tuple[str, str]) -> None:
    assert bank(line) == ([], [expected])


def test_a_bank_line_takes_from_the_header_what_it_does_not_say() -> None:
    (line,), faults = bank({"line_no": "7", "outcome": "退票", "settled_on": "2019-03-05"})
    assert faults == []
    assert (line.payment_list_id, line.line_no, line.outcome, line.settled_on, line.document_no, line.reason) == (
        A, 7, "returned", date(2019, 3, 5), "回盘1号", "",
    )  # fmt: skip


def test_a_bank_file_names_a_list_somewhere() -> None:
    defaults = FileDefaults("回盘1号", date(2019, 3, 4))
    assert bank({"line_no": 1, "outcome": "credited"}, defaults=defaults)[1] == [("bank-list-missing", "/results/0")]


def test_a_line_twice_in_a_bank_file_is_named() -> None:
    twice = {"line_no": 1, "outcome": "credited"}
    lines, faults = bank(twice, {**twice, "outcome": "returned"})
    assert (len(lines), faults) == (1, [("bank-line-repeated", "/results/1/line_no")])


def test_a_bank_csv_is_read() -> None:
    upload = csv_lines("行号,结果,退票原因\n3,成功,\n4,退票,账户已销户\n".encode("gb18030"), HEADINGS, REQUIRED, 10)
    lines, faults = read_bank_lines(upload, FileDefaults("回盘1号", date(2019, 3, 4), None, B))
    assert faults == []
    assert [(line.row, line.line_no, line.outcome, line.reason) for line in lines] == [
        (2, 3, "credited", ""),
        (3, 4, "returned", "账户已销户"),
    ]
