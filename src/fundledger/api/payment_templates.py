"""The template of a payment list over HTTP: an .xlsx file that, filled in, can be uploaded as it is."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Response

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, reads
from fundledger.api.uploads import XLSX
from fundledger.db.database import driver_of
from fundledger.payments.forms import PayeeKind
from fundledger.payments.template import SHEET, standard_of, template

router = APIRouter(prefix="/v1/books/{book}/payment-lists", tags=["payments"])

_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "the template", "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/template", response_class=Response, responses=_FILE)
async def get_template(
    book: int,
    call: Annotated[Call, reads(EVERYBODY)],
    session: Reading,
    payee_kind: PayeeKind,
    project_id: UUID | None = None,
) -> Response:
    """The template for a kind of payee; with a project, its programme's unit standard is told and checked."""
    standard = None if project_id is None else await standard_of(await driver_of(session), book, project_id)
    name = quote(f"{SHEET}.xlsx")
    return Response(
        template(payee_kind, standard), media_type=XLSX,
        headers={"Content-Disposition": f"attachment; filename=payment-list.xlsx; filename*=UTF-8''{name}"},
    )  # fmt: skip
