"""Rows of access: 单位 unit, 经办人员 staff, 令牌 token."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, LargeBinary, Text
from sqlmodel import Field, SQLModel


class Unit(SQLModel, table=True):
    """A unit of a level: a finance bureau, a poverty office, a township, an audit office (单位)."""

    __tablename__ = "unit"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    unit_id: UUID = Field(primary_key=True)
    name: str
    kind: str
    division_code: str | None = None


class Staff(SQLModel, table=True):
    """A named person of a unit and the duties (maker, approver, payer) that person holds (经办人员)."""

    __tablename__ = "staff"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    staff_id: UUID = Field(primary_key=True)
    unit_id: UUID
    name: str
    duties: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))


class Token(SQLModel, table=True):
    """A bearer token, by its SHA-256 (令牌)."""

    __tablename__ = "token"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    token_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    staff_id: UUID
    expires_at: datetime
