"""The project library (项目库; M07, M08, M10; domain.md 2.9): a district proposes, and another of its people approves.

    proposed → approved → suspended → approved …      any of them → left (退库), for good

A maker proposes, and changes by proposing anew: a changed project is proposed until it is approved again, and until
then nothing is paid on it. An approver of the district's finance bureau or poverty office decides (approve, suspend,
leave); nobody approves what that person proposed or suspended. No performance target, no approval (M10:
国办发〔2018〕35号). The category is the programme's, so that nobody picks the category that needs no tender. The city
can't approve a project: no route lets it, and a deciding unit belongs to the district's book (foreign key).
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.projects.records import append, expect_next, history
from fundledger.projects.tables import Project

Decision = Literal["approved", "suspended", "left"]
FROM: dict[Decision, frozenset[str]] = {
    "approved": frozenset({"proposed", "suspended"}),
    "suspended": frozenset({"approved"}),
    "left": frozenset({"proposed", "approved", "suspended"}),
}
"""From which status each decision may be taken."""


async def category_of(session: AsyncSession, programme_code: str) -> str:
    """The category of a programme; raises `reference-unknown`."""
    connection = await driver_of(session)
    category = await connection.fetchval("SELECT category FROM programme WHERE programme_code = $1", programme_code)
    if category is None:
        raise problem("reference-unknown", constraint="programme_code")
    return str(category)


async def propose(session: AsyncSession, project: Project) -> None:
    """Propose a project (version 1), or a change of one (the next version); its status is proposed.

    Raises `project-left`, `version-taken`, `record-not-found`, `record-identity-changed` (code), `reference-unknown`.
    """
    if project.version > 1:
        newest = expect_next(await history(session, Project, project.book, project.project_id), project.version)
        if newest.status == "left":
            raise problem("project-left")
        if newest.code != project.code:
            raise problem("record-identity-changed", field="code")
    project.category = await category_of(session, project.programme_code)
    await append(session, project)


async def decide(
    session: AsyncSession, caller: Caller, book: int, project_id: UUID, version: int, decision: Decision,
    document_no: str,
) -> None:  # fmt: skip
    """Approve, suspend or remove a project: the newest version again, with the new status and the deciding unit.

    Raises `project-left`, `project-status-differs`, `project-without-target`, `duties-not-separate`, `version-taken`.
    """
    versions = await history(session, Project, book, project_id)
    newest = expect_next(versions, version)
    if newest.status == "left":
        raise problem("project-left")
    if newest.status not in FROM[decision]:
        raise problem("project-status-differs", status=newest.status)
    if decision == "approved" and not newest.performance_target.strip():
        raise problem("project-without-target")
    proposers = [row.recorded_by for row in versions if row.status == "proposed"][-1:]
    if decision == "approved" and caller.staff_id in (newest.recorded_by, *proposers):
        raise problem("duties-not-separate")
    changed = {
        "version": version, "status": decision, "decided_by_unit_id": caller.unit_id, "document_no": document_no,
        "recorded_by": caller.staff_id,
    }  # fmt: skip
    await append(session, Project(**{**newest.model_dump(exclude={"recorded_at"}), **changed}))


FILTERS = ("status", "village_code", "programme_code")


async def projects(
    connection: Connection, book: int, *, after: UUID, limit: int, filters: dict[str, str | None]
) -> list[Project]:
    """The newest version of each project, by id; `filters`: any of FILTERS, those that are None left out."""
    given = {name: value for name, value in filters.items() if value is not None and name in FILTERS}
    where = "".join(f" AND p.{name} = ${number}" for number, name in enumerate(given, start=4))
    query = f"""
        SELECT p.* FROM project_current p WHERE p.book = $1 AND p.project_id > $2{where} ORDER BY p.project_id LIMIT $3
    """
    return [Project(**dict(row)) for row in await connection.fetch(query, book, after, limit, *given.values())]
