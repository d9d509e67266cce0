"""Posting with many hands: drafts made in bulk, and posters with several connections."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from fundledger.book.instructions import Leg
from fundledger.book.poster import Posted, Poster, Posting
from fundledger.db.database import Database
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.builders import CITY, DISTRICT, World

REFUSED = "refused: "


@asynccontextmanager
async def posters(url: str, count: int = 2, *, pool_size: int = 4) -> AsyncIterator[list[Poster]]:
    """Posters as in `count` processes, each with a pool of its own."""
    databases = [Database(url, pool_size=pool_size) for _ in range(count)]
    made = [Poster(database) for database in databases]
    for poster in made:
        poster.start()
    try:
        yield made
    finally:
        for poster in made:
            await poster.stop()
        for database in databases:
            await database.dispose()


async def approval_of(
    world: World, book: int, instruction: UUID, *, key: str | None = None, actor: str | None = None
) -> Posting:
    """What an approver sends to post a draft."""
    prefix = "city" if book == CITY else "district"
    digest = await world.digest(book, instruction)
    person = world.who(actor or f"{prefix}-approver").staff_id
    return Posting(book, instruction, person, digest, key or str(new_id()), digest)


def payment_of(world: World, pay_list: UUID, *, key: str | None = None) -> Posting:
    """What a payer sends to pay a list."""
    return Posting(DISTRICT, pay_list, world.who("district-payer").staff_id, None, key or str(new_id()), bytes(32))


async def releases(world: World, allocations: Iterable[UUID], amount: int = 1) -> list[Posting]:
    """One release of an amount for each allocation named."""
    made = [await world.draft(CITY, "release", [Leg(amount, allocation_id=allocation)]) for allocation in allocations]
    return [await approval_of(world, CITY, draft) for draft in made]


async def outcome_of(posting: Awaitable[Posted]) -> str:
    """posted, replayed, or what it was refused for."""
    try:
        return "replayed" if (await posting).replayed else "posted"
    except FundledgerError as error:
        return REFUSED + error.code


async def together(poster_of: list[Poster], postings: list[Posting]) -> Counter[str]:
    """Send all at once, in turn to each poster; how often each outcome came."""
    calls = [outcome_of(poster_of[number % len(poster_of)].post(posting)) for number, posting in enumerate(postings)]
    return Counter(await asyncio.gather(*calls))
