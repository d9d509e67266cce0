"""What a GB/T 24589 package is written from: its years, archives, balances by month, and voucher lines. Reads only.

Balances are the server's sums of the same lines as the vouchers; lines and balances are streamed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final, NamedTuple

from fundledger.db.connection import Connection
from fundledger.exports.scope import Scope
from fundledger.exports.touching import FROM, SIDES, batches, query, values

_YEARS: Final = f"""SELECT extract(year FROM e.effective_on)::integer AS year, count(*) AS lines,
    date_trunc('month', max(e.effective_on))::date AS last {FROM} GROUP BY 1 ORDER BY 1"""
_BOOK: Final = "SELECT b.name, b.level FROM book b WHERE b.book = $1"
_KINDS: Final = "SELECT entry_kind, name_zh FROM entry_kind ORDER BY entry_kind"
_UNITS: Final = "SELECT unit_id, name FROM unit WHERE book = $1 ORDER BY unit_id"
_CLASSES: Final = f"SELECT DISTINCT e.functional_class, e.economic_class {FROM} ORDER BY 1, 2"
_PAYEES: Final = f"""WITH payees AS (SELECT DISTINCT t.payee_id {FROM} AND t.payee_id IS NOT NULL)
SELECT p.payee_id, o.name, o.kind FROM payees p
LEFT JOIN organisation o ON o.book = $1 AND o.organisation_id = p.payee_id ORDER BY p.payee_id"""
# The balance before the year stands as a month of its own, the one before January.
_BALANCES: Final = f"""
WITH moved AS (SELECT y.account_id, greatest(date_trunc('month', e.effective_on)::date, {{first}} - 1) AS month,
        sum(y.debit)::bigint AS debit, sum(y.credit)::bigint AS credit
    {FROM} AND e.effective_on < ({{last}} + interval '1 month') GROUP BY 1, 2),
grid AS (SELECT s.account_id, m.month::date AS month
    FROM (SELECT account_id, min(month) AS since FROM moved GROUP BY 1) s
    CROSS JOIN LATERAL (SELECT {{first}} - 1 AS month UNION ALL
        SELECT generate_series({{first}}, {{last}}, interval '1 month')::date) m WHERE m.month >= s.since)
SELECT * FROM (
    SELECT g.account_id, g.month, coalesce(b.debit, 0) AS debit, coalesce(b.credit, 0) AS credit,
        (sum(coalesce(b.debit, 0) - coalesce(b.credit, 0)) OVER (PARTITION BY g.account_id ORDER BY g.month))::bigint
            AS closing
    FROM grid g LEFT JOIN moved b ON b.account_id = g.account_id AND b.month = g.month) x
WHERE x.month >= {{first}} ORDER BY x.month, x.account_id"""
_VOUCHERS: Final = f"""SELECT f.position, e.effective_on, e.entry_id, e.entry_kind, e.document_no, e.summary,
    e.functional_class, e.economic_class, e.officer_id, e.supervisor_id, e.crossing_id, m.name AS maker,
    v.name AS approver, y.name AS payer, s.pay_method, t.*
{
    FROM.format(
        side='''LEFT JOIN book b ON b.book = e.book AND e.crossing_id IS NOT NULL
LEFT JOIN staff m ON m.book = coalesce(b.parent_book, e.book) AND m.staff_id = e.maker_id
LEFT JOIN staff v ON v.book = coalesce(b.parent_book, e.book) AND v.staff_id = e.approver_id
LEFT JOIN staff y ON y.book = e.book AND y.staff_id = e.payer_id
LEFT JOIN payment_list s ON s.book = e.book AND s.instruction_id = e.instruction_id''',
        touches="{touches}",
    )
}
AND e.effective_on >= {{first}} AND e.effective_on < {{first}} + interval '1 year'
ORDER BY e.effective_on, f.position, t.line_no"""


class Year(NamedTuple):
    """A fiscal year of a book: how many lines count in it, and its last month with one (its first day)."""

    year: int
    lines: int
    last: date

    @property
    def first(self) -> date:
        """The first of January."""
        return date(self.year, 1, 1)


async def years(connection: Connection, scope: Scope, book: int) -> list[Year]:
    """The years in which lines of the scope count."""
    rows = await connection.fetch(query(_YEARS, scope), *values(scope, book))
    return [Year(**dict(row)) for row in rows]


async def basics(connection: Connection, scope: Scope, book: int) -> tuple[Any, list[Any], list[Any], list[Any]]:
    """The book, the kinds of entry, its units, and the functional and economic classes of the lines."""
    return (
        await connection.fetchrow(_BOOK, book), await connection.fetch(_KINDS), await connection.fetch(_UNITS, book),
        await connection.fetch(query(_CLASSES, scope), *values(scope, book)),
    )  # fmt: skip


def payees(connection: Connection, scope: Scope, book: int) -> AsyncIterator[list[Any]]:
    """The payees of the lines by id; a name and kind where it is an organisation."""
    return batches(connection, query(_PAYEES, scope), values(scope, book))


def balances(connection: Connection, scope: Scope, book: int, year: Year) -> AsyncIterator[list[Any]]:
    """What each account held and moved in each month, from its first to the year's last with lines."""
    text = query(_within(_BALANCES, year), scope, side=SIDES)
    return batches(connection, text, values(scope, book))


def vouchers(connection: Connection, scope: Scope, book: int, year: Year) -> AsyncIterator[list[Any]]:
    """The lines of the year, by effective day, log position and line."""
    text = query(_within(_VOUCHERS, year), scope)
    return batches(connection, text, values(scope, book))


def _within(template: str, year: Year) -> str:
    """Puts the year's dates, which are our own, into a statement."""
    return template.replace("{first}", f"date '{year.first}'").replace("{last}", f"date '{year.last}'")
