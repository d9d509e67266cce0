"""总账 of GB/T 24589: accounts, subsidiary items, balances by month, and two voucher lines for every line of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.exports import gbt24589_rows as rows
from fundledger.exports import gbt24589_tables as tables
from fundledger.exports.gbt24589_tables import Form, joined, record
from fundledger.exports.scope import Scope
from fundledger.exports.texts import Texts
from fundledger.exports.touching import used_accounts
from fundledger.money import format_yuan

PER_VOUCHER: Final = 49_999
"""Lines of ours in one voucher: two of its lines each, numbered with five digits."""

CODES: Final = {
    "unreleased_budget": "1001",
    "unreleased": "1002",
    "executable": "1003",
    "available": "1004",
    "advanced": "1005",
    "budget_source": "3001",
    "upper_transfer": "3002",
    "released": "5001",
    "paid": "5002",
    "paid_other": "5003",
    "surplus": "5004",
}
"""科目编号, our own: 1 money that rests, 3 sources, 5 money that has left."""
TYPES: Final = {"1": "指标结存", "3": "指标来源", "5": "指标去向"}
ITEMS: Final = (
    ("ZB", "指标", "allocation or budget line"),
    ("XM", "项目", "project"),
    ("ZN", "执行年度", "execution year"),
    ("SK", "收款人", "payee"),
    ("ZJ", "资金类别", "fund"),
    ("YN", "预算年度", "fiscal year"),
    ("GN", "功能分类", "functional classification"),
    ("JJ", "经济分类", "economic classification"),
)
"""辅助项 1 to 8: code of its file, name, meaning. Balances have 1 to 6 only, and 4 only of advances."""
HEADER_FIELDS: Final = "凭证标识|责任人|监管责任人|上下级凭证"
LINE_FIELDS: Final = "分录号|冲销凭证|冲销分录号|清算凭证|清算分录号|重发凭证|重发分录号"


def source_of(account: Any) -> str:
    """辅助项 1: the allocation or, before one, the budget line of an account."""
    return str(account["allocation_id"] or account["budget_line_id"])


async def write_ledger(connection: Connection, scope: Scope, book: int, year: rows.Year, sink: Texts) -> int:
    """Write the body of 总账; the number of its voucher lines."""
    used = await used_accounts(connection, scope, book)
    accounts = {row["account_id"]: row for row in used}
    for text in _subjects({(CODES[row["account_kind"]], row["name_zh"], row["is_source"]) for row in used}):
        await sink.put(text)
    async for batch in rows.balances(connection, scope, book, year):
        await sink.put("".join([_balance(row, accounts[row["account_id"]], year) for row in batch]))
    written, vouchers = 0, Vouchers(accounts)
    async for batch in rows.vouchers(connection, scope, book, year):
        await sink.put("".join([vouchers.line(row) for row in batch]))
        sink.count(2 * len(batch))
        written += 2 * len(batch)
    return written


def _subjects(kinds: set[tuple[str, str, bool]]) -> Iterator[str]:
    """What the ledger is made of: its separator and fields, the kinds of account, and the items of each."""
    yield record(
        tables.LEDGER, 结构分隔符=tables.SEPARATOR, 会计科目编号规则="4", 现金流量项目编码规则="",
        凭证头可扩展字段结构=HEADER_FIELDS, 分录行可扩展字段结构=LINE_FIELDS,
    )  # fmt: skip
    for code, name, is_source in sorted(kinds):
        yield record(
            tables.ACCOUNT, 科目编号=code, 科目名称=name, 科目级次="1", 科目类型=TYPES[code[0]],
            余额方向="贷" if is_source else "借",
        )  # fmt: skip
    for code, _, _ in sorted(kinds):
        for number, (_, title, meaning) in enumerate(ITEMS, start=1):
            yield record(
                tables.ITEM, 科目编号=code, 辅助项编号=str(number), 辅助项名称=title, 对应档案=title, 辅助项描述=meaning
            )


def _items(account: Any) -> dict[str, str]:
    """辅助项 1 to 6, as the account itself says them."""
    found = [
        source_of(account),
        account["project_id"],
        account["exec_year"],
        account["payee_id"],
        account["fund_code"],
        account["fiscal_year"],
    ]
    return {f"辅助项{number}编号": str(value) for number, value in enumerate(found, start=1) if value is not None}


def _balance(row: Any, account: Any, year: rows.Year) -> str:
    """One month of an account."""
    opening = row["closing"] - row["debit"] + row["credit"]
    before, after = format_yuan(abs(opening)), format_yuan(abs(row["closing"]))
    normal = "贷" if account["is_source"] else "借"
    return record(
        tables.BALANCE, 科目编号=CODES[account["account_kind"]], 期初余额方向=_side(opening, normal),
        期末余额方向=_side(row["closing"], normal), 币种编码="CNY", 计量单位="", 会计年度=str(year.year),
        会计期间号=str(row["month"].month), 期初数量="0", 期初原币余额=before, 期初本币余额=before, 期末数量="0",
        期末原币余额=after, 期末本币余额=after, **_items(account), **_moves(row["debit"], row["credit"]),
    )  # fmt: skip


def _side(fen: int, normal: str) -> str:
    """The direction of a balance; of nothing, the account's own."""
    return normal if fen == 0 else "借" if fen > 0 else "贷"


def _moves(debit: int, credit: int) -> dict[str, str]:
    received, given = format_yuan(debit), format_yuan(credit)
    return {
        "借方数量": "0",
        "借方原币金额": received,
        "借方本币金额": received,
        "贷方数量": "0",
        "贷方原币金额": given,
        "贷方本币金额": given,
    }


class Vouchers:
    """Makes voucher lines; what the lines of an entry on an account share is written once."""

    def __init__(self, accounts: Mapping[UUID, Any]) -> None:
        self._accounts = accounts
        self._entry: UUID | None = None
        self._of_entry = self._empty = Form.of(tables.VOUCHER).filled(**_SAME)
        self._of_account: dict[tuple[UUID, bool], Form] = {}

    def line(self, row: Any) -> str:
        """Both sides of a line."""
        if row["entry_id"] != self._entry:
            self._entry = row["entry_id"]
            self._of_entry = self._empty.filled(**_entry(row))
            self._of_account = {}
        part, line = divmod(row["line_no"] - 1, PER_VOUCHER)
        number = str(row["position"]) + (f"-{part + 1}" if part else "")
        return self._side(row, number, 2 * line + 1, debit=True) + self._side(row, number, 2 * line + 2, debit=False)

    def _side(self, row: Any, number: str, line: int, *, debit: bool) -> str:
        account_id = row["debit_account" if debit else "credit_account"]
        form = self._of_account.get((account_id, debit))
        if form is None:
            account = self._accounts[account_id]
            form = self._of_entry.filled(科目编号=CODES[account["account_kind"]], **_items(account), **_NONE[debit])
            self._of_account[account_id, debit] = form
        amount = format_yuan(row["amount"])
        payee = (
            {} if self._accounts[account_id]["payee_id"] is not None else {"辅助项4编号": str(row["payee_id"] or "")}
        )
        moved = (
            {"借方原币金额": amount, "借方本币金额": amount}
            if debit
            else {"贷方原币金额": amount, "贷方本币金额": amount}
        )
        fields = joined([row[name] for name in _LINE_FIELDS])
        return form.filled(
            记账凭证编号=number, 记账凭证行号=str(line), 分录行可扩展字段结构值=fields, **payee, **moved
        ).text()


_NONE: Final = {
    True: {"贷方原币金额": "0.00", "贷方本币金额": "0.00"}, False: {"借方原币金额": "0.00", "借方本币金额": "0.00"},
}  # fmt: skip


def _entry(row: Any) -> dict[str, str]:
    """What a voucher line says of its entry."""
    day = f"{row['effective_on']:%Y%m%d}"
    return {
        "记账凭证日期": day,
        "会计年度": day[:4],
        "会计期间号": str(row["effective_on"].month),
        "记账凭证类型编号": row["entry_kind"],
        "记账凭证摘要": row["summary"],
        "辅助项7编号": row["functional_class"],
        "辅助项8编号": row["economic_class"],
        "凭证头可扩展字段结构值": joined([row[name] for name in _HEADER_FIELDS]),
        "结算方式编码": row["pay_method"] or "",
        "票据号": row["document_no"],
        "票据日期": day,
        "制单人": row["maker"],
        "审核人": row["approver"],
        "记账人": row["payer"] or row["approver"],
    }


_SAME: Final = {
    "币种编码": "CNY", "计量单位": "", "借方数量": "0", "贷方数量": "0", "汇率类型编号": "", "汇率": "1", "单价": "0",
    "票据类型": "文号",
    "附件数": "0", "记账标志": "1", "作废标志": "0", "凭证来源系统": "fundledger",
}  # fmt: skip
_HEADER_FIELDS: Final = ("entry_id", "officer_id", "supervisor_id", "crossing_id")
_LINE_FIELDS: Final = (
    "line_no", "undoes_entry_id", "undoes_line_no", "settles_entry_id", "settles_line_no", "reissues_entry_id",
    "reissues_line_no",
)  # fmt: skip
