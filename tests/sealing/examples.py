"""Rows as the database gives them, one of every kind, with nothing random: the golden vectors are made from these.

``python -m tests.sealing.examples`` writes the vectors of a new format version; a version that was released is never
written again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from fundledger.sealing import leaf
from fundledger.sealing.canonical import canonical
from fundledger.sealing.leaf import Row
from fundledger.sealing.merkle import leaf_hash, root

VECTORS = Path(__file__).parent / "vectors"


def number(last: int) -> UUID:
    """A made-up id."""
    return UUID(int=(0x0190_0000_0000_7000_8000 << 48) | last)


MOMENT = datetime(2019, 3, 1, 8, 30, 0, 120, tzinfo=UTC)
ALLOCATION = {
    "fund_code": "special_factor", "fiscal_year": 2019, "district": 420117, "village_code": "420117001200",
    "document_no": "武财指〔2019〕12号",
}  # fmt: skip
AVAILABLE: dict[str, Any] = {
    "account_id": number(1), "account_kind": "available", "exec_year": 2019, "allocation_id": number(10),
    "budget_line_id": None, "project_id": number(20), "payee_id": None, **ALLOCATION,
}  # fmt: skip
PAID: dict[str, Any] = {**AVAILABLE, "account_id": number(2), "account_kind": "paid"}
NO_PAYMENT: dict[str, Any] = dict.fromkeys((
    "household_id", "programme_code", "period", "quantity", "participation_ref", "exception_document_no",
    "name_commitment", "card_commitment",
))  # fmt: skip
LINES: list[dict[str, Any]] = [
    {
        "book": 420117, "entry_id": number(30), "line_no": line, "amount": amount, "debit_before": before,
        "debit_after": before + amount, "credit_before": before, "credit_after": before + amount,
        "payee_id": number(40 + line), "undoes_entry_id": None, "undoes_line_no": None, "undoes_before": None,
        "household_id": number(50 + line), "programme_code": "labour_subsidy", "period": "2019-02", "quantity": line,
        "participation_ref": "出勤表\n\"2\" \\ \u0001", "exception_document_no": None,
        "name_commitment": bytes([line]) * 32, "card_commitment": bytes(range(32)),
        "settles_entry_id": None, "settles_line_no": None, "reissues_entry_id": None, "reissues_line_no": None,
    }
    for line, (amount, before) in enumerate([(8_000, 0), (16_001, 8_000), (1, 24_001)], start=1)
]  # fmt: skip
UNDO: dict[str, Any] = {
    **LINES[1], **NO_PAYMENT, "entry_id": number(31), "line_no": 1, "undoes_entry_id": number(30), "undoes_line_no": 2,
    "undoes_before": 0,
}  # fmt: skip
ENTRY: dict[str, Any] = {
    "book": 420117, "entry_id": number(30), "entry_kind": "pay", "instruction_id": number(60), "crossing_id": None,
    "effective_on": date(2019, 3, 1), "document_no": "区财支〔2019〕3号", "functional_class": "2130599",
    "economic_class": "30399", "release_kind": None, "exception_document_no": None, "officer_id": number(70),
    "supervisor_id": number(71), "maker_id": number(72), "approver_id": number(73), "payer_id": number(74),
    "content_sha256": bytes(range(32)), "line_count": 3, "total": 24_002, "recorded_at": MOMENT,
    "payee_kind": "person", "project_id": number(20), "programme_code": "labour_subsidy", "period": "2019-02",
    "entitlement_on": date(2019, 2, 1), "pay_method": "transfer", "is_final": False, "procurement_id": None,
    "claim_id": None,
}  # fmt: skip
ADVANCED: dict[str, Any] = {
    **AVAILABLE, "account_id": number(3), "account_kind": "advanced", "payee_id": number(90),
}  # fmt: skip
ADVANCE: dict[str, Any] = {**LINES[0], "entry_id": number(33), "payee_id": number(90)}
SETTLEMENT: dict[str, Any] = {
    **LINES[0], **NO_PAYMENT, "entry_id": number(34), "payee_id": number(90), "settles_entry_id": number(33),
    "settles_line_no": 1,
}  # fmt: skip
REISSUE: dict[str, Any] = {**LINES[1], "entry_id": number(35), "reissues_entry_id": number(30), "reissues_line_no": 2}
CONTRACT_PAYMENT: dict[str, Any] = {
    **ENTRY, "entry_id": number(36), "payee_kind": "organisation", "procurement_id": number(91), "claim_id": number(92),
}  # fmt: skip
RELEASE: dict[str, Any] = {
    **ENTRY, "book": 420100, "entry_id": number(32), "entry_kind": "release", "crossing_id": number(60),
    "release_kind": "early", "exception_document_no": "武府办〔2019〕1号", "supervisor_id": None, "payer_id": None,
    "payee_kind": None,
}  # fmt: skip
RECORDS: list[tuple[str, Callable[[Row], dict[str, object]], dict[str, Any]]] = [
    ("approval", leaf.approval, {
        "book": 420117, "approval_id": number(80), "instruction_id": number(60), "content_sha256": bytes(range(32)),
        "approver_id": number(73), "approved_at": MOMENT,
    }),
    ("refusal", leaf.refusal, {
        "book": 420117, "refusal_id": number(81), "code": "balance-insufficient", "staff_id": number(73),
        "unit_id": number(75), "action": "POST /v1/books/{book}/payments", "subject_id": None,
        "request_sha256": bytes(32), "refused_at": MOMENT,
        "detail_text": '{"faults": [], "params": {"shortfall": "1.00", "n": 9007199254740992, "x": 1.50, "y": null, '
                       '"z": true}}',
    }),
    ("notice", leaf.notice, {
        "book": 420117, "notice_id": number(82), "version": 2, "subject_kind": "payment_list", "subject_id": number(60),
        "level": "village", "channel": "村务公开栏", "published_from": date(2019, 2, 1),
        "published_to": date(2019, 2, 11), "amount": 24_002, "document_no": "公示〔2019〕2号",
        "recorded_by": number(72), "recorded_at": MOMENT, "evidence_sha256": None, "fiscal_year": None,
    }),
    ("parameter", leaf.parameter, {
        "book": 420100, "parameter_id": number(83), "code": "amount_max", "version": 1, "value": 2**62, "unit": "fen",
        "valid_from": date(2016, 1, 1), "valid_to": None, "source": "武扶组(2018)12号 四(四)2", "note": "",
        "proposal_id": None,
    }),
    ("period_close", leaf.period_close, {
        "book": 420117, "period_close_id": number(84), "month": date(2019, 2, 1), "closed_by": number(73),
        "document_no": "结〔2019〕2号", "closed_at": MOMENT,
    }),
]  # fmt: skip


def named(made: dict[str, bytes]) -> list[dict[str, str]]:
    """Name, canonical text and leaf hash."""
    return [{"name": name, "data": data.decode(), "leaf_hash": leaf_hash(data).hex()} for name, data in made.items()]


def extended() -> list[dict[str, str]]:
    """The examples that say what only version 2 can say."""
    paid, available, advanced = leaf.side_of(PAID), leaf.side_of(AVAILABLE), leaf.side_of(ADVANCED)
    made = {
        "line of an advance": canonical(leaf.line(ADVANCE, advanced, available)),
        "line that settles": canonical(leaf.line(SETTLEMENT, paid, advanced)),
        "line that re-issues": canonical(leaf.line(REISSUE, paid, available)),
    }
    root_of_one = root([leaf_hash(made["line that re-issues"])])
    made["entry under a contract"] = canonical(leaf.entry(CONTRACT_PAYMENT, root_of_one))
    made["year_close"] = canonical(leaf.year_close({
        "book": 420117, "year_close_id": number(85), "fiscal_year": 2019, "closed_by": number(73),
        "document_no": "结〔2020〕1号", "closed_at": MOMENT,
    }))  # fmt: skip
    made["erasure"] = canonical(leaf.erasure({
        "book": 420117, "erasure_id": number(88), "proposal_id": number(89), "content_sha256": bytes([9]) * 32,
        "document_no": "档销〔2050〕1号", "proposed_by": number(70), "approver_id": number(71), "retention_months": 360,
        "approved_at": MOMENT,
        "lists_text": json.dumps([{
            "instruction_id": str(number(60)), "lines": ["1-2", "5"], "line_count": 3, "commitments_sha256": "07" * 32,
        }]),
    }))  # fmt: skip
    made["parameter that two people made"] = canonical(leaf.parameter({
        "book": 420100, "parameter_id": number(86), "code": "publicity_days_project", "version": 2, "value": 15,
        "unit": "days", "valid_from": date(2020, 1, 1), "valid_to": date(2020, 12, 31),
        "source": "武扶办〔2019〕9号", "note": "", "proposal_id": number(87), "proposed_by": number(70),
        "approver_id": number(71),
    }))  # fmt: skip
    return named(made)


def vectors() -> list[dict[str, str]]:
    """The examples that version 1 can say, as this code makes them."""
    debit, credit = leaf.side_of(PAID), leaf.side_of(AVAILABLE)
    paid = [canonical(leaf.line(row, debit, credit)) for row in LINES]
    made = {f"line {number}": data for number, data in enumerate(paid, start=1)}
    made["line that undoes"] = canonical(leaf.line(UNDO, credit, debit))
    made["entry that pays"] = canonical(leaf.entry(ENTRY, root([leaf_hash(data) for data in paid])))
    made["entry that crosses"] = canonical(leaf.entry(RELEASE, root([leaf_hash(made["line that undoes"])])))
    made.update((name, canonical(build(row))) for name, build, row in RECORDS)
    return named(made)


MADE = {leaf.FORMAT: vectors, leaf.EXTENDED: extended}
"""How the vectors of each version are made."""


if __name__ == "__main__":
    for version, make in MADE.items():
        path = VECTORS / f"v{version}.json"
        if not path.exists():
            path.write_text(json.dumps(make(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
