"""Rows of what hangs on the project library: indicators, sources of money, objections, evaluations. Amounts in fen."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, LargeBinary, Numeric, SmallInteger, Text, text
from sqlmodel import Field, SQLModel


def _recorded_at() -> Any:
    """Set by the database when the row is written."""
    return Field(
        default=None, sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("clock_timestamp()"), "nullable": False},
    )  # fmt: skip


class ProjectIndicator(SQLModel, table=True):
    """One performance indicator of a proposal (绩效指标): a number to be reached, in its own unit."""

    __tablename__ = "project_indicator"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    project_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    indicator_no: int = Field(sa_type=SmallInteger, primary_key=True)
    kind: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    target_value: Decimal = Field(sa_type=Numeric)
    unit: str = Field(sa_type=Text)


class ProjectFinancing(SQLModel, table=True):
    """What one fund is planned to give a proposal (资金来源, M13)."""

    __tablename__ = "project_financing"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    project_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    fund_code: str = Field(sa_type=Text, primary_key=True)
    amount: int = Field(sa_type=BigInteger)


class ProjectObjection(SQLModel, table=True):
    """What the city or a watching office says against a project (H7), and the district's answer.

    `recorded_book` is the book of who wrote the version: the objector's, then the district's own.
    """

    __tablename__ = "project_objection"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    objection_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    project_id: UUID
    state: str = Field(sa_type=Text)
    matter: str = Field(sa_type=Text)
    answer: str | None = Field(default=None, sa_type=Text)
    document_no: str = Field(sa_type=Text)
    evidence_sha256: bytes | None = Field(default=None, sa_type=LargeBinary)
    recorded_book: int = Field(sa_type=BigInteger)
    recorded_by: UUID
    recorded_at: datetime = _recorded_at()


class ProjectEvaluation(SQLModel, table=True):
    """A project's self-evaluation of a year or at its end (绩效自评), and the review of it."""

    __tablename__ = "project_evaluation"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    evaluation_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    project_id: UUID
    fiscal_year: int = Field(sa_type=SmallInteger)
    is_final: bool
    state: str = Field(sa_type=Text)
    score: int = Field(sa_type=SmallInteger)
    conclusion: str = Field(sa_type=Text)
    result: str | None = Field(default=None, sa_type=Text)
    use_of_result: str | None = Field(default=None, sa_type=Text)
    evidence_sha256: bytes | None = Field(default=None, sa_type=LargeBinary)
    document_no: str = Field(sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime = _recorded_at()


class ProjectEvaluationIndicator(SQLModel, table=True):
    """What was reached of one indicator, as the self-evaluation says."""

    __tablename__ = "project_evaluation_indicator"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    evaluation_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    indicator_no: int = Field(sa_type=SmallInteger, primary_key=True)
    actual_value: Decimal = Field(sa_type=Numeric)
    score: int = Field(sa_type=SmallInteger)


class NoticeObjection(SQLModel, table=True):
    """An objection to a notice (异议) and what became of it; who raised it is not kept."""

    __tablename__ = "notice_objection"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    objection_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    notice_id: UUID
    subject_id: UUID
    received_on: date
    kind: str = Field(sa_type=Text)
    received_by: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    finding: str | None = Field(default=None, sa_type=Text)
    document_no: str = Field(sa_type=Text)
    evidence_sha256: bytes | None = Field(default=None, sa_type=LargeBinary)
    recorded_by: UUID
    recorded_at: datetime = _recorded_at()
