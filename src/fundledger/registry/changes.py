"""Changes of a day: what statuses (状态变动) and rosters (花名册变动) have in common.

A change says: this household or person, from this day on, is now so; version 1, or the next version to correct the same
day. It comes as a line of CSV or an element of a JSON list, is read by the same function, and one fault refuses all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.errors import Fault
from fundledger.files.tables import read_table
from fundledger.registry.cells import Place, Row, date_cell, identity_cell, text_cell, version_cell
from fundledger.registry.resolve import resolve_households, resolve_persons
from fundledger.registry.vault import Vault

WHO = {
    "户编号": "household_no", "household_no": "household_no", "身份证号": "identity_number",
    "身份证号码": "identity_number", "identity_number": "identity_number",
}  # fmt: skip
"""Headings of who a change is about."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The fields of one kind of change: what it says (`what`, read by `read_what`) and from which day (`day`)."""

    what: str
    day: str
    read_what: Callable[[str], str]
    headings: Mapping[str, str]
    """Headings of a file -> field, besides those of WHO."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change as it was given; `household_no` or `identity_hash`, never both."""

    place: Place
    household_no: str | None
    identity_hash: bytes | None
    what: str
    day: date
    document_no: str
    version: int


@dataclass(frozen=True, slots=True)
class Upload:
    """The changes of an upload that could be read, how many there were, and the faults of the others."""

    changes: list[Change]
    line_count: int
    faults: list[Fault]


def read_changes(
    rows: Iterable[tuple[Place, Mapping[str, str]]], columns: Columns, vault: Vault, today: date, faults: list[Fault]
) -> Upload:
    """Read changes given as cells by field. Pure but for the vault's hash."""
    changes, count = [], 0
    for place, cells in rows:
        count += 1
        change = _read_change(Row(place, cells, faults), columns, vault, today)
        if change is not None:
            changes.append(change)
    if not count and not faults:
        faults.append(Fault("upload-empty"))
    return Upload(changes, count, faults)


def read_change_file(data: bytes, columns: Columns, vault: Vault, today: date, max_lines: int) -> Upload:
    """Read a CSV or .xlsx file of changes; all faults of form included."""
    required = (columns.what, columns.day, "document_no")
    rows = read_table(
        data, columns={**WHO, **columns.headings}, required=required, max_lines=max_lines,
        kinds={columns.day: "date", "version": "number"},
    )  # fmt: skip
    placed = ((Place(line, headings=rows.headings), cells) for line, cells in rows)
    return read_changes(placed, columns, vault, today, list(rows.faults))


def _read_change(row: Row, columns: Columns, vault: Vault, today: date) -> Change | None:
    household_no, identity = row.maybe("household_no", text_cell), row.maybe("identity_number", identity_cell)
    what, day = row.take(columns.what, columns.read_what), row.take(columns.day, date_cell)
    document_no, version = row.take("document_no", text_cell), row.maybe("version", version_cell)
    if row.has("household_no") == row.has("identity_number"):
        row.fault("subject-missing")
        return None
    if day is not None and day > today:
        row.fault("date-in-future", columns.day, effective_on=day.isoformat())
    if what is None or day is None or document_no is None or (household_no is None and identity is None):
        return None
    digest = vault.digest("identity", identity) if identity is not None else None
    return Change(row.place, household_no, digest, what, day, document_no, version or 1)


async def resolve_changes(connection: Connection, book: int, upload: Upload) -> list[tuple[UUID, Change]]:
    """The id of each change's household or person; unknown ones and days given twice become faults."""
    households = await resolve_households(connection, book, (c.household_no for c in upload.changes if c.household_no))
    persons = await resolve_persons(connection, book, (c.identity_hash for c in upload.changes if c.identity_hash))
    resolved: list[tuple[UUID, Change]] = []
    seen: set[tuple[UUID, date]] = set()
    for change in upload.changes:
        if change.household_no is not None:
            household = households.get(change.household_no)
            subject = household.household_id if household else None
        else:
            person = persons.get(change.identity_hash or b"")
            subject = person.person_id if person else None
        if subject is None:
            by_number = change.household_no is not None
            code, name = ("household-unknown", "household_no") if by_number else ("person-unknown", "identity_number")
            upload.faults.append(change.place.fault(code, name))
        elif (subject, change.day) in seen:
            upload.faults.append(change.place.fault("subject-repeated"))
        else:
            seen.add((subject, change.day))
            resolved.append((subject, change))
    return resolved


async def check_versions(
    connection: Connection, sql: str, resolved: list[tuple[UUID, Change]], code: str, faults: list[Fault], *keys: Any
) -> None:
    """Note with `code` every change whose version is not the next of its day.

    `sql` gives (subject, day, newest version) for the keys, an array of subjects and one of days.
    """
    rows = await connection.fetch(sql, *keys, [who for who, _ in resolved], [change.day for _, change in resolved])
    newest = {(row[0], row[1]): row[2] for row in rows}
    for who, change in resolved:
        expected = newest.get((who, change.day), 0) + 1
        if change.version != expected:
            faults.append(change.place.fault(code, "version", expected=expected))
