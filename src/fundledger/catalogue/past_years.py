"""Problems of legs that name more than an allocation: a past year's account, an advance, a fund outside the five."""

from __future__ import annotations

from fundledger.errors import Family, Problem

ROWS: tuple[Problem, ...] = (
    Problem(
        "past-year-money", Family.REFUSED, "design 2; 国办发〔2014〕70号",
        "往年资金未经结转", "Money of a past year that was not carried over",
        "{exec_year} 年度账户的资金未经结转，不得安排或支付；退票重发除外。",
        "Money in the accounts of {exec_year} is neither funded nor paid before it is carried over, except to pay again"
        " what the bank returned.",
        "先办理结转，再从本年度账户安排或支付。", "Carry it over first, then use this year's account.",
    ),
    Problem(
        "fund-not-outside-five", Family.REFUSED, "M41, M43",
        "该资金不属于专户支付范围", "The fund is inside the five-to-district",
        "资金类别 {fund_code} 属于五到区管理范围，必须经项目支付。",
        "Fund {fund_code} is under the five-to-district rules and is paid through a project.",
        "经项目库项目安排后再支付。", "Fund a project of the library and pay from it.",
    ),
    Problem(
        "advance-not-found", Family.NOT_FOUND, "M09",
        "没有这笔预拨", "There is no such advance",
        "清算所指的预拨款在本账簿中不存在。", "This book has no advance of the number that the settlement names.",
        "核对预拨凭证编号和行号。", "Check the advance's entry and line.",
    ),
    Problem(
        "advance-without-payee", Family.REFUSED, "M09; design 2",
        "预拨没有收款人", "An advance needs a payee",
        "预拨款须写明由谁承担清算责任。", "An advance names who will answer for it.",
        "补填收款人。", "Name the payee.",
    ),
)  # fmt: skip
