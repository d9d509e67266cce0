"""What a row of an export is: the columns of each layout, with kind, meaning and SQL.

The SQL names the aliases of `statements`: f leaf, e entry, t transfer, d and c the accounts debited and credited,
l allocation, g budget line, j project and r procurement as they were when the entry was posted, s payment list,
p payment line, h household, o organisation, n instruction, and {amount}: the transfer's amount or the slice's.
Persons appear by id and household number, staff and officers by id. docs/exports.md is written from this table.
"""

# ruff: noqa: E501  (tables read best with a row a line)
from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from fundledger.exports.scope import Layout

Kind = Literal["text", "code", "id", "amount", "count", "day", "instant"]
"""text: anybody may have typed it; code: a word or digits of ours; id: a UUID, a hash or a book; amount: fen in SQL,
yuan outside; instant: UTC."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `name` is its heading, `sql` its value, and what it means in Chinese and English."""

    name: str
    kind: Kind
    sql: str
    zh: str
    en: str


def _reference(verb: str, zh: str, en: str) -> tuple[Column, ...]:
    return (
        Column(f"{verb}_entry_id", "id", f"t.{verb}_entry_id", f"{zh}的凭证", f"entry that it {en}"),
        Column(f"{verb}_line_no", "count", f"t.{verb}_line_no", f"{zh}的分录号", f"line that it {en}"),
    )


TRAIL: Final = (
    Column("depth", "count", "x.depth", "距所问的层数", "hops from what was asked"),
    Column("step", "code", "x.step", "来由：start、fifo、undo、crossing", "how it continues the depth before it"),
    Column("slice_at", "amount", "x.at", "在所问金额中的起点", "where in the sum asked for the slice begins"),
    Column("slice_offset", "amount", 'x."offset"', "在该分录金额中的起点", "where in the transfer the slice begins"),
    Column("slice_amount", "amount", "x.amount", "该段金额", "amount of the slice"),
)
"""Before the others where the export is the trail of a subject."""

_PAYEE_KIND = """coalesce(CASE WHEN s.payee_kind IN ('household', 'person') AND p.payee_id IS NOT NULL THEN s.payee_kind END,
    o.kind, CASE WHEN q.person_id IS NOT NULL THEN 'person' WHEN h.household_id IS NOT NULL THEN 'household' END)"""

TRANSFERS: Final = (
    Column("book", "id", "t.book", "账簿（区划代码）", "book (division code)"),
    Column("position", "count", "f.position", "日志序号", "log position of the entry"),
    Column("entry_id", "id", "t.entry_id", "凭证", "entry"),
    Column("line_no", "count", "t.line_no", "分录号", "line of the entry, from 1"),
    Column("entry_kind", "code", "e.entry_kind", "凭证种类", "kind of entry"),
    Column("effective_on", "day", "e.effective_on", "业务日期", "day on which it counts"),
    Column("recorded_at", "instant", "e.recorded_at", "记账时间", "when it was recorded, UTC"),
    Column("document_no", "text", "e.document_no", "文号", "document number"),
    Column("summary", "text", "e.summary", "摘要", "summary"),
    Column("amount", "amount", "t.amount", "金额", "amount"),
    Column("debit_account_id", "id", "t.debit_account", "借方账户", "account of the receiver"),
    Column("debit_account_kind", "code", "d.account_kind", "借方账户种类", "its kind"),
    Column("debit_exec_year", "count", "d.exec_year", "借方执行年度", "its execution year"),
    Column("credit_account_id", "id", "t.credit_account", "贷方账户", "account of the payer"),
    Column("credit_account_kind", "code", "c.account_kind", "贷方账户种类", "its kind"),
    Column("credit_exec_year", "count", "c.exec_year", "贷方执行年度", "its execution year"),
    Column("debit_before", "amount", "t.debit_before", "借方累计收入（前）", "what the receiver had received before"),
    Column("debit_after", "amount", "t.debit_after", "借方累计收入（后）", "and after"),
    Column("credit_before", "amount", "t.credit_before", "贷方累计付出（前）", "what the payer had given before"),
    Column("credit_after", "amount", "t.credit_after", "贷方累计付出（后）", "and after"),
    Column("allocation_id", "id", "l.allocation_id", "指标（借方，无则贷方）", "allocation, of the receiver or payer"),
    Column("credit_allocation_id", "id", "c.allocation_id", "贷方指标", "allocation of the payer"),
    Column("allocation_document_no", "text", "l.document_no", "指标文号", "document number of the allocation"),
    Column("budget_line_id", "id", "coalesce(g.budget_line_id, l.budget_line_id)", "预算科目", "budget line"),
    Column("budget_document_no", "text", "g.document_no", "预算文号", "its document, where an account is of the line"),
    Column("fund_code", "code", "coalesce(l.fund_code, g.fund_code)", "资金类别", "fund"),
    Column("fiscal_year", "count", "coalesce(l.fiscal_year, g.fiscal_year)", "预算年度", "fiscal year"),
    Column("district", "id", "l.district", "区", "district of the allocation"),
    Column("village_code", "code", "l.village_code", "村（指标）", "village of the allocation"),
    Column("functional_class", "code", "e.functional_class", "功能分类科目", "functional classification"),
    Column("economic_class", "code", "e.economic_class", "经济分类科目", "economic classification"),
    Column("release_kind", "code", "n.release_kind", "下达方式", "kind of release"),
    Column("exception_document_no", "text", "n.exception_document_no", "特批文号", "document of an exception"),
    Column("project_id", "id", "coalesce(d.project_id, c.project_id)", "项目", "project"),
    Column("project_code", "text", "j.code", "项目编号", "its code, as of posting"),
    Column("project_name", "text", "j.name", "项目名称", "its name, as of posting"),
    Column("project_village_code", "code", "j.village_code", "项目所在村", "its village"),
    Column("programme_code", "code", "coalesce(p.programme_code, s.programme_code, j.programme_code)", "补助类型", "programme"),
    Column("period", "code", "p.period", "发放期", "period paid for"),
    Column("procurement_id", "id", "r.procurement_id", "招投标", "procurement of the payment"),
    Column("contract_no", "text", "r.contract_no", "合同号", "contract number, as of posting"),
    Column("claim_id", "id", "s.claim_id", "报账单", "reimbursement claim"),
    Column("payee_id", "id", "t.payee_id", "收款人", "payee"),
    Column("payee_kind", "code", _PAYEE_KIND, "收款人种类", "household, person or kind of organisation"),
    Column("household_no", "text", "h.household_no", "户编号", "number of the payee's household"),
    Column("payee_village_code", "code", "h.village_code", "收款户所在村", "its village"),
    Column("organisation_name", "text", "o.name", "收款单位", "name of a payee that is an organisation"),
    Column("maker_id", "id", "e.maker_id", "制单人", "staff id of the maker"),
    Column("approver_id", "id", "e.approver_id", "审批人", "of the approver"),
    Column("payer_id", "id", "e.payer_id", "支付人", "of the payer"),
    Column("officer_id", "id", "e.officer_id", "责任人", "accountable officer"),
    Column("supervisor_id", "id", "e.supervisor_id", "监管责任人", "supervising officer"),
    *_reference("undoes", "冲销", "undoes"),
    *_reference("settles", "清算", "settles"),
    *_reference("reissues", "重发", "pays again"),
    Column("instruction_id", "id", "e.instruction_id", "制单", "instruction that was approved"),
    Column("crossing_id", "id", "e.crossing_id", "上下级同笔编号", "the same on both sides of a release"),
    Column("leaf_hash", "id", "encode(f.leaf_hash, 'hex')", "日志叶哈希", "hash of the entry's leaf in the log"),
)  # fmt: skip

_KIND_NAME = "(SELECT k.name_zh FROM entry_kind k WHERE k.entry_kind = e.entry_kind)"
_FUND_NAME = "(SELECT k.name_zh FROM fund k WHERE k.fund_code = coalesce(l.fund_code, g.fund_code))"
_UNIT_NAME = "(SELECT k.name FROM staff m JOIN unit k ON k.book = m.book AND k.unit_id = m.unit_id WHERE m.book = {place} AND m.staff_id = e.maker_id)"
_PLACE = "CASE WHEN e.crossing_id IS NULL THEN e.book ELSE coalesce(b.parent_book, b.book) END"
_UNIT_NAME = _UNIT_NAME.format(place=_PLACE)

PAYMENT_VOUCHER: Final = (
    Column("预算年度", "count", "coalesce(l.fiscal_year, g.fiscal_year)", "预算年度", "fiscal year"),
    Column("凭证类型", "code", _KIND_NAME, "凭证种类", "kind of entry"),
    Column("凭证号", "count", "f.position", "日志序号", "log position"),
    Column("行号", "count", "t.line_no", "分录号", "line of the entry"),
    Column("业务处室", "text", _UNIT_NAME, "制单人所在单位", "unit of the maker"),
    Column("账簿", "id", "t.book", "账簿（区划代码）", "book (division code)"),
    Column("预算科目", "code", "e.functional_class", "功能分类科目", "functional classification"),
    Column("项目类别", "code", "j.category", "项目类别", "category of the project"),
    Column("资金性质", "code", _FUND_NAME, "资金类别", "fund"),
    Column("预算项目编号", "text", "j.code", "项目编号", "code of the project"),
    Column("预算项目", "text", "j.name", "项目名称", "name of the project"),
    Column("指标文号", "text", "l.document_no", "指标文号", "document number of the allocation"),
    Column("指标编号", "id", "l.allocation_id", "指标", "allocation"),
    Column("支付方式", "code", "s.pay_method", "支付方式", "method of payment"),
    Column("经济分类", "code", "e.economic_class", "经济分类科目", "economic classification"),
    Column("金额", "amount", "CASE WHEN t.undoes_entry_id IS NULL THEN {amount} ELSE -{amount} END", "金额；退回为负",
           "amount; negative where it came back"),
    Column("摘要", "text", "e.summary", "摘要", "summary"),
    Column("支付文号", "text", "e.document_no", "文号", "document number"),
    Column("支付日期", "day", "e.effective_on", "业务日期", "day on which it counts"),
    Column("记账时间", "instant", "e.recorded_at", "记账时间", "when it was recorded, UTC"),
    Column("收款单位", "text", "o.name", "收款单位；个人不列姓名", "name of an organisation; never of a person"),
    Column("收款户编号", "text", "h.household_no", "户编号", "number of the payee's household"),
    Column("收款人标识", "id", "t.payee_id", "收款人", "payee"),
    Column("补助类型", "code", "coalesce(p.programme_code, s.programme_code)", "补助类型", "programme"),
    Column("发放期", "code", "p.period", "发放期", "period paid for"),
    Column("合同号", "text", "r.contract_no", "合同号", "contract number"),
    Column("付款账户", "id", "CASE WHEN t.undoes_entry_id IS NULL THEN t.credit_account ELSE t.debit_account END", "付款账户",
           "account that pays, or got it back"),
    Column("制单人", "id", "e.maker_id", "制单人（标识）", "staff id of the maker"),
    Column("审批人", "id", "e.approver_id", "审批人（标识）", "of the approver"),
    Column("支付人", "id", "e.payer_id", "支付人（标识）", "of the payer"),
    Column("原凭证", "id", "t.undoes_entry_id", "退回的原凭证", "entry whose payment came back"),
    Column("原行号", "count", "t.undoes_line_no", "退回的原行号", "its line"),
    Column("区划代码", "id", "l.district", "区", "district"),
    Column("村代码", "code", "coalesce(l.village_code, j.village_code, h.village_code)", "村", "village"),
)  # fmt: skip

_DEBIT = "y.side = 1"
ACCOUNTING_VOUCHER: Final = (
    Column("电子账簿编号", "id", "t.book", "账簿（区划代码）", "book (division code)"),
    Column("年度", "count", "extract(year FROM e.effective_on)::integer", "会计年度", "year of the day"),
    Column("月份", "count", "extract(month FROM e.effective_on)::integer", "会计期间", "month of the day"),
    Column("凭证日期", "day", "(e.recorded_at AT TIME ZONE 'Asia/Shanghai')::date", "记账日期（北京时间）", "day of recording in China"),
    Column("业务日期", "day", "e.effective_on", "业务日期", "day on which it counts"),
    Column("凭证类型", "code", _KIND_NAME, "凭证种类", "kind of entry"),
    Column("凭证号", "count", "f.position", "日志序号", "log position"),
    Column("分录号", "count", "2 * t.line_no - 2 + y.side", "分录号：借奇贷偶", "line: debits odd, credits even"),
    Column("科目编号", "code", f"CASE WHEN {_DEBIT} THEN d.account_kind ELSE c.account_kind END", "账户种类", "kind of account"),
    Column("科目名称", "code", "k.name_zh", "账户种类名称", "its name"),
    Column("账户", "id", f"CASE WHEN {_DEBIT} THEN t.debit_account ELSE t.credit_account END", "账户", "account"),
    Column("摘要", "text", "e.summary", "摘要", "summary"),
    Column("借方金额", "amount", f"CASE WHEN {_DEBIT} THEN {{amount}} ELSE 0 END", "借方金额", "debit"),
    Column("贷方金额", "amount", f"CASE WHEN {_DEBIT} THEN 0 ELSE {{amount}} END", "贷方金额", "credit"),
    Column("对方科目编号", "code", f"CASE WHEN {_DEBIT} THEN c.account_kind ELSE d.account_kind END", "对方账户种类", "kind of the other account"),
    Column("对方账户", "id", f"CASE WHEN {_DEBIT} THEN t.credit_account ELSE t.debit_account END", "对方账户", "the other account"),
    Column("文号", "text", "e.document_no", "文号", "document number"),
    Column("指标文号", "text", "l.document_no", "指标文号", "document number of the allocation"),
    Column("资金类别", "code", "coalesce(l.fund_code, g.fund_code)", "资金类别", "fund"),
    Column("预算年度", "count", "coalesce(l.fiscal_year, g.fiscal_year)", "预算年度", "fiscal year"),
    Column("功能分类", "code", "e.functional_class", "功能分类科目", "functional classification"),
    Column("经济分类", "code", "e.economic_class", "经济分类科目", "economic classification"),
    Column("项目编号", "text", "j.code", "项目编号", "code of the project"),
    Column("往来单位", "text", "o.name", "收款单位；个人不列姓名", "name of an organisation; never of a person"),
    Column("户编号", "text", "h.household_no", "户编号", "number of the payee's household"),
    Column("制单人", "id", "e.maker_id", "制单人（标识）", "staff id of the maker"),
    Column("审核人", "id", "e.approver_id", "审批人（标识）", "of the approver"),
    Column("出纳", "id", "e.payer_id", "支付人（标识）", "of the payer"),
    Column("主管", "id", "e.officer_id", "责任人（标识）", "accountable officer"),
    Column("来源编号", "id", "e.entry_id", "凭证", "entry"),
    Column("冲销凭证", "id", "t.undoes_entry_id", "冲销的凭证", "entry that it undoes"),
    Column("乡镇代码", "code", "left(coalesce(l.village_code, j.village_code, h.village_code), 9)", "乡镇街道", "township"),
)  # fmt: skip

LAYOUT_COLUMNS: Final[dict[Layout, tuple[Column, ...]]] = {
    "transfers": TRANSFERS, "payment_voucher": PAYMENT_VOUCHER, "accounting_voucher": ACCOUNTING_VOUCHER,
}  # fmt: skip


def columns_of(layout: Layout, *, trail: bool) -> tuple[Column, ...]:
    """The columns of a layout; those of a slice come first where it is a trail's transfers."""
    found = LAYOUT_COLUMNS[layout]
    return TRAIL + found if trail and layout == "transfers" else found
