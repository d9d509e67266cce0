"""Problems of access: tokens, units, duties, and whose book it is (design sections 3.7 and 7)."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_ACCESS = "design 7"
_DUTIES = "design 3.7"

ROWS: tuple[Problem, ...] = (
    Problem(
        "token-missing", Family.UNAUTHENTICATED, _ACCESS,
        "缺少访问令牌", "The access token is missing",
        "此地址只对持有令牌的经办人员开放。", "This address is only for named people with a token.",
        "在 Authorization 标头中写明 Bearer 和令牌。", "Send the header Authorization with Bearer and the token.",
    ),
    Problem(
        "token-unknown", Family.UNAUTHENTICATED, _ACCESS,
        "访问令牌无效", "The access token is not valid",
        "该令牌不存在、已过期或已吊销。", "The token does not exist, has expired or was revoked.",
        "向管理员申请新的令牌。", "Ask the administrator for a new token.",
    ),
    Problem(
        "forbidden-role", Family.FORBIDDEN, _ACCESS,
        "本单位不能办理此事", "Your kind of unit may not do this",
        "此事只能由下列单位办理：{units}。", "This is only for units of these kinds: {units}.",
        "请由有权的单位办理。", "Let a unit of that kind do it.",
    ),
    Problem(
        "forbidden-duty", Family.FORBIDDEN, _DUTIES,
        "您没有此项职责", "You do not have this duty",
        "此事需要“{duty}”职责（maker 制单，approver 审批，payer 支付）。",
        "This needs the duty '{duty}' (maker drafts, approver approves, payer pays).",
        "请由有此职责的人办理。", "Let a person with that duty do it.",
    ),
    Problem(
        "forbidden-book", Family.FORBIDDEN, _ACCESS,
        "不能动用别处的账簿", "This is another office's book",
        "账簿 {book} 不属于您的单位；各区只能查看和办理本区的账。",
        "Book {book} is not your unit's; a district's people see and touch their own district only.",
        "请由该账簿所属的单位办理。", "Let the people of that book do it.",
    ),
    Problem(
        "wrong-level", Family.FORBIDDEN, _ACCESS,
        "此业务不在本级办理", "This business belongs to another level",
        "预算批复、指标分配和下达在市级办理；项目安排、支付和区级预算安排在区级办理。",
        "Budgets, allocations and releases are the city's; projects, payments and own money are the districts'.",
        "改用相应一级的账簿。", "Use the book of that level.",
    ),
    Problem(
        "actor-unknown", Family.FORBIDDEN, _DUTIES,
        "经办人不属于这本账", "The person is not of this book",
        "办理此事的人不是这本账所属单位的人员。", "The person who acts does not belong to a unit of this book.",
        "请由本账单位的人员办理。", "Let a person of this book's units do it.",
    ),
    Problem(
        "duties-not-separate", Family.REFUSED, _DUTIES,
        "不相容职责未分离", "The same person may not do two of the duties",
        "制单、审批、支付必须由三个不同的人办理。",
        "Drafting, approving and paying are done by three different people.",
        "换一位有此职责的人办理。", "Let another person with the duty do it.",
    ),
    Problem(
        "maker-without-duty", Family.REFUSED, _DUTIES,
        "制单人没有制单职责", "The maker has no such duty",
        "制单人所在单位或本人没有制单（maker）职责，不能制作此类单据。",
        "The person who drafted this, or that person's unit, may not draft this kind of business.",
        "由有制单职责的单位和人员重新制单。", "Let a unit and person with the maker's duty draft it anew.",
    ),
    Problem(
        "approver-without-duty", Family.REFUSED, _DUTIES,
        "审批人没有审批职责", "The approver has no such duty",
        "审批人所在单位或本人没有审批（approver）职责，不能审批此类单据。",
        "The person who approves, or that person's unit, may not approve this kind of business.",
        "由有审批职责的单位和人员审批。", "Let a unit and person with the approver's duty approve it.",
    ),
    Problem(
        "payer-without-duty", Family.REFUSED, _DUTIES,
        "支付人没有支付职责", "The payer has no such duty",
        "只有财政部门中有支付（payer）职责的人员才能支付。",
        "Only people of a finance bureau with the payer's duty pay.",
        "由财政部门的支付人员办理。", "Let a payer of the finance bureau do it.",
    ),
    Problem(
        "closer-without-duty", Family.REFUSED, "design 3.8",
        "结账人没有结账职责", "The person may not close a period",
        "结账须由本账财政部门的审批（approver）人员办理。",
        "A period is closed by an approver of this book's finance bureau.",
        "由财政部门的审批人员结账。", "Let an approver of the finance bureau close it.",
    ),
)  # fmt: skip
