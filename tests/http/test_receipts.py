"""Receipts over HTTP: every posting promises its entry, a repeat gives the same bytes, and the log keeps the promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asyncpg.connection import LoggedQuery
from sqlalchemy import event

from fundledger.access import tokens
from fundledger.book import poster
from fundledger.book.instructions import Leg
from fundledger.sealing import keys
from fundledger.sealing.keys import KeyFile
from fundledger.sealing.note import NoteError
from fundledger.sealing.receipt import Receipt, open_receipt
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.signing import Signer
from tests.builders import CITY, DISTRICT, World
from tests.databases import Database, connected
from tests.web import Api, running_api


def opened(folder: Path, note: str) -> Receipt:
    ring = keys.load(folder / "log-keys.json")
    return open_receipt(note, ring.verifiers("receipts"), ring.origin)


async def release_draft(world: World) -> dict[str, Any]:
    allocation = await world.allocate(await world.adopt(1_000), 1_000)
    draft = await world.draft(CITY, "release", [Leg(400, allocation_id=allocation)])
    return {"instruction_id": draft, "content_sha256": (await world.digest(CITY, draft)).hex()}


async def approve(api: Api, draft: dict[str, Any], key: str) -> dict[str, Any]:
    path = f"/v1/books/{CITY}/instructions/{draft['instruction_id']}/approve"
    answer = await api.post("city-approver", path, {"content_sha256": draft["content_sha256"]}, key=key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_approval_and_a_payment_promise_their_entries(api: Api, world: World, tmp_path: Path) -> None:
    draft = await release_draft(world)
    released = await approve(api, draft, "k-1")
    allocation, project = await world.funded(), await world.project()
    fund = [Leg(5_000_000, allocation_id=allocation, project_id=project)]
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", fund))
    pay_list = await world.list_of(project, allocation, await world.persons(2))
    paid = (await api.post("district-payer", f"/v1/books/{DISTRICT}/payment-lists/{pay_list}/pay")).json()
    for book, answer in ((CITY, released), (DISTRICT, paid)):
        receipt = opened(tmp_path, answer["receipt"])
        stored = await world.service.fetchrow(
            "SELECT content_sha256, recorded_at FROM entry WHERE book = $1 AND entry_id = $2",
            book, UUID(answer["entry_id"]),
        )  # fmt: skip
        assert stored is not None
        assert (receipt.book, str(receipt.entry_id)) == (book, answer["entry_id"])
        assert (receipt.content_sha256, receipt.recorded_at) == (stored["content_sha256"], stored["recorded_at"])
        again = await api.get("auditor", f"/v1/books/{book}/entries/{answer['entry_id']}/receipt")
        assert (again.status_code, again.text) == (200, answer["receipt"])
        assert again.headers["content-type"] == "text/plain; charset=utf-8"


def queries(api: Api) -> list[str]:
    """What the service asks its database from now on, but for the jobs that look for work."""
    asked: list[str] = []

    def keep(query: LoggedQuery) -> None:
        if "export_record" not in query.query:
            asked.append(query.query)

    def listen(connection: Any, *_: Any) -> None:
        connection.driver_connection.remove_query_logger(keep)
        connection.driver_connection.add_query_logger(keep)

    event.listen(api.app.state.services.database.engine.sync_engine, "checkout", listen)
    return asked


async def test_a_posting_with_its_receipt_and_a_repeat_are_one_statement_each(
    db: Database, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "CACHE_SECONDS", 3_600)
    async with running_api(db, world, tmp_path, pool_size=1) as api:
        asked = queries(api)
        # The first looks the token up, and its connection the types.
        await approve(api, await release_draft(world), "k-0")
        assert poster._GATE in asked
        draft = await release_draft(world)
        for _ in ("posted", "repeated"):
            asked.clear()
            await approve(api, draft, "k-1")
            assert asked == [poster._GATE]


async def test_a_repeat_gives_the_same_receipt_after_a_rotation_and_a_restart(
    db: Database, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await release_draft(world)
    async with running_api(db, world, tmp_path) as api:
        first = await approve(api, draft, "k-1")
        assert await approve(api, draft, "k-1") == first
        monkeypatch.setattr(keys, "TAKES_EFFECT", keys.TAKES_EFFECT * 0)
        before = keys.load(tmp_path / "log-keys.json").verifiers("receipts")
        keys.rotate(tmp_path / "log-keys.json", "receipts")
        assert await approve(api, draft, "k-1") == first
        later = await approve(api, await release_draft(world), "k-2")
    async with running_api(db, world, tmp_path) as api:
        assert await approve(api, draft, "k-1") == first
        assert await approve(api, draft, "k-1") == first
    opened(tmp_path, later["receipt"])
    with pytest.raises(NoteError):
        open_receipt(later["receipt"], before, keys.load(tmp_path / "log-keys.json").origin)


async def test_a_destroyed_key_gives_its_place_to_the_newest_and_its_receipts_stay_valid(
    api: Api, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await release_draft(world)
    first = await approve(api, draft, "k-1")
    path = tmp_path / "log-keys.json"
    monkeypatch.setattr(keys, "TAKES_EFFECT", keys.TAKES_EFFECT * 0)
    keys.rotate(path, "receipts")
    keys.destroy(path, keys.load(path).of("receipts")[0].verifier.key_id.hex())
    again = await approve(api, draft, "k-1")
    assert opened(tmp_path, again["receipt"]) == opened(tmp_path, first["receipt"])
    assert again["receipt"] != first["receipt"]


async def test_the_log_keeps_the_promise(api: Api, world: World, db: Database, tmp_path: Path) -> None:
    receipt = opened(tmp_path, (await approve(api, await release_draft(world), "k-1"))["receipt"])
    async with connected(db.service_url) as connection:
        await Sequencer(connection, signer=Signer(KeyFile(tmp_path / "log-keys.json"))).seal_all()
    answer = (await api.get("auditor", f"/v1/log/records/entry/{receipt.entry_id}")).json()
    leaf = json.loads(answer["data"])
    assert answer["position"] is not None
    assert (leaf["content_sha256"], leaf["entry_id"]) == (receipt.content_sha256.hex(), str(receipt.entry_id))
    assert f"recorded_at {leaf['recorded_at']}\n" in receipt.text


async def test_who_may_not_see_the_book_gets_no_receipt(api: Api, world: World) -> None:
    entry = (await approve(api, await release_draft(world), "k-1"))["entry_id"]
    assert (await api.get("other-maker", f"/v1/books/{CITY}/entries/{entry}/receipt")).status_code == 403
    missing = await api.get("auditor", f"/v1/books/{DISTRICT}/entries/{entry}x/receipt")
    assert missing.status_code == 422
    elsewhere = await api.get("auditor", f"/v1/books/{DISTRICT}/entries/{UUID(int=1)}/receipt")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "entry-not-found")
