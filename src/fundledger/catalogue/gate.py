"""Problems only the gate finds: what nobody reaches through the service's own routes, but a made-up call might try."""

from __future__ import annotations

from fundledger.errors import Family, Problem

ROWS: tuple[Problem, ...] = (
    Problem(
        "line-of-another-list", Family.REFUSED, "design 4",
        "发放行与清单不一致", "The line does not belong to its list",
        "发放行的项目类型或期间与清单不同，无法核对是否重复发放。",
        "The line's programme or period differs from its list's, so that being paid twice could not be seen.",
        "发放行的项目类型和期间必须与清单相同，请重新制单。",
        "Draft the list anew; its lines have its programme and period.",
    ),
    Problem(
        "undo-in-batch", Family.REFUSED, "design 2",
        "冲销须单独入账", "An undo is posted alone",
        "冲销或退票不能与其他单据在同一批中入账，因为能冲多少取决于同批的其他单据。",
        "A reversal or return is not posted in one call with others: what it may take depends on them.",
        "单独提交这一笔。", "Post it in a call of its own.",
    ),
    Problem(
        "content-final", Family.CONFLICT, "design 3.7",
        "单据已审批，内容不能再变", "The instruction is approved, its content is final",
        "审批之后不能再向单据添加明细。", "Nothing is added to an instruction after its approval.",
        "另行制单。", "Draft another instruction.",
    ),
)  # fmt: skip
