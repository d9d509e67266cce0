"""How hledger wants a journal. `hledger check --strict ordereddates` passes on it (tests/exports/test_journals.py).

A posting asserts nothing while its transaction is still half written down; the assertions of a month stand in a
transaction of zeros at its end. The code of a transaction is the entry's position in the sealed log.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from fundledger.exports.journal_names import Account, plain
from fundledger.exports.journal_rows import Opened
from fundledger.money import format_yuan

SUFFIX: Final = ".journal"


def head(book: int, scope: str, position: int, accounts: Iterable[Opened]) -> Iterable[str]:
    """Comments, the commodity and the accounts."""
    yield (
        f"; fundledger 1 · 账套 book {book} · 截至日志序号 as of log position {position}\n"
        f"; {plain(scope)}\n; 元 yuan · 借方为正 debits are positive\n\ndecimal-mark .\ncommodity 1000.00 CNY\n\n"
    )
    for one in accounts:
        yield f"account {one.account.name}  ; type:{one.account.type}, kind:{plain(one.account.title)}\n"


def transaction(row: Any) -> str:
    """Day, log position, document number and summary; the entry and its people as tags."""
    payer = f", payer:{row['payer_id']}" if row["payer_id"] is not None else ""
    words = " | ".join(text for text in (plain(row["document_no"]), plain(row["summary"])) if text)
    return (
        f"\n{row['effective_on']} * ({row['position']}) {words}\n"
        f"    ; entry_id:{row['entry_id']}, kind:{row['entry_kind']}\n"
        f"    ; maker:{row['maker_id']}, approver:{row['approver_id']}{payer}\n"
    )


def postings(row: Any, debit: Account, credit: Account) -> str:
    """Receiver and payer of a line, the payee as a tag."""
    tags = f"line:{row['line_no']}" + (f", payee:{row['payee_id']}" if row["payee_id"] is not None else "")
    amount = format_yuan(row["amount"])
    return f"    {debit.name}  {amount} CNY  ; {tags}\n    {credit.name}  -{amount} CNY  ; {tags}\n"


def assertions(on: date, title: str) -> str:
    """A transaction of zeros."""
    return f"\n{on} * (assert) {plain(title)}\n"


def assertion(on: date, account: Account, fen: int) -> str:
    """One of its postings."""
    return f"    {account.name}  0.00 CNY = {format_yuan(fen)} CNY\n"
