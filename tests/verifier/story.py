"""An honest year in small: funding, payments, a return, a re-issue, an advance and its settlement, a recovery."""

from __future__ import annotations

from uuid import UUID

from fundledger.book.instructions import Leg
from tests.builders import DISTRICT, World


async def honest_year(world: World) -> dict[str, UUID]:
    """Post it all through the gate; ids by name."""
    allocation = await world.funded(50_000_000)
    project = await world.project()
    await world.post(
        DISTRICT, await world.draft(DISTRICT, "fund", [Leg(9_000_000, allocation_id=allocation, project_id=project)])
    )
    people = await world.persons(20)
    listed = await world.list_of(project, allocation, people)
    paid = await world.pay(listed)
    return {"allocation": allocation, "project": project, "list": listed, "entry": paid.entry_id, "household": people[0][0],
            "person": people[0][1]}  # fmt: skip
