"""Procurement (招投标) and acceptance (验收): one record a project of the first, any number of the second."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response

from fundledger.access.policy import EVERYBODY, OFFICES
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import Code, Sha256, Sha256Out, SignedYuan, Version
from fundledger.api.records import recorded
from fundledger.api.wire import Answer, Body, Text, Yuan, YuanOut
from fundledger.ids import new_id
from fundledger.projects.acceptances import record_acceptance
from fundledger.projects.procurements import record_procurement
from fundledger.projects.records import history, of_project
from fundledger.projects.tables import Acceptance, Procurement

router = APIRouter(prefix="/v1/books/{book}", tags=["projects"])

Maker = Annotated[Call, writes(OFFICES, "maker", level="district")]
Reader = Annotated[Call, reads(EVERYBODY)]


class ProcurementBody(Body):
    """An award (awardee, contract number and amount) or, with method exempt, an exemption; both with evidence."""

    project_id: UUID
    method: Literal["open", "invited", "negotiation", "inquiry", "single_source", "exempt"]
    estimate: Yuan
    exemption_code: Code | None = None
    evidence_sha256: Sha256
    awardee_id: UUID | None = None
    contract_no: Text | None = None
    contract_amount: Yuan | None = None
    approved_changes: SignedYuan = 0
    document_no: Text


class ProcurementVersion(ProcurementBody):
    """A change of the contract, or a correction."""

    version: Version


class ProcurementAnswer(Answer):
    """One version of a procurement record."""

    procurement_id: UUID
    version: int
    project_id: UUID
    method: str
    estimate: YuanOut
    exemption_code: str | None
    evidence_sha256: Sha256Out | None
    awardee_id: UUID | None
    contract_no: str | None
    contract_amount: YuanOut | None
    approved_changes: YuanOut
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


class AcceptanceBody(Body):
    """That a project's result was looked at, and whether it passed."""

    project_id: UUID
    accepted_on: date
    passed: bool
    evidence_sha256: Sha256
    document_no: Text


class AcceptanceVersion(AcceptanceBody):
    """A correction of an acceptance."""

    version: Version


class AcceptanceAnswer(Answer):
    """One version of an acceptance."""

    acceptance_id: UUID
    version: int
    project_id: UUID
    accepted_on: date
    passed: bool
    evidence_sha256: Sha256Out
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


async def _procure(
    book: int, body: ProcurementBody, version: int, call: Call, session: Writing, response: Response, record_id: UUID
) -> ProcurementAnswer:
    fields = {name: getattr(body, name) for name in ProcurementBody.model_fields}
    row = await recorded(
        call, session, response, Procurement, book, record_id, version,
        lambda new: record_procurement(
            session,
            Procurement(book=book, procurement_id=new, version=version, recorded_by=call.caller.staff_id, **fields),
        ),
    )  # fmt: skip
    return ProcurementAnswer.model_validate(row)


async def _accept(
    book: int, body: AcceptanceBody, version: int, call: Call, session: Writing, response: Response, record_id: UUID
) -> AcceptanceAnswer:
    fields = {name: getattr(body, name) for name in AcceptanceBody.model_fields}
    row = await recorded(
        call, session, response, Acceptance, book, record_id, version,
        lambda new: record_acceptance(
            session,
            Acceptance(book=book, acceptance_id=new, version=version, recorded_by=call.caller.staff_id, **fields),
        ),
    )  # fmt: skip
    return AcceptanceAnswer.model_validate(row)


@router.post("/procurements", status_code=201)
async def create_procurement(
    book: int, body: ProcurementBody, call: Maker, session: Writing, response: Response
) -> ProcurementAnswer:
    """Record how a project's contractor was chosen, or the exemption from tendering."""
    return await _procure(book, body, 1, call, session, response, new_id())


@router.post("/procurements/{procurement_id}/versions", status_code=201)
async def change_procurement(
    book: int, procurement_id: UUID, body: ProcurementVersion, call: Maker, session: Writing, response: Response
) -> ProcurementAnswer:
    """Record a change of the contract: a new version of the whole record."""
    return await _procure(book, body, body.version, call, session, response, procurement_id)


@router.get("/procurements/{procurement_id}")
async def get_procurement(book: int, procurement_id: UUID, call: Reader, session: Reading) -> list[ProcurementAnswer]:
    """A procurement record with its history, oldest version first."""
    return [ProcurementAnswer.model_validate(row) for row in await history(session, Procurement, book, procurement_id)]


@router.get("/projects/{project_id}/procurements")
async def list_procurements(book: int, project_id: UUID, call: Reader, session: Reading) -> list[ProcurementAnswer]:
    """A project's procurement record, every version."""
    return [ProcurementAnswer.model_validate(row) for row in await of_project(session, Procurement, book, project_id)]


@router.post("/acceptances", status_code=201)
async def create_acceptance(
    book: int, body: AcceptanceBody, call: Maker, session: Writing, response: Response
) -> AcceptanceAnswer:
    """Record the acceptance of a project's result; the final payment needs one that passed."""
    return await _accept(book, body, 1, call, session, response, new_id())


@router.post("/acceptances/{acceptance_id}/versions", status_code=201)
async def change_acceptance(
    book: int, acceptance_id: UUID, body: AcceptanceVersion, call: Maker, session: Writing, response: Response
) -> AcceptanceAnswer:
    """Correct an acceptance: a new version of the whole record."""
    return await _accept(book, body, body.version, call, session, response, acceptance_id)


@router.get("/acceptances/{acceptance_id}")
async def get_acceptance(book: int, acceptance_id: UUID, call: Reader, session: Reading) -> list[AcceptanceAnswer]:
    """An acceptance with its history, oldest version first."""
    return [AcceptanceAnswer.model_validate(row) for row in await history(session, Acceptance, book, acceptance_id)]


@router.get("/projects/{project_id}/acceptances")
async def list_acceptances(book: int, project_id: UUID, call: Reader, session: Reading) -> list[AcceptanceAnswer]:
    """A project's acceptances, every version."""
    return [AcceptanceAnswer.model_validate(row) for row in await of_project(session, Acceptance, book, project_id)]
