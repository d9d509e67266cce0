"""Receipts against the log: kept, not yet due, broken; online and by files alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.sealing.note import NoteError
from fundledger.sealing.receipt import parse_receipt
from fundledger.witness.following import Witness
from fundledger.witness.promises import Answer, Kept, check, check_offline, differs
from fundledger.witness.store import trusted
from tests.builders import DISTRICT
from tests.databases import Database
from tests.sealing.sealed import seal
from tests.sealing.test_sequencer import refuse, year
from tests.web import Api
from tests.witness.test_follow import watching
from tests.witness.test_monitor import superuse


async def receipt_of(api: Api) -> tuple[str, str]:
    """A payment's entry and its receipt."""
    _, entry = await year(api.world)
    answer = await api.get("auditor", f"/v1/books/{DISTRICT}/entries/{entry}/receipt")
    assert answer.status_code == 200
    return str(entry), answer.text


def later(witness: Witness, note: str, seconds: int) -> Witness:
    """The same witness, some seconds after the promise's last moment."""
    due = parse_receipt(note.rpartition("\n\n")[0] + "\n").seal_by
    return replace(witness, clock=lambda: int(due.timestamp()) + seconds)


async def test_a_promise_is_early_then_kept(api: Api, db: Database, tmp_path: Path) -> None:
    await refuse(api.world.service, api.world)
    ring = await seal(db, tmp_path)
    witness = watching(api, ring, tmp_path / "w")
    entry, note = await receipt_of(api)
    assert (await check(later(witness, note, -10), note)).kept is Kept.EARLY
    await seal(db, tmp_path)
    answer = await check(later(witness, note, -10), note)
    assert (answer.kept, str(answer.receipt.entry_id)) == (Kept.KEPT, entry)
    assert (await check(later(witness, note, 10**6), note)).kept is Kept.KEPT


async def test_what_is_not_in_the_log_in_time_is_broken_with_the_evidence(
    api: Api, db: Database, tmp_path: Path
) -> None:
    await refuse(api.world.service, api.world)
    ring = await seal(db, tmp_path)
    witness = watching(api, ring, tmp_path / "w")
    _, note = await receipt_of(api)
    answer = await check(later(witness, note, 5), note)
    assert answer.kept is Kept.BROKEN
    text = (witness.store.folder / str(answer.evidence)).read_text(encoding="utf-8")
    assert note in text
    assert "— audit.example/witness " in text


async def test_a_checkpoint_fetched_before_it_was_due_accuses_nobody(api: Api, db: Database, tmp_path: Path) -> None:
    """The moment passes while the log is asked: what it cosigned before was not late."""
    await refuse(api.world.service, api.world)
    ring = await seal(db, tmp_path)
    witness = watching(api, ring, tmp_path / "w")
    _, note = await receipt_of(api)
    due = int(parse_receipt(note.rpartition("\n\n")[0] + "\n").seal_by.timestamp())
    times = iter([due - 1])
    slow = replace(witness, clock=lambda: next(times, due + 5))
    assert (await check(slow, note)).kept is Kept.EARLY
    assert not list(witness.store.folder.glob("broken-*"))


async def test_another_content_or_moment_is_broken(
    api: Api, db: Database, superuser: Connection, tmp_path: Path
) -> None:
    entry, note = await receipt_of(api)
    ring = await seal(db, tmp_path)
    witness = watching(api, ring, tmp_path / "w")
    await superuse(superuser, f"UPDATE entry SET content_sha256 = sha256('x') WHERE entry_id = '{entry}'")
    answer = await check(later(witness, note, -10), note)
    assert answer.kept is Kept.BROKEN
    assert "content_sha256" in answer.reason


async def test_a_record_that_the_service_itself_will_not_prove_is_broken_when_it_is_due(
    api: Api, db: Database, superuser: Connection, tmp_path: Path
) -> None:
    entry, note = await receipt_of(api)
    ring = await seal(db, tmp_path)
    witness = watching(api, ring, tmp_path / "w")
    await superuse(superuser, f"UPDATE entry SET document_no = document_no || '1' WHERE entry_id = '{entry}'")
    assert (await check(later(witness, note, -10), note)).kept is Kept.EARLY
    assert (await check(later(witness, note, 10), note)).kept is Kept.BROKEN


async def test_a_receipt_that_is_altered_or_of_another_log_is_refused(api: Api, db: Database, tmp_path: Path) -> None:
    _, note = await receipt_of(api)
    ring = await seal(db, tmp_path)
    witness = watching(api, ring, tmp_path / "w")
    for bad in (
        "",
        "x",
        note[:-5],
        note.replace("book 4", "book 5"),
        note.replace("content ", "content 0"),
        note + note,
    ):
        with pytest.raises(FundledgerError, match="witness-evidence-unusable"):
            await check(witness, bad)
    with witness.store.writing() as read:
        read.execute("DELETE FROM trusted WHERE verifier LIKE '%/receipts+%'")
    with pytest.raises(FundledgerError, match="witness-evidence-unusable"):
        await check(witness, note)


async def test_proof_and_leaf_as_files_are_enough(api: Api, db: Database, tmp_path: Path) -> None:
    entry, note = await receipt_of(api)
    ring = await seal(db, tmp_path)
    proof = (await api.get("auditor", f"/v1/log/proofs/entry/{entry}")).text
    leaf = (await api.get("auditor", f"/v1/log/records/entry/{entry}")).json()["data"]

    def offline(witness: Witness | None, leaf: str = leaf, proof: str = proof, note: str = note) -> Answer:
        return check_offline(None if witness is None else witness.store, ring.verifiers(), note, proof, leaf)

    unseen = offline(None)
    assert unseen.kept is Kept.KEPT
    witness = watching(api, ring, tmp_path / "w")
    await witness.look()
    seen = offline(witness)
    assert (seen.kept, seen.reason == unseen.reason) == (Kept.KEPT, False)
    changed = json.dumps({**json.loads(leaf), "content_sha256": "00" * 32})
    assert offline(witness, changed).kept is Kept.BROKEN
    # The same leaf in other bytes has another hash.
    for bad in ((leaf + " ", proof, note), (leaf, proof[:-9], note), (leaf, proof.replace("index ", "index 1"), note),
                (leaf, "", note), (leaf, proof, note[:-9])):  # fmt: skip
        with pytest.raises(NoteError):
            offline(witness, *bad)
    with witness.store.reading() as read:
        assert len(trusted(read, ring.origin)) == 2


def test_every_promised_field_counts() -> None:
    note = ("fundledger-receipt-v1\nlog l\nbook 420117\nentry 01900000-0000-7000-8000-00000000001e\n"
            f"content {'0a' * 32}\nrecorded_at 2019-03-01T08:30:00.000120Z\nseal_by 2019-03-01T08:31:00.000120Z\n")  # fmt: skip
    receipt = parse_receipt(note)
    good = {"kind": "entry", "book": "420117", "entry_id": str(receipt.entry_id), "content_sha256": "0a" * 32,
            "recorded_at": "2019-03-01T08:30:00.000120Z"}  # fmt: skip
    assert differs(receipt, json.dumps(good)) is None
    for name in good:
        assert differs(receipt, json.dumps({**good, name: "x"})) is not None
        assert differs(receipt, json.dumps({key: value for key, value in good.items() if key != name})) is not None
    for garbage in ("", "[]", "null", "5", "[" * 100_000):
        assert differs(receipt, garbage) is not None
    assert isinstance(receipt.recorded_at, datetime)
