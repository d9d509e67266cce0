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
    Problem(
        "log-not-sealing", Family.UNAVAILABLE, _SEALED,
        "封存日志未跟上，暂不过账", "Nothing is posted while the sealed log does not keep up",
        "日志状态 {state}，最早未封存的记录已等 {seconds} 秒；此时的回执是注定失信的承诺，故本次未过账。",
        "The log is {state}, its oldest unsealed record has waited {seconds} s; a receipt given now would be a promise "
        "that is going to be broken, so nothing was posted.",
        "稍后以同一幂等键重试；持续如此时看 /healthz 与定序器的日志（fundledger sequence）。",
        "Repeat under the same idempotency key in a moment; if it stays so, see /healthz and what the sequencer "
        "(fundledger sequence) says.",
    ),
    Problem(
        "log-checkpoint-not-found", Family.NOT_FOUND, _SEALED,
        "没有该检查点", "No such checkpoint",
        "日志没有恰好这个大小的已签名检查点，或尚未签名。",
        "The log has no signed checkpoint of exactly this size, or none has been signed yet.",
        "不给大小即用最新的检查点。", "Leave the size out for the newest one.",
    ),
    Problem(
        "log-record-not-sealed", Family.CONFLICT, _SEALED,
        "记录不在该检查点内", "The record is not in that checkpoint",
        "该记录晚于大小为 {size} 的检查点，或尚待封存。",
        "The record came after the checkpoint of size {size}, or still waits to be sealed.",
        "稍后用最新的检查点再取证明。", "Ask again in a moment, under the newest checkpoint.",
    ),
    Problem(
        "log-line-not-found", Family.NOT_FOUND, _SEALED,
        "凭证没有该分录", "The entry has no such line",
        "该凭证没有第 {line_no} 行。", "The entry has no line {line_no}.",
    ),
    Problem(
        "log-size-out-of-range", Family.MALFORMED, _SEALED,
        "日志没有这样的大小", "The log never had these sizes",
        "须满足 0 ≤ {old} ≤ {size} ≤ {length}（当前记录数）。",
        "Sizes must satisfy 0 ≤ {old} ≤ {size} ≤ {length} (the records there are now).",
        "大小取自检查点。", "Take sizes from checkpoints.",
    ),
    Problem(
        "log-record-altered", Family.BUG, _SEALED,
        "记录与封存时不符", "The record is not what was sealed",
        "账簿 {book} 的记录 {kind} {record_id} 与其叶子的哈希不符，拒绝出具证明。",
        "Record {kind} {record_id} of book {book} does not fit the hash of its leaf, so nothing is proved.",
        "立即核验数据库（fundledger verify --database）并告知审计机关。",
        "Verify the database now (fundledger verify --database) and tell the audit office.",
    ),
    Problem(
        "log-cosignature-unreadable", Family.MALFORMED, _SEALED,
        "见证签名无法读取", "The cosignatures can't be read",
        "须为签名行，或带签名行的检查点：{reason}。",
        "They must be signature lines, or a checkpoint with such lines: {reason}.",
    ),
    Problem(
        "log-cosignature-unknown", Family.CONFLICT, _SEALED,
        "没有可信见证方的签名", "None of the cosignatures is of a trusted witness",
        "{count} 行签名均不属于已配置的 {trusted} 个见证公钥。",
        "None of the {count} lines is of one of the {trusted} witness keys that are configured.",
        "把见证方的公钥写入 FUNDLEDGER_WITNESS_KEYS 所指文件，每行一个。",
        "Add the witness's verifier key to the file that FUNDLEDGER_WITNESS_KEYS names, one a line.",
    ),
    Problem(
        "log-cosignature-false", Family.CONFLICT, _SEALED,
        "见证签名不成立", "A cosignature does not verify",
        "{name} 的签名与所指检查点（未指明时，与其签名时间前后的检查点）均不符。",
        "The signature of {name} fits neither the named checkpoint nor, where none was named, those around its time.",
        "以带检查点的完整文本提交；仍不符则比对双方的检查点。",
        "Submit the whole checkpoint with it; if that fails too, compare the two checkpoints.",
    ),
    Problem(
        "log-checkpoint-contradicted", Family.CONFLICT, _SEALED,
        "见证方看到的是另一个检查点", "The witness saw another checkpoint of that size",
        "大小 {size}：本日志的根是 {ours}，见证方签的是 {theirs}。两段历史必有一假。",
        "Size {size}: the root here is {ours}, the witness signed {theirs}. One of the two histories is false.",
        "保存两个检查点，立即告知审计机关。", "Keep both checkpoints and tell the audit office now.",
    ),
    Problem(
        "log-witness-keys-unusable", Family.UNAVAILABLE, _SEALED,
        "见证公钥文件不可用", "The file of witness keys can't be used",
        "FUNDLEDGER_WITNESS_KEYS：{reason}", "FUNDLEDGER_WITNESS_KEYS: {reason}",
        "运行单位改正文件即可，服务会重新读取。", "Its operator mends the file; the service reads it again.",
    ),
    Problem(
        "proof-unreadable", Family.MALFORMED, _SEALED,
        "不是可核验的证明", "Not a proof that can be checked",
        "须为 .tlog-proof 文件、分录证明或带证明的追溯结果：{reason}。",
        "It must be a .tlog-proof file, the proof of a line, or a trail with proof: {reason}.",
        "重新取得该文件，不要改动。", "Fetch the file again and leave it as it is.",
    ),
)  # fmt: skip
