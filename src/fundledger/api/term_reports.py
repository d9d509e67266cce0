"""The report by term of office (离任审计, M37) over HTTP, as JSON or as one CSV table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, reads
from fundledger.api.officers import OfficerAnswer
from fundledger.api.wire import Answer, Day, YuanOut
from fundledger.db.database import driver_of
from fundledger.files.csv_table import csv_text
from fundledger.money import format_yuan
from fundledger.reports.terms import Outcome, TermReport, term_report

router = APIRouter(prefix="/v1/books/{book}/officers", tags=["reports"])

TABLE = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "the report; CSV on request"}}


class PostedAnswer(Answer):
    """Entries of one kind, fund, year, programme and project under the officer; amount in yuan."""

    entry_kind: str
    fund_code: str | None
    fiscal_year: int | None
    programme_code: str | None
    project_id: UUID | None
    project_code: str | None
    project_name: str | None
    entries: int
    transfers: int
    amount: YuanOut


class OutcomeAnswer(Answer):
    """What the postings came to by the last day; `unsettled` is what is advanced and neither settled nor given back."""

    funded: YuanOut
    paid: YuanOut
    returned: YuanOut
    advanced: YuanOut
    settled: YuanOut
    advance_returned: YuanOut
    unsettled: YuanOut


class AnsweredProject(OutcomeAnswer):
    """A project the officer answered for."""

    project_id: UUID
    code: str
    name: str
    programme_code: str
    village_code: str | None
    status: str
    planned_amount: YuanOut


class ContractAnswer(Answer):
    """A contract of such a project, with its approved changes."""

    procurement_id: UUID
    project_id: UUID
    contract_no: str
    method: str
    amount: YuanOut
    document_no: str


class AcceptanceInTerm(Answer):
    """An acceptance of such a project within the days."""

    acceptance_id: UUID
    project_id: UUID
    accepted_on: date
    passed: bool
    document_no: str


class IdleAnswer(Answer):
    """Money of the book that lay idle at the end of the last day; its age runs from the end of its fiscal year."""

    account_kind: str
    fund_code: str
    fiscal_year: int
    village_code: str | None
    document_no: str
    allocation_id: UUID | None
    project_id: UUID | None
    amount: YuanOut
    age_days: int


class RefusalCount(Answer):
    """Calls of this book's people that were refused with a code, and how often with repeats."""

    code: str
    calls: int
    times: int


class TermReportAnswer(Answer):
    """The report; totals are the sums of the rows below them."""

    officer: OfficerAnswer
    first_day: date
    last_day: date
    posted_total: YuanOut
    postings: list[PostedAnswer]
    outcome: OutcomeAnswer
    projects: list[AnsweredProject]
    contracts: list[ContractAnswer]
    acceptances: list[AcceptanceInTerm]
    idle_total: YuanOut
    idle: list[IdleAnswer]
    refusals: list[RefusalCount]


@router.get("/{officer_id}/term-report", response_model=TermReportAnswer, responses=TABLE)  # type: ignore[arg-type]
async def get_term_report(
    book: int,
    officer_id: UUID,
    request: Request,
    call: Annotated[Call, reads(EVERYBODY)],
    session: Reading,
    first: Annotated[Day | None, Query(alias="from", description="first day; default: of the term")] = None,
    last: Annotated[Day | None, Query(alias="to", description="last day; default: of the term, or today")] = None,
    format: Annotated[Literal["json", "csv"] | None, Query()] = None,  # noqa: A002 - the name people type
) -> Any:
    """What was posted under an officer, what became of it, and what lay idle when the term ended (离任审计)."""
    report = await term_report(await driver_of(session), book, officer_id, first=first, last=last)
    wants_csv = request.headers.get("accept", "").split(";")[0].split(",")[0].strip().lower() == "text/csv"
    if format == "csv" or (format is None and wants_csv):
        return Response(csv_text(list(_table(report))), media_type="text/csv; charset=utf-8")
    return _answer(report)


def _outcome(outcome: Outcome) -> dict[str, int]:
    return {**asdict(outcome), "unsettled": outcome.unsettled}


def _answer(report: TermReport) -> TermReportAnswer:
    return TermReportAnswer(
        officer=OfficerAnswer.model_validate(report.officer), first_day=report.first, last_day=report.last,
        posted_total=sum(row.amount for row in report.postings),
        postings=[PostedAnswer.model_validate(row) for row in report.postings],
        outcome=OutcomeAnswer(**_outcome(report.outcome)),
        projects=[AnsweredProject(**row.project, **_outcome(row.outcome)) for row in report.projects],
        contracts=[ContractAnswer(**row) for row in report.contracts],
        acceptances=[AcceptanceInTerm(**row) for row in report.acceptances],
        idle_total=sum(row["amount"] for row in report.idle), idle=[IdleAnswer(**row) for row in report.idle],
        refusals=[RefusalCount(**row) for row in report.refusals],
    )  # fmt: skip


_COLUMNS = (
    "section", "item", "code", "name", "fund_code", "fiscal_year", "programme_code", "village_code", "document_no",
    "day", "age_days", "number", "transfers", "amount",
)  # fmt: skip


def _row(section: str, **fields: object) -> dict[str, object]:
    row = {name: fields.get(name) for name in _COLUMNS} | {"section": section}
    if isinstance(row["amount"], int):
        row["amount"] = format_yuan(row["amount"])
    return row


def _table(report: TermReport) -> Iterator[dict[str, object]]:
    """One table for all parts, the part in the first column; a project's figures are a row each."""
    officer = report.officer
    yield _row("officer", item=officer.role, code=officer.person_no, name=officer.name, document_no=officer.document_no,
               day=f"{report.first}/{report.last}")  # fmt: skip
    for row in report.postings:
        yield _row("posted", item=row.entry_kind, code=row.project_code, name=row.project_name, fund_code=row.fund_code,
                   fiscal_year=row.fiscal_year, programme_code=row.programme_code, number=row.entries,
                   transfers=row.transfers, amount=row.amount)  # fmt: skip
    for name, amount in _outcome(report.outcome).items():
        yield _row("outcome", item=name, amount=amount)
    for answered in report.projects:
        for name, amount in _outcome(answered.outcome).items():
            yield _row("project", **{**answered.project, "item": name, "amount": amount})
    yield from _records(report)


def _records(report: TermReport) -> Iterable[dict[str, object]]:
    for row in report.contracts:
        yield _row(
            "contract",
            item=row["method"],
            code=row["contract_no"],
            document_no=row["document_no"],
            amount=row["amount"],
        )
    for row in report.acceptances:
        yield _row(
            "acceptance",
            item="passed" if row["passed"] else "failed",
            document_no=row["document_no"],
            day=row["accepted_on"],
        )
    for row in report.idle:
        yield _row("idle", **{**row, "item": row["account_kind"]})
    for row in report.refusals:
        yield _row("refusal", code=row["code"], number=row["times"])
