"""Problems of drafting the budget: computed plans, releases, declared figures, reversals (what the gate refuses stands
in `allocations` and `book`)."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_FACTORS = "M05"

ROWS: tuple[Problem, ...] = (
    Problem(
        "fund-basis-differs", Family.REFUSED, "M01, M02, M05",
        "该资金不能这样分配", "This fund is not allocated that way",
        "资金 {fund_code} 的分配依据是 {basis}，不适用这种分配办法。",
        "Fund {fund_code} is allocated by {basis}, so this way does not apply to it.",
        "按该资金的办法分配，或逐笔填写金额。", "Allocate it the way its rule says, or give the amounts one by one.",
    ),
    Problem(
        "nothing-to-allocate", Family.REFUSED, "M01, M02",
        "没有可分配的对象", "There is nothing to allocate",
        "当年名单上的村都已分配，或尚未登记名单。",
        "Every village of the year's list has its allocation, or no list was recorded.",
        "登记当年名单；追加分配请注明村和补充文件。",
        "Record the year's list; name villages and a document to add to it.",
    ),
    Problem(
        "village-not-wanted", Family.REFUSED, "M01, M02",
        "该资金不分到村", "This fund is not allocated to villages",
        "该资金没有每村标准，指标只能分到区，不能写村 {village_code}。",
        "This fund has no standard per village; it is allocated to a district, not to village {village_code}.",
        "去掉村代码；由区安排到项目。", "Leave the village out; the district funds projects from it.",
    ),
    Problem(
        "weight-malformed", Family.MALFORMED, _FACTORS,
        "因素权重不对", "A factor's weight is not usable",
        "因素 {factor} 的权重必须大于零，写成分数时分母不能为零。",
        "The weight of factor {factor} is above zero, and a ratio's denominator is not zero.",
        "填写小数（如 0.5）或整数比（如 5/10）。", "Give a decimal such as 0.5 or a ratio such as 5/10.",
    ),
    Problem(
        "weights-not-one", Family.REFUSED, _FACTORS,
        "权重之和不等于一", "The weights do not add up to one",
        "各因素权重之和是 {sum}，必须正好等于 1。", "The weights add up to {sum}; they must be exactly 1.",
        "调整权重；除不尽的用整数比表示，例如 1/3。",
        "Adjust them; write thirds and the like as ratios, for example 1/3.",
    ),
    Problem(
        "factor-districts-differ", Family.REFUSED, _FACTORS,
        "各因素的区不一致", "The factors name different districts",
        "因素 {factor} 所列的区与第一个因素不同。",
        "Factor {factor} has values for other districts than the first factor.",
        "每个因素都给出同样一些区的数值。", "Give every factor a value for the same districts.",
    ),
    Problem(
        "factor-sum-zero", Family.REFUSED, _FACTORS,
        "因素数值合计为零", "A factor's values come to nothing",
        "因素 {factor} 的数值（或差距）合计为零，无法按它分配。",
        "The values (or gaps) of factor {factor} add up to zero, so nothing can be split by them.",
        "核对数据，或去掉这个因素并调整权重。", "Check the data, or leave the factor out and adjust the weights.",
    ),
    Problem(
        "inputs-not-recomputable", Family.NOT_FOUND, _FACTORS,
        "没有可重算的依据", "There is nothing to compute again",
        "这张单据不是按标准或因素计算得出的。", "This instruction was not computed from standards or factors.",
    ),
    Problem(
        "release-amount-missing", Family.MALFORMED, "M09",
        "缺少下达金额", "The amount to release is missing",
        "只有一次性全额下达可以不填金额。", "Only a release in full may leave the amount out.",
        "填写每笔指标的下达金额。", "Give the amount of each allocation.",
    ),
    Problem(
        "release-not-full", Family.REFUSED, "M09",
        "不是全额下达", "This is not a release in full",
        "全额下达必须等于指标的未下达余额 {remaining} 元，并大于零。",
        "A release in full is exactly what is left of the allocation, {remaining} yuan, and above zero.",
        "不填金额，或改用分期下达。", "Leave the amount out, or release it as an instalment.",
    ),
    Problem(
        "figure-already-final", Family.REFUSED, "M03, M04",
        "已登记决算数", "The final figure stands already",
        "该年度已登记决算数，不能再登记预计数。",
        "The final accounts of that year are recorded; an estimate can't follow them.",
        "更正决算数请登记为新的决算版本。", "To correct them, record another final version.",
    ),
    Problem(
        "entry-not-found", Family.NOT_FOUND, "design 3.1",
        "没有这张凭证", "There is no such entry",
        "这本账中没有所指的凭证。", "This book has no such entry.",
        "核对凭证编号和账簿代码。", "Check the entry's id and the book's code.",
    ),
    Problem(
        "nothing-to-reverse", Family.REFUSED, "design 2",
        "没有可冲销的金额", "Nothing is left to reverse",
        "这张凭证已经全部冲销或退回。", "All of that entry was undone before.",
        "核对是否重复冲销。", "Check whether it was reversed already.",
    ),
)  # fmt: skip
