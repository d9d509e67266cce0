"""Rows of the project records: 责任人任期, 项目库, 招投标, 验收, 公告公示. Amounts in fen; newest version counts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, LargeBinary, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

from fundledger.projects.library_tables import (
    NoticeObjection,
    ProjectEvaluation,
    ProjectEvaluationIndicator,
    ProjectFinancing,
    ProjectIndicator,
    ProjectObjection,
)

__all__ = [
    "Acceptance",
    "Notice",
    "NoticeObjection",
    "OfficerTerm",
    "Procurement",
    "Project",
    "ProjectEvaluation",
    "ProjectEvaluationIndicator",
    "ProjectFinancing",
    "ProjectIndicator",
    "ProjectObjection",
]


def _recorded_at() -> Any:
    """Set by the database when the row is written."""
    return Field(
        default=None, sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("clock_timestamp()"), "nullable": False},
    )  # fmt: skip


class OfficerTerm(SQLModel, table=True):
    """An officer's term of office in a unit (责任人任期); `person_no` (工号) tells people of one name apart."""

    __tablename__ = "officer_term"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    officer_id: UUID = Field(primary_key=True)
    name: str = Field(sa_type=Text)
    unit_id: UUID
    role: str = Field(sa_type=Text)
    valid_from: date
    valid_to: date | None = None
    version: int = Field(primary_key=True)
    document_no: str = Field(sa_type=Text)
    person_no: str | None = Field(default=None, sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime = _recorded_at()


class Project(SQLModel, table=True):
    """A project of a district's library (项目库); amount in fen. The newer columns may be null in old rows."""

    __tablename__ = "project"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    project_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    code: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    category: str = Field(sa_type=Text)
    programme_code: str = Field(sa_type=Text)
    village_code: str | None = Field(default=None, sa_type=Text)
    managing_unit_id: UUID | None = None
    performance_target: str = Field(sa_type=Text)
    planned_amount: int = Field(sa_type=BigInteger)
    status: str = Field(sa_type=Text)
    decided_by_unit_id: UUID | None = None
    document_no: str = Field(sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime = _recorded_at()
    nature: str | None = Field(default=None, sa_type=Text)
    place: str | None = Field(default=None, sa_type=Text)
    location_kind: str | None = Field(default=None, sa_type=Text)
    planned_start: date | None = None
    planned_end: date | None = None
    responsible_unit_id: UUID | None = None
    proposing_unit_id: UUID | None = None
    task: str | None = Field(default=None, sa_type=Text)
    households: int | None = None
    persons: int | None = None
    participation_mechanism: str | None = Field(default=None, sa_type=Text)
    proposal_sha256: bytes | None = Field(default=None, sa_type=LargeBinary)
    proposed_version: int | None = None
    reason: str | None = Field(default=None, sa_type=Text)


class Procurement(SQLModel, table=True):
    """How a project's contractor was chosen, or why no tender was needed (招投标); amounts in fen."""

    __tablename__ = "procurement"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    procurement_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    project_id: UUID
    method: str = Field(sa_type=Text)
    estimate: int = Field(sa_type=BigInteger)
    exemption_code: str | None = Field(default=None, sa_type=Text)
    evidence_sha256: bytes | None = Field(default=None, sa_type=LargeBinary)
    awardee_id: UUID | None = None
    contract_no: str | None = Field(default=None, sa_type=Text)
    contract_amount: int | None = Field(default=None, sa_type=BigInteger)
    approved_changes: int = Field(default=0, sa_type=BigInteger)
    document_no: str = Field(sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime = _recorded_at()
    stage: str | None = Field(default="contracted", sa_type=Text)
    title: str = Field(default="", sa_type=Text)
    main_procurement_category: str = Field(default="works", sa_type=Text)
    lot_group: str | None = Field(default=None, sa_type=Text)
    budget_amount: int | None = Field(default=None, sa_type=BigInteger)
    tender_period_start: date | None = None
    tender_period_end: date | None = None
    awarded_on: date | None = None
    signed_on: date | None = None
    price_difference_document_no: str | None = Field(default=None, sa_type=Text)
    retention_percent: int = Field(default=0, sa_type=SmallInteger)


class Bid(SQLModel, table=True):
    """What a bidder offered in a tender (投标); price in fen."""

    __tablename__ = "bid"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    bid_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    procurement_id: UUID
    bidder_id: UUID
    price: int = Field(sa_type=BigInteger)
    received_on: date
    status: str = Field(sa_type=Text)
    reason: str = Field(default="", sa_type=Text)
    evidence_sha256: bytes = Field(sa_type=LargeBinary)
    document_no: str = Field(sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime = _recorded_at()


class Acceptance(SQLModel, table=True):
    """The acceptance of a project's result (验收)."""

    __tablename__ = "acceptance"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    acceptance_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    project_id: UUID
    accepted_on: date
    passed: bool
    evidence_sha256: bytes = Field(sa_type=LargeBinary)
    document_no: str = Field(sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime = _recorded_at()
    kind: str = Field(default="final", sa_type=Text)
    procurement_id: UUID | None = None
    percent_complete: int | None = Field(default=None, sa_type=SmallInteger)
    amount_accepted: int | None = Field(default=None, sa_type=BigInteger)


class Notice(SQLModel, table=True):
    """A public notice (公告公示), of a project, a payment list and other subjects; by ``publish_notice`` only; fen."""

    __tablename__ = "notice"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    notice_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    subject_kind: str = Field(sa_type=Text)
    subject_id: UUID
    level: str = Field(sa_type=Text)
    channel: str = Field(sa_type=Text)
    published_from: date
    published_to: date
    amount: int = Field(sa_type=BigInteger)
    document_no: str = Field(sa_type=Text)
    recorded_by: UUID
    order_no: int = Field(sa_type=BigInteger)
    recorded_at: datetime = Field(sa_type=DateTime(timezone=True))
    evidence_sha256: bytes | None = Field(default=None, sa_type=LargeBinary)
    fiscal_year: int | None = Field(default=None, sa_type=SmallInteger)
