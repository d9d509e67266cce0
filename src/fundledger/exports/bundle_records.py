"""The records that the checks of five-to-district refer to, for as much of the log as the bundle holds. No names.

Every version is written, with the moment it was recorded: the verifier takes each as it was. Sets of ids come from the
entries and lines that were written; the rows are read by key, a table at a time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.sealing.leaf import Row, instant
from fundledger.verifier.manifest import RecordRow

CHUNK = 5_000


@dataclass(slots=True)
class Needed:
    """What the bundle's entries and lines refer to; grows with projects, people and allocations."""

    projects: set[UUID] = field(default_factory=set)
    officers: set[UUID] = field(default_factory=set)
    staff: set[UUID] = field(default_factory=set)
    allocations: set[UUID] = field(default_factory=set)
    budget_lines: set[UUID] = field(default_factory=set)

    def entry(self, row: Row) -> None:
        """What an entry's header names."""
        self.officers.update(one for one in (row["officer_id"], row["supervisor_id"]) if one is not None)
        self.staff.update(one for one in (row["maker_id"], row["approver_id"], row["payer_id"]) if one is not None)
        if row["payee_kind"] is not None and row["project_id"] is not None:
            self.projects.add(row["project_id"])

    def account(self, account: dict[str, object]) -> None:
        """What an account belongs to."""
        for name, ids in (("project_id", self.projects), ("allocation_id", self.allocations),
                          ("budget_line_id", self.budget_lines)):  # fmt: skip
            if account[name] is not None:
                ids.add(UUID(str(account[name])))


_PROJECTS = """SELECT p.*, (SELECT count(*) FROM project_indicator i WHERE i.book = p.book
    AND i.project_id = p.project_id AND i.version = p.proposed_version) AS indicators
    FROM project p WHERE p.project_id = ANY($1)
    ORDER BY p.book, p.project_id, p.version"""
_PROCUREMENTS = """SELECT * FROM procurement WHERE project_id = ANY($1) ORDER BY book, procurement_id, version"""
_CHANGES = """SELECT c.book, c.procurement_id, c.amount, r.recorded_at, 1 AS version FROM contract_change c
    JOIN contract_change_review r ON r.book = c.book AND r.change_id = c.change_id AND r.decision = 'approved'
    WHERE c.procurement_id = ANY(SELECT procurement_id FROM procurement WHERE project_id = ANY($1))
    ORDER BY c.book, c.procurement_id, c.change_id"""
_ACCEPTANCES = "SELECT * FROM acceptance WHERE project_id = ANY($1) ORDER BY book, acceptance_id, version"
_TERMS = """SELECT book, officer_id, role, valid_from, valid_to, version, recorded_at FROM officer_term
    WHERE officer_id = ANY($1) ORDER BY book, officer_id, version"""
_STAFF = """SELECT s.book, s.staff_id, s.unit_id, s.duties, u.kind AS unit_kind FROM staff s
    JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id WHERE s.staff_id = ANY($1) ORDER BY s.book, s.staff_id"""
_ALLOCATIONS = """SELECT DISTINCT ON (allocation_id) * FROM allocation WHERE allocation_id = ANY($1)
    ORDER BY allocation_id, book"""
_BUDGET_LINES = "SELECT * FROM budget_line WHERE budget_line_id = ANY($1) ORDER BY book, budget_line_id"


def _versioned(row: Row) -> dict[str, Any]:
    return {"book": str(row["book"]), "version": row["version"], "recorded_at": instant(row["recorded_at"])}


def _project(row: Row) -> dict[str, Any]:
    return {
        **_versioned(row), "project_id": str(row["project_id"]), "status": row["status"], "category": row["category"],
        "programme_code": row["programme_code"], "village_code": row["village_code"],
        "managing_unit_id": _id(row["managing_unit_id"]), "decided_by_unit_id": _id(row["decided_by_unit_id"]),
        "has_target": row["performance_target"] != "", "indicators": row["indicators"],
        "planned_amount": row["planned_amount"], "location_kind": row["location_kind"],
    }  # fmt: skip


def _procurement(row: Row) -> dict[str, Any]:
    return {
        **_versioned(row), "procurement_id": str(row["procurement_id"]), "project_id": str(row["project_id"]),
        "method": row["method"], "stage": row["stage"], "exemption_code": row["exemption_code"],
        "has_evidence": row["evidence_sha256"] is not None, "awardee_id": _id(row["awardee_id"]),
        "contract_amount": row["contract_amount"], "approved_changes": row["approved_changes"],
    }  # fmt: skip


def _change(row: Row) -> dict[str, Any]:
    return {**_versioned(row), "procurement_id": str(row["procurement_id"]), "amount": row["amount"]}


def _acceptance(row: Row) -> dict[str, Any]:
    return {
        **_versioned(row), "acceptance_id": str(row["acceptance_id"]), "project_id": str(row["project_id"]),
        "procurement_id": _id(row["procurement_id"]), "kind": row["kind"], "passed": row["passed"],
        "accepted_on": row["accepted_on"].isoformat(),
    }  # fmt: skip


def _term(row: Row) -> dict[str, Any]:
    return {
        **_versioned(row), "officer_id": str(row["officer_id"]), "role": row["role"],
        "valid_from": row["valid_from"].isoformat(),
        "valid_to": None if row["valid_to"] is None else row["valid_to"].isoformat(),
    }  # fmt: skip


def _staff(row: Row) -> dict[str, Any]:
    return {
        "book": str(row["book"]), "staff_id": str(row["staff_id"]), "unit_id": str(row["unit_id"]),
        "unit_kind": row["unit_kind"], "duties": sorted(row["duties"]),
    }  # fmt: skip


def _allocation(row: Row) -> dict[str, Any]:
    return {
        "book": str(row["book"]), "allocation_id": str(row["allocation_id"]), "district": str(row["district"]),
        "fund_code": row["fund_code"], "fiscal_year": row["fiscal_year"], "village_code": row["village_code"],
        "document_no": row["document_no"],
    }  # fmt: skip


def _budget_line(row: Row) -> dict[str, Any]:
    return {
        "book": str(row["book"]), "budget_line_id": str(row["budget_line_id"]), "fund_code": row["fund_code"],
        "fiscal_year": row["fiscal_year"], "document_no": row["document_no"],
    }  # fmt: skip


_TABLES: tuple[tuple[str, str, str, Callable[[Row], dict[str, Any]]], ...] = (
    ("project", "projects", _PROJECTS, _project),
    ("procurement", "projects", _PROCUREMENTS, _procurement),
    ("contract_change", "projects", _CHANGES, _change),
    ("acceptance", "projects", _ACCEPTANCES, _acceptance),
    ("officer_term", "officers", _TERMS, _term),
    ("staff", "staff", _STAFF, _staff),
    ("allocation", "allocations", _ALLOCATIONS, _allocation),
    ("budget_line", "budget_lines", _BUDGET_LINES, _budget_line),
)


async def records(connection: Connection, needed: Needed) -> AsyncIterator[RecordRow]:
    """All of them, kind by kind."""
    for kind, ids, query, build in _TABLES:
        wanted = sorted(getattr(needed, ids))
        for start in range(0, len(wanted), CHUNK):
            for row in await connection.fetch(query, wanted[start : start + CHUNK]):
                yield RecordRow(kind=kind, data=build(row))


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)
