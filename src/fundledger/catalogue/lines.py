"""Problems of where a line's money goes and of what it counts for: cards, accounts, exclusive programmes, entitlement.

Raised by the gate (``migrations/sql/0002/65_gate_funds.sql``) and the registry. No text and no parameter names a payee.
"""

from __future__ import annotations

from fundledger.errors import Family, Problem

_CARD = "design 4; 一卡通"
_ORGANISATION = "design 4; 对公账户"

ROWS: tuple[Problem, ...] = (
    Problem(
        "card-not-registered", Family.REFUSED, _CARD,
        "收款人没有登记银行卡", "The payee has no registered card",
        "该户户主（或该人）在登记中没有一卡通账户，或更换的账户尚未复核。",
        "The household's head (or the person) has no card on the registry, or none that counts yet.",
        "先登记银行卡；更换的须由另一人复核。", "Record the card; a changed one needs a second person's confirmation.",
    ),
    Problem(
        "card-not-of-payee", Family.REFUSED, _CARD,
        "银行卡不是收款人的", "The card is not the payee's",
        "户的补助发到户主登记的银行卡，个人的补助发到本人登记的银行卡；所填的卡号与登记不符。",
        "A household is paid on its head's registered card, a person on the person's own; the line names another.",
        "按登记改正卡号；卡已更换的，先登记并复核；由同户监护人代领的，注明特批文号。",
        "Correct the card, or record and confirm the new one; for a guardian of the same household name the document.",
    ),
    Problem(
        "account-not-registered", Family.REFUSED, _ORGANISATION,
        "单位没有登记账户", "The organisation has no registered account",
        "该单位在登记中没有银行账户，或更换的账户尚未复核。",
        "The organisation has no account on the registry, or none that counts yet.",
        "先登记账户；更换的须由另一人复核。", "Record the account; a changed one needs a second person's confirmation.",
    ),
    Problem(
        "account-not-of-payee", Family.REFUSED, _ORGANISATION,
        "账户不是该单位登记的账户", "The account is not the organisation's",
        "付给单位的款项只能付到其登记的账户；所填的账号与登记不符。",
        "An organisation is paid on its registered account; the line names another.",
        "按登记改正账号；账户已更换的，先登记并复核。", "Correct the account, or record and confirm the new one.",
    ),
    Problem(
        "account-version-not-found", Family.NOT_FOUND, _CARD,
        "没有这一版本的账户", "There is no such version of the account",
        "该收款人没有这一版本的银行卡或账户。", "The holder has no card or account of this version.",
        "查看已登记的各版本。", "Look at the recorded versions.",
    ),
    Problem(
        "exclusive-programme", Family.REFUSED, "FCL-11 互斥项目",
        "已享受互斥的补助", "A programme that excludes this one was paid",
        "该户（或该人）已享受补助类型 {programme_code}，与本项补助不能同时享受。",
        "The household (or the person) was paid programme {programme_code}, which excludes this one.",
        "从清单中删去该行；先前的发放有误的，先退回或冲销。",
        "Leave the line out; if the earlier payment was wrong, take it back first.",
    ),
    Problem(
        "entitlement-outside-period", Family.REFUSED, "design 4",
        "资格日期不在发放期间内", "The entitlement date is not in the period",
        "资格日期 {entitlement_on} 应在发放期间 {period} 之内，且不晚于支付日期。",
        "The entitlement date {entitlement_on} must lie in the period {period} and not after the day of payment.",
        "改正资格日期或期间后重新制单。", "Correct the date or the period and draft the list anew.",
    ),
    Problem(
        "negative-list-payee", Family.REFUSED, "财农〔2017〕8号 负面清单",
        "收款单位列入负面清单", "The payee is on the negative list",
        "该收款单位列入负面清单 {item_code}，扶贫资金不得支付给它。",
        "The payee is on the negative list ({item_code}); poverty money never reaches it.",
        "由其他资金承担；列入有误的，由另一人以文件解除。",
        "Pay it from other money; if the flag is wrong, another person lifts it by document.",
    ),
    Problem(
        "confirmer-without-duty", Family.REFUSED, "design 3.7",
        "复核人没有审批职责", "The confirmer has no duty to approve",
        "更换的银行卡或账户由有审批职责的人复核。", "A changed card or account is confirmed by an approver.",
        "请有审批职责的人复核。", "Let an approver confirm it.",
    ),
)  # fmt: skip
