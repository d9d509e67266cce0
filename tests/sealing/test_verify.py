"""`verify --database` finds every kind of damage a database administrator could do, and names the record."""

from __future__ import annotations

from typing import Any

import pytest

from fundledger.book.instructions import Leg
from fundledger.db.connection import Connection
from fundledger.sealing.checks import CHECKS
from fundledger.sealing.recheck import TITLES
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.verify import verify, verify_database
from tests.builders import CITY, World
from tests.databases import Database, connected
from tests.sealing.test_sequencer import refuse, year


@pytest.fixture
async def sealed(world: World, db: Database) -> World:
    """A sealed small year with a reversal and a refusal."""
    await year(world)
    other = await world.allocate(await world.adopt(5_000), 5_000)
    entry = await world.release(other, 3_000)
    undo = [Leg(1_000, undoes_entry_id=entry.entry_id, undoes_line_no=1)]
    await world.post(CITY, await world.draft(CITY, "reverse", undo))
    await refuse(world.service, world)
    async with connected(db.service_url) as connection:
        await Sequencer(connection).seal_all()
    return world


async def test_an_untouched_database_is_sound_for_the_reader_too(sealed: World, db: Database) -> None:
    for url in (db.reader_url, db.service_url):
        report = await verify_database(url)
        assert report.first_fault is None, report.as_json()
        assert (report.waiting, len(report.checks)) == (0, len(CHECKS) + 1 + len(TITLES))
        assert report.size == await sealed.service.fetchval("SELECT count(*) FROM log_leaf") > 20


async def test_records_that_wait_are_not_a_fault(sealed: World, db: Database) -> None:
    await sealed.adopt(7)
    report = await verify_database(db.reader_url)
    assert (report.first_fault, report.waiting) == (None, 2)


FIRST = "(SELECT entry_id FROM entry WHERE entry_kind = 'pay')"
DAMAGE: list[tuple[str, str, set[str]]] = [
    ("an amount", f"UPDATE transfer SET amount = amount + 1 WHERE entry_id = {FIRST} AND line_no = 1",
     {"transfer-totals"}),
    ("an amount with its totals", f"""UPDATE transfer SET amount = amount - 1, debit_after = debit_after - 1,
        credit_after = credit_after - 1 WHERE entry_id = {FIRST} AND line_no = 3""",
     {"account-totals", "account-days", "entries-add-up", "payments-are-their-lists", "leaves-fit-their-records"}),
    ("a transfer removed", f"DELETE FROM transfer WHERE entry_id = {FIRST} AND line_no = 2",
     {"debit-totals-tile", "credit-totals-tile", "entries-add-up", "payments-are-their-lists"}),
    ("a payee", f"UPDATE transfer SET payee_id = gen_random_uuid() WHERE entry_id = {FIRST} AND line_no = 2",
     {"payments-are-their-lists", "leaves-fit-their-records"}),
    ("a balance", "UPDATE account_balance SET received = received + 5 WHERE given > 0", {"account-totals"}),
    ("a day", "UPDATE account_day SET day = day - 1", {"account-days"}),
    ("an account", "UPDATE account SET exec_year = 2020 WHERE account_kind = 'paid'",
     {"accounts-are-what-they-say", "leaves-fit-their-records"}),
    ("one side of a crossing", "UPDATE entry SET total = total - 1 WHERE crossing_id IS NOT NULL AND book <> 420100",
     {"entries-add-up", "crossings-are-equal", "leaves-fit-their-records"}),
    ("the approver", "UPDATE entry SET approver_id = maker_id WHERE entry_kind = 'fund'",
     {"duties-are-separate", "leaves-fit-their-records"}),
    ("a summary", "UPDATE instruction SET summary = summary || '!' WHERE entry_kind = 'pay'",
     {"approved-content-unchanged"}),
    ("a listed amount", "UPDATE payment_line SET amount = amount + 1 WHERE line_no = 2",
     {"payments-are-their-lists", "approved-content-unchanged"}),
    ("a commitment", "UPDATE payment_line SET card_commitment = sha256('x') WHERE line_no = 2",
     {"approved-content-unchanged", "leaves-fit-their-records"}),
    ("a leaf", "UPDATE log_leaf SET leaf_hash = sha256('x') WHERE position = 7", {"leaves-fit-their-records"}),
    ("a leaf removed", "DELETE FROM log_leaf WHERE position = 7",
     {"positions-without-gap", "every-record-once-in-the-log"}),
    ("two leaves swapped", """UPDATE log_leaf SET position = m - position FROM (SELECT max(l.position) + 1000000 AS m
        FROM log_leaf l) x; UPDATE log_leaf SET position = position - (SELECT min(position) FROM log_leaf)""",
     {"log-follows-the-accounts"}),
    ("a refusal removed", "DELETE FROM refusal", {"every-record-once-in-the-log", "leaves-fit-their-records"}),
    ("a month closed before its entries", """INSERT INTO period_close SELECT book, month, gen_random_uuid(),
        (SELECT staff_id FROM staff WHERE book = 420117 LIMIT 1), 'x', 0, now() FROM period
        WHERE book = 420117 LIMIT 1""",
     {"closed-months-stay-closed", "every-record-once-in-the-log"}),
    ("an undo too much", """UPDATE transfer SET amount = amount + 9000, debit_after = debit_after + 9000,
        credit_after = credit_after + 9000, undoes_amount = 90000
        WHERE undoes_entry_id IS NOT NULL AND book = 420100""",
     {"undone-at-most-once", "entries-add-up"}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "statement", "expected"), DAMAGE, ids=[row[0] for row in DAMAGE])
async def test_damage_is_found_and_its_record_named(
    sealed: World, superuser: Connection, what: str, statement: str, expected: set[str]
) -> None:
    await damage(superuser, statement)
    report = await checked(superuser)
    found = {check["name"]: check["fault"] for check in report["checks"] if check["fault"] is not None}
    assert expected <= found.keys(), found
    assert not report["sound"]
    assert all(fault for fault in found.values())


async def damage(superuser: Connection, statement: str) -> None:
    """What only somebody with the server's own superuser can do."""
    constraints = ("transfer_totals", "transfer_undo_at_most_original", "transfer_debit_tiles", "transfer_credit_tiles")
    await superuser.execute("SET session_replication_role = replica")
    for name in constraints:
        await superuser.execute(f"ALTER TABLE transfer DROP CONSTRAINT {name}")
    await superuser.execute("ALTER TABLE entry DROP CONSTRAINT entry_duties_differ")
    await superuser.execute(statement)


async def checked(superuser: Connection) -> dict[str, Any]:
    async with superuser.transaction(isolation="repeatable_read", readonly=True):
        return (await verify(superuser)).as_json()


async def test_verifying_changes_nothing_and_needs_no_right_to_write(sealed: World, reader: Connection) -> None:
    async with reader.transaction(isolation="repeatable_read", readonly=True):
        assert (await verify(reader)).first_fault is None
    assert await sealed.balance("paid") == 24_000
