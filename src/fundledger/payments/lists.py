"""Taking a payment list (制发放清单): check it, find its payees, store it as a draft, and ask the gate what it thinks.

`take_list` works in the caller's transaction and commits nothing, so a preview is the same call, rolled back. It takes
no lock but the rows it writes. A list with a fault in a line, or one that can never be paid as it stands, is refused
with all faults at once; what can still be mended (a notice, an acceptance, money not there yet) comes back as pending.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.book.instructions import Draft, Leg, draft
from fundledger.db.connection import Connection
from fundledger.db.database import Database
from fundledger.db.refusals import gate_fault
from fundledger.errors import Fault
from fundledger.payments.advances import payee_of_advance
from fundledger.payments.forms import FORMS, ListKind, PayeeKind
from fundledger.payments.lines import Line
from fundledger.payments.preview import StoreHeader, line_faults
from fundledger.payments.returned import Returned, returned_of
from fundledger.payments.sources import Source, assign
from fundledger.payments.store import ListKey, store_lines
from fundledger.payments.uploads import Upload, refuse
from fundledger.projects.claims import only_procurement
from fundledger.registry.vault import Vault

HOPELESS = frozenset(
    {
        "programme-payee-kind", "negative-list", "year-not-begun", "period-closed", "amount-too-large",
        "entitlement-outside-period",
        "advance-not-to-organisation", "fund-not-outside-five", "programme-outside-five",
    }
)  # fmt: skip
"""Faults of what the list itself says. A list is immutable, so it could never be paid: refused at once."""

_FIELD_OF = {
    "above-standard": "amount",
    "reissue-amount-differs": "amount",
    "not-paid-in-full": "amount",
    "participation-missing": "participation_ref",
}
"""Where the mistake is, for the gate's faults of a line; the others are about the payee."""

_OF_ACCOUNT = ("card-not-registered", "card-not-of-payee", "account-not-registered", "account-not-of-payee")

_PROGRAMME = "SELECT functional_class, economic_class FROM programme WHERE programme_code = $1"
_PROJECT = "SELECT EXISTS (SELECT FROM project WHERE book = $1 AND project_id = $2)"
_ALLOCATIONS = "SELECT allocation_id, document_no FROM allocation WHERE book = $1 AND allocation_id = ANY ($2)"
_LIST = """
INSERT INTO payment_list (book, instruction_id, project_id, programme_code, period, entitlement_on, payee_kind,
    pay_method, is_final, procurement_id, claim_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'transfer', $8, $9, $10)
"""


@dataclass(frozen=True, slots=True)
class Header:
    """What a list says beside its lines; rule 10. `entitlement_on`: whose rosters and statuses count.

    `kind`: pay; advance (预拨, to one organisation, which settles it later); pay_other (money outside the five, M41 and
    M43), which alone names no project.
    """

    document_no: str
    effective_on: date
    summary: str
    officer_id: UUID
    supervisor_id: UUID | None
    project_id: UUID | None
    programme_code: str
    period: str
    entitlement_on: date
    payee_kind: PayeeKind
    is_final: bool
    sources: Sequence[Source]
    kind: ListKind = "pay"
    procurement_id: UUID | None = None
    """The contract or exemption that is paid; None: the project's only one."""
    claim_id: UUID | None = None
    """The approved claim (报账单) that a payment to an organisation pays."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An upload after the checks that need no database: its sound lines, and the faults of the others."""

    upload: Upload
    lines: Sequence[Line]
    faults: Sequence[Fault]


async def take_list(
    connection: Connection, caller: Caller, vault: Vault, book: int, instruction_id: UUID, header: Header,
    checked: Checked, *, preview: Database | None = None,
) -> list[Fault]:  # fmt: skip
    """Store the list as a draft under the given id, in the caller's transaction; answers what it still lacks.

    Raises `list-malformed` or `list-refused` with every fault of the list, or the one fault's own code where it is
    about no line. Writes in chunks: the memory it needs beside the lines does not grow with the list.
    `preview`: check all the same, on connections of this pool, but keep no line; the caller rolls back.
    """
    programme, sources, faults = await _looked_up(connection, book, header, checked.upload)
    faults = [*checked.faults, *faults]
    if programme is None or not checked.lines:
        raise _refusal(faults or [checked.upload.header_fault("list-empty", "lines")])
    # Every query of ours here finds single rows by key, whatever the planner still believes of young tables.
    await connection.execute("SET LOCAL enable_seqscan = off")
    again = await _paid_again(connection, vault, book, header, checked.lines)
    legs, leg_nos, more = assign(checked.upload, sources, checked.lines, header.project_id, again)
    faults += more
    if header.kind == "advance":
        payee_id, more = await payee_of_advance(
            connection, vault, book, header.payee_kind, checked.upload, checked.lines
        )
        legs, faults = [replace(leg, payee_id=payee_id) for leg in legs], [*faults, *more]
    if not legs:
        raise _refusal(faults)
    store_header = partial(
        _store_header, caller=caller, book=book, header=header, programme=programme, legs=legs,
        line_count=len(checked.lines) - leg_nos.count(0),
    )  # fmt: skip
    await store_header(connection, instruction_id)
    key = ListKey(book, instruction_id, header.payee_kind, header.programme_code, header.period)
    more, of_lines = await _lines_faults(connection, vault, key, checked, leg_nos, again, store_header, preview)
    pending = await gate_faults(connection, book, instruction_id) + of_lines
    faults += [*more, *_placed(pending, header, checked)]
    if faults:
        raise _refusal(faults)
    return pending


async def _lines_faults(
    connection: Connection, vault: Vault, key: ListKey, checked: Checked, leg_nos: Sequence[int],
    again: Mapping[int, Returned], store_header: StoreHeader, preview: Database | None,
) -> tuple[list[Fault], list[Fault]]:  # fmt: skip
    """Faults of the payees, and of a preview the gate's; an upload's lines are stored, and the gate asked later."""
    # What the gate says of an awardee or of a payment made again, it reads in the lines that were stored.
    if preview is None or again or key.payee_kind == "organisation":
        return await store_lines(connection, vault, key, checked.upload, checked.lines, leg_nos, again), []
    return await line_faults(preview, connection, vault, key, checked.upload, checked.lines, leg_nos, store_header)


async def gate_faults(connection: Connection, book: int, instruction_id: UUID) -> list[Fault]:
    """What the gate would refuse the list for today; `line` is the line number of the list. One query."""
    rows = await connection.fetch(
        "SELECT dimension, code, line_no, params::text FROM payment_faults($1, $2) ORDER BY dimension, code, line_no",
        book, instruction_id,
    )  # fmt: skip
    return [gate_fault({**dict(row), "params": json.loads(row["params"] or "{}")}) for row in rows]


async def _looked_up(
    connection: Connection, book: int, header: Header, upload: Upload
) -> tuple[tuple[str, str] | None, list[Source], list[Fault]]:
    """The programme's classes (None: no such programme), the sources with their document numbers, the faults."""
    faults: list[Fault] = []
    programme = await connection.fetchrow(_PROGRAMME, header.programme_code)
    if programme is None:
        faults.append(upload.header_fault("programme-unknown", "programme_code"))
    if (code := await _project_fault(connection, book, header)) is not None:
        faults.append(upload.header_fault(code, "project_id"))
    ids = [source.allocation_id for source in header.sources]
    documents = {row["allocation_id"]: row["document_no"] for row in await connection.fetch(_ALLOCATIONS, book, ids)}
    if len(set(ids)) < len(ids):
        faults.append(upload.header_fault("source-named-twice", "sources"))
    if len(documents) < len(set(ids)):
        faults.append(upload.header_fault("allocation-not-found", "sources"))
    sources = [replace(source, document_no=documents.get(source.allocation_id, "")) for source in header.sources]
    classes = None if programme is None else (programme["functional_class"], programme["economic_class"])
    return classes, sources, faults


async def _paid_again(
    connection: Connection, vault: Vault, book: int, header: Header, lines: Sequence[Line]
) -> dict[int, Returned]:
    return await returned_of(
        connection, vault, book, header.kind, header.payee_kind, header.programme_code, header.period,
        header.effective_on, header.project_id, lines,
    )  # fmt: skip


async def _project_fault(connection: Connection, book: int, header: Header) -> str | None:
    """What is wrong with the project that the list names, or does not name."""
    if header.kind == "pay_other":
        return None if header.project_id is None else "pay-other-names-project"
    if header.project_id is None:
        return "list-without-project"
    known = await connection.fetchval(_PROJECT, book, header.project_id)
    return None if known else "project-not-in-library"


async def _store_header(
    connection: Connection, instruction_id: UUID, *, caller: Caller, book: int, header: Header,
    programme: tuple[str, str], legs: Sequence[Leg], line_count: int,
) -> None:  # fmt: skip
    functional_class, economic_class = programme
    what = Draft(
        entry_kind=header.kind, document_no=header.document_no, effective_on=header.effective_on,
        summary=header.summary, functional_class=functional_class, economic_class=economic_class,
        officer_id=header.officer_id, supervisor_id=header.supervisor_id,
        legs=legs, line_count=line_count, instruction_id=instruction_id,
    )  # fmt: skip
    await draft(connection, caller, book, what)
    await connection.execute(
        _LIST, book, instruction_id, header.project_id, header.programme_code, header.period, header.entitlement_on,
        header.payee_kind, header.is_final,
        header.procurement_id or await only_procurement(connection, book, header.project_id), header.claim_id,
    )  # fmt: skip


def _placed(faults: Sequence[Fault], header: Header, checked: Checked) -> list[Fault]:
    """Those of the gate's faults that refuse the upload, each at its place in it."""
    rows = {line.line_no: line.row for line in checked.lines} if any(f.line for f in faults) else {}
    form = FORMS[header.payee_kind]
    fields = {**_FIELD_OF, **dict.fromkeys(_OF_ACCOUNT, form.account)}
    placed = [
        checked.upload.fault(fault.code, rows[fault.line], fields.get(fault.code, form.key), **fault.params)
        for fault in faults
        if fault.line is not None
    ]
    return placed + [fault for fault in faults if fault.line is None and fault.code in HOPELESS]


def _refusal(faults: Sequence[Fault]) -> Exception:
    return refuse(sorted(faults, key=_place), malformed="list-malformed", refused="list-refused")


def _place(fault: Fault) -> tuple[int, str]:
    """Faults of the list first, then line by line."""
    if fault.line is not None:
        return fault.line, fault.column or ""
    parts = (fault.pointer or "").split("/")
    return (int(parts[2]) + 1 if len(parts) > 2 and parts[2].isdigit() else 0), fault.pointer or ""
