"""Reading the book: balances, the statement of an account, and the trial balance.

All are as of now, an effective day (`effective_on`), a log position (`position`) or an instant (`known_at`, which means
the last position appended by then). Whoever may read the book may read all of it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, reads
from fundledger.api.reading import AsOfAnswer, AsOfQuery, BookOut, District, Word, Year, read_cursor
from fundledger.api.wire import Answer, Cursor, Limit, YuanOut, encode_cursor
from fundledger.book.balances import AccountFilter, Balance, GroupBy, TrialBalance, balance, balances, trial_balance
from fundledger.book.statements import Statement, statement
from fundledger.db.database import driver_of

router = APIRouter(prefix="/v1/books/{book}", tags=["book"])


class BalanceAnswer(Answer):
    """An account with its totals (received: 借方累计, given: 贷方累计)."""

    account_id: UUID
    account_kind: str
    is_source: bool
    budget_line_id: UUID | None
    allocation_id: UUID | None
    project_id: UUID | None
    exec_year: int
    fund_code: str
    fiscal_year: int
    district: BookOut | None
    village_code: str | None
    document_no: str
    received: YuanOut
    given: YuanOut
    balance: YuanOut


class BalancesAnswer(Answer):
    """A page of balances."""

    as_of: AsOfAnswer
    items: list[BalanceAnswer]
    next: str | None


async def _which(
    kind: Word = None,
    allocation_id: UUID | None = None,
    project_id: UUID | None = None,
    budget_line_id: UUID | None = None,
    district: District = None,
    village_code: Word = None,
    fund_code: Word = None,
    fiscal_year: Year = None,
) -> AccountFilter:
    return AccountFilter(
        None, kind, allocation_id, project_id, budget_line_id, district, village_code, fund_code, fiscal_year
    )


@router.get("/accounts")
async def list_balances(
    book: int,
    call: Annotated[Call, reads(EVERYBODY)],
    session: Reading,
    asked: AsOfQuery,
    which: Annotated[AccountFilter, Depends(_which)],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> BalancesAnswer:
    """Balances (余额) of the accounts that fit every filter, by account id."""
    connection = await driver_of(session)
    when = await asked.settle(connection)
    found = await balances(connection, book, which, as_of=when, after=_uuid_cursor(cursor), limit=limit + 1)
    items = [BalanceAnswer.model_validate(one) for one in found[:limit]]
    more = encode_cursor([items[-1].account_id]) if len(found) > limit else None
    return BalancesAnswer(as_of=AsOfAnswer.model_validate(when), items=items, next=more)


@router.get("/accounts/{account_id}")
async def get_balance(
    book: int, account_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading, asked: AsOfQuery
) -> BalanceAnswer:
    """The balance of one account."""
    connection = await driver_of(session)
    found: Balance = await balance(connection, book, account_id, as_of=await asked.settle(connection))
    return BalanceAnswer.model_validate(found)


class StatementLineAnswer(Answer):
    """One line of a statement; `before` and `after` are of its side, `balance` of the account after it."""

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
    amount: YuanOut
    before: YuanOut
    after: YuanOut
    balance: YuanOut


class StatementAnswer(Answer):
    """A page of a statement, in lock order."""

    as_of: AsOfAnswer
    account: BalanceAnswer
    items: list[StatementLineAnswer]
    next: str | None


@router.get("/accounts/{account_id}/statement")
async def get_statement(
    book: int,
    account_id: UUID,
    call: Annotated[Call, reads(EVERYBODY)],
    session: Reading,
    asked: AsOfQuery,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> StatementAnswer:
    """The statement (明细账): every transfer of the account with counter account and document, in lock order."""
    connection = await driver_of(session)
    when = await asked.settle(connection)
    found: Statement = await statement(
        connection, book, account_id, as_of=when, after=_totals_cursor(cursor), limit=limit
    )
    return StatementAnswer(
        as_of=AsOfAnswer.model_validate(when), account=BalanceAnswer.model_validate(found.account),
        items=[StatementLineAnswer.model_validate(line) for line in found.lines],
        next=encode_cursor(list(found.beyond)) if found.beyond else None,
    )  # fmt: skip


class TrialRowAnswer(Answer):
    """Sums over accounts of one kind, or finer."""

    account_kind: str
    fund_code: str | None
    fiscal_year: int | None
    budget_line_id: UUID | None
    allocation_id: UUID | None
    accounts: int
    received: YuanOut
    given: YuanOut
    balance: YuanOut


class TrialBalanceAnswer(Answer):
    """The trial balance (试算平衡表) of a book: `received` equals `given`."""

    book: BookOut
    as_of: AsOfAnswer
    rows: list[TrialRowAnswer]
    received: YuanOut
    given: YuanOut


@router.get("/trial-balance")
async def get_trial_balance(
    book: int,
    call: Annotated[Call, reads(EVERYBODY)],
    session: Reading,
    asked: AsOfQuery,
    by: Annotated[GroupBy, Query(description="how fine: by kind, by fund and year, or by allocation")] = "kind",
) -> TrialBalanceAnswer:
    """The trial balance: sums by kind of account (and fund and year, or allocation); debits equal credits."""
    connection = await driver_of(session)
    when = await asked.settle(connection)
    found: TrialBalance = await trial_balance(connection, book, as_of=when, by=by)
    return TrialBalanceAnswer(
        book=book, as_of=AsOfAnswer.model_validate(when), received=found.received, given=found.given,
        rows=[TrialRowAnswer.model_validate(row) for row in found.rows],
    )  # fmt: skip


def _uuid_cursor(cursor: str | None) -> UUID | None:
    values = read_cursor(cursor, UUID)
    return values[0] if values else None


def _totals_cursor(cursor: str | None) -> tuple[int, int]:
    values = read_cursor(cursor, int, int)
    return (values[0], values[1]) if values else (0, 0)
