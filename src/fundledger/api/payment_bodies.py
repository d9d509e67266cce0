"""The bodies of payment lists and bank files, and what is read from them before any transaction begins.

Bodies are big (25 MB for 100,000 lines), so they are read from their bytes, not by FastAPI, and in a thread, so that
other calls are answered meanwhile. The models of lines are for the OpenAPI document.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Request
from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from fundledger.api.deps import Call
from fundledger.api.uploads import JSON, XLSX, checked, inline_schema, lines_max, media_of, query_fields
from fundledger.api.wire import Body, Classified, Text, Yuan
from fundledger.errors import Fault
from fundledger.payments.bank_lines import (
    CELL_KINDS,
    FIELDS,
    HEADINGS,
    REQUIRED,
    BankLine,
    FileDefaults,
    read_bank_lines,
)
from fundledger.payments.forms import FORMS, KINDS, ListKind, PayeeKind
from fundledger.payments.lines import read_lines
from fundledger.payments.lists import Checked, Header
from fundledger.payments.sources import Source
from fundledger.payments.uploads import Upload, csv_lines, json_rows, open_json, refuse, xlsx_lines

LINES = "lines"
RESULTS = "results"


def _never_cash(value: object) -> object:
    if value == "cash":
        raise PydanticCustomError("cash-not-allowed", "M16")
    return value


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


class SourceIn(Body):
    """An allocation that pays; `amount` is the most it gives (left out: what is needed)."""

    allocation_id: UUID
    amount: Yuan | None = None


def _source(value: object) -> object:
    """In a query a source is `<allocation id>` or `<allocation id>:<amount>`."""
    if isinstance(value, str):
        allocation_id, colon, amount = value.partition(":")
        return {"allocation_id": allocation_id, "amount": amount} if colon else {"allocation_id": allocation_id}
    return value


class ListFields(Classified):
    """What a payment list says beside its lines; rule 10 of the design, and whose rosters count (`entitlement_on`)."""

    kind: ListKind = "pay"
    project_id: UUID | None = Field(default=None, description="left out for pay_other, and only there")
    programme_code: Text
    period: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]|H[12]))?$")]
    entitlement_on: date
    payee_kind: PayeeKind
    pay_method: Annotated[Literal["transfer"], BeforeValidator(_never_cash)] = "transfer"
    is_final: bool = False
    procurement_id: UUID | None = Field(default=None, description="what is paid; default: the project's only one")
    claim_id: UUID | None = Field(default=None, description="the approved claim; payments to organisations need one")
    sources: Annotated[
        list[Annotated[SourceIn, BeforeValidator(_source)]],
        BeforeValidator(_one_or_many), Field(min_length=1, max_length=50),
    ]  # fmt: skip

    def header(self) -> Header:
        """For the service."""
        return Header(
            self.document_no, self.effective_on, self.summary, self.officer_id, self.supervisor_id, self.project_id,
            self.programme_code, self.period, self.entitlement_on, self.payee_kind, self.is_final,
            [Source(source.allocation_id, source.amount) for source in self.sources], self.kind, self.procurement_id,
            self.claim_id,
        )  # fmt: skip


class ListLineIn(Body):
    """One payee: household_no, its head's name, card; or identity_number, name, card; or credit_code, name, account."""

    household_no: str | None = None
    identity_number: str | None = None
    credit_code: str | None = None
    name: str
    card: str | None = None
    account: str | None = None
    amount: Yuan
    quantity: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    participation_ref: str | None = None
    exception_document_no: str | None = None
    allocation: str | None = Field(default=None, description="the source that pays: its id or its document number")


class ListIn(ListFields):
    """A payment list with its lines."""

    lines: Annotated[list[ListLineIn], Field(min_length=1)]


class BankFileFields(Body):
    """What a bank file says for every line that does not say it, and how its returns are drafted."""

    document_no: Text
    settled_on: date
    payment_list_id: UUID | None = None
    entry_id: UUID | None = None
    effective_on: date | None = Field(default=None, description="of the returns; default: settled_on")
    officer_id: UUID | None = Field(default=None, description="of the returns; default: the payment's")
    supervisor_id: UUID | None = Field(default=None, description="of the returns; default: the payment's")


class BankLineIn(Body):
    """What the bank said of one line of a list that was paid."""

    line_no: int
    outcome: Literal["credited", "returned"]
    reason: str | None = None
    amount: Annotated[Yuan | None, Field(description="checked against the list, where the bank repeats it")] = None
    settled_on: date | None = None
    document_no: str | None = None
    payment_list_id: UUID | None = None
    entry_id: UUID | None = None


class BankFileIn(BankFileFields):
    """A bank file with its lines."""

    results: Annotated[list[BankLineIn], Field(min_length=1)]


_SOURCE = {"type": "string", "pattern": r"^[0-9a-fA-F-]{36}(:[0-9]+(\.[0-9]{1,2})?)?$"}
LIST_QUERY = inline_schema(ListFields)["properties"] | {"sources": {"type": "array", "items": _SOURCE}}
"""In a query a source is an allocation's id, or `<id>:<amount>`; the parameter is repeated."""
BANK_QUERY = inline_schema(BankFileFields)["properties"]


async def read_list(request: Request, call: Call) -> tuple[Header, Checked]:
    """The list as uploaded, checked as far as it can be without a database.

    Raises at once only what leaves no list to check: an unreadable body, or a faulty header (with the lines' faults).
    """
    media, body, maximum = media_of(request), await request.body(), await lines_max(call.services.database)
    return await asyncio.to_thread(_list_of, body, media, query_fields(request), maximum)


def _list_of(body: bytes, media: str, query: dict[str, Any], maximum: int) -> tuple[Header, Checked]:
    fields, elements = open_json(body, LINES) if media == JSON else (query, [])
    model, faults = checked(ListFields, fields, file=media != JSON)
    kind = model.payee_kind if model else fields.get("payee_kind")
    form = FORMS.get(kind) if isinstance(kind, str) else None  # type: ignore[call-overload]
    if form is None:
        raise refuse(faults, malformed="list-malformed", refused="list-refused")
    upload: Upload
    if media == JSON:
        upload = json_rows(elements, LINES, form.fields, maximum)
    elif media == XLSX:
        upload = xlsx_lines(body, form.headings, form.required, KINDS, maximum)
    else:
        upload = csv_lines(body, form.headings, form.required, maximum)
    lines, line_faults = read_lines(upload, form)
    if model is None:
        raise refuse([*faults, *line_faults], malformed="list-malformed", refused="list-refused")
    return model.header(), Checked(upload, lines, line_faults)


async def read_bank_file(request: Request, call: Call) -> tuple[BankFileFields, Upload, list[BankLine], list[Fault]]:
    """The bank's file as uploaded, checked as far as it can be without a database."""
    media, body, maximum = media_of(request), await request.body(), await lines_max(call.services.database)
    return await asyncio.to_thread(_bank_file_of, body, media, query_fields(request), maximum)


def _bank_file_of(
    body: bytes, media: str, query: dict[str, Any], maximum: int
) -> tuple[BankFileFields, Upload, list[BankLine], list[Fault]]:
    fields, elements = open_json(body, RESULTS) if media == JSON else (query, [])
    model, faults = checked(BankFileFields, fields, file=media != JSON)
    upload: Upload
    if media == JSON:
        upload = json_rows(elements, RESULTS, FIELDS, maximum)
    elif media == XLSX:
        upload = xlsx_lines(body, HEADINGS, REQUIRED, CELL_KINDS, maximum)
    else:
        upload = csv_lines(body, HEADINGS, REQUIRED, maximum)
    # Where the header itself is at fault, the lines are checked against one that is as good as any.
    defaults = FileDefaults("-", date.min, UUID(int=0)) if model is None else FileDefaults(
        model.document_no, model.settled_on, model.payment_list_id, model.entry_id
    )  # fmt: skip
    lines, line_faults = read_bank_lines(upload, defaults)
    if model is None:
        raise refuse([*faults, *line_faults], malformed="bank-file-malformed", refused="bank-file-refused")
    return model, upload, lines, line_faults
