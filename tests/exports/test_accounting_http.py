"""Accountants' files over HTTP: at once where it is one file, as a job with a manifest where there are several."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fundledger.db.connection import Connection
from fundledger.exports.formats import FORMATS
from fundledger.exports.gbt24589 import GBT24589
from fundledger.exports.journals import BEANCOUNT
from fundledger.exports.scope import settle
from tests.builders import CITY, DISTRICT
from tests.exports.story import Story, files, whole

ACCOUNTANTS = {
    "hledger": "text/plain",
    "beancount": "text/plain",
    "gbt24589": "application/xml",
    "ocds": "application/json",
}


async def job(story: Story, **body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A job's state when it is done, and its manifest."""
    api = story.year.api
    made = await api.post("auditor", "/v1/exports", body)
    assert made.status_code == 202, made.text
    state: dict[str, Any] = {}
    for _ in range(300):
        state = (await api.get("auditor", f"/v1/exports/{made.json()['export_id']}")).json()
        if state["state"] in ("done", "failed"):
            break
        await asyncio.sleep(0.05)
    assert state["state"] == "done", state
    return state, (await api.get("auditor", f"/v1/exports/{state['export_id']}/manifest")).json()


async def test_the_formats_are_offered_with_their_titles(story: Story) -> None:
    items = (await story.year.api.get("auditor", "/v1/export-formats")).json()["items"]
    found = {item["name"]: item for item in items}
    assert set(ACCOUNTANTS) <= set(found) == set(FORMATS)
    assert "未经官方模式校验" in found["gbt24589"]["title_zh"]


async def test_a_journal_is_one_file_and_answered_at_once(story: Story, auditor: Connection) -> None:
    answer = await story.year.api.get("auditor", f"/v1/books/{DISTRICT}/exports/beancount")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert f'filename="{DISTRICT}.beancount"' in answer.headers["content-disposition"]
    position = int(answer.headers["as-of-position"])
    scope = await settle(auditor, (DISTRICT,), book=DISTRICT, position=position)
    assert (await files(auditor, BEANCOUNT, scope))[f"{DISTRICT}.beancount"] == answer.content


async def test_what_is_several_files_or_nothing_is_told(story: Story) -> None:
    api = story.year.api
    many = await api.get("auditor", f"/v1/books/{DISTRICT}/exports/gbt24589")
    assert (many.status_code, many.json()["type"].rpartition("/")[2]) == (413, "export-needs-a-job")
    none = await api.get("auditor", f"/v1/books/{CITY}/exports/ocds")
    assert (none.status_code, none.json()["type"].rpartition("/")[2]) == (404, "export-empty")
    early = await api.get("auditor", f"/v1/books/{DISTRICT}/exports/hledger", position=0)
    assert early.json()["type"].rpartition("/")[2] == "export-empty"
    layout = await api.get("auditor", f"/v1/books/{DISTRICT}/exports/hledger", layout="payment_voucher")
    assert layout.json()["type"].rpartition("/")[2] == "export-format-unfit"


@pytest.mark.parametrize("name", ACCOUNTANTS)
async def test_a_job_writes_every_file_and_says_what_was_not_checked(
    story: Story, auditor: Connection, name: str
) -> None:
    state, manifest = await job(story, format=name)
    assert manifest["media_type"].startswith(ACCOUNTANTS[name])
    assert ("unchecked" in manifest) == (name == "gbt24589")
    expected = await files(
        auditor,
        FORMATS[name],
        await settle(auditor, [int(book) for book in manifest["scope"]["books"]], position=manifest["as_of"]),
    )
    assert [part["name"] for part in manifest["parts"]] == list(expected)
    for part in manifest["parts"]:
        answer = await story.year.api.get("auditor", f"/v1/exports/{state['export_id']}/parts/{part['number']}")
        assert answer.content == expected[part["name"]]
    if name == "gbt24589":
        assert manifest["unchecked"] == GBT24589.unchecked


async def test_the_command_line_writes_them_too(story: Story, auditor: Connection, tmp_path: Path) -> None:
    environment = {
        **os.environ, "FUNDLEDGER_DATABASE_URL": story.db.service_url, "FUNDLEDGER_DATA_DIR": str(tmp_path / "data"),
        "FUNDLEDGER_TOKEN": story.year.api.world.tokens["auditor"],
    }  # fmt: skip
    command = [sys.executable, "-m", "fundledger", "export", "trail", "--format", "gbt24589", "--out", str(tmp_path / "out"),
               "--book", str(DISTRICT)]  # fmt: skip
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["unchecked"] == GBT24589.unchecked
    scope = await settle(auditor, (DISTRICT,), book=DISTRICT, position=manifest["as_of"])
    for name, data in (await files(auditor, GBT24589, scope)).items():
        assert (tmp_path / "out" / name).read_bytes() == data
    assert (await whole(auditor)).position >= manifest["as_of"]
