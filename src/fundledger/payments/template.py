"""The .xlsx template of a payment list (发放清单模板): the columns districts know, as the reader wants them.

Number-like columns (cards, identity numbers, documents) are formatted as text, so that no spreadsheet takes a card for
a quantity; amounts are checked as they are typed. What explains stands on a sheet of its own, 填表说明, which the
reader skips, and in notes at the headings. Filled in and uploaded as it is, the file is taken.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.money import format_yuan
from fundledger.payments.forms import PayeeKind

SHEET = "发放清单"
NOTES = "填表说明"
LAST_ROW = 1_048_575
"""The last row of a sheet, from 0: whole columns are formatted."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the template: its heading, the field it is read as, its width, and what to fill in."""

    heading: str
    field: str
    width: int
    note: str


@dataclass(frozen=True, slots=True)
class Standard:
    """The unit standard of a project's programme, in fen; amounts are checked against it where there is one."""

    programme: str
    amount: int | None


_WHO: dict[PayeeKind, tuple[Column, ...]] = {
    "household": (
        Column("户编号", "household_no", 22, "建档立卡系统中的户编号。必填。"),
        Column("户主姓名", "name", 12, "与建档立卡登记一致。必填。"),
        Column("银行卡号", "card", 24, "户主本人的“一卡通”卡号，13至19位。必填。"),
    ),
    "person": (
        Column("身份证号", "identity_number", 22, "18位身份证号码。必填。"),
        Column("姓名", "name", 12, "与建档立卡登记一致。必填。"),
        Column("银行卡号", "card", 24, "本人的银行卡号，13至19位。必填。"),
    ),
    "organisation": (
        Column("统一社会信用代码", "credit_code", 22, "18位统一社会信用代码。必填。"),
        Column("单位名称", "name", 30, "与登记一致。必填。"),
        Column("账号", "account", 28, "对公账户账号。必填。"),
    ),
}  # fmt: skip
_WHAT = (
    Column("数量", "quantity", 8, "按标准计发的数量（天、亩、头等），整数；不填即为1。"),
    Column("金额", "amount", 14, "元，最多两位小数，须为数值。必填。"),
    Column("参与记录", "participation_ref", 20, "务工出勤表、产业验收单等的编号（需要参与记录的项目必填）。"),
    Column("特批文号", "exception_document_no", 18, "不按标准或没有参与记录时，批准文件的文号。"),
    Column("指标文号", "allocation", 18, "由哪一份指标支付；只有一份指标时不填。"),
)
_RULES = (
    "只在“发放清单”工作表中填写，一行一个收款人，从第2行起，中间不留空行。",
    "第一行是列名，只能有这一行；不要在它上方加标题，不要增加列。",
    "不要合并单元格，不要隐藏行、列或工作表，不要使用公式；由公式得来的数请粘贴为数值。",
    "编号、卡号、文号各列已设为文本格式；从别处粘贴时请选“只粘贴文本”，以免号码变成 6.2E+18。",
    "金额和数量须为数值；不要带“元”字、空格或千位分隔符。",
    "同一收款人在一份清单中只列一次（单位除外）。",
    "上传前先预览：系统会一次指出全部错误所在的行和列。",
)


_STANDARD = """
SELECT g.name_zh, parameter_value(g.standard_parameter, shanghai_today()) AS amount
FROM (SELECT programme_code FROM project WHERE book = $1 AND project_id = $2 ORDER BY version DESC LIMIT 1) p
JOIN programme g ON g.programme_code = p.programme_code
"""


async def standard_of(connection: Connection, book: int, project_id: UUID) -> Standard:
    """Today's unit standard of a project's programme; `project-not-in-library`."""
    row = await connection.fetchrow(_STANDARD, book, project_id)
    if row is None:
        raise problem("project-not-in-library")
    return Standard(row["name_zh"], row["amount"])


def columns_of(kind: PayeeKind) -> Sequence[Column]:
    """The template's columns for a kind of payee, in order."""
    return _WHO[kind] + _WHAT


def template(kind: PayeeKind, standard: Standard | None = None) -> bytes:
    """The template as a file; `standard` (of a project) is told on the notes sheet and checked in the amounts."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet(SHEET)
        formats = _Formats(book)
        for place, column in enumerate(columns_of(kind)):
            sheet.set_column(place, place, column.width, formats.of(column.field))
            sheet.write_string(0, place, column.heading, formats.heading)
            sheet.write_comment(0, place, column.note, {"x_scale": 2})
            _validate(sheet, place, column, standard)
        sheet.freeze_panes(1, 0)
        sheet.activate()
        _notes(book.add_worksheet(NOTES), columns_of(kind), standard, formats)
    return content.getvalue()


class _Formats:
    """The formats of one workbook."""

    def __init__(self, book: Workbook) -> None:
        self.heading: Format = book.add_format(
            {"bold": True, "bg_color": "#DDEBF7", "border": 1, "align": "center", "num_format": "@"}
        )
        self.wrapped: Format = book.add_format({"text_wrap": True, "valign": "top"})
        self._text: Format = book.add_format({"num_format": "@"})
        self._numbers = {
            "quantity": book.add_format({"num_format": "0"}), "amount": book.add_format({"num_format": "0.00"})
        }  # fmt: skip

    def of(self, field: str) -> Format:
        """Text for all that is no sum: what is typed stays as it is."""
        return self._numbers.get(field, self._text)


def _validate(sheet: Worksheet, place: int, column: Column, standard: Standard | None) -> None:
    """What a spreadsheet refuses as it is typed; the reader checks all of it again."""
    letter = chr(ord("A") + place)
    rules: dict[str, dict[str, object]] = {
        "quantity": {"validate": "integer", "criteria": "between", "minimum": 1, "maximum": 1_000_000},
        "amount": {"validate": "custom",
                   "value": f"=AND(ISNUMBER({letter}2),{letter}2>0,{letter}2=ROUND({letter}2,2))"},
        "card": {"validate": "custom",
                 "value": f"=AND(ISTEXT({letter}2),LEN({letter}2)>=13,LEN({letter}2)<=23)"},
        "identity_number": {"validate": "custom", "value": f"=AND(ISTEXT({letter}2),LEN({letter}2)=18)"},
        "credit_code": {"validate": "custom", "value": f"=AND(ISTEXT({letter}2),LEN({letter}2)=18)"},
    }  # fmt: skip
    rule = rules.get(column.field)
    if rule is not None:
        rule |= {"ignore_blank": True, "error_title": column.heading[:32], "error_message": column.note[:255]}
        if column.field == "amount" and standard is not None and standard.amount is not None:
            rule |= {"input_title": "标准", "input_message": f"每单位 {format_yuan(standard.amount)} 元"}
        sheet.data_validation(1, place, LAST_ROW, place, rule)


def _notes(sheet: Worksheet, columns: Sequence[Column], standard: Standard | None, formats: _Formats) -> None:
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 90, formats.wrapped)
    lines = [("", rule) for rule in _RULES] + [(column.heading, column.note) for column in columns]
    if standard is not None:
        amount = "没有统一标准" if standard.amount is None else f"每单位 {format_yuan(standard.amount)} 元"
        lines.append(("发放标准", f"{standard.programme}：{amount}（以发放当日的政策参数为准）"))
    for row, (name, text) in enumerate(lines):
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, text, formats.wrapped)
