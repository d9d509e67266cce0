"""Problems of tendering and management: bids, contracts, claims, progress, retention, evidence documents."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_TENDER = "design 4; domain.md 2.11"
_CLAIM = "design 4; domain.md 2.10"
_EVIDENCE = "design 4"

ROWS: tuple[Problem, ...] = (
    Problem(
        "procurement-not-named", Family.REFUSED, _TENDER,
        "没有指明合同", "The contract is not named",
        "项目有几份招投标记录，清单没有指明付的是哪一份。",
        "The project has several procurement records and the list does not say which one it pays.",
        "在清单中填写 procurement_id，重新制单。", "Draft the list anew with its procurement_id.",
    ),
    Problem(
        "procurement-of-another-project", Family.REFUSED, _TENDER,
        "招投标记录属于另一项目", "The procurement is of another project",
        "清单指明的招投标记录不是该项目的。", "The procurement named by the list belongs to another project.",
        "改用本项目的招投标记录。", "Name a procurement of this project.",
    ),
    Problem(
        "contract-not-signed", Family.REFUSED, _TENDER,
        "没有有效合同", "There is no contract in force",
        "招投标记录目前处于“{stage}”阶段。", "The procurement is at the stage '{stage}'.",
        "签订合同并登记后再办理。", "Record the signed contract first.",
    ),
    Problem(
        "tender-required", Family.REFUSED, _TENDER,
        "应当招标", "A tender is required",
        "合并计算的概算为 {estimate} 元，达到招标限额 {threshold} 元，不能采用非招标方式。",
        "The lots that belong together come to {estimate} yuan; from {threshold} yuan on a tender must be held.",
        "公开招标或邀请招标；确属可以不招标的，登记豁免及其依据。",
        "Hold an open or selective tender, or record the exemption that applies with its evidence.",
    ),
    Problem(
        "award-without-bid", Family.REFUSED, _TENDER,
        "中标人没有有效投标", "The awardee has no valid bid",
        "中标人没有投标，或其投标无效、已撤回。", "The awardee made no bid, or its bid was disqualified or withdrawn.",
        "在投标有效的单位中确定中标人。", "Award to a bidder whose bid is valid.",
    ),
    Problem(
        "bid-window-short", Family.REFUSED, _TENDER,
        "投标时间不足", "The time to bid is too short",
        "从开始发出招标文件到投标截止有 {days} 天，规定不少于 {days_needed} 天。",
        "From the tender documents to the deadline there are {days} days; {days_needed} are needed.",
        "延后投标截止日期。", "Move the deadline back.",
    ),
    Problem(
        "procurement-dates-order", Family.REFUSED, _TENDER,
        "招投标日期顺序不对", "The dates of the procurement are not in order",
        "投标截止、定标、签订合同应依次在前，且不晚于今天。",
        "Bids close, then the award is made, then the contract is signed, and none of it after today.",
        "核对日期。", "Check the dates.",
    ),
    Problem(
        "too-few-bidders", Family.REFUSED, _TENDER,
        "有效投标不足", "Too few valid bids",
        "有效投标 {bidders} 个，规定不少于 {bidders_needed} 个。",
        "There are {bidders} valid bids; {bidders_needed} are needed.",
        "登记为流标，重新招标。", "Record the tender as unsuccessful and hold it again.",
    ),
    Problem(
        "contract-differs-from-bid", Family.REFUSED, _TENDER,
        "合同金额与中标价不符", "The contract differs from the bid",
        "中标价为 {bid} 元，合同金额为 {contract} 元，没有说明文件。",
        "The bid was {bid} yuan, the contract says {contract} yuan, and no document explains it.",
        "按中标价签订，或填写说明差额的文号。",
        "Sign at the price that was bid, or name the document that explains it.",
    ),
    Problem(
        "retention-too-high", Family.REFUSED, _CLAIM,
        "质量保证金过高", "The retention is too high",
        "质量保证金为合同的 {percent}%，规定不超过 {highest}%。",
        "The retention is {percent} % of the contract; {highest} % is the most.",
        "降低质量保证金比例。", "Lower the retention.",
    ),
    Problem(
        "procurement-stage-order", Family.REFUSED, _TENDER,
        "招投标阶段顺序不对", "The stages are out of order",
        "不能从“{stage}”阶段变为“{next}”阶段。", "A procurement does not go from '{stage}' to '{next}'.",
        "依次登记：计划、招标、中标、合同；失败的另行立项招标。",
        "Record plan, tender, award and contract in turn; start a new record after a failure.",
    ),
    Problem(
        "contract-fixed", Family.REFUSED, _TENDER,
        "已签合同的条款不能改写", "A signed contract's terms stay",
        "合同签订后，中标人、合同金额和保证金比例不能用新版本改变。",
        "Awardee, contract amount and retention of a signed contract don't change by a new version.",
        "合同金额的变更另行登记，由另一人批准。", "Record a change of the contract; another person approves it.",
    ),
    Problem(
        "bid-not-open", Family.REFUSED, _TENDER,
        "不在招标阶段", "The tender is not open",
        "招投标记录处于“{stage}”阶段，不能登记或改变投标。",
        "The procurement is at the stage '{stage}': bids are neither taken nor changed.",
        "投标在招标阶段登记。", "Record bids while the tender is open.",
    ),
    Problem(
        "bid-outside-period", Family.REFUSED, _TENDER,
        "投标不在投标期内", "The bid came outside the tender period",
        "投标收到于 {received_on}，投标期为 {from} 至 {to}，不能作为有效投标。",
        "The bid came on {received_on}; the tender period is {from} to {to}. It can't be valid.",
        "登记为无效投标并写明原因。", "Record it as disqualified, with the reason.",
    ),
    Problem(
        "bid-exists", Family.CONFLICT, _TENDER,
        "该单位已经投标", "The bidder has a bid already",
        "同一单位在一次招标中只有一个投标。", "A bidder has one bid in a tender.",
        "在原投标上登记新版本。", "Record a new version of that bid.",
    ),
    Problem(
        "bid-reason-missing", Family.MALFORMED, _TENDER,
        "没有写明原因", "The reason is missing",
        "无效或撤回的投标须写明原因。", "A bid that is disqualified or withdrawn says why.",
        "填写原因。", "Give the reason.",
    ),
    Problem(
        "change-decided", Family.CONFLICT, _TENDER,
        "合同变更已有决定", "The change is decided already",
        "一项合同变更只决定一次。", "A change of a contract is decided once.",
        "需要再变更的，另行登记。", "Record another change.",
    ),
    Problem(
        "acceptance-percent", Family.MALFORMED, _CLAIM,
        "验收进度填写不对", "The percentage does not fit the acceptance",
        "进度验收须填完成百分比；竣工验收为 100%，可以不填。",
        "An acceptance of progress says how many percent; a final one is 100 percent, and need not say so.",
        "改正百分比。", "Correct the percentage.",
    ),
    Problem(
        "acceptance-amount", Family.MALFORMED, _CLAIM,
        "审定金额须指明合同", "The amount accepted names no contract",
        "验收填写了审定金额，但没有指明是哪个合同的；审定金额是该合同付款的上限。",
        "The acceptance states the amount accepted and not the contract that it limits.",
        "指明合同，或不填审定金额。", "Name the contract, or leave the amount out.",
    ),
    Problem(
        "ahead-of-progress", Family.REFUSED, _CLAIM,
        "付款超过进度", "The payment is ahead of the progress",
        "已验收进度为 {percent}%，按进度和审定金额可累计支付 {earned} 元，超出 {excess} 元。",
        "{percent} % is accepted; by that and the amount accepted {earned} yuan is payable in all; this is {excess} "
        "yuan more.",
        "先登记进度验收，或减少金额。", "Record the acceptance of the progress first, or pay less.",
    ),
    Problem(
        "retention-held", Family.REFUSED, _CLAIM,
        "质量保证金尚不能支付", "The retention is still held",
        "质量保证金为合同的 {retention_percent}%，期满前累计支付不得超过 {limit} 元。",
        "{retention_percent} % of the contract is retained; until its release {limit} yuan in all is the most.",
        "竣工验收且保证期满后再支付。", "Pay it once the days after the final acceptance are over.",
    ),
    Problem(
        "claim-missing", Family.REFUSED, _CLAIM,
        "没有报账单", "There is no claim",
        "向单位付款须有报账单。", "A payment to an organisation names its reimbursement claim.",
        "先登记报账单并审核，在清单中填写 claim_id。",
        "Record the claim, have it reviewed, and name its claim_id in the list.",
    ),
    Problem(
        "claim-not-reviewed", Family.REFUSED, _CLAIM,
        "报账单未经审核通过", "The claim is not approved",
        "所指的报账单没有审核，或已被退回。", "The claim was not reviewed yet, or it was rejected.",
        "由另一人审核通过后再付款。", "Have another person approve it first.",
    ),
    Problem(
        "claim-of-another-payment", Family.REFUSED, _CLAIM,
        "报账单不是这笔付款的", "The claim is for something else",
        "报账单的项目、合同或收款单位与清单不同。", "The claim's project, contract or payee differs from the list's.",
        "改用相应的报账单。", "Name the claim that belongs to this payment.",
    ),
    Problem(
        "claim-exceeded", Family.REFUSED, _CLAIM,
        "超过报账金额", "The claim would be exceeded",
        "报账单金额为 {claimed} 元，累计付款将超出 {excess} 元。",
        "The claim is for {claimed} yuan; payments under it would exceed that by {excess} yuan.",
        "减少金额，或另行报账。", "Pay less, or record another claim.",
    ),
    Problem(
        "claim-vouchers-short", Family.REFUSED, _CLAIM,
        "凭据金额不足", "The vouchers don't cover the claim",
        "报账 {claimed} 元，所附凭据合计 {vouchers} 元。",
        "{claimed} yuan are claimed; the vouchers come to {vouchers} yuan.",
        "补齐凭据，或降低报账金额。", "Add the vouchers that are missing, or claim less.",
    ),
    Problem(
        "claim-decided", Family.CONFLICT, _CLAIM,
        "报账单已审核", "The claim is decided already",
        "报账单只审核一次，审核后不能再加凭据。", "A claim is decided once and takes no vouchers afterwards.",
        "另行报账。", "Record another claim.",
    ),
    Problem(
        "invoice-claimed-before", Family.CONFLICT, "PRC-22",
        "发票已经报账", "The invoice was claimed before",
        "同一发票在本账中只能报账一次。", "An invoice is claimed once in a book.",
        "核对发票号码；原报账单被退回后方可再报。",
        "Check the number; it can be claimed again only if the earlier claim is rejected.",
    ),
    Problem(
        "invoice-number", Family.MALFORMED, "PRC-22",
        "发票号码不对", "The invoice's number is not one",
        "发票代码和号码合在一起应为 6 至 40 位数字或字母。",
        "Code and number of an invoice together are 6 to 40 digits or letters.",
        "核对发票。", "Check the invoice.",
    ),
    Problem(
        "evidence-type-differs", Family.MALFORMED, _EVIDENCE,
        "文件内容与类型不符", "The document is not of its type",
        "文件不是所称的 {media_type}。", "The document is not {media_type}, as it says.",
        "核对文件，或改正 Content-Type。", "Check the document, or correct the Content-Type.",
    ),
    Problem(
        "evidence-type-unknown", Family.MALFORMED, _EVIDENCE,
        "不收这种文件", "This type of document is not taken",
        "佐证材料只收：{accepted}。", "Evidence is taken as: {accepted}.",
        "转换文件格式。", "Convert the document.",
    ),
    Problem(
        "evidence-size", Family.MALFORMED, _EVIDENCE,
        "文件大小不合规定", "The document's size is not allowed",
        "文件为 {size} 字节，须大于 0，不超过 {highest} 字节。",
        "The document has {size} bytes; it must have some, and {highest} at most.",
        "压缩或拆分文件。", "Make the document smaller, or split it.",
    ),
    Problem(
        "evidence-title-personal", Family.MALFORMED, _EVIDENCE,
        "标题含个人信息", "The title holds personal data",
        "标题中有身份证号、银行卡号或手机号。", "The title holds an identity, card or telephone number.",
        "标题只写文件是什么。", "Say in the title what the document is, and of nobody.",
    ),
)  # fmt: skip
