"""`fundledger verify PROOF`: a proof file, checked with what stands in it and the keys its reader trusts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from fundledger.cli.given import read_text
from fundledger.sealing.leaf import instant
from fundledger.sealing.note import VerifierKey
from fundledger.verifier.proof_file import Verdict, is_proof, verify_proof

HEAD_BYTES = 64
_VERDICTS = {
    "sound": "核验通过 · sound: what is listed is in the log",
    "fault": "核验发现问题 · a fault was found: nothing is proved",
    "incomplete": "核验不完整 · incomplete: no fault was found, but not everything could be checked",
}
_LAST_SECOND = 253_402_300_799


def is_proof_file(path: Path) -> bool:
    """Whether a file begins like a proof (a bundle is a ZIP); a file that can't be read is not one."""
    try:
        with path.open("rb") as file:
            return is_proof(file.read(HEAD_BYTES).decode(errors="replace"))
    except OSError:
        return False


def verified(
    path: Path, trusted: Sequence[VerifierKey], witnesses: Sequence[VerifierKey], leaf: Path | None
) -> Verdict:
    """Check a proof; `file-unreadable`, `file-not-text`, `proof-unreadable`."""
    data = None if leaf is None else read_text(leaf)
    return verify_proof(read_text(path), trusted, leaf=data, witnesses=witnesses)


def show(verdict: Verdict, out: Console, *, as_json: bool) -> None:
    """Print a verdict: for machines, or who signed which checkpoint, what is proved in it, and what is wrong."""
    if as_json:
        out.print_json(json.dumps(verdict.as_json(), ensure_ascii=False))
        return
    lines: list[str] = []
    if verdict.checkpoint is not None:
        lines.append(f"检查点 checkpoint: {verdict.checkpoint.origin}, {verdict.checkpoint.size} 条 records")
    lines += [f"签名 signed by: {key}" for key in verdict.signed_by]
    for name, time in verdict.cosigned:
        lines.append(f"见证 cosigned by: {name} {instant(datetime.fromtimestamp(min(time, _LAST_SECOND), UTC))}")
    if verdict.unknown_signatures:
        lines.append(f"不受信任密钥的签名 signatures of keys that are not trusted here: {verdict.unknown_signatures}")
    if verdict.fault is None:
        lines += [f"已证明 proved: {_place(one)}" for one in verdict.proved]
    lines += [f"不完整 INCOMPLETE {text}" for text in verdict.incomplete]
    if verdict.fault is not None:
        lines.append(f"问题 FAULT {verdict.fault}")
    for text in (*lines, _VERDICTS[verdict.state]):
        out.print(text, markup=False)


def _place(one: dict[str, object]) -> str:
    where = f"序号 position {one['position']}" if "position" in one else f"分录 line {one['line_no']}"
    return f"{one['kind']} {one['record_id']}, 账簿 book {one['book']}, {where}"
