"""Objections: the city's to a project (H7), and anybody's to a notice (异议, M11).

The city sees the library and objects; it has no verb that approves or stops a project, so an open objection of the city
is shown and stops no payment: the district answers it with a document, and answers for what it does meanwhile. An
objection to a notice is the people's: while it is open, or upheld and not mended, nothing is paid on its subject.
Who objected is not kept, only how the objection came in and what it is about. Triggers keep the order and the people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.access.policy import Caller
from fundledger.errors import problem
from fundledger.projects.records import append, expect_next, history
from fundledger.projects.tables import Notice, NoticeObjection, Project, ProjectObjection


async def object_to_project(session: AsyncSession, caller: Caller, objection: ProjectObjection) -> None:
    """Raise an objection to a project of a district; raises `record-not-found`, `objector-wrong`."""
    await history(session, Project, objection.book, objection.project_id)
    objection.recorded_book, objection.recorded_by = caller.book, caller.staff_id
    await append(session, objection)


async def answer_project_objection(
    session: AsyncSession, caller: Caller, book: int, project_id: UUID, objection_id: UUID, version: int,
    fields: dict[str, Any],
) -> None:  # fmt: skip
    """The district's answer, with its document; raises `record-not-found`, `version-taken`, `objection-order`."""
    newest = expect_next(await history(session, ProjectObjection, book, objection_id), version)
    if newest.project_id != project_id:
        raise problem("record-not-found")
    changed = {"version": version, "state": "answered", "recorded_book": caller.book, "recorded_by": caller.staff_id}
    row = {**newest.model_dump(exclude={"recorded_at"}), **fields, **changed}
    await append(session, ProjectObjection(**row))


async def record_objection(session: AsyncSession, objection: NoticeObjection) -> None:
    """Record an objection to a notice of this book; raises `record-not-found` when there is no such notice."""
    newest: Notice = (await history(session, Notice, objection.book, objection.notice_id))[-1]
    objection.subject_id = newest.subject_id
    await append(session, objection)


async def answer_objection(
    session: AsyncSession, caller: Caller, book: int, notice_id: UUID, objection_id: UUID, version: int,
    fields: dict[str, Any],
) -> None:  # fmt: skip
    """Answer an objection to a notice, or record that what it rightly said is mended: the next version.

    Raises `record-not-found`, `version-taken`, `objection-order`, `duties-not-separate`, `objection-answerer-wrong`.
    """
    newest = expect_next(await history(session, NoticeObjection, book, objection_id), version)
    if newest.notice_id != notice_id:
        raise problem("record-not-found")
    row = {**newest.model_dump(exclude={"recorded_at"}), **fields, "version": version, "recorded_by": caller.staff_id}
    await append(session, NoticeObjection(**row))


async def objections_to_notice(
    session: AsyncSession, book: int, notice_id: UUID, *, after: tuple[UUID, int] | None, limit: int
) -> Sequence[NoticeObjection]:
    """A page of every version of the objections to a notice, by objection and version."""
    key = col(NoticeObjection.objection_id), col(NoticeObjection.version)
    query = select(NoticeObjection).where(
        col(NoticeObjection.notice_id) == notice_id, col(NoticeObjection.book) == book
    )
    if after is not None:
        query = query.where(tuple_(*key) > after)
    return (await session.exec(query.order_by(*key).limit(limit))).all()
