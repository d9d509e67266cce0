"""The tables of GB/T 24589.1—2010 that a book fills: element names, identifiers, order, types and lengths. Pure.

Taken from a public machine-readable list of the standard (identifiers, order, types, lengths, which may be absent) and
from public readings of its Chinese element names; no official XML schema could be had, so nothing here was checked
against one. Part 1 is of enterprises; part 3 (general budget) is not public: the mapping to budget accounting is ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from xml.sax.saxutils import escape

NAMESPACE: Final = "http://sxbw.audit.gov.cn/AccountingSoftwareDataInterfaceStandard/2010/SOE/XMLSchema"
STANDARD: Final = "GB/T 24589.1-2010"
ENCODING: Final = "GB18030"
ITEMS: Final = 8
"""Subsidiary items (辅助项) that a line of ours has; the standard has room for 30."""

Kind = Literal["text", "fixed", "number", "amount", "quantity"]


@dataclass(frozen=True, slots=True)
class Element:
    """An element: Chinese name, identifier (locID), kind, greatest (text) or exact (fixed) length, may it be absent."""

    name: str
    loc_id: str
    kind: Kind = "text"
    length: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its element name, identifier, and its elements in the standard's order."""

    name: str
    loc_id: str
    elements: tuple[Element, ...]


def _text(name: str, loc_id: str, length: int, *, optional: bool = False) -> Element:
    return Element(name, loc_id, "text", length, optional)


_YEAR = Element("会计年度", "010110", "fixed", 4)
_PERIOD = _text("会计期间号", "010201", 15)
_VOUCHER_TYPE = _text("记账凭证类型编号", "010301", 60)
_ACCOUNT = _text("科目编号", "020201", 60)
_CURRENCY = _text("币种编码", "010501", 10)
_UNIT = _text("计量单位", "020503", 10)
_FILE = _text("档案编码", "011101", 60)
_ITEM_NUMBERS = tuple(_text(f"辅助项{n}编号", "020301", 60, optional=True) for n in range(1, ITEMS + 1))
_MOVES = (
    Element("借方数量", "020507", "quantity"),
    Element("借方原币金额", "020508", "amount"),
    Element("借方本币金额", "020509", "amount"),
    Element("贷方数量", "020510", "quantity"),
    Element("贷方原币金额", "020511", "amount"),
    Element("贷方本币金额", "020512", "amount"),
)

BOOK: Final = Table(
    "电子账簿",
    "T101",
    (
        _text("电子账簿编号", "010101", 60),
        _text("电子账簿名称", "010102", 200),
        _text("会计核算单位", "010103", 200),
        _text("组织机构代码", "010104", 20),
        Element("单位性质", "010105", "fixed", 4),
        _text("行业", "010106", 20),
        _text("开发单位", "010107", 200),
        _text("版本号", "010108", 20),
        _text("本位币", "010109", 30),
        _YEAR,
        _text("标准版本号", "010111", 30),
    ),
)
PERIOD: Final = Table(
    "会计期间",
    "T102",
    (
        _YEAR,
        _PERIOD,
        Element("会计期间起始日期", "010202", "fixed", 8),
        Element("会计期间结束日期", "010203", "fixed", 8),
    ),
)
VOUCHER_TYPE: Final = Table(
    "记账凭证类型",
    "T103",
    (
        _VOUCHER_TYPE,
        _text("记账凭证类型名称", "010302", 60),
        _text("记账凭证类型简称", "010303", 20, optional=True),
    ),
)
CURRENCY: Final = Table("币种", "T105", (_CURRENCY, _text("币种名称", "010502", 30)))
SETTLEMENT: Final = Table(
    "结算方式", "T106", (_text("结算方式编码", "010601", 60), _text("结算方式名称", "010602", 60))
)
DEPARTMENT: Final = Table(
    "部门档案",
    "T107",
    (
        _text("部门编码", "010701", 60),
        _text("部门名称", "010702", 200),
        _text("上级部门编码", "010703", 60, optional=True),
    ),
)
SUPPLIER: Final = Table(
    "供应商档案",
    "T109",
    (
        _text("供应商编码", "010901", 60),
        _text("供应商名称", "010902", 200),
        _text("供应商简称", "010903", 60, optional=True),
    ),
)
FILE: Final = Table(
    "自定义档案项",
    "T111",
    (
        _FILE,
        _text("档案名称", "011102", 200),
        _text("档案描述", "011103", 1000, optional=True),
        Element("是否有层级特征", "011104", "fixed", 1),
        _text("档案编码规则", "011105", 200, optional=True),
    ),
)
FILE_VALUE: Final = Table(
    "自定义档案值",
    "T112",
    (
        _FILE,
        _text("档案值编码", "011201", 60),
        _text("档案值名称", "011202", 200),
        _text("档案值描述", "011203", 1000, optional=True),
        _text("档案值父节点", "011204", 60, optional=True),
        _text("档案值级次", "011205", 2),
    ),
)
LEDGER: Final = Table(
    "总账基础信息",
    "T201",
    (
        Element("结构分隔符", "020101", "fixed", 1),
        _text("会计科目编号规则", "020102", 200),
        _text("现金流量项目编码规则", "020103", 200),
        _text("凭证头可扩展字段结构", "020104", 2000, optional=True),
        _text("凭证头可扩展结构对应档案", "020105", 2000, optional=True),
        _text("分录行可扩展字段结构", "020106", 2000, optional=True),
        _text("分录行可扩展字段对应档案", "020107", 2000, optional=True),
    ),
)
ACCOUNT: Final = Table(
    "会计科目",
    "T202",
    (
        _ACCOUNT,
        _text("科目名称", "020202", 60),
        Element("科目级次", "020203", "number", 2),
        _text("科目类型", "020204", 20),
        _text("余额方向", "020205", 4),
    ),
)
ITEM: Final = Table(
    "科目辅助核算",
    "T203",
    (
        _ACCOUNT,
        _text("辅助项编号", "020301", 60),
        _text("辅助项名称", "020302", 200),
        _text("对应档案", "020303", 200),
        _text("辅助项描述", "020304", 2000, optional=True),
    ),
)
BALANCE: Final = Table(
    "科目余额及发生额",
    "T205",
    (
        _ACCOUNT,
        *_ITEM_NUMBERS,
        _text("期初余额方向", "020501", 4),
        _text("期末余额方向", "020502", 4),
        _CURRENCY,
        _UNIT,
        _YEAR,
        _PERIOD,
        Element("期初数量", "020504", "quantity"),
        Element("期初原币余额", "020505", "amount"),
        Element("期初本币余额", "020506", "amount"),
        *_MOVES,
        Element("期末数量", "020513", "quantity"),
        Element("期末原币余额", "020514", "amount"),
        Element("期末本币余额", "020515", "amount"),
    ),
)
VOUCHER: Final = Table(
    "记账凭证",
    "T206",
    (
        Element("记账凭证日期", "020601", "fixed", 8),
        _YEAR,
        _PERIOD,
        _VOUCHER_TYPE,
        _text("记账凭证编号", "020602", 60),
        _text("记账凭证行号", "020603", 5),
        _text("记账凭证摘要", "020604", 300),
        _ACCOUNT,
        *_ITEM_NUMBERS,
        _CURRENCY,
        _UNIT,
        *_MOVES,
        _text("汇率类型编号", "010401", 60),
        Element("汇率", "020605", "quantity"),
        Element("单价", "020606", "quantity"),
        _text("凭证头可扩展字段结构值", "020607", 300, optional=True),
        _text("分录行可扩展字段结构值", "020608", 300, optional=True),
        _text("结算方式编码", "010601", 60),
        _text("票据类型", "020609", 60),
        _text("票据号", "020610", 60),
        Element("票据日期", "020611", "fixed", 8),
        Element("附件数", "020612", "number", 9),
        _text("制单人", "020613", 30),
        _text("审核人", "020614", 30),
        _text("记账人", "020615", 30),
        Element("记账标志", "020616", "fixed", 1),
        Element("作废标志", "020617", "fixed", 1),
        _text("凭证来源系统", "020618", 20),
    ),
)

PUBLIC: Final = (
    BOOK,
    PERIOD,
    VOUCHER_TYPE,
    CURRENCY,
    SETTLEMENT,
    DEPARTMENT,
    SUPPLIER,
    FILE,
    FILE_VALUE,
)
"""公共档案 in the standard's order, without what a budget book has nothing of (the standard's 5.3 allows that)."""
GENERAL: Final = (LEDGER, ACCOUNT, ITEM, BALANCE, VOUCHER)
"""总账 in the standard's order, without cash flows and statements."""

_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP: Final = re.compile("[&<>]")


class Form:
    """A record that is filled step by step: what many records share is written once. A Form never changes."""

    def __init__(self, pieces: Sequence[str | Element]) -> None:
        self._pieces = pieces

    @classmethod
    def of(cls, table: Table) -> Form:
        """An empty record of a table."""
        return cls([f"<{table.name}>", *table.elements, f"</{table.name}>\n"])

    def filled(self, **values: str) -> Form:
        """With these elements; an optional one without content is left out, a text that is too long is cut.

        ValueError: a fixed element of another length, or a name that is not (or no longer) open.
        """
        pieces: list[str | Element] = [""]
        for piece in self._pieces:
            if isinstance(piece, str):
                text = piece
            elif piece.name in values:
                text = _element(piece, values.pop(piece.name))
            else:
                pieces += (piece, "")
                continue
            pieces[-1] += text  # type: ignore[operator]  # every other piece is text
        if values:
            raise ValueError(f"{self._pieces[0]} has no {sorted(values)}")
        return Form(pieces)

    def text(self) -> str:
        """The record; open optional elements are absent. KeyError: a required one is still open."""
        for piece in self._pieces:
            if isinstance(piece, Element) and not piece.optional:
                raise KeyError(piece.name)
        return "".join(piece for piece in self._pieces if isinstance(piece, str))


def record(table: Table, **values: str) -> str:
    """A whole record of a table at once; see `Form`."""
    return Form.of(table).filled(**values).text()


def _element(element: Element, value: str) -> str:
    if element.optional and not value:
        return ""
    text = _ILLEGAL.sub(" ", value) if _ILLEGAL.search(value) else value
    if element.kind == "text":
        text = text[: element.length]
    elif element.kind == "fixed" and len(text) != element.length:
        raise ValueError(f"{element.name} must have {element.length} characters")
    return f"<{element.name}>{escape(text) if _MARKUP.search(text) else text}</{element.name}>"


def joined(values: Sequence[object]) -> str:
    """Values of an extended field in one element, with the separator between them; absent ones are empty."""
    return SEPARATOR.join("" if value is None else str(value).replace(SEPARATOR, "｜") for value in values)


SEPARATOR: Final = "|"
"""结构分隔符: a character that ids don't contain."""
