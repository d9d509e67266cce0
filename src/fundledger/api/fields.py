"""Fields that several routes take: codes, years, districts, versions, digests of evidence; the heading of a draft."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from fundledger.api.wire import Classified, Text
from fundledger.book.headings import Heading
from fundledger.errors import FundledgerError
from fundledger.money import format_yuan, parse_yuan

FiscalYear = Annotated[int, Field(ge=2000, le=2100)]
Code = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")]
VillageCode = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
Version = Annotated[int, Field(ge=1, le=1_000_000)]
FunctionalClass = Annotated[str, Field(pattern=r"^[0-9]{3,7}$")]
EconomicClass = Annotated[str, Field(pattern=r"^[0-9]{3,5}$")]


def _district(value: object) -> int:
    if not isinstance(value, str) or len(value) != 6 or not (value.isascii() and value.isdigit()):
        raise PydanticCustomError("field-invalid", "a district is six digits in a string")
    return int(value)


District = Annotated[
    int, BeforeValidator(_district), PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{6}$", "examples": ["420117"]}),
]  # fmt: skip
"""A district's code (GB/T 2260), a string outside."""

BookOut = Annotated[int, PlainSerializer(str, return_type=str), WithJsonSchema({"type": "string"})]
"""A book's code in an answer."""


def _sha256(value: object) -> bytes:
    if isinstance(value, str) and len(value) == 64 and all(char in "0123456789abcdef" for char in value):
        return bytes.fromhex(value)
    raise PydanticCustomError("digest-malformed", "sha256")


Sha256 = Annotated[
    bytes, BeforeValidator(_sha256), PlainSerializer(bytes.hex, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
]  # fmt: skip
"""The SHA-256 of a piece of evidence, as 64 lower-case hex digits outside."""

Sha256Out = Annotated[bytes, PlainSerializer(bytes.hex, return_type=str), WithJsonSchema({"type": "string"})]


def _measure(value: object) -> Decimal:
    if isinstance(value, str) and _MEASURE.fullmatch(value):
        return Decimal(value)
    raise PydanticCustomError("field-invalid", "a measure is a decimal number in a string")


_MEASURE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
Measure = Annotated[
    Decimal, BeforeValidator(_measure), PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,4})?$", "examples": ["2.5"]}),
]  # fmt: skip
"""A number in a unit of its own (kilometres, households, percent), a decimal string outside."""
MeasureOut = Annotated[Decimal, PlainSerializer(str, return_type=str), WithJsonSchema({"type": "string"})]


def _signed_yuan(value: object) -> int:
    """Yuan that may be zero or below: parsed without its sign, so that the same texts are refused."""
    text = value.removeprefix("-") if isinstance(value, str) else value
    if isinstance(text, str) and text in ("0", "0.0", "0.00"):
        return 0
    try:
        fen = parse_yuan(text)
    except FundledgerError as error:
        raise PydanticCustomError(error.code, "amount", dict(error.params)) from error
    return -fen if text != value else fen


def _not_negative(value: int) -> int:
    if value < 0:
        raise PydanticCustomError("amount-not-positive", "amount")
    return value


_SIGNED: dict[str, Any] = {"type": "string", "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]{1,2})?$"}
SignedYuan = Annotated[
    int, BeforeValidator(_signed_yuan), PlainSerializer(format_yuan, return_type=str), WithJsonSchema(_SIGNED)
]
"""Yuan that may be zero or below (changes of a contract)."""
YuanOrZero = Annotated[
    int, BeforeValidator(_signed_yuan), AfterValidator(_not_negative), PlainSerializer(format_yuan, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(0|[1-9][0-9]*)(\.[0-9]{1,2})?$"}),
]  # fmt: skip
"""Yuan, zero allowed (a year without an increment)."""


class Exceptional(Classified):
    """A heading with, where the policy forbids it otherwise, the document that allows it."""

    exception_document_no: Text | None = None


def heading_of(body: Classified) -> Heading:
    """The heading of a draft from a request body."""
    return Heading(
        body.document_no, body.effective_on, body.summary, body.officer_id, body.supervisor_id,
        body.exception_document_no if isinstance(body, Exceptional) else None,
    )  # fmt: skip
