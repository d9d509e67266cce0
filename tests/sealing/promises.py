"""What must hold of a signed log whatever was killed: used by the tests of crashes, of two sequencers, of restores."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from fundledger.book.poster import Posted
from fundledger.db.connection import Connection
from fundledger.sealing import keys
from fundledger.sealing.checkpoint import open_checkpoint
from fundledger.sealing.leaf import instant
from fundledger.sealing.merkle import root, verify_consistency, verify_inclusion
from fundledger.sealing.receipt import open_receipt, signed_receipt
from fundledger.sealing.records import Accounts, Ref, leaves
from fundledger.sealing.tree import consistency, inclusion
from tests.sealing.test_sequencer import assert_log_fits

PAIRS_MAX = 40


async def assert_promises_kept(connection: Connection, folder: Path, posted: Iterable[Posted]) -> int:
    """No gap, no fork, every checkpoint the root of its size and consistent with every other, every receipt kept.

    The number of checkpoints. Everything must be sealed and signed.
    """
    await assert_log_fits(connection)
    ring = keys.load(folder / "log-keys.json")
    hashes = [row["leaf_hash"] for row in await connection.fetch("SELECT leaf_hash FROM log_leaf ORDER BY position")]
    rows = await connection.fetch("SELECT * FROM log_checkpoint ORDER BY size")
    assert rows[-1]["size"] == len(hashes)
    for row in rows:
        found, _ = open_checkpoint(row["note"], ring.verifiers("log"), ring.origin)
        assert (found.size, found.root) == (row["size"], row["root"])
        assert root(hashes[: row["size"]]) == row["root"]
    assert all(one["size"] < two["size"] and one["signed_at"] <= two["signed_at"] for one, two in pairwise(rows))
    some = rows[:: max(1, len(rows) // PAIRS_MAX)]
    for number, old in enumerate(some):
        for new in some[number:]:
            path = await consistency(connection, old["size"], new["size"])
            assert verify_consistency(old["size"], old["root"], new["size"], new["root"], path)
    for one in posted:
        await assert_receipt_kept(connection, ring, hashes, one)
    return len(rows)


async def assert_receipt_kept(connection: Connection, ring: keys.Keyring, hashes: list[bytes], posted: Posted) -> None:
    """The entry a receipt names stands in the log, with the content and the moment that were promised."""
    note = signed_receipt(ring, posted.book, posted.entry_id, posted.content_sha256, posted.recorded_at)
    receipt = open_receipt(note, ring.verifiers("receipts"), ring.origin)
    row = await connection.fetchrow(
        "SELECT position, leaf_hash FROM log_leaf WHERE book = $1 AND kind = 'entry' AND record_id = $2",
        receipt.book, receipt.entry_id,
    )  # fmt: skip
    assert row is not None, "a promised entry is not in the log"
    leaf = (await leaves(connection, [Ref(receipt.book, "entry", receipt.entry_id)], Accounts()))[0]
    said = json.loads(leaf.data)
    assert leaf.leaf_hash == row["leaf_hash"]
    assert said["content_sha256"] == receipt.content_sha256.hex()
    assert said["recorded_at"] == instant(receipt.recorded_at)
    path = await inclusion(connection, row["position"], len(hashes))
    assert verify_inclusion(leaf.leaf_hash, row["position"], len(hashes), path, root(hashes))
