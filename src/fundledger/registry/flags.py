"""Organisations that poverty money never reaches (负面清单 N3, N5, N9, N10 by payee): flagged and lifted by document.

Who owns an account (a treasury, a bank's loan account, a government office's own business) is no economic class:
somebody has to say so. A flag counts from its day on and is lifted by another person than whoever set it. The gate
reads the same rows. Takes no lock; two writers of one version meet at the key (`version-taken`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.registry.accounts import check_holder

NegativeCode = Literal["N3", "N5", "N9", "N10"]

_NEWEST = """
SELECT coalesce(max(version), 0) FROM organisation_flag
WHERE book = $1 AND organisation_id = $2 AND negative_code = $3 AND valid_from = $4
"""
_INSERT = """
INSERT INTO organisation_flag (book, organisation_id, negative_code, valid_from, version, flagged, reason, document_no,
    recorded_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_FLAGS = """
SELECT negative_code, valid_from, version, flagged, reason, document_no, recorded_by, recorded_at FROM organisation_flag
WHERE book = $1 AND organisation_id = $2 ORDER BY negative_code, valid_from DESC, version DESC
"""


@dataclass(frozen=True, slots=True)
class FlagView:
    """One record: flagged, or lifted, from a day on."""

    negative_code: str
    valid_from: date
    version: int
    flagged: bool
    reason: str
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


async def record_flag(
    connection: Connection, caller: Caller, book: int, organisation_id: UUID, *, negative_code: NegativeCode,
    valid_from: date, version: int, flagged: bool, reason: str, document_no: str,
) -> None:  # fmt: skip
    """Flag an organisation or lift its flag; `organisation-not-found`, `version-taken`, `duties-not-separate`."""
    await check_holder(connection, book, organisation_id, person=False)
    if version != int(await connection.fetchval(_NEWEST, book, organisation_id, negative_code, valid_from)) + 1:
        raise problem("version-taken")
    await connection.execute(
        _INSERT,
        book,
        organisation_id,
        negative_code,
        valid_from,
        version,
        flagged,
        reason,
        document_no,
        caller.staff_id,
    )


async def flags_of(connection: Connection, book: int, organisation_id: UUID) -> list[FlagView]:
    """Every flag of an organisation, those of one code together, newest first; `organisation-not-found`."""
    await check_holder(connection, book, organisation_id, person=False)
    return [FlagView(*row.values()) for row in await connection.fetch(_FLAGS, book, organisation_id)]
