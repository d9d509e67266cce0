"""Problems of asking for anomalies: a rule that does not exist, a period that runs backwards."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_LEADS = "design 6"

ROWS: tuple[Problem, ...] = (
    Problem(
        "anomaly-rule-unknown", Family.MALFORMED, _LEADS,
        "没有这条疑点规则", "There is no such rule",
        "没有这一编号的疑点规则；现有规则：{rules}。",
        "No anomaly rule has that id; the rules are: {rules}.",
        "规则及其含义见 /v1/anomaly-rules。", "See /v1/anomaly-rules for the rules and what they mean.",
    ),
    Problem(
        "anomaly-period-reversed", Family.MALFORMED, _LEADS,
        "期间起止颠倒", "The period runs backwards",
        "起始日 {since} 晚于截止日 {until}。", "The period begins on {since}, after its end on {until}.",
        "交换起止日期。", "Swap the two dates.",
    ),
)  # fmt: skip
