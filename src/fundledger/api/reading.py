"""What the reading routes share: as of when, identifiers in answers, and cursors that are never trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from pydantic import AwareDatetime, PlainSerializer, WithJsonSchema

from fundledger.api.wire import Answer, Text, decode_cursor
from fundledger.book.asof import AsOf, as_of
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.trail.starts import FIELDS

BookOut = Annotated[
    int, PlainSerializer(str, return_type=str), WithJsonSchema({"type": "string", "pattern": "^[0-9]{6}$"})
]
"""A book's code in an answer: a string, like every identifier."""
Hash = Annotated[
    bytes, PlainSerializer(bytes.hex, return_type=str), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})
]
"""A SHA-256 in an answer, as hex."""

POSITION_MAX = 2**62
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2900, 1, 1, tzinfo=UTC)
Position = Annotated[int | None, Query(ge=0, le=POSITION_MAX, description="as of this log position")]
Instant = Annotated[
    AwareDatetime | None, Query(ge=EARLIEST, le=LATEST, description="as of what was known at this instant")
]
Year = Annotated[int | None, Query(ge=1900, le=2900)]
District = Annotated[int | None, Query(ge=100_000, le=999_999)]
Word = Annotated[Text | None, Query(max_length=100)]


@dataclass(frozen=True, slots=True)
class AsOfAsked:
    """As of when, as a caller says it: at most one."""

    effective_on: date | None
    position: int | None
    known_at: datetime | None

    async def settle(self, connection: Connection) -> AsOf:
        """The date that is meant; raises `as-of-ambiguous`, `as-of-not-reached`."""
        return await as_of(connection, effective_on=self.effective_on, position=self.position, known_at=self.known_at)


async def _as_of(
    effective_on: Annotated[date | None, Query(description="as of the end of this effective day")] = None,
    position: Position = None,
    known_at: Instant = None,
) -> AsOfAsked:
    return AsOfAsked(effective_on, position, known_at)


AsOfQuery = Annotated[AsOfAsked, Depends(_as_of)]


@dataclass(frozen=True, slots=True)
class SubjectAsked:
    """What a trail is of, as a caller names it: values by the names of `FIELDS`, and the line of an entry."""

    fields: Mapping[str, UUID | str]
    line_no: int | None


async def _subject(
    entry_id: Annotated[UUID | None, Query(description="an entry; with line_no one line of it")] = None,
    line_no: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    release_id: Annotated[UUID | None, Query(description="the entry of a release (指标下达)")] = None,
    document_no: Annotated[Word, Query(description="a document number (文号, 指标文号)")] = None,
    allocation_id: UUID | None = None,
    project_id: UUID | None = None,
    village_code: Word = None,
    household_id: UUID | None = None,
    household_no: Word = None,
    person_id: UUID | None = None,
    organisation_id: UUID | None = None,
    procurement_id: Annotated[UUID | None, Query(description="what was paid under a procurement (招标, 合同)")] = None,
    officer_id: Annotated[
        UUID | None, Query(description="what left the book in entries that an officer (责任人) answered for")
    ] = None,
) -> SubjectAsked:
    values = (
        entry_id, release_id, document_no, allocation_id, project_id, village_code, household_id, household_no,
        person_id, organisation_id, procurement_id, officer_id,
    )  # fmt: skip
    found = zip(FIELDS, values, strict=True)
    return SubjectAsked({name: value for name, value in found if value is not None}, line_no)


SubjectQuery = Annotated[SubjectAsked, Depends(_subject)]


class AsOfAnswer(Answer):
    """As of when the answer is; both null: everything committed."""

    effective_on: date | None
    position: int | None


def read_cursor(cursor: str | None, *types: type) -> list[Any] | None:
    """The values of a cursor, each of its type; raises `cursor-malformed` for anything that no answer of ours gave."""
    values = decode_cursor(cursor, len(types))
    if values is None:
        return None
    try:
        return [_typed(value, wanted) for value, wanted in zip(values, types, strict=True)]
    except (TypeError, ValueError) as error:
        raise problem("cursor-malformed") from error


def read_version_cursor(cursor: str | None) -> tuple[UUID, int] | None:
    """A record's id and version; raises `cursor-malformed`."""
    values = read_cursor(cursor, UUID, int)
    return None if values is None else (values[0], min(values[1], 2**31 - 1))


def _typed(value: Any, wanted: type) -> Any:
    if wanted is int:
        if type(value) is not int or not 0 <= value < 2**62:
            raise ValueError("not a count")
        return value
    if not isinstance(value, str):
        raise TypeError("not a text")
    return date.fromisoformat(value) if wanted is date else UUID(value)
