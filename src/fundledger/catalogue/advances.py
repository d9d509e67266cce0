"""Problems of advances and prepaid releases (先预拨后清算, M09), and of money paid outside the five (M41, M43)."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_M09 = "M09"

ROWS: tuple[Problem, ...] = (
    Problem(
        "advance-not-to-organisation", Family.REFUSED, _M09,
        "预拨对象须为单位", "An advance goes to an organisation",
        "预拨款只能拨给单位，由其按合同清算；补助到户到人的资金不预拨。",
        "Only an organisation receives an advance and settles it; money of households and persons is not advanced.",
        "到户到人的资金用发放清单支付。", "Pay households and persons by a payment list.",
    ),
    Problem(
        "advance-payee-differs", Family.REFUSED, _M09,
        "预拨收款单位不一致", "The advance has more than one payee",
        "一笔预拨只有一个收款单位，由它对余额负责；清单中的行与之不同。",
        "An advance has one payee, who answers for its balance; a line names another.",
        "为每个收款单位另制一份预拨清单。", "Draft a list for each payee.",
    ),
    Problem(
        "advance-above-limit", Family.REFUSED, "prepay_percent_max",
        "预拨超过合同的比例", "The advance is above the share of the contract",
        "尚未清算的预拨款连同本次，不得超过合同金额（免招标的为预算金额）的 {percent}%，即 {limit}；"
        "现有未清算 {outstanding}。",
        "Advances not settled yet, with this one, are at most {percent} % of the contract (exempt: of the estimate), "
        "which is {limit}; {outstanding} is outstanding.",
        "先清算此前的预拨，或减少本次金额。", "Settle earlier advances first, or advance less.",
    ),
    Problem(
        "advance-overdue", Family.REFUSED, "advance_settle_days",
        "收款单位有逾期未清算的预拨", "The payee owes an overdue settlement",
        "该单位有一笔预拨应于 {due_on} 前清算，至今未清算 {outstanding}；清算之前不再预拨。",
        "The payee has an advance that was due to be settled by {due_on}, with {outstanding} outstanding;"
        " it gets no other.",
        "先清算逾期的预拨，或退回余款。", "Settle the overdue advance, or give its remainder back.",
    ),
    Problem(
        "settle-differs", Family.REFUSED, _M09,
        "清算与预拨的指标或项目不一致", "The settlement names another allocation or project",
        "清算的指标和项目须与所清算的预拨相同。", "A settlement has the allocation and project of its advance.",
        "按预拨的指标和项目重新制单。", "Draft it again with those of the advance.",
    ),
    Problem(
        "settle-before-advance", Family.REFUSED, _M09,
        "清算早于预拨", "The settlement is before its advance",
        "预拨于 {advanced_on} 支付，清算日期不能早于此日。",
        "The advance was paid on {advanced_on}; it is settled then or later.",
        "改正清算日期。", "Correct the day of the settlement.",
    ),
    Problem(
        "settle-exceeds", Family.REFUSED, _M09,
        "清算超过预拨余额", "More is settled than is left of the advance",
        "该笔预拨扣除已清算和已退回的部分，只剩 {remaining}。",
        "{remaining} is left of the advance after what was settled and returned.",
        "减少清算金额；超出部分另行支付。", "Settle less; pay what goes beyond it by a payment list.",
    ),
    Problem(
        "settle-out-of-order", Family.REFUSED, _M09,
        "须先清算较早的预拨", "An earlier advance is settled first",
        "同一指标、项目和收款单位的预拨按先后清算；此笔之前还有未清算的。",
        "Advances of one allocation, project and payee are settled in their order; an earlier one is still open.",
        "先清算或退回较早的预拨，可在同一张清算单中按顺序列出。",
        "Settle or return the earlier one first; one settlement may list both, in order.",
    ),
    Problem(
        "settle-without-acceptance", Family.REFUSED, "M09, 管理到区",
        "清算没有验收依据", "The settlement lacks accepted work",
        "预拨只能按已验收的工程量清算：已验收 {percent}%，即 {earned}；加上已支付的部分，超出 {excess}。",
        "An advance is settled against accepted work only: {percent} % is accepted, which is {earned}; with what was"
        " paid before, the settlement is {excess} beyond it.",
        "先登记验收结果或进度，再清算。", "Record the acceptance or the progress, then settle.",
    ),
    Problem(
        "settle-without-evidence", Family.REFUSED, "M09, 管理到区",
        "清算没有凭据", "The settlement has no evidence",
        "清算单须附已存档的凭据（发票、验收单等）。", "A settlement names kept evidence (invoice, acceptance report).",
        "先上传凭据，再在清算单中填写其 SHA-256。", "Upload the evidence and name its SHA-256.",
    ),
    Problem(
        "advance-return-without-receipt", Family.REFUSED, "M09, 管理到区",
        "余款退回没有回单", "The return has no receipt",
        "预拨余款退回须附已存档的银行回单。", "The return of an advance's remainder names the kept bank receipt.",
        "先上传回单，再填写其 SHA-256。", "Upload the receipt and name its SHA-256.",
    ),
    Problem(
        "prepaid-release-above-limit", Family.REFUSED, "prepaid_release_percent_max",
        "预拨下达超过比例", "More is released beforehand than allowed",
        "先预拨后清算的指标，预拨部分不得超过分配数的 {percent}%，即 {limit}。",
        "At most {percent} % of an allocation, {limit}, is released before its result is known.",
        "减少预拨金额，其余在清算后补足。", "Release less; the rest follows as a top-up after the settlement.",
    ),
    Problem(
        "topup-without-settlement", Family.REFUSED, _M09,
        "没有经审批的清算结果", "There is no approved result",
        "清算补足以经另一人审批的年度结果为依据，该指标尚无。",
        "A top-up rests on the year's result, approved by a second person; the allocation has none.",
        "先申报年度结果并由另一人审批。", "Declare the result and let another person approve it.",
    ),
    Problem(
        "topup-above-result", Family.REFUSED, _M09,
        "补足超过清算结果", "The top-up goes beyond the result",
        "按审批的年度结果，还可补足 {remaining}。", "By the approved result {remaining} may still be released.",
        "减少补足金额。", "Release less.",
    ),
    Problem(
        "settlement-not-found", Family.NOT_FOUND, _M09,
        "没有这一清算结果", "There is no such declaration",
        "该指标没有这一版本的年度结果。", "The allocation has no such version of the year's result.",
        "在清算一览中查出版本号。", "Look the version up among the settlements.",
    ),
    Problem(
        "settlement-already-approved", Family.CONFLICT, _M09,
        "该结果已审批", "The declaration is approved already",
        "这一版本的年度结果已经审批。", "This version of the year's result was approved before.",
        "如需更正，另行申报新的版本。", "Declare a new version to correct it.",
    ),
    Problem(
        "pay-other-names-project", Family.REFUSED, "M41, M43",
        "专户支付不属于任何项目", "A payment outside the five names no project",
        "捐赠、党费等五到区以外的资金不经项目库和招投标支付，清单不得指明项目、采购或报账单。",
        "Money outside the five is paid without project, contract or claim; the list names one.",
        "删去项目；如确属项目资金，先安排到项目，再用普通清单支付。",
        "Leave the project out; or fund the project with the money and pay it by an ordinary list.",
    ),
    Problem(
        "list-without-project", Family.MALFORMED, "design 4 项目到区",
        "清单没有指明项目", "The list names no project",
        "支付和预拨清单须指明项目库中的项目。", "A list that pays or advances names a project of the library.",
        "填写项目。", "Name the project.",
    ),
    Problem(
        "programme-outside-five", Family.REFUSED, "M41, M43",
        "补助类型与资金不符", "The programme does not fit this way of paying",
        "五到区以外的资金只用于其自有的补助类型，其他类型经项目支付；该清单的类型与支付方式不符。",
        "Money outside the five is paid for programmes of its own, and these are paid in no other way but from a"
        " project that the money funds.",
        "改用相应的补助类型，或用普通清单经项目支付。",
        "Name a programme of that money, or pay from a project by an ordinary list.",
    ),
)  # fmt: skip
