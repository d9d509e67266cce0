"""The table of checks: a stable name, and what holds where it passes, in Chinese and English (docs/bundle.md).

Which function makes a check stands where its kind of record is walked: `walk.LINE_CHECKS`, `walk.ENTRY_CHECKS`.
"""

from __future__ import annotations

from typing import NamedTuple


class Check(NamedTuple):
    """One rule a bundle is held against."""

    name: str
    zh: str
    en: str


CHECKS: tuple[Check, ...] = (
    Check("members-fit-the-manifest", "各成员与清单的哈希一致", "each member is what the manifest says"),
    Check("manifest-signed", "清单由出具单位签名", "the exporter signed the manifest"),
    Check("checkpoint-signed", "检查点由可信的日志密钥签名", "a trusted key of the log signed the checkpoint"),
    Check("witnesses-cosigned", "指定的见证方已联署", "the witnesses asked for cosigned the checkpoint"),
    Check("consistent-with-older", "与较早检查点一致", "the older checkpoint is the beginning of this log"),
    Check("leaves-in-the-log", "各记录均在日志中", "every record is in the log, at its position"),
    Check("leaves-are-their-hashes", "各记录与日志所存哈希一致", "each record has the hash that the log holds"),
    Check("records-are-there", "应有的记录均在包内", "no record that belongs into the bundle is missing"),
    Check("canonical-form", "记录为已知版本的规范格式", "records are canonical and of a known version"),
    Check("lines-in-their-entry", "各分录均在其凭证中", "the lines of each entry have the root its header names"),
    Check("entries-add-up", "凭证与其分录张数、金额一致", "entries have the lines and the total they say"),
    Check("amounts-move-totals", "每笔分录前后合计相差其金额", "each line moves both totals by its amount"),
    Check("totals-tile", "账户合计首尾相接无缺口", "totals of each account tile from zero without a gap"),
    Check("never-below-zero", "非来源账户任何一步不为负", "no account but a source is below zero at any step"),
    Check("accounts-are-what-they-say", "账户编号与其内容相符", "each account's id is derived from what it belongs to"),
    Check("accounts-fit-the-kind", "分录账户符合凭证种类", "money moves between the accounts its kind allows"),
    Check("crossings-are-equal", "跨账簿两边相等", "both sides of a crossing are there and equal"),
    Check("undone-at-most-once", "冲退不超过原金额", "no more is undone than was posted"),
    Check("settled-at-most-once", "清算和退回不超过预拨", "no more of an advance is settled or returned than given"),
    Check("reissued-once", "退票行只重发一次", "a returned line is paid again once, to its payee"),
    Check("approved-content-unchanged", "审批后内容未变", "what was approved is what the bundle holds"),
    Check("posted-as-approved", "分录与审批内容逐行一致", "what was posted is what was approved, line by line"),
    Check("duties-are-separate", "制单、审批、支付为不同的人", "maker, approver and payer differ; approved before"),
    Check("duties-are-held", "经办人员具备岗位", "maker, approver and payer have the duty in their office"),
    Check("project-in-library", "项目到区：项目在本区项目库", "the project is approved in its district's library"),
    Check("project-published", "公示：项目已按金额公示", "the project was published with its amount"),
    Check("procurement-fits", "招投标到区：中标或豁免相符", "payees and amounts fit the award or exemption"),
    Check("accepted-before-final", "管理到区：尾款前已验收", "the work was accepted before the final payment"),
    Check("officers-in-office", "责任到区：责任人当日在任", "both officers were in office that day"),
    Check("money-fits", "资金到区：资金、年度、用途相符", "fund, year and purpose fit the allocation"),
    Check("trail-follows-the-money", "资金流向逐段相接", "each slice of the trail continues the one before it"),
    Check("openings-fit", "披露的姓名和账号与承诺相符", "openings fit their commitments"),
)  # fmt: skip
NAMED: dict[str, Check] = {check.name: check for check in CHECKS}
