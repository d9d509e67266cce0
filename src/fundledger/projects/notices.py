"""Notices (公告公示; M11; domain.md 2.7, 国开办发〔2018〕11号): what was published, where, from when to when.

Written by ``publish_notice`` only, because a notice is a record of the sealed log. A payment counts the days a notice
was up by its own day; a payment list's notice must show the list's amount (the gate). A correction is a new version;
what a notice is about can't change. Nothing here holds names: a notice's list is masked by who prints it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.projects.records import expect_next, history
from fundledger.projects.tables import Notice

_PUBLISH = "SELECT publish_notice($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
_SUBJECT = {
    "project": "SELECT EXISTS (SELECT FROM project WHERE book = $1 AND project_id = $2)",
    "payment_list": "SELECT EXISTS (SELECT FROM payment_list WHERE book = $1 AND instruction_id = $2)",
}


async def publish(
    session: AsyncSession, connection: Connection, caller: Caller, book: int, notice_id: UUID, version: int, *,
    subject_kind: str, subject_id: UUID, level: str, channel: str, published_from: date, published_to: date,
    amount: int, document_no: str,
) -> None:  # fmt: skip
    """Record a notice (version 1) or the next version of one, in the session's transaction; `amount` in fen.

    Raises `dates-reversed`, `notice-subject-unknown`, `record-identity-changed`, `version-taken`.
    """
    if published_to < published_from:
        raise problem("dates-reversed")
    if not await connection.fetchval(_SUBJECT[subject_kind], book, subject_id):
        raise problem("notice-subject-unknown")
    if version > 1:
        newest = expect_next(await history(session, Notice, book, notice_id), version)
        if (newest.subject_kind, newest.subject_id) != (subject_kind, subject_id):
            raise problem("record-identity-changed", field="subject_id")
    await connection.execute(
        _PUBLISH, book, notice_id, version, subject_kind, subject_id, level, channel, published_from, published_to,
        amount, document_no, caller.staff_id,
    )  # fmt: skip


async def notices_about(session: AsyncSession, book: int, subject_id: UUID) -> Sequence[Notice]:
    """Every version of the notices about a project or payment list, by notice and version."""
    query = select(Notice).where(col(Notice.subject_id) == subject_id, col(Notice.book) == book)
    return (await session.exec(query.order_by(col(Notice.notice_id), col(Notice.version)))).all()
