"""`/docs` shows every route, brings everything with it and runs nothing: no other host is asked, none could be reached."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from html import unescape

from fundledger.api.routes_page import routes_page
from tests.web import Api


async def test_the_page_has_every_route_and_nothing_from_elsewhere(api: Api) -> None:
    answer = await api.client.get("/docs")
    document = (await api.client.get("/v1/openapi.json")).json()
    assert answer.status_code == 200
    calls = [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]
    assert len(calls) > 150
    assert sorted(re.findall(r"<b>([A-Z]+)</b> <code>([^<]+)</code>", answer.text)) == sorted(calls)
    assert not re.search(r"<script|<img|<link|<iframe|https?://|url[(]|@import|[ ]style=|[ ]on[a-z]+=", answer.text)
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style
    allowed = base64.b64encode(sha256(style[1].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{allowed}'")
    assert (await api.client.get("/redoc")).status_code == 404


async def test_a_route_says_who_may_call_it_and_with_what(api: Api) -> None:
    text = unescape((await api.client.get("/docs")).text)
    start = text.index("<b>POST</b> <code>/v1/books/{book}/releases</code>")
    release = text[start : text.index("</details>", start)]
    for part in (
        "单位 unit: finance",
        "岗位 duty: maker",
        "级别 level: city",
        "Idempotency-Key",
        "document_no",
        "lines",
    ):
        assert part in release, part
    lists = text[text.index("<b>POST</b> <code>/v1/books/{book}/payment-lists</code>") :]
    assert "（文件 file）" in lists[: lists.index("</details>")]


def test_texts_are_escaped_and_groups_without_a_name_are_shown() -> None:
    operation = {"tags": ["<b>"], "summary": "<script>", "parameters": []}
    page = routes_page({"paths": {"/<x>": {"get": operation}}})
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "/&lt;x&gt;" in page
