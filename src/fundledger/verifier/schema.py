"""What a bundle's records look like: one typed structure per kind and version (docs/formats.md sections 3 and 4).

Reading is strict: unknown or missing fields, fractions, numbers beyond ±(2^53 − 1) and wrong types are refused, and the
bytes must be exactly the canonical form (RFC 8785) of what was read. `SchemaError` says why.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fundledger.sealing.canonical import MAX_INT, canonical

Whole = Annotated[int, Meta(ge=-MAX_INT, le=MAX_INT)]
Count = Annotated[int, Meta(ge=0, le=MAX_INT)]
Id = Annotated[str, Meta(min_length=36, max_length=36)]
Hex = Annotated[str, Meta(min_length=64, max_length=64)]
Book = Annotated[str, Meta(min_length=6, max_length=6)]
Yuan = Annotated[str, Meta(min_length=4, max_length=22)]


class SchemaError(ValueError):
    """The bytes are not a record of a known kind and version in canonical form."""


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """Every field present, no other."""


class Account(_Strict):
    """One side of a line (账户)."""

    account_id: Id
    kind: str
    exec_year: Whole
    allocation_id: Id | None
    budget_line_id: Id | None
    project_id: Id | None


class PayeeAccount(Account):
    """The same in version 2: whose advance it is."""

    payee_id: Id | None


class Reference(_Strict):
    """A line of the same book."""

    entry_id: Id
    line_no: Count


class Undoes(Reference):
    """The line that is undone, and how much of it was undone before."""

    before: Yuan


class Payment(_Strict):
    """What a payment's line says of its payee."""

    household_id: Id | None
    programme_code: str
    period: str
    quantity: Count
    participation_ref: str | None
    exception_document_no: str | None
    name_commitment: Hex
    card_commitment: Hex


class _Line(_Strict):
    kind: Literal["line"]
    book: Book
    entry_id: Id
    line_no: Count
    amount: Yuan
    debit_before: Yuan
    debit_after: Yuan
    credit_before: Yuan
    credit_after: Yuan
    fund_code: str
    fiscal_year: Whole
    district: Book | None
    village_code: str | None
    allocation_document_no: str | None
    payee_id: Id | None
    undoes: Undoes | None
    payment: Payment | None


class Line1(_Line):
    """A transfer (分录)."""

    v: Literal[1]
    debit: Account
    credit: Account


class Line2(_Line):
    """A transfer that settles, re-issues, or has a payee's own account."""

    v: Literal[2]
    debit: PayeeAccount
    credit: PayeeAccount
    settles: Reference | None
    reissues: Reference | None


class List1(_Strict):
    """What a payment's entry says of its list."""

    project_id: Id | None
    programme_code: str
    period: str
    entitlement_on: str
    payee_kind: str
    pay_method: str
    is_final: bool


class List2(List1):
    """With contract and claim."""

    procurement_id: Id | None
    claim_id: Id | None


class _Entry(_Strict):
    kind: Literal["entry"]
    book: Book
    entry_id: Id
    entry_kind: str
    instruction_id: Id
    crossing_id: Id | None
    effective_on: str
    document_no: str
    functional_class: str
    economic_class: str
    release_kind: str | None
    exception_document_no: str | None
    officer_id: Id
    supervisor_id: Id | None
    maker_id: Id
    approver_id: Id
    payer_id: Id | None
    content_sha256: Hex
    line_count: Count
    total: Yuan
    recorded_at: str
    lines_root: Hex


class Entry1(_Entry):
    """The header of an entry (记账凭证)."""

    v: Literal[1]
    list: List1 | None


class Entry2(_Entry):
    """The header of a payment that names a contract or claim."""

    v: Literal[2]
    list: List2


class Approval(_Strict):
    """审批."""

    v: Literal[1]
    kind: Literal["approval"]
    book: Book
    approval_id: Id
    instruction_id: Id
    content_sha256: Hex
    approver_id: Id
    approved_at: str


class Refusal(_Strict):
    """拒绝记录."""

    v: Literal[1]
    kind: Literal["refusal"]
    book: Book
    refusal_id: Id
    code: str
    staff_id: Id
    unit_id: Id
    action: str
    subject_id: Id | None
    request_sha256: Hex
    detail: Any
    refused_at: str


class Notice(_Strict):
    """公告公示."""

    v: Literal[1]
    kind: Literal["notice"]
    book: Book
    notice_id: Id
    version: Count
    subject_kind: str
    subject_id: Id
    level: str
    channel: str
    published_from: str
    published_to: str
    amount: Yuan
    document_no: str
    recorded_by: Id
    recorded_at: str
    evidence_sha256: Hex | UnsetType = UNSET
    fiscal_year: Whole | UnsetType = UNSET


class _Parameter(_Strict):
    kind: Literal["parameter"]
    book: Book
    parameter_id: Id
    code: str
    version: Count
    value: str
    unit: str
    valid_from: str
    valid_to: str | None
    source: str
    note: str


class Parameter1(_Parameter):
    """政策参数."""

    v: Literal[1]


class Parameter2(_Parameter):
    """A version that two people made."""

    v: Literal[2]
    proposal_id: Id
    proposed_by: Id
    approver_id: Id


class PeriodClose(_Strict):
    """结账."""

    v: Literal[1]
    kind: Literal["period_close"]
    book: Book
    period_close_id: Id
    month: str
    closed_by: Id
    document_no: str
    closed_at: str


class YearClose(_Strict):
    """关账."""

    v: Literal[2]
    kind: Literal["year_close"]
    book: Book
    year_close_id: Id
    fiscal_year: Whole
    closed_by: Id
    document_no: str
    closed_at: str


class ErasedList(_Strict):
    """Lines of one list whose openings are gone; numbers as ranges."""

    instruction_id: Id
    lines: list[str]
    line_count: Count
    commitments_sha256: Hex


class Erasure(_Strict):
    """删除个人信息."""

    v: Literal[2]
    kind: Literal["erasure"]
    book: Book
    erasure_id: Id
    proposal_id: Id
    content_sha256: Hex
    document_no: str
    proposed_by: Id
    approver_id: Id
    retention_months: Count
    approved_at: str
    lists: list[ErasedList]


Line = Line1 | Line2
Entry = Entry1 | Entry2
Parameter = Parameter1 | Parameter2
Record = Entry1 | Entry2 | Approval | Refusal | Notice | Parameter1 | Parameter2 | PeriodClose | YearClose | Erasure

_RECORDS: dict[str, tuple[type[Record], ...]] = {
    "entry": (Entry1, Entry2), "approval": (Approval,), "refusal": (Refusal,), "notice": (Notice,),
    "parameter": (Parameter1, Parameter2), "period_close": (PeriodClose,), "year_close": (YearClose,),
    "erasure": (Erasure,),
}  # fmt: skip
ID_FIELD = {kind: f"{kind}_id" for kind in _RECORDS}
_encode = msgspec.json.Encoder(order="sorted").encode
_Read = TypeVar("_Read")


def _readers(types: tuple[type[_Read], ...]) -> tuple[msgspec.json.Decoder[_Read], ...]:
    return tuple(msgspec.json.Decoder(one) for one in types)


_record_readers = {kind: _readers(types) for kind, types in _RECORDS.items()}
_line_readers: tuple[msgspec.json.Decoder[Line], ...] = (msgspec.json.Decoder(Line1), msgspec.json.Decoder(Line2))


def read_record(kind: str, data: bytes) -> Record:
    """The record of a leaf; SchemaError."""
    readers = _record_readers.get(kind)
    if readers is None:
        raise SchemaError(f"a leaf of the unknown kind {kind[:20]!r}")
    found = _read(readers, data)
    if isinstance(found, Refusal):
        _same(_generic(data), data)
    else:
        _same(_encode(found), data)
    return found


def read_line(data: bytes) -> Line:
    """A line of an entry; SchemaError."""
    found = _read(_line_readers, data)
    _same(_encode(found), data)
    return found


def fen(text: str) -> int:
    """An amount of a record in fen; SchemaError unless it is written in its one way."""
    whole, point, rest = text.partition(".")
    if not (point and len(rest) == 2 and rest.isdigit() and whole.isdigit() and text.isascii()):
        raise SchemaError("an amount is digits with two decimals")
    if whole[0] == "0" and len(whole) > 1:
        raise SchemaError("an amount has no leading zeros")
    return int(whole) * 100 + int(rest)


def _read(readers: tuple[msgspec.json.Decoder[_Read], ...], data: bytes) -> _Read:
    reason = ""
    for reader in readers:
        try:
            return reader.decode(data)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            reason = reason or str(error)[:200]
    raise SchemaError(reason)


def _same(made: bytes, data: bytes) -> None:
    if made != data:
        raise SchemaError("the bytes are not the canonical form (RFC 8785)")


def _generic(data: bytes) -> bytes:
    """The canonical bytes of any JSON: a refusal's detail is free in form."""
    try:
        return canonical(json.loads(data))
    except (ValueError, TypeError, RecursionError) as error:
        raise SchemaError(str(error)[:200]) from None
