"""Prepaid releases (先预拨后清算, M09): a share before the result is known, a top-up against it, the remainder back."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book.attackers import codes_of
from tests.book.lanes import approval_of, posters, together
from tests.builders import CITY, DISTRICT, World, insert
from tests.databases import Database
from tests.soundness import assert_book_sound


async def declared(world: World, allocation: UUID, result: int, version: int = 1, **fields: Any) -> UUID:
    """A declaration of the year's result, by the city's bureau."""
    new = new_id()
    await insert(world.service, "release_settlement", {
        "book": CITY, "settlement_id": new, "allocation_id": allocation, "version": version, "result_amount": result, "document_no": "清算1号",
        "evidence_sha256": await world.evidence(CITY), "declared_by": world.who("city-maker").staff_id, **fields,
    })  # fmt: skip
    return new


async def approved(world: World, settlement: UUID, **fields: Any) -> None:
    """Its approval by another person."""
    await insert(world.service, "release_settlement_approval", {
        "book": CITY, "settlement_id": settlement, "declared_by": world.who("city-maker").staff_id,
        "approved_by": world.who("city-approver").staff_id, **fields,
    })  # fmt: skip


async def release(world: World, allocation: UUID, amount: int, kind: str, **fields: Any) -> set[str]:
    """Release; the codes it was refused with, or nothing."""
    try:
        await world.release(allocation, amount, release_kind=kind, **fields)
    except (asyncpg.PostgresError, FundledgerError) as refusal:
        return codes_of(refusal)
    return set()


@pytest.fixture
async def allocation(world: World) -> UUID:
    """100.00 yuan of a district, nothing of it released."""
    return await world.allocate(await world.adopt(10_000), 10_000)


async def status(world: World, allocation: UUID) -> dict[str, Any]:
    row = await world.service.fetchrow("SELECT * FROM release_settlement_status WHERE allocation_id = $1", allocation)
    return dict(row) if row else {}


async def test_seven_tenths_are_released_beforehand_and_no_more(world: World, allocation: UUID) -> None:
    assert await release(world, allocation, 7_001, "prepaid") == {"prepaid-release-above-limit"}
    assert await release(world, allocation, 4_000, "prepaid") == set()
    assert await release(world, allocation, 3_001, "prepaid") == {"prepaid-release-above-limit"}
    assert await release(world, allocation, 3_000, "prepaid") == set()
    two = [Leg(1, allocation_id=allocation), Leg(1, allocation_id=allocation)]
    with pytest.raises(FundledgerError) as caught:
        await world.post(CITY, await world.draft(CITY, "release", two, release_kind="prepaid"))
    assert codes_of(caught.value) == {"prepaid-release-above-limit"}
    assert (await status(world, allocation))["prepaid"] == 7_000
    await assert_book_sound(world.service)


async def test_what_was_taken_back_may_be_prepaid_again(world: World, allocation: UUID) -> None:
    posted = await world.release(allocation, 7_000, release_kind="prepaid")
    undo = [Leg(2_000, undoes_entry_id=posted.entry_id, undoes_line_no=1)]
    await world.post(CITY, await world.draft(CITY, "reverse", undo))
    assert await release(world, allocation, 2_001, "prepaid") == {"prepaid-release-above-limit"}
    assert await release(world, allocation, 2_000, "prepaid") == set()
    await assert_book_sound(world.service)


async def test_a_topup_goes_up_to_the_approved_result(world: World, allocation: UUID) -> None:
    await world.release(allocation, 6_000, release_kind="prepaid")
    assert await release(world, allocation, 1, "topup") == {"topup-without-settlement"}
    settlement = await declared(world, allocation, 8_000)
    assert await release(world, allocation, 1, "topup") == {"topup-without-settlement"}
    await approved(world, settlement)
    assert await release(world, allocation, 2_001, "topup") == {"topup-above-result"}
    assert await release(world, allocation, 1_500, "topup") == set()
    assert await release(world, allocation, 501, "topup") == {"topup-above-result"}
    assert (await status(world, allocation))["topup_due"] == 500
    assert await release(world, allocation, 500, "topup") == set()
    assert (await status(world, allocation))["settled"]
    await assert_book_sound(world.service)


async def test_a_topup_in_one_draft_with_itself_does_not_go_beyond(world: World, allocation: UUID) -> None:
    await world.release(allocation, 6_000, release_kind="prepaid")
    await approved(world, await declared(world, allocation, 7_000))
    legs = [Leg(600, allocation_id=allocation), Leg(600, allocation_id=allocation)]
    with pytest.raises(FundledgerError) as caught:
        await world.post(CITY, await world.draft(CITY, "release", legs, release_kind="topup"))
    assert codes_of(caught.value) == {"topup-above-result"}


async def test_a_result_below_what_was_released_leaves_a_remainder(world: World, allocation: UUID) -> None:
    await world.release(allocation, 6_000, release_kind="prepaid")
    await approved(world, await declared(world, allocation, 4_500))
    shown = await status(world, allocation)
    assert (shown["topup_due"], shown["remainder_due"], shown["settled"]) == (0, 1_500, False)
    assert shown["due_on"] == date(2020, 6, 28)
    assert await release(world, allocation, 1, "topup") == {"topup-above-result"}


async def test_a_newer_result_counts_once_it_is_approved(world: World, allocation: UUID) -> None:
    await world.release(allocation, 6_000, release_kind="prepaid")
    await approved(world, await declared(world, allocation, 6_500))
    newer = await declared(world, allocation, 9_000, version=2)
    assert (await status(world, allocation))["topup_due"] == 500
    await approved(world, newer)
    assert (await status(world, allocation))["topup_due"] == 3_000


ATTACKS: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "one person alone": ({}, {"approved_by": "city-maker"}, "release_settlement_duties_differ"),
    "in another's name": ({}, {"declared_by": "city-approver", "approved_by": "city-maker"}, "23503"),
    "somebody of a district": ({}, {"approved_by": "district-approver"}, "23503"),
    "declared by an auditor": ({"declared_by": "auditor"}, {"declared_by": "auditor"}, ""),
    "approved by an auditor": ({}, {"approved_by": "auditor"}, ""),
    "both makers": ({}, {"approved_by": "admin"}, ""),
}  # fmt: skip
"""Who declares, who approves, and what stops it: a constraint, or ("") that the gate does not count it."""


@pytest.mark.parametrize("name", ATTACKS)
async def test_two_people_of_the_bureau_decide_whatever_sql_says(name: str, world: World, allocation: UUID) -> None:
    declaring, approving, stopped = ATTACKS[name]
    declarer: dict[str, Any] = {key: world.who(who).staff_id for key, who in declaring.items()}
    approver: dict[str, Any] = {key: world.who(who).staff_id for key, who in approving.items()}
    settlement = await declared(world, allocation, 9_000, **declarer)
    if stopped:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await approved(world, settlement, **approver)
        assert stopped in {caught.value.sqlstate, getattr(caught.value, "constraint_name", None)}
    else:
        await approved(world, settlement, **approver)
    assert await release(world, allocation, 1, "topup") == {"topup-without-settlement"}


async def test_two_prepaid_releases_at_once_stay_within_the_limit(world: World, allocation: UUID, db: Database) -> None:
    drafts = [
        await world.draft(CITY, "release", [Leg(4_000, allocation_id=allocation)], release_kind="prepaid")
        for _ in range(3)
    ]
    postings = [await approval_of(world, CITY, draft) for draft in drafts]
    async with posters(db.service_url) as made:
        outcomes = await together(made, postings)
    assert outcomes == {"posted": 1, "refused: posting-refused": 2}
    await assert_book_sound(world.service)


async def test_a_districts_own_settlement_row_counts_for_nothing(world: World, allocation: UUID) -> None:
    """Rows of a district's book do not reach the city's releases."""
    await world.release(allocation, 1_000, release_kind="instalment")
    maker, approver = (world.who(f"district-{duty}").staff_id for duty in ("maker", "approver"))
    kept = await world.evidence(DISTRICT)
    settlement = await declared(world, allocation, 9_000, book=DISTRICT, declared_by=maker, evidence_sha256=kept)
    await approved(world, settlement, book=DISTRICT, declared_by=maker, approved_by=approver)
    assert await release(world, allocation, 1, "topup") == {"topup-without-settlement"}
    assert await status(world, allocation) == {}
