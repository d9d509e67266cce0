"""Problems of re-issues (重发) and of bank files (代发文件). No text and no parameter names a payee.

Raised by the gate (``migrations/sql/0002/65_gate_reissues.sql``) and by `payments.reissues` and `payments.bank_files`.
"""

from __future__ import annotations

from fundledger.errors import Family, Problem

_ONCE = "design 2 重发; M12"
_BANK = "design 2 代发"

ROWS: tuple[Problem, ...] = (
    Problem(
        "reissue-unknown", Family.REFUSED, _ONCE,
        "所指的退票不存在", "There is no such payment to pay again",
        "这一行所指的原付款行在本账簿中不存在，或不是同一类支付。",
        "The payment line that this line pays again is not in this book, or is of another kind of payment.",
        "核对原付款的凭证编号和行号。", "Check entry and line number of the payment that came back.",
    ),
    Problem(
        "reissue-of-another-payee", Family.REFUSED, _ONCE,
        "与原付款不是同一对象或同一事项", "It pays another payee, or something else",
        "重发只能付给原收款人，补助类型和期间也须与原付款相同。",
        "A re-issue pays the same payee for the same programme and period.",
        "改正所指的原付款行，或改正收款人、补助类型和期间。",
        "Name the right line, or correct payee, programme or period.",
    ),
    Problem(
        "reissue-not-returned", Family.REFUSED, _ONCE,
        "原付款没有退回入账", "The payment did not come back",
        "原付款没有全额退回，或退票尚未入账，不能重发。",
        "The payment did not come back whole, or its return is not posted yet.",
        "先登记银行回盘，并由另一人审批退票入账。",
        "Record the bank's result first and have a second person post the return.",
    ),
    Problem(
        "reissued-already", Family.REFUSED, _ONCE,
        "退票已经重发", "It was paid again before",
        "一笔退票只能重发一次；重发又被退回的，应指明重发的那一行。",
        "What came back is paid again once; if the re-issue came back too, name the re-issue.",
        "去掉这一行，或改为指明最近一次重发的行。", "Leave the line out, or name the newest re-issue.",
    ),
    Problem(
        "reissue-amount-differs", Family.REFUSED, _ONCE,
        "金额与退回的不同", "The amount is not what came back",
        "退回的金额是 {returned_amount} 元，重发须为同一金额。",
        "{returned_amount} yuan came back, and the same amount is paid again.",
        "按退回的金额重发。", "Pay again what came back.",
    ),
    Problem(
        "reissue-from-other-money", Family.REFUSED, _ONCE,
        "重发资金来源不符", "It is not paid from where the money came back to",
        "重发须由原项目支付；用往年账户的，只能用退回资金所在的账户。",
        "A re-issue is paid by the project it came back to; of past years' accounts, only the one that holds it pays.",
        "改用原项目和退票所在的账户。", "Use the project and the account that the return went to.",
    ),
    Problem(
        "reissue-not-named", Family.REFUSED, _ONCE,
        "没有指明所重发的退票", "It does not name the payment that came back",
        "该收款人同一补助、同一期间有一笔退票尚未重发，这一行须指明该笔退票。",
        "A payment to this payee for this programme and period came back and was not paid again: the line names it.",
        "重新上传清单（系统自动填写），或从原清单办理重发。",
        "Upload the list again (the reference is filled in), or re-issue it from the list that it was paid by.",
    ),
    Problem(
        "nothing-to-reissue", Family.REFUSED, _ONCE,
        "没有可以重发的行", "There is nothing to pay again",
        "清单中没有已退回入账而未重发的行。",
        "No line of the list came back, was posted back and waits to be paid again.",
        "核对清单的退票及其入账情况。", "Look at the list's returns and whether they are posted.",
    ),
    Problem(
        "line-not-reissuable", Family.REFUSED, _ONCE,
        "这一行不能重发", "The line cannot be paid again",
        "这一行没有退回入账，或已经重发。",
        "The line did not come back with its return posted, or was paid again already.",
        "去掉这一行，或先将退票入账。", "Leave the line out, or have its return posted first.",
    ),
    Problem(
        "receipt-not-a-payment", Family.NOT_FOUND, _BANK,
        "没有该笔支付", "No such payment",
        "该账簿内没有这样的支付凭证行；收款凭据只为支付行出具。",
        "There is no such line of a payment in this book; receipts are given for payments only.",
        "核对凭证编号和行号。", "Check the entry and the line number.",
    ),
    Problem(
        "personal-data-erased", Family.REFUSED, _BANK,
        "个人信息已删除", "The personal data were erased",
        "有 {count} 行的姓名和账号已按规定删除或无法打开。",
        "Name and account of {count} lines were erased, or do not open with this service's keys.",
        "重发时填写姓名和账号；已删除的清单不能再导出代发文件。",
        "Give name and account where it is a re-issue; a list whose data were erased has no bank file any more.",
    ),
    Problem(
        "bank-file-differs", Family.REFUSED, _BANK,
        "户名或账号与审批的不符", "Name or account is not what was approved",
        "有 {count} 行密封的户名或账号与审批时的承诺值不符，第一处在第 {line} 行。",
        "The sealed name or account of {count} lines is not what the approval commits to; the first is line {line}.",
        "不要付款，报告审计部门。", "Do not pay; report it to the audit office.",
    ),
    Problem(
        "list-not-paid", Family.CONFLICT, _BANK,
        "清单尚未支付", "The list is not paid",
        "清单支付入账后才能导出代发文件或办理重发。",
        "A list has a bank file, and re-issues, only once it was paid.",
        "先审批并支付。", "Approve and pay it first.",
    ),
    Problem(
        "payee-not-named", Family.MALFORMED, "design 7",
        "须指明一户或一个收款人", "Name one payee",
        "查询须且只须给出户编号或收款人编号之一。", "The query takes either a household number or a payee's id.",
        "只填写其中一项。", "Give one of the two.",
    ),
    Problem(
        "bank-amount-differs", Family.REFUSED, "design 2 银行回盘",
        "回盘金额与清单不符", "The bank's amount is not the list's",
        "银行回盘文件中的金额与清单该行的金额不同。", "The amount in the bank's file is not the amount of that line.",
        "核对行号和金额。", "Check line number and amount.",
    ),
)  # fmt: skip
