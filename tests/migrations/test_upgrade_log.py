"""A database of revision 0002 with a filled log gets its tree: the same leaves, nodes over them, and proofs of old lines.

Its records are made by today's builders through the gate of 0002, and sealed as the sequencer of 0002 did: leaves only,
by the ``log_append`` of that time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from fundledger.book import poster
from fundledger.db import migrate, roles
from fundledger.db.connection import Connection
from fundledger.ids import new_id
from fundledger.sealing import keys
from fundledger.sealing.checkpoint import Proof, check_proof
from fundledger.sealing.keys import KeyFile
from fundledger.sealing.merkle import Frontier, leaf_hash, root, verify_inclusion
from fundledger.sealing.proofs import prove
from fundledger.sealing.recheck import Trust, grow
from fundledger.sealing.records import Accounts, Ref, leaves
from fundledger.sealing.sequencer import Sequencer, connect
from fundledger.sealing.signing import Signer
from fundledger.sealing.verify import verify_database
from tests import databases
from tests.builders import CITY, DISTRICT, World, make_world
from tests.databases import Database, TestServer, connected
from tests.sealing.promises import assert_promises_kept
from tests.sealing.test_derived import REFUSED
from tests.sealing.test_sequencer import refuse, year

LINES = 300
"""Of the payment: three kept levels of its inner tree, and more than are read at once."""
WAITING = 3
REPEATED = 20
"""Repeats of one refusal: a number that would get no mark of its own."""


@pytest.fixture
async def old(server: TestServer) -> AsyncIterator[Database]:
    """An empty database of revision 0002."""
    name = "fl_old_log"
    await databases.drop(server, name)
    made = await roles.prepare(server.superuser_url, server.passwords, database=name)
    await migrate.upgrade(made.owner_url, "0002")
    try:
        yield databases.describe(server, name)
    finally:
        await databases.drop(server, name)


async def fill(old: Database, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A small year with a long payment, sealed, and some records that wait; the payment's entry."""
    with monkeypatch.context() as then:
        then.setattr(poster, "_GATE", """SELECT outcome, entry_id, recorded_at, ''::bytea AS content_sha256
            FROM gate_post($1, $2, $3, $4, $5, $6, $7, $8) ORDER BY item""")  # fmt: skip
        async with connected(old.service_url) as service, connected(old.owner_url) as owner:
            world = await make_world(service, owner)
            _, entry = await year(world, payees=LINES)
            await seal_as_then(service)
            for _ in range(WAITING):
                await refuse(service, world)
            await repeat(service, world, REPEATED + 1)
    return entry


async def repeat(service: Connection, world: World, times: int) -> None:
    """The same refused call, so many times."""
    for _ in range(times):
        await service.execute(REFUSED, CITY, new_id(), world.who("city-approver").staff_id, bytes(32))


async def seal_as_then(service: Connection) -> None:
    queue = await service.fetch("SELECT order_no, book, kind, record_id, version FROM log_queue ORDER BY order_no")
    refs = [Ref(row["book"], row["kind"], row["record_id"], row["version"]) for row in queue]
    made = await leaves(service, refs, Accounts())
    await service.execute(
        "SELECT log_append($1, $2, $3)", [row["order_no"] for row in queue], [one.leaf_hash for one in made],
        [one.lines_root for one in made],
    )  # fmt: skip


async def test_an_old_log_becomes_a_signed_tree_over_the_same_leaves(
    old: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = await fill(old, monkeypatch)
    async with connected(old.superuser_url) as looking:
        before = await looking.fetch("SELECT * FROM log_leaf ORDER BY position")
        refs = [Ref(row["book"], row["kind"], row["record_id"], row["version"]) for row in before]
        bytes_before = [one.data for one in await leaves(looking, refs, Accounts())]
    await migrate.upgrade(old.owner_url)
    assert await migrate.current(old.owner_url) == migrate.head()

    ring = keys.create(tmp_path / "log-keys.json", "old.example/log")
    connection = await connect(old.service_url)
    try:
        await Sequencer(connection, signer=Signer(KeyFile(tmp_path / "log-keys.json"))).seal_all()
        after = await connection.fetch("SELECT * FROM log_leaf ORDER BY position")
        assert after[: len(before)] == before
        assert len(after) >= len(before) + WAITING  # and what the upgrade itself recorded
        assert [one.data for one in await leaves(connection, refs, Accounts())] == bytes_before
        hashes = [row["leaf_hash"] for row in after]
        nodes = await connection.fetch("SELECT level, index, hash FROM log_node ORDER BY level, index")
        tree = Frontier()
        assert [tuple(row) for row in nodes] == sorted(node for one in hashes for node in grow(tree, one))
        assert await assert_promises_kept(connection, tmp_path, []) == 1
        await assert_lines_proved(connection, ring, payment, hashes)
    finally:
        await connection.close()
    report = await verify_database(old.reader_url, Trust(ring.verifiers("log")))
    assert (report.first_fault, report.unverified) == (None, 0)


async def assert_lines_proved(connection: Connection, ring: keys.Keyring, payment: UUID, hashes: list[bytes]) -> None:
    """Lines of an entry that was sealed before anything of its tree was kept, against the new checkpoint."""
    assert await connection.fetchval("SELECT count(*) FROM log_line_node") == 0
    ref, numbers = Ref(DISTRICT, "entry", payment), [1, 16, 17, 256, 257, LINES]
    proof = (await prove(connection, len(hashes), {ref: numbers})).proofs[ref]
    note = await connection.fetchval("SELECT note FROM log_checkpoint")
    checkpoint, _ = check_proof(
        Proof(proof.position, proof.path, note), leaf_hash(proof.data), ring.verifiers("log"), ring.origin
    )
    assert checkpoint.root == root(hashes)
    lines_root = await connection.fetchval("SELECT lines_root FROM log_leaf WHERE record_id = $1", payment)
    assert [line.line_no for line in proof.lines] == numbers
    for line in proof.lines:
        assert verify_inclusion(leaf_hash(line.data), line.index, LINES, line.path, lines_root)


async def test_only_lines_sealed_before_may_lack_their_nodes(
    old: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(old, monkeypatch)
    await migrate.upgrade(old.owner_url)
    async with connected(old.superuser_url) as superuser:
        kept_from = await superuser.fetchval("SELECT from_position FROM log_kept")
        assert kept_from == await superuser.fetchval("SELECT count(*) FROM log_leaf")
        await Sequencer(superuser).seal_all()
        assert (await verify_database(old.reader_url)).first_fault is None
        await superuser.execute("SET session_replication_role = replica")
        await superuser.execute("UPDATE log_kept SET from_position = 0")
        fault = (await verify_database(old.reader_url)).first_fault
        assert fault is not None
        assert fault.name == "line-nodes-fit-their-entries"


async def test_repeats_counted_before_are_where_the_marks_begin(old: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(old, monkeypatch)
    await migrate.upgrade(old.owner_url)
    async with connected(old.superuser_url) as superuser:
        staff = await superuser.fetchval("SELECT staff_id FROM refusal WHERE request_sha256 = $1", bytes(32))
        for _ in range(15):
            await superuser.execute(REFUSED, CITY, new_id(), staff, bytes(32))
        marks = await superuser.fetchval("SELECT array_agg(repeats ORDER BY repeats) FROM refusal_repeat")
        assert marks == [REPEATED, 32]
        await Sequencer(superuser).seal_all()
        assert (await verify_database(old.reader_url)).first_fault is None
        await superuser.execute("UPDATE refusal_count SET repeats = 31")
        fault = (await verify_database(old.reader_url)).first_fault
        assert fault is not None
        assert fault.name == "refusal-counts"
