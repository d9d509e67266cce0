"""Problems of the book: instructions and their approval, dates and periods, balances, undoing (design section 3)."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_WHOLE = "design 3.5"
_ONCE = "design 3.6"
_APPROVAL = "design 3.7"
_DATES = "design 3.8"
_BALANCE = "design 3.3"
_UNDO = "design 2"
_RECORD = "design 3.1"

ROWS: tuple[Problem, ...] = (
    Problem(
        "posting-refused", Family.REFUSED, _WHOLE,
        "业务被拒绝", "The posting is refused",
        "共有 {count} 处不合规定，已逐一列出；整笔业务没有入账。",
        "{count} broken rule(s), listed one by one; nothing was posted.",
        "按每一处的说明改正后重新办理。", "Mend each of them as it says, then try again.",
    ),
    Problem(
        "instruction-not-found", Family.NOT_FOUND, _APPROVAL,
        "没有这张单据", "There is no such instruction",
        "这本账中没有这张单据。", "This book has no such instruction.",
        "核对单据编号和账簿代码。", "Check the instruction's id and the book's code.",
    ),
    Problem(
        "instruction-rejected", Family.REFUSED, _APPROVAL,
        "单据已被退回", "The instruction was sent back",
        "单据已被审批人退回，不能再审批或入账。", "The approver sent it back; it can't be approved or posted any more.",
        "按退回原因改正，重新制单。", "Correct what the reason names and draft it anew.",
    ),
    Problem(
        "already-decided", Family.CONFLICT, _APPROVAL,
        "单据已有处理结果", "The instruction is already decided",
        "单据目前的状态是“{status}”，不能再退回。", "Its status is '{status}'; it can't be sent back any more.",
        "已入账的业务请用冲销更正。", "Correct what was posted by a reversal.",
    ),
    Problem(
        "already-approved", Family.CONFLICT, _APPROVAL,
        "单据已审批", "The instruction is already approved",
        "这张单据已经审批过，不能再次审批。", "It was approved before and can't be approved again.",
        "查看单据状态；需要支付的，由支付人员办理。", "Look at its status; a payment list is now paid by a payer.",
    ),
    Problem(
        "already-posted", Family.REFUSED, _ONCE,
        "单据已入账", "The instruction is already posted",
        "这张单据已经入账，一张单据只能入账一次。", "It was posted before, and an instruction is posted once.",
        "查看已有的记账凭证；如需再付，请另行制单。",
        "Look at the entry it became; for another posting draft another instruction.",
    ),
    Problem(
        "approve-by-posting", Family.MALFORMED, _APPROVAL,
        "此类单据审批即入账", "This kind of instruction is approved by posting it",
        "只有发放清单先审批、后支付；其他单据在审批时入账。",
        "Only payment lists are approved apart from posting; the others are posted when they are approved.",
        "改用单据的审批接口。", "Use the approve route of instructions.",
    ),
    Problem(
        "not-approved", Family.REFUSED, _APPROVAL,
        "清单尚未审批", "The list is not approved",
        "未经审批的发放清单不能支付。", "A payment list that nobody approved can't be paid.",
        "先由审批人审批。", "Let an approver approve it first.",
    ),
    Problem(
        "content-changed", Family.REFUSED, _APPROVAL,
        "内容与审批时不一致", "The content is not what was approved",
        "单据内容的 SHA-256 与审批人确认的不一致。",
        "The SHA-256 of the content differs from the one the approver named.",
        "重新查看单据后再审批；如非本人所改，请立即报告审计和纪检部门。",
        "Look at it again before approving; if nobody should have changed it, tell audit and inspection at once.",
    ),
    Problem(
        "totals-differ", Family.REFUSED, "design 3.4",
        "合计与明细不符", "The totals do not add up",
        "单据的合计金额或行数与明细不一致。", "The total or the number of lines differs from the lines themselves.",
        "重新制单，使合计等于明细之和。", "Draft it anew with totals that equal the sum of the lines.",
    ),
    Problem(
        "date-in-future", Family.REFUSED, _DATES,
        "日期在将来", "The date is in the future",
        "业务日期 {effective_on} 晚于今天（北京时间）。",
        "The effective date {effective_on} is after today (Beijing time).",
        "填写今天或更早的日期。", "Give today or an earlier day.",
    ),
    Problem(
        "period-closed", Family.REFUSED, _DATES,
        "会计期间已结账", "The period is closed",
        "账簿 {book} 的会计期间 {month} 已结账，不能再入账。",
        "Period {month} of book {book} is closed and takes nothing more.",
        "在未结账的期间办理；更正以前的业务请用冲销。",
        "Use a day of an open period; correct older postings by a reversal.",
    ),
    Problem(
        "period-not-over", Family.REFUSED, _DATES,
        "会计期间尚未结束", "The period is not over",
        "会计期间 {month} 还没有结束，不能结账。", "Period {month} is not over, so it can't be closed.",
        "月份结束后再结账。", "Close it after the month has ended.",
    ),
    Problem(
        "officer-not-in-office", Family.REFUSED, "M06 责任到区",
        "责任人不在任", "The accountable officer is not in office",
        "所填责任人在 {effective_on} 不是本账单位在任的责任人。",
        "The accountable officer named was not in office in this book on {effective_on}.",
        "填写当日在任的责任人，或先登记任期。",
        "Name the officer in office that day, or record the term of office first.",
    ),
    Problem(
        "supervisor-not-in-office", Family.REFUSED, "M06 责任到区",
        "监管责任人不在任", "The supervising officer is not in office",
        "没有填写监管责任人，或所填的人在 {effective_on} 不在任。",
        "No supervising officer is named, or the one named was not in office on {effective_on}.",
        "填写当日在任的监管责任人，或先登记任期。",
        "Name the supervising officer in office that day, or record the term first.",
    ),
    Problem(
        "balance-insufficient", Family.REFUSED, _BALANCE,
        "余额不足", "The balance is not enough",
        "账户（{account_kind}）余额不足，差额 {shortfall} 元。", "The account ({account_kind}) lacks {shortfall} yuan.",
        "减少金额，或等上一环节的资金到位后再办理。",
        "Lower the amount, or wait until the money has come from the step before.",
    ),
    Problem(
        "balance-insufficient-on-day", Family.REFUSED, _BALANCE,
        "补记日期后余额不足", "The balance would be short on a later day",
        "按业务日期计算，账户（{account_kind}）在 {day} 的余额将不足，差额 {shortfall} 元。",
        "By effective date the account ({account_kind}) would lack {shortfall} yuan on {day}.",
        "改用较晚的业务日期。", "Use a later effective date.",
    ),
    Problem(
        "undo-not-found", Family.NOT_FOUND, _UNDO,
        "没有要冲销的分录", "There is nothing to undo",
        "这本账中没有所指的凭证或分录行。", "This book has no such entry or line.",
        "核对凭证编号和行号。", "Check the entry's id and the line number.",
    ),
    Problem(
        "undo-of-undo", Family.REFUSED, _UNDO,
        "不能再冲销冲销", "An undoing can't be undone",
        "所指分录本身就是冲销或退回。", "What it names is itself a reversal or a return.",
        "重新办理原业务。", "Do the original business anew.",
    ),
    Problem(
        "undo-kind", Family.REFUSED, _UNDO,
        "冲销方式不符", "This kind of posting is undone in another way",
        "银行退票只用于支付，其他业务用冲销；所指业务的种类是“{kind}”。",
        "A bank return undoes a payment, a reversal everything else; what it names is of kind '{kind}'.",
        "支付用退票办理，其他业务用冲销办理。", "Use a return for a payment and a reversal for the rest.",
    ),
    Problem(
        "undo-of-crossing-by-district", Family.REFUSED, _UNDO,
        "指标下达只能由市级冲销", "Only the city undoes a release",
        "指标下达同时记入市、区两本账，只能从市级一方冲销。",
        "A release stands in the city's and the district's book, and is undone from the city's side.",
        "由市财政局冲销。", "Let the city's finance bureau reverse it.",
    ),
    Problem(
        "undo-of-another-office", Family.REFUSED, _APPROVAL,
        "不能冲销其他部门的业务", "It is another office's business",
        "种类为“{kind}”的业务由其他部门制单，冲销也须由该部门办理。",
        "Business of kind '{kind}' is drafted by another office, and that office reverses it.",
        "由原业务的制单部门冲销。", "Let the office that drafts such business reverse it.",
    ),
    Problem(
        "undo-exceeds", Family.REFUSED, _UNDO,
        "冲销金额超过原金额", "More would be undone than was posted",
        "累计冲销不能超过原金额，目前尚可冲销 {remaining} 元。",
        "All that is undone together is at most the original; {remaining} yuan are left.",
        "把金额减到余额以内。", "Lower the amount to what is left.",
    ),
    Problem(
        "undo-before-original", Family.REFUSED, _DATES,
        "冲销日期早于原业务", "It would be undone before it was done",
        "原业务日期是 {original_on}，冲销日期不能更早。",
        "The original's day is {original_on}; it can't be undone earlier.",
        "填写原业务当日或以后的日期。", "Give that day or a later one.",
    ),
    Problem(
        "spent-downstream", Family.REFUSED, _UNDO,
        "资金已用于下一环节", "The money has gone on",
        "这笔钱已有一部分用于下一环节，目前只能退回 {unspent} 元。",
        "Part of this money was passed on; {unspent} yuan of it can still be undone.",
        "只冲销尚未使用的部分；已退回的钱是新的一笔，可再次安排或支付。",
        "Undo what was not passed on; money that came back counts as new and can be used again.",
    ),
    Problem(
        "return-without-bank-result", Family.REFUSED, "design 2",
        "没有银行退票回单", "The bank has not returned it",
        "没有登记银行退票结果的支付，不能办理退回。", "A payment is only returned when the bank's result says so.",
        "先登记银行回盘结果。", "Record the bank's result first.",
    ),
    Problem(
        "bank-result-exists", Family.CONFLICT, _RECORD,
        "银行结果已登记", "The bank's result is already recorded",
        "这一行支付的同一结果已经登记过。", "This result of this payment line was recorded before.",
        "核对回盘文件，去掉重复的行。", "Check the bank's file and leave out what was recorded.",
    ),
    Problem(
        "reference-unknown", Family.REFUSED, "design 3.9",
        "引用的记录不在本账", "A record it refers to is not in this book",
        "所引用的单位、人员、项目、区划或其他记录不在这本账中（约束 {constraint}）。",
        "A unit, person, project, division or other record it names is not in this book (constraint {constraint}).",
        "核对编号；别区的记录不能引用。", "Check the ids; records of another district can't be used.",
    ),
    Problem(
        "version-taken", Family.CONFLICT, _RECORD,
        "版本已被他人抢先登记", "Somebody recorded that version first",
        "在您编辑期间，别人已登记了同一版本。", "While you were editing, somebody else recorded the same version.",
        "重新读取最新版本，在其基础上修改。", "Read the newest version and make your change on top of it.",
    ),
)  # fmt: skip
