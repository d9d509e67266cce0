"""The signed tree end to end: stored nodes give the RFC 6962 proofs, checkpoints follow the log, history is guarded."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import asyncpg
import pytest

from fundledger.sealing import keys
from fundledger.sealing.checkpoint import open_checkpoint
from fundledger.sealing.keys import KeyFile
from fundledger.sealing.merkle import root, verify_consistency, verify_inclusion
from fundledger.sealing.sequencer import Sequencer, run
from fundledger.sealing.signing import HEAD_FILE, HistoryError, Signer
from fundledger.sealing.tree import consistency, inclusions, root_at
from tests.builders import World
from tests.databases import Database, connected
from tests.merkle_paths import consistency_path, inclusion_path

ORIGIN = "test.example/log"


async def grow(world: World, count: int) -> None:
    """So many records more in the queue."""
    from tests.sealing.test_sequencer import refuse

    for _ in range(count):
        await refuse(world.service, world)


async def test_stored_nodes_give_the_proofs_of_the_rfc(world: World, db: Database) -> None:
    async with connected(db.service_url) as connection:
        sequencer = Sequencer(connection)
        for _ in range(4):
            await grow(world, 37)
            await sequencer.seal_all()
        hashes = [
            row["leaf_hash"] for row in await connection.fetch("SELECT leaf_hash FROM log_leaf ORDER BY position")
        ]
        assert len(hashes) > 200
        for size in (1, 2, 15, 16, 17, 33, 100, len(hashes) - 1, len(hashes)):
            tree = hashes[:size]
            assert await root_at(connection, size) == root(tree)
            wanted = sorted({0, size // 3, size // 2, size - 1})
            assert await inclusions(connection, wanted, size) == {
                index: inclusion_path(tree, index) for index in wanted
            }
            for index in wanted:
                assert verify_inclusion(tree[index], index, size, inclusion_path(tree, index), root(tree))
            for old in {0, 1, size // 2, size}:
                path = await consistency(connection, old, size)
                assert path == consistency_path(tree, old)
                assert verify_consistency(old, root(tree[:old]), size, root(tree), path)


async def test_the_database_computes_the_root_of_every_size(world: World, db: Database) -> None:
    await grow(world, 300)
    async with connected(db.service_url) as connection, connected(db.owner_url) as owner:
        await Sequencer(connection).seal_all(37)
        hashes = [row[0] for row in await connection.fetch("SELECT leaf_hash FROM log_leaf ORDER BY position")]
        roots = await owner.fetch("SELECT n, log_root(n) FROM generate_series(0, $1::bigint) n ORDER BY n", len(hashes))
        assert len(hashes) > 256
        assert [row[1] for row in roots] == [root(hashes[:size]) for size in range(len(hashes) + 1)]


async def test_the_service_can_not_have_another_root_kept(world: World, db: Database) -> None:
    await grow(world, 5)
    async with connected(db.service_url) as connection:
        size = (await Sequencer(connection).start()).size + await Sequencer(connection).seal_all()
        wrong, right = bytes(32), await root_at(connection, size)
        for kept, said, size_said in (
            (wrong, wrong, size),
            (wrong, right, size),
            (right, wrong, size),
            (right, right, 1),
        ):
            note = f"{ORIGIN}\n{size_said}\n{base64.b64encode(said).decode()}\n\n"
            with pytest.raises(asyncpg.PostgresError, match="not the root of the log") as refused:
                await connection.execute("SELECT log_sign($1, $2, $3)", size, kept, note)
            assert refused.value.sqlstate == "FL003"
        for forbidden in ("SELECT log_add_nodes(0, 16)", "INSERT INTO log_node VALUES (4, 0, sha256('x'))"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(forbidden)


async def test_a_tree_that_lost_a_node_takes_nothing_more_and_says_so(
    world: World, db: Database, tmp_path: Path
) -> None:
    path = tmp_path / "log-keys.json"
    keys.create(path, ORIGIN)
    async with connected(db.service_url) as connection, connected(db.owner_url) as owner:
        await grow(world, 250)
        await Sequencer(connection, signer=Signer(KeyFile(path))).seal_all()
        size = await connection.fetchval("SELECT count(*) FROM log_leaf")
        assert size >= 256
        await grow(world, 256 - size % 256)
        await owner.execute("ALTER TABLE log_node DISABLE TRIGGER ALL")
        await owner.execute("DELETE FROM log_node WHERE level = 4 AND index = $1", size // 256 * 16)
    stop = asyncio.Event()
    with pytest.raises(HistoryError):
        await asyncio.wait_for(run(db.service_url, stop, Signer(KeyFile(path))), 30)


async def test_every_checkpoint_is_signed_and_is_the_root_of_its_size(
    world: World, db: Database, tmp_path: Path
) -> None:
    path = tmp_path / "log-keys.json"
    ring = keys.create(path, ORIGIN)
    async with connected(db.service_url) as connection:
        sequencer = Sequencer(connection, signer=Signer(KeyFile(path)))
        for _ in range(3):
            await grow(world, 5)
            await sequencer.seal_all()
        rows = await connection.fetch("SELECT * FROM log_checkpoint ORDER BY size")
        assert len(rows) == 3
        for row in rows:
            found, _ = open_checkpoint(row["note"], ring.verifiers("log"), ORIGIN)
            assert (found.size, found.root) == (row["size"], row["root"])
            assert await root_at(connection, row["size"]) == row["root"]
        assert (tmp_path / HEAD_FILE).read_text(encoding="utf-8") == rows[-1]["note"]


async def test_a_log_that_fell_behind_what_was_signed_is_not_signed_again(
    world: World, db: Database, tmp_path: Path
) -> None:
    path = tmp_path / "log-keys.json"
    keys.create(path, ORIGIN)
    async with connected(db.service_url) as connection, connected(db.owner_url) as owner:
        await grow(world, 5)
        await Sequencer(connection, signer=Signer(KeyFile(path))).seal_all()
        await owner.execute("ALTER TABLE log_leaf DISABLE TRIGGER ALL")
        await owner.execute("DELETE FROM log_leaf WHERE position = (SELECT max(position) FROM log_leaf)")
        with pytest.raises(HistoryError, match="does not contain what its key signed"):
            await Sequencer(connection, signer=Signer(KeyFile(path))).seal_all()


async def test_a_rotated_key_introduces_the_next_and_old_checkpoints_stay_valid(
    world: World, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log-keys.json"
    first = keys.create(path, ORIGIN)
    trusted = first.verifiers("log")
    async with connected(db.service_url) as connection:
        sequencer = Sequencer(connection, signer=Signer(KeyFile(path)))
        await grow(world, 3)
        await sequencer.seal_all()
        monkeypatch.setattr(keys, "TAKES_EFFECT", keys.TAKES_EFFECT * 0)
        ring = keys.rotate(path, "log")
        keys.destroy(path, trusted[0].key_id.hex())
        await grow(world, 3)
        await sequencer.seal_all()
        old, new = await connection.fetch("SELECT note FROM log_checkpoint ORDER BY size")
        open_checkpoint(old["note"], trusted, ORIGIN)
        followed = keys.follow(trusted, [key.voucher for key in ring.keys if key.voucher])
        open_checkpoint(new["note"], followed, ORIGIN)
        assert followed == ring.verifiers("log")
