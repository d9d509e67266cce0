"""What the database says of tendering and management to the service's own role, and under concurrency."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from fundledger.book.poster import Posting, post_now
from fundledger.db.connection import Connection
from fundledger.db.refusals import refusal_of
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book.attackers import codes_of
from tests.book.payment_case import WORKS, Built
from tests.builders import DISTRICT, TODAY, World, insert
from tests.databases import Database, connected
from tests.soundness import assert_book_sound


@pytest.fixture
async def second(db: Database) -> AsyncIterator[Connection]:
    """Another connection of the service."""
    async with connected(db.service_url) as connection:
        yield connection


def code_of(error: BaseException) -> set[str]:
    """What people would read of a database error."""
    refusal = refusal_of(error)
    assert refusal is not None, error
    return {fault.code for fault in refusal.faults} or {refusal.code}


async def refused(world: World, table: str, row: dict[str, Any], *codes: str) -> None:
    """Writing the row as the service is refused with exactly these codes."""
    with pytest.raises(asyncpg.PostgresError) as caught:
        await insert(world.service, table, row)
    assert code_of(caught.value) == set(codes)


async def newest(world: World, table: str, key: str, record: UUID) -> dict[str, Any]:
    """The newest version of a record, as the next one would be."""
    row = await world.service.fetchrow(f"SELECT * FROM {table} WHERE {key} = $1 ORDER BY version DESC LIMIT 1", record)
    assert row is not None
    return {**{name: value for name, value in row.items() if name != "recorded_at"}, "version": row["version"] + 1}


async def paid_road(world: World) -> Built:
    """A road of 12,000 yuan, 10,000 of them paid."""
    built = await WORKS.build(world)
    assert await built.pay() == set()
    return built


async def test_the_database_itself_keeps_a_contract_that_was_paid(world: World) -> None:
    built = await paid_road(world)
    version = await newest(world, "procurement", "procurement_id", built.procurement)
    other = await world.supplier()
    await refused(world, "procurement", version | {"awardee_id": other}, "contract-in-use", "award-without-bid")
    await refused(
        world, "procurement", version | {"contract_amount": 900_000}, "contract-fixed", "contract-differs-from-bid"
    )
    await refused(world, "procurement", version | {"retention_percent": 3}, "contract-fixed")
    await refused(world, "procurement", version | {"project_id": await world.project()}, "record-identity-changed")
    await refused(world, "procurement", version | {"version": 9}, "version-taken")
    await refused(world, "procurement", version | {"stage": "planned", "awardee_id": None, "contract_no": None,
                                                   "contract_amount": None}, "procurement-stage-order")  # fmt: skip
    change = await world.contract_change(built.procurement, -200_001, decision=None)
    row = {"book": DISTRICT, "change_id": change, "decision": "approved", "document_no": "批1号"}
    await refused(world, "contract_change_review", row | {"recorded_by": world.who("poverty-approver").staff_id},
                  "contract-below-paid")  # fmt: skip


async def test_the_database_itself_wants_the_contract_of_an_accepted_amount(world: World) -> None:
    built = await paid_road(world)
    row = {"book": DISTRICT, "acceptance_id": new_id(), "version": 1, "project_id": built.project, "accepted_on": TODAY,
           "passed": True, "evidence_sha256": await world.evidence(), "document_no": "验1号", "recorded_by": built.recorder,
           "amount_accepted": 1}  # fmt: skip
    await refused(world, "acceptance", row, "acceptance-amount")
    await insert(world.service, "acceptance", row | {"procurement_id": built.procurement})


async def test_the_database_itself_wants_two_people_for_changes_and_claims(world: World) -> None:
    built = await WORKS.build(world)
    change = await world.contract_change(built.procurement, 1_000, decision=None)
    claim = await world.claim(built.project, built.procurement, built.person, 1_000, decision=None)
    for table, named in (
        ("contract_change_review", {"change_id": change}),
        ("claim_review", {"claim_id": claim}),
    ):
        row = {"book": DISTRICT, "decision": "approved", "document_no": "批1号", **named}
        maker, payer = world.who("district-maker").staff_id, world.who("district-payer").staff_id
        await refused(world, table, row | {"recorded_by": maker}, "duties-not-separate", "approver-without-duty")
        await refused(world, table, row | {"recorded_by": payer}, "approver-without-duty")
        await refused(
            world, table, row | {"recorded_by": world.who("other-approver").staff_id}, "approver-without-duty"
        )
        await insert(world.service, table, row | {"recorded_by": world.who("district-approver").staff_id})


async def test_the_database_itself_refuses_an_award_nobody_bid_for(world: World) -> None:
    project = await world.project(programme="rural_works", category="infrastructure", exemption=None)
    winner = await world.supplier()
    procurement = await world.tender(project, winner, 1_000_000)
    row = await newest(world, "procurement", "procurement_id", procurement)
    fresh = row | {"procurement_id": new_id(), "version": 1}
    await refused(world, "procurement", fresh, "too-few-bidders", "award-without-bid")
    await refused(world, "procurement", fresh | {"tender_period_end": row["tender_period_start"]}, "too-few-bidders",
                  "award-without-bid", "bid-window-short")  # fmt: skip
    bid = await world.service.fetchval("SELECT bid_id FROM bid WHERE bidder_id = $1", winner)
    struck = await newest(world, "bid", "bid_id", bid) | {"status": "withdrawn", "reason": "x"}
    await refused(world, "bid", struck, "bid-not-open")
    with pytest.raises(FundledgerError) as caught:
        await lone_bidder(world, project)
    assert codes_of(caught.value) == {"too-few-bidders"}


async def lone_bidder(world: World, project: UUID) -> None:
    """A tender with two bids only, awarded all the same."""
    try:
        await world.tender(project, await world.supplier(), 1_000_000, losers=1)
    except asyncpg.PostgresError as error:
        refusal = refusal_of(error)
        assert refusal is not None
        raise refusal from error


async def test_an_invoice_is_claimed_once_and_a_decided_claim_takes_no_more(world: World) -> None:
    built = await WORKS.build(world)
    first = await world.claim(
        built.project, built.procurement, built.person, 1_000, invoice="04200190012345", decision=None
    )
    claim = await world.claim(built.project, built.procurement, built.person, 1_000, decision=None)
    voucher = {"book": DISTRICT, "claim_id": claim, "voucher_no": 2, "kind": "invoice", "number": "04200190012345",
               "amount": 1, "evidence_sha256": await world.evidence()}  # fmt: skip
    await refused(world, "claim_voucher", voucher, "invoice-claimed-before")
    await refused(world, "claim_voucher", voucher | {"claim_id": first, "number": "04200190099999", "evidence_sha256": bytes(32)},
                  "reference-unknown")  # fmt: skip
    review = {"book": DISTRICT, "claim_id": first, "decision": "rejected", "document_no": "退1号",
              "recorded_by": world.who("district-approver").staff_id}  # fmt: skip
    await insert(world.service, "claim_review", review)
    await insert(world.service, "claim_voucher", voucher)
    await refused(world, "claim_voucher", voucher | {"claim_id": first, "number": "04200190077777"}, "claim-decided")
    short = {"book": DISTRICT, "claim_id": new_id(), "project_id": built.project, "procurement_id": built.procurement,
             "payee_id": built.person, "amount": 5, "progress_percent": 1, "document_no": "报", "recorded_by": built.recorder}  # fmt: skip
    await insert(world.service, "reimbursement_claim", short)
    await refused(
        world, "claim_review", review | {"claim_id": short["claim_id"], "decision": "approved"}, "claim-vouchers-short"
    )


async def test_two_claims_at_once_do_not_share_an_invoice(world: World, second: Connection) -> None:
    built = await WORKS.build(world)
    claims = [await world.claim(built.project, built.procurement, built.person, 1_000, decision=None) for _ in range(2)]
    evidence = await world.evidence()
    rows = [{"book": DISTRICT, "claim_id": claim, "voucher_no": 2, "kind": "invoice", "number": "04200190055555",
             "amount": 1, "evidence_sha256": evidence} for claim in claims]  # fmt: skip
    transaction = second.transaction()
    await transaction.start()
    await insert(second, "claim_voucher", rows[0])
    waiting = asyncio.create_task(insert(world.service, "claim_voucher", rows[1]))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await transaction.commit()
    with pytest.raises(asyncpg.PostgresError) as caught:
        await waiting
    assert code_of(caught.value) == {"invoice-claimed-before"}


async def test_of_two_lists_at_once_that_exceed_a_contract_together_exactly_one_posts(
    world: World, second: Connection
) -> None:
    case = WORKS.but(amount=700_000)
    built = await case.build(world)
    lists = [built.pay_list]
    await case.add_list(built)
    lists.append(built.pay_list)
    for pay_list in lists:
        await world.approve_list(pay_list)
    payer = world.who("district-payer").staff_id
    posts = [
        post_now(connection, [Posting(DISTRICT, pay_list, payer, None, f"key-{number}", bytes(32))])
        for number, (connection, pay_list) in enumerate(zip((world.service, second), lists, strict=True))
    ]
    outcomes = await asyncio.gather(*posts, return_exceptions=True)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, FundledgerError)]
    assert len(refusals) == 1
    assert codes_of(refusals[0]) == {"contract-exceeded"}
    assert refusals[0].faults[0].params["excess"] == "2000.00"
    assert await world.service.fetchval("SELECT contract_paid($1, $2)", DISTRICT, built.procurement) == 700_000
    await assert_book_sound(world.service)


async def test_a_change_that_lowers_the_contract_waits_for_the_payment_that_fills_it(
    world: World, second: Connection
) -> None:
    built = await WORKS.build(world)
    await world.approve_list(built.pay_list)
    change = await world.contract_change(built.procurement, -500_000, decision=None)
    transaction = second.transaction()
    await transaction.start()
    payer = world.who("district-payer").staff_id
    await post_now(second, [Posting(DISTRICT, built.pay_list, payer, None, "key", bytes(32))])
    review = {"book": DISTRICT, "change_id": change, "decision": "approved", "document_no": "批1号",
              "recorded_by": world.who("district-approver").staff_id}  # fmt: skip
    waiting = asyncio.create_task(insert(world.service, "contract_change_review", review))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await transaction.commit()
    with pytest.raises(asyncpg.PostgresError) as caught:
        await waiting
    assert code_of(caught.value) == {"contract-below-paid"}


async def test_a_list_that_names_no_contract_counts_for_the_oldest_and_the_others_apart(world: World) -> None:
    built = await paid_road(world)
    later = await world.tender(built.project, built.person, 100_000)
    paid = "SELECT contract_paid($1, $2)"
    assert await world.service.fetchval(paid, DISTRICT, built.procurement) == 1_000_000
    assert await world.service.fetchval(paid, DISTRICT, later) == 0


async def test_a_record_of_the_first_revision_is_paid_without_bids_but_not_without_claims(world: World) -> None:
    case = WORKS.but(procurement={"contract_amount": None, "method": "exempt", "exemption_code": "village_self_build",
                                  "estimate": 1_000_000})  # fmt: skip
    built = await case.build(world)
    # As the migration leaves an award of the first revision: no stage, no bids.
    for statement in ("DISABLE TRIGGER procurement_append_only", "DISABLE TRIGGER procurement_check"):
        await world.owner.execute(f"ALTER TABLE procurement {statement}")
    await world.owner.execute(
        "UPDATE procurement SET stage = NULL, method = 'open', exemption_code = NULL, awardee_id = $2, contract_no = 'HT', "
        "contract_amount = 1200000 WHERE procurement_id = $1", built.procurement, built.person,
    )  # fmt: skip
    assert await built.preview() == set()
    assert await built.pay() == set()
    await world.owner.execute("ALTER TABLE procurement ENABLE TRIGGER procurement_check")
    version = await newest(world, "procurement", "procurement_id", built.procurement)
    await insert(world.service, "procurement", version | {"stage": "contracted", "document_no": "更正"})


async def test_new_records_name_documents_that_are_there(world: World) -> None:
    built = await WORKS.build(world)
    acceptance = {"book": DISTRICT, "acceptance_id": new_id(), "version": 1, "project_id": built.project,
                  "accepted_on": built.case.effective_on, "passed": True, "evidence_sha256": bytes(32), "document_no": "验1号",
                  "recorded_by": built.recorder}  # fmt: skip
    await refused(world, "acceptance", acceptance, "reference-unknown")
    row = await newest(world, "procurement", "procurement_id", built.procurement)
    await refused(world, "procurement", row | {"evidence_sha256": bytes(32)}, "reference-unknown")
    with pytest.raises(asyncpg.CheckViolationError):
        await insert(world.service, "evidence", {
            "book": DISTRICT, "sha256": bytes(32), "media_type": "text/plain", "size_bytes": 1, "content": b"x", "title": "x",
            "recorded_by": built.recorder,
        })  # fmt: skip
