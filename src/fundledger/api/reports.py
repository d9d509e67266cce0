"""Reports for officials, auditors and inspectors: execution of the budget by any key, compliance with the policy."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, reads
from fundledger.api.fields import BookOut, FiscalYear
from fundledger.api.wire import Answer, Day, YuanOut
from fundledger.db.database import driver_of
from fundledger.files.csv_table import csv_text
from fundledger.money import format_yuan
from fundledger.reports import compliance
from fundledger.reports.execution import Key, Row, execution, totals

router = APIRouter(prefix="/v1/books/{book}/reports", tags=["reports"])

Reader = Annotated[Call, reads(EVERYBODY)]
TABLE = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "the report; CSV on request"}}


class Amounts(Answer):
    """Yuan; see the report's description in docs/reports.md."""

    allocated: YuanOut
    released: YuanOut
    funded: YuanOut
    advanced: YuanOut
    paid: YuanOut
    returned: YuanOut
    surplus: YuanOut
    unreleased: YuanOut
    idle: YuanOut
    idle_alert: YuanOut
    idle_surplus: YuanOut


class ExecutionRow(Amounts):
    """One row: the fields of its key, the others null; idle days count from the end of the allocation's fiscal year."""

    district: BookOut | None = None
    village_code: str | None = None
    fund_code: str | None = None
    fiscal_year: int | None = None
    programme_code: str | None = None
    project_id: UUID | None = None
    project_code: str | None = None
    project_name: str | None = None
    allocation_id: UUID | None = None
    document_no: str | None = None
    exec_year: int | None = None
    oldest_idle_days: int


class ExecutionAnswer(Answer):
    """The report as of the end of `on`; its totals are the same for every key."""

    by: str
    on: date
    rows: list[ExecutionRow]
    total: Amounts


@router.get("/execution", response_model=ExecutionAnswer, responses=TABLE)  # type: ignore[arg-type]
async def get_execution_report(
    book: int,
    call: Reader,
    session: Reading,
    by: Key = "fund",
    on: Day | None = None,
    fiscal_year: FiscalYear | None = None,
    format: Annotated[Literal["json", "csv"], Query()] = "json",  # noqa: A002 - the name people type
) -> Any:
    """How far money has come by a day (default: today): of this district, or from the city's book of every district."""
    connection = await driver_of(session)
    day = on or await connection.fetchval("SELECT shanghai_today()")
    rows = await execution(connection, book, by=by, on=day, fiscal_year=fiscal_year)
    if format == "csv":
        return Response(csv_text(_flat(rows)), media_type="text/csv; charset=utf-8")
    items = [ExecutionRow(**row.key, **row.amounts, oldest_idle_days=row.oldest_idle_days) for row in rows]
    return ExecutionAnswer(by=by, on=day, rows=items, total=Amounts(**totals(rows)))


def _flat(rows: list[Row]) -> list[dict[str, object]]:
    return [
        {**row.key, **{name: format_yuan(amount) for name, amount in row.amounts.items()},
         "oldest_idle_days": row.oldest_idle_days}
        for row in rows
    ]  # fmt: skip


class FloorLine(Answer):
    """M03, M04: the test on the declared figure (`_before`) and, with the final accounts, the re-test."""

    book: BookOut
    fund_code: str
    rule: str
    percent: int
    is_final: bool
    declared: YuanOut | None
    final: YuanOut | None
    declared_document_no: str | None
    final_document_no: str | None
    floor_before: YuanOut | None
    shortfall_before: YuanOut | None
    floor_amount: YuanOut
    adopted: YuanOut
    shortfall: YuanOut
    finding: str | None
    exception_documents: list[str]


class VillageLine(Answer):
    """M01, M02: a district's listed villages against the standard; `short_villages` got less."""

    book: BookOut
    fund_code: str
    rule: str
    standard: YuanOut
    listed: int
    in_full: int
    short: int
    above: int
    allocated: YuanOut
    shortfall: YuanOut
    short_villages: list[str]


class ComplianceAnswer(Answer):
    """Compliance of a fiscal year."""

    fiscal_year: int
    floors: list[FloorLine]
    villages: list[VillageLine]
    findings: int


@router.get("/compliance")
async def get_compliance_report(book: int, call: Reader, session: Reading, fiscal_year: FiscalYear) -> ComplianceAnswer:
    """The policy's shares in a year: M01 to M04, with findings below the floor and the re-test on final accounts."""
    connection = await driver_of(session)
    floors = await compliance.floor_rows(connection, book, fiscal_year)
    villages = await compliance.village_rows(connection, book, fiscal_year)
    return ComplianceAnswer(
        fiscal_year=fiscal_year, floors=[FloorLine(**asdict(row)) for row in floors],
        villages=[VillageLine(**asdict(row)) for row in villages],
        findings=sum(row.finding is not None for row in floors) + sum(row.short > 0 for row in villages),
    )  # fmt: skip
