"""A trail that can be taken away: every line of its edges verifies under one checkpoint, with an independent check."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from uuid import UUID

from fundledger.sealing.checkpoint import open_checkpoint
from tests.builders import CITY, DISTRICT, World
from tests.databases import Database
from tests.sealing.sealed import hash_leaf, seal, walked
from tests.sealing.test_proofs_http import get, paid
from tests.sealing.test_sequencer import year
from tests.web import Api

UP = f"/v1/books/{DISTRICT}/trail/up"
DOWN = f"/v1/books/{DISTRICT}/trail/down"


def lines_of(answer: dict[str, Any]) -> set[tuple[str, str, int]]:
    """The lines that the proof of a page shows to be in the log; AssertionError if one is not."""
    proof = answer["proof"]
    _, size, root, *_ = proof["checkpoint"].split("\n")
    found: set[tuple[str, str, int]] = set()
    for entry in proof["entries"]:
        header = json.loads(entry["leaf"])
        path = [base64.b64decode(node) for node in entry["path"]]
        top = walked(hash_leaf(entry["leaf"].encode()), entry["position"], int(size), path)
        assert top == base64.b64decode(root)
        assert (header["book"], header["entry_id"]) == (entry["book"], entry["entry_id"])
        for line in entry["lines"]:
            inner = [base64.b64decode(node) for node in line["inner_path"]]
            root_of_lines = walked(hash_leaf(line["data"].encode()), line["index"], header["line_count"], inner)
            assert root_of_lines.hex() == header["lines_root"]
            content = json.loads(line["data"])
            assert (content["entry_id"], content["line_no"]) == (entry["entry_id"], line["line_no"])
            found.add((entry["book"], entry["entry_id"], line["line_no"]))
    return found


def edges_of(answer: dict[str, Any]) -> set[tuple[str, str, int]]:
    return {(edge["book"], edge["entry_id"], edge["line_no"]) for edge in answer["edges"]}


async def payee_of(world: World, entry: UUID, line_no: int) -> UUID:
    payee = await world.service.fetchval(
        "SELECT household_id FROM person p JOIN transfer t ON t.payee_id = p.person_id WHERE entry_id = $1 AND line_no = $2",
        entry, line_no,
    )  # fmt: skip
    return UUID(str(payee))


async def test_a_households_trail_is_proved_from_its_payment_to_the_budget(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    entry = await paid(world, 40)
    household = await payee_of(world, entry, 38)
    ring = await seal(db, tmp_path)
    answer = await get(api, "district-maker", UP, household_id=household, proof=True)
    assert lines_of(answer) == edges_of(answer) >= {(str(DISTRICT), str(entry), 38)}
    assert {book for book, _, _ in lines_of(answer)} == {str(DISTRICT), str(CITY)}
    assert answer["proof"]["unsealed"] == []
    open_checkpoint(answer["proof"]["checkpoint"], ring.verifiers("log"), ring.origin)
    plain = await get(api, "district-maker", UP, household_id=household)
    assert plain == {**answer, "proof": None}


async def test_what_came_after_the_checkpoint_is_named_and_not_proved(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    allocation, first = await year(world)
    nothing = await api.get("auditor", UP, entry_id=str(first), proof=True)
    assert (nothing.status_code, nothing.json()["code"]) == (404, "log-checkpoint-not-found")
    await seal(db, tmp_path)
    project = await world.service.fetchval("SELECT project_id FROM payment_list WHERE book = $1", DISTRICT)
    later = await world.pay(await world.list_of(project, allocation, await world.persons(2), period="2019-03"))
    answer = await get(api, "auditor", DOWN, allocation_id=str(allocation), proof=True)
    assert answer["proof"]["unsealed"] == [{"book": str(DISTRICT), "entry_id": str(later.entry_id)}]
    left_out = {edge for edge in edges_of(answer) if edge[1] == str(later.entry_id)}
    assert left_out
    assert lines_of(answer) == edges_of(answer) - left_out
    await seal(db, tmp_path)
    answer = await get(api, "auditor", DOWN, allocation_id=str(allocation), proof=True)
    assert answer["proof"]["unsealed"] == []
    assert lines_of(answer) == edges_of(answer)


async def test_a_line_that_somebody_changed_is_not_proved(
    api: Api, world: World, db: Database, tmp_path: Path, superuser: Any
) -> None:
    entry = await paid(world, 40)
    await seal(db, tmp_path)
    await superuser.execute("ALTER TABLE transfer DISABLE TRIGGER ALL")
    await superuser.execute("UPDATE transfer SET payee_id = (SELECT payee_id FROM transfer WHERE entry_id = $1 "
                            "AND line_no = 7) WHERE entry_id = $1 AND line_no = 38", entry)  # fmt: skip
    answer = await api.get("auditor", f"/v1/log/proofs/entry/{entry}/lines/38")
    assert (answer.status_code, answer.json()["code"]) == (500, "log-record-altered")
    assert str(entry) in answer.json()["detail"]
