"""Changing a policy parameter (政策参数): one person of the city proposes, another approves exactly that (design 3.7).

Who may be which, that the unit stays, that no closed month changes and which version it becomes, the database decides
(``approve_parameter``); this module writes proposals, passes decisions on, and reads. Values are whole numbers in the
parameter's unit (money in fen). A version counts from its own first day: what counted on a past day stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from fundledger.access.policy import CITY_BOOK, Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem


@dataclass(frozen=True, slots=True)
class Change:
    """What a version of a parameter is to say; `value` in `unit`, `source` names document and clause."""

    code: str
    value: int
    unit: str
    valid_from: date
    valid_to: date | None
    source: str
    note: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal and what became of it: `version` once approved, `reason` once rejected."""

    book: int
    proposal_id: UUID
    code: str
    value: int
    unit: str
    valid_from: date
    valid_to: date | None
    source: str
    note: str
    proposed_by: UUID
    proposed_at: datetime
    content_sha256: bytes
    status: str
    parameter_id: UUID | None
    version: int | None
    decided_by: UUID | None
    decided_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a parameter, and who proposed and approved it (nobody: it came with the policy's own text)."""

    code: str
    version: int
    value: int
    unit: str
    valid_from: date
    valid_to: date | None
    source: str
    note: str
    parameter_id: UUID
    proposal_id: UUID | None
    proposed_by: UUID | None
    approver_id: UUID | None
    approved_at: datetime | None


_UNIT = "SELECT unit FROM parameter WHERE code = $1 ORDER BY version DESC LIMIT 1"
_PROPOSE = """
INSERT INTO parameter_proposal (book, proposal_id, code, value, unit, valid_from, valid_to, source, note, proposed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_APPROVE = "SELECT approve_parameter($1, $2, $3, $4)"
_REJECT = "SELECT reject_parameter($1, $2, $3, $4)"
_PROPOSALS = """
SELECT book, proposal_id, code, value, unit, valid_from, valid_to, source, note, proposed_by, proposed_at,
       content_sha256, status, parameter_id, version, decided_by, decided_at, reason
FROM parameter_proposal_state
WHERE book = $1 AND proposal_id > $2 AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR code = $4)
ORDER BY proposal_id LIMIT $5
"""
_PROPOSAL = _PROPOSALS[: _PROPOSALS.index("WHERE")] + "WHERE book = $1 AND proposal_id = $2"
_VERSIONS = """
SELECT r.code, r.version, r.value, r.unit, r.valid_from, r.valid_to, r.source, r.note, r.parameter_id,
       a.proposal_id, p.proposed_by, a.approver_id, a.approved_at
FROM parameter r
LEFT JOIN parameter_approval a ON a.book = $1 AND a.parameter_id = r.parameter_id
LEFT JOIN parameter_proposal p ON p.book = a.book AND p.proposal_id = a.proposal_id
WHERE ($2::date IS NULL OR (r.valid_from <= $2 AND coalesce(r.valid_to, 'infinity') >= $2))
  AND ($3::text IS NULL OR r.code = $3)
ORDER BY r.code, r.version
"""


async def propose(connection: Connection, caller: Caller, proposal_id: UUID, change: Change) -> None:
    """Write a proposal. Raises `parameter-unit-differs`, `parameter-value-out-of-range`, `dates-reversed`."""
    unit = await connection.fetchval(_UNIT, change.code)
    if unit is not None and unit != change.unit:
        raise problem("parameter-unit-differs", unit=unit)
    await connection.execute(
        _PROPOSE, CITY_BOOK, proposal_id, change.code, change.value, change.unit, change.valid_from, change.valid_to,
        change.source, change.note, caller.staff_id,
    )  # fmt: skip


async def approve(connection: Connection, caller: Caller, proposal_id: UUID, content_sha256: bytes) -> None:
    """Make the proposal the newest version, if its content has that SHA-256; sealed with the log.

    Raises `parameter-proposal-not-found`, `parameter-proposal-decided`, `duties-not-separate`, `approver-without-duty`,
    `maker-without-duty`, `content-changed`, `parameter-unit-differs`, `parameter-changes-closed-month`.
    """
    await connection.execute(_APPROVE, CITY_BOOK, proposal_id, content_sha256, caller.staff_id)


async def reject(connection: Connection, caller: Caller, proposal_id: UUID, reason: str) -> None:
    """Send a proposal back (退回); raises as `approve` does of who may decide."""
    await connection.execute(_REJECT, CITY_BOOK, proposal_id, caller.staff_id, reason)


async def proposal(connection: Connection, proposal_id: UUID) -> Proposal:
    """One proposal; raises `parameter-proposal-not-found`."""
    row = await connection.fetchrow(_PROPOSAL, CITY_BOOK, proposal_id)
    if row is None:
        raise problem("parameter-proposal-not-found")
    values: dict[str, Any] = dict(row)
    return Proposal(**values)


async def proposals(
    connection: Connection, *, status: str | None, code: str | None, after: UUID, limit: int
) -> list[Proposal]:
    """Proposals in the order they were made."""
    rows = await connection.fetch(_PROPOSALS, CITY_BOOK, after, status, code, limit)
    found: list[dict[str, Any]] = [dict(row) for row in rows]
    return [Proposal(**row) for row in found]


async def versions(connection: Connection, *, on: date | None = None, code: str | None = None) -> list[Version]:
    """Every version of every parameter, or as of a day the one of each that counts: the newest that is valid then.

    Some hundred rows at most, so nothing is paged.
    """
    rows = await connection.fetch(_VERSIONS, CITY_BOOK, on, code)
    found: list[dict[str, Any]] = [dict(row) for row in rows]
    if on is not None:
        found = list({row["code"]: row for row in found}.values())
    return [Version(**row) for row in found]
