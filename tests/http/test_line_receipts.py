"""The printed receipt: masked, escaped, nothing from elsewhere, every figure from the sealed bytes, provable by its QR code."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta, timezone
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import segno

from fundledger.book.instructions import Leg
from fundledger.db.connection import Connection
from tests.builders import DISTRICT, TODAY, World, insert
from tests.databases import Database
from tests.payments.people import secrets_of
from tests.payments.test_erasures import decided, paid, proposed, shorten
from tests.sealing.sealed import ORIGIN, seal, walked
from tests.web import Api


def path_of(made: dict[str, Any], entry: UUID, line_no: int = 1) -> str:
    return f"/v1/books/{DISTRICT}/entries/{entry}/lines/{line_no}/receipt"


async def entry_of(world: World) -> UUID:
    return UUID(str(await world.service.fetchval("SELECT entry_id FROM entry WHERE entry_kind = 'pay'")))


async def receipt(api: Api, world: World, who: str = "district-maker", line_no: int = 1) -> httpx.Response:
    return await api.get(who, path_of({}, await entry_of(world), line_no))


class Elements(HTMLParser):
    """Which elements and attributes a page has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


async def test_a_receipt_says_what_was_paid_to_whom_masked(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    made, people = await paid(api, world)
    await seal(db, tmp_path)
    answer = await receipt(api, world)
    assert answer.status_code == 200, answer.text
    page = unescape(answer.text)
    entry = await entry_of(world)
    for text in (
        "人民币捌拾元整", "￥80.00", people[0].name[0] + "*" * (len(people[0].name) - 1), people[0].card[-4:], "劳务补助",
        "2019-02", made["document_no"], "2019-03-01", f"{DISTRICT}/{entry}/1", f"{entry} / 1", "新洲区",
        f"/v1/log/proofs/entry/{entry}/lines/1", "不说明现金已到手", "not that the cash arrived", "已送银行",
    ):  # fmt: skip
        assert text in page, text
    assert not [secret for secret in secrets_of(people) if secret in page]


async def test_the_page_brings_everything_with_it_and_runs_nothing(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    await paid(api, world)
    await seal(db, tmp_path)
    answer = await receipt(api, world)
    elements = Elements(answer.text).found
    assert not {tag for tag, _ in elements} & {"script", "img", "link", "iframe", "object", "form", "input", "base"}
    names = {name for _, attributes in elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("style", "src", "srcset", "xlink:href")]
    assert [a["href"] for tag, a in elements if tag == "a"] == [f"/v1/log/proofs/entry/{await entry_of(world)}/lines/1"]
    assert "url(" not in answer.text
    assert "@import" not in answer.text
    policy = answer.headers["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style
    allowed = base64.b64encode(sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{allowed}'")
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")


async def test_the_qr_code_names_the_leaf_that_the_proof_file_proves(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    await paid(api, world)
    await seal(db, tmp_path)
    entry = await entry_of(world)
    page = (await receipt(api, world, line_no=2)).text
    proof = (await api.get("district-maker", f"/v1/log/proofs/entry/{entry}/lines/2")).json()
    leaf = sha256(b"\x00" + proof["data"].encode()).hexdigest()
    origin = proof["proof"].split("\n\n")[1].split("\n")[0]
    text = f"fundledger-line-receipt-v1\nid {DISTRICT}/{entry}/2\nleaf {leaf}\nlog {origin}\n"
    assert segno.make_qr(text, error="m").svg_inline(border=4, omitsize=True) in page
    assert leaf in page
    assert sha256(b"\x00" + proof["leaf"].encode()).hexdigest() in page
    assert origin == ORIGIN or origin.startswith("fundledger.local/")
    assert json.loads(proof["data"])["amount"] == "80.00"


async def test_what_is_not_sealed_yet_has_no_receipt_yet(api: Api, world: World, db: Database, tmp_path: Path) -> None:
    await world.adopt(1)
    await seal(db, tmp_path)
    await paid(api, world)
    answer = await receipt(api, world)
    assert (answer.status_code, answer.json()["code"]) == (409, "log-record-not-sealed")


async def test_only_payments_have_receipts(api: Api, world: World, db: Database, tmp_path: Path) -> None:
    await paid(api, world)
    await seal(db, tmp_path)
    funding = await world.service.fetchval("SELECT entry_id FROM entry WHERE entry_kind = 'fund'")
    for entry, line in ((funding, 1), (await entry_of(world), 4), (UUID(int=1), 1)):
        answer = await api.get("district-maker", path_of({}, entry, line))
        assert (answer.status_code, answer.json()["code"]) == (404, "receipt-not-a-payment")
    assert (await receipt(api, world, "other-maker")).status_code == 403


async def test_names_and_texts_are_escaped(api: Api, world: World, db: Database, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>'\"&"
    made, _ = await paid(api, world, 1)
    await seal(db, tmp_path)
    project = await world.service.fetchval("SELECT project_id FROM payment_list")
    await world.owner.execute("ALTER TABLE project DISABLE TRIGGER USER")
    await world.owner.execute("UPDATE project SET name = $2, code = $2 WHERE project_id = $1", project, hostile)
    page = (await receipt(api, world)).text
    assert hostile not in page
    assert hostile in unescape(page)
    assert "img" not in {tag for tag, _ in Elements(page).found}
    assert made


async def test_long_names_are_set_smaller_and_the_time_is_that_of_beijing(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    await paid(api, world, 1)
    await seal(db, tmp_path)
    project = await world.service.fetchval("SELECT project_id FROM payment_list")
    recorded = await world.service.fetchval("SELECT recorded_at FROM entry WHERE entry_kind = 'pay'")
    page = (await receipt(api, world)).text
    assert f"{recorded.astimezone(timezone(timedelta(hours=8))):%Y-%m-%d %H:%M:%S}" in page
    assert "class='long'" not in page
    await world.owner.execute("ALTER TABLE project DISABLE TRIGGER USER")
    await world.owner.execute("UPDATE project SET name = $2 WHERE project_id = $1", project, "改造" * 250)
    page = (await receipt(api, world)).text
    assert page.count("<td class='long'>") == 1
    assert "改造" * 250 in page


async def test_money_that_came_back_is_said_first(api: Api, world: World, db: Database, tmp_path: Path) -> None:
    await paid(api, world)
    entry = await entry_of(world)
    await insert(world.service, "bank_result", {
        "book": DISTRICT, "entry_id": entry, "line_no": 1, "outcome": "returned", "settled_on": TODAY,
        "document_no": "回盘1号", "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip
    await world.post(DISTRICT, await world.draft(
        DISTRICT, "return", [Leg(8_000, undoes_entry_id=entry, undoes_line_no=1)]))  # fmt: skip
    await seal(db, tmp_path)
    page = (await receipt(api, world)).text
    assert page.index("not paid out") < page.index("￥80.00")
    assert "not paid out" not in (await receipt(api, world, line_no=2)).text


async def test_after_erasure_the_receipt_says_so_and_still_proves(
    api: Api, world: World, db: Database, tmp_path: Path, owner: Connection
) -> None:
    made, people = await paid(api, world)
    await shorten(owner)
    await seal(db, tmp_path)
    before = (await receipt(api, world)).text
    done = await decided(api, (await proposed(api, made)).json())
    assert done.status_code == 200
    await seal(db, tmp_path)
    page = (await receipt(api, world)).text
    assert "erased after the retention period" in page
    assert done.json()["erasure_id"] in page
    assert people[0].card[-4:] not in re.sub("<code>.*?</code>", "", page)
    hashes = re.compile(r"<code>([0-9a-f]{64})</code>")
    assert hashes.findall(page) == hashes.findall(before) != []


@pytest.mark.parametrize("who", ["auditor", "inspector", "city-maker", "township-maker"])
async def test_those_who_read_the_book_may_print(
    who: str, api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    await paid(api, world, 1)
    await seal(db, tmp_path)
    assert (await receipt(api, world, who)).status_code == 200


async def test_a_receipt_is_checked_as_its_page_in_the_docs_says(
    api: Api, world: World, db: Database, tmp_path: Path
) -> None:
    await paid(api, world)
    await seal(db, tmp_path)
    entry = await entry_of(world)
    page = (await receipt(api, world, line_no=3)).text
    proof = (await api.get("auditor", f"/v1/log/proofs/entry/{entry}/lines/3")).json()
    line, head = (sha256(b"\x00" + proof[name].encode()).digest() for name in ("data", "leaf"))
    assert line.hex() in page
    assert head.hex() in page
    inner = [base64.b64decode(one) for one in proof["inner_path"]]
    assert walked(line, proof["index"], 3, inner).hex() == json.loads(proof["leaf"])["lines_root"]
    top, note = proof["proof"].split("\n\n", 1)
    _, index, *path = top.split("\n")
    _, size, root, *_ = note.split("\n")
    found = walked(head, int(index.removeprefix("index ")), int(size), [base64.b64decode(one) for one in path])
    assert found == base64.b64decode(root)
