"""Words for advances and their settlement: evidence, a settlement of advances, a remainder's return."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import UUID

from fundledger.book.instructions import Leg
from fundledger.book.poster import Posted
from fundledger.money import format_yuan
from tests.book.payment_case import Built
from tests.builders import DISTRICT, TODAY, World

LATER = date(2019, 4, 1)


def based_on(digest: bytes | None) -> str:
    """The inputs of an instruction that rests on evidence."""
    return "" if digest is None else json.dumps({"evidence_sha256": digest.hex()}, separators=(",", ":"))


async def advanced(built: Built, amount: int | None = None, **fields: Any) -> Posted:
    """Draft another advance like the case's (or pay the one it has), approve and pay it."""
    if amount is not None:
        await built.case.but(amount=amount, **fields).add_list(built)
    await built.world.approve_list(built.pay_list)
    return await built.world.pay(built.pay_list)


def settle_leg(built: Built, entry: UUID, amount: int, **fields: Any) -> Leg:
    """A leg that settles an amount of an advance of one line."""
    return Leg(amount, **{"allocation_id": built.allocation, "project_id": built.project, "settles_entry_id": entry,
                          "settles_line_no": 1, **fields})  # fmt: skip


async def settlement(built: Built, *legs: Leg, **fields: Any) -> UUID:
    """A draft that settles, on kept evidence unless told otherwise."""
    inputs = fields.pop("inputs", None)
    if inputs is None:
        inputs = based_on(await built.world.evidence())
    return await built.world.draft(DISTRICT, "settle", list(legs), inputs=inputs, **{"effective_on": LATER, **fields})


async def settle(built: Built, *legs: Leg, **fields: Any) -> Posted:
    """Draft a settlement and let a second person approve it."""
    return await built.world.post(DISTRICT, await settlement(built, *legs, **fields))


async def remainder_back(built: Built, entry: UUID, amount: int, **fields: Any) -> Posted:
    """Post the return of an advance's remainder, on a kept receipt unless told otherwise."""
    inputs = fields.pop("inputs", None)
    if inputs is None:
        inputs = based_on(await built.world.evidence())
    leg = Leg(amount, undoes_entry_id=entry, undoes_line_no=1)
    draft = await built.world.draft(
        DISTRICT, "advance_return", [leg], inputs=inputs, **{"effective_on": LATER, **fields}
    )
    return await built.world.post(DISTRICT, draft)


async def accepted(built: Built) -> None:
    """The project's final acceptance."""
    await built.accepted(accepted_on=TODAY)


async def status(world: World, entry: UUID) -> tuple[str, str, str, str]:
    """Amount, settled, returned and outstanding of an advance, in yuan."""
    row = await world.service.fetchrow("SELECT * FROM advance_status WHERE entry_id = $1", entry)
    assert row is not None
    amount, settled, returned, outstanding = (
        format_yuan(int(row[name])) for name in ("amount", "settled", "returned", "outstanding")
    )
    return amount, settled, returned, outstanding
