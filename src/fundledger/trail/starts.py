"""What a trail can be asked of, and which transfers that means in the asked book, in order, page by page.

Upwards a question is about money as it was given; downwards, as it was received; both begin with the same transfers,
except for a village: upwards with what was paid to it, downwards with what was allocated to it. Payments to payees
count as far as they stand (what came back did not reach them), unless the undone part is asked for too. A procurement
(招标, 合同) is what was paid under it; an officer (责任人) is the money that left the book, to payees or to a district,
in entries that he was accountable for or supervised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.trail.hops import Ledger, columns, known, meeting, note_accounts, transfer_of
from fundledger.trail.queue import Slice
from fundledger.trail.walk import Direction

SubjectKind = Literal[
    "line", "entry", "release", "document", "allocation", "project", "village", "household", "person", "organisation",
    "procurement", "officer",
]  # fmt: skip
FIELDS: Final[dict[str, SubjectKind]] = {
    "entry_id": "entry", "release_id": "release", "document_no": "document", "allocation_id": "allocation",
    "project_id": "project", "village_code": "village", "household_id": "household", "household_no": "household",
    "person_id": "person", "organisation_id": "organisation", "procurement_id": "procurement", "officer_id": "officer",
}  # fmt: skip
"""How a caller names a subject, and the kind each name means; with `line_no`, an entry is a line."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about; `ref` is its id, code or number, `line_no` only of a line."""

    kind: SubjectKind
    ref: UUID | str
    line_no: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: a transfer, and how many fen of it are told already."""

    entry_id: UUID
    line_no: int
    offset: int


@dataclass(frozen=True, slots=True)
class Starts:
    """A page's starting slices, the total asked for over all pages, and the first start that did not fit."""

    slices: list[Slice]
    asked: int
    beyond: Place | None


# Lots: what an account received; money that came back (undone, recovered, taken back from a project) or was carried
# over is not new money. A settlement moves money that its payee has had since the advance.
_LOTS: Final = """SELECT t.* FROM account a JOIN transfer t ON t.book = a.book AND t.debit_account = a.account_id
    AND t.undoes_entry_id IS NULL WHERE a.book = $1 AND NOT EXISTS (SELECT FROM entry m WHERE m.book = t.book
    AND m.entry_id = t.entry_id AND m.entry_kind IN ('recover', 'defund', 'carry_over') OFFSET 0) AND """
_ALLOCATION_LOTS: Final = _LOTS + "a.account_kind IN ('unreleased', 'executable') AND a.allocation_id = "
_PAID_TO: Final = """SELECT t.* FROM transfer t WHERE t.book = $1 AND t.undoes_entry_id IS NULL
    AND t.settles_entry_id IS NULL AND t.payee_id = """
_HOUSEHOLD: Final = """ANY (ARRAY(SELECT $2::uuid UNION ALL
    SELECT p.person_id FROM person p WHERE p.book = $1 AND p.household_id = $2::uuid))"""
_VILLAGE_PAYEES: Final = """ANY (ARRAY(
    SELECT h.household_id FROM household h WHERE h.book = $1 AND h.village_code = $2::text UNION ALL
    SELECT p.person_id FROM household h JOIN person p ON p.book = h.book AND p.household_id = h.household_id
    WHERE h.book = $1 AND h.village_code = $2::text))"""
_VILLAGE_PROJECTS: Final = (
    """ANY (ARRAY(SELECT p.project_id FROM project p WHERE p.book = $1 AND p.village_code = $2::text))"""
)
_BY_DOCUMENT: Final = f"""SELECT t.* FROM entry e JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id
    WHERE e.book = $1 AND e.document_no = $2::text
    UNION {_ALLOCATION_LOTS} ANY (ARRAY(
    SELECT l.allocation_id FROM allocation l WHERE l.book = $1 AND l.document_no = $2::text))"""
PAID_UNDER: Final = """SELECT e.book, e.entry_id FROM (
    SELECT l.instruction_id FROM payment_list l WHERE l.book = $1 AND l.procurement_id = {asked}::uuid
    UNION ALL SELECT l.instruction_id FROM procurement c JOIN payment_list l ON l.book = c.book
        AND l.project_id = c.project_id AND l.procurement_id IS NULL WHERE c.book = $1 AND c.version = 1
        AND c.procurement_id = {asked}::uuid AND first_procurement($1, c.project_id) = c.procurement_id
    ) m JOIN entry e ON e.book = $1 AND e.instruction_id = m.instruction_id"""
"""Entries that paid or advanced under a procurement; a list of the first revision, which names none, was for the
project's first, as the gate counts it (`contract_paid`)."""
_OF_PROCUREMENT: Final = f"""SELECT t.* FROM ({PAID_UNDER.format(asked="$2")}) e JOIN transfer t ON t.book = e.book
    AND t.entry_id = e.entry_id AND t.undoes_entry_id IS NULL AND t.settles_entry_id IS NULL"""
_OF_OFFICER: Final = """SELECT t.* FROM entry e JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id
    AND t.undoes_entry_id IS NULL AND t.settles_entry_id IS NULL WHERE e.book = $1
    AND (e.officer_id = $2::uuid OR e.supervisor_id = $2::uuid) AND (t.payee_id IS NOT NULL
    OR t.debit_account IN (SELECT a.account_id FROM account a WHERE a.book = $1 AND a.account_kind = 'released'))"""

_PICKED: Final[dict[str, str]] = {
    "line": "SELECT t.* FROM transfer t WHERE t.book = $1 AND t.entry_id = $2::uuid AND t.line_no = $3",
    "entry": "SELECT t.* FROM transfer t WHERE t.book = $1 AND t.entry_id = $2::uuid",
    "release": """SELECT t.* FROM entry e JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id
        WHERE e.book = $1 AND e.entry_id = $2::uuid AND e.entry_kind = 'release'""",
    "document": _BY_DOCUMENT,
    "allocation": f"{_ALLOCATION_LOTS} $2::uuid",
    "project": f"{_LOTS} a.account_kind = 'available' AND a.project_id = $2::uuid",
    "village-up": f"""{_PAID_TO} {_VILLAGE_PAYEES}
        UNION {_LOTS} a.account_kind = 'paid' AND a.project_id = {_VILLAGE_PROJECTS}""",
    "village-down": f"""{_ALLOCATION_LOTS} ANY (ARRAY(
        SELECT l.allocation_id FROM allocation l WHERE l.book = $1 AND l.village_code = $2::text))""",
    "household": f"{_PAID_TO} {_HOUSEHOLD}",
    "person": f"{_PAID_TO} $2::uuid",
    "organisation": f"{_PAID_TO} $2::uuid",
    "procurement": _OF_PROCUREMENT,
    "officer": _OF_OFFICER,
}  # fmt: skip

_EXISTS: Final[dict[str, str]] = {
    "allocation": "SELECT FROM allocation WHERE book = $1 AND allocation_id = $2::uuid",
    "project": "SELECT FROM project WHERE book = $1 AND project_id = $2::uuid",
    "village": "SELECT FROM division WHERE book = $1 AND code = $2::text AND level IN ('village', 'community')",
    "household": "SELECT FROM household WHERE book = $1 AND household_id = $2::uuid",
    "person": "SELECT FROM person WHERE book = $1 AND person_id = $2::uuid",
    "organisation": "SELECT FROM organisation WHERE book = $1 AND organisation_id = $2::uuid",
    "procurement": "SELECT FROM procurement WHERE book = $1 AND procurement_id = $2::uuid",
    "officer": "SELECT FROM officer_term WHERE book = $1 AND officer_id = $2::uuid",
}
TO_PAYEES: Final = frozenset({"village-up", "household", "person", "organisation", "procurement", "officer"})

# Lines of an entry lie in the order of the pages already; everything else is picked first, because the planner would
# rather walk the book in that order and hope to meet `limit` rows soon.
_AS_THEY_LIE: Final = frozenset({"line", "entry", "release"})
_START: Final = meeting("""
WITH picked AS {how} ({picked})
SELECT {columns}, t.wanted FROM (
    SELECT t.*, t.amount - {undone} AS wanted FROM picked t
    WHERE ($3::integer IS NULL OR t.line_no = $3) AND {known} AND (t.entry_id, t.line_no) >= ($5::uuid, $6::integer)
) t WHERE t.wanted > 0 ORDER BY t.entry_id, t.line_no LIMIT $7
""")
_ASKED: Final = """
SELECT coalesce(sum(t.amount - {undone}), 0)::bigint AS asked FROM ({picked}) t
WHERE ($3::integer IS NULL OR t.line_no = $3) AND {known}
"""
_UNDONE: Final = f"""coalesce((SELECT sum(u.amount) FROM transfer u WHERE u.book = t.book
    AND u.undoes_entry_id = t.entry_id AND u.undoes_line_no = t.line_no AND {known("u", "$4")}), 0)::bigint"""
_FIRST: Final = Place(UUID(int=0), 0, 0)


async def start(
    ledger: Ledger,
    book: int,
    subject: Subject,
    direction: Direction,
    *,
    undone: bool | None,
    after: Place | None,
    limit: int,
) -> Starts:
    """At most `limit` starting slices from `after` on. `undone` None: as the kind of subject has it (see the module).

    Raises `trail-start-not-found` when the book knows no such thing (as of now).
    """
    picked = f"village-{direction}" if subject.kind == "village" else subject.kind
    whole = undone if undone is not None else picked not in TO_PAYEES
    parts = {
        "how": "NOT MATERIALIZED" if picked in _AS_THEY_LIE else "MATERIALIZED", "picked": _PICKED[picked],
        "undone": "0" if whole else _UNDONE, "known": known("t", "$4"), "columns": columns("t"),
    }  # fmt: skip
    at = after or _FIRST
    values = (book, subject.ref, subject.line_no, ledger.position)
    rows = await ledger.fetch(_START.format(**parts), *values, at.entry_id, at.line_no, limit + 1)
    note_accounts(ledger, rows)
    if not rows and after is None:
        await _refuse_unknown(ledger, book, subject)
    if after is None and len(rows) <= limit:
        return _page(rows, at, limit, sum(row["wanted"] for row in rows))
    (asked,) = await ledger.fetch(_ASKED.format(**parts), *values)
    return _page(rows, at, limit, asked["asked"])


async def household_of(connection: Connection, book: int, household_no: str) -> UUID:
    """The household with this number in the national system; raises `trail-start-not-found`."""
    found = await connection.fetchval(
        "SELECT household_id FROM household WHERE book = $1 AND household_no = $2", book, household_no
    )
    if found is None:
        raise problem("trail-start-not-found", subject="household")
    return UUID(str(found))


async def _refuse_unknown(ledger: Ledger, book: int, subject: Subject) -> None:
    """An empty trail of a known household is an answer; of a household nobody knows it is not."""
    exists = _EXISTS.get(subject.kind)
    if exists is None or not await ledger.fetch(exists, book, subject.ref):
        raise problem("trail-start-not-found", subject=subject.kind)


def _page(rows: Sequence[Any], begin: Place, limit: int, asked: int) -> Starts:
    slices: list[Slice] = []
    at = 0
    for row in rows[:limit]:
        transfer = transfer_of(row)
        told = begin.offset if (transfer.entry_id, transfer.line_no) == (begin.entry_id, begin.line_no) else 0
        if row["wanted"] > told:
            slices.append(Slice(at, row["wanted"] - told, transfer, told))
            at += row["wanted"] - told
    beyond = Place(rows[limit]["entry_id"], rows[limit]["line_no"], 0) if len(rows) > limit else None
    return Starts(slices, asked, beyond)
