"""Households and persons of the registry (建档立卡), their statuses, and the programmes' rosters.

Uploads come as CSV, XLSX or JSON, are previewed by ``?preview=true`` (the same work, rolled back), and are taken whole
or not at all. Identity numbers travel in bodies only, never in a URL, and nobody's number, card or name is answered in
clear.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import Version
from fundledger.api.registry import MAKERS, text_of, uuid_of
from fundledger.api.uploads import CSV, XLSX
from fundledger.api.wire import Answer, Body, Cursor, Limit, Text, encode_cursor, mark_replay
from fundledger.book.idempotency import claim
from fundledger.db.connection import Connection
from fundledger.db.database import driver_of
from fundledger.ids import new_id
from fundledger.registry import as_of, households, imports, persons, rosters, statuses
from fundledger.registry.cells import Place
from fundledger.registry.imports import Counts, Import, tentative
from fundledger.registry.rosters import LAST_ID, Action
from fundledger.registry.statuses import Status

router = APIRouter(prefix="/v1/books/{book}", tags=["registry"])
Maker = Annotated[Call, writes(MAKERS, "maker", level="district")]
Reader = Annotated[Call, reads(EVERYBODY)]
Preview = Annotated[bool, Query(description="Check everything and keep nothing.")]
On = Annotated[date | None, Query(description="As of this day; without it, today.")]
Programme = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
FILE: dict[str, Any] = {"requestBody": {"required": True, "content": {CSV: _BINARY, XLSX: _BINARY}}}


class ImportAnswer(Answer):
    """What an upload made, or would make (`import_id` null) when previewed."""

    import_id: UUID | None
    kind: str
    line_count: int
    household_count: int
    person_count: int
    status_count: int
    member_count: int

    @classmethod
    def of(cls, made: Import) -> ImportAnswer:
        """The answer about an upload."""
        counts = made.counts
        return cls(
            import_id=made.import_id, kind=made.kind, line_count=counts.line_count,
            household_count=counts.household_count, person_count=counts.person_count,
            status_count=counts.status_count, member_count=counts.member_count,
        )  # fmt: skip


async def uploaded(
    call: Call, session: AsyncSession, response: Response, book: int, kind: imports.ImportKind, preview: bool,
    run: Callable[[Connection, UUID], Awaitable[Counts]],
) -> ImportAnswer:  # fmt: skip
    """Run an upload once under its key, or only preview it: a preview binds no key and keeps nothing."""
    connection, new = await driver_of(session), new_id()
    if preview:
        response.status_code = 200
        async with tentative(connection, preview=True):
            return ImportAnswer.of(Import(None, kind, await run(connection, new)))
    earlier = await claim(connection, call.caller, call.key, call.request_sha256, "registry_import", new)
    if earlier is None:
        await run(connection, new)
    mark_replay(response, earlier is not None)
    return ImportAnswer.of(await imports.import_of(connection, book, earlier or new))


@router.post("/households/import", status_code=201, openapi_extra=FILE)
async def import_households(
    book: int, request: Request, call: Maker, session: Writing, response: Response, preview: Preview = False
) -> ImportAnswer:
    """Register households and persons from a CSV file, one line a person.

    Headings: 户编号, 村代码, 姓名, 身份证号, 户主, 状态, 状态日期, 文号, optionally 银行卡号, 手机; or their English
    names: household_no, village_code, name, identity_number, is_head, status, status_on, document_no, card, phone.
    """
    data = await request.body()
    return await uploaded(
        call, session, response, book, "households", preview,
        lambda connection, new: households.import_households(
            connection, call.caller, call.services.vault, book, new, call.request_sha256, data
        ),
    )  # fmt: skip


class HouseholdRowAnswer(Answer):
    """A household in a list, with its status as of the day."""

    household_id: UUID
    household_no: str
    village_code: str
    status: str | None


class HouseholdsPage(Answer):
    """Households by number."""

    items: list[HouseholdRowAnswer]
    next: str | None


@router.get("/households")
async def list_households(
    book: int,
    call: Reader,
    session: Reading,
    village_code: Annotated[str | None, Query(pattern=r"^[0-9]{12}$")] = None,
    household_no: Annotated[Text | None, Query(max_length=200)] = None,
    on: On = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> HouseholdsPage:
    """The book's households by number: all, of one village, or the one of a number."""
    found = await as_of.list_households(
        await driver_of(session), book, on=on, after=text_of(cursor), limit=limit,
        village_code=village_code, household_no=household_no,
    )  # fmt: skip
    following = encode_cursor([found[-1].household_no]) if len(found) == limit else None
    return HouseholdsPage(items=[HouseholdRowAnswer.model_validate(row) for row in found], next=following)


class MaskedAnswer(Answer):
    """A person as people may see one; null where there is nothing to show."""

    name: str | None
    identity_number: str | None
    card: str | None


class MemberAnswer(Answer):
    """A member of a household; `status` is the person's own, else the household's."""

    person_id: UUID
    is_head: bool
    masked: MaskedAnswer
    status: str | None


class RosterOfHouseholdAnswer(Answer):
    """A roster the household or one of its members is on."""

    programme_code: str
    payee_id: UUID
    since: date
    document_no: str


class StatusAnswer(Answer):
    """One recorded status; `superseded` when a later version of its day corrects it."""

    subject_id: UUID
    status: str
    valid_from: date
    version: int
    document_no: str
    recorded_at: datetime
    superseded: bool


class HouseholdAnswer(Answer):
    """A household as of a day, with its whole history."""

    household_id: UUID
    household_no: str
    village_code: str
    village_name: str
    on: date
    status: str | None
    members: list[MemberAnswer]
    rosters: list[RosterOfHouseholdAnswer]
    history: list[StatusAnswer]


@router.get("/households/{household_id}")
async def get_household(
    book: int, household_id: UUID, call: Reader, session: Reading, on: On = None
) -> HouseholdAnswer:
    """A household as of a day: status, members (masked), rosters; and every status ever recorded."""
    connection = await driver_of(session)
    view = await as_of.household_as_of(connection, call.services.vault, book, household_id, on)
    return HouseholdAnswer.model_validate(view)


class Lookup(Body):
    """Whom to look for."""

    identity_number: Annotated[str, Field(max_length=40)]


class PersonAnswer(Answer):
    """The registered person of an identity number."""

    person_id: UUID
    household_id: UUID
    household_no: str
    village_code: str
    is_head: bool
    masked: MaskedAnswer


@router.post("/persons/lookup")
async def look_up_person(book: int, body: Lookup, call: Reader, session: Reading) -> PersonAnswer:
    """Find a registered person by identity number, given in the body so that no log of addresses holds it."""
    found = await persons.find_person(await driver_of(session), call.services.vault, book, body.identity_number)
    return PersonAnswer.model_validate(found)


class StatusItem(Body):
    """A status of a household (by number) or of a person (by identity number) from a day on."""

    household_no: Text | None = None
    identity_number: Annotated[str | None, Field(max_length=40)] = None
    status: Status
    status_on: date
    document_no: Text
    version: Version = 1


class StatusesBody(Body):
    """Statuses, all recorded or none."""

    changes: Annotated[list[StatusItem], Field(min_length=1, max_length=10_000)]


@router.post("/statuses", status_code=201)
async def record_statuses(
    book: int, body: StatusesBody, call: Maker, session: Writing, response: Response, preview: Preview = False
) -> ImportAnswer:
    """Record statuses; `version` 2 and on corrects what was recorded for the same day."""
    rows = [(Place(pointer=f"/changes/{number}"), _cells(item)) for number, item in enumerate(body.changes)]
    return await _statuses(book, rows, call, session, response, preview)


@router.post("/statuses/import", status_code=201, openapi_extra=FILE)
async def import_statuses(
    book: int, request: Request, call: Maker, session: Writing, response: Response, preview: Preview = False
) -> ImportAnswer:
    """Record statuses from a CSV file: 户编号 or 身份证号, 状态, 状态日期, 文号, and optionally 版本."""
    return await _statuses(book, await request.body(), call, session, response, preview)


async def _statuses(
    book: int, data: Any, call: Call, session: AsyncSession, response: Response, preview: bool
) -> ImportAnswer:
    async def run(connection: Connection, new: UUID) -> Counts:
        upload = await statuses.read_statuses(connection, call.services.vault, data)
        return await statuses.record_statuses(connection, call.caller, book, new, call.request_sha256, upload)

    return await uploaded(call, session, response, book, "statuses", preview, run)


def _cells(item: Body) -> dict[str, str]:
    """A JSON element as the cells a line of CSV would have."""
    return {name: str(value) for name, value in item.model_dump(mode="json").items() if value is not None}


class MemberItem(Body):
    """A member: a household's number, or a person's identity number, as the programme pays."""

    household_no: Text | None = None
    identity_number: Annotated[str | None, Field(max_length=40)] = None
    version: Version = 1


class RosterBody(Body):
    """Members put on (列入 enrolled) or struck off (剔除 struck_off) from a day on."""

    action: Action
    valid_from: date
    document_no: Text
    members: Annotated[list[MemberItem], Field(min_length=1, max_length=10_000)]


@router.post("/rosters/{programme_code}", status_code=201)
async def record_roster(
    book: int, programme_code: Programme, body: RosterBody, call: Maker, session: Writing, response: Response,
    preview: Preview = False,
) -> ImportAnswer:  # fmt: skip
    """Put members on a programme's roster or strike them off, from a day on."""
    common = {"action": body.action, "valid_from": body.valid_from.isoformat(), "document_no": body.document_no}
    rows = [
        (Place(pointer=f"/members/{number}"), {**common, **_cells(item)}) for number, item in enumerate(body.members)
    ]
    return await _roster(book, programme_code, rows, call, session, response, preview)


@router.post("/rosters/{programme_code}/import", status_code=201, openapi_extra=FILE)
async def import_roster(
    book: int, programme_code: Programme, request: Request, call: Maker, session: Writing, response: Response,
    preview: Preview = False,
) -> ImportAnswer:  # fmt: skip
    """Change a roster from a CSV file: 户编号 or 身份证号, 动作, 生效日期, 文号, and optionally 版本."""
    return await _roster(book, programme_code, await request.body(), call, session, response, preview)


async def _roster(
    book: int, programme_code: str, data: Any, call: Call, session: AsyncSession, response: Response, preview: bool
) -> ImportAnswer:
    async def run(connection: Connection, new: UUID) -> Counts:
        upload = await rosters.read_roster(connection, call.services.vault, data)
        return await rosters.record_roster(
            connection, call.caller, book, programme_code, new, call.request_sha256, upload
        )

    return await uploaded(call, session, response, book, "roster", preview, run)


class RosterMemberAnswer(Answer):
    """A member as of the day: the household, or the person and its household."""

    payee_id: UUID
    household_id: UUID
    household_no: str
    since: date
    version: int
    document_no: str


class RosterPage(Answer):
    """Members as of a day, newest ids first."""

    programme_code: str
    on: date
    members: list[RosterMemberAnswer]
    next: str | None


@router.get("/rosters/{programme_code}")
async def get_roster(
    book: int, programme_code: Programme, call: Reader, session: Reading, on: On = None, limit: Limit = 100,
    cursor: Cursor = None,
) -> RosterPage:  # fmt: skip
    """Who is on a programme's roster as of a day."""
    connection = await driver_of(session)
    day = on or (await imports.limits(connection)).today
    before = uuid_of(cursor, LAST_ID)
    found = await rosters.members_of(connection, book, programme_code, day, before=before, limit=limit)
    return RosterPage(
        programme_code=programme_code, on=day, members=[RosterMemberAnswer.model_validate(row) for row in found],
        next=encode_cursor([found[-1].payee_id]) if len(found) == limit else None,
    )  # fmt: skip
