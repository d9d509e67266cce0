"""Problems of reading the book: as of when, which account or entry, and the trail."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_TWO_DATES = "design 3.8"
_TRAIL = "design 5"
_EXACT = "design 3.4"

ROWS: tuple[Problem, ...] = (
    Problem(
        code="as-of-ambiguous",
        family=Family.MALFORMED,
        rule=_TWO_DATES,
        title_zh="截止条件不唯一",
        title_en="More than one “as of”",
        detail_zh="业务日期、日志位置和时间点只能给出其中一个。",
        detail_en="Give one of effective_on, position and known_at, not several.",
        mend_zh="只保留一个截止条件。",
        mend_en="Keep one of them.",
    ),
    Problem(
        code="as-of-not-reached",
        family=Family.NOT_FOUND,
        rule=_TWO_DATES,
        title_zh="截止点尚未到达",
        title_en="That point is still to come",
        detail_zh="日志尚未到达该位置或时间点，现在的回答以后无法复现。",
        detail_en="The log has not reached that position or instant yet, so an answer could not be repeated later.",
        mend_zh="给出已有的位置或已过去的时间点，或不给截止条件。",
        mend_en="Name a position or instant that has been reached, or none.",
    ),
    Problem(
        code="as-of-not-for-trails",
        family=Family.MALFORMED,
        rule=_TWO_DATES,
        title_zh="追溯不按业务日期截止",
        title_en="A trail has no effective day",
        detail_zh="资金的先后以入账次序为准，补记的业务日期不改变次序；追溯只能按日志位置或时间点截止。",
        detail_en="Money queues in the order it was posted, which a back-dated day does not change; a trail is as of a "
        "log position or an instant.",
        mend_zh="改用 position 或 known_at。",
        mend_en="Use position or known_at.",
    ),
    Problem(
        code="account-not-found",
        family=Family.NOT_FOUND,
        rule=_TRAIL,
        title_zh="账户不存在",
        title_en="No such account",
        detail_zh="该账簿没有这个账户。",
        detail_en="This book has no such account.",
    ),
    Problem(
        code="trail-subject-not-one",
        family=Family.MALFORMED,
        rule=_TRAIL,
        title_zh="追溯对象必须恰好一个",
        title_en="A trail is of exactly one thing",
        detail_zh="必须给出且只给出一个追溯对象：{subjects}；line_no 只与 entry_id 一起使用。",
        detail_en="Give exactly one of {subjects}; line_no goes with entry_id only.",
        mend_zh="只保留一个追溯对象。",
        mend_en="Keep exactly one of them.",
    ),
    Problem(
        code="trail-start-not-found",
        family=Family.NOT_FOUND,
        rule=_TRAIL,
        title_zh="找不到追溯起点",
        title_en="Nothing to start the trail from",
        detail_zh="该账簿在此截止点没有所指的追溯对象（{subject}）。",
        detail_en="As of that point this book knows no such {subject}.",
    ),
    Problem(
        code="trail-limit-too-small",
        family=Family.MALFORMED,
        rule=_TRAIL,
        title_zh="条数上限过小",
        title_en="The limit is too small",
        detail_zh="在 {limit} 条之内连一分钱的去向也无法说完。",
        detail_en="Within {limit} edges not even one fen can be followed to its end.",
        mend_zh="提高 limit。",
        mend_en="Raise the limit.",
    ),
    Problem(
        code="trail-broken",
        family=Family.BUG,
        rule=_EXACT,
        title_zh="追溯结果不守恒",
        title_en="The trail does not add up",
        detail_zh="某一步的资金与上一步不相等，系统拒绝给出结果：{reason}",
        detail_en="One step did not hand on exactly what it was given, so no answer is given: {reason}",
        mend_zh="请核验账簿（fundledger verify），并保留此编号。",
        mend_en="Verify the book (fundledger verify) and keep this reference.",
    ),
    Problem(
        code="trial-unbalanced",
        family=Family.BUG,
        rule=_EXACT,
        title_zh="试算不平衡",
        title_en="The trial balance does not balance",
        detail_zh="账簿 {book} 的借方合计与贷方合计不相等，系统拒绝给出结果。",
        detail_en="In book {book} debits and credits differ, so no answer is given.",
        mend_zh="请核验账簿（fundledger verify），并保留此编号。",
        mend_en="Verify the book (fundledger verify) and keep this reference.",
    ),
)
