"""The gate, called as the service's role: one path end to end."""

from __future__ import annotations

from fundledger.book.instructions import Leg
from tests.builders import DISTRICT, World


async def test_money_runs_from_the_city_budget_to_a_person(world: World) -> None:
    allocation = await world.funded(1_000_000)
    project = await world.project()
    await world.post(
        DISTRICT, await world.draft(DISTRICT, "fund", [Leg(500_000, allocation_id=allocation, project_id=project)])
    )
    people = await world.persons(3)
    paid = await world.pay(await world.list_of(project, allocation, people))
    rows = await world.service.fetch("SELECT * FROM transfer WHERE entry_id = $1 ORDER BY line_no", paid.entry_id)
    assert [row["amount"] for row in rows] == [8_000] * 3
    assert [row["payee_id"] for row in rows] == [person for _, person in people]
    assert await world.balance("available", allocation=allocation) == 500_000 - 24_000
    assert await world.balance("paid", project=project) == 24_000
