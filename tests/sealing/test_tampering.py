"""What a database administrator could do to the sealed log, and that `verify --database` finds it and names the record.

Everything is done as the superuser with triggers off. What is done consistently, to a record and its leaf, is found by
the nodes; to the nodes too, by the checkpoints; to the checkpoints too, by their signatures.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fundledger.cli.commands import main
from fundledger.db.connection import Connection
from fundledger.sealing import keys
from fundledger.sealing.checkpoint import Checkpoint, open_checkpoint
from fundledger.sealing.keys import KeyFile
from fundledger.sealing.note import COSIGNATURE, SigningKey, join, split
from fundledger.sealing.recheck import Trust
from fundledger.sealing.records import Accounts, Ref, leaves
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.signing import HEAD_FILE, Signer, read_head
from fundledger.sealing.tree import root_at
from fundledger.sealing.verify import verify
from tests.builders import World
from tests.databases import Database, connected
from tests.sealing.test_sequencer import year
from tests.sealing.test_signed_tree import grow

ORIGIN = "tampered.example/log"
WITNESS = SigningKey("audit.example/witness", bytes(range(32)), COSIGNATURE)
PAYEES = 40
"""Lines of the payment: enough for kept nodes."""


@dataclass
class Sealed:
    """A signed and cosigned log, whom its verifier believes, and a superuser's connection."""

    trust: Trust
    superuser: Connection
    folder: Path

    async def faults(self, trust: Trust | None = None) -> dict[str, dict[str, Any]]:
        """The faults found, by check."""
        async with self.superuser.transaction(isolation="repeatable_read", readonly=True):
            report = await verify(self.superuser, trust or self.trust)
        return {check.name: check.fault for check in report.checks if check.fault is not None}


@pytest.fixture
async def sealed(world: World, db: Database, superuser: Connection, tmp_path: Path) -> Sealed:
    """A small year with three checkpoints, the newest cosigned; the superuser has the triggers off."""
    path = tmp_path / "log-keys.json"
    ring = keys.create(path, ORIGIN)
    await year(world, payees=PAYEES)
    async with connected(db.service_url) as connection:
        sequencer = Sequencer(connection, signer=Signer(KeyFile(path)))
        for _ in range(3):
            await grow(world, 9)
            await sequencer.seal_all()
        note = await connection.fetchval("SELECT note FROM log_checkpoint ORDER BY size DESC LIMIT 1")
        text, _ = split(note)
        size = open_checkpoint(note, ring.verifiers("log"), ORIGIN)[0].size
        await connection.execute(
            "INSERT INTO log_cosignature (size, name, key_id, time, line) VALUES ($1, $2, $3, $4, $5)",
            size, WITNESS.verifier.name, WITNESS.verifier.key_id, 1_700_000_000, WITNESS.cosign(text, 1_700_000_000),
        )  # fmt: skip
    await superuser.execute("SET session_replication_role = replica")
    head = read_head(tmp_path / HEAD_FILE, KeyFile(path))
    return Sealed(Trust(ring.verifiers("log"), [WITNESS.verifier], head), superuser, tmp_path)


async def test_an_untouched_log_is_sound_and_every_signature_verified(sealed: Sealed) -> None:
    assert await sealed.faults() == {}
    async with sealed.superuser.transaction(isolation="repeatable_read", readonly=True):
        report, blind = await verify(sealed.superuser, sealed.trust), await verify(sealed.superuser)
    assert (report.unverified, blind.unverified) == (0, 4)
    assert blind.first_fault is None


PAY = "(SELECT entry_id FROM entry WHERE entry_kind = 'pay')"
NEWEST = "(SELECT max(size) FROM log_checkpoint)"
DAMAGE: list[tuple[str, str, str, str]] = [
    ("an amount with its totals", f"""UPDATE transfer SET amount = amount - 1, debit_after = debit_after - 1,
        credit_after = credit_after - 1 WHERE entry_id = {PAY} AND line_no = {PAYEES}""",
     "leaves-fit-their-records", "entry"),
    ("an amount's kept node", f"""UPDATE transfer SET amount = amount - 1, debit_after = debit_after - 1,
        credit_after = credit_after - 1 WHERE entry_id = {PAY} AND line_no = {PAYEES}""",
     "line-nodes-fit-their-entries", "entry_id"),
    ("two payees swapped", f"""UPDATE transfer SET payee_id = x.payee_id FROM (SELECT line_no, payee_id FROM transfer
        WHERE entry_id = {PAY}) x WHERE entry_id = {PAY} AND transfer.line_no IN (3, 4) AND x.line_no = 7 - transfer.line_no""",
     "leaves-fit-their-records", "entry"),
    ("two payees swapped in the list too", f"""UPDATE transfer SET payee_id = x.payee_id FROM (SELECT line_no, payee_id
        FROM transfer WHERE entry_id = {PAY}) x WHERE entry_id = {PAY} AND transfer.line_no IN (3, 4)
        AND x.line_no = 7 - transfer.line_no; UPDATE payment_line SET payee_id = x.payee_id FROM (SELECT line_no,
        payee_id FROM payment_line) x WHERE payment_line.line_no IN (3, 4) AND x.line_no = 7 - payment_line.line_no""",
     "approved-content-unchanged", "instruction_id"),
    ("an entry deleted", f"DELETE FROM transfer WHERE entry_id = {PAY}; DELETE FROM entry WHERE entry_kind = 'pay'",
     "every-record-once-in-the-log", "entry"),
    ("an entry deleted, seen from its leaf", f"""DELETE FROM transfer WHERE entry_id = {PAY};
        DELETE FROM entry WHERE entry_kind = 'pay'""", "leaves-fit-their-records", "missing"),
    ("an entry deleted with its leaf", f"""DELETE FROM log_leaf WHERE record_id = {PAY};
        DELETE FROM transfer WHERE entry_id = {PAY}; DELETE FROM entry WHERE entry_kind = 'pay'""",
     "positions-without-gap", "position"),
    ("an entry inserted in the past", """INSERT INTO entry SELECT (jsonb_populate_record(e, jsonb_build_object(
        'entry_id', gen_random_uuid(), 'instruction_id', gen_random_uuid(), 'effective_on', '2019-01-05'))).*
        FROM entry e WHERE entry_kind = 'adopt'""", "every-record-once-in-the-log", "entry"),
    ("leaves truncated", "TRUNCATE log_leaf", "every-record-once-in-the-log", "record_id"),
    ("leaves truncated, against the head", "TRUNCATE log_leaf", "head-is-in-the-log", "size"),
    ("the newest leaves cut off", f"DELETE FROM log_leaf WHERE position >= {NEWEST} - 2", "checkpoints-fit-the-log",
     "beyond_the_log"),
    ("nodes truncated", "TRUNCATE log_node", "nodes-fit-their-leaves", "first_position"),
    ("kept nodes of lines truncated", "TRUNCATE log_line_node", "line-nodes-fit-their-entries", "entry_id"),
    ("checkpoints truncated", "TRUNCATE log_checkpoint", "head-is-in-the-log", "checkpoints"),
    ("checkpoints truncated, seen from cosignatures", "TRUNCATE log_checkpoint", "cosignatures-fit-their-checkpoints",
     "size"),
    ("a node", "UPDATE log_node SET hash = sha256('x') WHERE level = 4 AND index = 1", "nodes-fit-their-leaves", "16"),
    ("a node too many", "INSERT INTO log_node VALUES (8, 7, sha256('x'))", "nodes-fit-their-leaves", "beyond_the_log"),
    ("a kept node of lines", "UPDATE log_line_node SET hashes = overlay(hashes PLACING sha256('x') FROM 33) WHERE level = 4",
     "line-nodes-fit-their-entries", "entry_id"),
    ("a kept node of another entry", """INSERT INTO log_line_node SELECT book, gen_random_uuid(), level, number, hashes
        FROM log_line_node LIMIT 1""", "line-nodes-fit-their-entries", "entry_id"),
    ("a checkpoint's root", "UPDATE log_checkpoint SET root = sha256('x')", "checkpoints-fit-the-log", "root"),
    ("a checkpoint's note", f"UPDATE log_checkpoint SET note = replace(note, 'tampered', 'elsewhere') WHERE size = {NEWEST}",
     "checkpoints-fit-the-log", "size"),
    ("a checkpoint's signature", "UPDATE log_checkpoint SET note = overlay(note PLACING 'AAAA' FROM length(note) - 20 FOR 4)",
     "checkpoints-fit-the-log", "does not verify"),
    ("a note that is none", "UPDATE log_checkpoint SET note = 'x'", "checkpoints-fit-the-log", "size"),
    ("a checkpoint beyond the log", f"INSERT INTO log_checkpoint SELECT size + 5, root, note, signed_at FROM log_checkpoint "
     f"WHERE size = {NEWEST}", "checkpoints-fit-the-log", "beyond_the_log"),
    ("a cosignature's size", "UPDATE log_cosignature SET size = size - 1", "cosignatures-fit-their-checkpoints", "size"),
    ("a cosignature's time", "UPDATE log_cosignature SET time = time + 1", "cosignatures-fit-their-checkpoints", "name"),
    ("a cosignature of another checkpoint", "UPDATE log_cosignature SET size = (SELECT min(size) FROM log_checkpoint)",
     "cosignatures-fit-their-checkpoints", "does not verify"),
    ("a summary on the entry", "UPDATE entry SET summary = summary || '!' WHERE entry_kind = 'pay'",
     "entries-are-their-instructions", "entry_id"),
    ("a newest day", "UPDATE account_balance SET last_effective_on = '2019-12-31' WHERE given > 0", "newest-days", "account_id"),
    ("who was paid last", "UPDATE claim_window SET paid_order_no = 1 WHERE paid_order_no > 0", "claim-windows", "year"),
    ("a refusal's count", "INSERT INTO refusal_count VALUES (420100, gen_random_uuid(), 5, now())", "refusal-counts", "refusal_id"),
    ("a month", "DELETE FROM period WHERE book = 420117", "months-are-there", "month"),
    ("an allocation below", "UPDATE allocation SET fiscal_year = 2020 WHERE book = 420117", "allocations-are-one", "allocation_id"),
    ("a leg", "UPDATE instruction_leg SET amount = amount + 1 WHERE book = 420117", "instructions-add-up", "instruction_id"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "statement", "check", "named"), DAMAGE, ids=[row[0] for row in DAMAGE])
async def test_it_is_found_and_the_record_named(
    sealed: Sealed, what: str, statement: str, check: str, named: str
) -> None:
    await without_constraints(sealed.superuser)
    await sealed.superuser.execute(statement)
    faults = await sealed.faults()
    assert check in faults, faults
    assert named in json.dumps(faults[check]), faults[check]


async def without_constraints(superuser: Connection) -> None:
    """What only the superuser can do."""
    for name in ("transfer_totals", "transfer_debit_tiles", "transfer_credit_tiles"):
        await superuser.execute(f"ALTER TABLE transfer DROP CONSTRAINT {name}")


async def test_a_history_rewritten_down_to_the_nodes_is_found_by_its_checkpoints(sealed: Sealed) -> None:
    """A refusal is rewritten with its leaf and every node above: only the signed roots are left to tell."""
    await rewrite_a_refusal(sealed.superuser)
    faults = await sealed.faults()
    assert set(faults) == {"checkpoints-fit-the-log", "head-is-in-the-log"}
    assert faults["checkpoints-fit-the-log"]["computed"] != faults["checkpoints-fit-the-log"]["root"]


async def test_checkpoints_made_to_fit_are_found_by_their_signature(sealed: Sealed) -> None:
    """The administrator signs the rewritten roots with a key of his own, of the log's name."""
    await rewrite_a_refusal(sealed.superuser)
    forger = SigningKey(ORIGIN, bytes(32))
    for row in await sealed.superuser.fetch("SELECT size FROM log_checkpoint"):
        forged = Checkpoint(ORIGIN, row["size"], await root_at(sealed.superuser, row["size"]))
        note = join(forged.text, [forger.line(forged.text)])
        await sealed.superuser.execute(
            "UPDATE log_checkpoint SET root = $2, note = $3 WHERE size = $1", forged.size, forged.root, note
        )
    faults = await sealed.faults()
    assert "no trusted key signed" in faults["checkpoints-fit-the-log"]["why"]
    assert "cosignatures-fit-their-checkpoints" in faults
    assert "head-is-in-the-log" in faults
    # With no key at hand the database says nothing against itself: that is what keys and witnesses are for.
    assert await sealed.faults(Trust()) == {}


async def test_the_tree_rebuilt_with_the_logs_own_key_is_found_by_its_head_and_witness(sealed: Sealed) -> None:
    await rewrite_a_refusal(sealed.superuser)
    ring = keys.load(sealed.folder / "log-keys.json")
    for row in await sealed.superuser.fetch("SELECT size, signed_at FROM log_checkpoint"):
        forged = Checkpoint(ORIGIN, row["size"], await root_at(sealed.superuser, row["size"]))
        note = ring.sign_checkpoint(forged.text, row["signed_at"])
        await sealed.superuser.execute(
            "UPDATE log_checkpoint SET root = $2, note = $3 WHERE size = $1", forged.size, forged.root, note
        )
    assert set(await sealed.faults()) == {"cosignatures-fit-their-checkpoints", "head-is-in-the-log"}


async def rewrite_a_refusal(superuser: Connection) -> None:
    """Change one record, its leaf, and every stored node."""
    row = await superuser.fetchrow("SELECT book, refusal_id FROM refusal ORDER BY order_no LIMIT 1")
    assert row is not None
    await superuser.execute("UPDATE refusal SET code = 'undo-exceeds' WHERE refusal_id = $1", row["refusal_id"])
    leaf = (await leaves(superuser, [Ref(row["book"], "refusal", row["refusal_id"])], Accounts()))[0]
    await superuser.execute(
        "UPDATE log_leaf SET leaf_hash = $2 WHERE record_id = $1", row["refusal_id"], leaf.leaf_hash
    )
    await superuser.execute("DELETE FROM log_node")
    size = await superuser.fetchval("SELECT count(*) FROM log_leaf")
    assert size > 16
    await superuser.execute("SELECT log_add_nodes(0, $1)", size)


async def test_a_page_more_or_less_makes_no_difference(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    for page, lines in ((1, 1), (7, 10), (16, 20_000)):
        monkeypatch.setattr("fundledger.sealing.recheck.PAGE", page)
        monkeypatch.setattr("fundledger.sealing.passing.BATCH_LINES", lines)
        assert await sealed.faults() == {}


async def test_the_first_of_two_lost_records_is_named_and_the_rest_still_checked(sealed: Sealed) -> None:
    rows = await sealed.superuser.fetch(
        "SELECT position, record_id FROM log_leaf WHERE kind = 'refusal' ORDER BY position"
    )
    await sealed.superuser.execute("DELETE FROM refusal WHERE refusal_id = ANY ($1)", [rows[1][1], rows[3][1]])
    await sealed.superuser.execute("UPDATE log_node SET hash = sha256('x') WHERE level = 4 AND index = 2")
    faults = await sealed.faults()
    assert faults["leaves-fit-their-records"]["record_id"] == str(rows[1]["record_id"])
    assert faults["nodes-fit-their-leaves"]["index"] == 2


async def test_the_command_believes_the_key_file_or_who_is_named(
    sealed: Sealed, db: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FUNDLEDGER_DATABASE_URL", db.service_url)
    monkeypatch.setenv("FUNDLEDGER_READER_DATABASE_URL", db.reader_url)
    monkeypatch.setenv("FUNDLEDGER_DATA_DIR", str(sealed.folder))

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr(sys, "argv", ["fundledger", "verify", "--database", "--json", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        text = capsys.readouterr().out
        code = ended.value.code
        return (code if isinstance(code, int) else 0), json.loads(text) if text else {}

    code, report = await asyncio.to_thread(run, "--witness-key", str(WITNESS.verifier))
    assert (code, report["sound"], report["unverified_signatures"]) == (0, True, 0)
    assert (await asyncio.to_thread(run))[1]["unverified_signatures"] == 1
    code, report = await asyncio.to_thread(run, "--log-key", str(SigningKey(ORIGIN, bytes(32)).verifier))
    assert (code, report["sound"]) == (1, False)
    assert (await asyncio.to_thread(run, "--log-key", "x+y"))[0] in (2, 3, 4)
    (sealed.folder / "log-keys.json").chmod(0o644)
    assert (await asyncio.to_thread(run))[0] == 3
