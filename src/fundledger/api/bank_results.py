"""The bank's files over HTTP (银行回盘): recorded by a maker of finance; returns are posted by an approver."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Request, Response

from fundledger.api.deps import Call, Writing, writes
from fundledger.api.payment_bodies import BANK_QUERY, RESULTS, BankFileIn, read_bank_file
from fundledger.api.uploads import documented
from fundledger.api.wire import Answer, InstructionAnswer, mark_replay
from fundledger.book.idempotency import claim
from fundledger.book.instructions import state_of
from fundledger.db.database import driver_of
from fundledger.ids import new_id
from fundledger.payments.bank_lines import HEADINGS
from fundledger.payments.returns import ReturnHeader, returns_of, take_results
from fundledger.payments.statistics import RETURNED, refresh_after

router = APIRouter(prefix="/v1/books/{book}/bank-results", tags=["payments"])


class BankFileAnswer(Answer):
    """What was recorded, and the drafts that post the returned lines back (approve them under /instructions)."""

    credited_lines: int
    returned_lines: int
    returns: list[InstructionAnswer]


@router.post("", status_code=201, openapi_extra=documented(BankFileIn, RESULTS, HEADINGS, BANK_QUERY))
async def upload_bank_results(
    book: int,
    request: Request,
    call: Annotated[Call, writes(frozenset({"finance"}), "maker", level="district")],
    session: Writing,
    response: Response,
    later: BackgroundTasks,
) -> BankFileAnswer:
    """Record what the bank said of paid lines, all or none. Returned lines draft a return for another to approve."""
    fields, upload, lines, faults = await read_bank_file(request, call)
    header = ReturnHeader(
        fields.document_no, fields.effective_on or fields.settled_on, fields.officer_id, fields.supervisor_id
    )
    connection, new = await driver_of(session), new_id()
    earlier = await claim(connection, call.caller, call.key, call.request_sha256, "bank_results", new)
    if earlier is None:
        await take_results(connection, call.caller, book, new, header, upload, lines, faults)
        later.add_task(refresh_after, call.services.database, len(lines), RETURNED)
    mark_replay(response, earlier is not None)
    drafts = [await state_of(connection, book, draft) for draft in await returns_of(connection, book, earlier or new)]
    returned = sum(line.outcome == "returned" for line in lines)
    return BankFileAnswer(
        credited_lines=len(lines) - returned, returned_lines=returned, returns=[InstructionAnswer.of(d) for d in drafts]
    )
