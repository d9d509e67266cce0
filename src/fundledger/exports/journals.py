"""Plain-text journals (日记账) of a scope: one file a book, for hledger and for beancount, with balance assertions.

One transaction an entry, in the order of effective day and log position (a back-dated entry stands where it counts);
two postings a line, so that a list of 30,000 lines is one transaction with 60,000 postings. After each month the
balance of every account that moved in it is asserted, and after a whole book the stored balance of every account. The
accounts begin at zero, so nothing is opened with a balance, whatever the scope. docs/journals.md says what
loads it how.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import date, timedelta
from typing import Any, Final, Protocol

from fundledger.db.connection import Connection
from fundledger.exports import journal_beancount, journal_hledger, journal_rows
from fundledger.exports.journal_names import Account
from fundledger.exports.parts import Format, Output, Part
from fundledger.exports.scope import Scope
from fundledger.exports.texts import Texts
from fundledger.exports.touching import count, described, some


class Syntax(Protocol):
    """How one of the two programs wants it; every function gives whole lines."""

    SUFFIX: str

    def head(self, book: int, scope: str, position: int, accounts: Iterable[journal_rows.Opened]) -> Iterable[str]:
        """Comments, options, the commodity and the accounts."""

    def transaction(self, row: Any) -> str:
        """The head of a transaction, from its first line."""

    def postings(self, row: Any, debit: Account, credit: Account) -> str:
        """The two postings of a line."""

    def assertions(self, on: date, title: str) -> str:
        """What stands before the assertions of a day."""

    def assertion(self, on: date, account: Account, fen: int) -> str:
        """That an account holds so much at the end of a day."""


async def _parts(connection: Connection, scope: Scope, suffix: str) -> AsyncIterator[Part]:
    """A file for every book with lines of the scope."""
    number = 0
    for book in scope.books:
        rows = await count(connection, scope, book)
        if rows:
            number += 1
            yield Part(number, f"{book}{suffix}", rows, (book,))


async def _write(connection: Connection, scope: Scope, file: Output, part: Part, syntax: Syntax) -> int:
    """Write the journal of a book; the number of its lines."""
    (book,) = part.key
    known = await journal_rows.accounts(connection, scope, book)
    sink = Texts(file)
    for text in syntax.head(book, described(scope), scope.position, known.values()):
        await sink.put(text)
    balances = _Months(journal_rows.months(connection, scope, book))
    written, entry, month = 0, None, None
    async for rows in journal_rows.lines(connection, scope, book):
        texts: list[str] = []
        for row in rows:
            if row["entry_id"] != entry:
                entry = row["entry_id"]
                if month is not None and _month(row) != month:
                    texts += _assertions(syntax, await balances.of(month), known, month, _MONTH)
                month = _month(row)
                texts.append(syntax.transaction(row))
            texts.append(
                syntax.postings(row, known[row["debit_account"]].account, known[row["credit_account"]].account)
            )
        written += len(rows)
        await sink.put("".join(texts))
        sink.count(len(rows))
    if month is not None:
        stored = [one async for one in journal_rows.stored(connection, scope, book, known)]
        for text in _assertions(syntax, await balances.of(month), known, month, _MONTH):
            await sink.put(text)
        for text in _assertions(syntax, stored, known, month, _STORED):
            await sink.put(text)
    await sink.flush()
    return written


_MONTH: Final = "月末余额 balances at the end of the month"
_STORED: Final = "账户累计余额 balances as stored with each account's last transfer"


def _month(row: Any) -> date:
    day: date = row["effective_on"].replace(day=1)
    return day


class _Months:
    """The stream of balances by month, taken month by month."""

    def __init__(self, stream: AsyncIterator[journal_rows.Balance]) -> None:
        self._stream = stream
        self._next: journal_rows.Balance | None = None

    async def of(self, month: date) -> list[tuple[Any, int]]:
        """The balances of a month; every one before it was taken already."""
        found: list[tuple[Any, int]] = []
        one = self._next or await anext(self._stream, None)
        while one is not None and one.month == month:
            found.append((one.account_id, one.fen))
            one = await anext(self._stream, None)
        self._next = one
        return found


def _assertions(
    syntax: Syntax,
    balances: Iterable[tuple[Any, int]],
    known: dict[Any, journal_rows.Opened],
    month: date,
    title: str,
) -> Iterator[str]:
    """The balances of accounts, asserted at the end of a month."""
    last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    head = syntax.assertions(last, title)
    for account_id, fen in balances:
        yield head + syntax.assertion(last, known[account_id].account, fen)
        head = ""


def _format(name: str, syntax: Syntax, title_zh: str, title_en: str) -> Format:
    """A journal as a format of exports."""

    def parts(connection: Connection, scope: Scope) -> AsyncIterator[Part]:
        return some(scope, _parts(connection, scope, syntax.SUFFIX))

    async def write(connection: Connection, scope: Scope, file: Output, part: Part) -> int:
        return await _write(connection, scope, file, part, syntax)

    return Format(name, "text/plain; charset=utf-8", syntax.SUFFIX, title_zh, title_en, parts, write)


HLEDGER: Final = _format("hledger", journal_hledger, "hledger 日记账", "hledger journal")
BEANCOUNT: Final = _format("beancount", journal_beancount, "beancount 日记账", "beancount journal")
FORMATS: Final = (HLEDGER, BEANCOUNT)
