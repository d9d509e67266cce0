"""What a reviewer found: overlapping periods, an undo in a batch with others, new reasons for the same refused call."""

from __future__ import annotations

import pytest

from fundledger.book.instructions import Leg
from fundledger.book.poster import Posting, post_now
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.builders import CITY, DISTRICT, World
from tests.web import Api

OVERLAPS = (
    ("2019-02", "2019-02", True), ("2019-02", "2019-Q1", True), ("2019-Q1", "2019-H1", True), ("2019-H1", "2019", True),
    ("2019-02", "2019-03", False), ("2019-04", "2019-Q1", False), ("2019-Q3", "2019-H1", False), ("2019", "2020", False),
)  # fmt: skip


@pytest.mark.parametrize(("first", "second", "overlaps"), OVERLAPS)
async def test_nobody_is_paid_twice_for_overlapping_periods(
    world: World, first: str, second: str, overlaps: bool
) -> None:
    allocation, project = await world.funded(), await world.project()
    leg = Leg(1_000_000, allocation_id=allocation, project_id=project)
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    people = await world.persons(1)
    await world.pay(await world.list_of(project, allocation, people, period=first))
    if not overlaps:
        await world.list_of(project, allocation, people, period=second)
        return
    with pytest.raises(Exception, match="fundledger refuses"):
        await world.list_of(project, allocation, people, period=second)


async def test_an_undo_is_not_posted_in_one_call_with_others(world: World) -> None:
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    released = await world.release(allocation, 1_000)
    undo = await world.draft(CITY, "reverse", [Leg(1_000, undoes_entry_id=released.entry_id, undoes_line_no=1)])
    more = await world.draft(CITY, "release", [Leg(500, allocation_id=allocation)])
    postings = [
        Posting(CITY, one, world.who("city-approver").staff_id, await world.digest(CITY, one), str(new_id()), bytes(32))
        for one in (undo, more)
    ]
    with pytest.raises(FundledgerError) as refused:
        await post_now(world.service, postings)
    assert {fault.code for fault in refused.value.faults} == {"undo-in-batch"}
    for posting in postings:
        await post_now(world.service, [posting])
    assert await world.balance("executable", allocation=allocation) == 500


async def test_the_same_call_refused_for_new_reasons_is_new_evidence(api: Api, world: World) -> None:
    allocation, project = await world.funded(), await world.project()
    leg = Leg(1_000_000, allocation_id=allocation, project_id=project)
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))
    people = await world.persons(1)
    made = await world.list_of(project, allocation, people, published=False, final=True)
    path = f"/v1/books/{DISTRICT}/payment-lists/{made}/pay"
    for _ in range(2):
        assert (await api.post("district-payer", path, key="same")).status_code == 409
    await world.notice("payment_list", made, 8_000)
    assert (await api.post("district-payer", path, key="same")).status_code == 409
    rows = await world.service.fetch("SELECT refusal_id FROM refusal")
    repeats = await world.service.fetch("SELECT repeats FROM refusal_count")
    assert (len(rows), [row["repeats"] for row in repeats]) == (2, [1])
