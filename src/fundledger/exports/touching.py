"""Which lines of a book an accountant's file of a scope holds: all of it, or every line that touches the subject.

A line (分录) has both its sides, so whichever lines are taken balance. Directions and slices are the trail's affair: a
journal of an allocation, project, village or payee is every posting to or from it, in full; of an officer, every line
of the entries that he was accountable for or supervised.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.exports.parts import Part
from fundledger.exports.scope import Scope
from fundledger.trail.starts import PAID_UNDER

_BATCH: Final = 2_000

_OF_ACCOUNTS: Final = """SELECT x.book, x.entry_id, x.line_no FROM account a JOIN transfer x ON x.book = a.book
        AND x.debit_account = a.account_id WHERE a.book = $1 AND {which}
    UNION SELECT x.book, x.entry_id, x.line_no FROM account a JOIN transfer x ON x.book = a.book
        AND x.credit_account = a.account_id WHERE a.book = $1 AND {which}"""
_OF_PAYEES: Final = "SELECT x.book, x.entry_id, x.line_no FROM transfer x WHERE x.book = $1 AND x.payee_id {which}"
_PAYEE: Final = "(a.payee_id {which})"
_HOUSEHOLD: Final = """= ANY (ARRAY(SELECT $3::uuid UNION ALL
    SELECT p.person_id FROM person p WHERE p.book = $1 AND p.household_id = $3::uuid))"""
_VILLAGERS: Final = """= ANY (ARRAY(
    SELECT h.household_id FROM household h WHERE h.book = $1 AND h.village_code = $3::text UNION ALL
    SELECT p.person_id FROM household h JOIN person p ON p.book = h.book AND p.household_id = h.household_id
    WHERE h.book = $1 AND h.village_code = $3::text))"""
_ONE: Final = "= $3::uuid"
_OF_DOCUMENT: Final = """SELECT x.book, x.entry_id, x.line_no FROM entry n JOIN transfer x ON x.book = n.book
    AND x.entry_id = n.entry_id WHERE n.book = $1 AND n.document_no = $3::text UNION """
_IN_ALLOCATIONS: Final = "a.allocation_id IN (SELECT i.allocation_id FROM allocation i WHERE i.book = $1 AND {which})"
_IN_PROJECTS: Final = (
    "a.project_id IN (SELECT j.project_id FROM project j WHERE j.book = $1 AND j.village_code = $3::text)"
)
_OF_PROCUREMENT: Final = f"""WITH under AS ({PAID_UNDER.format(asked="$3")})
    SELECT x.book, x.entry_id, x.line_no FROM under n JOIN transfer x ON x.book = n.book AND x.entry_id = n.entry_id
    UNION SELECT x.book, x.entry_id, x.line_no FROM under n JOIN transfer x ON x.book = n.book
        AND x.undoes_entry_id = n.entry_id
    UNION SELECT x.book, x.entry_id, x.line_no FROM under n JOIN transfer x ON x.book = n.book
        AND x.settles_entry_id = n.entry_id"""
"""Paid or advanced under it, came back of it, or settles its advances."""


def _payees(which: str) -> str:
    return _OF_PAYEES.format(which=which) + " UNION " + _OF_ACCOUNTS.format(which=_PAYEE.format(which=which))


_PICKED: Final[dict[str, str]] = {
    "line": "SELECT $1::bigint AS book, $3::uuid AS entry_id, $4::integer AS line_no",
    "entry": "SELECT x.book, x.entry_id, x.line_no FROM transfer x WHERE x.book = $1 AND x.entry_id = $3::uuid",
    "release": """SELECT x.book, x.entry_id, x.line_no FROM entry n JOIN transfer x ON x.book = n.book
        AND x.entry_id = n.entry_id WHERE n.book = $1 AND (n.entry_id = $3::uuid OR n.crossing_id = (
            SELECT o.crossing_id FROM entry o WHERE o.book = {home}::bigint AND o.entry_id = $3::uuid))""",
    "document": _OF_DOCUMENT
    + _OF_ACCOUNTS.format(which=_IN_ALLOCATIONS.format(which="i.document_no = $3::text")),
    "allocation": _OF_ACCOUNTS.format(which="a.allocation_id = $3::uuid"),
    "project": _OF_ACCOUNTS.format(which="a.project_id = $3::uuid"),
    "village": _OF_ACCOUNTS.format(
        which=f"({_IN_ALLOCATIONS.format(which='i.village_code = $3::text')} OR {_IN_PROJECTS})"
    ) + " UNION " + _OF_PAYEES.format(which=_VILLAGERS),
    "household": _payees(_HOUSEHOLD),
    "person": _payees(_ONE),
    "organisation": _payees(_ONE),
    "procurement": _OF_PROCUREMENT,
    "officer": """SELECT x.book, x.entry_id, x.line_no FROM entry n JOIN transfer x ON x.book = n.book
        AND x.entry_id = n.entry_id WHERE n.book = $1 AND (n.officer_id = $3::uuid OR n.supervisor_id = $3::uuid)""",
}  # fmt: skip


FROM: Final = """FROM entry e
JOIN log_leaf f ON f.book = e.book AND f.kind = 'entry' AND f.record_id = e.entry_id AND f.version = 1
JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id
{side} WHERE e.book = $1 AND f.position <= $2 AND {touches}"""
"""The lines of a book: entry e, leaf f, transfer t; a template for `query`."""
SIDES: Final = """CROSS JOIN LATERAL
    (VALUES (t.debit_account, t.amount, 0::bigint), (t.credit_account, 0::bigint, t.amount))
    y (account_id, debit, credit)"""
"""Both sides of each line, as `side`."""
_USED: Final = f"""
WITH used AS (SELECT y.account_id, min(e.effective_on) AS since {FROM} GROUP BY 1)
SELECT a.book, a.account_id, a.account_kind, k.name_zh, k.is_source, k.is_terminal, a.allocation_id, a.budget_line_id,
    coalesce(l.document_no, n.document_no) AS document_no, a.project_id, p.code AS project_code, p.name AS project_name,
    a.exec_year, a.payee_id, coalesce(l.fund_code, n.fund_code) AS fund_code, g.name_zh AS fund_name,
    coalesce(l.fiscal_year, n.fiscal_year) AS fiscal_year, l.village_code, u.since
FROM used u JOIN account a ON a.book = $1 AND a.account_id = u.account_id
JOIN account_kind k ON k.account_kind = a.account_kind
LEFT JOIN allocation l ON l.book = a.book AND l.allocation_id = a.allocation_id
LEFT JOIN budget_line n ON n.book = a.book AND n.budget_line_id = a.budget_line_id
LEFT JOIN fund g ON g.fund_code = coalesce(l.fund_code, n.fund_code)
LEFT JOIN project p ON p.book = a.book AND p.project_id = a.project_id AND p.version = 1
ORDER BY a.account_kind, a.account_id"""


def query(template: str, scope: Scope, side: str = "") -> str:
    """A statement over FROM, for this scope; its parameters are `values`."""
    return template.format(touches=touches(scope), side=side)


async def used_accounts(connection: Connection, scope: Scope, book: int) -> list[Any]:
    """The accounts that the lines of the scope name, by kind and id: what they are and the day they first moved."""
    return list(await connection.fetch(query(_USED, scope, side=SIDES), *values(scope, book)))


async def batches(connection: Connection, text: str, arguments: Sequence[Any]) -> AsyncIterator[list[Any]]:
    """The rows of a statement, some thousand at a time; inside a transaction."""
    cursor = await connection.cursor(text, *arguments)
    while found := await cursor.fetch(_BATCH):
        yield found


async def some(scope: Scope, found: AsyncIterator[Part]) -> AsyncIterator[Part]:
    """The parts of an export; `export-empty` if there is none."""
    empty = True
    async for part in found:
        empty = False
        yield part
    if empty:
        raise problem("export-empty", position=scope.position)


async def count(connection: Connection, scope: Scope, book: int) -> int:
    """How many lines."""
    return int(await connection.fetchval(query(f"SELECT count(*) {FROM}", scope), *values(scope, book)))


def touches(scope: Scope) -> str:
    """A condition on the alias `t` (a transfer) for WHERE; parameters as `values` has them."""
    if scope.subject is None:
        return "true"
    picked = _PICKED[scope.subject.kind].replace("{home}", str(int(scope.book or 0)))  # a number of our own
    return f"(t.entry_id, t.line_no) IN (SELECT k.entry_id, k.line_no FROM ({picked}) k)"


def values(scope: Scope, book: int) -> list[Any]:
    """$1 book, $2 log position, and of a subject $3 its id, code or number and, of a line, $4."""
    found: list[Any] = [book, scope.position]
    if scope.subject is not None:
        found.append(scope.subject.ref)
        if scope.subject.kind == "line":
            found.append(scope.subject.line_no)
    return found


def described(scope: Scope) -> str:
    """The scope in words, for the head of a file: Chinese and English."""
    if scope.subject is None:
        return "全部账目 everything"
    line = f" line {scope.subject.line_no}" if scope.subject.kind == "line" else ""
    return f"涉及以下对象的分录 every line that touches {scope.subject.kind} {scope.subject.ref}{line}"
