"""What the bank said (银行回盘): credited posts nothing; returned (退票) drafts the posting back, to be approved.

`take_results` records the results of all lines of a file or of none, in the caller's transaction. For each payment with
returned lines it drafts one `return` (of an advance: `advance_return`) that undoes exactly these lines; a second person
of finance posts it through ``/instructions/{id}/approve``, and the money is then back at the same allocation and
project, whatever the year. From then on the line may be paid again, once (`payments.reissues`). A return that was sent
back (退回) is drafted again by the same file. No lock is taken here: the results' primary key keeps two files apart,
and the gate refuses to undo a line twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from fundledger.access.policy import Caller
from fundledger.book.instructions import Draft, Leg, draft
from fundledger.db.connection import Connection
from fundledger.errors import Fault
from fundledger.payments.bank_lines import BankLine
from fundledger.payments.uploads import Upload, refuse

_PAYMENTS = """
SELECT n.instruction_id, n.entry_kind, e.entry_id, e.effective_on, e.document_no, e.functional_class, e.economic_class,
       e.officer_id, e.supervisor_id, shanghai_today() AS today
FROM instruction n
LEFT JOIN entry e ON e.book = n.book AND e.instruction_id = n.instruction_id
WHERE n.book = $1 AND n.entry_kind IN ('pay', 'advance', 'pay_other') AND n.instruction_id = ANY (
    $2::uuid[] || ARRAY(SELECT o.instruction_id FROM entry o WHERE o.book = $1 AND o.entry_id = ANY ($3::uuid[])))
"""
_LINES = """
SELECT u.n, t.amount, r.outcomes, d.drafted
FROM unnest($2::uuid[], $3::integer[]) WITH ORDINALITY AS u (entry_id, line_no, n)
LEFT JOIN LATERAL (SELECT t.amount FROM transfer t   -- the LIMIT keeps it one seek a line, whatever the statistics
    WHERE t.book = $1 AND t.entry_id = u.entry_id AND t.line_no = u.line_no LIMIT 1) t ON true
LEFT JOIN LATERAL (SELECT array_agg(b.outcome) AS outcomes FROM bank_result b
    WHERE b.book = $1 AND b.entry_id = u.entry_id AND b.line_no = u.line_no) r ON true
LEFT JOIN LATERAL (SELECT true AS drafted FROM instruction_leg g   -- a return that nobody has sent back
    WHERE g.book = $1 AND g.undoes_entry_id = u.entry_id AND g.undoes_line_no = u.line_no
      AND NOT EXISTS (SELECT FROM rejection j WHERE j.book = g.book AND j.instruction_id = g.instruction_id)
    LIMIT 1) d ON true
ORDER BY u.n
"""
_COLUMNS = ("book", "entry_id", "line_no", "outcome", "reason", "settled_on", "document_no", "recorded_by")


@dataclass(frozen=True, slots=True)
class ReturnHeader:
    """How the returns are drafted; officers default to those of the payment."""

    document_no: str
    effective_on: date
    officer_id: UUID | None
    supervisor_id: UUID | None


class Match(NamedTuple):
    """A line of the file and the payment it is about; `amount` in fen, None where the list has no such line."""

    line: BankLine
    payment: asyncpg.Record
    amount: int | None
    outcomes: frozenset[str]
    drafted: bool

    @property
    def drafted_again(self) -> bool:
        """Whether the line is known to have come back and its return was sent back (退回): it may be drafted anew."""
        return self.line.outcome == "returned" and "returned" in self.outcomes and not self.drafted


_MAX_RETURNS = 2**20
_RETURNS = """
SELECT instruction_id FROM instruction WHERE book = $1 AND instruction_id > $2 AND instruction_id <= $3
ORDER BY instruction_id
"""


async def returns_of(connection: Connection, book: int, batch_id: UUID) -> list[UUID]:
    """The returns that a file drafted: their ids follow its own."""
    rows = await connection.fetch(_RETURNS, book, batch_id, return_id(batch_id, _MAX_RETURNS))
    return [row["instruction_id"] for row in rows]


def return_id(batch_id: UUID, number: int) -> UUID:
    """The id of the file's n-th return: near the file's own, so that a replay finds them (74 random bits apart)."""
    return UUID(int=batch_id.int + number)


async def take_results(
    connection: Connection, caller: Caller, book: int, batch_id: UUID, header: ReturnHeader, upload: Upload,
    lines: Sequence[BankLine], faults: Sequence[Fault],
) -> None:  # fmt: skip
    """Record the file's results and draft its returns under ids of `batch_id`.

    Raises `bank-file-malformed`, `bank-file-refused` with every fault.
    """
    payments = await _payments(connection, book, lines)
    matches, missed = await _matched(connection, book, upload, payments, lines)
    found = [*faults, *missed, *_wrong(upload, matches)]
    if not lines and not found:
        found = [upload.header_fault("list-empty", "results")]
    if found:
        raise refuse(found, malformed="bank-file-malformed", refused="bank-file-refused")
    records = [
        (
            book,
            match.payment["entry_id"],
            line.line_no,
            line.outcome,
            line.reason,
            line.settled_on,
            line.document_no,
            caller.staff_id,
        )
        for match in matches
        if not match.drafted_again
        for line in (match.line,)
    ]
    await connection.copy_records_to_table("bank_result", columns=_COLUMNS, records=records)
    await _draft_returns(connection, caller, book, batch_id, header, matches)


async def _payments(connection: Connection, book: int, lines: Sequence[BankLine]) -> dict[UUID, asyncpg.Record]:
    """The lists and entries the file names, by either id; there are few, however many lines."""
    lists = list({line.payment_list_id for line in lines if line.payment_list_id})
    entries = list({line.entry_id for line in lines if line.entry_id})
    known: dict[UUID, asyncpg.Record] = {}
    for row in await connection.fetch(_PAYMENTS, book, lists, entries):
        known[row["instruction_id"]] = row
        if row["entry_id"] is not None:
            known[row["entry_id"]] = row
    return known


async def _matched(
    connection: Connection, book: int, upload: Upload, payments: dict[UUID, asyncpg.Record], lines: Sequence[BankLine]
) -> tuple[list[Match], list[Fault]]:
    faults: list[Fault] = []
    posted: list[tuple[BankLine, asyncpg.Record]] = []
    for line in lines:
        named = line.payment_list_id or line.entry_id
        payment = payments.get(named) if named else None
        if payment is None:
            faults.append(upload.fault("payment-line-unknown", line.row, "line_no"))
        elif payment["entry_id"] is None:
            faults.append(upload.fault("payment-not-posted", line.row, "line_no"))
        else:
            posted.append((line, payment))
    entries = [payment["entry_id"] for _, payment in posted]
    rows = await connection.fetch(_LINES, book, entries, [line.line_no for line, _ in posted])
    return [
        Match(line, payment, row["amount"], frozenset(row["outcomes"] or ()), bool(row["drafted"]))
        for (line, payment), row in zip(posted, rows, strict=True)
    ], faults


def _wrong(upload: Upload, matches: Sequence[Match]) -> list[Fault]:
    """Where the file does not fit the book. The two names of a payment are the same line."""
    faults: list[Fault] = []
    seen: dict[tuple[UUID, int], int] = {}
    for match in matches:
        line, payment, amount, outcomes, _ = match
        first = seen.setdefault((payment["entry_id"], line.line_no), line.row)
        if first != line.row:
            faults.append(upload.fault("bank-line-repeated", line.row, "line_no", first=upload.where(first)))
        if amount is None:
            faults.append(upload.fault("payment-line-unknown", line.row, "line_no"))
        elif line.amount not in (None, amount):
            faults.append(upload.fault("bank-amount-differs", line.row, "amount"))
        if line.outcome in outcomes and not match.drafted_again:
            faults.append(upload.fault("bank-result-exists", line.row, "outcome"))
        elif "returned" in outcomes and line.outcome != "returned":
            faults.append(upload.fault("bank-result-contradicts", line.row, "outcome"))
        if line.settled_on < payment["effective_on"]:
            paid_on = payment["effective_on"].isoformat()
            faults.append(upload.fault("settled-before-payment", line.row, "settled_on", paid_on=paid_on))
        if line.settled_on > payment["today"]:
            faults.append(upload.fault("settled-in-future", line.row, "settled_on"))
    return faults


async def _draft_returns(
    connection: Connection, caller: Caller, book: int, batch_id: UUID, header: ReturnHeader, matches: Sequence[Match]
) -> None:
    """One return for each payment, in the order of its entries, undoing every returned line whole."""
    by_entry: dict[UUID, list[Match]] = defaultdict(list)
    for match in matches:
        if match.line.outcome == "returned":
            by_entry[match.payment["entry_id"]].append(match)
    for number, entry_id in enumerate(sorted(by_entry), start=1):
        payment = by_entry[entry_id][0].payment
        legs = [
            Leg(match.amount or 0, undoes_entry_id=entry_id, undoes_line_no=match.line.line_no)
            for match in by_entry[entry_id]
        ]
        await draft(connection, caller, book, _return_of(payment, legs, header, return_id(batch_id, number)))


def _return_of(payment: Any, legs: Sequence[Leg], header: ReturnHeader, instruction_id: UUID) -> Draft:
    return Draft(
        entry_kind="advance_return" if payment["entry_kind"] == "advance" else "return",
        document_no=header.document_no, effective_on=header.effective_on,
        summary=f"退票：{payment['document_no']}", functional_class=payment["functional_class"],
        economic_class=payment["economic_class"], officer_id=header.officer_id or payment["officer_id"],
        supervisor_id=header.supervisor_id or payment["supervisor_id"], legs=legs, instruction_id=instruction_id,
    )  # fmt: skip
