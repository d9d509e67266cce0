"""The page of a payment receipt (收款凭据): one sheet for A5 or A4, Chinese first, nothing from elsewhere.

Pure: a `LineReceipt` in, HTML out. Everything is escaped; no script, no style attribute and no image from outside, and
the policy in the headers (`HEADERS`) allows none. The QR code is drawn in the page.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from typing import Final

import segno

from fundledger.money import capital_yuan, parse_yuan
from fundledger.payments.line_receipts import LineReceipt

STYLE: Final = """
@page { margin: 10mm }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 4mm; max-width: 128mm; color: #000; background: #fff;
  font: 9pt/1.35 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", SimSun, sans-serif }
h1 { margin: 0; font-size: 15pt; text-align: center; letter-spacing: .2em }
h1 small { display: block; font-size: 8pt; font-weight: normal; letter-spacing: 0 }
.unit { text-align: center; margin: 1mm 0 2mm }
.flag { border: .6mm solid #000; padding: 1mm 2mm; margin: 2mm 0; font-weight: bold; text-align: center }
table { width: 100%; border-collapse: collapse }
th, td { border: .2mm solid #000; padding: .7mm 1.5mm; text-align: left; vertical-align: top; overflow-wrap: anywhere }
th { width: 43mm; font-weight: normal }
th small { float: right; font-size: 6.5pt; color: #444; padding-top: .4mm }
.amount td { font-size: 12pt; font-weight: bold }
.proof { display: flex; gap: 3mm; margin-top: 3mm; align-items: flex-start }
.proof svg { flex: none; width: 36mm; height: 36mm }
.proof p { margin: 0 0 1mm; font-size: 7pt }
code { font: 6.5pt/1.3 "DejaVu Sans Mono", monospace; overflow-wrap: anywhere }
footer { margin-top: 2mm; border-top: .2mm solid #000; padding-top: 1mm; font-size: 7pt }
footer p { margin: 0 0 1mm }
@media print { body { padding: 0 } a { color: inherit; text-decoration: none } }
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
_CAME_BACK: Final = frozenset({"returned", "reissued"})
_ERASED: Final = "已按规定删除 · erased after the retention period"
_CLOSED: Final = "无法打开 · does not open with this service's keys"
Field = tuple[str, str, str]
"""Label in Chinese and in English, and the value."""


def receipt_page(receipt: LineReceipt) -> str:
    """The whole page."""
    number = escape(receipt.receipt_id)
    return (
        f"<!doctype html><html lang='zh-CN'><head><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width'><title>收款凭据 {number}</title>"
        f"<style>{STYLE}</style></head><body><main>"
        f"<h1>扶贫资金收款凭据<small>Receipt for a payment of poverty-relief money</small></h1>"
        f"<p class='unit'>{escape(receipt.shown['district'])} · {number}</p>{_flag(receipt)}"
        f"<table>{_rows(_money(receipt), 'amount')}{_rows(_facts(receipt))}</table>{_proof(receipt)}"
        f"</main></body></html>\n"
    )


def qr_svg(text: str) -> str:
    """The QR code (error correction M) as an element of the page."""
    return segno.make_qr(text, error="m").svg_inline(border=4, omitsize=True)


def _rows(fields: Iterable[Field], kind: str = "") -> str:
    opened = f"<tr class='{kind}'>" if kind else "<tr>"
    return "".join(f"{opened}<th>{zh}<small>{en}</small></th><td>{escape(value)}</td></tr>" for zh, en, value in fields)


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
        ("收款人", "payee, masked", receipt.payee or gone),
        ("收款账号", "account, masked", receipt.card or gone),
        ("补助项目", "programme", _both(shown["programme_zh"], shown["programme_en"])),
        ("期间 / 数量", "period / quantity", f"{payment['period']} / {payment['quantity']}"),
        ("项目", "project", _both(shown["project_code"], shown["project"])),
        ("村", "village", shown["village"] or line["village_code"] or "—"),
        ("资金", "fund, fiscal year", f"{_both(shown['fund_zh'], shown['fund_en'])}, {line['fiscal_year']}"),
        ("指标文号", "allocation document", line["allocation_document_no"] or "—"),
        ("支付文号", "payment document", receipt.entry["document_no"]),
        ("生效日期", "effective on", receipt.entry["effective_on"]),
        ("记账时间", "recorded at (UTC)", receipt.entry["recorded_at"][:19].replace("T", " ")),
        ("凭证 / 行", "entry / line", f"{receipt.entry_id} / {receipt.line_no}"),
        ("银行状态", "state today", f"{state[0]} · {state[1]}"),
    ]


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
