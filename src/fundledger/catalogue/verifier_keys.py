"""Problems of verifier keys that a command or the operator's file names: each says the file and the line."""

from __future__ import annotations

from fundledger.errors import Family, Problem

_SEALED = "design 5"

ROWS: tuple[Problem, ...] = (
    Problem(
        "verifier-key-malformed",
        Family.MALFORMED,
        _SEALED,
        "公钥无法读取",
        "A verifier key can't be read",
        "{file} 第 {line} 行不是公钥：{reason}。",
        "{file}, line {line}: {reason}.",
        "每行一个公钥（名称+编号+公钥），# 起为注释；从可信途径取得：fundledger key list。",
        "One key a line (name+id+key), # begins a comment; get it from a source you trust: fundledger key list.",
    ),
    Problem(
        "verifier-key-trailing",
        Family.MALFORMED,
        _SEALED,
        "公钥之后还有内容",
        "There is something behind a verifier key",
        "{file} 第 {line} 行在公钥之后还有内容。",
        "{file}, line {line} goes on behind the key.",
        "每行只写一个公钥；说明写在 # 之后。",
        "Write one key a line, and notes behind a #.",
    ),
    Problem(
        "verifier-key-wrong-type",
        Family.MALFORMED,
        _SEALED,
        "公钥类型不对",
        "A verifier key of the wrong type",
        "{file} 第 {line} 行的公钥类型为 {type}，此处须为 {wanted}（1 日志，4 见证方）。",
        "{file}, line {line}: the key is of type {type}, here it must be {wanted} (1 log, 4 witness).",
        "日志公钥用 --log-key，见证方公钥用 --witness-key 或 FUNDLEDGER_WITNESS_KEYS。",
        "Keys of a log go to --log-key, those of witnesses to --witness-key or FUNDLEDGER_WITNESS_KEYS.",
    ),
    Problem(
        "verifier-key-twice",
        Family.MALFORMED,
        _SEALED,
        "公钥重复",
        "A verifier key stands twice",
        "{file} 第 {line} 行与第 {first} 行是同一公钥。",
        "{file}: line {line} is the same key as line {first}.",
        "删去其中一行，并核对是否漏写了另一个公钥。",
        "Take one of them out, and see whether another key was meant.",
    ),
    Problem(
        "verifier-key-ambiguous",
        Family.MALFORMED,
        _SEALED,
        "两个公钥名称和编号相同",
        "Two verifier keys of one name and id",
        "{file} 第 {line} 行与 {other} 第 {first} 行的名称和编号相同，公钥却不同。",
        "{file}, line {line} has the name and id of {other}, line {first}, but is another key.",
        "其中之一可能系伪造：当面向其持有单位核对。",
        "One of them may be forged: compare both with their owner, in person.",
    ),
    Problem(
        "verifier-keys-none",
        Family.MALFORMED,
        _SEALED,
        "文件中没有公钥",
        "The file holds no verifier key",
        "{file} 只有空行或注释。",
        "{file} has blank lines and comments only.",
        "从可信途径取得公钥：fundledger key list。",
        "Get the keys from a source you trust: fundledger key list.",
    ),
    Problem(
        "verifier-keys-too-long",
        Family.MALFORMED,
        _SEALED,
        "公钥文件过长",
        "The file of verifier keys is too long",
        "{file} 超过 {most} 个字符。",
        "{file} has more than {most} characters.",
        "公钥文件每行一个公钥，通常不足 1 KB。",
        "A file of keys has one a line, and usually less than 1 KB.",
    ),
)
