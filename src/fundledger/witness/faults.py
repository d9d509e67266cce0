"""What a monitor can find wrong in a log that it reads, each under a code, in Chinese and English."""

from __future__ import annotations

import re
from typing import Final

FAULTS: Final = {
    "record-missing": ("封存的记录已不在或无法重建", "a sealed record is gone or can't be rebuilt"),
    "record-differs": ("记录与其叶子的哈希不符", "a record does not fit the hash of its leaf"),
    "record-changed": ("已核验过的记录被改动", "a record that was verified before was changed"),
    "record-twice": ("同一记录在日志中出现两次", "a record stands in the log twice"),
    "record-unreadable": (
        "记录不是规范格式，或缺少字段",
        "a record is not canonical, or a field is missing or malformed"),
    "stream-unreadable": ("服务给出的数据行不成格式", "a row of the service's stream has not the form of one"),
    "position-missing": ("日志位置有缺口", "a position of the log is missing"),
    "not-asked": ("服务给出了未要求的记录", "the service gives records that were not asked for"),
    "not-in-checkpoint": (
        "从此处起的记录不在已签名的检查点内",
        "from here on the records are not those of the checkpoint"),
    "lines-differ": ("分录与凭证的分录根不符", "an entry's lines do not give its lines root"),
    "line-misplaced": ("分录不属于该凭证或行号不连续", "a line is of another entry, or its number is out of turn"),
    "line-amount": ("分录金额与前后合计不符", "a line's amount does not fit its totals before and after"),
    "entry-total": ("凭证合计或分录数与分录不符", "an entry's total or line count is not that of its lines"),
    "account-id": ("账户编号与其内容不符", "an account's id is not derived from what it belongs to"),
    "account-kinds": (
        "该类凭证不得在这两类账户之间转账",
        "an entry of this kind may not move money between these accounts"),
    "received-gap": ("收入合计不连续", "what an account received does not tile"),
    "given-gap": ("付出合计不连续", "what an account gave does not tile"),
    "below-zero": ("非来源账户为负", "an account that is no source is below zero"),
    "undo-unknown": ("冲退的原分录不在日志中", "the line that is undone is not in the log"),
    "undo-accounts": ("冲退的账户与原分录不对应", "an undoing does not go back between the accounts of its original"),
    "undo-too-much": ("冲退超过原金额，或累计数不符", "more is undone than was posted, or the count of it is wrong"),
    "settled-too-much": ("清算与退回超过预拨", "more of an advance is settled or taken back than was given"),
    "settle-unknown": (
        "清算的预拨不在日志中，或不是该账户的",
        "the advance that is settled is not in the log, or not of the account"),
    "reissue-twice": (
        "重发的分录未全额退回，金额不同，或已重发过",
        "what is paid again did not come back whole, is another amount, or was paid again before"),
    "same-person": (
        "制单、审批、支付不是不同的人，或付款凭证没有支付人",
        "maker, approver and payer are not different people, or a payment has no payer"),
    "posted-twice": ("同一指令入账两次", "one approved instruction is posted twice"),
    "approval-missing": (
        "日志中没有另一人对同一内容的审批",
        "no approval of the same content by another person is in the log"),
    "crossing-unpaired": ("跨账簿凭证缺另一边", "one side of a crossing is missing"),
    "crossing-differs": ("跨账簿两边不相等", "the two sides of a crossing differ"),
}  # fmt: skip
_MARK: Final = re.compile(r"\[([a-z-]+) @(\d+)\]")


class FaultError(Exception):
    """The first thing that is wrong: a code of FAULTS, a position, the record's name, and what was found."""

    def __init__(self, code: str, position: int, name: str, found: str = "") -> None:
        zh, en = FAULTS[code]
        self.code, self.position = code, position
        record = f"\n记录 record: {name}" if name else ""
        detail = f"\n{found}" if found else ""
        super().__init__(f"[{code} @{position}] {zh} · {en}\n位置 position: {position}{record}{detail}")


def mark_of(detail: str) -> tuple[str, int] | None:
    """Code and position of the fault that an alarm's detail tells of."""
    match = _MARK.match(detail)
    return None if match is None else (match[1], int(match[2]))
