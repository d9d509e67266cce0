"""Names what a trail met: accounts, entries, allocations, budget lines, projects and payees, each once.

Natural persons appear as ids and household numbers only, staff and officers as ids; an organisation has its name. One
query a book.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from fundledger.trail.hops import Ledger, meet_accounts
from fundledger.trail.queue import End, Slice

Row = dict[str, Any]


@dataclass(slots=True)
class Nodes:
    """What the edges of a trail run between and rest on; rows as the wire shows them."""

    accounts: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    allocations: list[Row] = field(default_factory=list)
    budget_lines: list[Row] = field(default_factory=list)
    projects: list[Row] = field(default_factory=list)
    payees: list[Row] = field(default_factory=list)


# One round trip a book: each part is a JSON array, and `_typed` gives ids and dates their types back.
_PARTS: Final = {
    "entries": """
SELECT e.book, e.entry_id, e.entry_kind, e.document_no, e.summary, e.effective_on, e.recorded_at, f.position,
       e.functional_class, e.economic_class, e.crossing_id, e.maker_id, e.approver_id, e.payer_id, e.officer_id,
       e.supervisor_id
FROM entry e
LEFT JOIN log_leaf f ON f.book = e.book AND f.kind = 'entry' AND f.record_id = e.entry_id
WHERE e.book = $1 AND e.entry_id = ANY($2) ORDER BY e.order_no""",
    "allocations": """
SELECT book, allocation_id, district, fund_code, fiscal_year, village_code, document_no, budget_line_id
FROM allocation WHERE book = $1 AND allocation_id = ANY($3) ORDER BY allocation_id""",
    "projects": """
SELECT DISTINCT ON (project_id) book, project_id, code, name, category, programme_code, village_code, document_no
FROM project WHERE book = $1 AND project_id = ANY($4) ORDER BY project_id, version DESC""",
    # A district's allocation names the city's budget line, which stands in the city's book.
    "budget_lines": """
SELECT book, budget_line_id, fund_code, fiscal_year, document_no
FROM budget_line WHERE book = $1 AND budget_line_id = ANY($5) ORDER BY budget_line_id""",
    "payees": """
SELECT h.book, h.household_id AS payee_id, 'household' AS kind, h.household_id, h.household_no, h.village_code,
       NULL::text AS name
FROM household h WHERE h.book = $1 AND h.household_id = ANY($6)
UNION ALL
SELECT p.book, p.person_id, 'person', p.household_id, h.household_no, h.village_code, NULL
FROM person p JOIN household h ON h.book = p.book AND h.household_id = p.household_id
WHERE p.book = $1 AND p.person_id = ANY($6)
UNION ALL
SELECT o.book, o.organisation_id, o.kind, NULL, NULL, NULL, o.name
FROM organisation o WHERE o.book = $1 AND o.organisation_id = ANY($6)""",
}
_DESCRIBE: Final = "SELECT " + ", ".join(
    f"(SELECT json_agg(x)::text FROM ({query}) x) AS {name}" for name, query in _PARTS.items()
)


async def describe(ledger: Ledger, edges: Iterable[Slice]) -> Nodes:
    """The nodes of these edges, book by book."""
    nodes = Nodes()
    by_book: dict[int, list[Slice]] = {}
    for edge in edges:
        by_book.setdefault(edge.transfer.book, []).append(edge)
    for book, there in sorted(by_book.items()):
        await _describe_book(ledger, nodes, book, there)
    return nodes


async def _describe_book(ledger: Ledger, nodes: Nodes, book: int, edges: list[Slice]) -> None:
    await meet_accounts(ledger, book, edges)
    ids = {account for edge in edges for account in (edge.transfer.payer, edge.transfer.receiver)}
    accounts = [ledger.accounts[book, account_id] for account_id in sorted(ids)]
    nodes.accounts += [
        {
            "book": book, "account_id": a.account_id, "account_kind": a.kind, "budget_line_id": a.budget_line_id,
            "allocation_id": a.allocation_id, "project_id": a.project_id, "exec_year": a.exec_year,
        }
        for a in accounts
    ]  # fmt: skip
    (found,) = await ledger.fetch(
        _DESCRIBE,
        book,
        _some(edge.transfer.entry_id for edge in edges),
        _some(a.allocation_id for a in accounts),
        _some(a.project_id for a in accounts),
        _some(a.budget_line_id for a in accounts),
        _some(edge.transfer.payee_id for edge in edges),
    )
    for name in _PARTS:
        rows: list[Row] = json.loads(found[name] or "[]")
        getattr(nodes, name).extend({key: _typed(key, value) for key, value in row.items()} for row in rows)


def _some(ids: Iterable[UUID | None]) -> list[UUID]:
    return sorted({one for one in ids if one is not None})


def _typed(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name.endswith("_id"):
        return UUID(value)
    if name.endswith("_on"):
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if name.endswith("_at") else value


def origins(ledger: Ledger, nodes: Nodes, ends: Iterable[End]) -> list[Row]:
    """Upwards: how much came from which budget line (or district's own budget) by which document, summed."""
    lines = {(row["book"], row["budget_line_id"]): row for row in nodes.budget_lines}
    allocations = {(row["book"], row["allocation_id"]): row for row in nodes.allocations}
    documents = {(row["book"], row["entry_id"]): row["document_no"] for row in nodes.entries}
    found: dict[tuple[Any, ...], Row] = {}
    for end in ends:
        if end.outcome != "source":
            continue
        book = end.transfer.book
        account = ledger.accounts[book, end.account]
        of = lines.get((book, account.budget_line_id)) or allocations[book, account.allocation_id]
        document_no = documents[book, end.transfer.entry_id]
        row = found.setdefault((book, end.account, document_no), {
            "book": book, "budget_line_id": account.budget_line_id, "allocation_id": account.allocation_id,
            "fund_code": of["fund_code"], "fiscal_year": of["fiscal_year"], "document_no": document_no, "amount": 0,
        })  # fmt: skip
        row["amount"] += end.amount
    return list(found.values())


def destinations(ends: Iterable[End]) -> list[Row]:
    """Downwards: how much rests where, was paid to whom, or went back, summed; in the order of the asked axis."""
    found: dict[tuple[Any, ...], Row] = {}
    for end in ends:
        if end.outcome == "source":
            continue
        payee = end.transfer.payee_id if end.outcome == "paid" else None
        row = found.setdefault((end.outcome, end.transfer.book, end.account, payee), {
            "outcome": end.outcome, "book": end.transfer.book, "account_id": end.account, "payee_id": payee,
            "amount": 0,
        })  # fmt: skip
        row["amount"] += end.amount
    return list(found.values())
