"""Account names and free text of plain-text journals, legal in beancount and in hledger alike. Pure.

An account's name is made of what makes the account itself (book, kind, allocation or budget line, project, execution
year, payee), every id whole, so that two accounts never share a name and a name is found again in every other export.
beancount is the stricter one: a component begins with a capital letter or a digit and holds letters (Chinese too),
digits and dashes only. Document numbers and codes lose their other characters in names; the entries carry them whole.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Final

KINDS: Final[dict[str, str]] = {
    "budget_source": "BudgetSource", "unreleased_budget": "UnreleasedBudget", "unreleased": "Unreleased",
    "released": "Released", "upper_transfer": "UpperTransfer", "executable": "Executable", "available": "Available",
    "advanced": "Advanced", "paid": "Paid", "paid_other": "PaidOther", "surplus": "Surplus",
}  # fmt: skip
"""Every kind of account as a component; the Chinese name follows it."""
_TEXT_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a journal: its name, hledger's type of it (A, E, X), and what people call its kind."""

    name: str
    type: str
    title: str


def account_of(row: Any) -> Account:
    """The account of a row of `journal_rows.ACCOUNTS`.

    Sources (支出预算, 上级转移指标) are equity, money that has left (已下达, 已支付, 结余) is expenses, the rest is
    assets.
    """
    root, code = ("Equity", "E") if row["is_source"] else ("Expenses", "X") if row["is_terminal"] else ("Assets", "A")
    kind = row["account_kind"]
    of = f"A-{_word(row['document_no'])}-{row['allocation_id']}" if row["allocation_id"] is not None else (
        f"L-{_word(row['document_no'])}-{row['budget_line_id']}"
    )  # fmt: skip
    parts = [root, str(row["book"]), f"{KINDS[kind]}-{_word(row['name_zh'])}", of]
    if row["project_id"] is not None:
        parts.append(f"P-{_word(row['project_code'] or '')}-{row['project_id']}")
    parts.append(f"Y{row['exec_year']}")
    if row["payee_id"] is not None:
        parts.append(f"U-{row['payee_id']}")
    return Account(":".join(parts), code, row["name_zh"])


def _word(text: str) -> str:
    """What of a text may stand in a component: letters and digits, single dashes between them."""
    kept = "".join(c if unicodedata.category(c)[0] == "L" or unicodedata.category(c) == "Nd" else "-" for c in text)
    return "-".join(part for part in kept[:_TEXT_MAX].split("-") if part) or "0"


_BLANK: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


def one_line(text: str) -> str:
    """A text on one line: control and format characters and every kind of space become single spaces."""
    return " ".join("".join(" " if unicodedata.category(c) in _BLANK else c for c in text).split())


_FULL_WIDTH: Final = str.maketrans({";": "；", "|": "｜", "=": "＝", '"': "＂"})


def plain(text: str) -> str:
    """A text for hledger, which knows no quoting: what has a meaning there becomes its full-width form."""
    return one_line(text).translate(_FULL_WIDTH)


def quoted(text: str) -> str:
    """A text as a beancount string."""
    return '"' + one_line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
