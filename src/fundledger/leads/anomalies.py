"""Asking for anomalies: filters, keyset pages, counts, and the parameters in force.

Everything reads the view ``anomaly`` inside the caller's read-only snapshot. `Question.on` and `idle_days` reach the
views as settings of the transaction, so that an auditor's own SQL can ask the same (see docs/anomalies.md). Order of
pages: newest first, then rule, book and the hit's own key; a hit added meanwhile does not move the others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.leads.rules import BY_ID, RULES
from fundledger.money import format_yuan


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: rules (none: all), books, the period of `happened_on`, and the day deadlines are measured on."""

    books: Sequence[int]
    rules: Sequence[str] = field(default=())
    since: date | None = None
    until: date | None = None
    on: date | None = None
    idle_days: int | None = None

    def checked(self) -> Question:
        """Itself; raises `anomaly-rule-unknown` and `anomaly-period-reversed`."""
        for rule in self.rules:
            if rule not in BY_ID:
                raise problem("anomaly-rule-unknown", rules=sorted(BY_ID))
        if self.since and self.until and self.since > self.until:
            raise problem("anomaly-period-reversed", since=str(self.since), until=str(self.until))
        return self

    def bounds(self) -> tuple[list[str], list[int], date, date]:
        """The filters as they are bound: always the same shape, so that every index stays usable."""
        rules = list(self.rules) or [rule.rule for rule in RULES]
        return rules, list(self.books), self.since or date.min, self.until or date.max


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A hit (疑点): which rule, about what, when, how much (fen), and where an inspector finds the records."""

    rule: str
    book: int
    subject_kind: str
    subject_id: UUID | None
    subject_no: str | None
    happened_on: date
    amount: int | None
    evidence: dict[str, Any]
    sort_key: str

    @property
    def position(self) -> Position:
        """Where a page that ends with this hit goes on."""
        return self.happened_on, self.rule, self.book, self.sort_key


Position = tuple[date, str, int, str]
"""A place in the order of pages: happened_on, rule, book, sort_key."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many hits a rule has in a book, and their amounts together (fen; hits without an amount count as 0)."""

    rule: str
    book: int
    count: int
    amount: int


_SETTINGS = """
SELECT set_config('fundledger.day', $1, true), set_config('fundledger.idle_days', $2, true),
       set_config('plan_cache_mode', 'force_custom_plan', true)
"""
_FILTER = "rule = ANY ($1::text[]) AND book = ANY ($2::bigint[]) AND happened_on BETWEEN $3::date AND $4::date"
_PAGE = f"""
SELECT rule, book, subject_kind, subject_id, subject_no, happened_on, amount, evidence::text, sort_key FROM anomaly
WHERE {_FILTER} AND ($6::date IS NULL OR happened_on < $6::date OR (happened_on = $6::date
    AND (rule COLLATE "C", book, sort_key COLLATE "C") > ($7::text, $8::bigint, $9::text)))
ORDER BY happened_on DESC, rule COLLATE "C", book, sort_key COLLATE "C" LIMIT $5
"""
_COUNTS = f"""
SELECT rule, book, count(*) AS count, coalesce(sum(amount), 0)::bigint AS amount FROM anomaly
WHERE {_FILTER} GROUP BY rule, book ORDER BY rule COLLATE "C", book
"""
_PARAMETERS = """
SELECT DISTINCT ON (code) code, value, unit, source FROM parameter
WHERE code = ANY ($1::text[]) AND valid_from <= $2 AND (valid_to IS NULL OR valid_to >= $2)
ORDER BY code, version DESC
"""


async def today(connection: Connection) -> date:
    """The day in Shanghai, by the database's clock."""
    day: date = await connection.fetchval("SELECT shanghai_today()")
    return day


async def find(
    connection: Connection, question: Question, *, limit: int, after: Position | None = None
) -> list[Anomaly]:
    """One page of hits. Must run inside a transaction: the settings end with it."""
    await _ask(connection, question)
    upto = question.bounds()[3] if after is None else min(question.bounds()[3], after[0])
    rules, books, since, _ = question.bounds()
    rows = await connection.fetch(_PAGE, rules, books, since, upto, limit, *(after or (None, None, None, None)))
    return [_anomaly(dict(row)) for row in rows]


async def count(connection: Connection, question: Question) -> list[Count]:
    """How many hits per rule and book; the same filters as `find`. Must run inside a transaction."""
    await _ask(connection, question)
    return [Count(**dict(row)) for row in await connection.fetch(_COUNTS, *question.bounds())]


async def parameters(connection: Connection, on: date) -> dict[str, dict[str, Any]]:
    """The parameters the rules use, as in force on a day, by code: value, unit (fen, percent, days, count), source."""
    codes = sorted({code for rule in RULES for code in rule.parameters})
    rows = await connection.fetch(_PARAMETERS, codes, on)
    return {row["code"]: dict(row) for row in rows}


async def _ask(connection: Connection, question: Question) -> None:
    days = "" if question.idle_days is None else str(question.idle_days)
    await connection.execute(_SETTINGS, "" if question.on is None else question.on.isoformat(), days)


def _anomaly(row: dict[str, Any]) -> Anomaly:
    return Anomaly(**{**row, "evidence": in_yuan(json.loads(row["evidence"]))})


def in_yuan(value: Any) -> Any:
    """Evidence as people read it: every ``*_fen`` becomes a decimal yuan string under the name without the suffix."""
    if isinstance(value, dict):
        return dict(_shown(name, part) for name, part in value.items())
    if isinstance(value, list):
        return [in_yuan(part) for part in value]
    return value


def _shown(name: str, value: Any) -> tuple[str, Any]:
    if name.endswith("_fen") and isinstance(value, int):
        return name.removesuffix("_fen"), format_yuan(value)
    return name, in_yuan(value)
