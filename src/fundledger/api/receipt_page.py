"""The page of a payment receipt (收款凭据): one A4 sheet, Chinese first, nothing from elsewhere.

Pure: a `LineReceipt` in, HTML out. Everything is escaped; no script, no style attribute and no image from outside, and
the policy in the headers (`HEADERS`) allows none. The QR code is drawn in the page.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from html import escape
from typing import Final

import segno

from fundledger.money import capital_yuan, parse_yuan
from fundledger.payments.line_receipts import LineReceipt

STYLE: Final = """
@page { size: A4; margin: 14mm 16mm }
* { box-sizing: border-box }
body { margin: 0; color: #000; background: #fff;
  font: 11pt/1.4 "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", SimSun,
  sans-serif }
main { max-width: 178mm; margin: 0 auto }
h1 { margin: 0; font-size: 20pt; text-align: center; letter-spacing: .2em; text-indent: .2em }
h1 small { display: block; font-size: 10pt; font-weight: normal; letter-spacing: 0; text-indent: 0 }
.unit { text-align: center; margin: 1.5mm 0 3mm; overflow-wrap: anywhere }
.flag { border: .6mm solid #000; padding: 1.5mm 2mm; margin: 3mm 0; font-weight: bold; text-align: center }
table { width: 100%; border-collapse: collapse }
tr { break-inside: avoid }
th, td { border: .2mm solid #000; padding: .9mm 2mm; text-align: left; vertical-align: top; overflow-wrap: anywhere }
th { width: 60mm; font-weight: normal }
th small { float: right; font-size: 8pt; color: #333; padding-top: .8mm }
.amount td { font-size: 15pt; line-height: 1.25; font-weight: bold }
.long { font-size: 7.5pt; line-height: 1.2 }
.signed { display: flex; gap: 4mm; margin: 4mm 0 0; padding: 0; list-style: none; break-inside: avoid }
.signed li { flex: 1; height: 16mm; border-bottom: .2mm solid #000; font-size: 9pt }
.signed small { display: block; font-size: 7.5pt; color: #333 }
.proof { display: flex; gap: 5mm; margin-top: 5mm; align-items: flex-start; break-inside: avoid }
.proof svg { flex: none; width: 42mm; height: 42mm }
.proof p { margin: 0 0 1mm; font-size: 8pt; line-height: 1.3 }
code { font-family: "DejaVu Sans Mono", "Courier New", monospace; font-size: 7.5pt; overflow-wrap: anywhere }
footer { margin-top: 3mm; border-top: .2mm solid #000; padding-top: 1.5mm; font-size: 8.5pt; break-inside: avoid }
footer p { margin: 0 0 1mm }
.tight { font-size: 8.5pt; line-height: 1.25 }
.tight .long { font-size: 6pt; line-height: 1.15 }
.tight th, .tight td { padding: .5mm 2mm }
.tight .signed { margin-top: 1.5mm }
.tight .signed li { height: 10mm }
.tight .flag { margin: 1.5mm 0; padding: .5mm }
.tight .proof { margin-top: 2mm }
.tight .proof svg { width: 36mm; height: 36mm }
.tight h1, .tight .amount td { font-size: 12pt }
.tight small, .tight h1 small { font-size: 7pt }
.tight footer { margin-top: 1mm; font-size: 7pt }
@media screen { body { background: #eee }
  main { margin: 6mm auto; padding: 10mm 12mm; max-width: 200mm; background: #fff; border: .2mm solid #bbb } }
@media screen and (max-width: 640px) { main { margin: 0; padding: 4mm; border: 0 } th { width: 30% }
  th small { float: none; display: block } .proof, .signed { flex-wrap: wrap } .signed li { flex-basis: 40% } }
@media print { a { color: inherit; text-decoration: none } }
"""
_STYLE_HASH: Final = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
    "Content-Language": "zh, en",
}  # fmt: skip
"""What goes with the page."""

_STATES: Final = {
    "sent": ("已送银行", "sent to the bank"),
    "credited": ("银行已入账", "credited by the bank"),
    "returned": ("银行已退回，款项未付出", "returned by the bank: not paid out"),
    "reissued": ("银行已退回，另行重发", "returned by the bank, paid again by another line"),
}
_BEIJING: Final = timezone(timedelta(hours=8))
_LONG, _LONG_ROWS = 60, 1
"""A value of more characters is set smaller, with more such values the whole sheet, so that it stays one."""
_SIGNED: Final = (
    ("付款单位（盖章）", "paying office, seal"),
    ("经办人", "handled by"),
    ("收款人（签名）", "payee, signature"),
    ("日期", "date"),
)
"""What people write on the sheet by hand; it is not part of the record."""
_CAME_BACK: Final = frozenset({"returned", "reissued"})
_ERASED: Final = "已按规定删除 · erased after the retention period"
_CLOSED: Final = "无法打开 · does not open with this service's keys"
Field = tuple[str, str, str]
"""Label in Chinese and in English, and the value."""


def receipt_page(receipt: LineReceipt) -> str:
    """The whole page."""
    number, facts = escape(receipt.receipt_id), _facts(receipt)
    tight = " class='tight'" if sum(len(value) > _LONG for _, _, value in facts) > _LONG_ROWS else ""
    return (
        f"<!doctype html><html lang='zh-CN'><head><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'><title>收款凭据 {number}</title>"
        f"<style>{STYLE}</style></head><body{tight}><main>"
        f"<h1>扶贫资金收款凭据<small>Receipt for a payment of poverty-relief money</small></h1>"
        f"<p class='unit'>{escape(receipt.shown['district'])}<br>凭据编号 no. {number}</p>{_flag(receipt)}"
        f"<table>{_rows(_money(receipt), 'amount')}{_rows(facts)}</table>{_signed()}{_proof(receipt)}"
        f"</main></body></html>\n"
    )


def qr_svg(text: str) -> str:
    """The QR code (error correction M) as an element of the page."""
    return segno.make_qr(text, error="m").svg_inline(border=4, omitsize=True)


def _rows(fields: Iterable[Field], kind: str = "") -> str:
    return "".join(_row(zh, en, value, kind) for zh, en, value in fields)


def _row(zh: str, en: str, value: str, kind: str) -> str:
    long = " class='long'" if len(value) > _LONG else ""
    opened = f"<tr class='{kind}'>" if kind else "<tr>"
    return f"{opened}<th>{zh}<small lang='en'>{en}</small></th><td{long}>{escape(value)}</td></tr>"


def _signed() -> str:
    return "<ul class='signed'>" + "".join(f"<li>{zh} <small>{en}</small></li>" for zh, en in _SIGNED) + "</ul>"


def _flag(receipt: LineReceipt) -> str:
    """What nobody may overlook: money that came back."""
    state = receipt.shown["state"]
    if state not in _CAME_BACK:
        return ""
    zh, en = _STATES[state]
    return f"<p class='flag'>{zh} · {en} ({escape(str(receipt.shown['returned_on']))})</p>"


def _money(receipt: LineReceipt) -> list[Field]:
    fen = parse_yuan(receipt.line["amount"])
    return [
        ("金额（大写）", "amount in capitals", f"人民币{capital_yuan(fen)}"),
        ("金额（小写）", "amount, yuan", f"￥{fen // 100:,}.{fen % 100:02d}"),
    ]


def _facts(receipt: LineReceipt) -> list[Field]:
    shown, line, payment = receipt.shown, receipt.line, receipt.line["payment"]
    gone = f"{_ERASED} {receipt.erasure_id}" if receipt.erasure_id else _CLOSED
    state = _STATES.get(shown["state"], (shown["state"], shown["state"]))
    return [
        ("收款人", "payee" if shown["organisation"] else "payee, masked", receipt.payee or gone),
        ("收款账号", "account, masked", receipt.card or gone),
        ("补助项目", "programme", _both(shown["programme_zh"], shown["programme_en"])),
        ("期间 / 数量", "period / quantity", f"{payment['period']} / {payment['quantity']}"),
        ("项目", "project", _both(shown["project_code"], shown["project"])),
        ("村", "village", shown["village"] or line["village_code"] or "—"),
        ("资金", "fund, fiscal year", f"{_both(shown['fund_zh'], shown['fund_en'])}, {line['fiscal_year']}"),
        ("指标文号", "allocation document", line["allocation_document_no"] or "—"),
        ("支付文号", "payment document", receipt.entry["document_no"]),
        ("生效日期", "effective on", receipt.entry["effective_on"]),
        ("记账时间（北京）", "recorded, Beijing", _beijing(receipt.entry["recorded_at"])),
        ("凭证 / 行", "entry / line", f"{receipt.entry_id} / {receipt.line_no}"),
        ("银行状态", "state today", f"{state[0]} · {state[1]}"),
    ]


def _beijing(instant: str) -> str:
    """A sealed instant (UTC) by the clock of those who read the page, to the second."""
    return f"{datetime.fromisoformat(instant).astimezone(_BEIJING):%Y-%m-%d %H:%M:%S}"


def _both(zh: str | None, en: str | None) -> str:
    return " · ".join(part for part in (zh, en) if part) or "—"


def _proof(receipt: LineReceipt) -> str:
    path = f"/v1/log/proofs/entry/{receipt.entry_id}/lines/{receipt.line_no}"
    return (
        f"<div class='proof'>{qr_svg(receipt.qr_text)}<div>"
        f"<p>日志 log <code>{escape(receipt.origin)}</code><br>位置 position <code>{receipt.position}</code> · "
        f"检查点 checkpoint <code>{receipt.size}</code></p>"
        f"<p>分录叶哈希 leaf hash of the line<br><code>{receipt.line_hash.hex()}</code></p>"
        f"<p>凭证叶哈希 leaf hash of the entry<br><code>{receipt.entry_hash.hex()}</code></p>"
        f"<p>证明文件 proof file: <a href='{path}'><code>{path}</code></a></p></div></div>"
        "<footer><p>二维码内为凭据编号、分录叶哈希和日志名称，不含个人信息。核对：取得证明文件，分录内容的哈希应与本页一致，"
        "并经凭证叶和检查点签名归入日志（做法见 docs/payment-receipts.md）。证明说明账未被改动，不说明现金已到手。</p>"
        "<p>The QR code holds the receipt's id, the line's leaf hash and the log's name, and no personal data. "
        "To check: fetch the proof file; the hash of the line's data must be the one above, and lead through the "
        "entry's leaf to a signed checkpoint (docs/payment-receipts.md). It proves that the book was not changed, not "
        "that the cash arrived.</p></footer>"
    )
