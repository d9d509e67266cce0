"""Reversals and period close over HTTP: what may be undone, and that a closed month takes nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from fundledger.book.instructions import Leg
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.budget.calls import draft, heading, listed, refused
from tests.builders import CITY, DISTRICT, World
from tests.soundness import assert_book_sound
from tests.web import Api


async def reversal(
    api: Api, world: World, entry: UUID, *, book: int = CITY, who: str | None = None, **fields: Any
) -> Any:
    """Draft a reversal and approve it; the answer of the approval."""
    drafted = await draft(api, "/reversals", heading(world, book, entry_id=str(entry), **fields), book=book, who=who)
    return await api.approve("city-approver" if book == CITY else "district-approver", book, drafted)


async def released(world: World, amount: int = 10_000) -> tuple[UUID, UUID]:
    """An allocation released in full, and the city's entry of the release."""
    allocation = await world.allocate(await world.adopt(amount), amount)
    return allocation, (await world.release(allocation, amount)).entry_id


async def funded(world: World, allocation: UUID, amount: int) -> tuple[UUID, UUID]:
    """A project funded from an allocation, and the entry."""
    project = await world.project()
    leg = Leg(amount, allocation_id=allocation, project_id=project)
    return project, (await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))).entry_id


async def test_a_release_taken_back_is_undone_on_both_sides(api: Api, world: World) -> None:
    allocation, entry = await released(world)
    assert (await reversal(api, world, entry, lines=[{"line_no": 1, "amount": "30.00"}])).status_code == 200
    assert await world.balance("released", allocation=allocation) == 7_000
    assert await world.balance("executable", allocation=allocation) == 7_000
    assert await world.balance("upper_transfer", allocation=allocation) == -7_000
    detail = (await api.get("auditor", f"/v1/books/{DISTRICT}/allocations/{allocation}")).json()
    assert [(item["amount"], item["undone"]) for item in detail["releases"]] == [("100.00", "30.00")]
    assert (await reversal(api, world, entry)).status_code == 200
    assert await world.balance("unreleased", allocation=allocation) == 10_000
    await assert_book_sound(world.service)


async def test_a_reversal_keeps_the_classification_of_its_original(api: Api, world: World) -> None:
    _, entry = await released(world)
    undoing = UUID((await reversal(api, world, entry)).json()["entry_id"])
    query = "SELECT functional_class, economic_class FROM entry WHERE book = $1 AND entry_id = $2"
    assert await world.service.fetchrow(query, CITY, undoing) == await world.service.fetchrow(query, CITY, entry)


async def test_more_than_what_is_left_is_refused(api: Api, world: World) -> None:
    _, entry = await released(world)
    assert (await reversal(api, world, entry, lines=[{"line_no": 1, "amount": "60.00"}])).status_code == 200
    answer = await reversal(api, world, entry, lines=[{"line_no": 1, "amount": "40.01"}])
    assert refused(answer) >= {"undo-exceeds"}


async def test_two_drafts_of_the_same_reversal_undo_it_once(api: Api, world: World) -> None:
    allocation, entry = await released(world)
    drafts = [await draft(api, "/reversals", heading(world, entry_id=str(entry))) for _ in range(2)]
    answers = [await api.approve("city-approver", CITY, drafted) for drafted in drafts]
    assert [answer.status_code for answer in answers] == [200, 409]
    assert "undo-exceeds" in refused(answers[1])
    assert await world.balance("unreleased", allocation=allocation) == 10_000


async def test_an_undo_is_not_undone(api: Api, world: World) -> None:
    _, entry = await released(world)
    undoing = UUID((await reversal(api, world, entry)).json()["entry_id"])
    assert "undo-of-undo" in refused(await reversal(api, world, undoing))


async def test_a_district_does_not_undo_a_crossing(api: Api, world: World) -> None:
    _, entry = await released(world)
    crossing = await world.service.fetchval(
        "SELECT crossing_id FROM entry WHERE book = $1 AND entry_id = $2", CITY, entry
    )
    query = "SELECT entry_id FROM entry WHERE book = $1 AND crossing_id = $2"
    received = await world.service.fetchval(query, DISTRICT, crossing)
    assert "undo-of-crossing-by-district" in refused(await reversal(api, world, received, book=DISTRICT))


async def test_money_that_went_on_is_not_taken_back(api: Api, world: World) -> None:
    allocation, entry = await released(world)
    await funded(world, allocation, 6_000)
    answer = await reversal(api, world, entry, lines=[{"line_no": 1, "amount": "40.01"}])
    assert refused(answer) & {"spent-downstream", "balance-insufficient"}
    assert (await reversal(api, world, entry, lines=[{"line_no": 1, "amount": "40.00"}])).status_code == 200
    await assert_book_sound(world.service)


async def test_an_earlier_release_that_was_spent_first_is_not_undone_at_a_later_ones_cost(
    api: Api, world: World
) -> None:
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    first = (await world.release(allocation, 5_000)).entry_id
    second = (await world.release(allocation, 5_000)).entry_id
    await funded(world, allocation, 5_000)
    assert refused(await reversal(api, world, first)) == {"spent-downstream"}
    assert (await reversal(api, world, second)).status_code == 200


async def test_an_undo_before_its_original_is_refused(api: Api, world: World) -> None:
    _, entry = await released(world)
    assert "undo-before-original" in refused(await reversal(api, world, entry, effective_on="2019-02-28"))


async def test_a_payment_is_not_reversed_but_returned(api: Api, world: World) -> None:
    allocation, _ = await released(world, 1_000_000)
    project, _ = await funded(world, allocation, 1_000_000)
    paid = await world.pay(await world.list_of(project, allocation, await world.persons(1)))
    assert "undo-kind" in refused(await reversal(api, world, paid.entry_id, book=DISTRICT))


async def test_an_office_undoes_only_what_it_could_have_made(api: Api, world: World) -> None:
    allocation, _ = await released(world)
    _, entry = await funded(world, allocation, 1_000)
    assert (await reversal(api, world, entry, book=DISTRICT, who="poverty-maker")).status_code == 200
    # Own money is adopted by the finance bureau only.
    maker = world.who("district-maker").staff_id
    await world.service.execute(
        "INSERT INTO declared_figure (book, fund_code, fiscal_year, version, amount, document_no, recorded_by) "
        "VALUES ($1, 'district_increment', 2019, 1, 0, '报1号', $2)", DISTRICT, maker,
    )  # fmt: skip
    leg = Leg(500, allocation_id=new_id(), fund_code="district_increment", fiscal_year=2019, district=DISTRICT)
    own = (await world.post(DISTRICT, await world.draft(DISTRICT, "adopt_own", [leg]))).entry_id
    assert refused(await reversal(api, world, own, book=DISTRICT, who="poverty-maker")) == {"undo-of-another-office"}
    drafted = await draft(api, "/reversals", heading(world, DISTRICT, entry_id=str(own)), book=DISTRICT)
    assert refused(await api.approve("poverty-approver", DISTRICT, drafted)) == {"undo-of-another-office"}


async def test_what_is_not_there_is_not_reversed(api: Api, world: World) -> None:
    _, entry = await released(world)
    path = f"/v1/books/{CITY}/reversals"
    assert refused(await api.post("city-maker", path, heading(world, entry_id=str(new_id())))) == {"entry-not-found"}
    body = heading(world, entry_id=str(entry), lines=[{"line_no": 2}, {"line_no": 1}, {"line_no": 9}])
    answer = await api.post("city-maker", path, body)
    assert [fault["pointer"] for fault in answer.json()["faults"]] == ["/lines/0/line_no", "/lines/2/line_no"]
    # A district's entry is not found in the city's book.
    allocation, _ = await released(world)
    _, fund = await funded(world, allocation, 1_000)
    assert refused(await api.post("city-maker", path, heading(world, entry_id=str(fund)))) == {"entry-not-found"}


async def test_a_village_whose_allocation_was_undone_is_allocated_again_only_with_a_document(
    api: Api, world: World
) -> None:
    [village] = await listed(world, DISTRICT, 1)
    line = await world.adopt(10_000, fund="targeted")
    allocation = await world.allocate(line, 4_000, fund="targeted", village=village)
    entry = await world.service.fetchval(
        "SELECT entry_id FROM allocation WHERE book = $1 AND allocation_id = $2", CITY, allocation
    )
    assert (await reversal(api, world, entry)).status_code == 200
    assert await world.balance("unreleased_budget", line=line) == 10_000
    with pytest.raises(FundledgerError) as refusal:
        await world.allocate(line, 4_000, fund="targeted", village=village)
    assert [fault.code for fault in refusal.value.faults] == ["village-already-allocated"]
    await world.allocate(line, 4_000, fund="targeted", village=village, exception_document_no="更正1号")


async def close(api: Api, month: str, *, who: str = "city-approver", book: int = CITY, key: str | None = None) -> Any:
    return await api.post(who, f"/v1/books/{book}/periods/{month}/close", {"document_no": "结1号"}, key=key)


async def test_a_closed_month_takes_no_posting(api: Api, world: World) -> None:
    line = await world.adopt(10_000)
    answer = await close(api, "2019-03", key="c")
    assert (answer.status_code, answer.json()["month"]) == (201, "2019-03")
    again = await close(api, "2019-03", key="c")
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", answer.json())
    assert refused(await close(api, "2019-03")) == {"period-closed"}
    with pytest.raises(FundledgerError, match="period-closed"):
        await world.allocate(line, 1_000)
    listed = (await api.get("auditor", f"/v1/books/{CITY}/periods")).json()
    assert [item["month"] for item in listed] == ["2019-03"]


@pytest.mark.parametrize("book", [CITY, DISTRICT])
async def test_a_crossing_needs_the_month_open_in_both_books(api: Api, world: World, book: int) -> None:
    allocation, entry = await released(world)
    other = await world.allocate(await world.adopt(1_000), 1_000)
    assert (
        await close(api, "2019-03", book=book, who="city-approver" if book == CITY else "district-approver")
    ).status_code == 201
    with pytest.raises(FundledgerError, match="period-closed"):
        await world.release(other, 1_000)
    assert refused(await reversal(api, world, entry)) == {"period-closed"}
    # In an open month it is undone, whatever the month of the original.
    assert (await reversal(api, world, entry, effective_on="2019-04-01")).status_code == 200
    assert await world.balance("unreleased", allocation=allocation) == 10_000


async def test_only_an_approver_of_the_finance_bureau_closes_a_month_that_is_over(api: Api, world: World) -> None:
    for who, code in (
        ("district-maker", "forbidden-duty"),
        ("poverty-approver", "forbidden-role"),
        ("auditor", "forbidden-role"),
    ):
        assert refused(await close(api, "2019-03", who=who, book=DISTRICT)) == {code}
    assert refused(await close(api, "2019-03", who="district-approver")) == {"forbidden-book"}
    assert refused(await close(api, "2099-01")) == {"period-not-over"}
    for month in ("2019-13", "2019-3", "1999-01", "2019-03-01"):
        assert (await close(api, month)).status_code in (404, 422), month


async def test_reversals_of_budget_entries_need_both_people(api: Api, world: World) -> None:
    _, entry = await released(world)
    drafted = await draft(api, "/reversals", heading(world, entry_id=str(entry)))
    answer = await api.approve("city-maker", CITY, drafted)
    assert answer.status_code == 403
    assert (
        await api.post(
            "township-maker", f"/v1/books/{DISTRICT}/reversals", heading(world, DISTRICT, entry_id=str(entry))
        )
    ).status_code == 403
