"""Notices (公告公示; M11; domain.md 2.7, 国开办发〔2018〕11号): what was published, where, from when to when.

Written by ``publish_notice`` only, because a notice is a record of the sealed log, and because what is published must
equal the book (PRC-04): the function refuses another amount. A payment counts the days a notice was up by its own day:
a project's notices in days at each level, a payment list's in working days. A correction is a new version; what a
notice is about can't change. Nothing here holds names: a notice's list is masked by who prints it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.projects.records import expect_next, history
from fundledger.projects.tables import Notice

_PUBLISH = "SELECT publish_notice($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"


async def publish(
    session: AsyncSession, connection: Connection, caller: Caller, book: int, notice_id: UUID, version: int, *,
    subject_kind: str, subject_id: UUID | None, level: str, channel: str, published_from: date, published_to: date,
    amount: int, document_no: str, evidence_sha256: bytes | None = None, fiscal_year: int | None = None,
) -> None:  # fmt: skip
    """Record a notice (version 1) or the next version of one, in the session's transaction; `amount` in fen.

    An annual plan has no id: its `fiscal_year` says which. Raises `dates-reversed`, `notice-subject-unknown`,
    `published-amount-differs`, `notice-level-wrong`, `record-identity-changed`, `version-taken`.
    """
    if published_to < published_from:
        raise problem("dates-reversed")
    if (subject_kind == "annual_plan") != (fiscal_year is not None):
        raise problem("notice-subject-unknown")
    if subject_kind == "annual_plan":
        subject_id = await connection.fetchval("SELECT annual_plan_id($1, $2)", book, fiscal_year)
    if subject_id is None:
        raise problem("notice-subject-unknown")
    if version > 1:
        expect_next(await history(session, Notice, book, notice_id), version)
    await connection.execute(
        _PUBLISH, book, notice_id, version, subject_kind, subject_id, level, channel, published_from, published_to,
        amount, document_no, caller.staff_id, evidence_sha256, fiscal_year,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Publicity:
    """What was published of one subject at one level, and what the book has; fen, days (a list's: working days)."""

    subject_kind: str
    subject_id: UUID
    subject_no: str
    level: str
    published: int | None
    ledger: int | None
    days: int
    days_needed: int | None
    finding: str | None


_PUBLICITY = """
SELECT p.subject_kind, p.subject_id, p.subject_no, p.level, p.published, p.ledger, p.days, p.days_needed, p.finding
FROM publicity p
WHERE p.book = $1 AND ($2 OR p.finding IS NOT NULL)
  AND ($3::text IS NULL OR (p.subject_kind, p.subject_id, p.level) > ($3::text, $4::uuid, $5::text))
ORDER BY p.subject_kind, p.subject_id, p.level LIMIT $6
"""


async def publicity(
    connection: Connection, book: int, *, everything: bool, after: tuple[str, UUID, str] | None, limit: int
) -> list[Publicity]:
    """Published against the book: only the findings (PRC-03, PRC-04), or `everything`; by subject and level."""
    start: tuple[Any, ...] = after or (None, None, None)
    return [Publicity(**dict(row)) for row in await connection.fetch(_PUBLICITY, book, everything, *start, limit)]


async def notices_about(session: AsyncSession, book: int, subject_id: UUID) -> Sequence[Notice]:
    """Every version of the notices about a project, a payment list or another subject, by notice and version."""
    query = select(Notice).where(col(Notice.subject_id) == subject_id, col(Notice.book) == book)
    return (await session.exec(query.order_by(col(Notice.notice_id), col(Notice.version)))).all()
