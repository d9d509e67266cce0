"""Programme rosters (项目花名册): who a programme may pay, as of a date.

A member is put on (enrolled 列入) or struck off (struck_off 剔除) from a day on; the newest version of the latest day
not after a date says whether somebody is on it then. The gate refuses a payment to anybody whom its programme's roster
does not hold as of the entitlement date. A programme that pays households lists households, one that pays persons
lists persons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.registry.cells import Place, action_cell, refuse
from fundledger.registry.changes import (
    Change,
    Columns,
    Upload,
    check_versions,
    read_change_file,
    read_changes,
    resolve_changes,
)
from fundledger.registry.imports import Counts, limits, record_import
from fundledger.registry.vault import Vault

Action = Literal["enrolled", "struck_off"]

COLUMNS = Columns(
    "action", "valid_from", action_cell,
    {"动作": "action", "变动": "action", "action": "action", "日期": "valid_from", "生效日期": "valid_from",
     "valid_from": "valid_from", "文号": "document_no", "document_no": "document_no", "版本": "version",
     "version": "version"},
)  # fmt: skip

_NEWEST = """
SELECT r.payee_id, r.valid_from, max(r.version) FROM unnest($3::uuid[], $4::date[]) AS u (payee_id, day)
JOIN roster_member r ON r.book = $1 AND r.programme_code = $2 AND r.payee_id = u.payee_id AND r.valid_from = u.day
GROUP BY 1, 2
"""
_AS_OF = """
SELECT u.number, r.action FROM unnest($3::uuid[], $4::date[]) WITH ORDINALITY AS u (payee_id, day, number)
CROSS JOIN LATERAL (
    SELECT action FROM roster_member r WHERE r.book = $1 AND r.programme_code = $2 AND r.payee_id = u.payee_id
      AND r.valid_from <= u.day ORDER BY r.valid_from DESC, r.version DESC LIMIT 1) r
"""


async def payee_kind_of(connection: Connection, programme_code: str) -> str:
    """household or person: whom the programme's roster holds; `programme-without-roster`."""
    kind = await connection.fetchval(
        "SELECT payee_kind FROM programme WHERE programme_code = $1 AND payee_kind <> 'organisation'", programme_code
    )
    if kind is None:
        raise problem("programme-without-roster", programme_code=programme_code)
    return str(kind)


async def read_roster(
    connection: Connection, vault: Vault, data: bytes | Iterable[tuple[Place, Mapping[str, str]]]
) -> Upload:
    """Roster changes from a CSV file or from rows of cells (household_no or identity_number, action, valid_from, …)."""
    bounds = await limits(connection)
    if isinstance(data, bytes):
        return read_change_file(data, COLUMNS, vault, bounds.today, bounds.max_lines)
    return read_changes(data, COLUMNS, vault, bounds.today, [])


async def record_roster(
    connection: Connection, caller: Caller, book: int, programme_code: str, import_id: UUID, request_sha256: bytes,
    upload: Upload,
) -> Counts:  # fmt: skip
    """Write all of an upload's changes to a roster in the caller's transaction, or refuse them with every fault.

    Refuses members of the other kind, days given twice, versions that are not the next, and striking off whom the
    roster does not hold on that day.
    """
    kind = await payee_kind_of(connection, programme_code)
    wrong_name = "identity_number" if kind == "household" else "household_no"
    for change in upload.changes:
        if (change.household_no is not None) != (kind == "household"):
            upload.faults.append(change.place.fault("roster-member-kind", wrong_name, payee_kind=kind))
    resolved = await resolve_changes(connection, book, upload)
    await check_versions(connection, _NEWEST, resolved, "roster-version-taken", upload.faults, book, programme_code)
    await _check_enrolled(connection, book, programme_code, resolved, upload)
    refuse(upload.faults)
    await connection.copy_records_to_table(
        "roster_member",
        columns=("book", "programme_code", "payee_id", "valid_from", "version", "action", "document_no", "recorded_by"),
        records=(
            (book, programme_code, who, c.day, c.version, c.what, c.document_no, caller.staff_id) for who, c in resolved
        ),
    )
    counts = Counts(line_count=upload.line_count, member_count=len(resolved))
    await record_import(connection, caller, book, import_id, "roster", request_sha256, counts, ["roster_member"])
    return counts


async def _check_enrolled(
    connection: Connection, book: int, programme_code: str, resolved: list[tuple[UUID, Change]], upload: Upload
) -> None:
    """Only a member can be struck off. A correction replaces its day, so what stands on that day is not asked of it."""
    struck = [(who, change) for who, change in resolved if change.what == "struck_off" and change.version == 1]
    rows = await connection.fetch(
        _AS_OF, book, programme_code, [who for who, _ in struck], [change.day for _, change in struck]
    )
    enrolled = {row["number"] for row in rows if row["action"] == "enrolled"}
    for number, (_, change) in enumerate(struck, start=1):
        if number not in enrolled:
            upload.faults.append(change.place.fault("roster-not-enrolled"))


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a roster as of a date: a household, or a person of one."""

    payee_id: UUID
    household_id: UUID
    household_no: str
    since: date
    version: int
    document_no: str


# Backwards over the primary key: the newest row of each payee comes first, no sort, and a page reads a page's rows.
_MEMBERS = """
SELECT m.payee_id, h.household_id, h.household_no, m.valid_from, m.version, m.document_no
FROM (SELECT DISTINCT ON (payee_id) payee_id, valid_from, version, action, document_no FROM roster_member
      WHERE book = $1 AND programme_code = $2 AND payee_id < $4 AND valid_from <= $3
      ORDER BY payee_id DESC, valid_from DESC, version DESC) m
LEFT JOIN person p ON p.book = $1 AND p.person_id = m.payee_id
JOIN household h ON h.book = $1 AND h.household_id = coalesce(p.household_id, m.payee_id)
WHERE m.action = 'enrolled' ORDER BY m.payee_id DESC LIMIT $5
"""
LAST_ID = UUID(int=2**128 - 1)


async def members_of(
    connection: Connection, book: int, programme_code: str, on: date, *, before: UUID = LAST_ID, limit: int
) -> list[Member]:
    """A roster's members as of a date, newest ids first, from an id on."""
    await payee_kind_of(connection, programme_code)
    rows = await connection.fetch(_MEMBERS, book, programme_code, on, before, limit)
    return [Member(*row.values()) for row in rows]
