"""Problems of the way down: budget lines, allocations (指标), releases, own money, funding projects.

Raised by the gate (``migrations/sql/0001/63_`` and ``64_``); the rules are the policy's M01 to M13.
"""

from __future__ import annotations

from fundledger.errors import Family, Problem

_DOWN = "design 2"

ROWS: tuple[Problem, ...] = (
    Problem(
        "budget-line-not-found", Family.NOT_FOUND, _DOWN,
        "没有这个预算项目", "There is no such budget line",
        "这本账中没有所指的预算项目。", "This book has no such budget line.",
        "核对编号；预算批复入账后才能分配。", "Check the id; a budget is allocated after its adoption was posted.",
    ),
    Problem(
        "budget-line-exists", Family.CONFLICT, _DOWN,
        "预算项目已存在", "The budget line exists already",
        "同一资金、年度和文号的预算项目已经批复入账。",
        "A budget line of this fund, year and document was adopted before.",
        "追加预算请用新的文号。", "A supplementary budget has a document number of its own.",
    ),
    Problem(
        "allocation-not-found", Family.NOT_FOUND, _DOWN,
        "没有这笔指标", "There is no such allocation",
        "这本账中没有所指的指标。", "This book has no such allocation.",
        "核对指标编号和账簿代码。", "Check the allocation's id and the book's code.",
    ),
    Problem(
        "allocation-reused", Family.REFUSED, _DOWN,
        "指标编号已被使用", "The allocation exists already",
        "每次分配都产生新的指标，所填编号为空或已被使用。",
        "Every allocation is a new one; the id given is missing or was used before.",
        "重新制单，由系统给出新的编号。", "Draft it anew with a fresh id.",
    ),
    Problem(
        "allocation-fund-differs", Family.REFUSED, "M13",
        "指标与预算项目不一致", "The allocation does not fit its budget line",
        "指标的资金类别和年度必须与所属预算项目相同。",
        "An allocation has the fund and fiscal year of its budget line.",
        "改用相同资金和年度的预算项目。", "Use a budget line of the same fund and year.",
    ),
    Problem(
        "district-unknown", Family.REFUSED, "M06",
        "没有这个区", "There is no such district",
        "指标只能分配给本市设有账簿的区。", "Money is allocated to a district that has a book here.",
        "核对区的行政区划代码。", "Check the district's division code.",
    ),
    Problem(
        "village-not-listed", Family.REFUSED, "M01, M02",
        "村不在当年名单上", "The village is not on the year's list",
        "村（社区）{village_code} 不在该资金当年的名单上，不能按标准分配。",
        "Village {village_code} is not on this fund's list of the year, so the standard does not apply to it.",
        "核对名单；名单有误的，先按文件登记新的名单。",
        "Check the list; if it is wrong, record a new version with its document.",
    ),
    Problem(
        "village-above-standard", Family.REFUSED, "M01, M02",
        "超过每村标准", "The village would get more than the standard",
        "村（社区）{village_code} 的金额超过每村每年 {standard} 元的标准。",
        "Village {village_code} would get more than the standard of {standard} yuan per year.",
        "按标准分配；确需增加的，注明补充文件的文号。",
        "Allocate the standard, or name the supplementary document that allows more.",
    ),
    Problem(
        "village-already-allocated", Family.REFUSED, "M01, M02",
        "该村当年已分配", "The village has its money of the year",
        "该村（社区）当年的同一资金已经分配过，没有补充文件不能再次分配。",
        "This village has had its allocation of this fund and year; another needs a supplementary document.",
        "去掉该村；确需追加的，注明补充文件的文号。", "Leave the village out, or name the supplementary document.",
    ),
    Problem(
        "release-names-project", Family.REFUSED, "M06 切块下达",
        "下达指标不能指定项目", "A release names no project",
        "市级按切块方式下达资金，项目由区自行确定。",
        "The city releases block money; the district chooses the projects.",
        "去掉项目后重新制单。", "Draft it anew without a project.",
    ),
    Problem(
        "release-kind-missing", Family.REFUSED, "M09",
        "没有注明下达方式", "The kind of release is missing",
        "下达指标须注明方式：提前下达、分期、先预拨后清算或一次下达。",
        "A release says its kind: early, instalment, prepaid or full.",
        "注明下达方式后重新制单。", "Draft it anew with its kind.",
    ),
    Problem(
        "release-kind-wrong", Family.REFUSED, "M09",
        "下达方式与年度不符", "The kind of release does not fit the year",
        "提前下达只用于以后年度的指标，以后年度的指标也只能提前下达；该指标的年度是 {fiscal_year}。",
        "Next year's money is released early and in no other way; this allocation is of {fiscal_year}.",
        "改正下达方式或业务日期。", "Correct the kind of release or the effective date.",
    ),
    Problem(
        "fund-not-of-this-level", Family.REFUSED, "M03, M04",
        "不是本级的资金", "The fund is not this level's own",
        "资金类别 {fund_code} 不是本级的资金，不能列入本级预算。",
        "Fund {fund_code} is not this level's own money, so this level can't adopt it.",
        "市级资金由市批复，区级自有资金由区安排。", "The city adopts the city's funds, a district its own.",
    ),
    Problem(
        "declared-figure-missing", Family.REFUSED, "M03, M04",
        "没有申报数", "The declared figure is missing",
        "资金 {fund_code} 在 {fiscal_year} 年度没有申报数，无法计算最低比例。",
        "Nothing was declared for fund {fund_code} in {fiscal_year}, so its floor can't be computed.",
        "先登记申报数（财力增量或收回的存量资金）。",
        "Declare the figure first (revenue increment or recovered idle money).",
    ),
    Problem(
        "below-floor", Family.REFUSED, "M03, M04",
        "低于规定的最低比例", "The budget is below the floor",
        "资金 {fund_code} 的预算安排低于最低数 {floor} 元，还差 {shortfall} 元。",
        "The budget of fund {fund_code} is below its floor of {floor} yuan by {shortfall} yuan.",
        "补足差额；确有依据的，注明文件的文号（将列为检查事项）。",
        "Add what is missing, or name the document that allows less (it becomes a finding).",
    ),
    Problem(
        "year-not-begun", Family.REFUSED, "M09",
        "预算年度尚未开始", "The fiscal year has not begun",
        "{fiscal_year} 年度的指标在该年度开始前不能安排或支付。",
        "Money of fiscal year {fiscal_year} is not funded or paid before that year begins.",
        "待年度开始后办理。", "Do it once the year has begun.",
    ),
    Problem(
        "money-of-another-village", Family.REFUSED, "M01, M02",
        "是别村的资金", "The money is another village's",
        "这笔指标专属于村（社区）{village_code}，与项目所在的村不同。",
        "This allocation belongs to village {village_code}, which is not the project's village.",
        "使用本村的指标，或用于该村的项目。", "Use the village's own allocation, or a project of that village.",
    ),
)  # fmt: skip
