"""Problems of the year's turn: virement, recovery, defunding, carry-over, surplus, closing a year (see the gate's
``64_gate_year.sql`` and ``56_year.sql``)."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_VIREMENT = "M01, M02; design 2"
_SURPLUS = "国办发〔2014〕70号; 财预〔2015〕15号"
_CARRY = "design 2 结转"
_CLOSE = "design 3.8"

ROWS: tuple[Problem, ...] = (
    Problem(
        "leg-says-too-much", Family.REFUSED, "design 3.2",
        "明细中有无关内容", "A leg names what its kind does not read",
        "此类单据不使用这些栏目：{fields}。", "This kind of instruction does not read: {fields}.",
        "去掉这些栏目后重新制单。", "Draft it anew without them.",
    ),
    Problem(
        "virement-to-itself", Family.REFUSED, _VIREMENT,
        "调出与调入是同一笔指标", "The virement leads back to where it came from",
        "调出和调入的指标相同。", "It names the same allocation as where from and where to.",
        "填写另一笔指标。", "Name another allocation.",
    ),
    Problem(
        "virement-differs", Family.REFUSED, _VIREMENT,
        "调剂双方的资金或年度不同", "The two allocations differ in fund or year",
        "调剂只在同一资金、同一年度之间进行；调出指标是 {fiscal_year} 年度的 {fund_code}。",
        "A virement stays within one fund and fiscal year; it takes from {fund_code} of {fiscal_year}.",
        "选择同一资金和年度的指标。", "Choose an allocation of the same fund and year.",
    ),
    Problem(
        "virement-without-document", Family.REFUSED, _VIREMENT,
        "调剂没有依据文件", "A virement needs the document that orders it",
        "指标调剂必须注明批准调剂的文件文号。", "Moving an allocation's money names the document that orders it.",
        "填写批准文件的文号。", "Give the document's number.",
    ),
    Problem(
        "carry-over-year-missing", Family.REFUSED, _CARRY,
        "没有写明结转的年度", "The year to carry over from is missing",
        "结转须写明从哪一年度的账户转出。", "A carry-over names the year whose account it takes from.",
        "填写转出年度。", "Name that year.",
    ),
    Problem(
        "carry-over-year-wrong", Family.REFUSED, _CARRY,
        "结转年度不对", "That year can't be carried over on that day",
        "{exec_year} 年度的资金不能在 {effective_on} 结转：只能从以前年度转入业务日期所在年度。",
        "Money of {exec_year} is not carried over on {effective_on}: only from an earlier year into that day's.",
        "改正转出年度或业务日期。", "Correct the year or the effective date.",
    ),
    Problem(
        "carry-over-not-needed", Family.REFUSED, _CARRY,
        "提前下达的资金不需要结转", "Money released early needs no carry-over",
        "{fiscal_year} 年度的指标到该年度才能使用，不在 {exec_year} 年度的账户中。",
        "Money of {fiscal_year} is executed in that year; nothing of it stands in the accounts of {exec_year}.",
        "去掉这笔指标。", "Leave that allocation out.",
    ),
    Problem(
        "surplus-not-carried", Family.REFUSED, _SURPLUS,
        "已成结余，不能结转", "The money is surplus and is not carried over",
        "{fiscal_year} 年度的资金从 {surplus_on} 起按结余管理，改变用途也不重新计算期限。",
        "Money of fiscal year {fiscal_year} is surplus from {surplus_on} on; re-purposing does not restart the clock.",
        "由市级收回；区级自有资金作结余收回。", "Let the city recover it; a district hands in its own as surplus.",
    ),
    Problem(
        "surplus-not-released", Family.REFUSED, _SURPLUS,
        "已成结余，不能下达", "The money is surplus and is not released",
        "{fiscal_year} 年度的资金从 {surplus_on} 起按结余管理，没有批准文件不能再下达。",
        "Money of fiscal year {fiscal_year} is surplus from {surplus_on} on; releasing it again needs a document.",
        "作结余上缴；确需下达的，注明批准文件的文号。", "Hand it in as surplus, or name the document that allows it.",
    ),
    Problem(
        "surplus-not-due", Family.REFUSED, _SURPLUS,
        "还不是结余", "The money is not surplus yet",
        "{fiscal_year} 年度的资金到 {surplus_on} 才成为结余；提前收回须有批准文件。",
        "Money of fiscal year {fiscal_year} is surplus from {surplus_on} on; taking it earlier needs a document.",
        "到期后办理，或注明批准文件的文号。", "Do it then, or name the document that orders it earlier.",
    ),
    Problem(
        "surplus-not-own", Family.REFUSED, "M03, M04",
        "不是区级自有资金", "The money is not the district's own",
        "区只能收回自有资金的结余；上级资金由上级收回。",
        "A district hands in the surplus of its own money; the upper level recovers what it released.",
        "由市级办理收回。", "Let the city recover it.",
    ),
    Problem(
        "nothing-to-carry", Family.REFUSED, _CARRY,
        "没有可结转的资金", "Nothing may be carried over",
        "{from_year} 年度的账户中没有可以结转的余额。",
        "The accounts of {from_year} hold nothing that may be carried over.",
        "查看年度情况表，按所列办法处理余额。", "Look at the year's state; it says what to do with each balance.",
    ),
    Problem(
        "nothing-to-move", Family.REFUSED, "design 2",
        "没有可调整的金额", "There is nothing to move",
        "所指账户没有余额。", "The account named holds nothing.",
        "核对指标、项目和年度。", "Check the allocation, the project and the year.",
    ),
    Problem(
        "advance-not-carried", Family.REFUSED, "M09",
        "预拨款尚未清算", "The advance is not settled",
        "预拨款留在原年度，清算或退回，不结转。", "An advance stays in its year until it is settled or given back.",
        "办理预拨清算。", "Settle the advance.",
    ),
    Problem(
        "year-not-over", Family.REFUSED, _CLOSE,
        "年度尚未结束", "The year is not over",
        "{fiscal_year} 年度还没有结束，不能关账。", "The year {fiscal_year} is not over, so it can't be closed.",
        "次年再办理。", "Close it once the next year has begun.",
    ),
    Problem(
        "year-months-open", Family.REFUSED, _CLOSE,
        "还有月份没有结账", "Months of the year are still open",
        "以下月份尚未结账：{months}。", "These months are not closed: {months}.",
        "先逐月结账。", "Close each of them first.",
    ),
    Problem(
        "year-has-balance", Family.REFUSED, _CLOSE,
        "年度账户还有余额", "The year's accounts are not empty",
        "账户（{account_kind}）还有 {remaining} 元，尚未结转、收回或上缴。",
        "An account ({account_kind}) still holds {remaining} yuan that was not carried over, recovered or handed in.",
        "按年度情况表处理余额后再关账。", "Deal with each balance as the year's state says, then close.",
    ),
    Problem(
        "year-closed", Family.REFUSED, _CLOSE,
        "年度已关账", "The year is closed",
        "账簿 {book} 的 {fiscal_year} 年度已关账，不能冲销该年度的资金变动。",
        "The year {fiscal_year} of book {book} is closed; no reversal moves money of its accounts.",
        "用本年度的业务更正：调回、结转或收回。", "Correct it in the current year: defund, carry over or recover.",
    ),
)  # fmt: skip
