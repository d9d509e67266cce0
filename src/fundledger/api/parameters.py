"""Policy parameters (政策参数): every version for all to read; proposed by one person of the city, approved by another.

The paths have no book: parameters hold for every book and are the city's to change.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field, field_validator, model_validator

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.records import after_id, next_id, once
from fundledger.api.wire import Answer, Approve, Body, Cursor, Day, Limit, Text
from fundledger.db.database import driver_of
from fundledger.ids import new_id
from fundledger.money import format_yuan
from fundledger.policy import parameters
from fundledger.policy.parameters import Change, Proposal, Version

router = APIRouter(prefix="/v1/parameters", tags=["policy"])

CITY_BUREAUS = frozenset({"finance", "poverty_office"})
Reader = Annotated[Call, reads(EVERYBODY)]
Proposer = Annotated[Call, writes(CITY_BUREAUS, "maker", level="city")]
Approver = Annotated[Call, writes(CITY_BUREAUS, "approver", level="city")]
Unit = Literal["yuan", "percent", "days", "workdays", "months", "count", "bytes"]


def shown(value: int, unit: str) -> str:
    """A value as it leaves: money in yuan, anything else as it is."""
    return format_yuan(value) if unit == "fen" else str(value)


def shown_unit(unit: str) -> str:
    """The unit of what `shown` gives."""
    return "yuan" if unit == "fen" else unit


class ParameterAnswer(Answer):
    """One version of a parameter (政策参数); `value` is a decimal in `unit`, money in yuan.

    `proposal_id`, `proposed_by`, `approver_id` and `approved_at` are null for versions that came with the policy.
    """

    code: str
    version: int
    value: str
    unit: Unit
    valid_from: date
    valid_to: date | None
    source: str
    note: str
    parameter_id: UUID
    proposal_id: UUID | None
    proposed_by: UUID | None
    approver_id: UUID | None
    approved_at: datetime | None

    @classmethod
    def of(cls, row: Version) -> ParameterAnswer:
        """The answer about a version."""
        fields = {name: getattr(row, name) for name in cls.model_fields}
        return cls(**{**fields, "value": shown(row.value, row.unit), "unit": shown_unit(row.unit)})


class ParametersAnswer(Answer):
    """Parameters: of each the version that counts on a day, or all versions."""

    on: date | None
    parameters: list[ParameterAnswer]


@router.get("")
async def list_parameters(
    call: Reader,
    session: Reading,
    on: Annotated[date | None, Query(description="As of this day; without it, all versions.")] = None,
    code: Annotated[str | None, Query(max_length=63, description="only this parameter")] = None,
) -> ParametersAnswer:
    """Every limit, day count, percentage and standard with its source; as of a day, or all versions."""
    rows = await parameters.versions(await driver_of(session), on=on, code=code)
    return ParametersAnswer(on=on, parameters=[ParameterAnswer.of(row) for row in rows])


class ParameterChange(Body):
    """What a new version is to say: `value` in `unit` (money in yuan), valid from a day on, by document and clause."""

    code: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{1,62}$")]
    value: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,12})(\.[0-9]{1,2})?$", examples=["10"])]
    unit: Unit
    valid_from: Day
    valid_to: Day | None = None
    source: Text
    note: Annotated[str, Field(max_length=500)] = ""

    @field_validator("note")
    @classmethod
    def _visible(cls, note: str) -> str:
        if any(not (char.isprintable() or char == "\n") for char in note):
            raise ValueError("unreadable text")
        return note

    @model_validator(mode="after")
    def _whole(self) -> ParameterChange:
        if self.unit != "yuan" and "." in self.value:
            raise ValueError("only money has decimals")
        return self

    def change(self) -> Change:
        """The change in whole units: money in fen."""
        yuan, _, cents = self.value.partition(".")
        value = int(yuan) * 100 + int(cents.ljust(2, "0")) if self.unit == "yuan" else int(yuan)
        unit = "fen" if self.unit == "yuan" else self.unit
        return Change(self.code, value, unit, self.valid_from, self.valid_to, self.source, self.note)


class ProposalAnswer(Answer):
    """A proposal and what became of it; an approver names `content_sha256`."""

    proposal_id: UUID
    status: Literal["proposed", "approved", "rejected"]
    code: str
    value: str
    unit: Unit
    valid_from: date
    valid_to: date | None
    source: str
    note: str
    proposed_by: UUID
    proposed_at: datetime
    content_sha256: str
    parameter_id: UUID | None
    version: int | None
    decided_by: UUID | None
    decided_at: datetime | None
    reason: str | None

    @classmethod
    def of(cls, row: Proposal) -> ProposalAnswer:
        """The answer about a proposal."""
        fields = {name: getattr(row, name) for name in cls.model_fields}
        shape = {
            "value": shown(row.value, row.unit),
            "unit": shown_unit(row.unit),
            "content_sha256": row.content_sha256.hex(),
        }
        return cls(**{**fields, **shape})


class ProposalPage(Answer):
    """Proposals in the order they were made."""

    items: list[ProposalAnswer]
    next: str | None


@router.post("/proposals", status_code=201)
async def propose_parameter(
    body: ParameterChange, call: Proposer, session: Writing, response: Response
) -> ProposalAnswer:
    """Propose a new version of a parameter, or a new parameter; nothing counts before another person approves it."""
    proposal_id = await once(
        call, session, response, "parameter_proposal", new_id(),
        lambda connection, new: parameters.propose(connection, call.caller, new, body.change()),
    )  # fmt: skip
    return ProposalAnswer.of(await parameters.proposal(await driver_of(session), proposal_id))


@router.get("/proposals")
async def list_proposals(
    call: Reader,
    session: Reading,
    status: Annotated[Literal["proposed", "approved", "rejected"] | None, Query()] = None,
    code: Annotated[str | None, Query(max_length=63)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ProposalPage:
    """The proposals, oldest first, with what became of them."""
    found = await parameters.proposals(
        await driver_of(session), status=status, code=code, after=after_id(cursor), limit=limit
    )
    items = [ProposalAnswer.of(row) for row in found]
    return ProposalPage(items=items, next=next_id([row.proposal_id for row in found], limit))


@router.get("/proposals/{proposal_id}")
async def get_proposal(proposal_id: UUID, call: Reader, session: Reading) -> ProposalAnswer:
    """One proposal and what became of it."""
    return ProposalAnswer.of(await parameters.proposal(await driver_of(session), proposal_id))


@router.post("/proposals/{proposal_id}/approve")
async def approve_proposal(
    proposal_id: UUID, body: Approve, call: Approver, session: Writing, response: Response
) -> ProposalAnswer:
    """Make a proposal the newest version of its parameter, naming the SHA-256 of what you saw."""
    digest = body.digest()
    await once(
        call, session, response, "parameter_approval", proposal_id,
        lambda connection, same: parameters.approve(connection, call.caller, same, digest),
    )  # fmt: skip
    return ProposalAnswer.of(await parameters.proposal(await driver_of(session), proposal_id))


class Rejection(Body):
    """Why a proposal goes back."""

    reason: Text


@router.post("/proposals/{proposal_id}/reject")
async def reject_proposal(
    proposal_id: UUID, body: Rejection, call: Approver, session: Writing, response: Response
) -> ProposalAnswer:
    """Send a proposal back (退回); it can never be approved."""
    await once(
        call, session, response, "parameter_rejection", proposal_id,
        lambda connection, same: parameters.reject(connection, call.caller, same, body.reason),
    )  # fmt: skip
    return ProposalAnswer.of(await parameters.proposal(await driver_of(session), proposal_id))
