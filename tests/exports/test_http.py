"""Exports over HTTP: at once or as a job, whose they are, and that a job goes on after anything."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from fundledger.exports import records
from fundledger.exports.folder import check
from tests.builders import DISTRICT, OTHER_DISTRICT, World
from tests.databases import Database
from tests.exports.taking import csv_rows, scope_of, taken
from tests.exports.test_rows import small_year
from tests.web import Api, running_api


async def finished(api: Api, who: str, made: httpx.Response) -> dict[str, Any]:
    """Wait until a job has ended; what the service says of it."""
    assert made.status_code == 202, made.text
    state: dict[str, Any] = {}
    for _ in range(300):
        state = (await api.get(who, f"/v1/exports/{made.json()['export_id']}")).json()
        if state["state"] in ("done", "failed"):
            return dict(state)
        await asyncio.sleep(0.05)
    raise AssertionError(state)


async def test_a_small_export_is_answered_at_once_and_kept_as_taken(api: Api, world: World) -> None:
    made = await small_year(world)
    answer = await api.get("auditor", f"/v1/books/{DISTRICT}/exports/csv", bom=True)
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["as-of-position"] == str(made["after"])
    assert answer.headers["content-disposition"] == 'attachment; filename="transfers-0001.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    scope = await scope_of(world.service, books=(DISTRICT,))
    assert rows == await csv_rows(world.service, scope)
    assert answer.headers["export-rows"] == str(len(rows))
    (kept,) = await world.owner.fetch("SELECT * FROM export_record")
    assert (kept["staff_id"], kept["way"], kept["position"]) == (world.who("auditor").staff_id, "direct", made["after"])


async def test_a_job_is_followed_to_its_end_and_its_parts_fetched_whole_and_in_ranges(
    api: Api, world: World, tmp_path: Path
) -> None:
    made = await small_year(world)
    for form in ("csv", "ndjson", "xlsx", "parquet"):
        state = await finished(api, "auditor", await api.post("auditor", "/v1/exports", {"format": form}))
        assert (state["state"], state["parts_done"], state["as_of"]) == ("done", 1, made["after"])
        path = f"/v1/exports/{state['export_id']}"
        whole = await api.get("auditor", path + "/parts/1")
        expected = await taken(world.service, form, await scope_of(world.service))
        assert whole.content == expected[0][1]
        assert hashlib.sha256(whole.content).hexdigest() == state["parts"][0]["sha256"]
        headers = {**api.headers("auditor"), "Range": "bytes=100-199"}
        part = await api.client.get(path + "/parts/1", headers=headers)
        assert (part.status_code, part.content) == (206, whole.content[100:200])
        manifest = (await api.get("auditor", path + "/manifest")).json()
        assert manifest["parts"] == state["parts"]
        assert (manifest["as_of"], manifest["log"]["size"]) == (made["after"], made["after"] + 1)
        assert manifest["taken_by"] == str(world.who("auditor").staff_id)
        assert check(tmp_path / "exports" / state["export_id"]).fault is None


async def test_a_repeat_is_the_same_job_and_two_equal_jobs_have_the_same_bytes(api: Api, world: World) -> None:
    await small_year(world)
    one, again, other = [
        await api.post("auditor", "/v1/exports", {"format": "parquet"}, key=key) for key in ("k1", "k1", "k2")
    ]
    assert one.json()["export_id"] == again.json()["export_id"] != other.json()["export_id"]
    assert again.headers["idempotent-replayed"] == "true"
    first, second = [await finished(api, "auditor", made) for made in (one, other)]
    assert first["parts"] == second["parts"]
    other_body = await api.post("auditor", "/v1/exports", {"format": "csv"}, key="k1")
    assert other_body.json()["type"].endswith("idempotency-conflict")


async def test_only_the_owners_unit_sees_a_job(api: Api, world: World) -> None:
    await small_year(world)
    made = await api.post("district-maker", "/v1/exports", {"format": "csv"})
    state = await finished(api, "district-maker", made)
    for rest in ("", "/manifest", "/parts/1"):
        path = f"/v1/exports/{state['export_id']}{rest}"
        assert (await api.get("district-payer", path)).status_code == 200
        for who in ("other-maker", "auditor", "city-maker", "poverty-maker", "township-maker"):
            assert (await api.get(who, path)).status_code == 404, (who, path)
    text = (await api.get("district-maker", f"/v1/exports/{state['export_id']}/parts/1")).text
    assert {row["book"] for row in csv.DictReader(io.StringIO(text, newline=""))} == {str(DISTRICT)}


async def test_a_district_takes_its_own_book_only(api: Api, world: World) -> None:
    made = await small_year(world)
    for who, book, status in (("other-maker", DISTRICT, 403), ("district-maker", OTHER_DISTRICT, 403),
                              ("district-maker", DISTRICT, 200), ("city-maker", DISTRICT, 200)):  # fmt: skip
        assert (await api.get(who, f"/v1/books/{book}/exports/csv")).status_code == status
        job = await api.post(who, "/v1/exports", {"format": "csv", "book": str(book)})
        assert job.status_code == (202 if status == 200 else status), job.text
    project = {"format": "ndjson", "project_id": str(made["project"])}
    assert (await api.post("other-maker", "/v1/exports", {**project, "book": str(DISTRICT)})).status_code == 403
    without = await api.post("other-maker", "/v1/exports", project)
    assert without.json()["type"].endswith("export-subject-without-book")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"layout": "payment_voucher", "household_no": "H", "project_id": str(DISTRICT).zfill(32)}, "export-subject-not-one"),
        ({"line_no": 1}, "export-subject-not-one"), ({"household_no": "nobody"}, "trail-start-not-found"),
        ({"position": 10**9}, "as-of-not-reached"), ({"position": 1, "known_at": "2019-01-01T00:00:00Z"}, "as-of-ambiguous"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(api: Api, params: dict[str, Any], code: str) -> None:
    answer = await api.get("auditor", f"/v1/books/{DISTRICT}/exports/csv", **params)
    assert answer.json()["type"].endswith(code), answer.text
    assert (await api.get("auditor", f"/v1/books/{DISTRICT}/exports/docx")).json()["type"].endswith("format-unknown")


async def test_a_trail_exported_is_the_trail_answered(api: Api, world: World) -> None:
    made = await small_year(world)
    for direction, params in (("up", {"household_id": str(made["people"][0][0])}), ("down", {"project_id": made["project"]}),
                              ("down", {"allocation_id": made["allocation"]}), ("up", {"officer_id": str(world.officers[DISTRICT, "supervising"])}),
                              ("up", {"entry_id": made["paid"], "line_no": 2})):  # fmt: skip
        answer = await api.get("auditor", f"/v1/books/{DISTRICT}/trail/{direction}", **params, position=made["after"])
        taken_away = await api.get("auditor", f"/v1/books/{DISTRICT}/exports/ndjson", direction=direction, **params)
        rows = [json.loads(line) for line in taken_away.text.splitlines()]
        edges = answer.json()["edges"]
        assert len(rows) == len(edges) > 1
        for row, edge in zip(rows, edges, strict=True):
            names = ("depth", "step", "book", "entry_id", "line_no", "payee_id", "undoes_entry_id", "undoes_line_no")
            assert [row[name] for name in names] == [edge[name] for name in names]
            assert (row["slice_at"], row["slice_offset"], row["slice_amount"]) == (
                edge["at"],
                edge["offset"],
                edge["amount"],
            )
            assert (row["debit_account_id"], row["credit_account_id"]) == (
                edge["receiver_account"],
                edge["payer_account"],
            )


async def test_a_job_that_was_stopped_goes_on_with_the_first_part_that_is_missing(
    db: Database, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await small_year(world)
    monkeypatch.setattr("fundledger.exports.delimited.ROWS_MAX", 4)
    reached, write = asyncio.Event(), records.keep_part

    async def stuck(*arguments: Any) -> None:
        await write(*arguments)
        if arguments[2].number == 2:
            reached.set()
            await asyncio.sleep(3_600)

    with monkeypatch.context() as patched:
        patched.setattr("fundledger.exports.records.keep_part", stuck)
        async with running_api(db, world, tmp_path) as api:
            made = await api.post("auditor", "/v1/exports", {"format": "csv"})
            await asyncio.wait_for(reached.wait(), 30)
            state = (await api.get("auditor", f"/v1/exports/{made.json()['export_id']}")).json()
            assert (state["state"], state["parts_done"], state["parts_about"]) == ("running", 2, 3)
            early = await api.get("auditor", f"/v1/exports/{state['export_id']}/manifest")
            assert early.json()["type"].endswith("export-not-ready")
    folder = tmp_path / "exports" / state["export_id"]
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    (folder / ".transfers-0003.csv.partial").write_bytes(b"half a l")
    (folder / "transfers-0002.csv").write_bytes(b"torn")
    async with running_api(db, world, tmp_path) as api:
        state = await finished(api, "auditor", made)
    assert check(folder).fault is None
    assert folder.joinpath("transfers-0001.csv").stat().st_mtime_ns == before["transfers-0001.csv"]
    expected = await taken(world.service, "csv", await scope_of(world.service))
    assert [folder.joinpath(part.name).read_bytes() for part, _ in expected] == [data for _, data in expected]


async def test_a_full_disk_fails_the_job_with_its_reason_and_leaves_nothing(
    api: Api, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await small_year(world)

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fundledger.exports.folder.os.fsync", full)
    state = await finished(api, "auditor", await api.post("auditor", "/v1/exports", {"format": "csv"}))
    assert (state["state"], state["reason"]) == ("failed", "export-disk-full")
    assert not (tmp_path / "exports" / state["export_id"]).exists()


async def test_old_jobs_go(db: Database, world: World, tmp_path: Path) -> None:
    await small_year(world)
    async with running_api(db, world, tmp_path) as api:
        state = await finished(api, "auditor", await api.post("auditor", "/v1/exports", {"format": "csv"}))
    assert (tmp_path / "exports" / state["export_id"] / "transfers-0001.csv").exists()
    await world.owner.execute("ALTER TABLE export_record DISABLE TRIGGER USER")
    await world.owner.execute("UPDATE export_record SET taken_at = taken_at - interval '31 days'")
    async with running_api(db, world, tmp_path) as api:
        later: dict[str, Any] = {}
        for _ in range(100):
            later = (await api.get("auditor", f"/v1/exports/{state['export_id']}")).json()
            if later["state"] == "expired":
                break
            await asyncio.sleep(0.05)
        assert later["state"] == "expired"
        gone = await api.get("auditor", f"/v1/exports/{state['export_id']}/parts/1")
        assert gone.json()["type"].endswith("export-part-not-found")
    assert not (tmp_path / "exports" / state["export_id"]).exists()
