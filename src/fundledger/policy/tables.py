"""Rows of the policy (政策参数, 资金类别, 补助项目类型, 招投标豁免, 负面清单); a test compares them with the schema."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, Text, text
from sqlmodel import Field, SQLModel


class Parameter(SQLModel, table=True):
    """One version of a limit, day count, percentage or standard; `value` in `unit` (fen, percent, days, workdays …)."""

    __tablename__ = "parameter"

    code: str = Field(sa_type=Text, primary_key=True)
    version: int = Field(primary_key=True)
    value: int = Field(sa_type=BigInteger)
    unit: str = Field(sa_type=Text)
    valid_from: date
    valid_to: date | None = None
    source: str = Field(sa_type=Text)
    note: str = Field(default="", sa_type=Text)
    parameter_id: UUID | None = Field(
        default=None, nullable=False, sa_column_kwargs={"server_default": text("gen_random_uuid()")}
    )


class Fund(SQLModel, table=True):
    """A class of money (资金类别) and how the policy hands it down; `outside_five`: M41, M43, paid by `pay_other`."""

    __tablename__ = "fund"

    fund_code: str = Field(sa_type=Text, primary_key=True)
    name_zh: str = Field(sa_type=Text)
    name_en: str = Field(sa_type=Text)
    origin: str = Field(sa_type=Text)
    basis: str = Field(sa_type=Text)
    standard_parameter: str | None = Field(default=None, sa_type=Text)
    floor_parameter: str | None = Field(default=None, sa_type=Text)
    rule: str = Field(sa_type=Text)
    outside_five: bool = False


class Programme(SQLModel, table=True):
    """What a payment is for (补助项目类型), whom it may pay and what that needs."""

    __tablename__ = "programme"

    programme_code: str = Field(sa_type=Text, primary_key=True)
    name_zh: str = Field(sa_type=Text)
    name_en: str = Field(sa_type=Text)
    payee_kind: str = Field(sa_type=Text)
    category: str = Field(sa_type=Text)
    functional_class: str = Field(sa_type=Text)
    economic_class: str = Field(sa_type=Text)
    roster_required: bool
    participation_required: bool
    paid_in_full: bool
    standard_parameter: str | None = Field(default=None, sa_type=Text)
    rule: str = Field(sa_type=Text)


class ExemptionRule(SQLModel, table=True):
    """A reason for going without a tender (招投标豁免): for which categories and payees, up to which estimate."""

    __tablename__ = "exemption_rule"

    exemption_code: str = Field(sa_type=Text, primary_key=True)
    name_zh: str = Field(sa_type=Text)
    name_en: str = Field(sa_type=Text)
    categories: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    payee_kinds: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    limit_parameter: str | None = Field(default=None, sa_type=Text)
    rule: str = Field(sa_type=Text)


class NegativeListItem(SQLModel, table=True):
    """An economic class (a prefix) that poverty money never pays (负面清单 N1–N11)."""

    __tablename__ = "negative_list"

    code: str = Field(sa_type=Text, primary_key=True)
    economic_class: str = Field(sa_type=Text, primary_key=True)
    name_zh: str = Field(sa_type=Text)
    name_en: str = Field(sa_type=Text)
