"""The one way every drafting route works: claim the key, draft once, answer with the draft and its digest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import Response
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.api.deps import Call
from fundledger.api.records import once
from fundledger.api.wire import InstructionAnswer
from fundledger.book.instructions import state_of
from fundledger.db.connection import Connection
from fundledger.db.database import driver_of
from fundledger.ids import new_id


async def drafted(
    call: Call,
    session: AsyncSession,
    response: Response,
    book: int,
    make: Callable[[Connection, UUID], Awaitable[object]],
) -> InstructionAnswer:
    """Run `make(connection, instruction_id)` unless this key did it before; answer with the instruction's state."""
    drawn = await once(call, session, response, "instruction", new_id(), make)
    return InstructionAnswer.of(await state_of(await driver_of(session), book, drawn))
