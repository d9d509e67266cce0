"""Proofs cost what they are long, not what the log is: a constant number of statements, each of them index seeks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fundledger.db.connection import Connection
from fundledger.sealing import inner_read, proofs, published, records, tree
from fundledger.sealing.inner_read import UPPER, Groups
from fundledger.sealing.merkle import levels
from fundledger.sealing.proofs import Known, prove
from fundledger.sealing.records import Ref, prefer_indexes
from fundledger.sealing.spans import Node
from fundledger.sealing.tree import Nodes
from tests.builders import DISTRICT, World
from tests.databases import Database
from tests.sealing.sealed import seal
from tests.sealing.test_proofs_http import paid

GROWING = ("transfer", "payment_line", "entry", "log_leaf", "log_node", "log_line_node", "log_checkpoint",
           "log_cosignature", "account", "instruction", "payment_list")  # fmt: skip


async def count_statements(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every query that this connection is asked from now on."""
    asked: list[str] = []
    fetch = type(connection).fetch

    async def counted(self: Connection, query: str, *values: Any, **more: Any) -> Any:
        asked.append(query)
        return await fetch(self, query, *values, **more)

    monkeypatch.setattr(type(connection), "fetch", counted)
    return asked


async def test_many_records_cost_as_many_statements_as_one(
    world: World, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await paid(world, 400)
    await seal(db, tmp_path)
    rows = await world.service.fetch("SELECT book, kind, record_id, version FROM log_leaf ORDER BY position")
    refs = [Ref(row["book"], row["kind"], row["record_id"], row["version"]) for row in rows]
    one = Ref(DISTRICT, "entry", entry)
    asked = await count_statements(world.service, monkeypatch)
    kinds = {ref.kind for ref in refs}
    for wanted, most in (
        ({one: [7]}, 7), ({one: list(range(1, 401))}, 7),
        ({ref: [1] if ref.kind == "entry" else [] for ref in refs}, 7 + len(kinds) - 1),
    ):  # fmt: skip
        asked.clear()
        async with world.service.transaction():
            proven = await prove(world.service, len(refs), wanted)
        assert not proven.unsealed
        assert sum(len(proof.lines) for proof in proven.proofs.values()) == sum(map(len, wanted.values()))
        assert len(asked) <= most, asked


async def big_log(world: World, owner: Connection, superuser: Connection, db: Database, tmp_path: Path) -> UUID:
    """A sealed list of 5,000 lines, and 20,000 made-up checkpoints and leaves behind it."""
    entry = await paid(world, 5_000)
    await seal(db, tmp_path)
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute(
        "INSERT INTO log_checkpoint SELECT 1000000 + n, $1, 'x', now() FROM generate_series(1, 20000) n", os.urandom(32)
    )
    await superuser.execute(
        "INSERT INTO log_cosignature SELECT 1000000 + n, 'w', '\\x01020304', n, 'x', now() FROM generate_series(1, 20000) n"
    )
    await superuser.execute(
        "INSERT INTO log_leaf SELECT 1000000 + n, 420117, 'refusal', gen_random_uuid(), 1, $1, NULL, now() "
        "FROM generate_series(1, 20000) n", os.urandom(32),
    )  # fmt: skip
    for table in GROWING:
        await superuser.execute(f"ANALYZE {table}")
    return entry


async def plan(connection: Connection, query: str, values: Sequence[Any]) -> str:
    return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}", *values))


async def test_the_statements_of_a_proof_are_index_seeks(
    world: World, owner: Connection, superuser: Connection, db: Database, tmp_path: Path
) -> None:
    entry = await big_log(world, owner, superuser, db, tmp_path)
    row = await world.service.fetchrow("SELECT * FROM entry WHERE entry_id = $1", entry)
    assert row is not None
    account = await world.service.fetchval("SELECT account_id FROM account WHERE book = $1 LIMIT 1", DISTRICT)
    statements = {
        proofs._POSITIONS: ([DISTRICT], ["entry"], [entry], [1]), records._ENTRY: ([DISTRICT], [entry]),
        inner_read._LINES: ([DISTRICT], [entry], [True], [row["instruction_id"]], [4_000], [4_000]),
        inner_read._GROUPS: ([DISTRICT] * 2, [entry] * 2, [0, 4], [9, 3]),
        records._ACCOUNTS: ([DISTRICT], [account]), tree._LEAVES: ([3], [7]), tree._NODES: ([4], [0], [3]),
        published._NEWEST: (), published._NEWEST_COSIGNED: (), published._OF_SIZE: (1_000_007,),
    }  # fmt: skip
    for mode in ("force_custom_plan", "force_generic_plan"):
        async with world.service.transaction():
            await world.service.execute(f"SET LOCAL plan_cache_mode = {mode}")
            await prefer_indexes(world.service)
            for query, values in statements.items():
                text = await plan(world.service, query, values)
                assert not [table for table in GROWING if f"Seq Scan on {table}" in text], text
    for query in (published._NEWEST, published._NEWEST_COSIGNED):  # asked without that preference too
        text = await plan(world.service, query, ())
        assert "Seq Scan" not in text, text


async def test_one_line_of_a_long_entry_reads_one_line(
    world: World, owner: Connection, superuser: Connection, db: Database, tmp_path: Path
) -> None:
    entry = await big_log(world, owner, superuser, db, tmp_path)
    before = await read_rows(world)
    async with world.service.transaction():
        await prefer_indexes(world.service)
        size = await world.service.fetchval("SELECT size FROM log_checkpoint ORDER BY size LIMIT 1")
        assert (await prove(world.service, size, {Ref(DISTRICT, "entry", entry): [3_000]})).proofs
    assert 0 < await read_rows(world) - before < 10


async def read_rows(world: World) -> int:
    """Rows of `transfer` that were fetched so far in this database."""
    await world.service.execute("SELECT pg_stat_force_next_flush()")
    await world.owner.execute("SELECT pg_stat_clear_snapshot()")
    query = "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables WHERE relname = 'transfer'"
    return int(await world.owner.fetchval(query))


async def test_what_is_remembered_is_not_read_again_and_a_wrong_hash_is_not_believed(
    world: World, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await paid(world, 5_000)
    await seal(db, tmp_path)
    row = await world.service.fetchrow("SELECT size, root FROM log_checkpoint ORDER BY size DESC LIMIT 1")
    assert row is not None
    size, wanted = row["size"], {Ref(DISTRICT, "entry", entry): [1, 4_500]}
    known = Known(Nodes(), Groups(), row["root"])
    first = await prove(world.service, size, wanted)
    asked = await count_statements(world.service, monkeypatch)
    assert await prove(world.service, size, wanted, None, known) == first
    cold = len(asked)
    assert await prove(world.service, size, wanted, None, known) == first
    assert len(asked) - cold < cold
    known.nodes.remember(dict.fromkeys(known.nodes._known, bytes(32)))
    for key, level, number in list(known.groups._known):
        known.groups.remember(key, level, number, levels([bytes(32)] * 2))
    assert await prove(world.service, size, wanted, None, known) == first
    assert not known.groups._known
    assert not known.nodes._known
    assert await prove(world.service, size, wanted, None, known) == first
    assert known.groups._known
    assert known.nodes._known


async def test_what_is_remembered_is_bounded() -> None:
    nodes, groups = Nodes(most=3), Groups(most=3)
    for number in range(10):
        nodes.remember({Node(0, number): bytes(32)})
        groups.remember((1, UUID(int=number)), UPPER, 0, [[bytes(32)]])
        groups.remember((1, UUID(int=number)), 0, 0, [[bytes(32)]])
    assert len(nodes._known) <= 3
    assert len(groups._known) <= 3
    assert groups.get((1, UUID(int=9)), UPPER, 0)
    assert nodes.among([Node(0, 9), Node(0, 0)]) == {Node(0, 9): bytes(32)}
