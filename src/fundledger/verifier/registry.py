"""The records that are not sealed, and the notices and parameters that are: who and what five-to-district refers to.

Read whole before the walk: memory grows with projects, contracts, officers and notices, not with payments. A record
counts as it was at a moment: the newest version recorded by then. Whether a record is true to the database's, only the
signed manifest says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

import msgspec

from fundledger.errors import problem
from fundledger.verifier.container import RECORDS
from fundledger.verifier.manifest import RecordRow
from fundledger.verifier.schema import Notice, Parameter, fen


class _Versioned(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    book: str
    version: int
    recorded_at: str


class Project(_Versioned):
    """A version of a project of the library (项目库)."""

    project_id: str
    status: str
    category: str
    programme_code: str
    village_code: str | None
    managing_unit_id: str | None
    decided_by_unit_id: str | None
    has_target: bool
    indicators: int
    planned_amount: int
    location_kind: str | None


class Procurement(_Versioned):
    """A version of an award or exemption (招投标)."""

    procurement_id: str
    project_id: str
    method: str
    stage: str | None
    exemption_code: str | None
    has_evidence: bool
    awardee_id: str | None
    contract_amount: int | None
    approved_changes: int


class ContractChange(_Versioned):
    """A change of a contract that a second person approved; recorded when it was approved."""

    procurement_id: str
    amount: int


class Acceptance(_Versioned):
    """A version of an acceptance (验收)."""

    acceptance_id: str
    project_id: str
    procurement_id: str | None
    kind: str
    passed: bool
    accepted_on: str


class Term(_Versioned):
    """A version of an officer's term (责任人任期)."""

    officer_id: str
    role: str
    valid_from: str
    valid_to: str | None


class Staff(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """Who acts: duties and kind of office, no name."""

    book: str
    staff_id: str
    unit_id: str
    unit_kind: str
    duties: list[str]


class Allocation(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """指标."""

    book: str
    allocation_id: str
    district: str
    fund_code: str
    fiscal_year: int
    village_code: str | None
    document_no: str


class BudgetLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """预算科目."""

    book: str
    budget_line_id: str
    fund_code: str
    fiscal_year: int
    document_no: str


TYPES: dict[str, type[msgspec.Struct]] = {
    "project": Project, "procurement": Procurement, "contract_change": ContractChange, "acceptance": Acceptance,
    "officer_term": Term, "staff": Staff, "allocation": Allocation, "budget_line": BudgetLine,
}  # fmt: skip
_Kind = TypeVar("_Kind", bound=_Versioned)


@dataclass(slots=True)
class Registry:
    """All of them, by what asks for them."""

    projects: dict[str, list[Project]] = field(default_factory=dict)
    procurements: dict[str, list[Procurement]] = field(default_factory=dict)
    of_project: dict[str, list[str]] = field(default_factory=dict)
    changes: dict[str, list[ContractChange]] = field(default_factory=dict)
    acceptances: dict[str, list[Acceptance]] = field(default_factory=dict)
    terms: dict[str, list[Term]] = field(default_factory=dict)
    staff: dict[str, Staff] = field(default_factory=dict)
    allocations: dict[str, Allocation] = field(default_factory=dict)
    budget_lines: dict[str, BudgetLine] = field(default_factory=dict)
    notices: dict[str, list[Notice]] = field(default_factory=dict)
    parameters: dict[str, list[Parameter]] = field(default_factory=dict)

    def add(self, row: RecordRow, number: int) -> None:
        """A row of ``records.ndjson``; `bundle-member-malformed`."""
        kind = TYPES.get(row.kind)
        try:
            if kind is None:
                raise msgspec.ValidationError("a kind of record that is not known")
            record: Any = msgspec.convert(row.data, kind)
        except msgspec.ValidationError as error:
            raise problem("bundle-member-malformed", member=RECORDS, line=number, reason=str(error)[:160]) from error
        self._place(record)

    def _place(self, record: Any) -> None:
        if isinstance(record, Staff):
            self.staff[record.staff_id] = record
        elif isinstance(record, Allocation):
            self.allocations[record.allocation_id] = record
        elif isinstance(record, BudgetLine):
            self.budget_lines[record.budget_line_id] = record
        elif isinstance(record, Procurement):
            self.procurements.setdefault(record.procurement_id, []).append(record)
            known = self.of_project.setdefault(record.project_id, [])
            if record.procurement_id not in known:
                known.append(record.procurement_id)
        else:
            _LISTS[type(record)](self, record)

    def notice(self, record: Notice) -> None:
        """A sealed notice."""
        self.notices.setdefault(record.subject_id, []).append(record)

    def parameter(self, record: Parameter) -> None:
        """A sealed parameter."""
        self.parameters.setdefault(record.code, []).append(record)

    def value(self, code: str, day: str) -> int | None:
        """A parameter's value on a day; None if the bundle does not hold it."""
        valid = [one for one in self.parameters.get(code, ())
                 if one.valid_from <= day and (one.valid_to is None or one.valid_to >= day)]  # fmt: skip
        newest = max(valid, key=lambda one: one.version, default=None)
        return None if newest is None or not newest.value.lstrip("-").isdigit() else int(newest.value)

    def project(self, project_id: str, book: str, moment: str) -> Project | None:
        """A project of a district's library as it was."""
        return at((one for one in self.projects.get(project_id, ()) if one.book == book), moment)

    def contract(self, procurement: Procurement, moment: str) -> int:
        """The contract with its approved changes, in fen."""
        changes = sum(one.amount for one in self.changes.get(procurement.procurement_id, ())
                      if one.recorded_at <= moment and one.book == procurement.book)  # fmt: skip
        return (procurement.contract_amount or 0) + procurement.approved_changes + changes

    def standing_notices(self, subject_id: str, book: str, moment: str) -> list[Notice]:
        """The newest version of each notice of a subject, as of a moment."""
        newest: dict[str, Notice] = {}
        for one in self.notices.get(subject_id, ()):
            known = newest.get(one.notice_id)
            if one.book == book and one.recorded_at <= moment and (known is None or one.version > known.version):
                newest[one.notice_id] = one
        return list(newest.values())


_LISTS: dict[type, Any] = {
    Project: lambda registry, one: registry.projects.setdefault(one.project_id, []).append(one),
    ContractChange: lambda registry, one: registry.changes.setdefault(one.procurement_id, []).append(one),
    Acceptance: lambda registry, one: registry.acceptances.setdefault(one.project_id, []).append(one),
    Term: lambda registry, one: registry.terms.setdefault(one.officer_id, []).append(one),
}


def at(versions: Iterable[_Kind], moment: str) -> _Kind | None:
    """The newest version recorded by a moment (RFC 3339, UTC, six decimals: texts compare as times do)."""
    return max((one for one in versions if one.recorded_at <= moment), key=lambda one: one.version, default=None)


def published(notice: Notice, day: str) -> int:
    """How many days a notice had been up by a day, both counted."""
    try:
        last = min(date.fromisoformat(notice.published_to), date.fromisoformat(day))
        return (last - date.fromisoformat(notice.published_from)).days + 1
    except ValueError:
        return 0


def amount_of(notice: Notice) -> int:
    """The amount that was published, in fen."""
    return fen(notice.amount)
