"""Problems of the project records: officers, projects, procurement, acceptance, notices (what the gate refuses of a
payment stands in `payments` and `records`)."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_VERSIONS = "design 3.1"
_TENDER = "design 4; domain.md 2.11"

ROWS: tuple[Problem, ...] = (
    Problem(
        "record-not-found", Family.NOT_FOUND, _VERSIONS,
        "没有这条记录", "There is no such record",
        "这本账中没有所指的记录。", "This book has no such record.",
        "核对编号和账簿代码。", "Check the id and the book's code.",
    ),
    Problem(
        "record-identity-changed", Family.REFUSED, _VERSIONS,
        "新版本不能改变记录的主体", "A new version can't change what the record is about",
        "字段 {field} 在后续版本中不能改变。", "The field {field} stays as it was in every later version.",
        "另立一条新记录。", "Make a new record instead.",
    ),
    Problem(
        "dates-reversed", Family.REFUSED, _VERSIONS,
        "起止日期颠倒", "The last day is before the first",
        "截止日期早于起始日期。", "The last day lies before the first.",
        "核对两个日期。", "Check both dates.",
    ),
    Problem(
        "project-left", Family.REFUSED, "M07",
        "项目已退库", "The project has left the library",
        "退出项目库的项目不能再变更。", "A project that left the library takes no more changes.",
        "需要继续的，作为新项目重新申报。", "To go on, propose it as a new project.",
    ),
    Problem(
        "project-status-differs", Family.REFUSED, "M07, M08",
        "项目状态不允许此操作", "The project's status does not allow this",
        "项目目前的状态是 {status}。", "The project's status is {status}.",
        "重新读取项目，再决定下一步。", "Read the project again and decide on the next step.",
    ),
    Problem(
        "procurement-incomplete", Family.MALFORMED, _TENDER,
        "招投标记录不完整", "The procurement record is incomplete",
        "中标须有中标人，合同须有合同号和金额，此前不填；豁免须有豁免类别，且不填合同。",
        "An award names its awardee, a contract number and amount, neither sooner; an exemption its kind alone.",
        "补全所列字段。", "Fill in the fields named.",
    ),
    Problem(
        "contract-in-use", Family.REFUSED, _TENDER,
        "合同已付款", "The contract has been paid on",
        "项目已经付款，采购方式、豁免类别和中标人不能再改变。",
        "The project was paid, so its method, exemption and awardee stay as they are.",
        "如有错误，先退回款项再更正。", "If they are wrong, have the money returned first.",
    ),
    Problem(
        "contract-below-paid", Family.REFUSED, _TENDER,
        "合同金额低于已付款", "The contract would be below what was paid",
        "合同已付 {paid} 元，合同金额加变更不能低于此数。",
        "The contract was paid {paid} yuan; it and its changes can't come to less.",
        "核对合同变更金额。", "Check the amount of the change.",
    ),
    Problem(
        "notice-subject-unknown", Family.REFUSED, "M11",
        "公示对象不存在", "What the notice is about is not here",
        "这本账中没有所公示的项目或发放清单。", "This book has no such project or payment list.",
        "核对编号；公示须由本区办理。", "Check the id; a district publishes its own.",
    ),
)  # fmt: skip
