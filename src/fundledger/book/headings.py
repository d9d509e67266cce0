"""The heading of an instruction (凭证抬头): what every drafting function takes, whatever it drafts.

Rule 10: every posting names its document number, the day it counts, and officers in office on that day. The functional
and economic classes are not here: the kind of entry, the programme or the original entry fixes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from fundledger.book.instructions import Draft, Leg

TRANSFER_FUNCTION = "23002"
"""Functional class of transfers to lower levels (转移性支出), of everything the city posts."""
TRANSFER_ECONOMIC = "513"
"""Government economic class of transfers (转移性支出)."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Document number (文号), day, summary, officers, and the document that allows an exception."""

    document_no: str
    effective_on: date
    summary: str
    officer_id: UUID
    supervisor_id: UUID | None = None
    exception_document_no: str | None = None

    def over(
        self,
        instruction_id: UUID,
        entry_kind: str,
        legs: Sequence[Leg],
        *,
        functional_class: str = TRANSFER_FUNCTION,
        economic_class: str = TRANSFER_ECONOMIC,
        release_kind: str | None = None,
        inputs: str = "",
    ) -> Draft:
        """The draft of this heading over legs."""
        return Draft(
            entry_kind=entry_kind, document_no=self.document_no, effective_on=self.effective_on, summary=self.summary,
            functional_class=functional_class, economic_class=economic_class, officer_id=self.officer_id, legs=legs,
            supervisor_id=self.supervisor_id, release_kind=release_kind,
            exception_document_no=self.exception_document_no, inputs=inputs, instruction_id=instruction_id,
        )  # fmt: skip
