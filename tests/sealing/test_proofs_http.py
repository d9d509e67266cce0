"""Proofs over HTTP: every one verifies with an independent check, and nobody gets one of a record they may not see."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fundledger.book.instructions import Leg
from fundledger.db.connection import Connection
from fundledger.ids import new_id
from fundledger.sealing import keys
from fundledger.sealing.checkpoint import open_checkpoint, parse_proof
from fundledger.sealing.leaf import KINDS
from fundledger.sealing.log import _TABLES
from fundledger.sealing.merkle import EMPTY_ROOT, verify_consistency
from fundledger.sealing.note import parse_key
from tests.budget.turn import close_months, close_year
from tests.builders import CITY, DISTRICT, World
from tests.databases import Database
from tests.sealing.sealed import checked_file, checked_line, seal
from tests.sealing.test_sequencer import refuse, year
from tests.web import Api


async def get(api: Api, who: str, path: str, **params: Any) -> Any:
    answer = await api.get(who, path, **params)
    assert answer.status_code == 200, answer.text
    return answer.json() if answer.headers["content-type"].startswith("application/json") else answer.text


async def paid(world: World, payees: int) -> UUID:
    """A payment list of so many households."""
    allocation = await world.funded(100_000_000)
    project = await world.project(planned_amount=200_000_000)
    legs = [Leg(90_000_000, allocation_id=allocation, project_id=project)]
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", legs))
    return (await world.pay(await world.list_of(project, allocation, await world.persons(payees)))).entry_id


async def test_every_sealed_record_of_every_kind_has_a_proof_that_verifies(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    await year(world)
    await refuse(world.service, world)
    await close_months(world, 2018, book=CITY)
    await close_year(world, 2018, book=CITY)
    ring = await seal(db, tmp_path)
    leaves = (await get(api, "auditor", "/v1/log/leaves", limit=1000))["items"]
    assert {"entry", "approval", "refusal", "notice", "parameter", "period_close", "year_close"} <= {
        leaf["kind"] for leaf in leaves
    }
    for leaf in leaves:
        path = f"{leaf['kind']}/{leaf['record_id']}"
        record = await get(api, "auditor", f"/v1/log/records/{path}", version=leaf["version"])
        text = await get(api, "auditor", f"/v1/log/proofs/{path}", version=leaf["version"])
        assert checked_file(text, record["data"].encode()) == (leaf["position"], len(leaves))
        open_checkpoint(parse_proof(text).note, ring.verifiers("log"), ring.origin)


async def test_every_kind_of_leaf_can_be_looked_for() -> None:
    assert set(_TABLES) == set(KINDS)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 255, 257])
async def test_lines_of_entries_of_every_shape_verify(
    count: int, api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    entry = await paid(world, count)
    await seal(db, tmp_path)
    for line_no in sorted({1, count // 2 + 1, min(16, count), min(17, count), max(count - 1, 1), count}):
        answer = await get(api, "district-maker", f"/v1/log/proofs/entry/{entry}/lines/{line_no}")
        assert checked_line(answer)["line_no"] == line_no
    for line_no in (count + 1, 2**31 - 1):
        answer = await api.get("auditor", f"/v1/log/proofs/entry/{entry}/lines/{line_no}")
        assert (answer.status_code, answer.json()["code"]) == (404, "log-line-not-found")
    assert (await api.get("auditor", f"/v1/log/proofs/entry/{entry}/lines/0")).status_code == 422


async def grow(world: World, db: Database, tmp_path: Path, rounds: int) -> None:
    """So many checkpoints more, each of a few records more."""
    for _ in range(rounds):
        await world.adopt(5)
        await seal(db, tmp_path)


async def test_long_entries_prove_their_first_middle_and_last_lines(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    people = await world.persons(5_000)
    allocation = await world.funded(10_000_000_000)
    project = await world.project(planned_amount=20_000_000_000)
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [
        Leg(9_000_000_000, allocation_id=allocation, project_id=project)]))  # fmt: skip
    counts = (4_096, 4_097, 5_000)
    entries = {}
    for month, count in enumerate(counts, start=1):
        lines = await world.list_of(project, allocation, people[:count], period=f"2018-{month:02}")
        entries[count] = (await world.pay(lines)).entry_id
    await seal(db, tmp_path)
    for count, entry in entries.items():
        for line_no in sorted({1, 16, 17, 256, 257, count // 2, 4_096, min(4_097, count), count - 1, count}):
            answer = await get(api, "auditor", f"/v1/log/proofs/entry/{entry}/lines/{line_no}")
            assert checked_line(answer)["line_no"] == line_no


async def test_lines_sealed_before_hashes_were_kept_are_hashed_again(
    api: Api, world: World, db: Database, tmp_path: Path, owner: Connection
) -> None:
    entry = await paid(world, 300)
    await seal(db, tmp_path)
    path = f"/v1/log/proofs/entry/{entry}/lines/273"
    kept = await get(api, "auditor", path)
    await owner.execute("ALTER TABLE log_line_node DISABLE TRIGGER ALL; DELETE FROM log_line_node")
    assert await get(api, "auditor", path) == kept
    assert checked_line(kept)["line_no"] == 273
    assert (await api.get("auditor", f"/v1/log/proofs/entry/{entry}/lines/301")).status_code == 404


async def test_all_stored_checkpoints_are_consistent_and_none_with_another(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    await grow(world, db, tmp_path, 6)
    rows = await world.service.fetch("SELECT size, root FROM log_checkpoint ORDER BY size")
    assert len(rows) == 6
    sizes = [(0, EMPTY_ROOT), *((row["size"], row["root"]) for row in rows)]
    for number, (size, root) in enumerate(sizes):
        for old, old_root in sizes[: number + 1]:
            answer = await get(api, "district-maker", "/v1/log/consistency", old=old, size=size)
            path = [base64.b64decode(one) for one in answer["hashes"]]
            assert (answer["old"], answer["size"]) == (old, size)
            assert verify_consistency(old, old_root, size, root, path)
            if 0 < old < size:
                assert not verify_consistency(old, root, size, root, path)
                assert not verify_consistency(old, old_root, size, old_root, path)
    newest = sizes[-1][0]
    for old, size, status in ((5, 4, 422), (0, newest + 1, 422), (-1, 4, 422), (0, 2**63 - 1, 422), (0, 2**63, 422)):
        answer = await api.get("auditor", "/v1/log/consistency", old=old, size=size)
        assert answer.status_code == status, answer.text
    between = await get(api, "auditor", "/v1/log/consistency", old=sizes[1][0] + 1, size=newest - 1)
    assert between["hashes"]


async def test_a_record_has_a_proof_under_every_checkpoint_that_holds_it_and_under_no_older_one(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    await grow(world, db, tmp_path, 4)
    sizes = [row["size"] for row in await world.service.fetch("SELECT size FROM log_checkpoint ORDER BY size")]
    row = await world.service.fetchrow(
        "SELECT record_id, position FROM log_leaf WHERE kind = 'entry' AND position >= $1 ORDER BY position", sizes[1]
    )
    assert row is not None
    record = await get(api, "auditor", f"/v1/log/records/entry/{row['record_id']}")
    path = f"/v1/log/proofs/entry/{row['record_id']}"
    for size in sizes:
        answer = await api.get("auditor", path, size=size)
        if size <= row["position"]:
            assert (answer.status_code, answer.json()["code"]) == (409, "log-record-not-sealed")
        else:
            assert checked_file(answer.text, record["data"].encode()) == (row["position"], size)
            assert (await api.get("auditor", f"/v1/log/checkpoints/{size}")).text in answer.text
    for size in (0, sizes[0] + 1, sizes[-1] + 1, 2**63 - 1):
        for asked in (path, f"{path}/lines/1"):
            answer = await api.get("auditor", asked, size=size)
            assert (answer.status_code, answer.json()["code"]) == (404, "log-checkpoint-not-found")
        assert (await api.get("auditor", f"/v1/log/checkpoints/{size}")).status_code == 404
    too_big = await api.get("auditor", path, size=2**63)
    assert (too_big.status_code, too_big.headers["content-type"]) == (422, "application/problem+json")


async def test_nobody_gets_the_proof_of_a_record_that_they_may_not_see(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    _, entry = await year(world)
    release = await world.service.fetchval(
        "SELECT entry_id FROM entry WHERE book = $1 AND entry_kind = 'release'", CITY
    )
    refusal = await refuse(world.service, world)
    await seal(db, tmp_path)
    expected = {
        ("district-maker", f"entry/{entry}"): 200, ("district-maker", f"entry/{entry}/lines/1"): 200,
        ("other-maker", f"entry/{entry}"): 404, ("other-maker", f"entry/{entry}/lines/1"): 404,
        ("city-maker", f"entry/{entry}/lines/3"): 200, ("district-maker", f"entry/{release}"): 404,
        ("district-maker", f"entry/{release}/lines/1"): 404, ("auditor", f"entry/{release}/lines/1"): 200,
        ("inspector", f"refusal/{refusal}"): 200, ("auditor", f"refusal/{refusal}"): 200,
        ("city-maker", f"refusal/{refusal}"): 403, ("district-maker", f"refusal/{refusal}"): 403,
        ("admin", f"entry/{entry}"): 403, ("auditor", f"approval/{entry}"): 404, ("auditor", f"entry/{new_id()}"): 404,
        ("auditor", f"nonsense/{entry}"): 422, ("auditor", f"entry/{entry}/lines/x"): 422,
    }  # fmt: skip
    found = {key: (await api.get(key[0], f"/v1/log/proofs/{key[1]}")).status_code for key in expected}
    assert found == expected
    waiting = (await world.post(CITY, await world.draft(CITY, "adopt", [
        Leg(5, budget_line_id=new_id(), fund_code="special_factor", fiscal_year=2019)]))).entry_id  # fmt: skip
    answer = await api.get("auditor", f"/v1/log/proofs/entry/{waiting}")
    assert (answer.status_code, answer.json()["code"]) == (409, "log-record-not-sealed")


async def test_a_record_that_was_changed_or_taken_away_is_named_and_not_proved(
    api: Api, world: World, db: Database, tmp_path: Path, superuser: Connection
) -> None:
    entry = await paid(world, 20)
    approval = await world.service.fetchval("SELECT approval_id FROM approval WHERE book = $1 LIMIT 1", DISTRICT)
    await seal(db, tmp_path)
    for table in ("entry", "approval", "log_leaf"):
        await superuser.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    for change, path in (
        ("UPDATE entry SET document_no = document_no || 'x' WHERE entry_id = $1", f"entry/{entry}/lines/3"),
        ("DELETE FROM entry WHERE entry_id = $1", f"entry/{entry}"),
        ("DELETE FROM approval WHERE approval_id = $1", f"approval/{approval}"),
    ):
        await superuser.execute(change, UUID(path.split("/")[1]))
        answer = await api.get("auditor", f"/v1/log/proofs/{path}")
        assert (answer.status_code, answer.json()["code"]) == (500, "log-record-altered"), answer.text
        assert path.split("/")[1] in answer.json()["detail"]


async def test_the_keys_are_shown_with_what_introduces_them(
    api: Api, world: World, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await grow(world, db, tmp_path, 1)
    first = (await get(api, "auditor", "/v1/log/keys"))["keys"]
    monkeypatch.setattr(keys, "TAKES_EFFECT", keys.TAKES_EFFECT * 0)
    keys.rotate(tmp_path / "log-keys.json", "log")
    await grow(world, db, tmp_path, 1)
    shown = await get(api, "auditor", "/v1/log/keys")
    assert [key["purpose"] for key in shown["keys"]] == ["log", "log", "receipts"]
    trusted = [parse_key(key["verifier"]) for key in first if key["purpose"] == "log"]
    followed = keys.follow(trusted, shown["vouchers"])
    assert [str(key) for key in followed] == [key["verifier"] for key in shown["keys"] if key["purpose"] == "log"]
    note = (await api.get("auditor", "/v1/log/checkpoint")).text
    open_checkpoint(note, followed[1:], shown["origin"])
    assert "private" not in json.dumps(shown)
