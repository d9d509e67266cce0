"""Problems of the policy's data: parameters and who answers for what."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_TWO_PEOPLE = "design 3.7"
_RESPONSIBILITY = "M06"

ROWS: tuple[Problem, ...] = (
    Problem(
        "parameter-proposal-not-found", Family.NOT_FOUND, _TWO_PEOPLE,
        "没有这项参数调整建议", "There is no such proposal",
        "本账没有此编号的参数调整建议。", "The book has no proposal of a parameter with this id.",
        "核对编号。", "Check the id.",
    ),
    Problem(
        "parameter-proposal-decided", Family.CONFLICT, _TWO_PEOPLE,
        "参数调整建议已有结论", "The proposal is already decided",
        "这项建议已经批准或退回，一项建议只能决定一次。",
        "It was approved or sent back before; a proposal is decided once.",
        "如需再次调整，请另提一项建议。", "To change the parameter again, propose it again.",
    ),
    Problem(
        "parameter-unit-differs", Family.REFUSED, "design 4",
        "参数单位不符", "The unit is not the parameter's",
        "该参数的单位是 {unit}，新版本不能改变单位。", "The parameter is in {unit}; a new version keeps the unit.",
        "按原单位换算后再提；含义不同的，请用新的参数代码。",
        "Convert the value to that unit; for another meaning take another code.",
    ),
    Problem(
        "parameter-changes-closed-month", Family.REFUSED, "design 3.8",
        "参数不能改变已结账的月份", "The parameter would change a closed month",
        "{month} 已有账套结账，新版本不能在该月或更早生效。",
        "A book closed {month}; a new version can't be valid in that month.",
        "把生效日期改到未结账的月份。", "Let it be valid from a month that is open.",
    ),
    Problem(
        "parameter-value-out-of-range", Family.REFUSED, "design 4",
        "参数值超出范围", "The value is out of range",
        "参数值不能为负；百分比不超过 100。", "A value is never below zero; a percentage is at most 100.",
        "核对参数值和单位。", "Check the value and its unit.",
    ),
    Problem(
        "officers-not-distinct", Family.REFUSED, _RESPONSIBILITY,
        "责任人与监管责任人是同一人", "One person would answer and supervise",
        "责任人与监管责任人必须是两个人；姓名相同而工号未全部登记的，按同一人处理。",
        "The accountable and the supervising officer are two people; the same name counts as one person unless both "
        "have a number.",
        "换一位监管责任人；确属同名的，登记双方的工号。",
        "Name another supervising officer; if two people share a name, record the number of both.",
    ),
    Problem(
        "days-outside-term", Family.REFUSED, "M37",
        "日期不在任期内", "The days lie outside the term",
        "离任报告的日期必须在任期之内。", "A report by term of office covers days of the term.",
        "核对任期，缩小日期范围。", "Look at the term and take fewer days.",
    ),
    Problem(
        "officer-term-in-use", Family.REFUSED, _RESPONSIBILITY,
        "任期内已有记账", "Something was posted in the days the term would lose",
        "该责任人名下已有记账凭证的日期会落在新的任期之外。",
        "A day on which something was posted under the officer would lie outside the term.",
        "任期须包含全部已记账的日期；免职日期不早于最后一笔记账的日期。",
        "Keep every such day within the term; it ends no earlier than the last posting.",
    ),
)  # fmt: skip
