"""The lines of a bank's file (银行回盘), checked one by one without a database.

A line names a payment by its list (or entry) and the line number in the list, and says `credited` (入账) or `returned`
(退票). The file's header gives list, date and document for lines that do not. A reason is read by many people for
years, so it may not hold a card, identity or phone number. An amount, where there is one, must be the line's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from fundledger.errors import Fault, FundledgerError, problem
from fundledger.files.xlsx_rows import Kind
from fundledger.money import parse_yuan
from fundledger.payments.uploads import Upload
from fundledger.registry.cells import date_cell

OUTCOMES = {
    "credited": "credited", "入账": "credited", "成功": "credited", "已入账": "credited",
    "returned": "returned", "退票": "returned", "退回": "returned", "失败": "returned",
}  # fmt: skip
HEADINGS = {
    "发放清单": "payment_list_id", "清单编号": "payment_list_id", "payment_list_id": "payment_list_id",
    "凭证": "entry_id", "凭证编号": "entry_id", "entry_id": "entry_id",
    "行号": "line_no", "line_no": "line_no",
    "结果": "outcome", "outcome": "outcome",
    "原因": "reason", "退票原因": "reason", "reason": "reason",
    "日期": "settled_on", "入账日期": "settled_on", "settled_on": "settled_on",
    "金额": "amount", "amount": "amount", "户名": "payee_name", "账号": "payee_account",
    "回盘文号": "document_no", "文号": "document_no", "document_no": "document_no",
}  # fmt: skip
CELL_KINDS: dict[str, Kind] = {"line_no": "number", "amount": "number", "settled_on": "date"}
"""The fields whose cells in a spreadsheet are no texts."""
REQUIRED = ("line_no", "outcome")
PASSED_OVER = frozenset({"payee_name", "payee_account"})
"""Columns of the file that went to the bank (代发文件): when it comes back with results, nobody reads them."""
TOTAL = "合计"
"""In the place of the list: the last row of that file, which repeats its totals."""
FIELDS = frozenset(HEADINGS.values()) - PASSED_OVER
TEXT_MAX = 100
LINE_NO_MAX = 2**31 - 1
_LONG_NUMBER = re.compile(r"[0-9](?:[ \-]?[0-9]){7}")


@dataclass(frozen=True, slots=True)
class FileDefaults:
    """What the file says for every line that does not say it."""

    document_no: str
    settled_on: date
    payment_list_id: UUID | None = None
    entry_id: UUID | None = None


class BankLine(NamedTuple):
    """One line: the payment, by list or by entry, and what became of it."""

    row: int
    payment_list_id: UUID | None
    entry_id: UUID | None
    line_no: int
    outcome: str
    reason: str
    settled_on: date
    document_no: str
    amount: int | None = None


def read_bank_lines(upload: Upload, defaults: FileDefaults) -> tuple[list[BankLine], list[Fault]]:
    """Every sound line, and every fault of the others."""
    lines: list[BankLine] = []
    faults: list[Fault] = []
    seen: dict[tuple[object, ...], int] = {}
    for row, fields in upload:
        if fields.get("payment_list_id") == TOTAL:
            continue
        before = len(faults)
        line = _read(upload, row, fields, defaults, faults)
        if line is None or len(faults) > before:
            continue
        first = seen.setdefault((line.payment_list_id, line.entry_id, line.line_no), row)
        if first != row:
            faults.append(upload.fault("bank-line-repeated", row, "line_no", first=upload.where(first)))
            continue
        lines.append(line)
    return lines, upload.faults + faults


def _read(
    upload: Upload, row: int, fields: Mapping[str, object], defaults: FileDefaults, faults: list[Fault]
) -> BankLine | None:
    values: dict[str, Any] = {
        "document_no": defaults.document_no, "settled_on": defaults.settled_on, "reason": "",
        "payment_list_id": None, "entry_id": None,
    }  # fmt: skip
    faults += [upload.fault("field-missing", row, name) for name in REQUIRED if fields.get(name) is None]
    for name, value in fields.items():
        try:
            if value is not None and name not in PASSED_OVER:
                values[name] = _READERS[name](value)
        except FundledgerError as error:
            faults.append(upload.fault(error.code, row, name, **error.params))
    if values["payment_list_id"] is None and values["entry_id"] is None:
        values["payment_list_id"], values["entry_id"] = defaults.payment_list_id, defaults.entry_id
    if (values["payment_list_id"] is None) == (values["entry_id"] is None):
        faults.append(upload.fault("bank-list-missing", row))
    if REQUIRED[0] not in values or REQUIRED[1] not in values:
        return None
    return BankLine(row=row, **values)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise problem("field-not-text")
    if len(value) > TEXT_MAX:
        raise problem("text-too-long", characters=TEXT_MAX)
    if not value.strip() or not value.isprintable():
        raise problem("text-unreadable")
    return value.strip()


def _id(value: object) -> UUID:
    try:
        return UUID(_text(value))
    except ValueError:
        raise problem("id-malformed") from None


def _line_no(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(LINE_NO_MAX)):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LINE_NO_MAX:
        return value
    raise problem("bank-line-number-malformed")


def _outcome(value: object) -> str:
    word = _text(value)
    if word not in OUTCOMES:
        raise problem("bank-outcome-unknown", accepted=list(OUTCOMES))
    return OUTCOMES[word]


def _reason(value: object) -> str:
    text = _text(value) if value != "" else ""
    if _LONG_NUMBER.search(text):
        raise problem("reason-holds-number")
    return text


def _day(value: object) -> date:
    return date_cell(_text(value))


_READERS: dict[str, Callable[[object], object]] = {
    "payment_list_id": _id, "entry_id": _id, "line_no": _line_no, "outcome": _outcome, "reason": _reason,
    "settled_on": _day, "document_no": _text, "amount": parse_yuan,
}  # fmt: skip
