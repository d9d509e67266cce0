"""Performance (M10; 国办发〔2018〕35号): a project evaluates itself by its own indicators, another person reviews it.

A self-evaluation is of one year, or of the whole project when it is done; it says what was reached of each indicator.
The review gives the result and how it is used, and changes nothing of the self-evaluation. A result stops no payment by
itself; a `fail` is listed, for whoever decides on next year's money.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.projects.library import indicators_of
from fundledger.projects.records import append, expect_next, history
from fundledger.projects.tables import ProjectEvaluation, ProjectEvaluationIndicator


async def evaluate(
    session: AsyncSession, evaluation: ProjectEvaluation, reached: Sequence[ProjectEvaluationIndicator]
) -> None:
    """A project's self-evaluation (version 1, or a new one after a review): every indicator of its proposal.

    Raises `record-not-found`, `evaluation-not-possible`, `version-taken`, `project-proposer-wrong`.
    """
    asked = {row.indicator_no for row in await indicators_of(session, evaluation.book, evaluation.project_id)}
    if {row.indicator_no for row in reached} != asked or len(reached) != len(asked):
        raise problem("evaluation-not-possible")
    if evaluation.version > 1:
        expect_next(
            await history(session, ProjectEvaluation, evaluation.book, evaluation.evaluation_id), evaluation.version
        )
    await append(session, evaluation)
    session.add_all(reached)
    await session.flush()


async def review(
    session: AsyncSession, caller: Caller, book: int, project_id: UUID, evaluation_id: UUID, version: int,
    fields: dict[str, str],
) -> None:  # fmt: skip
    """The result of a self-evaluation and how it is used, by another person.

    Raises `record-not-found`, `version-taken`, `duties-not-separate`, `evaluation-not-possible`.
    """
    newest = expect_next(await history(session, ProjectEvaluation, book, evaluation_id), version)
    if newest.project_id != project_id:
        raise problem("record-not-found")
    changed = {**fields, "version": version, "state": "reviewed", "recorded_by": caller.staff_id}
    await append(session, ProjectEvaluation(**{**newest.model_dump(exclude={"recorded_at"}), **changed}))


async def reached_of(session: AsyncSession, book: int, evaluation_id: UUID) -> Sequence[ProjectEvaluationIndicator]:
    """What an evaluation says of each indicator, by version and indicator."""
    table = ProjectEvaluationIndicator
    query = select(table).where(col(table.book) == book, col(table.evaluation_id) == evaluation_id)
    return (await session.exec(query.order_by(col(table.version), col(table.indicator_no)))).all()


_EVALUATIONS = """
SELECT e.* FROM project_evaluation_current e
WHERE e.book = $1 AND e.evaluation_id > $2 AND ($4::integer IS NULL OR e.fiscal_year = $4)
  AND ($5::text IS NULL OR e.result = $5)
ORDER BY e.evaluation_id LIMIT $3
"""


async def evaluations(
    connection: Connection, book: int, *, after: UUID, limit: int, year: int | None, result: str | None
) -> list[ProjectEvaluation]:
    """The newest version of each evaluation of a book, by id; of a year, with a result."""
    rows = await connection.fetch(_EVALUATIONS, book, after, limit, year, result)
    return [ProjectEvaluation(**dict(row)) for row in rows]
