"""Problems of the sealed log: its keys, its history, checkpoints and proofs."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_SEALED = "design 5"

ROWS: tuple[Problem, ...] = (
    Problem(
        "log-keys-unusable", Family.REFUSED, _SEALED,
        "日志签名密钥不可用", "The log's signing keys can't be used",
        "密钥文件（FUNDLEDGER_LOG_KEY_FILE）：{reason}。", "The key file (FUNDLEDGER_LOG_KEY_FILE): {reason}.",
        "已有签名的日志须用原密钥：取回密钥文件的备份；新日志用 fundledger key create。",
        "A log that was signed needs its own keys: bring back the file's backup; for a new log, fundledger key create.",
    ),
    Problem(
        "log-history-broken", Family.REFUSED, _SEALED,
        "数据库不含已签名的历史", "The database does not contain the history that was signed",
        "拒绝在其上继续签名：{reason}。", "Nothing more is signed on top of it: {reason}.",
        "恢复更新的备份；如历史确已丢失，告知审计机关并以新密钥和新名称开始新日志。",
        "Restore a newer backup; if the history is lost, tell the audit office and begin a new log with new keys.",
    ),
)  # fmt: skip
