"""Registry files for tests: synthetic people in the impossible area 999999, written as the offices write them."""

from __future__ import annotations

from datetime import date, timedelta

from fundledger.registry.identity import synthetic_card, synthetic_identity_number
from tests.builders import VILLAGE

HEADER = "户编号,村代码,姓名,身份证号,户主,银行卡号,手机,状态,状态日期,文号"
FIELDS = (
    "household_no",
    "village_code",
    "name",
    "identity",
    "is_head",
    "card",
    "phone",
    "status",
    "status_on",
    "document_no",
)


def identity(number: int) -> str:
    """The identity number of the n-th synthetic person."""
    return synthetic_identity_number(date(1950, 1, 1) + timedelta(days=number // 1000), number % 1000)


def line(number: int, **cells: str) -> str:
    """A head of a household of one, or what `cells` say instead."""
    row = {
        "household_no": f"H{number:06d}", "village_code": VILLAGE, "name": "张三丰", "identity": identity(number),
        "is_head": "是", "card": synthetic_card(number), "phone": "13900000000", "status": "在册",
        "status_on": "2018-01-01", "document_no": "建档1号", **cells,
    }  # fmt: skip
    return ",".join(row[name] for name in FIELDS)


def member(number: int, household: int, **cells: str) -> str:
    """A further member of a household, with the household's status."""
    other = {"household_no": f"H{household:06d}", "is_head": "否", "status": "", "status_on": "", "document_no": ""}
    return line(number, **{**other, **cells})


def file_of(*lines: str, header: str = HEADER, encoding: str = "utf-8") -> bytes:
    """A CSV file."""
    return "\r\n".join((header, *lines, "")).encode(encoding)
