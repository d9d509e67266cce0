"""Releases (指标下达): block money from the city to a district, against an allocation; a crossing of two books.

A release names no project (切块下达) and never exceeds what its allocation still holds; both legs post in one
transaction. Kinds: early (提前下达, only next year's money), instalment (分期), prepaid (先预拨后清算), full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.book.instructions import Draft, Leg, draft
from fundledger.db.connection import Connection

ReleaseKind = Literal["early", "instalment", "prepaid", "full"]

TRANSFER_FUNCTION = "23002"
"""Functional class of transfers to lower levels (转移性支出)."""
TRANSFER_ECONOMIC = "513"
"""Government economic class of transfers (转移性支出)."""


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """How much of one allocation is released; fen."""

    allocation_id: UUID
    amount: int


async def draft_release(
    connection: Connection,
    caller: Caller,
    book: int,
    instruction_id: UUID,
    *,
    document_no: str,
    effective_on: date,
    summary: str,
    officer_id: UUID,
    supervisor_id: UUID | None,
    kind: ReleaseKind,
    lines: Sequence[ReleaseLine],
) -> None:
    """Draft a release of any number of allocations under the given id."""
    what = Draft(
        entry_kind="release", document_no=document_no, effective_on=effective_on, summary=summary,
        functional_class=TRANSFER_FUNCTION, economic_class=TRANSFER_ECONOMIC, officer_id=officer_id,
        supervisor_id=supervisor_id, release_kind=kind,
        legs=[Leg(line.amount, allocation_id=line.allocation_id) for line in lines], instruction_id=instruction_id,
    )  # fmt: skip
    await draft(connection, caller, book, what)
