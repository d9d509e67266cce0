"""Periods: close a month (an approver of the finance bureau), and list what is closed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.wire import Answer, Body, Text, mark_replay
from fundledger.book.idempotency import claim
from fundledger.book.periods import ClosedPeriod, close, closed_periods
from fundledger.db.database import driver_of
from fundledger.ids import new_id

router = APIRouter(prefix="/v1/books/{book}/periods", tags=["periods"])


class Closing(Body):
    """The document that orders the close."""

    document_no: Text


class ClosedPeriodAnswer(Answer):
    """A closed month, as YYYY-MM."""

    month: str
    period_close_id: UUID
    closed_by: UUID
    document_no: str
    closed_at: datetime

    @classmethod
    def of(cls, period: ClosedPeriod) -> ClosedPeriodAnswer:
        """The answer about a closed month."""
        return cls(
            month=f"{period.month:%Y-%m}", period_close_id=period.period_close_id, closed_by=period.closed_by,
            document_no=period.document_no, closed_at=period.closed_at,
        )  # fmt: skip


@router.post("/{month}/close", status_code=201)
async def close_period(
    book: int,
    month: Annotated[str, Path(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")],
    body: Closing,
    call: Annotated[Call, writes(frozenset({"finance"}), "approver")],
    session: Writing,
    response: Response,
) -> ClosedPeriodAnswer:
    """Close a month that is over (结账): from now on it takes nothing, of this book nor the other leg of a crossing."""
    connection = await driver_of(session)
    new = new_id()
    earlier = await claim(connection, call.caller, call.key, call.request_sha256, "period_close", new)
    if earlier is None:
        await close(connection, call.caller, book, date.fromisoformat(f"{month}-01"), new, body.document_no)
    mark_replay(response, earlier is not None)
    return ClosedPeriodAnswer.of((await closed_periods(connection, book, earlier or new))[0])


@router.get("")
async def list_closed_periods(
    book: int, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> list[ClosedPeriodAnswer]:
    """The closed months of a book, newest first."""
    return [ClosedPeriodAnswer.of(period) for period in await closed_periods(await driver_of(session), book)]
