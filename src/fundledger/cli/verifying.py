"""`fundledger verify --database`: whose signatures are believed, and what was found.

Without ``--log-key`` the log's own key file is believed, where there is one; with it only the keys named and what they
introduce, so that an auditor need not trust the machine. ``log-head`` beside the key file must be in the log.
"""

from __future__ import annotations

import json

from rich.console import Console

from fundledger.cli.keys import key_refusals
from fundledger.sealing.cosigning import WitnessKeys
from fundledger.sealing.keys import KeyFile, follow
from fundledger.sealing.note import VerifierKey
from fundledger.sealing.recheck import Trust
from fundledger.sealing.signing import HEAD_FILE, read_head
from fundledger.sealing.verify import Report
from fundledger.settings import Settings


def trust(settings: Settings, believed: list[VerifierKey], witnesses: list[VerifierKey]) -> Trust:
    """Whom to believe; `log-keys-unusable`, `log-history-broken`, `log-witness-keys-unusable`."""
    path = settings.log_keys_path
    known = [*witnesses, *WitnessKeys(settings.witness_keys).keys]
    if not path.exists():
        return Trust(believed, known)
    with key_refusals():
        file = KeyFile(path)
        head = read_head(path.with_name(HEAD_FILE), file)
    vouchers = [key.voucher for key in file.ring.keys if key.voucher is not None]
    return Trust(follow(believed, vouchers) if believed else file.ring.verifiers("log"), known, head)


def show(report: Report, out: Console, *, as_json: bool) -> None:
    """Print a report: for machines, or a line per check with its first fault."""
    if as_json:
        out.print_json(json.dumps(report.as_json(), ensure_ascii=False))
        return
    for check in report.checks:
        mark = "ok   " if check.fault is None else "FAULT"
        out.print(f"{mark} {check.name}: {check.title_zh} · {check.title_en}", markup=False)
        if check.fault is not None:
            out.print(f"      {json.dumps(check.fault, ensure_ascii=False)}", markup=False)
    out.print(
        f"日志共 {report.size} 条，待排序 {report.waiting} 条 · "
        f"records in the log: {report.size}, waiting for a position: {report.waiting}"
    )
    if report.unverified:
        out.print(f"未验证的签名（无相应公钥）· signatures of keys nobody named, not verified: {report.unverified}")
    sound = report.first_fault is None
    out.print("核验通过 · sound: every check holds" if sound else "核验发现问题 · a fault was found")
