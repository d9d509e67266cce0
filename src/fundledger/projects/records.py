"""What the versioned records share: read a history, and append the next version of it.

A record is (book, id); its rows are its versions, 1, 2, 3 … without a gap. `append` demands that the new row carries
the next number; two writers with the same number meet at the primary key and one gets `version-taken`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.errors import problem
from fundledger.projects.tables import (
    Acceptance,
    Bid,
    Notice,
    NoticeObjection,
    OfficerTerm,
    Procurement,
    Project,
    ProjectEvaluation,
    ProjectObjection,
)

Record = TypeVar(
    "Record",
    OfficerTerm,
    Project,
    Procurement,
    Bid,
    Acceptance,
    Notice,
    ProjectObjection,
    ProjectEvaluation,
    NoticeObjection,
)

OfProject = TypeVar("OfProject", Procurement, Acceptance, ProjectObjection, ProjectEvaluation)

ID_OF: dict[type[SQLModel], str] = {
    OfficerTerm: "officer_id",
    Project: "project_id",
    Procurement: "procurement_id",
    Bid: "bid_id",
    Acceptance: "acceptance_id",
    Notice: "notice_id",
    ProjectObjection: "objection_id",
    ProjectEvaluation: "evaluation_id",
    NoticeObjection: "objection_id",
}


async def history(session: AsyncSession, table: type[Record], book: int, record_id: UUID) -> Sequence[Record]:
    """Every version of a record, oldest first; raises `record-not-found`."""
    key: Any = getattr(table, ID_OF[table])
    query = select(table).where(col(table.book) == book, key == record_id).order_by(col(table.version))
    found = (await session.exec(query)).all()
    if not found:
        raise problem("record-not-found")
    return found


def expect_next(versions: Sequence[Record], version: int) -> Record:
    """The newest version, if `version` is the number after it; raises `version-taken`."""
    newest = versions[-1]
    if version != newest.version + 1:
        raise problem("version-taken", expected=newest.version + 1)
    return newest


async def append(session: AsyncSession, row: Record) -> None:
    """Write a version; what a constraint refuses is refused now, not at commit."""
    session.add(row)
    await session.flush()


async def of_project(session: AsyncSession, table: type[OfProject], book: int, project_id: UUID) -> Sequence[OfProject]:
    """The versions of a project's records of one kind, by record and version."""
    key: Any = getattr(table, ID_OF[table])
    query = select(table).where(col(table.project_id) == project_id, col(table.book) == book)
    return (await session.exec(query.order_by(key, col(table.version)))).all()
