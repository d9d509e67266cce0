"""How beancount (version 3) wants a journal; its loader finds no error in it (tests/exports/test_journals.py).

A balance directive counts what stands before its day, so the end of a month is asserted on the first of the next; the
tolerance is none, because beancount's own would let a fen go.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

from fundledger.exports.journal_names import Account, one_line, quoted
from fundledger.exports.journal_rows import Opened
from fundledger.money import format_yuan

SUFFIX: Final = ".beancount"


def head(book: int, scope: str, position: int, accounts: Iterable[Opened]) -> Iterable[str]:
    """Comments, options, the commodity and the accounts."""
    opened = list(accounts)
    yield (
        f"; fundledger 1 · 账套 book {book} · 截至日志序号 as of log position {position}\n"
        f"; {one_line(scope)}\n; 元 yuan · 借方为正 debits are positive\n\n"
        f'option "title" {quoted(f"fundledger {book}")}\noption "operating_currency" "CNY"\n\n'
    )
    if opened:
        yield f"{min(one.since for one in opened)} commodity CNY\n\n"
    for one in opened:
        yield f"{one.since} open {one.account.name} CNY\n  kind: {quoted(one.account.title)}\n"


def transaction(row: Any) -> str:
    """Day, document number as payee, summary as narration; log position, entry and its people as metadata."""
    payer = f'  payer: "{row["payer_id"]}"\n' if row["payer_id"] is not None else ""
    return (
        f"\n{row['effective_on']} * {quoted(row['document_no'])} {quoted(row['summary'])}\n"
        f'  position: {row["position"]}\n  entry_id: "{row["entry_id"]}"\n  kind: "{row["entry_kind"]}"\n'
        f'  maker: "{row["maker_id"]}"\n  approver: "{row["approver_id"]}"\n{payer}'
    )


def postings(row: Any, debit: Account, credit: Account) -> str:
    """Receiver and payer of a line, its number and payee as metadata."""
    tags = f"    line: {row['line_no']}\n" + (
        f'    payee: "{row["payee_id"]}"\n' if row["payee_id"] is not None else ""
    )
    amount = format_yuan(row["amount"])
    return f"  {debit.name}  {amount} CNY\n{tags}  {credit.name}  -{amount} CNY\n{tags}"


def assertions(on: date, title: str) -> str:
    """A comment."""
    return f"\n; {on} {title}\n"


def assertion(on: date, account: Account, fen: int) -> str:
    """What the account holds at the end of the day."""
    return f"{on + timedelta(days=1)} balance {account.name}  {format_yuan(fen)} ~ 0.00 CNY\n"
