"""`fundledger export bundle` and `fundledger verify BUNDLE`: what an auditor takes away, and proves elsewhere.

Exporting needs the service's database and the log's keys; verifying needs a file and nothing else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

import asyncpg
from rich.console import Console

from fundledger.access.tokens import Tokens
from fundledger.cli.given import read_text
from fundledger.cli.keys import key_refusals
from fundledger.cli.progress import watched
from fundledger.db.database import Database
from fundledger.errors import problem
from fundledger.exports.bundle_request import Asked, asked_bundle, may_open
from fundledger.registry.vault import Vault
from fundledger.sealing import keys
from fundledger.sealing.note import VerifierKey
from fundledger.settings import Settings
from fundledger.verifier.manifest import Manifest
from fundledger.verifier.report import Report
from fundledger.verifier.run import verify_bundle
from fundledger.verifier.trust import Trust

INCOMPLETE_SHOWN = 20
_MARKS = {"ok": "ok        ", "fault": "FAULT     ", "incomplete": "INCOMPLETE", "-": "-         "}
_VERDICTS = {
    "sound": "核验通过：所要求的核验全部完成 · sound: everything asked was checked and holds",
    "fault": "核验发现问题 · a fault was found",
    "incomplete": "核验不完整：有内容无法核验 · incomplete: no fault was found, but not everything could be checked",
}


async def export_bundle(url: str, settings: Settings, asked: Asked, file: IO[bytes], token: str = "") -> Manifest:
    """Write a bundle of a scope, with openings as the person of `token`; `log-keys-unusable`, `bundle-…`."""
    with key_refusals():
        ring = keys.load(settings.log_keys_path)
    vault = await _vault(url, settings, asked, token) if asked.openings else None
    connection = await asyncpg.connect(url, timeout=30, server_settings={"jit": "off"})
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            with watched() as told:
                return await asked_bundle(connection, ring, asked, file, vault, told)
    finally:
        await connection.close()


async def _vault(url: str, settings: Settings, asked: Asked, token: str) -> Vault:
    """The keys that open names and accounts, for a person who may see them; `bundle-openings-not-allowed`."""
    database = Database(url, pool_size=1)
    try:
        caller = await Tokens(database).caller(token)
    finally:
        await database.dispose()
    if asked.book is None or not may_open(caller, asked.book):
        raise problem("bundle-openings-not-allowed")
    return Vault.open(settings.keys_path)


def verified(path: Path, trusted: list[VerifierKey], witnesses: list[VerifierKey], seen: Path | None) -> Report:
    """Verify a bundle with what the caller trusts: keys of logs and witnesses, and a checkpoint seen before."""
    notes = [] if seen is None else [(seen.name, read_text(seen))]
    with watched() as told:
        return verify_bundle(path, Trust(trusted, witnesses, notes), told)


def show(report: Report, out: Console, *, as_json: bool) -> None:
    """Print a report: for machines, or a line per check, the first fault, and what is incomplete."""
    if as_json:
        out.print_json(json.dumps(report.as_json(), ensure_ascii=False))
        return
    for check in report.as_json()["checks"]:
        out.print(f"{_MARKS[check['state']]} {check['name']}: {check['zh']} · {check['en']}", markup=False)
        _details(check, out)
    for text in report.beyond:
        out.print(f"范围之外 beyond the scope: {text}", markup=False)
    out.print("（- 未要求或不适用 · - not asked for, or nothing of the kind）", markup=False)
    first = report.first
    if first is not None:
        out.print(f"首个问题 · first fault: {first[0]} {_text(first[1])}", markup=False)
    out.print(_VERDICTS[report.verdict], markup=False)


def _details(check: dict[str, Any], out: Console) -> None:
    if check["first_fault"] is not None:
        more = f"  (+{check['faults'] - 1})" if check["faults"] > 1 else ""
        out.print(f"           {_text(check['first_fault'])}{more}", markup=False)
    for place in check["incomplete"][:INCOMPLETE_SHOWN]:
        out.print(f"           {_text(place)}", markup=False)
    if check["incomplete_count"] > INCOMPLETE_SHOWN:
        out.print(f"           … {check['incomplete_count'] - INCOMPLETE_SHOWN} more", markup=False)


def _text(place: dict[str, Any]) -> str:
    return json.dumps(place, ensure_ascii=False)
