"""What a line of a payment list holds, by kind of payee, and how each field is called in a CSV file.

household (户): household_no and the head's name and card; person (人): identity_number, name, card; organisation
(单位): credit_code, name, account. All three: amount, quantity, participation_ref (M16), exception_document_no and the
allocation it is paid from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from fundledger.errors import problem
from fundledger.files.xlsx_rows import Kind
from fundledger.registry.identity import check_card, check_identity_number, check_uscc, normalise, normalise_card

PayeeKind = Literal["household", "person", "organisation"]
ListKind = Literal["pay", "advance", "pay_other"]
"""What a list does: pay, advance (预拨, settled later), or pay money outside the five (专户支付)."""

_COMMON = {
    "金额": "amount", "发放金额": "amount", "补助金额": "amount", "amount": "amount",
    "数量": "quantity", "quantity": "quantity",
    "参与记录": "participation_ref", "participation_ref": "participation_ref",
    "特批文号": "exception_document_no", "exception_document_no": "exception_document_no",
    "指标": "allocation", "指标文号": "allocation", "allocation": "allocation",
}  # fmt: skip
KINDS: dict[str, Kind] = {"amount": "number", "quantity": "number"}
"""The fields whose cells in a spreadsheet are numbers; all others are texts."""
_NAME = {"姓名": "name", "户主姓名": "name", "户主": "name", "name": "name"}
_CARD = {"银行卡号": "card", "卡号": "card", "一卡通账号": "card", "card": "card"}
_ACCOUNT_MIN, _ACCOUNT_MAX = 5, 40


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a line: `key` tells who is paid, `account` where to; `headings` are those of a CSV file."""

    key: str
    account: str
    headings: dict[str, str]
    check_key: Callable[[str], None]
    check_account: Callable[[str], None]
    normal_key: Callable[[str], str]
    once: bool
    """Whether a payee may stand in a list only once; an organisation may be paid several sums."""

    @property
    def required(self) -> tuple[str, ...]:
        """What every line must have."""
        return (self.key, "name", self.account, "amount")

    @property
    def fields(self) -> frozenset[str]:
        """Every field a line may have."""
        return frozenset(self.headings.values())


def check_account(text: str) -> None:
    """Refuse what cannot be a corporate bank account (对公账户), which carries no check digit: `account-malformed`."""
    number = normalise_card(text)
    if not (_ACCOUNT_MIN <= len(number) <= _ACCOUNT_MAX and number.isascii() and number.isdigit()):
        raise problem("account-malformed")


def _any_number(text: str) -> None:
    """Household numbers are the national system's, opaque to us."""


FORMS: dict[PayeeKind, Form] = {
    "household": Form(
        "household_no", "card", {"户编号": "household_no", "household_no": "household_no"} | _NAME | _CARD | _COMMON,
        _any_number, check_card, str.strip, once=True,
    ),
    "person": Form(
        "identity_number", "card",
        {"身份证号": "identity_number", "身份证号码": "identity_number", "identity_number": "identity_number"}
        | _NAME | _CARD | _COMMON,
        check_identity_number, check_card, normalise, once=True,
    ),
    "organisation": Form(
        "credit_code", "account",
        {"统一社会信用代码": "credit_code", "credit_code": "credit_code", "名称": "name", "单位名称": "name",
         "姓名": "name", "name": "name", "账号": "account", "account": "account"} | _COMMON,
        check_uscc, check_account, normalise, once=False,
    ),
}  # fmt: skip
