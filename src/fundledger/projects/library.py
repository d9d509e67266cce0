"""The project library (项目库; M07, M08, M10, M13; domain.md 2.8, 2.9): a village or office proposes, the township
reviews, the district decides.

    proposed → reviewed → approved → suspended → approved …      any of them → left (退库), for good

A maker proposes, and changes by proposing anew: a changed project goes the whole way again, and until then nothing is
funded or paid on it. The township that the village belongs to reviews; the poverty office reviews what is for all of
the district; finance bureau or poverty office approve. Nobody approves what that person proposed, reviewed or
suspended. No performance target with an indicator, no library, no money (国办发〔2018〕35号). The sources of money come
to the planned amount, and each keeps its tag. The category is the programme's, so that nobody picks the category that
needs no tender. The city can't approve a project: no route lets it, and a deciding unit belongs to the district's book.

All of it is kept by triggers (30_projects.sql) whoever writes; here it is said earlier and with more detail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.projects.records import append, expect_next, history
from fundledger.projects.tables import Project, ProjectFinancing, ProjectIndicator

Decision = Literal["reviewed", "approved", "suspended", "left"]
FROM: dict[Decision, frozenset[str]] = {
    "reviewed": frozenset({"proposed"}),
    "approved": frozenset({"reviewed", "suspended"}),
    "suspended": frozenset({"approved"}),
    "left": frozenset({"proposed", "reviewed", "approved", "suspended"}),
}
"""From which status each decision may be taken."""


async def category_of(session: AsyncSession, programme_code: str) -> str:
    """The category of a programme; raises `reference-unknown`."""
    connection = await driver_of(session)
    category = await connection.fetchval("SELECT category FROM programme WHERE programme_code = $1", programme_code)
    if category is None:
        raise problem("reference-unknown", constraint="programme_code")
    return str(category)


async def propose(
    session: AsyncSession, project: Project, indicators: Sequence[ProjectIndicator], sources: Sequence[ProjectFinancing]
) -> None:
    """Propose a project (version 1), or a change of one (the next version), with its indicators and sources of money.

    Raises `project-left`, `version-taken`, `record-not-found`, `record-identity-changed` (code), `reference-unknown`,
    `dates-reversed`, `project-without-target`, `financing-sum-differs`, and what the triggers of the library refuse.
    """
    if project.planned_start and project.planned_end and project.planned_end < project.planned_start:
        raise problem("dates-reversed")
    if not indicators:
        raise problem("project-without-target")
    if sum(source.amount for source in sources) != project.planned_amount or len(
        {source.fund_code for source in sources}
    ) != len(sources):
        raise problem("financing-sum-differs")
    if project.version > 1:
        newest = expect_next(await history(session, Project, project.book, project.project_id), project.version)
        if newest.status == "left":
            raise problem("project-left")
        if newest.code != project.code:
            raise problem("record-identity-changed", field="code")
    project.category = await category_of(session, project.programme_code)
    project.proposed_version = project.version
    await append(session, project)
    session.add_all([*indicators, *sources])
    await session.flush()


async def decide(
    session: AsyncSession, caller: Caller, book: int, project_id: UUID, version: int, decision: Decision,
    document_no: str, reason: str | None = None,
) -> None:  # fmt: skip
    """Review, approve, suspend or remove a project: the newest version again, with its new status and deciding unit.

    Raises `project-left`, `project-status-differs`, `project-without-target`, `duties-not-separate`, `version-taken`,
    `project-reviewer-wrong`, `project-decider-wrong`, `project-reason-missing`, `project-has-money`.
    """
    newest = expect_next(await history(session, Project, book, project_id), version)
    if newest.status == "left":
        raise problem("project-left")
    if newest.status not in FROM[decision]:
        raise problem("project-status-differs", status=newest.status)
    changed = {
        "version": version, "status": decision, "decided_by_unit_id": caller.unit_id, "document_no": document_no,
        "recorded_by": caller.staff_id, "reason": reason,
    }  # fmt: skip
    await append(session, Project(**{**newest.model_dump(exclude={"recorded_at"}), **changed}))


async def indicators_of(session: AsyncSession, book: int, project_id: UUID) -> Sequence[ProjectIndicator]:
    """The indicators of a project's newest proposal; raises `record-not-found`."""
    newest = (await history(session, Project, book, project_id))[-1]
    query = select(ProjectIndicator).where(
        col(ProjectIndicator.book) == book, col(ProjectIndicator.project_id) == project_id,
        col(ProjectIndicator.version) == newest.proposed_version,
    )  # fmt: skip
    return (await session.exec(query.order_by(col(ProjectIndicator.indicator_no)))).all()


@dataclass(frozen=True, slots=True)
class Source:
    """One fund of a project (M13): what it is planned to give, what the project holds or has paid of it; fen."""

    fund_code: str
    planned: int
    funded: int
    paid: int


_SOURCES = """
SELECT coalesce(f.fund_code, m.fund_code) AS fund_code, coalesce(f.amount, 0) AS planned,
       coalesce(m.funded, 0)::bigint AS funded, coalesce(m.paid, 0)::bigint AS paid
FROM (SELECT f.* FROM project_financing f
      JOIN (SELECT * FROM project p WHERE p.book = $1 AND p.project_id = $2 ORDER BY p.version DESC LIMIT 1) p
        ON f.book = p.book AND f.project_id = p.project_id AND f.version = p.proposed_version) f
FULL JOIN (SELECT a.fund_code, sum(b.received - b.given) AS funded,
                  sum(b.received - b.given) FILTER (WHERE c.account_kind = 'paid') AS paid
           FROM account c JOIN account_balance b ON b.book = c.book AND b.account_id = c.account_id
           JOIN allocation a ON a.book = c.book AND a.allocation_id = c.allocation_id
           WHERE c.book = $1 AND c.project_id = $2 GROUP BY a.fund_code) m ON m.fund_code = f.fund_code
ORDER BY 1
"""


async def sources_of(session: AsyncSession, book: int, project_id: UUID) -> list[Source]:
    """A project's money by its source, integrated funds kept apart (统筹整合); raises `record-not-found`."""
    await history(session, Project, book, project_id)
    connection = await driver_of(session)
    return [Source(**dict(row)) for row in await connection.fetch(_SOURCES, book, project_id)]


FILTERS = ("status", "village_code", "programme_code")


async def projects(
    connection: Connection, book: int, *, after: UUID, limit: int, filters: dict[str, str | None],
    year: int | None = None,
) -> list[Project]:  # fmt: skip
    """The newest version of each project, by id; `filters`: any of FILTERS, those that are None left out.

    `year`: only those whose schedule touches that year.
    """
    given: dict[str, object] = {n: value for n, value in filters.items() if value is not None and n in FILTERS}
    where = "".join(f" AND p.{name} = ${number}" for number, name in enumerate(given, start=4))
    values = list(given.values())
    if year is not None:
        where += f" AND p.planned_start <= ${len(values) + 5} AND p.planned_end >= ${len(values) + 4}"
        values += [date(year, 1, 1), date(year, 12, 31)]
    query = f"""
        SELECT p.* FROM project_current p WHERE p.book = $1 AND p.project_id > $2{where} ORDER BY p.project_id LIMIT $3
    """
    return [Project(**dict(row)) for row in await connection.fetch(query, book, after, limit, *values)]
