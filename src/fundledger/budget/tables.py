"""Rows of the budget that the service writes itself: declared figures (申报数). All others come from the gate."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, SmallInteger, Text, text
from sqlmodel import Field, SQLModel


class DeclaredFigure(SQLModel, table=True):
    """What a district declares for M03 (revenue increment) or M04 (recovered idle funds); fen, versioned (申报数)."""

    __tablename__ = "declared_figure"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    fund_code: str = Field(sa_type=Text, primary_key=True)
    fiscal_year: int = Field(sa_type=SmallInteger, primary_key=True)
    version: int = Field(primary_key=True)
    amount: int = Field(sa_type=BigInteger)
    is_final: bool = False
    document_no: str = Field(sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime = Field(
        default=None, sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("clock_timestamp()")}
    )
