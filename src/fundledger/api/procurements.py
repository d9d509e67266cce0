"""Procurement (招投标), its OCDS release, and acceptance (验收). Bids and changes of contracts: `contracts`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from fundledger.access.policy import EVERYBODY, OFFICES
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import Code, Sha256, Sha256Out, Version, YuanOrZero
from fundledger.api.records import recorded
from fundledger.api.wire import Answer, Body, Day, Text, Yuan, YuanOut
from fundledger.db.database import driver_of
from fundledger.ids import new_id
from fundledger.projects.acceptances import record_acceptance
from fundledger.projects.ocds import as_json, release_of
from fundledger.projects.procurements import record_procurement
from fundledger.projects.records import history, of_project
from fundledger.projects.tables import Acceptance, Procurement

router = APIRouter(prefix="/v1/books/{book}", tags=["projects"])

Maker = Annotated[Call, writes(OFFICES, "maker", level="district")]
Reader = Annotated[Call, reads(EVERYBODY)]


Percent = Annotated[int, Field(ge=0, le=100)]
Stage = Literal["planned", "tendering", "awarded", "contracted", "terminated", "unsuccessful"]


class ProcurementBody(Body):
    """A procurement at one of its stages; awardee from the award on, contract number and amount with the contract.

    With method exempt: the kind of exemption and its evidence. `lot_group`: the same words for lots that belong
    together; `budget_amount`: the budget money in the estimate (left out: all of it).
    """

    project_id: UUID
    title: Text | None = None
    stage: Stage = "contracted"
    method: Literal["open", "invited", "negotiation", "inquiry", "single_source", "exempt"]
    main_procurement_category: Literal["works", "goods", "services"] = "works"
    estimate: Yuan
    budget_amount: YuanOrZero | None = None
    lot_group: Text | None = None
    exemption_code: Code | None = None
    evidence_sha256: Sha256
    tender_period_start: Day | None = None
    tender_period_end: Day | None = None
    awardee_id: UUID | None = None
    awarded_on: Day | None = None
    contract_no: Text | None = None
    contract_amount: Yuan | None = None
    signed_on: Day | None = None
    price_difference_document_no: Text | None = None
    retention_percent: Percent = 0
    document_no: Text


class ProcurementVersion(ProcurementBody):
    """The next stage, or a correction."""

    version: Version


class ProcurementAnswer(Answer):
    """One version of a procurement. `stage` null: from before there were stages; `approved_changes`: of that time."""

    procurement_id: UUID
    version: int
    project_id: UUID
    title: str
    stage: str | None
    method: str
    main_procurement_category: str
    estimate: YuanOut
    budget_amount: YuanOut | None
    lot_group: str | None
    exemption_code: str | None
    evidence_sha256: Sha256Out | None
    tender_period_start: date | None
    tender_period_end: date | None
    awardee_id: UUID | None
    awarded_on: date | None
    contract_no: str | None
    contract_amount: YuanOut | None
    signed_on: date | None
    price_difference_document_no: str | None
    approved_changes: YuanOut
    retention_percent: int
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


class AcceptanceBody(Body):
    """That a project's (or one contract's) work was looked at, how far it is, and whether it passed."""

    project_id: UUID
    procurement_id: UUID | None = None
    kind: Literal["progress", "final"] = "final"
    percent_complete: Percent | None = None
    amount_accepted: Yuan | None = None
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
    procurement_id: UUID | None
    kind: str
    percent_complete: int | None
    amount_accepted: YuanOut | None
    accepted_on: date
    passed: bool
    evidence_sha256: Sha256Out
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


async def _procure(
    book: int, body: ProcurementBody, version: int, call: Call, session: Writing, response: Response, record_id: UUID
) -> ProcurementAnswer:
    fields = {name: getattr(body, name) for name in ProcurementBody.model_fields} | {"title": body.title or ""}
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
    """Record how a project's contractor is chosen, from whichever stage on, or the exemption from tendering."""
    return await _procure(book, body, 1, call, session, response, new_id())


@router.post("/procurements/{procurement_id}/versions", status_code=201)
async def change_procurement(
    book: int, procurement_id: UUID, body: ProcurementVersion, call: Maker, session: Writing, response: Response
) -> ProcurementAnswer:
    """Record the next stage, or a correction: a new version of the whole record."""
    return await _procure(book, body, body.version, call, session, response, procurement_id)


@router.get("/procurements/{procurement_id}")
async def get_procurement(book: int, procurement_id: UUID, call: Reader, session: Reading) -> list[ProcurementAnswer]:
    """A procurement record with its history, oldest version first."""
    return [ProcurementAnswer.model_validate(row) for row in await history(session, Procurement, book, procurement_id)]


@router.get(
    "/procurements/{procurement_id}/ocds", response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)  # fmt: skip
async def get_procurement_release(book: int, procurement_id: UUID, call: Reader, session: Reading) -> Response:
    """A procurement as a release of the Open Contracting Data Standard 1.1: its newest state."""
    release = await release_of(await driver_of(session), book, procurement_id)
    return Response(as_json(release), media_type="application/json")


@router.get("/projects/{project_id}/procurements")
async def list_procurements(book: int, project_id: UUID, call: Reader, session: Reading) -> list[ProcurementAnswer]:
    """A project's procurement records, every version."""
    return [ProcurementAnswer.model_validate(row) for row in await of_project(session, Procurement, book, project_id)]


@router.post("/acceptances", status_code=201)
async def create_acceptance(
    book: int, body: AcceptanceBody, call: Maker, session: Writing, response: Response
) -> AcceptanceAnswer:
    """Record the acceptance of progress or of the result; payments follow it, the final one needs one that passed."""
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
