"""Rows of the registry: divisions (行政区划), village lists, households, persons, statuses, rosters, organisations.

They say what the migrated schema says (a test compares them); bulk writes go by COPY and reads by named SQL, so these
serve inserts of single records and short reads. `recorded_at` is the database's clock and never written.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, LargeBinary, SmallInteger, Text, text
from sqlmodel import Field, SQLModel


def _recorded_at() -> Any:
    return Field(
        default=None, nullable=False, sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("clock_timestamp()")},
    )  # fmt: skip


class Division(SQLModel, table=True):
    """A division (行政区划) by its statistical code: 6 digits a city or district, 9 a township, 12 a village."""

    __tablename__ = "division"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    code: str = Field(sa_type=Text, primary_key=True)
    name: str = Field(sa_type=Text)
    level: str = Field(sa_type=Text)
    parent_code: str | None = Field(default=None, sa_type=Text)
    source: str = Field(sa_type=Text)


class VillageListVersion(SQLModel, table=True):
    """One version of a year's village list (年度村名单) as far as it concerns one book."""

    __tablename__ = "village_list_version"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    fund_code: str = Field(sa_type=Text, primary_key=True)
    fiscal_year: int = Field(sa_type=SmallInteger, primary_key=True)
    version: int = Field(primary_key=True)
    list_id: UUID
    village_count: int
    document_no: str = Field(sa_type=Text)
    exception_document_no: str | None = Field(default=None, sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime | None = _recorded_at()


class VillageList(SQLModel, table=True):
    """One village on one version of a year's list (M01, M02)."""

    __tablename__ = "village_list"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    fund_code: str = Field(sa_type=Text, primary_key=True)
    fiscal_year: int = Field(sa_type=SmallInteger, primary_key=True)
    version: int = Field(primary_key=True)
    village_code: str = Field(sa_type=Text, primary_key=True)
    document_no: str = Field(sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime | None = _recorded_at()


class Household(SQLModel, table=True):
    """A registered household (建档立卡户); its number is the national system's, opaque to us."""

    __tablename__ = "household"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    household_id: UUID = Field(primary_key=True)
    household_no: str = Field(sa_type=Text)
    village_code: str = Field(sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime | None = _recorded_at()


class Person(SQLModel, table=True):
    """A registered person (建档立卡人口): keyed hashes to match by, everything else sealed (see `vault`)."""

    __tablename__ = "person"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    person_id: UUID = Field(primary_key=True)
    household_id: UUID
    is_head: bool
    identity_hash: bytes = Field(sa_type=LargeBinary)
    name_hash: bytes = Field(sa_type=LargeBinary)
    sealed: bytes = Field(sa_type=LargeBinary)
    recorded_by: UUID
    recorded_at: datetime | None = _recorded_at()


class RegistryStatus(SQLModel, table=True):
    """A status (贫困状态) of a household or person from a day on; a higher version of the same day corrects it."""

    __tablename__ = "registry_status"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    subject_id: UUID = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    version: int = Field(default=1, primary_key=True)
    status: str = Field(sa_type=Text)
    document_no: str = Field(sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime | None = _recorded_at()


class RosterMember(SQLModel, table=True):
    """Somebody put on (列入) or struck off (剔除) a programme's roster (花名册) from a day on."""

    __tablename__ = "roster_member"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    programme_code: str = Field(sa_type=Text, primary_key=True)
    payee_id: UUID = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    version: int = Field(default=1, primary_key=True)
    action: str = Field(sa_type=Text)
    document_no: str = Field(sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime | None = _recorded_at()


class Organisation(SQLModel, table=True):
    """A payee that is no person: supplier, village collective, enterprise, institution."""

    __tablename__ = "organisation"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    organisation_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    credit_code: str = Field(sa_type=Text)
    account_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    recorded_by: UUID
    recorded_at: datetime | None = _recorded_at()


class PayeeAccount(SQLModel, table=True):
    """Where a person's or an organisation's money goes (一卡通, 对公账户): one version, sealed, with its keyed hash."""

    __tablename__ = "payee_account"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    holder_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    account_hash: bytes = Field(sa_type=LargeBinary)
    sealed: bytes = Field(sa_type=LargeBinary)
    bank: str = Field(default="", sa_type=Text)
    document_no: str = Field(sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime | None = _recorded_at()


class PayeeAccountConfirmation(SQLModel, table=True):
    """A second person's word (复核) on a changed account."""

    __tablename__ = "payee_account_confirmation"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    holder_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    confirmed_by: UUID
    recorded_at: datetime | None = _recorded_at()


class OrganisationFlag(SQLModel, table=True):
    """An organisation on the negative list (负面清单), or off it again, from a day on."""

    __tablename__ = "organisation_flag"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    organisation_id: UUID = Field(primary_key=True)
    negative_code: str = Field(sa_type=Text, primary_key=True)
    valid_from: date = Field(primary_key=True)
    version: int = Field(primary_key=True)
    flagged: bool
    reason: str = Field(sa_type=Text)
    document_no: str = Field(sa_type=Text)
    recorded_by: UUID
    recorded_at: datetime | None = _recorded_at()


class RegistryImport(SQLModel, table=True):
    """One upload to the registry or a roster (导入批次) and what it made."""

    __tablename__ = "registry_import"

    book: int = Field(sa_type=BigInteger, primary_key=True)
    import_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    request_sha256: bytes = Field(sa_type=LargeBinary)
    line_count: int
    household_count: int
    person_count: int
    status_count: int
    member_count: int
    recorded_by: UUID
    recorded_at: datetime | None = _recorded_at()
