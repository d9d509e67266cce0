"""Performance of projects (绩效评价, M10): self-evaluation by indicators, its review, lists by year and result."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from fundledger.access.policy import EVERYBODY, PROPOSERS
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import FiscalYear, Measure, MeasureOut, Sha256, Sha256Out, Version
from fundledger.api.records import after_id, fields_of, next_id, recorded
from fundledger.api.wire import Answer, Body, Cursor, Limit, Text
from fundledger.db.database import driver_of
from fundledger.ids import new_id
from fundledger.projects.evaluations import evaluate, evaluations, reached_of, review
from fundledger.projects.records import of_project
from fundledger.projects.tables import ProjectEvaluation, ProjectEvaluationIndicator

router = APIRouter(prefix="/v1/books/{book}", tags=["projects"])

Maker = Annotated[Call, writes(PROPOSERS, "maker", level="district")]
Decider = Annotated[Call, writes(frozenset({"finance", "poverty_office"}), "approver", level="district")]
Reader = Annotated[Call, reads(EVERYBODY)]
Score = Annotated[int, Field(ge=0, le=100)]
Result = Literal["excellent", "good", "pass", "fail"]


class ReachedBody(Body):
    """What was reached of one indicator."""

    indicator_no: Annotated[int, Field(ge=1, le=100)]
    actual_value: Measure
    score: Score


class EvaluationBody(Body):
    """A self-evaluation of a year, or (`is_final`) of the whole project; every indicator of its proposal."""

    fiscal_year: FiscalYear
    is_final: bool = False
    indicators: Annotated[list[ReachedBody], Field(max_length=100)]
    score: Score
    conclusion: Text
    evidence_sha256: Sha256 | None = None
    document_no: Text


class EvaluationReview(Body):
    """The result of a self-evaluation, and what follows from it (结果应用)."""

    version: Version
    result: Result
    use_of_result: Text
    document_no: Text


class EvaluationAnswer(Answer):
    """One version of an evaluation."""

    evaluation_id: UUID
    version: int
    project_id: UUID
    fiscal_year: int
    is_final: bool
    state: str
    score: int
    conclusion: str
    result: str | None
    use_of_result: str | None
    evidence_sha256: Sha256Out | None
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


class EvaluationPage(Answer):
    """Evaluations in the order of their ids."""

    items: list[EvaluationAnswer]
    next: str | None


class ReachedAnswer(Answer):
    """What was reached of one indicator, in a version of an evaluation."""

    version: int
    indicator_no: int
    actual_value: MeasureOut
    score: int


@router.post("/projects/{project_id}/evaluations", status_code=201)
async def evaluate_project(
    book: int, project_id: UUID, body: EvaluationBody, call: Maker, session: Writing, response: Response
) -> EvaluationAnswer:
    """A project's self-evaluation (自评)."""

    async def write(new: UUID) -> None:
        key: dict[str, Any] = {"book": book, "evaluation_id": new, "version": 1}
        row = ProjectEvaluation(
            **key, project_id=project_id, state="self", recorded_by=call.caller.staff_id,
            **fields_of(body, "indicators"),
        )  # fmt: skip
        await evaluate(session, row, [ProjectEvaluationIndicator(**key, **one.__dict__) for one in body.indicators])

    row = await recorded(call, session, response, ProjectEvaluation, book, new_id(), 1, write)
    return EvaluationAnswer.model_validate(row)


@router.post("/projects/{project_id}/evaluations/{evaluation_id}/review", status_code=201)
async def review_evaluation(
    book: int, project_id: UUID, evaluation_id: UUID, body: EvaluationReview, call: Decider, session: Writing,
    response: Response,
) -> EvaluationAnswer:  # fmt: skip
    """The result of a self-evaluation, by another person."""
    fields = fields_of(body, "version")
    row = await recorded(
        call, session, response, ProjectEvaluation, book, evaluation_id, body.version,
        lambda same: review(session, call.caller, book, project_id, same, body.version, fields),
    )  # fmt: skip
    return EvaluationAnswer.model_validate(row)


@router.get("/projects/{project_id}/evaluations")
async def list_evaluations_of_project(
    book: int, project_id: UUID, call: Reader, session: Reading
) -> list[EvaluationAnswer]:
    """The evaluations of a project, every version."""
    found = await of_project(session, ProjectEvaluation, book, project_id)
    return [EvaluationAnswer.model_validate(row) for row in found]


@router.get("/evaluations")
async def list_evaluations(
    book: int, call: Reader, session: Reading, year: FiscalYear | None = None, result: Result | None = None,
    limit: Limit = 100, cursor: Cursor = None,
) -> EvaluationPage:  # fmt: skip
    """The evaluations of a book, the newest version of each; `fail` is for whoever decides on next year's money."""
    connection = await driver_of(session)
    found = await evaluations(connection, book, after=after_id(cursor), limit=limit, year=year, result=result)
    items = [EvaluationAnswer.model_validate(row) for row in found]
    return EvaluationPage(items=items, next=next_id([row.evaluation_id for row in found], limit))


@router.get("/evaluations/{evaluation_id}/indicators")
async def list_evaluation_indicators(
    book: int, evaluation_id: UUID, call: Reader, session: Reading
) -> list[ReachedAnswer]:
    """What an evaluation says of each indicator, every version."""
    return [ReachedAnswer.model_validate(row) for row in await reached_of(session, book, evaluation_id)]
