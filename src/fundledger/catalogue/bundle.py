"""Problems of bundles: what can't be read as one, what was asked for that can't be given."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_PROOF = "design 5"

ROWS: tuple[Problem, ...] = (
    Problem(
        "bundle-not-a-zip", Family.MALFORMED, _PROOF,
        "不是核验包", "Not a bundle",
        "文件不是完整的 ZIP。", "The file is not a complete ZIP file.",
        "重新取得该文件；核验包由 fundledger export bundle 生成。",
        "Fetch the file again; bundles are made by fundledger export bundle.",
    ),
    Problem(
        "bundle-damaged", Family.MALFORMED, _PROOF,
        "核验包已损坏", "The bundle is damaged",
        "成员 {member} 无法解压，或与其校验和、长度不符。",
        "The member {member} can't be unpacked, or does not fit its checksum or length.",
        "重新取得该文件。", "Fetch the file again.",
    ),
    Problem(
        "bundle-member-unknown", Family.MALFORMED, _PROOF,
        "核验包中有不应有的成员", "The bundle has a member it must not have",
        "“{member}”不是核验包的成员，或重复、是文件夹或链接。",
        "{member} is no member of a bundle, stands twice, or is a folder or a link.",
        "不要使用该文件；向出具单位另行索取。", "Do not use the file; ask the exporter for another.",
    ),
    Problem(
        "bundle-member-locked", Family.MALFORMED, _PROOF,
        "核验包的成员被加密或以未知方式压缩", "A member of the bundle is encrypted or packed in an unknown way",
        "成员 {member} 只能是存储或 deflate，且不加密。",
        "The member {member} may only be stored or deflated, and not encrypted.",
    ),
    Problem(
        "bundle-member-missing", Family.MALFORMED, _PROOF,
        "核验包不完整", "A member of the bundle is missing",
        "缺少成员 {member}。", "The member {member} is missing.",
    ),
    Problem(
        "bundle-member-malformed", Family.MALFORMED, _PROOF,
        "核验包的内容格式不对", "A member of the bundle is malformed",
        "成员 {member} 第 {line} 行：{reason}。", "Member {member}, line {line}: {reason}.",
    ),
    Problem(
        "bundle-too-large", Family.MALFORMED, _PROOF,
        "核验包超出限制", "The bundle is beyond the limits",
        "成员 {member} 解压后过大，或压缩比异常。",
        "The member {member} is too large when unpacked, or compressed beyond what is plausible.",
    ),
    Problem(
        "bundle-version-unknown", Family.MALFORMED, _PROOF,
        "核验包的格式版本未知", "The bundle has a format version that is not known here",
        "格式为“{format}”，本程序只认识 {known}。", "The format is {format}; this program knows {known}.",
        "用出具单位的版本或更新的版本核验。", "Verify with the exporter's version, or a newer one.",
    ),
    Problem(
        "bundle-older-malformed", Family.MALFORMED, _PROOF,
        "较早的检查点无法读取", "The older checkpoint can't be read",
        "{file} 不是检查点：{reason}。", "{file} is not a checkpoint: {reason}.",
    ),
    Problem(
        "bundle-without-checkpoint", Family.REFUSED, _PROOF,
        "还没有签名的检查点", "There is no signed checkpoint yet",
        "日志尚未签名，或没有不大于 {size} 的检查点。",
        "The log was not signed yet, or has no checkpoint of at most {size}.",
        "稍候重试；定序器须在运行。", "Try again in a moment; the sequencer must be running.",
    ),
    Problem(
        "bundle-older-beyond", Family.REFUSED, _PROOF,
        "所给检查点比本次导出更新", "The older checkpoint is newer than this export",
        "所给的较早检查点有 {old} 条记录，本次导出只到 {size} 条。",
        "The older checkpoint has {old} records, this export only {size}.",
    ),
    Problem(
        "bundle-scope-unknown", Family.NOT_FOUND, _PROOF,
        "没有这样的导出范围", "There is no such scope",
        "账簿 {book} 中没有 {kind} {ref}，或其在该检查点之前无任何记录。",
        "Book {book} has no {kind} {ref}, or nothing was recorded of it before the checkpoint.",
    ),
    Problem(
        "bundle-scope-malformed", Family.MALFORMED, _PROOF,
        "导出范围须恰好一个", "The scope is not exactly one",
        "指定一个范围：整个日志、一个账簿，或账簿中的一个对象。",
        "Name one scope: the whole log, or a book, or one subject of a book.",
    ),
    Problem(
        "bundle-openings-not-allowed", Family.FORBIDDEN, _PROOF,
        "不得披露姓名和账号", "Names and accounts may not be opened here",
        "只对收款人本身的范围（户、人、单位、凭证行）、由审计或监察机关或本区披露。",
        "They are opened only for a payee's own scope, to audit or inspection offices or the payee's own district.",
    ),
)  # fmt: skip
