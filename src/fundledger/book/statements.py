"""The statement of an account (明细账): every transfer on either side, in lock order, with what stood before and after.

Pages are keyed by the two totals that never fall: a page begins where received and given stood, so it is found by two
index seeks and never shifts. The two sides are laid into one order by the entries' order numbers (on one account they
follow lock order), within one entry by line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from fundledger.book.asof import NOW, AsOf
from fundledger.book.balances import Balance, balance
from fundledger.db.connection import Connection


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A transfer as one account saw it; `before` and `after` are of its side, `balance` is the account's. Fen."""

    side: Literal["received", "given"]
    entry_id: UUID
    line_no: int
    entry_kind: str
    document_no: str
    summary: str
    effective_on: date
    recorded_at: datetime
    position: int | None
    counter_account: UUID
    counter_kind: str
    payee_id: UUID | None
    undoes_entry_id: UUID | None
    undoes_line_no: int | None
    amount: int
    before: int
    after: int
    balance: int


@dataclass(frozen=True, slots=True)
class Statement:
    """The account as of the date asked for, a page of its lines, and the totals where the next page begins."""

    account: Balance
    lines: list[StatementLine]
    beyond: tuple[int, int] | None


# {side} and {counter} are `debit` and `credit` or the other way round.
_SIDE: Final = """
SELECT t.entry_id, t.line_no, t.amount, t.{side}_before AS before, t.{side}_after AS after, t.payee_id,
       t.undoes_entry_id, t.undoes_line_no, t.{counter}_account AS counter_account, c.account_kind AS counter_kind,
       e.entry_kind, e.document_no, e.summary, e.effective_on, e.recorded_at, e.order_no, f.position
FROM transfer t
JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
JOIN account c ON c.book = t.book AND c.account_id = t.{counter}_account
LEFT JOIN log_leaf f ON f.book = t.book AND f.kind = 'entry' AND f.record_id = t.entry_id
WHERE t.book = $1 AND t.{side}_account = $2 AND t.{side}_before >= $3 AND t.{side}_before < $4
  AND ($5::date IS NULL OR e.effective_on <= $5::date)
ORDER BY t.{side}_before LIMIT $6
"""
_RECEIVED: Final = _SIDE.format(side="debit", counter="credit")
_GIVEN: Final = _SIDE.format(side="credit", counter="debit")
_ALL: Final = 2**63 - 1


async def statement(
    connection: Connection,
    book: int,
    account_id: UUID,
    *,
    as_of: AsOf = NOW,
    after: tuple[int, int] = (0, 0),
    limit: int = 100,
) -> Statement:
    """A page of `limit` lines from the totals `after` (received, given) on; raises `account-not-found`.

    As of an effective day, later days are left out; `before`, `after` and `balance` stay those of lock order.
    """
    account = await balance(connection, book, account_id, as_of=as_of)
    ends = (_ALL, _ALL) if as_of.position is None else (account.received, account.given)
    received, given = [
        list(await connection.fetch(query, book, account_id, start, stop, as_of.effective_on, limit + 1))
        for query, start, stop in zip((_RECEIVED, _GIVEN), after, ends, strict=True)
    ]
    lines: list[StatementLine] = []
    at = after
    while len(lines) < limit and (received or given):
        side: Literal["received", "given"] = "received" if _first(received, given) else "given"
        row = (received if side == "received" else given).pop(0)
        at = (row["after"], at[1]) if side == "received" else (at[0], row["after"])
        lines.append(_line(row, side, at))
    return Statement(account, lines, at if received or given else None)


def _first(received: list[Any], given: list[Any]) -> bool:
    """Whether the next line is one received."""
    if not received or not given:
        return bool(received)
    order = [(rows[0]["order_no"], rows[0]["line_no"]) for rows in (received, given)]
    return order[0] < order[1]


def _line(row: Any, side: Literal["received", "given"], at: tuple[int, int]) -> StatementLine:
    values = {name: value for name, value in dict(row).items() if name != "order_no"}
    return StatementLine(side=side, balance=at[0] - at[1], **values)
