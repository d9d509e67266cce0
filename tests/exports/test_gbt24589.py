"""GB/T 24589: the published elements in the published order and lengths; vouchers add up to balances, balances are ours."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundledger.db.connection import Connection
from fundledger.exports import gbt24589_ledger, gbt24589_tables
from fundledger.exports.gbt24589 import GBT24589
from fundledger.exports.gbt24589_ledger import CODES, PER_VOUCHER, Vouchers
from fundledger.exports.gbt24589_tables import BALANCE, GENERAL, NAMESPACE, PUBLIC, VOUCHER, Table, record
from fundledger.trail.starts import Subject
from tests.builders import CITY, DISTRICT
from tests.exports.story import files, of, whole
from tests.stories.district_year.households import HEADS, NEW_CARDS

PUBLISHED = {
    "T101": "010101 010102 010103 010104 010105 010106 010107 010108 010109 010110 010111",
    "T102": "010110 010201 010202 010203", "T103": "010301 010302 010303", "T105": "010501 010502",
    "T106": "010601 010602", "T107": "010701 010702 010703", "T109": "010901 010902 010903",
    "T111": "011101 011102 011103 011104 011105", "T112": "011101 011201 011202 011203 011204 011205",
    "T201": "020101 020102 020103 020104 020105 020106 020107", "T202": "020201 020202 020203 020204 020205",
    "T203": "020201 020301 020302 020303 020304",
    "T205": "020201 020301 020501 020502 010501 020503 010110 010201 020504 020505 020506 020507 020508 020509 020510 020511 "
            "020512 020513 020514 020515",
    "T206": "020601 010110 010201 010301 020602 020603 020604 020201 020301 010501 020503 020507 020508 020509 020510 020511 "
            "020512 010401 020605 020606 020607 020608 010601 020609 020610 020611 020612 020613 020614 020615 020616 020617 020618",
}  # fmt: skip
"""Identifiers in order, as the public element list of the standard has them (the subsidiary item's, once, stands for all)."""


def records(data: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """Every record of a file, read piece by piece: its table, and its elements in order."""
    parser: ElementTree.XMLPullParser[Any] = ElementTree.XMLPullParser(("end",))
    depth_of = {f"{{{NAMESPACE}}}{table.name}": table.name for table in (*PUBLIC, *GENERAL)}
    reader = io.TextIOWrapper(io.BytesIO(data), encoding="gb18030", newline="")
    while piece := reader.read(4096):
        parser.feed(piece)
        for event in parser.read_events():
            element: Any = tuple(event)[1]
            assert isinstance(element, ElementTree.Element)
            if element.tag in depth_of:
                yield (
                    depth_of[element.tag],
                    {child.tag.removeprefix(f"{{{NAMESPACE}}}"): child.text or "" for child in element},
                )
                element.clear()
    parser.close()


def check(table: Table, values: dict[str, str]) -> None:
    """Elements in order, none missing that must be there, none too long."""
    names = [element.name for element in table.elements]
    assert list(values) == [name for name in names if name in values]
    for element in table.elements:
        value = values.get(element.name)
        if value is None:
            assert element.optional, (table.name, element.name)
        elif element.kind == "text":
            assert len(value) <= element.length
        elif element.kind == "fixed":
            assert len(value) == element.length
        elif element.kind == "amount":
            assert Decimal(value).as_tuple().exponent == -2
            assert len(value) <= 20
        else:
            assert value.isdigit()


def test_the_tables_are_those_of_the_published_list() -> None:
    for table in (*PUBLIC, *GENERAL):
        ids = [element.loc_id for element in table.elements]
        assert list(dict.fromkeys(ids)) == PUBLISHED[table.loc_id].split(), table.name
        assert len({element.name for element in table.elements}) == len(table.elements)


async def test_every_record_of_the_year_fits_its_table(auditor: Connection) -> None:
    found = await files(auditor, GBT24589, await whole(auditor))
    assert {name.split("-")[0] for name in found} == {str(CITY), str(DISTRICT)}
    for name, data in found.items():
        tables = PUBLIC if "public" in name else GENERAL
        by_name = {table.name: table for table in tables}
        seen = [(table, values) for table, values in records(data)]
        for table, values in seen:
            check(by_name[table], values)
        order = list(dict.fromkeys(table for table, _ in seen))
        assert order == [table.name for table in tables if table.name in order]
        missing = {table.name for table in tables} - set(order)
        assert missing <= {"供应商档案"}
        head = data.decode("gb18030")[:800]
        assert 'encoding="GB18030"' in head
        assert "未经官方 XML 模式校验" in head
        assert "Not checked against an official schema" in head


Key = tuple[str, ...]


def key(values: dict[str, str]) -> Key:
    """The account of a voucher line or balance, by its subject and those items that make the account."""
    payee = values.get("辅助项4编号", "") if values["科目编号"] == CODES["advanced"] else ""
    return (values["科目编号"], *(values.get(f"辅助项{n}编号", "") for n in (1, 2, 3, 5, 6)), payee)


def fen(text: str) -> int:
    return int(Decimal(text) * 100)


async def test_vouchers_add_up_to_balances_and_years_follow_each_other(auditor: Connection) -> None:
    found = await files(auditor, GBT24589, await whole(auditor))
    for book in (CITY, DISTRICT):
        held: Counter[Key] = Counter()
        for name in sorted(name for name in found if name.startswith(str(book)) and "ledger" in name):
            rows = list(records(found[name]))
            moved: Counter[tuple[Key, str, str]] = Counter()
            for table, values in rows:
                if table == VOUCHER.name:
                    assert (values["会计年度"], values["会计期间号"]) == (
                        name.split("-")[1],
                        str(int(values["记账凭证日期"][4:6])),
                    )
                    moved[key(values), values["会计期间号"], "借"] += fen(values["借方本币金额"])
                    moved[key(values), values["会计期间号"], "贷"] += fen(values["贷方本币金额"])
            balances = [values for table, values in rows if table == BALANCE.name]
            assert len({(key(values), values["会计期间号"]) for values in balances}) == len(balances)
            for values in balances:
                account, month = key(values), values["会计期间号"]
                sign = {"借": 1, "贷": -1}
                assert sign[values["期初余额方向"]] * fen(values["期初本币余额"]) == held[account], (name, values)
                assert fen(values["借方本币金额"]) == moved.pop((account, month, "借"), 0)
                assert fen(values["贷方本币金额"]) == moved.pop((account, month, "贷"), 0)
                held[account] += fen(values["借方本币金额"]) - fen(values["贷方本币金额"])
                assert sign[values["期末余额方向"]] * fen(values["期末本币余额"]) == held[account]
            assert not any(moved.values())
        assert sum(held.values()) == 0
        stored = await ours(auditor, book)
        assert {one: amount for one, amount in held.items() if amount} == {
            one: amount for one, amount in stored.items() if amount
        }
        assert len(held) > 5


async def ours(reader: Connection, book: int) -> Counter[Key]:
    """What every account holds, from the stored totals."""
    rows = await reader.fetch(
        """SELECT a.*, coalesce(l.fund_code, n.fund_code) AS fund_code, coalesce(l.fiscal_year, n.fiscal_year) AS fiscal_year,
                  b.received - b.given AS fen FROM account a JOIN account_balance b USING (book, account_id)
           LEFT JOIN allocation l USING (book, allocation_id)
           LEFT JOIN budget_line n ON n.book = a.book AND n.budget_line_id = a.budget_line_id WHERE a.book = $1""", book)  # fmt: skip
    return Counter({
        (CODES[row["account_kind"]], str(row["allocation_id"] or row["budget_line_id"]), str(row["project_id"] or ""),
         str(row["exec_year"]), row["fund_code"], str(row["fiscal_year"]), str(row["payee_id"] or "")): row["fen"]
        for row in rows
    })  # fmt: skip


async def test_every_voucher_balances_and_numbers_its_lines(auditor: Connection) -> None:
    found = await files(auditor, GBT24589, await whole(auditor))
    vouchers: dict[tuple[str, str], list[dict[str, str]]] = {}
    for name, data in found.items():
        for table, values in records(data):
            if table == VOUCHER.name:
                vouchers.setdefault((name, values["记账凭证编号"]), []).append(values)
    assert len(vouchers) == await auditor.fetchval("SELECT count(*) FROM entry")
    for lines in vouchers.values():
        assert [int(line["记账凭证行号"]) for line in lines] == list(range(1, len(lines) + 1))
        assert sum(fen(line["借方本币金额"]) - fen(line["贷方本币金额"]) for line in lines) == 0
        people = {(line["制单人"], line["审核人"], line["记账人"]) for line in lines}
        assert len(people) == 1
        ((maker, approver, _),) = people
        assert maker
        assert approver
        assert maker != approver


async def test_every_code_that_a_ledger_uses_is_explained(auditor: Connection) -> None:
    found = await files(auditor, GBT24589, await whole(auditor))
    for name, data in found.items():
        if "ledger" not in name:
            continue
        public = list(records(found[name.replace("general-ledger", "public-archives")]))
        known = {(values["档案编码"], values["档案值编码"]) for table, values in public if table == "自定义档案值"}
        files_known = [values["档案编码"] for table, values in public if table == "自定义档案项"]
        kinds = {values["记账凭证类型编号"] for table, values in public if table == "记账凭证类型"}
        accounts = {values["科目编号"] for table, values in records(data) if table == "会计科目"}
        for table, values in records(data):
            if table in (VOUCHER.name, BALANCE.name):
                assert values["科目编号"] in accounts
                used = {
                    (files_known[n - 1], values[f"辅助项{n}编号"]) for n in range(1, 9) if f"辅助项{n}编号" in values
                }
                assert used <= known
            if table == VOUCHER.name:
                assert values["记账凭证类型编号"] in kinds


async def test_packages_hold_no_name_card_or_number_of_a_person(auditor: Connection) -> None:
    found = await files(auditor, GBT24589, await whole(auditor))
    text = b"".join(found.values()).decode("gb18030")
    for secret in [*NEW_CARDS, *(part for head in HEADS for part in head)]:
        assert secret not in text


async def test_a_subject_is_exported_whole_and_the_same_again(auditor: Connection) -> None:
    project = await auditor.fetchval("SELECT project_id FROM account WHERE account_kind = 'advanced'")
    scope = await of(auditor, Subject("project", project))
    found = await files(auditor, GBT24589, scope)
    assert found == await files(auditor, GBT24589, scope)
    lines = [values for data in found.values() for table, values in records(data) if table == VOUCHER.name]
    assert lines
    assert sum(fen(line["借方本币金额"]) - fen(line["贷方本币金额"]) for line in lines) == 0
    assert {line.get("辅助项2编号") for line in lines} == {str(project), None}


def a_line(**fields: Any) -> dict[str, Any]:
    """A row of a voucher line between two accounts, with what a test is about."""
    row = {"line_no": 1, "position": 7, "entry_id": UUID(int=5), "effective_on": date(2019, 3, 1), "entry_kind": "pay", "summary": "摘要", "document_no": "文1号",
           "functional_class": "2130599", "economic_class": "30399", "amount": 100, "payee_id": None, "pay_method": None, "maker": "甲",
           "approver": "乙", "payer": None, "debit_account": UUID(int=1), "credit_account": UUID(int=2)}  # fmt: skip
    rest = dict.fromkeys((*gbt24589_ledger._HEADER_FIELDS, *gbt24589_ledger._LINE_FIELDS), None)
    return {**rest, **row, **fields}


ACCOUNTS = {
    UUID(int=number): {"account_kind": kind, "allocation_id": UUID(int=9), "budget_line_id": None, "project_id": None, "exec_year": 2019,
                       "payee_id": None, "fund_code": "targeted", "fiscal_year": 2019, "is_source": False}
    for number, kind in ((1, "paid"), (2, "available"))
}  # fmt: skip


def sides(row: dict[str, Any]) -> list[dict[str, str]]:
    """The two voucher lines of a line."""
    element = ElementTree.fromstring(f"<all>{Vouchers(ACCOUNTS).line(row)}</all>")
    return [{child.tag: child.text or "" for child in one} for one in element]


def test_a_list_too_long_for_five_digits_is_cut_into_vouchers_that_balance() -> None:
    for line_no, number, place in ((1, "7", "1"), (PER_VOUCHER, "7", str(2 * PER_VOUCHER - 1)), (PER_VOUCHER + 1, "7-2", "1"),
                                   (200_000, "7-5", "7")):  # fmt: skip
        values, other = sides(a_line(line_no=line_no))
        assert (values["记账凭证编号"], values["记账凭证行号"]) == (number, place)
        assert other["记账凭证编号"] == number
        assert int(other["记账凭证行号"] or 0) == int(place) + 1 <= 99_999


@given(st.text(max_size=400), st.text(max_size=400))
def test_no_text_breaks_a_record(summary: str, document_no: str) -> None:
    if any("\ud800" <= c <= "\udfff" for c in summary + document_no):
        return
    row = a_line(summary=summary, document_no=document_no)
    text = Vouchers(ACCOUNTS).line(row)
    assert text.encode("gb18030").decode("gb18030") == text
    for values in sides(row):
        check(VOUCHER, values)


def test_a_value_of_no_element_or_a_wrong_fixed_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="has no"):
        record(gbt24589_tables.CURRENCY, 币种编码="CNY", 币种名称="人民币", 别的="x")
    with pytest.raises(ValueError, match="characters"):
        record(
            gbt24589_tables.PERIOD,
            会计年度="19",
            会计期间号="1",
            会计期间起始日期="20190101",
            会计期间结束日期="20190131",
        )
    with pytest.raises(KeyError):
        record(gbt24589_tables.CURRENCY, 币种编码="CNY")
