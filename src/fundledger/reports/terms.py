"""The report by term of office (离任审计, M37): what was posted under an officer, and what became of it.

For the days of a term, or some of them: the entries that name the officer (as accountable, or as supervising, whichever
the term is) by kind, fund, fiscal year, programme and project; what the payments and advances among them came to by the
last day; the projects they were for, with their contracts and acceptances; the book's money that lay idle at the end of
the last day, with its age from 31 December of its fiscal year; and the calls the book refused in these days. Amounts
in fen. Reads only, in the caller's snapshot; the cost is that of the transfers posted under the officer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any, Final
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.projects.officers import Officer, officer_history

_EFFECTS: Final = files(__package__).joinpath("terms.sql").read_text(encoding="utf-8")
_COLUMN: Final = {"accountable": "officer_id", "supervising": "supervisor_id"}
_PAID: Final = ("pay", "pay_other")

_PROJECTS: Final = """
SELECT project_id, code, name, programme_code, village_code, status, planned_amount
FROM project_current WHERE book = $1 AND project_id = ANY ($2) ORDER BY code, project_id
"""
_CONTRACTS: Final = """
SELECT procurement_id, project_id, contract_no, method, contract_sum(book, procurement_id) AS amount,
       document_no
FROM procurement_current WHERE book = $1 AND project_id = ANY ($2) AND contract_no IS NOT NULL
ORDER BY project_id, contract_no
"""
_ACCEPTANCES: Final = """
SELECT acceptance_id, project_id, accepted_on, passed, document_no FROM acceptance_current
WHERE book = $1 AND project_id = ANY ($2) AND accepted_on BETWEEN $3 AND $4 ORDER BY accepted_on, acceptance_id
"""
_IDLE: Final = """
SELECT c.account_kind, coalesce(a.fund_code, b.fund_code) AS fund_code, f.year AS fiscal_year, a.village_code,
       coalesce(a.document_no, b.document_no) AS document_no, c.allocation_id, c.project_id,
       sum(d.received - d.given)::bigint AS amount, greatest($2::date - make_date(f.year, 12, 31), 0) AS age_days
FROM account c
JOIN account_day d ON d.book = c.book AND d.account_id = c.account_id AND d.day <= $2
LEFT JOIN allocation a ON a.book = c.book AND a.allocation_id = c.allocation_id
LEFT JOIN budget_line b ON b.book = c.book AND b.budget_line_id = c.budget_line_id
CROSS JOIN LATERAL (SELECT coalesce(a.fiscal_year, b.fiscal_year)::integer AS year) f
WHERE c.book = $1 AND c.account_kind IN ('unreleased_budget', 'unreleased', 'executable', 'available')
GROUP BY c.account_kind, a.fund_code, b.fund_code, f.year, a.village_code, a.document_no, b.document_no,
         c.allocation_id, c.project_id
HAVING sum(d.received - d.given) > 0
ORDER BY age_days DESC, fund_code, document_no, c.account_kind, c.project_id
"""
_REFUSALS: Final = """
SELECT r.code, count(*) AS calls, sum(1 + coalesce(c.repeats, 0))::bigint AS times
FROM refusal r LEFT JOIN refusal_count c ON c.book = r.book AND c.refusal_id = r.refusal_id
WHERE r.book = $1 AND (r.refused_at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN $2 AND $3
GROUP BY r.code ORDER BY r.code
"""


@dataclass(frozen=True, slots=True)
class Posted:
    """Entries under the officer of one kind, fund, year, programme and project."""

    entry_kind: str
    fund_code: str | None
    fiscal_year: int | None
    programme_code: str | None
    project_id: UUID | None
    project_code: str | None
    project_name: str | None
    entries: int
    transfers: int
    amount: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the officer's postings came to by the last day: `unsettled` = advanced − settled − given back."""

    funded: int
    paid: int
    returned: int
    advanced: int
    settled: int
    advance_returned: int

    @property
    def unsettled(self) -> int:
        """Fen of the officer's advances that nobody has settled or given back."""
        return self.advanced - self.settled - self.advance_returned


@dataclass(frozen=True, slots=True)
class Answered:
    """A project the officer answered for, as it is recorded now, and what was posted for it under the officer."""

    project: dict[str, Any]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class TermReport:
    """The report; `idle` is of the whole book at the end of `last`, `refusals` of its days."""

    officer: Officer
    first: date
    last: date
    postings: list[Posted]
    outcome: Outcome
    projects: list[Answered]
    contracts: list[dict[str, Any]]
    acceptances: list[dict[str, Any]]
    idle: list[dict[str, Any]]
    refusals: list[dict[str, Any]]


async def term_report(
    connection: Connection, book: int, officer_id: UUID, *, first: date | None = None, last: date | None = None
) -> TermReport:
    """The report over the officer's term (up to today where it has not ended), or over days inside it.

    Raises `record-not-found`, `dates-reversed`, `days-outside-term`.
    """
    officer = (await officer_history(connection, book, officer_id))[-1]
    start, end = await _days(connection, officer, first, last)
    query = _EFFECTS.format(column=_COLUMN[officer.role])
    rows = await connection.fetch(query, book, officer_id, start, end)
    posted = [row for row in rows if row["effect"] == "posted"]
    ids = sorted({row["project_id"] for row in rows if row["project_id"] is not None})
    projects = [dict(row) for row in await connection.fetch(_PROJECTS, book, ids)]
    return TermReport(
        officer, start, end, [Posted(*list(row.values())[1:]) for row in posted], _outcome(rows),
        [Answered(row, _outcome([one for one in rows if one["project_id"] == row["project_id"]])) for row in projects],
        [dict(row) for row in await connection.fetch(_CONTRACTS, book, ids)],
        [dict(row) for row in await connection.fetch(_ACCEPTANCES, book, ids, start, end)],
        [dict(row) for row in await connection.fetch(_IDLE, book, end)],
        [dict(row) for row in await connection.fetch(_REFUSALS, book, start, end)],
    )  # fmt: skip


async def _days(connection: Connection, officer: Officer, first: date | None, last: date | None) -> tuple[date, date]:
    today: date = await connection.fetchval("SELECT shanghai_today()")
    start = first or officer.valid_from
    end = last or (today if officer.valid_to is None else min(officer.valid_to, today))
    if end < start:
        raise problem("dates-reversed")
    if start < officer.valid_from or (officer.valid_to is not None and end > officer.valid_to):
        raise problem("days-outside-term")
    return start, end


def _outcome(rows: list[Any]) -> Outcome:
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows:
        sums[row["effect"], row["entry_kind"]] += row["amount"]
    return Outcome(
        funded=sums["posted", "fund"] - sums["undone", "fund"] - sums["posted", "defund"] + sums["undone", "defund"],
        paid=sum(sums["posted", kind] for kind in _PAID),
        returned=sum(sums["undone", kind] for kind in _PAID),
        advanced=sums["posted", "advance"],
        settled=sums["settled", "advance"],
        advance_returned=sums["undone", "advance"],
    )
