"""History rewritten with the log's own key, and old backups: the witness that followed before has both checkpoints.

The forger here is the database's superuser who also holds the key file: the records are changed, the whole tree is built
again and signed. Only what others have seen can tell.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from fundledger.sealing.checkpoint import peek
from fundledger.sealing.keys import Keyring
from fundledger.sealing.note import open_note
from fundledger.sealing.signing import HEAD_FILE
from fundledger.witness.alarms import FAULT, FORK, REWOUND, Alarm, open_alarms
from fundledger.witness.following import WITHHELD_MAX, State, Witness
from fundledger.witness.monitor import watch
from tests.builders import World, make_world
from tests.databases import Database, TestServer, cloned, connected
from tests.sealing.sealed import seal
from tests.sealing.test_sequencer import refuse
from tests.web import Api, running_api
from tests.witness.test_follow import watching
from tests.witness.test_monitor import PAY, busy, superuse

AGAIN = """CREATE TEMP TABLE former AS SELECT * FROM log_leaf;
    TRUNCATE log_leaf, log_node, log_line_node, log_checkpoint, log_cosignature;
    INSERT INTO log_queue (order_no, book, kind, record_id, version)
    SELECT position * 2 + 1, book, kind, record_id, version FROM former"""
COPY = f"""CREATE TEMP TABLE e AS SELECT * FROM entry WHERE entry_id = {PAY};
    CREATE TEMP TABLE t AS SELECT * FROM transfer WHERE entry_id = {PAY};
    UPDATE e SET entry_id = '{{new}}', order_no = -1, instruction_id = gen_random_uuid();
    UPDATE t SET entry_id = '{{new}}';
    ALTER TABLE transfer DROP CONSTRAINT transfer_debit_tiles, DROP CONSTRAINT transfer_credit_tiles;
    INSERT INTO entry SELECT * FROM e; INSERT INTO transfer SELECT * FROM t;
    INSERT INTO log_queue (order_no, book, kind, record_id) SELECT 20, book, 'entry', entry_id FROM e"""
FORGERIES = [
    ("an amount", f"UPDATE transfer SET amount = amount + 1 WHERE entry_id = {PAY} AND line_no = 1", PAY),
    ("two payees", f"""UPDATE transfer t SET payee_id = o.payee_id FROM transfer o WHERE t.entry_id = {PAY}
        AND o.entry_id = {PAY} AND t.line_no + o.line_no = 3""", PAY),
    ("an entry deleted", f"""DELETE FROM log_queue WHERE record_id = {PAY};
        DELETE FROM transfer WHERE entry_id = {PAY}; DELETE FROM entry WHERE entry_id = {PAY}""", PAY),
    ("an entry inserted in the past", COPY, "(SELECT record_id FROM former WHERE position = 10)"),
]  # fmt: skip


@pytest.fixture
async def followed(api: Api, db: Database, tmp_path: Path) -> tuple[Witness, Keyring]:
    """A witness that has seen and read the log."""
    await busy(api.world)
    ring = await seal(db, tmp_path)
    witness = watching(api, ring, tmp_path / "w")
    assert (await watch(witness, recheck=0)).fault is None
    return witness, ring


async def forge(superuser: Connection, db: Database, folder: Path, statement: str) -> None:
    """Change the records, build the whole tree again, sign it."""
    await superuse(superuser, AGAIN)
    await superuser.execute(statement.replace("{new}", str(new_id())))
    (folder / HEAD_FILE).unlink()
    await seal(db, folder)


def proved(alarm: Alarm, ring: Keyring) -> None:
    """Anybody sees by the notes alone that the log signed both."""
    seen, new = (
        peek(open_note(note, ring.verifiers("log")).text and note) for note in (alarm.seen_note, alarm.new_note)
    )
    assert seen != new
    assert alarm.seen_note in alarm.text
    assert alarm.new_note in alarm.text


@pytest.mark.parametrize("grown", [False, True], ids=["of the same size", "grown since"])
@pytest.mark.parametrize(("what", "statement", "record"), FORGERIES, ids=[row[0] for row in FORGERIES])
async def test_a_tree_built_again_and_signed_by_the_logs_own_key_is_found(
    followed: tuple[Witness, Keyring], api: Api, db: Database, superuser: Connection, tmp_path: Path,
    what: str, statement: str, record: str, grown: bool,
) -> None:  # fmt: skip
    witness, ring = followed
    await superuser.execute("CREATE TEMP TABLE named AS SELECT position, record_id FROM log_leaf")
    name = str(await superuser.fetchval(f"SELECT {record.replace('former', 'named')}"))
    await forge(superuser, db, tmp_path, statement)
    if grown:
        for _ in range(3):
            await refuse(api.world.service, api.world)
        await seal(db, tmp_path)
    looked = await witness.look()
    assert looked.state is State.ALARM
    (alarm,) = open_alarms(witness.store)
    assert alarm.kind in (FORK, REWOUND)
    proved(alarm, ring)
    # And the monitor, which kept the leaf hashes, names the first record that is another now.
    watched = await watch(witness, recheck=0)
    assert watched.fault is not None
    assert name in watched.fault, watched.fault
    assert [alarm.kind for alarm in open_alarms(witness.store)][1:] == [FAULT]


async def test_a_truncated_log_is_stale_and_when_it_grows_again_a_fork(
    followed: tuple[Witness, Keyring], api: Api, db: Database, superuser: Connection, tmp_path: Path
) -> None:
    witness, ring = followed
    await superuse(superuser, "TRUNCATE log_leaf, log_node, log_line_node, log_checkpoint, log_cosignature; SELECT 1")
    looked = await witness.look()
    assert (looked.state, looked.size) == (State.STALE, 0)
    (tmp_path / HEAD_FILE).unlink()
    for _ in range(4):
        await refuse(api.world.service, api.world)
    await seal(db, tmp_path)
    assert (await witness.look()).state is State.ALARM
    proved(open_alarms(witness.store)[0], ring)


async def test_stored_nodes_that_are_gone_are_a_proof_withheld(
    followed: tuple[Witness, Keyring], api: Api, db: Database, superuser: Connection, tmp_path: Path
) -> None:
    witness, _ = followed
    await refuse(api.world.service, api.world)
    await seal(db, tmp_path)
    await superuse(superuser, "TRUNCATE log_node; SELECT 1")
    for _ in range(WITHHELD_MAX - 1):
        with pytest.raises(FundledgerError, match="witness-proof-withheld"):
            await witness.look()
    assert (await witness.look()).state is State.ALARM


@contextlib.asynccontextmanager
async def peopled(db: Database, world: World | None = None) -> AsyncIterator[World]:
    """The world of a database, or the same people over a copy of it."""
    async with connected(db.service_url) as service, connected(db.owner_url) as owner:
        made = world or await make_world(service, owner)
        made.service, made.owner = service, owner
        yield made


async def test_an_old_backup_is_stale_and_a_fork_as_soon_as_it_goes_on(
    server: TestServer, template_db: str, tmp_path: Path
) -> None:
    async with cloned(server, template_db) as original:
        async with peopled(original) as world:
            await busy(world)
            ring = await seal(original, tmp_path)
        async with cloned(server, original.name) as backup:
            async with peopled(original, world), running_api(original, world, tmp_path) as api:
                for _ in range(5):
                    await refuse(world.service, world)
                await seal(original, tmp_path)
                witness = watching(api, ring, tmp_path / "w")
                assert (await watch(witness, recheck=0)).fault is None
                blind = watching(api, ring, tmp_path / "blind")
                assert (await blind.look()).state is State.CURRENT
            (tmp_path / HEAD_FILE).unlink()
            async with peopled(backup, world), running_api(backup, world, tmp_path) as api:
                await look_at_backup(api, backup, ring, tmp_path)


async def look_at_backup(api: Api, backup: Database, ring: Keyring, folder: Path) -> None:
    from dataclasses import replace

    from fundledger.witness.ledger import prefix_root

    witness = watching(api, ring, folder / "w")
    witness = replace(witness, prefix=lambda origin, size: prefix_root(folder / "w", origin, size))
    looked = await witness.look()
    assert (looked.state, looked.seen - looked.size) == (State.STALE, 5)
    assert open_alarms(witness.store) == []
    # One that kept no leaf hashes can't tell a backup from another history, and says so.
    blind = watching(api, ring, folder / "blind")
    assert (await blind.look()).state is State.ALARM
    assert open_alarms(blind.store)[0].kind == REWOUND
    for count in (2, 3, 4):
        for _ in range(count):
            await refuse(api.world.service, api.world)
        await seal(backup, folder)
        if (await witness.look()).state is not State.STALE:
            break
    (alarm,) = open_alarms(witness.store)
    assert alarm.kind == FORK
    proved(alarm, ring)
