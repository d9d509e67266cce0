"""The yardstick itself: a year's money is sound, and every rule of `tests.soundness` can fail.

The faults are made by a superuser with triggers and constraints out of the way; each must be found by the rule it breaks.
"""

from __future__ import annotations

from datetime import date

import pytest

from fundledger.book.instructions import Leg
from fundledger.db.connection import Connection
from fundledger.ids import new_id
from tests.builders import CITY, DISTRICT, TODAY, World, insert
from tests.soundness import RULES, assert_book_sound, broken_rules


async def money_down_and_back(world: World) -> None:
    """Adopt, allocate, release, fund, pay, a bank return, a reversal, a virement, a carry-over and a refusal."""
    allocation = await world.funded(1_000_000)
    project = await world.project()
    fund = await world.draft(DISTRICT, "fund", [Leg(500_000, allocation_id=allocation, project_id=project)])
    funded = await world.post(DISTRICT, fund)
    paid = await world.pay(await world.list_of(project, allocation, await world.persons(3)))
    await insert(world.service, "bank_result", {
        "book": DISTRICT, "entry_id": paid.entry_id, "line_no": 2, "outcome": "returned", "settled_on": TODAY,
        "document_no": "回盘1号", "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip
    back = Leg(8_000, undoes_entry_id=paid.entry_id, undoes_line_no=2)
    await world.post(DISTRICT, await world.draft(DISTRICT, "return", [back]))
    less = Leg(100_000, undoes_entry_id=funded.entry_id, undoes_line_no=1)
    await world.post(DISTRICT, await world.draft(DISTRICT, "reverse", [less]))
    line = await world.adopt(2_000)
    source, target = [await world.allocate(line, 1_000) for _ in range(2)]
    moving = Leg(400, allocation_id=source, to_allocation_id=target)
    await world.post(CITY, await world.draft(CITY, "virement", [moving], exception_document_no="调1号"))
    carried = Leg(300, allocation_id=allocation, exec_year=2019)
    await world.post(DISTRICT, await world.draft(DISTRICT, "carry_over", [carried], effective_on=date(2020, 1, 2)))
    await world.service.execute(
        "SELECT record_refusal($1, $2, 'paid-twice', $3, 'POST /x', NULL, $4, '[]')",
        DISTRICT, new_id(), world.who("district-payer").staff_id, bytes(32),
    )  # fmt: skip


async def test_money_that_went_down_and_partly_back_leaves_a_sound_book(world: World) -> None:
    await money_down_and_back(world)
    await assert_book_sound(world.service)


PAID = "(SELECT entry_id FROM entry WHERE entry_kind = 'pay')"
FAULTS: dict[str, tuple[str, ...]] = {
    "an account's totals are the sums of its transfers": (
        "UPDATE account_balance SET received = received + 1",
        "UPDATE account_balance SET given_undone = given_undone + 1 WHERE given > given_undone",
        "DELETE FROM account_balance WHERE given > 0",
    ),
    "totals tile without a gap on both sides": (
        f"UPDATE transfer SET debit_before = debit_before + 1, debit_after = debit_after + 1 WHERE entry_id = {PAID}",
        f"UPDATE transfer SET credit_before = credit_before + 1, credit_after = credit_after + 1 WHERE entry_id = {PAID}",
    ),
    "no account but a source is below zero": (
        "UPDATE account_balance SET is_source = NOT is_source",
        "UPDATE account_balance SET given = received + 1 WHERE NOT is_source",
    ),
    "no account was below zero after any transfer": (
        "UPDATE entry SET order_no = 0 WHERE entry_kind = 'pay'",
    ),
    "no account is below zero at the end of any effective day": (
        "INSERT INTO account_day SELECT book, account_id, '2018-01-01', 0, 1 FROM account WHERE account_kind = 'available'",
    ),
    "an account's days are the sums of its transfers by effective day": (
        "UPDATE account_day SET day = day + 1", "DELETE FROM account_day",
    ),
    "an account's newest effective day is known": ("UPDATE account_balance SET last_effective_on = '2018-01-01'",),
    "a transfer has an entry and two accounts of its book": (
        f"DELETE FROM entry WHERE entry_id = {PAID}", "DELETE FROM account WHERE account_kind = 'paid'",
    ),
    "a transfer runs between the accounts its kind of entry allows": (
        "UPDATE entry SET entry_kind = 'fund' WHERE entry_kind = 'pay'",
        "UPDATE transfer SET undoes_entry_id = NULL, undoes_line_no = NULL",
    ),
    "money of two allocations never shares an account, nor crosses to another one": (
        "UPDATE account SET allocation_id = gen_random_uuid() WHERE account_kind = 'paid'",
    ),
    "a virement stays within its fund and fiscal year": (
        "UPDATE allocation SET fiscal_year = 2018 WHERE allocation_id = (SELECT max(to_allocation_id::text)::uuid FROM instruction_leg)",
        "UPDATE allocation SET fund_code = 'targeted' WHERE allocation_id = (SELECT max(to_allocation_id::text)::uuid FROM instruction_leg)",
    ),
    "money is carried over forwards only, and by nothing else goes from year to year": (
        "UPDATE account SET exec_year = 2021 WHERE account_kind = 'executable' AND exec_year = 2019",
        "UPDATE entry SET entry_kind = 'fund' WHERE entry_kind = 'carry_over'",
    ),
    "money is not carried over once it is surplus": (
        "UPDATE entry SET effective_on = '2021-12-30' WHERE entry_kind = 'carry_over'",
    ),
    "a closed year has no open month, and no reversal moved its money after": (
        "INSERT INTO year_close VALUES (420117, 2019, gen_random_uuid(), gen_random_uuid(), 'd', 9223372036854775807, now())",
        "INSERT INTO year_close VALUES (420117, 2019, gen_random_uuid(), gen_random_uuid(), 'd', 0, now());"
        "INSERT INTO period_close SELECT 420117, m, gen_random_uuid(), gen_random_uuid(), 'd', 9223372036854775807, now() "
        "FROM generate_series('2019-01-01'::date, '2019-12-01', '1 month') m",
    ),
    "what is left of a payee's advances is what its account holds": (
        "UPDATE account SET account_kind = 'advanced', payee_id = gen_random_uuid() WHERE account_kind = 'available'",
    ),
    "a settlement names an advance of its own account and payee, and nothing else names one": (
        "UPDATE entry SET entry_kind = 'settle' WHERE entry_kind = 'carry_over'",
        "UPDATE transfer SET settles_entry_id = entry_id, settles_line_no = 1",
    ),
    "an account belongs to an allocation or a budget line of its book": (
        "DELETE FROM allocation WHERE book <> 420100", "DELETE FROM budget_line",
    ),
    "an allocation in a district's book is that district's, and stands in the book it came from": (
        "UPDATE allocation SET district = 420116", "DELETE FROM allocation WHERE book = 420100",
    ),
    "an entry's total and lines are those of its transfers": (
        "UPDATE entry SET total = total + 1", "UPDATE entry SET line_count = line_count + 1",
        f"DELETE FROM transfer WHERE entry_id = {PAID} AND line_no = 3",
    ),
    "both legs of a crossing are equal, line by line, and of one day": (
        "DELETE FROM entry WHERE crossing_id IS NOT NULL AND book <> 420100",
        "UPDATE entry SET effective_on = effective_on + 1 WHERE crossing_id IS NOT NULL AND book <> 420100",
    ),
    "what a district received is what the city released, per allocation": (
        "UPDATE account_balance b SET received = received + 1 FROM account a WHERE a.account_id = b.account_id AND a.account_kind = 'released'",
    ),
    "an entry has an approval of exactly its content, by another person": (
        "DELETE FROM approval", "UPDATE approval SET content_sha256 = sha256('x')", "UPDATE instruction SET summary = 'other'",
        "UPDATE instruction n SET maker_id = a.approver_id FROM approval a WHERE a.instruction_id = n.instruction_id",
        "UPDATE payment_line SET amount = amount + 1", "UPDATE entry SET payer_id = NULL",
        "INSERT INTO payment_line (book, instruction_id, leg_no, line_no, amount, payee_id, programme_code, period, name_commitment, "
        "card_commitment) SELECT book, instruction_id, 1, 99, 1, payee_id, programme_code, period, name_commitment, card_commitment "
        "FROM payment_line LIMIT 1",
    ),
    "nothing that was sent back was posted": (
        "INSERT INTO rejection SELECT book, instruction_id, approver_id, 'late' FROM entry LIMIT 1",
    ),
    "a payment's transfers are the lines of its list": (
        "DELETE FROM payment_line WHERE line_no = 2", f"UPDATE transfer SET payee_id = NULL WHERE entry_id = {PAID}",
    ),
    "what was undone tiles, and is at most the original": (
        "UPDATE transfer SET undoes_before = 1 WHERE undoes_entry_id IS NOT NULL",
        "UPDATE transfer SET amount = amount * 2 WHERE undoes_entry_id IS NOT NULL",
        "UPDATE transfer SET undoes_line_no = 77 WHERE undoes_entry_id IS NOT NULL",
    ),
    "nobody was paid twice for the same programme and period": (
        "UPDATE payment_line SET payee_id = (SELECT payee_id FROM payment_line WHERE line_no = 1)",
    ),
    "no award was paid beyond its contract": (
        "UPDATE procurement SET method = 'open', contract_amount = 100, contract_no = 'c', exemption_code = NULL",
    ),
    "a closed month took nothing more": (
        "INSERT INTO period_close SELECT book, month, gen_random_uuid(), gen_random_uuid(), 'd', 0, now() FROM period",
    ),
    "every record is queued for the log or sealed in it, once": (
        "DELETE FROM log_queue WHERE kind = 'entry'", "DELETE FROM refusal", "DELETE FROM notice",
        "INSERT INTO log_leaf (position, book, kind, record_id, leaf_hash, appended_at) "
        "SELECT row_number() OVER () - 1, book, kind, record_id, sha256('x'), now() FROM log_queue",
    ),
    "positions have no gap": (
        "INSERT INTO log_leaf (position, book, kind, record_id, leaf_hash, appended_at) "
        "VALUES (1, 420100, 'parameter', gen_random_uuid(), sha256('x'), now())",
    ),
}  # fmt: skip


async def test_every_rule_finds_the_faults_that_break_it(world: World, superuser: Connection) -> None:
    await money_down_and_back(world)
    assert FAULTS.keys() == RULES.keys()
    await superuser.execute("SET session_replication_role = replica")
    missed = []
    for rule, faults in FAULTS.items():
        for fault in faults:
            transaction = superuser.transaction()
            await transaction.start()
            await drop_checks(superuser)
            await superuser.execute(fault)
            if rule not in await broken_rules(superuser):
                missed.append((rule, fault))
            await transaction.rollback()
    assert missed == []


async def drop_checks(connection: Connection) -> None:
    """Take the constraints away that would stop a fault (replication mode silences triggers and foreign keys only)."""
    for row in await connection.fetch(
        "SELECT conrelid::regclass::text AS tab, conname FROM pg_constraint WHERE contype IN ('c', 'u') AND conrelid::regclass::text IN "
        "('account_balance', 'transfer', 'entry', 'procurement', 'payment_line', 'approval', 'log_leaf', 'account_day')"
    ):  # fmt: skip
        await connection.execute(f"ALTER TABLE {row['tab']} DROP CONSTRAINT {row['conname']} CASCADE")


@pytest.mark.parametrize("rule", RULES)
async def test_a_rule_holds_on_an_empty_book(rule: str, service: Connection) -> None:
    assert await service.fetch(RULES[rule]) == []
