"""What journals are written from: accounts, lines by effective day and log position, and balances by month.

Lines are streamed with a cursor, sorted by the server; only the accounts of the export are kept in memory. Balances at
month ends are the server's sums of the same lines, apart from the stream; for a whole book the last ones are the totals
that the transfers themselves stored (`account_side_at`), so that a journal that loads also proves them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.exports.journal_names import Account, account_of
from fundledger.exports.scope import Scope
from fundledger.exports.touching import FROM, SIDES, batches, query, used_accounts, values

_LINES: Final = f"""SELECT f.position, e.effective_on, e.entry_id, e.entry_kind, e.document_no, e.summary, e.maker_id,
    e.approver_id, e.payer_id, t.line_no, t.debit_account, t.credit_account, t.amount, t.payee_id
{FROM} ORDER BY e.effective_on, f.position, t.line_no"""
_MONTHS: Final = f"""
WITH moved AS (SELECT y.account_id, date_trunc('month', e.effective_on)::date AS month,
    sum(y.debit - y.credit)::bigint AS net {FROM} GROUP BY 1, 2)
SELECT month, account_id, (sum(net) OVER (PARTITION BY account_id ORDER BY month))::bigint AS balance
FROM moved ORDER BY month, account_id"""
_STORED: Final = """SELECT b.account_id, account_side_at(b.book, b.account_id, true, b.received, $2)
    - account_side_at(b.book, b.account_id, false, b.given, $2) AS balance
FROM account_balance b WHERE b.book = $1 ORDER BY b.account_id"""


class Opened(NamedTuple):
    """An account of the export and the first day it moved."""

    account: Account
    since: date


class Balance(NamedTuple):
    """What an account holds, in fen, at the end of a month, named by its first day."""

    month: date
    account_id: UUID
    fen: int


async def accounts(connection: Connection, scope: Scope, book: int) -> dict[UUID, Opened]:
    """The accounts that the lines of the scope name, by kind and id."""
    rows = await used_accounts(connection, scope, book)
    return {row["account_id"]: Opened(account_of(row), row["since"]) for row in rows}


def lines(connection: Connection, scope: Scope, book: int) -> AsyncIterator[list[Any]]:
    """The lines in batches, by effective day, log position and line."""
    return batches(connection, query(_LINES, scope), values(scope, book))


async def months(connection: Connection, scope: Scope, book: int) -> AsyncIterator[Balance]:
    """What each account that moved in a month holds at its end, by month."""
    async for rows in batches(connection, query(_MONTHS, scope, side=SIDES), values(scope, book)):
        for row in rows:
            yield Balance(row["month"], row["account_id"], row["balance"])


async def stored(
    connection: Connection, scope: Scope, book: int, known: Mapping[UUID, Opened]
) -> AsyncIterator[tuple[UUID, int]]:
    """Of a whole book: the balance of every account by the totals stored with its last transfer; else nothing."""
    if scope.subject is None:
        async for rows in batches(connection, _STORED, (book, scope.position)):
            for row in rows:
                if row["account_id"] in known:
                    yield row["account_id"], row["balance"]
