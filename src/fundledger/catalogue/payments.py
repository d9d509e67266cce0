"""Problems of paying: the five of the five-to-district (五到区), and every line of a list (design section 4).

Raised by the gate (``migrations/sql/0001/65_``). No text and no parameter names a payee.
"""

from __future__ import annotations

from fundledger.errors import Family, Problem

_FUNDS = "M06 资金到区"
_PROJECTS = "M07, M08 项目到区"
_TENDERING = "M06 招投标到区"
_MANAGEMENT = "M06 管理到区"
_ENTITLED = "design 4"

ROWS: tuple[Problem, ...] = (
    Problem(
        "negative-list", Family.REFUSED, "财农〔2017〕8号 负面清单",
        "列入负面清单的支出", "The negative list forbids it",
        "经济分类 {economic_class} 属于负面清单 {item_code}，扶贫资金不得用于此项支出。",
        "Economic class {economic_class} is on the negative list ({item_code}); poverty money never pays it.",
        "由其他资金承担；分类有误的，改正后重新制单。",
        "Pay it from other money, or correct the class and draft it anew.",
    ),
    Problem(
        "programme-payee-kind", Family.REFUSED, _FUNDS,
        "收款对象与补助类型不符", "The programme pays another kind of payee",
        "该补助类型的收款对象不能是“{payee_kind}”。", "This programme does not pay payees of kind '{payee_kind}'.",
        "改用正确的补助类型或收款对象。", "Use the right programme or kind of payee.",
    ),
    Problem(
        "leg-of-another-project", Family.REFUSED, _PROJECTS,
        "资金来源属于另一项目", "A source of money is another project's",
        "清单上的资金来源必须全部属于该清单的项目。", "All the money of a list comes from the list's own project.",
        "改正资金来源后重新制单。", "Correct the sources and draft it anew.",
    ),
    Problem(
        "project-not-in-library", Family.REFUSED, _PROJECTS,
        "项目不在本区项目库", "The project is not in this district's library",
        "没有进入本区项目库的项目不能安排资金，也不能支付。",
        "A project outside this district's library is neither funded nor paid.",
        "先申报入库并经本区批准。", "Propose it for the library and have the district approve it.",
    ),
    Problem(
        "project-not-approved", Family.REFUSED, _PROJECTS,
        "项目未批准", "The project is not approved",
        "项目目前不是批准状态（申报中、已暂停或已出库）。",
        "The project is proposed, suspended or has left the library.",
        "由本区批准后再办理。", "Have the district approve it first.",
    ),
    Problem(
        "project-without-target", Family.REFUSED, "M10",
        "项目没有绩效目标", "The project has no performance target",
        "没有绩效目标和绩效指标的项目不能入库，不能安排资金，也不能支付。",
        "A project without a performance target and indicators is neither approved nor funded nor paid.",
        "重新申报，写明绩效目标和指标。", "Propose it anew with its target and indicators.",
    ),
    Problem(
        "project-of-another-programme", Family.REFUSED, _PROJECTS,
        "项目属于另一补助类型", "The project is of another programme",
        "项目登记的补助类型是 {programme_code}，与清单不同。",
        "The project is of programme {programme_code}, unlike the list.",
        "改用相应的项目或补助类型。", "Use the project of that programme, or the right programme.",
    ),
    Problem(
        "project-not-published", Family.REFUSED, "M11",
        "项目公示天数不足", "The project's notice was not up long enough",
        "项目在 {level} 一级已公示 {days} 天，规定为 {days_needed} 天。",
        "The project's notice was up {days} days at the level {level}; {days_needed} are needed.",
        "公示期满后再支付。", "Pay after the notice has been up long enough.",
    ),
    Problem(
        "procurement-missing", Family.REFUSED, _TENDERING,
        "没有招投标记录", "There is no procurement record",
        "项目既没有招标采购结果，也没有豁免依据。", "The project has neither an award nor an exemption.",
        "登记中标结果，或登记豁免及其依据。", "Record the award, or the exemption with its evidence.",
    ),
    Problem(
        "payee-not-awardee", Family.REFUSED, _TENDERING,
        "收款人不是中标人", "The payee is not the awardee",
        "经招标采购的项目只能向中标人付款。", "A tendered project pays its awardee and nobody else.",
        "改为向中标人付款；中标人有变更的，先登记新的结果。",
        "Pay the awardee; if the award changed, record its new version first.",
    ),
    Problem(
        "contract-exceeded", Family.REFUSED, _TENDERING,
        "超过合同金额", "The contract would be exceeded",
        "累计付款将超过合同（含已批准的变更）金额 {contract} 元，超出 {excess} 元。",
        "Payments would exceed the contract and its approved changes of {contract} yuan by {excess} yuan.",
        "减少金额，或先登记经批准的合同变更。",
        "Lower the amount, or record the approved change of the contract first.",
    ),
    Problem(
        "exemption-not-allowed", Family.REFUSED, _TENDERING,
        "不能适用该项豁免", "The exemption does not apply",
        "所用豁免不适用于类别“{category}”的项目或这类收款对象。",
        "The exemption does not cover projects of category '{category}' or this kind of payee.",
        "改用适用的豁免，或组织招标采购。", "Use an exemption that applies, or hold a tender.",
    ),
    Problem(
        "exemption-limit-exceeded", Family.REFUSED, _TENDERING,
        "超过豁免限额", "The exemption's limit is exceeded",
        "项目概算或累计付款超过该项豁免的限额 {limit} 元。",
        "The estimate or the payments exceed the exemption's limit of {limit} yuan.",
        "组织招标采购。", "Hold a tender.",
    ),
    Problem(
        "exemption-without-evidence", Family.REFUSED, _TENDERING,
        "豁免没有依据材料", "The exemption has no evidence",
        "豁免须附依据材料的 SHA-256。", "An exemption carries the SHA-256 of its evidence.",
        "补登依据材料。", "Record the evidence.",
    ),
    Problem(
        "managing-unit-missing", Family.REFUSED, _MANAGEMENT,
        "没有管理单位", "The project has no managing unit",
        "项目没有登记管理单位。", "No unit is recorded as managing the project.",
        "登记管理单位。", "Record its managing unit.",
    ),
    Problem(
        "acceptance-missing", Family.REFUSED, _MANAGEMENT,
        "尚未验收", "The project is not accepted",
        "最后一笔付款前，该合同或整个项目须已竣工验收合格。",
        "Before the final payment its contract, or the whole project, must have passed the final acceptance.",
        "先登记合格的验收记录；不是最后一笔的，改为非最终付款。",
        "Record the passed acceptance, or do not mark the list as the final payment.",
    ),
    Problem(
        "list-not-published", Family.REFUSED, "M11",
        "清单公示天数不足", "The list's notice was not up long enough",
        "清单已公示 {days} 个工作日，规定为 {days_needed} 个。",
        "The list's notice was up {days} working days; {days_needed} are needed.",
        "公示期满后再支付。", "Pay after the notice has been up long enough.",
    ),
    Problem(
        "published-amount-differs", Family.REFUSED, "M11",
        "公示金额与账不符", "The published amount is another one",
        "公示金额为 {published} 元，账上为 {total} 元。",
        "The notice says {published} yuan, the book has {total} yuan.",
        "按账上的金额重新公示。", "Publish the amount of the book.",
    ),
    Problem(
        "payee-unknown", Family.REFUSED, _ENTITLED,
        "收款人不在本区登记", "The payee is not known in this district",
        "本区没有登记该收款人，或所填的人不属于所填的户。",
        "This district has not registered the payee, or the person is not of the household named.",
        "先登记，或改正所填的人和户。", "Register the payee, or correct person and household.",
    ),
    Problem(
        "payee-not-registered", Family.REFUSED, _ENTITLED,
        "该户未建档立卡", "The household is not registered as poor",
        "在享受补助之日，该户不是建档立卡户。", "On the entitlement date the household was not registered as poor.",
        "去掉这一行，或补登建档立卡状态。", "Leave the line out, or record the household's status.",
    ),
    Problem(
        "payee-removed", Family.REFUSED, _ENTITLED,
        "该户已被剔除", "The household was struck off",
        "在享受补助之日，该户已被剔除（脱贫不影响享受，剔除则不能享受）。",
        "On the entitlement date the household was struck off (an exit from poverty would not matter).",
        "去掉这一行。", "Leave the line out.",
    ),
    Problem(
        "payee-deceased", Family.REFUSED, _ENTITLED,
        "登记为已去世", "The payee is recorded as deceased",
        "在享受补助之日，该户的状态为已去世。", "On the entitlement date the status is deceased.",
        "去掉这一行，并核实情况。", "Leave the line out and look into it.",
    ),
    Problem(
        "not-on-roster", Family.REFUSED, _ENTITLED,
        "不在花名册上", "The payee is not on the roster",
        "在享受补助之日，收款人不在该补助的花名册上。",
        "On the entitlement date the payee was not on the programme's roster.",
        "去掉这一行，或先按文件登记花名册。", "Leave the line out, or record the roster with its document first.",
    ),
    Problem(
        "roster-struck-off", Family.REFUSED, _ENTITLED,
        "已从花名册剔除", "The payee was struck off the roster",
        "在享受补助之日，收款人已从该补助的花名册上剔除。",
        "By the entitlement date the payee was struck off the roster.",
        "去掉这一行。", "Leave the line out.",
    ),
    Problem(
        "paid-twice", Family.REFUSED, "design 3.6",
        "重复发放", "It would be paid twice",
        "该收款人同一补助、同一期间已经发放过，或在本清单中重复出现。",
        "The payee has been paid for this programme and period, or stands in this list twice.",
        "去掉这一行；银行退回的，待退票入账后再发。",
        "Leave the line out; what the bank returned is paid again after its return is posted.",
    ),
    Problem(
        "above-standard", Family.REFUSED, "M17, M27, M28, M30",
        "超过补助标准", "It is above the standard",
        "金额超过标准：每单位 {standard} 元，数量 {quantity}。",
        "The amount is above the standard of {standard} yuan times {quantity}.",
        "按标准改正；确有依据的，注明文件的文号。", "Correct the amount, or name the document that allows more.",
    ),
    Problem(
        "not-paid-in-full", Family.REFUSED, "M29",
        "没有足额发放", "It is not paid in full",
        "住房补助须足额直接发给农户：每单位 {standard} 元，数量 {quantity}。",
        "Housing money goes to the household in full: {standard} yuan times {quantity}.",
        "按足额改正；确有依据的，注明文件的文号。", "Correct the amount, or name the document that allows less.",
    ),
    Problem(
        "participation-missing", Family.REFUSED, "M16",
        "没有参与记录", "The record of participation is missing",
        "除低保等法定补助外，补助须与参与挂钩，这一行没有参与记录。",
        "Outside dibao and the statutory programmes a subsidy follows participation; this line names no record of it.",
        "填写参与记录（如出勤表），或注明例外文件的文号。",
        "Name the record (an attendance sheet, say), or the document of the exception.",
    ),
)  # fmt: skip
