"""The monitor over the real service: a sound book adds up, piece by piece; what a superuser changes is named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fundledger.book.instructions import Leg
from fundledger.db.connection import Connection
from fundledger.sealing.keys import Keyring
from fundledger.witness import ledger as ledgers
from fundledger.witness.alarms import FAULT, acknowledge, open_alarms
from fundledger.witness.following import State, Witness
from fundledger.witness.ledger import Ledger, prefix_root
from fundledger.witness.monitor import watch
from tests.builders import CITY, DISTRICT, World
from tests.databases import Database
from tests.sealing.sealed import seal
from tests.sealing.test_proofs_http import paid
from tests.sealing.test_sequencer import refuse, year
from tests.web import Api
from tests.witness.test_follow import watching

ALL = 10**9


async def busy(world: World) -> None:
    """A small year with a reversal, a returned line and a refusal."""
    await year(world)
    other = await world.allocate(await world.adopt(5_000), 5_000)
    entry = await world.release(other, 3_000)
    undo = [Leg(1_000, undoes_entry_id=entry.entry_id, undoes_line_no=1)]
    await world.post(CITY, await world.draft(CITY, "reverse", undo))
    await refuse(world.service, world)


@pytest.fixture
async def ring(api: Api, db: Database, tmp_path: Path) -> Keyring:
    await busy(api.world)
    return await seal(db, tmp_path)


@pytest.fixture
async def witness(api: Api, ring: Keyring, tmp_path: Path) -> Witness:
    return watching(api, ring, tmp_path / "w")


async def balances(connection: Connection) -> dict[tuple[str, str], tuple[int, int]]:
    rows = await connection.fetch(
        "SELECT book, account_id, received, given FROM account_balance WHERE received + given > 0"
    )
    return {(str(row["book"]), str(row["account_id"])): (row["received"], row["given"]) for row in rows}


def added_up(witness: Witness) -> dict[tuple[str, str], tuple[int, int]]:
    ledger = Ledger(witness.store.folder, witness.origin)
    rows = ledger.db.execute("SELECT book, account_id, received, given FROM account").fetchall()
    ledger.close()
    return {(book, account): (received, given) for book, account, received, given in rows}


async def test_a_sound_book_adds_up_to_the_very_balances_of_the_service(
    api: Api, db: Database, witness: Witness, tmp_path: Path
) -> None:
    watched = await watch(witness, recheck=0)
    assert (watched.fault, watched.looked.state) == (None, State.CURRENT)
    assert watched.size == await api.world.service.fetchval("SELECT count(*) FROM log_leaf") > 20
    assert added_up(witness) == await balances(api.world.service)
    await busy(api.world)
    await seal(db, tmp_path)
    again = await watch(witness, recheck=7)
    assert (again.fault, again.reread) == (None, 7)
    assert again.size > watched.size
    assert added_up(witness) == await balances(api.world.service)
    with witness.store.reading() as read:
        root = read.execute("SELECT root FROM seen WHERE size = ?", (again.size,)).fetchone()[0]
    assert prefix_root(witness.store.folder, witness.origin, again.size) == root
    assert prefix_root(witness.store.folder, witness.origin, again.size + 1) is None


@pytest.mark.parametrize("lines", [1, 3, 10])
async def test_pages_of_any_size_and_a_stop_between_them_change_nothing(
    lines: int, api: Api, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = 0
    end = Ledger._end

    def stopping(self: Ledger) -> None:
        nonlocal pages
        pages += 1
        if pages % 3 == 0:
            raise KeyboardInterrupt
        end(self)

    monkeypatch.setattr(ledgers.Ledger, "_end", stopping)
    for _ in range(200):
        try:
            watched = await watch(witness, recheck=0, page_lines=lines)
        except KeyboardInterrupt:
            continue
        if watched.size == watched.looked.size:
            break
    assert pages > 3
    assert added_up(witness) == await balances(api.world.service)


async def test_two_monitors_in_turns_add_up_once(api: Api, witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    from fundledger.witness.monitor import _Run

    looked = await witness.look()
    several = [_Run(witness, Ledger(witness.store.folder, witness.origin), 3) for _ in range(2)]
    for turn in range(1_000):
        run = several[turn % 2]
        if run._ledger.size == looked.size:
            break
        with run._ledger.page():
            await run._verify(await run._page(run._ledger.frontier.size))
    assert added_up(witness) == await balances(api.world.service)
    for run in several:
        run._ledger.close()


async def test_reading_again_goes_around(witness: Witness) -> None:
    size = (await watch(witness, recheck=0)).size
    ledger = Ledger(witness.store.folder, witness.origin)
    for step in range(1, 6):
        assert (await watch(witness, recheck=7)).fault is None
        assert ledger.db.execute("SELECT recheck FROM state").fetchone() == (7 * step % size,)
    ledger.close()


async def test_long_entries_are_read_in_pieces(api: Api, db: Database, tmp_path: Path) -> None:
    await paid(api.world, 1_203)
    ring = await seal(db, tmp_path)
    witness = watching(api, ring, tmp_path / "w")
    watched = await watch(witness, recheck=0)
    assert watched.fault is None
    assert (await watch(witness, recheck=ALL)).fault is None
    assert added_up(witness) == await balances(api.world.service)


TOKEN_NEEDED = [("district-maker", 403), ("city-approver", 403), ("auditor", 200), ("inspector", 200)]


@pytest.mark.parametrize(("who", "status"), TOKEN_NEEDED)
async def test_the_whole_log_is_for_audit_and_inspection(api: Api, ring: Keyring, who: str, status: int) -> None:
    assert (await api.get(who, "/v1/log/entries")).status_code == status


async def test_the_stream_ends_where_it_is_told_and_says_where_to_go_on(api: Api, ring: Keyring) -> None:
    async def rows(**params: Any) -> list[dict[str, Any]]:
        answer = await api.get("auditor", "/v1/log/entries", **params)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/x-ndjson"
        return [json.loads(line) for line in answer.text.splitlines()]

    whole = await rows()
    size = whole[-1]["next"]
    assert [row["position"] for row in whole if "data" in row] == list(range(size))
    following, pieces = 0, []
    while following < size:
        *some, last = await rows(start=following, limit=4)
        assert last["next"] > following
        pieces += some
        following = last["next"]
    assert [*pieces, {"next": size}] == whole
    assert await rows(start=size) == [{"next": size}]
    assert [row.get("position") for row in await rows(start=3, stop=3)] == [None]
    assert (await api.get("auditor", "/v1/log/entries", start=5, stop=3)).status_code == 422
    text = json.dumps(whole, ensure_ascii=False)
    assert "identity" not in text
    assert await api.world.service.fetchval("SELECT count(*) FROM household") == 0 or "姓名" not in text


PAY = "(SELECT entry_id FROM entry WHERE entry_kind = 'pay')"
CHANGES: list[tuple[str, str, str, str]] = [
    ("an amount", f"UPDATE transfer SET amount = amount + 1 WHERE entry_id = {PAY} AND line_no = 1", "changed", PAY),
    ("two payees", f"""UPDATE transfer t SET payee_id = o.payee_id FROM transfer o WHERE t.entry_id = {PAY}
        AND o.entry_id = {PAY} AND t.line_no + o.line_no = 3""", "changed", PAY),
    ("a total", f"UPDATE entry SET total = total + 100 WHERE entry_id = {PAY}", "changed", PAY),
    ("the approver", f"UPDATE entry SET approver_id = maker_id WHERE entry_id = {PAY}", "changed", PAY),
    ("a commitment", "UPDATE payment_line SET card_commitment = sha256('x') WHERE line_no = 2", "changed", PAY),
    ("an entry removed", f"DELETE FROM entry WHERE entry_id = {PAY}", "missing", PAY),
    ("its lines removed", f"DELETE FROM transfer WHERE entry_id = {PAY}", "changed", PAY),
    ("one line removed", f"DELETE FROM transfer WHERE entry_id = {PAY} AND line_no = 2", "changed", PAY),
    ("an account removed", "DELETE FROM account WHERE account_kind = 'paid'", "changed", PAY),
    ("an entry and its leaf removed", f"DELETE FROM log_leaf WHERE record_id = {PAY}", "position", PAY),
    ("a refusal changed", "UPDATE refusal SET code = 'x'", "changed", "(SELECT refusal_id FROM refusal)"),
    ("an approval removed", "DELETE FROM approval WHERE approval_id = (SELECT min(approval_id::text) FROM approval)::uuid",
     "missing", "(SELECT min(approval_id::text) FROM approval)"),
]  # fmt: skip


async def superuse(connection: Connection, statement: str) -> None:
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("ALTER TABLE transfer DROP CONSTRAINT IF EXISTS transfer_totals")
    await connection.execute("ALTER TABLE entry DROP CONSTRAINT IF EXISTS entry_duties_differ")
    done = await connection.execute(statement)
    assert not done.endswith(" 0"), done


@pytest.mark.parametrize("read", [True, False], ids=["read before", "not read before"])
@pytest.mark.parametrize(("what", "statement", "kind", "record"), CHANGES, ids=[row[0] for row in CHANGES])
async def test_what_a_superuser_changes_is_named(
    witness: Witness, superuser: Connection, what: str, statement: str, kind: str, record: str, read: bool
) -> None:
    await witness.look()
    if read:
        assert (await watch(witness, recheck=0)).fault is None
    name = str(await superuser.fetchval(f"SELECT {record}"))
    await superuse(superuser, statement)
    watched = await watch(witness, recheck=ALL)
    assert watched.fault is not None
    assert kind in watched.fault or not read
    if read or kind != "position":
        assert name in watched.fault, watched.fault
    (alarm,) = open_alarms(witness.store)
    assert (alarm.kind, alarm.detail) == (FAULT, watched.fault)
    assert alarm.seen_note in alarm.text
    # Told again until somebody acknowledges it.
    assert (await watch(witness, recheck=0)).looked.state is State.ALARM


async def test_an_acknowledged_fault_is_passed_over_and_reading_goes_on(
    api: Api, db: Database, witness: Witness, superuser: Connection, tmp_path: Path
) -> None:
    await superuse(superuser, f"UPDATE entry SET officer_id = gen_random_uuid() WHERE entry_id = {PAY}")
    first = await watch(witness, recheck=0)
    assert first.fault is not None
    assert "record-differs" in first.fault
    acknowledge(witness.store, "known", 5)
    watched = await watch(witness, recheck=0)
    assert (watched.fault, watched.size) == (None, watched.looked.size)
    assert added_up(witness) == await balances(api.world.service)


async def test_leaf_and_record_changed_together_do_not_fit_the_checkpoint(
    witness: Witness, superuser: Connection, db: Database
) -> None:
    await witness.look()
    await superuse(superuser, f"UPDATE entry SET officer_id = gen_random_uuid() WHERE entry_id = {PAY}")
    from fundledger.sealing.records import Accounts, Ref, leaves

    row = await superuser.fetchrow(f"SELECT * FROM log_leaf WHERE record_id = {PAY}")
    assert row is not None
    (leaf,) = await leaves(superuser, [Ref(row["book"], "entry", row["record_id"])], Accounts())
    await superuser.execute("UPDATE log_leaf SET leaf_hash = $1 WHERE position = $2", leaf.leaf_hash, row["position"])
    watched = await watch(witness, recheck=0)
    assert watched.fault is not None
    assert "not-in-checkpoint" in watched.fault
    position = int(watched.fault.partition("@")[2].partition("]")[0])
    assert row["position"] - 16 <= position <= row["position"]


async def test_a_garbled_stream_is_a_fault_and_never_a_crash(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    good = [row async for row in witness.client.entries(0, 10**6, 50_000)]
    entry = next(index for index, row in enumerate(good) if row.get("kind") == "entry")
    bad: list[list[dict[str, Any]]] = [
        [], good[:5], good[1:], good[:3] + good[4:], [{"next": 0}], [{}], [{"next": "1"}], [{"lines": 3}],
        [{**good[0], "leaf_hash": "zz"}], [{**good[0], "position": None}], [{**good[0], "data": 5}],
        [{**good[0], "data": "{}"}, *good[1:]], [{**good[0], "data": "[" * 100_000}, *good[1:]],
        [*good[: entry + 1], {**good[entry + 1], "lines": ["{}"]}, *good[entry + 2 :]],
        [*good[: entry + 1], {**good[entry + 1], "lines": []}, *good[entry + 2 :]],
        [*good[: entry + 1], {**good[entry + 1], "lines": None}, *good[entry + 2 :]],
        [*good[:-1], {"next": good[-1]["next"] + 1}], [good[0], good[0], *good[1:]],
    ]  # fmt: skip
    for rows in bad:

        async def played(*_: Any, rows: list[dict[str, Any]] = rows) -> Any:
            for row in rows:
                yield row

        monkeypatch.setattr(type(witness.client), "entries", played)
        watched = await watch(witness, recheck=0)
        assert watched.fault is not None, rows[:1]
        assert watched.size == 0
        acknowledge(witness.store, os.urandom(4).hex(), 1)


async def test_what_waits_for_its_approval_is_overdue_in_a_minute(
    api: Api, witness: Witness, superuser: Connection
) -> None:
    """Seen from the content alone: the entry's approval is of other content."""
    from fundledger.witness.book import Book

    await watch(witness, recheck=0)
    ledger = Ledger(witness.store.folder, witness.origin)
    with ledger.page():
        ledger.db.execute("INSERT INTO pending_approval VALUES (3, 'i', 'c', 'a', 100)")
    with ledger.page():
        Book(ledger, 100).finish()
    with pytest.raises(Exception, match="approval-missing"), ledger.page():
        Book(ledger, 101).finish()
    ledger.close()
    assert DISTRICT
