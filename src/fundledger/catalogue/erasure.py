"""Problems of erasing personal data: too early, not two people, twice, or while money is on its way."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_ERASURE = "design 5"
_PEOPLE = "design 3.7"

ROWS: tuple[Problem, ...] = (
    Problem(
        "erasure-not-found", Family.NOT_FOUND, _ERASURE,
        "没有该删除申请", "No such erasure",
        "该账簿内没有这样的删除申请。", "There is no such proposal to erase in this book.",
    ),
    Problem(
        "erasure-nothing", Family.REFUSED, _ERASURE,
        "没有可删除的发放行", "Nothing to erase",
        "所列清单、行或收款人没有尚未删除的发放行。",
        "The list, lines or payee named have no line that is not erased yet.",
        "核对清单、行号和收款人。", "Check the list, the line numbers and the payee.",
    ),
    Problem(
        "erasure-too-early", Family.REFUSED, _ERASURE,
        "保管期限未满", "The retention period is not over",
        "{count} 行的个人信息须保管到 {kept_until} 止（无日期：清单尚未支付或退回）。",
        "The personal data of {count} lines are kept until {kept_until} (no date: neither paid nor rejected).",
        "期限从最后一次收付所在年度终了起算，见政策参数 erasure_retention_months。",
        "It runs from the end of the year of the last movement; see the policy parameter erasure_retention_months.",
    ),
    Problem(
        "erasure-line-erased", Family.REFUSED, _ERASURE,
        "已经删除", "Erased already",
        "{count} 行的个人信息已经删除。", "The personal data of {count} lines were erased already.",
        "从申请中去掉这些行。", "Leave these lines out of the proposal.",
    ),
    Problem(
        "erasure-line-waits", Family.REFUSED, _ERASURE,
        "退回的资金尚待重发", "Returned money waits to be paid again",
        "{count} 行被银行退回且尚未重发；没有姓名和账号就不能重发。",
        "The money of {count} lines came back and waits; without name and account it can't be paid again.",
        "先重发这些行。", "Pay these lines again first.",
    ),
    Problem(
        "erasure-decided", Family.CONFLICT, _ERASURE,
        "删除申请已有决定", "The proposal was decided",
        "该删除申请已批准或退回。", "This proposal to erase was approved or sent back.",
    ),
    Problem(
        "erasure-other-office", Family.FORBIDDEN, _PEOPLE,
        "须由同一单位的人批准", "Approval must come from the same office",
        "删除由同一单位的两个人办理：一人申请，另一人批准。",
        "Two people of one office erase: one proposes, another approves.",
        "由申请人所在单位的审批人批准。", "Let an approver of the proposer's own office decide.",
    ),
    Problem(
        "erasure-scope", Family.MALFORMED, _ERASURE,
        "须写明一份清单或一个收款人", "Name one list or one payee",
        "申请写明一份发放清单（可限定行号）或一个收款人，二者选一。",
        "A proposal names a payment list (perhaps some of its lines) or a payee, one of the two.",
    ),
)  # fmt: skip
