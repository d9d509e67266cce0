"""The content of a leaf: what the sealed log says of one record (stated in ``docs/formats.md``).

Pure: rows of the database in, plain values for `canonical` out. `records` reads the rows, the sequencer and the
verifier hash the result. Everything a leaf says is stored immutably, so a leaf can be rebuilt at any time and its hash
is known at commit; it holds neither its position nor the time it was sealed.

Conventions: ids are UUID text, days ``YYYY-MM-DD``, instants RFC 3339 in UTC with microseconds and ``Z``, bytes
lower-case hex, money decimal yuan as text, books text. People appear as random ids; names and cards only as salted
commitments.
A change of any of this is a new version: golden vectors in ``tests/sealing/vectors`` stop a silent one. Version 2 adds
fields; a record that has nothing to say in them is sealed in version 1 as before, so that no leaf ever changes.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, NamedTuple, Protocol, get_args
from uuid import UUID

from fundledger.money import format_yuan
from fundledger.sealing.canonical import MAX_INT

FORMAT = 1
"""The ``v`` of a record or line that needs none of the fields of version 2."""
EXTENDED = 2
"""With what the district year brought (payees of advances, settlements, re-issues, contracts, claims, year closes), and
erasures."""

Kind = Literal["entry", "approval", "refusal", "notice", "parameter", "period_close", "year_close", "erasure"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
PAYMENTS = frozenset({"pay", "advance", "pay_other"})
"""The kinds of entry that pay a list."""


class Row(Protocol):
    """A row of the database: values by column name (a driver's record, or a dict)."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of a column."""


class Side(NamedTuple):
    """An account as a line describes it, and what its money is of: ``fund`` goes into the line itself."""

    account: dict[str, object]
    fund: tuple[str, int, int | None, str | None, str | None]
    payee_id: str | None = None


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, always with microseconds: ``2019-03-01T08:00:00.000000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def side_of(row: Row) -> Side:
    """An account row (joined with its allocation or budget line) as one side of a line."""
    account: dict[str, object] = {
        "account_id": str(row["account_id"]), "kind": row["account_kind"], "exec_year": row["exec_year"],
        "allocation_id": _id(row["allocation_id"]), "budget_line_id": _id(row["budget_line_id"]),
        "project_id": _id(row["project_id"]),
    }  # fmt: skip
    fund = (row["fund_code"], row["fiscal_year"], row["district"], row["village_code"], row["document_no"])
    return Side(account, fund, _id(row["payee_id"]))


def line(row: Row, debit: Side, credit: Side) -> dict[str, object]:
    """One transfer (分录). The receiver (借) is the debit side; before and after are totals that never fall.

    Version 2 where it settles or re-issues another line, or an account on either side is a payee's own.

    Fund, year, district, village and 指标文号 are of the allocation on either side, or of the budget line if there is
    none; the gate sees to it that both sides agree.
    """
    named = debit if debit.account["allocation_id"] is not None else credit
    fund_code, fiscal_year, district, village_code, document_no = named.fund
    content: dict[str, object] = {
        "v": FORMAT, "kind": "line", "book": str(row["book"]), "entry_id": str(row["entry_id"]),
        "line_no": row["line_no"], "amount": format_yuan(row["amount"]),
        "debit": debit.account, "credit": credit.account,
        "debit_before": format_yuan(row["debit_before"]), "debit_after": format_yuan(row["debit_after"]),
        "credit_before": format_yuan(row["credit_before"]), "credit_after": format_yuan(row["credit_after"]),
        "fund_code": fund_code, "fiscal_year": fiscal_year, "district": None if district is None else str(district),
        "village_code": village_code, "allocation_document_no": document_no, "payee_id": _id(row["payee_id"]),
        "undoes": _undoes(row), "payment": None if row["name_commitment"] is None else _payment(row),
    }  # fmt: skip
    settles, reissues = _reference(row, "settles"), _reference(row, "reissues")
    if settles or reissues or debit.payee_id or credit.payee_id:
        content |= {
            "v": EXTENDED, "settles": settles, "reissues": reissues,
            "debit": debit.account | {"payee_id": debit.payee_id},
            "credit": credit.account | {"payee_id": credit.payee_id},
        }  # fmt: skip
    return content


def entry(row: Row, lines_root: bytes) -> dict[str, object]:
    """The header of an entry (记账凭证): what design 3.10 says a posting names, and the root over its lines."""
    extended = row["payee_kind"] is not None and (row["procurement_id"] or row["claim_id"]) is not None
    return {
        "v": EXTENDED if extended else FORMAT, "kind": "entry", "book": str(row["book"]),
        "entry_id": str(row["entry_id"]), "entry_kind": row["entry_kind"], "instruction_id": str(row["instruction_id"]),
        "crossing_id": _id(row["crossing_id"]), "effective_on": row["effective_on"].isoformat(),
        "document_no": row["document_no"], "functional_class": row["functional_class"],
        "economic_class": row["economic_class"], "release_kind": row["release_kind"],
        "exception_document_no": row["exception_document_no"], "officer_id": str(row["officer_id"]),
        "supervisor_id": _id(row["supervisor_id"]), "maker_id": str(row["maker_id"]),
        "approver_id": str(row["approver_id"]), "payer_id": _id(row["payer_id"]),
        "content_sha256": row["content_sha256"].hex(), "line_count": row["line_count"],
        "total": format_yuan(row["total"]), "recorded_at": instant(row["recorded_at"]),
        "list": None if row["payee_kind"] is None else _list(row, extended=extended),
        "lines_root": lines_root.hex(),
    }  # fmt: skip


def approval(row: Row) -> dict[str, object]:
    """审批: which content (its SHA-256) was approved, by whom, when."""
    return {
        "v": FORMAT, "kind": "approval", "book": str(row["book"]), "approval_id": str(row["approval_id"]),
        "instruction_id": str(row["instruction_id"]), "content_sha256": row["content_sha256"].hex(),
        "approver_id": str(row["approver_id"]), "approved_at": instant(row["approved_at"]),
    }  # fmt: skip


def refusal(row: Row) -> dict[str, object]:
    """拒绝记录: an authorised call that broke a rule; ``detail`` holds typed parameters, never personal data."""
    return {
        "v": FORMAT, "kind": "refusal", "book": str(row["book"]), "refusal_id": str(row["refusal_id"]),
        "code": row["code"], "staff_id": str(row["staff_id"]), "unit_id": str(row["unit_id"]), "action": row["action"],
        "subject_id": _id(row["subject_id"]), "request_sha256": row["request_sha256"].hex(),
        "detail": stored_json(row["detail_text"]), "refused_at": instant(row["refused_at"]),
    }  # fmt: skip


def notice(row: Row) -> dict[str, object]:
    """公告公示: one version of a notice; evidence and fiscal year only where there are any."""
    more: dict[str, object] = {}
    if row["evidence_sha256"] is not None:
        more["evidence_sha256"] = bytes(row["evidence_sha256"]).hex()
    if row["fiscal_year"] is not None:
        more["fiscal_year"] = row["fiscal_year"]
    return {
        "v": FORMAT, "kind": "notice", "book": str(row["book"]), "notice_id": str(row["notice_id"]),
        "version": row["version"], "subject_kind": row["subject_kind"], "subject_id": str(row["subject_id"]),
        "level": row["level"], "channel": row["channel"], "published_from": row["published_from"].isoformat(),
        "published_to": row["published_to"].isoformat(), "amount": format_yuan(row["amount"]),
        "document_no": row["document_no"], "recorded_by": str(row["recorded_by"]),
        "recorded_at": instant(row["recorded_at"]), **more,
    }  # fmt: skip


def parameter(row: Row) -> dict[str, object]:
    """政策参数: one version; ``value`` is text, in ``unit``. Versions that two people made say which two."""
    people = ("proposal_id", "proposed_by", "approver_id")
    changed = {} if row["proposal_id"] is None else {name: str(row[name]) for name in people}
    return {
        "v": EXTENDED if changed else FORMAT, "kind": "parameter", "book": str(row["book"]),
        "parameter_id": str(row["parameter_id"]),
        "code": row["code"], "version": row["version"], "value": str(row["value"]), "unit": row["unit"],
        "valid_from": row["valid_from"].isoformat(), "valid_to": _day(row["valid_to"]), "source": row["source"],
        "note": row["note"], **changed,
    }  # fmt: skip


def period_close(row: Row) -> dict[str, object]:
    """结账: a month that takes nothing any more."""
    return {
        "v": FORMAT, "kind": "period_close", "book": str(row["book"]), "period_close_id": str(row["period_close_id"]),
        "month": row["month"].isoformat(), "closed_by": str(row["closed_by"]), "document_no": row["document_no"],
        "closed_at": instant(row["closed_at"]),
    }  # fmt: skip


def year_close(row: Row) -> dict[str, object]:
    """关账: a year whose accounts hold nothing any more."""
    return {
        "v": EXTENDED, "kind": "year_close", "book": str(row["book"]), "year_close_id": str(row["year_close_id"]),
        "fiscal_year": row["fiscal_year"], "closed_by": str(row["closed_by"]), "document_no": row["document_no"],
        "closed_at": instant(row["closed_at"]),
    }  # fmt: skip


def erasure(row: Row) -> dict[str, object]:
    """删除个人信息: which lines lost the opening of their commitments, who proposed and approved; never what it was."""
    return {
        "v": EXTENDED, "kind": "erasure", "book": str(row["book"]), "erasure_id": str(row["erasure_id"]),
        "proposal_id": str(row["proposal_id"]), "content_sha256": row["content_sha256"].hex(),
        "document_no": row["document_no"], "proposed_by": str(row["proposed_by"]),
        "approver_id": str(row["approver_id"]), "retention_months": row["retention_months"],
        "approved_at": instant(row["approved_at"]), "lists": stored_json(row["lists_text"]),
    }  # fmt: skip


def stored_json(text: str) -> object:
    """A jsonb text as values with a canonical form: numbers that not every reader keeps exactly become their text."""
    return json.loads(text, parse_float=str, parse_int=_whole)


def _whole(text: str) -> int | str:
    return int(text) if len(text) < 16 or -MAX_INT <= int(text) <= MAX_INT else text


def _undoes(row: Row) -> dict[str, object] | None:
    if row["undoes_entry_id"] is None:
        return None
    return {
        "entry_id": str(row["undoes_entry_id"]), "line_no": row["undoes_line_no"],
        "before": format_yuan(row["undoes_before"]),
    }  # fmt: skip


def _reference(row: Row, verb: str) -> dict[str, object] | None:
    """The line that this one settles (清算) or re-issues (重发)."""
    if row[f"{verb}_entry_id"] is None:
        return None
    return {"entry_id": str(row[f"{verb}_entry_id"]), "line_no": row[f"{verb}_line_no"]}


def _payment(row: Row) -> dict[str, object]:
    return {
        "household_id": _id(row["household_id"]), "programme_code": row["programme_code"], "period": row["period"],
        "quantity": row["quantity"], "participation_ref": row["participation_ref"],
        "exception_document_no": row["exception_document_no"], "name_commitment": row["name_commitment"].hex(),
        "card_commitment": row["card_commitment"].hex(),
    }  # fmt: skip


def _list(row: Row, *, extended: bool) -> dict[str, object]:
    content: dict[str, object] = {
        "project_id": _id(row["project_id"]), "programme_code": row["programme_code"], "period": row["period"],
        "entitlement_on": row["entitlement_on"].isoformat(), "payee_kind": row["payee_kind"],
        "pay_method": row["pay_method"], "is_final": row["is_final"],
    }  # fmt: skip
    if extended:
        content |= {"procurement_id": _id(row["procurement_id"]), "claim_id": _id(row["claim_id"])}
    return content


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
