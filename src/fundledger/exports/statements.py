"""The SQL of an export: a SELECT over the transfers of a stretch of the log, of one long entry, or of a trail's edges.

Every table behind the first is looked up by its key, in the order written (`SETTINGS`), and rows come in the order of
an index: a stretch is sorted entry by entry at most, a long entry and edges not at all; nothing grows with the export.
What is read of a project or contract is the version that was known when the entry was posted; everything else never
changes. The statements are built from constants of ours; what is asked is bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fundledger.db.connection import Connection
from fundledger.exports.columns import Column, columns_of
from fundledger.exports.scope import Layout
from fundledger.files.csv_table import FORMULA
from fundledger.sealing.leaf import PAYMENTS

SETTINGS: Final = {
    # The joins as written, by index, in order: a plan made for a small book must not read a large one whole.
    "join_collapse_limit": "1", "from_collapse_limit": "1", "enable_hashjoin": "off", "enable_mergejoin": "off",
    "max_parallel_workers_per_gather": "0", "work_mem": "32MB", "jit": "off", "plan_cache_mode": "force_custom_plan",
    # How values become text.
    "datestyle": "ISO, YMD", "timezone": "UTC", "extra_float_digits": "1", "bytea_output": "hex",
}  # fmt: skip
_SET: Final = "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in SETTINGS.items())
LONG_LINES: Final = 20_000
"""Entries with more lines are read by a statement of their own (the partial index entry_long knows them)."""

_STRETCH: Final = """log_leaf f
JOIN entry e ON e.book = f.book AND e.entry_id = f.record_id
JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id"""
_ENTRY: Final = """transfer t
JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
JOIN log_leaf f ON f.book = t.book AND f.kind = 'entry' AND f.record_id = t.entry_id AND f.version = 1"""
_EDGES: Final = """unnest($2::uuid[], $3::integer[], $4::integer[], $5::text[], $6::bigint[], $7::bigint[],
    $8::bigint[])
    WITH ORDINALITY x (entry_id, line_no, depth, step, at, "offset", amount, n)
JOIN transfer t ON t.book = $1 AND t.entry_id = x.entry_id AND t.line_no = x.line_no
JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
LEFT JOIN log_leaf f ON f.book = t.book AND f.kind = 'entry' AND f.record_id = t.entry_id AND f.version = 1"""

_PAYS: Final = "e.entry_kind IN (" + ", ".join(f"'{kind}'" for kind in sorted(PAYMENTS)) + ")"
_PLACE: Final = "CASE WHEN e.crossing_id IS NULL THEN e.book ELSE coalesce(b.parent_book, b.book) END"
_JOINS: Final = f"""
JOIN book b ON b.book = e.book
JOIN account d ON d.book = t.book AND d.account_id = t.debit_account
JOIN account c ON c.book = t.book AND c.account_id = t.credit_account
LEFT JOIN instruction n ON n.book = {_PLACE} AND n.instruction_id = e.instruction_id
LEFT JOIN allocation l ON l.book = t.book AND l.allocation_id = coalesce(d.allocation_id, c.allocation_id)
LEFT JOIN budget_line g ON g.book = t.book AND g.budget_line_id = coalesce(d.budget_line_id, c.budget_line_id)
LEFT JOIN LATERAL (SELECT v.code, v.name, v.category, v.programme_code, v.village_code FROM project v
    WHERE v.book = t.book AND v.project_id = coalesce(d.project_id, c.project_id) AND v.recorded_at <= e.recorded_at
    ORDER BY v.version DESC LIMIT 1) j ON true
LEFT JOIN payment_list s ON s.book = e.book AND s.instruction_id = e.instruction_id
LEFT JOIN LATERAL (SELECT v.procurement_id, v.contract_no FROM procurement v
    WHERE v.book = t.book AND v.procurement_id = s.procurement_id AND v.recorded_at <= e.recorded_at
    ORDER BY v.version DESC LIMIT 1) r ON true
LEFT JOIN payment_line p ON p.book = t.book AND p.instruction_id = e.instruction_id AND p.line_no = t.line_no
LEFT JOIN person q ON q.book = t.book AND q.person_id = CASE WHEN p.payee_id IS NULL THEN t.payee_id END
LEFT JOIN household h ON h.book = t.book AND h.household_id = coalesce(p.household_id, q.household_id, t.payee_id)
LEFT JOIN organisation o ON o.book = t.book
    AND o.organisation_id = CASE WHEN coalesce(s.payee_kind, 'organisation') = 'organisation' THEN t.payee_id END"""
_BOTH_SIDES: Final = """
CROSS JOIN (VALUES (1), (2)) y (side)
JOIN account_kind k ON k.account_kind = CASE WHEN y.side = 1 THEN d.account_kind ELSE c.account_kind END"""
# What was paid or advanced, and what of it came back (a settlement moves no cash).
_VOUCHERS: Final = f"""({_PAYS} AND t.undoes_entry_id IS NULL AND d.account_kind IN ('paid', 'paid_other', 'advanced')
    OR t.undoes_entry_id IS NOT NULL AND c.account_kind IN ('paid', 'paid_other', 'advanced')
       AND NOT EXISTS (SELECT FROM transfer z WHERE z.book = t.book AND z.entry_id = t.undoes_entry_id
                       AND z.line_no = t.undoes_line_no AND z.settles_entry_id IS NOT NULL))"""

Render = Callable[[Column, str], str]
"""How a format wants a column's value: SQL in, SQL out."""


async def prepare(connection: Connection) -> None:
    """The settings of the statements, for the rest of the transaction."""
    await connection.execute(_SET)


def stretch(layout: Layout, render: Render) -> str:
    """Rows of the entries at log positions $1 <= position < $2 of the books $3, but for long ones; in that order."""
    where = f"""f.position >= $1::bigint AND f.position < $2::bigint AND f.kind = 'entry'
    AND f.book = ANY ($3::bigint[]) AND e.line_count <= {LONG_LINES}"""
    return _select(layout, render, _STRETCH, where, "f.position, t.line_no")


def long_entry(layout: Layout, render: Render) -> str:
    """Rows of the lines $3 <= line_no < $4 of the entry $2 of book $1, in order."""
    where = "t.book = $1::bigint AND t.entry_id = $2::uuid AND t.line_no >= $3::integer AND t.line_no < $4::integer"
    return _select(layout, render, _ENTRY, where, "t.line_no")


def edges(layout: Layout, render: Render) -> str:
    """Rows of a trail's slices in book $1: entries, lines, depths, steps, places, offsets, amounts; in their order."""
    return _select(layout, render, _EDGES, "true", "x.n", trail=True)


def _select(layout: Layout, render: Render, head: str, where: str, order: str, *, trail: bool = False) -> str:
    amount = "x.amount" if trail else "t.amount"
    values = ", ".join(
        f'{render(column, column.sql.format(amount=amount))} AS "{column.name}"'
        for column in columns_of(layout, trail=trail)
    )
    both, sides = (_BOTH_SIDES, ", y.side") if layout == "accounting_voucher" else ("", "")
    only = f" AND {_VOUCHERS}" if layout == "payment_voucher" else ""
    return f"SELECT {values}\nFROM {head}{_JOINS}{both}\nWHERE {where}{only}\nORDER BY {order}{sides}"


def as_text(column: Column, sql: str) -> str:
    """The value as people read it: yuan with two decimals, an instant as RFC 3339 in UTC; no value stays null."""
    if column.kind == "amount":
        return f"({sql}) * 0.01"
    if column.kind == "instant":
        return f"""to_char(({sql}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    return sql


_NUMBER: Final = r"^-*([0-9]+\.?[0-9]*|\.[0-9]+)$"
_FIRST: Final = ", ".join(str(ord(character)) for character in FORMULA)


def as_cell(column: Column, sql: str) -> str:
    """The same, and a text that a spreadsheet would run as a formula is led by an apostrophe (files.csv_table.safe)."""
    if column.kind != "text":
        return as_text(column, sql)
    return f"CASE WHEN ascii({sql}) IN ({_FIRST}) AND {sql} !~ '{_NUMBER}' THEN '''' || ({sql}) ELSE {sql} END"
