"""Releases: the city's finance bureau drafts them; approving one posts it (see `instructions`)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from fundledger.api.deps import Call, Writing, writes
from fundledger.api.drafts import drafted
from fundledger.api.wire import Body, Classified, InstructionAnswer, Yuan
from fundledger.budget.releases import ReleaseKind, ReleaseLine, draft_release

router = APIRouter(prefix="/v1/books/{book}/releases", tags=["budget"])


class ReleaseItem(Body):
    """One allocation and how much of it is released."""

    allocation_id: UUID
    amount: Yuan


class Release(Classified):
    """A release; `kind`: early (提前下达), instalment (分期), prepaid (先预拨后清算), full."""

    kind: ReleaseKind
    lines: Annotated[list[ReleaseItem], Field(min_length=1, max_length=10_000)]


@router.post("", status_code=201)
async def create_release(
    book: int,
    body: Release,
    call: Annotated[Call, writes(frozenset({"finance"}), "maker", level="city")],
    session: Writing,
    response: Response,
) -> InstructionAnswer:
    """Draft a release. It never names a project and never exceeds the allocation; approving it posts both legs."""
    return await drafted(
        call, session, response, book,
        lambda connection, new: draft_release(
            connection, call.caller, book, new, document_no=body.document_no, effective_on=body.effective_on,
            summary=body.summary, officer_id=body.officer_id, supervisor_id=body.supervisor_id, kind=body.kind,
            lines=[ReleaseLine(line.allocation_id, line.amount) for line in body.lines],
        ),
    )  # fmt: skip
