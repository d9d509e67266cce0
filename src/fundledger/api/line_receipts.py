"""A payment's receipt for people (收款凭据), to be printed: the page of one line, with its place in the sealed log."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, reads
from fundledger.api.receipt_page import HEADERS, receipt_page
from fundledger.db.database import driver_of
from fundledger.payments.line_receipts import line_receipt

router = APIRouter(prefix="/v1/books/{book}/entries", tags=["payments"])


@router.get("/{entry_id}/lines/{line_no}/receipt", response_class=HTMLResponse)
async def get_line_receipt(
    book: int, entry_id: UUID, line_no: Annotated[int, Path(ge=1, le=2**31 - 1)],
    call: Annotated[Call, reads(EVERYBODY)], session: Reading,
) -> HTMLResponse:  # fmt: skip
    """One payment on one printable page, payee and account masked; 409 until it is under a signed checkpoint."""
    services = call.services
    found = await line_receipt(await driver_of(session), services.vault, services.accounts, book, entry_id, line_no)
    return HTMLResponse(receipt_page(found), headers=HEADERS)
