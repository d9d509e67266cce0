"""`/docs`: every route on one page, made of the OpenAPI document, for people who look for a call.

The page brings everything with it: a bureau's network need not reach any other, and no script of anybody's runs beside
the ledger. Public, as the document is. Made once per process; called by `app` only.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

Json = dict[str, Any]
STYLE: Final = """
body { margin: 0 auto; padding: 1rem; max-width: 64rem; color: #111; background: #fff;
  font: 15px/1.5 "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif }
code { font-family: "DejaVu Sans Mono", Consolas, monospace; font-size: 13px; overflow-wrap: anywhere }
h2 { margin: 1.5rem 0 .3rem; border-bottom: 2px solid #999 }
details { border-bottom: 1px solid #ddd; padding: .25rem 0 }
summary { cursor: pointer }
summary b { display: inline-block; min-width: 3.6rem }
table { border-collapse: collapse; margin: .3rem 0 .6rem; width: 100% }
th, td { border: 1px solid #ccc; padding: .15rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere }
p { margin: .3rem 0 }
nav a { margin-right: .8rem; white-space: nowrap }
"""
_STYLE_HASH: Final = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_TAGS: Final = {
    "projects": "项目、招投标、公示", "registry": "名册与账户", "budget": "预算与指标", "payments": "支付",
    "log": "日志与证明", "policy": "政策参数", "book": "账簿与余额", "exports": "导出", "year": "年终",
    "anomalies": "可疑情况", "officers": "责任人", "instructions": "制单与审批", "reports": "报告",
    "problems": "拒绝说明", "periods": "会计期间", "operation": "运行", "trail": "资金流向",
}  # fmt: skip
_WORDS: Final = {"x-units": "单位 unit", "x-duty": "岗位 duty", "x-level": "级别 level"}
_HEADS: Final = "<tr><th>名称 name（* 必填 required）</th><th>位置 in</th><th>类型 type</th></tr>"
_INTRO: Final = """
请求带上 <code>Authorization: Bearer 令牌</code>；写入还须带 <code>Idempotency-Key</code>，用同一个键重试，结果不变。
金额是以元为单位的文本，如 <code>"1000.00"</code>；<code>Accept-Language: zh</code> 或 <code>en</code>
决定拒绝说明的语言。<br>
Send <code>Authorization: Bearer TOKEN</code>; a write also sends an <code>Idempotency-Key</code>, and the same key
again gives the same answer. Amounts are yuan as text, like <code>"1000.00"</code>; <code>Accept-Language</code>
chooses the language of refusals. Machines read <a href='/v1/openapi.json'>/v1/openapi.json</a>.
"""


def install(app: FastAPI) -> None:
    """Serve the page at `/docs`: a page about the calls and none of them, as the document itself is."""
    made: list[str] = []

    async def docs(_: Request) -> HTMLResponse:
        """Every route on one page."""
        if not made:
            made.append(routes_page(app.openapi()))
        return HTMLResponse(made[0], headers=HEADERS)

    app.add_route("/docs", docs, include_in_schema=False)


def routes_page(document: Json) -> str:
    """The whole page."""
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            text = _operation(method.upper(), path, operation, document)
            groups.setdefault(operation["tags"][0], []).append(text)
    links = "".join(f"<a href='#{escape(tag)}'>{_tag(tag)}</a> " for tag in groups)
    body = "".join(f"<h2 id='{escape(tag)}'>{_tag(tag)}</h2>{''.join(made)}" for tag, made in groups.items())
    return (
        f"<!doctype html><html lang='zh-CN'><head><meta charset='utf-8'><meta name='viewport' "
        f"content='width=device-width, initial-scale=1'><title>fundledger 接口 · routes</title><style>{STYLE}</style>"
        f"</head><body><h1>fundledger 扶贫资金账本：接口 · routes</h1><p>{_INTRO}</p><nav>{links}</nav>{body}"
        "</body></html>\n"
    )


def _tag(tag: str) -> str:
    return escape(" · ".join(part for part in (_TAGS.get(tag, ""), tag) if part))


def _operation(method: str, path: str, operation: Json, document: Json) -> str:
    """One route: closed it shows what it is for, opened who may call it and with what."""
    text = operation.get("description") or operation.get("summary", "")
    may = "; ".join(f"{word}: {_plain(operation[key])}" for key, word in _WORDS.items() if operation.get(key))
    more = f"<p>{escape(text)}</p>" if chr(10) in text else ""
    given = [_resolved(one, document) for one in operation.get("parameters", [])]
    rows = [(one["name"], one["in"], _type(one["schema"]), one.get("required", False)) for one in given]
    rows += list(_fields(operation, document))
    table = "".join(
        f"<tr><td><code>{escape(name)}</code>{' *' if needed else ''}</td><td>{place}</td><td>{escape(kind)}</td></tr>"
        for name, place, kind, needed in rows
    )
    return (
        f"<details><summary><b>{method}</b> <code>{escape(path)}</code> {escape(text.partition(chr(10))[0])}</summary>"
        f"{more}{f'<p>{escape(may)}</p>' if may else ''}{f'<table>{_HEADS}{table}</table>' if table else ''}"
        "</details>"
    )


def _fields(operation: Json, document: Json) -> Iterator[tuple[str, str, str, bool]]:
    """The fields of the body, or its content types where it is a file."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(content.get("schema", {}), document)
        if "properties" not in schema:
            yield "（文件 file）", "body", kind, True
        for name, one in schema.get("properties", {}).items():
            yield name, "body", _type(one), name in schema.get("required", [])


def _type(schema: Json) -> str:
    """What a value is, in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items', {}))}]"
    return str(schema.get("format") or schema.get("const") or schema.get("type") or "any")


def _resolved(value: Json, document: Json) -> Json:
    """What a reference within the document names."""
    found: Any = value
    while "$ref" in found:
        reference, found = found["$ref"], document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    return dict(found)


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
