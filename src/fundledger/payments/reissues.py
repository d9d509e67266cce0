"""Paying again what the bank returned (重发): a new list drafted from the returned lines of a paid one.

The new list repeats the old one (project, programme, period, entitlement date, classes, contract, claim), and each line
its payee, sum, quantity and records; only name and account may be corrected. It names the line it pays again, draws on
the account that line came back to (also a past year's), and then goes the way of every list: approved and paid by two
more people. Once: the gate and a unique index see to it (``gate_check_reissues``). No lock is taken here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.book.instructions import Draft, Leg, draft
from fundledger.db.connection import Connection
from fundledger.errors import Fault, FundledgerError, problem
from fundledger.payments.forms import FORMS, PayeeKind
from fundledger.payments.lines import Line
from fundledger.payments.lists import HOPELESS, gate_faults
from fundledger.payments.resolve import Payee
from fundledger.payments.returned import Returned, Wallets
from fundledger.payments.store import ListKey, copy_lines, open_private
from fundledger.payments.uploads import LISTED
from fundledger.registry.vault import Vault

_ORIGINAL = """
SELECT p.payee_kind, p.programme_code, p.period, p.project_id, p.procurement_id, p.claim_id, e.entry_id, e.entry_kind,
       e.functional_class, e.economic_class, e.officer_id, e.supervisor_id
FROM payment_list p LEFT JOIN entry e ON e.book = p.book AND e.instruction_id = p.instruction_id
WHERE p.book = $1 AND p.instruction_id = $2
"""
_RETURNED = """
SELECT r.line_no, r.amount, r.payee_id, r.household_id, r.allocation_id, r.exec_year, r.credit_account,
       b.received - b.given AS balance, l.quantity, l.participation_ref, l.exception_document_no, s.sealed,
       coalesce(n.name_hash, m.name_hash) AS name_hash, o.name AS organisation_name
FROM reissuable_line r
JOIN payment_line l ON l.book = r.book AND l.instruction_id = r.instruction_id AND l.line_no = r.line_no
JOIN account_balance b ON b.book = r.book AND b.account_id = r.credit_account
LEFT JOIN payment_line_private s ON s.book = r.book AND s.instruction_id = r.instruction_id AND s.line_no = r.line_no
LEFT JOIN person n ON r.payee_kind = 'person' AND n.book = r.book AND n.person_id = r.payee_id
LEFT JOIN person m ON r.payee_kind = 'household' AND m.book = r.book AND m.household_id = r.payee_id AND m.is_head
LEFT JOIN organisation o ON r.payee_kind = 'organisation' AND o.book = r.book AND o.organisation_id = r.payee_id
WHERE r.book = $1 AND r.instruction_id = $2 ORDER BY r.line_no
"""
_LIST = """
INSERT INTO payment_list (book, instruction_id, project_id, programme_code, period, entitlement_on, payee_kind,
    pay_method, is_final, procurement_id, claim_id)
SELECT book, $3, project_id, programme_code, period, entitlement_on, payee_kind, pay_method, is_final,
    coalesce(procurement_id, $4), coalesce(claim_id, $5)
FROM payment_list WHERE book = $1 AND instruction_id = $2
"""


@dataclass(frozen=True, slots=True)
class ReissueHeader:
    """How the new list is drafted; officers default to those of the payment.

    Contract and claim are the payment's; one that it did not name (as in the first version) may be named here.
    """

    document_no: str
    effective_on: date
    summary: str
    officer_id: UUID | None
    supervisor_id: UUID | None
    procurement_id: UUID | None = None
    claim_id: UUID | None = None


class Correction(NamedTuple):
    """A returned line to pay again, with a corrected name or account; None: as it was."""

    line_no: int
    name: str | None = None
    account: str | None = None


class _Ready(NamedTuple):
    """A line that will be written: what it is, whom it pays, what it pays again."""

    line: Line
    payee: Payee
    again: Returned


async def reissue_list(
    connection: Connection, caller: Caller, vault: Vault, book: int, instruction_id: UUID, original_id: UUID,
    header: ReissueHeader, wanted: Sequence[Correction] | None,
) -> list[Fault]:  # fmt: skip
    """Draft a list that pays again the returned lines of `original_id` (all that wait, or those named).

    In the caller's transaction; answers what the list still lacks. Raises `payment-list-not-found`, `list-not-paid`,
    `record-identity-changed` (another contract or claim), `nothing-to-reissue`, or `list-refused` with every fault.
    """
    original = await connection.fetchrow(_ORIGINAL, book, original_id)
    if original is None:
        raise problem("payment-list-not-found")
    if original["entry_id"] is None:
        raise problem("list-not-paid")
    for name, given in (("procurement_id", header.procurement_id), ("claim_id", header.claim_id)):
        if given is not None and original[name] not in (None, given):
            raise problem("record-identity-changed", field=name)
    rows = {row["line_no"]: row for row in await connection.fetch(_RETURNED, book, original_id)}
    if not rows:
        raise problem("nothing-to-reissue")
    asked = [Correction(number) for number in rows] if wanted is None else wanted
    faults = _wrong(vault, original["payee_kind"], rows, asked, named=wanted is not None)
    if faults:
        raise _refusal(faults)
    ready = _ready(vault, book, original_id, original, rows, asked, header.effective_on)
    legs, leg_nos = _legs(ready, original["project_id"])
    await draft(connection, caller, book, _draft_of(original, header, legs, len(ready), instruction_id))
    await connection.execute(_LIST, book, original_id, instruction_id, header.procurement_id, header.claim_id)
    key = ListKey(book, instruction_id, original["payee_kind"], original["programme_code"], original["period"])
    good = [(one.line, leg_no, one.payee) for one, leg_no in zip(ready, leg_nos, strict=True)]
    await copy_lines(connection, vault, key, good, {one.line.line_no: one.again for one in ready})
    pending = await gate_faults(connection, book, instruction_id)
    hopeless = [fault for fault in pending if fault.line is not None or fault.code in HOPELESS]
    if hopeless:
        raise _refusal(hopeless)
    return pending


def _wrong(
    vault: Vault, kind: PayeeKind, rows: dict[int, Any], asked: Sequence[Correction], *, named: bool
) -> list[Fault]:
    """What is wrong with the lines asked for. Pointers lead to the array `lines` of the body."""
    faults: list[Fault] = []
    seen: set[int] = set()
    for index, one in enumerate(asked):
        place = f"/lines/{index}" if named else None
        if one.line_no not in rows or one.line_no in seen:
            faults.append(Fault("line-not-reissuable", pointer=f"{place}/line_no"))
            continue
        seen.add(one.line_no)
        if one.name is not None and not _is_name_of(vault, rows[one.line_no], one.name):
            faults.append(Fault("payee-name-differs", pointer=f"{place}/name"))
        if one.account is not None:
            try:
                FORMS[kind].check_account(one.account)
            except FundledgerError as error:
                faults.append(Fault(error.code, dict(error.params), pointer=f"{place}/account"))
    return faults


def _is_name_of(vault: Vault, row: Any, name: str) -> bool:
    """Whether it is the registered name: a person's own, a household's head's, an organisation's."""
    if row["organisation_name"] is not None:
        return vault.digest("name", row["organisation_name"]) == vault.digest("name", name)
    return bool(row["name_hash"] == vault.digest("name", name))


def _ready(
    vault: Vault, book: int, original_id: UUID, original: Any, rows: dict[int, Any], asked: Sequence[Correction],
    effective_on: date,
) -> list[_Ready]:  # fmt: skip
    """The lines to write, numbered from 1; raises `personal-data-erased` where neither book nor body has the data."""
    ready: list[_Ready] = []
    wallets, missing = Wallets(effective_on), 0
    for number, one in enumerate(asked, start=1):
        row = rows[one.line_no]
        sealed = row["sealed"]
        known = open_private(vault, book, original_id, one.line_no, sealed) if sealed else {}
        name, account = one.name or known.get("name"), one.account or known.get("card")
        if not name or not account:
            missing += 1
            continue
        year = wallets.past_year(row["credit_account"], row["exec_year"], row["balance"], row["amount"])
        line = Line(
            number, number, "", name, account, row["amount"], row["quantity"], row["participation_ref"],
            row["exception_document_no"], None,
        )  # fmt: skip
        again = Returned(
            original["entry_id"], one.line_no, row["amount"], original["project_id"], row["allocation_id"], year
        )
        ready.append(_Ready(line, Payee(row["payee_id"], row["household_id"], True), again))
    if missing:
        raise problem("personal-data-erased", count=missing)
    return ready


def _legs(ready: Sequence[_Ready], project_id: UUID | None) -> tuple[list[Leg], list[int]]:
    """One leg for each account the money lies in, and the leg of each line."""
    amounts: dict[tuple[UUID, int], int] = {}
    keys = [(one.again.allocation_id, one.again.past_year or 0) for one in ready]
    for key, one in zip(keys, ready, strict=True):
        amounts[key] = amounts.get(key, 0) + one.line.amount
    number = {key: leg_no for leg_no, key in enumerate(amounts, start=1)}
    legs = [
        Leg(amount, allocation_id=allocation, project_id=project_id, exec_year=year or None)
        for (allocation, year), amount in amounts.items()
    ]
    return legs, [number[key] for key in keys]


def _draft_of(
    original: Any, header: ReissueHeader, legs: Sequence[Leg], line_count: int, instruction_id: UUID
) -> Draft:
    return Draft(
        entry_kind=original["entry_kind"], document_no=header.document_no, effective_on=header.effective_on,
        summary=header.summary, functional_class=original["functional_class"],
        economic_class=original["economic_class"], officer_id=header.officer_id or original["officer_id"],
        supervisor_id=header.supervisor_id or original["supervisor_id"], legs=legs, line_count=line_count,
        instruction_id=instruction_id,
    )  # fmt: skip


def _refusal(faults: Sequence[Fault]) -> FundledgerError:
    return FundledgerError("list-refused", faults=faults[:LISTED], count=len(faults), listed=min(len(faults), LISTED))
