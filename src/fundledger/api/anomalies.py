"""Anomalies (疑点) for auditors and inspectors: hits of the whole city or of one book, counts, and the rules.

Only units of kind audit and inspection may ask. Everything is read in one snapshot. The first page fixes the day on
which deadlines are measured; its cursor carries that day (and `days`) to the next ones.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from fundledger.access.policy import LEADS
from fundledger.api.deps import Call, Reading, reads
from fundledger.api.wire import Answer, Body, Cursor, Limit, YuanOut, decode_cursor, encode_cursor
from fundledger.db.connection import Connection
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.leads import anomalies
from fundledger.leads.anomalies import Anomaly, Count, Position, Question
from fundledger.leads.rules import BY_ID, RULES, Rule

router = APIRouter(prefix="/v1", tags=["anomalies"])

DAYS_MAX = 36_500
Inspecting = Annotated[Call, reads(LEADS)]


class Filters(Body):
    """What narrows the hits. `from` and `to` bound `happened_on`, both inclusive; deadlines are measured on `on`."""

    model_config = ConfigDict(extra="forbid", str_max_length=500, populate_by_name=True)

    rule: list[str] = Field(default_factory=list, max_length=50, description="rule ids of /v1/anomaly-rules; none: all")
    since: date | None = Field(None, alias="from", description="first day of happened_on")
    until: date | None = Field(None, alias="to", description="last day of happened_on")
    on: date | None = Field(None, description="day on which deadlines are measured; default: today in Shanghai")
    days: int | None = Field(None, ge=0, le=DAYS_MAX, description="of IDL-03, instead of its parameter")

    async def question(self, connection: Connection, books: list[int]) -> Question:
        """What is asked of the views; `on` becomes today where it was left out."""
        on = self.on or await anomalies.today(connection)
        return Question(books, self.rule, self.since, self.until, on, self.days).checked()


class CityFilters(Filters):
    """Filters of the whole city."""

    district: list[str] = Field(default_factory=list, max_length=20, description="codes of books; none: all")

    def books(self, known: frozenset[int]) -> list[int]:
        """The books asked for; raises `book-unknown`."""
        wanted = {str(book): book for book in sorted(known)}
        for text in self.district:
            if text not in wanted:
                raise problem("book-unknown", book=text[:20])
        return [wanted[text] for text in self.district] or sorted(known)


class Paging(Filters):
    """Filters of one book, with paging."""

    limit: Limit = 100
    cursor: Cursor = None


class CityPaging(CityFilters):
    """Filters of the whole city, with paging."""

    limit: Limit = 100
    cursor: Cursor = None


class AnomalyAnswer(Answer):
    """One hit. `evidence` differs by rule; amounts in it are yuan strings, and nobody's number or card is in it."""

    rule: str
    name_zh: str
    name_en: str
    book: str
    subject_kind: str
    subject_id: UUID | None
    subject_no: str | None
    happened_on: date
    amount: YuanOut | None
    evidence: dict[str, Any]
    key: str

    @classmethod
    def of(cls, hit: Anomaly) -> AnomalyAnswer:
        """The answer about a hit; `key` is unique within rule and book."""
        rule = BY_ID[hit.rule]
        return cls(
            rule=hit.rule, name_zh=rule.name_zh, name_en=rule.name_en, book=str(hit.book),
            subject_kind=hit.subject_kind, subject_id=hit.subject_id, subject_no=hit.subject_no,
            happened_on=hit.happened_on, amount=hit.amount, evidence=hit.evidence, key=hit.sort_key,
        )  # fmt: skip


class AnomalyPage(Answer):
    """A page of hits, newest first; `next` is the cursor of the next page, null on the last one."""

    on: date
    items: list[AnomalyAnswer]
    next: str | None


class CountAnswer(Answer):
    """How many hits one rule has in one book, and their amounts together."""

    rule: str
    name_zh: str
    name_en: str
    book: str
    count: int
    amount: YuanOut

    @classmethod
    def of(cls, row: Count) -> CountAnswer:
        """The answer about a count."""
        rule = BY_ID[row.rule]
        return cls(rule=row.rule, name_zh=rule.name_zh, name_en=rule.name_en, book=str(row.book), count=row.count,
                   amount=row.amount)  # fmt: skip


class Summary(Answer):
    """Hits counted per rule and book; rules and books without a hit are left out."""

    on: date
    count: int
    rows: list[CountAnswer]


class RuleParameter(Answer):
    """A parameter in force on the asked day; `value` is in `unit` (fen are shown as yuan), null where none is valid."""

    code: str
    value: str | None
    unit: str | None
    source: str | None


class RuleAnswer(Answer):
    """A rule as people read it; `view` is the SQL view an auditor may select."""

    rule: str
    view: str
    severity: str
    name_zh: str
    name_en: str
    meaning_zh: str
    meaning_en: str
    false_alarms_zh: str
    false_alarms_en: str
    happened_on: str
    amount: str
    source: str
    parameters: list[RuleParameter]

    @classmethod
    def of(cls, rule: Rule, values: dict[str, dict[str, Any]]) -> RuleAnswer:
        """The answer about a rule, with the values of its parameters."""
        shown = {name: getattr(rule, name) for name in cls.model_fields if name != "parameters"}
        return cls(**shown, parameters=[_parameter(code, values.get(code)) for code in rule.parameters])


@router.get("/anomalies")
async def list_anomalies(call: Inspecting, session: Reading, asked: Annotated[CityPaging, Query()]) -> AnomalyPage:
    """What looks wrong in the whole city, by rule, district and period; newest first."""
    return await _page(await driver_of(session), asked, asked.books(call.services.books))


@router.get("/anomalies/summary")
async def summarise_anomalies(call: Inspecting, session: Reading, asked: Annotated[CityFilters, Query()]) -> Summary:
    """How many hits each rule has in each district, with the filters of the list."""
    return await _summary(await driver_of(session), asked, asked.books(call.services.books))


@router.get("/anomaly-rules")
async def list_anomaly_rules(call: Inspecting, session: Reading, on: date | None = None) -> list[RuleAnswer]:
    """The rules: what they mean, when they are wrong, what they rest on, and the parameters in force on a day."""
    connection = await driver_of(session)
    values = await anomalies.parameters(connection, on or await anomalies.today(connection))
    return [RuleAnswer.of(rule, values) for rule in RULES]


@router.get("/books/{book}/anomalies")
async def list_anomalies_of_book(
    book: int, call: Inspecting, session: Reading, asked: Annotated[Paging, Query()]
) -> AnomalyPage:
    """What looks wrong in one book; a hit that touches two districts is shown in both."""
    return await _page(await driver_of(session), asked, [book])


@router.get("/books/{book}/anomalies/summary")
async def summarise_anomalies_of_book(
    book: int, call: Inspecting, session: Reading, asked: Annotated[Filters, Query()]
) -> Summary:
    """How many hits each rule has in one book."""
    return await _summary(await driver_of(session), asked, [book])


async def _page(connection: Connection, asked: Paging | CityPaging, books: list[int]) -> AnomalyPage:
    after = _position(asked)
    question = await asked.question(connection, books)
    hits = await anomalies.find(connection, question, limit=asked.limit + 1, after=after)
    more = len(hits) > asked.limit
    hits = hits[: asked.limit]
    cursor = encode_cursor([question.on, asked.days, *hits[-1].position]) if more else None
    return AnomalyPage(on=question.on, items=[AnomalyAnswer.of(hit) for hit in hits], next=cursor)


async def _summary(connection: Connection, asked: Filters, books: list[int]) -> Summary:
    question = await asked.question(connection, books)
    rows = [CountAnswer.of(row) for row in await anomalies.count(connection, question)]
    return Summary(on=question.on, count=sum(row.count for row in rows), rows=rows)


def _position(asked: Paging | CityPaging) -> Position | None:
    """Where the page goes on; the cursor's `on` and `days` take the place of those that were left out."""
    values = decode_cursor(asked.cursor, 6)
    if values is None:
        return None
    on, days, happened_on, rule, book, key = values
    whole = isinstance(rule, str) and isinstance(key, str) and key.isprintable() and isinstance(book, int)
    counted = days is None or (isinstance(days, int) and 0 <= days <= DAYS_MAX)
    if not whole or not counted or rule not in BY_ID or not 0 < book < 10**12:
        raise problem("cursor-malformed")
    try:
        day, position = date.fromisoformat(on), (date.fromisoformat(happened_on), rule, book, key)
    except (TypeError, ValueError) as error:
        raise problem("cursor-malformed") from error
    # The other filters are the caller's to repeat; these two decide what a hit is.
    if asked.on not in (None, day) or asked.days not in (None, days):
        raise problem("cursor-malformed")
    asked.on, asked.days = day, days
    return position


def _parameter(code: str, row: dict[str, Any] | None) -> RuleParameter:
    if row is None:
        return RuleParameter(code=code, value=None, unit=None, source=None)
    value = anomalies.in_yuan({"value_fen": row["value"]})["value"] if row["unit"] == "fen" else str(row["value"])
    return RuleParameter(code=code, value=value, unit=row["unit"], source=row["source"])
