"""Reimbursement claims (报账单; domain.md 2.10): what a payee asks for, with vouchers, decided once by another person.

Every payment to an organisation names an approved claim of its project, contract and payee, and all payments under a
claim together stay within it (the gate). An invoice is claimed once in a book (PRC-22); a rejected claim gives its
invoices back. Triggers check the same: who reviews, that the vouchers cover the claim, that a decided claim is final.
Amounts in fen. Locks: invoice numbers (advisory), in order, until the end of the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import Fault, problem
from fundledger.money import format_yuan

Decision = Literal["approved", "rejected"]

_CLAIM = """
INSERT INTO reimbursement_claim (book, claim_id, project_id, procurement_id, payee_id, amount, progress_percent,
    document_no, recorded_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_VOUCHER = """
INSERT INTO claim_voucher (book, claim_id, voucher_no, kind, number, amount, evidence_sha256)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_REVIEW = "INSERT INTO claim_review (book, claim_id, decision, document_no, recorded_by) VALUES ($1, $2, $3, $4, $5)"
_FIND = """
SELECT c.book, c.claim_id, c.project_id, c.procurement_id, c.payee_id, c.amount, c.progress_percent, c.document_no,
    c.recorded_by, c.recorded_at, r.decision, r.document_no AS review_document_no, r.recorded_by AS reviewed_by,
    r.recorded_at AS reviewed_at, claim_paid(c.book, c.claim_id) AS paid
FROM reimbursement_claim c LEFT JOIN claim_review r ON r.book = c.book AND r.claim_id = c.claim_id
WHERE c.book = $1 AND
"""
_VOUCHERS = """
SELECT claim_id, voucher_no, kind, number, amount, evidence_sha256 FROM claim_voucher
WHERE book = $1 AND claim_id = ANY ($2) ORDER BY claim_id, voucher_no
"""


@dataclass(frozen=True, slots=True)
class Voucher:
    """A piece of what a claim rests on; an invoice by its number (code and number together)."""

    kind: str
    number: str
    amount: int
    evidence_sha256: bytes
    voucher_no: int = 0


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A claim as its maker records it; `procurement_id` may be left out where the project has only one."""

    project_id: UUID
    procurement_id: UUID | None
    payee_id: UUID
    amount: int
    progress_percent: int
    document_no: str
    vouchers: Sequence[Voucher]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, its vouchers, what was decided on it and what was paid under it."""

    book: int
    claim_id: UUID
    project_id: UUID
    procurement_id: UUID
    payee_id: UUID
    amount: int
    progress_percent: int
    document_no: str
    recorded_by: UUID
    recorded_at: datetime
    decision: str | None
    review_document_no: str | None
    reviewed_by: UUID | None
    reviewed_at: datetime | None
    paid: int
    vouchers: Sequence[Voucher] = field(default=())


def invoice_number(text: str) -> str:
    """An invoice's code and number as they are compared: upper case, without blanks and dashes."""
    return "".join(char for char in text.upper() if char not in " -\u3000\t")


async def only_procurement(connection: Connection, book: int, project_id: UUID | None) -> UUID | None:
    """The project's procurement, if it has exactly one that came to something; none without a project."""
    live = await connection.fetchval("SELECT live_procurements($1, $2)", book, project_id)
    return live[0] if len(live) == 1 else None


async def record_claim(connection: Connection, caller: Caller, book: int, claim_id: UUID, new: NewClaim) -> None:
    """Record a claim with its vouchers.

    Raises `procurement-not-named`, `claim-vouchers-short`, `invoice-claimed-before`, and `reference-unknown` for what
    is not in this book. In the caller's transaction.
    """
    procurement = new.procurement_id or await only_procurement(connection, book, new.project_id)
    if procurement is None:
        raise problem("procurement-not-named")
    vouchers = sum(voucher.amount for voucher in new.vouchers)
    if vouchers < new.amount:
        short = {"claimed": format_yuan(new.amount), "vouchers": format_yuan(vouchers)}
        raise problem("claim-vouchers-short", faults=[Fault("claim-vouchers-short", dict(short), "/vouchers")], **short)
    await connection.execute(
        _CLAIM, book, claim_id, new.project_id, procurement, new.payee_id, new.amount, new.progress_percent,
        new.document_no, caller.staff_id,
    )  # fmt: skip
    numbered = list(enumerate(new.vouchers, start=1))
    # In the order of their numbers, so that two claims with the same invoices don't wait for each other in a circle.
    for number, voucher in sorted(numbered, key=lambda one: _number(one[1])):
        await connection.execute(
            _VOUCHER, book, claim_id, number, voucher.kind, _number(voucher), voucher.amount, voucher.evidence_sha256
        )


def _number(voucher: Voucher) -> str:
    return invoice_number(voucher.number) if voucher.kind == "invoice" else voucher.number


async def review_claim(
    connection: Connection, caller: Caller, book: int, claim_id: UUID, decision: Decision, document_no: str
) -> None:
    """Approve or reject a claim, once.

    Raises `record-not-found`, `duties-not-separate`, `approver-without-duty`, `claim-vouchers-short`, `claim-decided`.
    """
    await claim_of(connection, book, claim_id)
    await connection.execute(_REVIEW, book, claim_id, decision, document_no, caller.staff_id)


async def claim_of(connection: Connection, book: int, claim_id: UUID) -> Claim:
    """A claim by its id; raises `record-not-found`."""
    found = await _claims(connection, book, await connection.fetch(_FIND + "c.claim_id = $2", book, claim_id))
    if not found:
        raise problem("record-not-found")
    return found[0]


async def claims_of(
    connection: Connection, book: int, project_id: UUID, *, after: UUID | None, limit: int
) -> list[Claim]:
    """A page of a project's claims, oldest first, beginning after a claim."""
    query = _FIND + "c.project_id = $2 AND ($3::uuid IS NULL OR c.claim_id > $3) ORDER BY c.claim_id LIMIT $4"
    return await _claims(connection, book, await connection.fetch(query, book, project_id, after, limit))


async def _claims(connection: Connection, book: int, rows: Sequence[Any]) -> list[Claim]:
    vouchers: dict[UUID, list[Voucher]] = {row["claim_id"]: [] for row in rows}
    for row in await connection.fetch(_VOUCHERS, book, list(vouchers)):
        fields = dict(row)
        vouchers[fields.pop("claim_id")].append(Voucher(**fields))
    return [Claim(**dict(row), vouchers=vouchers[row["claim_id"]]) for row in rows]
