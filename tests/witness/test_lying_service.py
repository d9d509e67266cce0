"""A service that lies in its stream: whatever it labels, adds or leaves in the ledger's way, the monitor names it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from fundledger.errors import FundledgerError
from fundledger.sealing.keys import Keyring
from fundledger.witness.client import _object
from fundledger.witness.following import Witness
from fundledger.witness.ledger import Ledger
from fundledger.witness.monitor import watch
from tests.databases import Database
from tests.sealing.sealed import seal
from tests.web import Api
from tests.witness.test_follow import watching
from tests.witness.test_monitor import ALL, busy

Row = dict[str, Any]
Lie = Callable[[list[Row]], list[Row]]


@pytest.fixture
async def witness(api: Api, db: Database, tmp_path: Path) -> Witness:
    await busy(api.world)
    ring: Keyring = await seal(db, tmp_path)
    return watching(api, ring, tmp_path / "w")


def lie(monkeypatch: pytest.MonkeyPatch, witness: Witness, how: Lie) -> None:
    """The stream of the log's records from now on."""
    honest = witness.client.entries

    async def entries(start: int, stop: int, limit: int) -> AsyncGenerator[Row]:
        for row in how([row async for row in honest(start, stop, limit)]):
            yield row

    monkeypatch.setattr(witness.client, "entries", entries)


def forged(kind: str) -> Lie:
    """The first entry's lines say another amount, and its row another kind."""

    def how(rows: list[Row]) -> list[Row]:
        at = next(number for number, row in enumerate(rows) if row.get("kind") == "entry")
        lines = [json.loads(text) for text in rows[at + 1]["lines"]]
        lines[0]["amount"] = "1.00"
        changed = [json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")) for line in lines]
        return [*rows[:at], {**rows[at], "kind": kind}, {**rows[at + 1], "lines": changed}, *rows[at + 2 :]]

    return how


@pytest.mark.parametrize("kind", ["entry", "parameter"])
async def test_changed_lines_are_named_whatever_their_record_is_called(
    monkeypatch: pytest.MonkeyPatch, witness: Witness, kind: str
) -> None:
    assert (await watch(witness, recheck=0)).fault is None
    lie(monkeypatch, witness, forged(kind))
    fault = (await watch(witness, recheck=ALL)).fault
    assert fault is not None
    assert fault.startswith("[record-changed @")


def one_more(rows: list[Row]) -> list[Row]:
    """A leaf after the last that was asked for."""
    last = next(row for row in reversed(rows) if "leaf_hash" in row)
    more = {**last, "position": last["position"] + 1, "record_id": "00000000-0000-4000-8000-000000000001"}
    return [*rows[:-1], more, {"next": rows[-1]["next"] + 1}]


async def test_more_than_was_asked_for_is_a_fault_and_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, witness: Witness
) -> None:
    lie(monkeypatch, witness, one_more)
    first = await watch(witness, recheck=0)
    assert first.fault is not None
    assert first.fault.startswith("[not-asked @")
    assert first.size == 0


async def test_more_than_was_asked_for_again_is_a_fault(monkeypatch: pytest.MonkeyPatch, witness: Witness) -> None:
    assert (await watch(witness, recheck=0)).fault is None
    lie(monkeypatch, witness, one_more)
    fault = (await watch(witness, recheck=ALL)).fault
    assert fault is not None
    assert fault.startswith("[not-asked @")


async def test_a_ledger_that_lost_a_leaf_says_so(witness: Witness) -> None:
    assert (await watch(witness, recheck=0)).fault is None
    ledger = Ledger(witness.store.folder, witness.origin)
    ledger.db.execute("DELETE FROM leaf WHERE position = 3")
    ledger.close()
    with pytest.raises(FundledgerError, match="witness-store-unusable"):
        await watch(witness, recheck=ALL)


@pytest.mark.parametrize("text", [b'{"data":"\\ud800"}', b'{"data":"\\uDFFF x"}', b'{"\\ud801":1}'])
def test_half_a_surrogate_pair_is_no_answer(text: bytes) -> None:
    with pytest.raises(FundledgerError, match="witness-answer-unusable"):
        _object(text, "/v1/log/entries")


def test_a_rare_name_is_read_however_it_is_escaped() -> None:
    assert _object(b'{"name":"\\ud840\\udc0b"}', "/v1/log/entries") == {"name": "𠀋"}
