"""Problems of the witness: its key, its store, and what the log it follows answers or does not."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_SEALED = "design 5"

ROWS: tuple[Problem, ...] = (
    Problem(
        "witness-key-unusable", Family.REFUSED, _SEALED,
        "见证密钥不可用", "The witness's key can't be used",
        "见证文件夹中的密钥文件：{reason}。", "The key file in the witness's folder: {reason}.",
        "用 fundledger witness key create --name 生成，或取回备份；已有密钥不会被覆盖。",
        "Make one with fundledger witness key create --name, or bring back its backup; a key is never overwritten.",
    ),
    Problem(
        "witness-store-unusable", Family.UNAVAILABLE, _SEALED,
        "见证文件夹不可用", "The witness's folder can't be used",
        "见证文件夹：{reason}。", "The witness's folder: {reason}.",
        "检查权限和磁盘空间；不要删除该文件夹，它是证据。",
        "Check its permissions and the disk space; do not delete it: it is evidence.",
    ),
    Problem(
        "witness-log-keys-differ", Family.MALFORMED, _SEALED,
        "公钥不属于同一日志", "The verifier keys are not those of one log",
        "给出的公钥有 {names} 个名称；一次只能是一个日志的公钥（及其回执公钥）。",
        "The keys have {names} names; at a time they are those of one log (and of its receipts).",
        "由日志运行单位以 fundledger key list 给出，当面或书面交接；每个日志一个文件。",
        "The log's operator shows them with fundledger key list; take them over in person, one file for each log.",
    ),
    Problem(
        "witness-log-unknown", Family.NOT_FOUND, _SEALED,
        "见证不认识该日志", "The witness does not know the log",
        "见证文件夹中没有日志，或不止一个。", "The witness's folder knows no log, or more than one.",
        "第一次使用、或跟踪多个日志时，给出 --log-key。",
        "Give --log-key on first use, and whenever several logs are followed.",
    ),
    Problem(
        "witness-url-malformed", Family.MALFORMED, _SEALED,
        "日志地址格式不对", "The log's URL is malformed",
        "须为 http:// 或 https:// 开头、不含用户名口令的服务地址。",
        "It is the http:// or https:// address of a service, without user or password.",
    ),
    Problem(
        "witness-check-needs-a-source", Family.MALFORMED, _SEALED,
        "未指明向何处查验", "It was not said where to check",
        "须给出日志服务地址，或同时给出 --proof 和 --leaf 两个文件，二者择一。",
        "Give the address of the log's service, or both files --proof and --leaf: one of the two.",
    ),
    Problem(
        "witness-log-unreachable", Family.UNAVAILABLE, _SEALED,
        "日志不可达", "The log can't be reached",
        "没有得到回答：{reason}。这不是警报，但也不能视为正常。",
        "No answer: {reason}. This is no alarm, but it does not mean that all is well.",
        "稍后重试；长时间不可达须向运行单位查问。", "Try again; ask its operator if it lasts.",
    ),
    Problem(
        "witness-token-refused", Family.FORBIDDEN, _SEALED,
        "日志不接受该令牌", "The log refuses the token",
        "服务以状态 {status} 拒绝 FUNDLEDGER_TOKEN。", "The service refuses FUNDLEDGER_TOKEN with status {status}.",
        "检查令牌是否过期或吊销；需要审计或纪检单位的令牌。",
        "Check whether it expired or was revoked; it must be a token of an audit or inspection office.",
    ),
    Problem(
        "witness-answer-unusable", Family.REFUSED, _SEALED,
        "日志的回答无法使用", "The log's answer can't be used",
        "{path} 的回答不是该服务会给的：{reason}。",
        "What {path} answered is not what such a service gives: {reason}.",
        "检查地址和中间代理；该回答未予采信。",
        "Check the URL and any proxy in between; nothing of the answer was believed.",
    ),
    Problem(
        "witness-checkpoint-untrusted", Family.REFUSED, _SEALED,
        "检查点不是可信密钥所签", "No trusted key signed the checkpoint",
        "日志的检查点未采信：{reason}。", "The log's checkpoint is not believed: {reason}.",
        "如密钥已轮换而旧密钥未为新密钥背书，须由运行单位重新当面交接公钥（--log-key）。",
        "If the log has a new key that no former key introduced, take it over in person again (--log-key).",
    ),
    Problem(
        "witness-proof-withheld", Family.REFUSED, _SEALED,
        "日志不给一致性证明", "The log withholds the consistency proof",
        "日志已从 {old} 增至 {size}，却不给证明（连续第 {times} 次，第 5 次为警报）。",
        "The log grew from {old} to {size} and gives no proof (time {times} in succession; the fifth is an alarm).",
        "稍后重试，并向运行单位查问。", "Try again, and ask its operator.",
    ),
    Problem(
        "witness-evidence-unusable", Family.MALFORMED, _SEALED,
        "回执或证明无法使用", "The receipt or proof can't be used",
        "{file}：{reason}。", "{file}: {reason}.",
        "给出入账时得到的回执原文，以及日志给出的证明文件。",
        "Give the receipt as the posting answered it, and the proof file as the log gave it.",
    ),
)  # fmt: skip
