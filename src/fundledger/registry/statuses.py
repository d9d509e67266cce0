"""Statuses (贫困状态沿革) from a day on: registered 在册, exited 脱贫, relapsed 返贫, removed 剔除, deceased 死亡.

A status as of a date is the newest version of the latest day not after it. A household's status is its own; a person
has one only where it differs from the household's (who died, or was struck off alone). Exited people keep what they are
entitled to (脱贫不脱政策); removed and deceased ones are paid nothing from that day on: the gate reads the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.registry.cells import Place, refuse, status_cell
from fundledger.registry.changes import (
    Columns,
    Upload,
    check_versions,
    read_change_file,
    read_changes,
    resolve_changes,
)
from fundledger.registry.imports import Counts, limits, record_import
from fundledger.registry.vault import Vault

Status = Literal["registered", "exited", "relapsed", "removed", "deceased"]

COLUMNS = Columns(
    "status", "status_on", status_cell,
    {"状态": "status", "status": "status", "状态日期": "status_on", "日期": "status_on", "status_on": "status_on",
     "文号": "document_no", "document_no": "document_no", "版本": "version", "version": "version"},
)  # fmt: skip

_NEWEST = """
SELECT s.subject_id, s.valid_from, max(s.version) FROM unnest($2::uuid[], $3::date[]) AS u (subject_id, day)
JOIN registry_status s ON s.book = $1 AND s.subject_id = u.subject_id AND s.valid_from = u.day GROUP BY 1, 2
"""


async def read_statuses(
    connection: Connection, vault: Vault, data: bytes | Iterable[tuple[Place, Mapping[str, str]]]
) -> Upload:
    """Status changes from a CSV file or from rows of cells (household_no or identity_number, status, status_on, …)."""
    bounds = await limits(connection)
    if isinstance(data, bytes):
        return read_change_file(data, COLUMNS, vault, bounds.today, bounds.max_lines)
    return read_changes(data, COLUMNS, vault, bounds.today, [])


async def record_statuses(
    connection: Connection, caller: Caller, book: int, import_id: UUID, request_sha256: bytes, upload: Upload
) -> Counts:
    """Write all of an upload's statuses in the caller's transaction, or refuse them with every fault.

    `status-version-taken` where the day has a status already and the version is not the next; two calls at once: the
    second is refused by the key (`version-taken`).
    """
    resolved = await resolve_changes(connection, book, upload)
    await check_versions(connection, _NEWEST, resolved, "status-version-taken", upload.faults, book)
    refuse(upload.faults)
    await connection.copy_records_to_table(
        "registry_status",
        columns=("book", "subject_id", "valid_from", "version", "status", "document_no", "recorded_by"),
        records=((book, who, c.day, c.version, c.what, c.document_no, caller.staff_id) for who, c in resolved),
    )
    counts = Counts(line_count=upload.line_count, status_count=len(resolved))
    await record_import(connection, caller, book, import_id, "statuses", request_sha256, counts, ["registry_status"])
    return counts
