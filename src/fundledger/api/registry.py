"""Divisions, yearly village lists, and organisations. Households, statuses and rosters: see `households`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import BookOut, Code, FiscalYear, Version
from fundledger.api.wire import Answer, Body, Cursor, Limit, Text, decode_cursor, encode_cursor, mark_replay
from fundledger.book.idempotency import claim
from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.ids import new_id
from fundledger.registry import divisions, organisations, village_lists
from fundledger.registry.organisations import OrganisationKind
from fundledger.registry.village_lists import ListVersion, NewVillageList

router = APIRouter(prefix="/v1/books/{book}", tags=["registry"])
DivisionCode = Annotated[str, Field(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$")]
FIRST_ID = UUID(int=0)
MAKERS = frozenset({"finance", "poverty_office"})


class DivisionAnswer(Answer):
    """A division (行政区划)."""

    book: BookOut
    code: str
    name: str
    level: str
    parent_code: str | None
    source: str


class DivisionsPage(Answer):
    """Divisions by code; `next` is the cursor of the next page."""

    items: list[DivisionAnswer]
    next: str | None


Level = Literal["city", "district", "township", "village", "community"]


@router.get("/divisions")
async def list_divisions(
    book: int,
    call: Annotated[Call, reads(EVERYBODY)],
    session: Reading,
    level: Level | None = None,
    parent: Annotated[DivisionCode | None, Query(description="Those directly below this division.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> DivisionsPage:
    """The book's divisions by code: all, of one level, or directly below one."""
    after = text_of(cursor)
    found = await divisions.list_divisions(
        await driver_of(session), book, level=level, parent_code=parent, after=after, limit=limit
    )
    following = encode_cursor([found[-1].code]) if len(found) == limit else None
    return DivisionsPage(items=[DivisionAnswer.model_validate(row) for row in found], next=following)


@router.get("/divisions/{code}")
async def get_division(
    book: int, code: DivisionCode, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> DivisionAnswer:
    """One division of the book."""
    return DivisionAnswer.model_validate(await divisions.division_of(await driver_of(session), book, code))


class VillageListBody(Body):
    """A fund's villages of a fiscal year; a later list of the same year is the next `version` and replaces it whole."""

    fund_code: Code
    fiscal_year: FiscalYear
    version: Version = 1
    document_no: Text
    exception_document_no: Text | None = None
    villages: Annotated[list[DivisionCode], Field(min_length=1, max_length=5_000)]


class ListVersionAnswer(Answer):
    """One version of a list; `village_count` of this book, in the city's book of all districts."""

    list_id: UUID
    fund_code: str
    fiscal_year: int
    version: int
    village_count: int
    document_no: str
    exception_document_no: str | None
    recorded_by: UUID
    recorded_at: datetime


@router.post("/village-lists", status_code=201)
async def create_village_list(
    book: int,
    body: VillageListBody,
    call: Annotated[Call, writes(frozenset({"finance"}), "maker", level="city")],
    session: Writing,
    response: Response,
) -> ListVersionAnswer:
    """Record the whole year's list of a fund (M01, M02) in every district's book at once, as a new version."""
    connection = await driver_of(session)
    new = NewVillageList(
        new_id(),
        body.fund_code,
        body.fiscal_year,
        body.version,
        body.document_no,
        body.villages,
        body.exception_document_no,
    )
    earlier = await claim(connection, call.caller, call.key, call.request_sha256, "village_list", new.list_id)
    if earlier is None:
        await village_lists.record_village_list(connection, call.caller, new)
    mark_replay(response, earlier is not None)
    return ListVersionAnswer.model_validate(await village_lists.version_of_list(connection, earlier or new.list_id))


class ListedVillageAnswer(Answer):
    """A village or community on a list, with its township."""

    book: BookOut
    village_code: str
    name: str
    level: str
    township_code: str | None
    township_name: str | None


class VillageListPage(Answer):
    """A version of a list, a page of its villages, and all versions of the year, newest first."""

    fund_code: str
    fiscal_year: int
    version: int
    villages: list[ListedVillageAnswer]
    versions: list[ListVersionAnswer]
    next: str | None


@router.get("/village-lists")
async def get_village_list(
    book: int,
    fund_code: Annotated[Code, Query()],
    fiscal_year: Annotated[FiscalYear, Query()],
    call: Annotated[Call, reads(EVERYBODY)],
    session: Reading,
    version: Annotated[Version | None, Query(description="Without it, the newest.")] = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
) -> VillageListPage:
    """A fund's list of a year in this book (the city's: of all); the newest version or the one asked for."""
    connection = await driver_of(session)
    versions = await village_lists.list_versions(connection, book, fund_code, fiscal_year)
    chosen = _chosen(versions, version)
    found = await village_lists.villages_on_list(
        connection, book, fund_code, fiscal_year, chosen,
        after=text_of(cursor), limit=limit,
    )  # fmt: skip
    return VillageListPage(
        fund_code=fund_code, fiscal_year=fiscal_year, version=chosen,
        villages=[ListedVillageAnswer.model_validate(row) for row in found],
        versions=[ListVersionAnswer.model_validate(row) for row in versions],
        next=encode_cursor([found[-1].village_code]) if len(found) == limit else None,
    )  # fmt: skip


def _chosen(versions: list[ListVersion], version: int | None) -> int:
    numbers = [row.version for row in versions]
    if not numbers or (version is not None and version not in numbers):
        raise problem("village-list-not-found")
    return version or numbers[0]


class OrganisationBody(Body):
    """A payee that is no person: 供应商, 村集体, 企业, 机构 in the order of `kind`."""

    kind: OrganisationKind
    name: Text
    credit_code: Text
    account: Text | None = None


class OrganisationAnswer(Answer):
    """An organisation; the account is masked."""

    organisation_id: UUID
    kind: str
    name: str
    credit_code: str
    account: str | None
    recorded_at: datetime


class OrganisationsPage(Answer):
    """Organisations, oldest first."""

    items: list[OrganisationAnswer]
    next: str | None


@router.post("/organisations", status_code=201)
async def create_organisation(
    book: int,
    body: OrganisationBody,
    call: Annotated[Call, writes(MAKERS, "maker")],
    session: Writing,
    response: Response,
) -> OrganisationAnswer:
    """Record an organisation by its checked social credit code; the account is kept sealed."""
    connection, vault, new = await driver_of(session), call.services.vault, new_id()
    earlier = await claim(connection, call.caller, call.key, call.request_sha256, "organisation", new)
    if earlier is None:
        await organisations.add_organisation(
            connection, call.caller, vault, book, new,
            kind=body.kind, name=body.name, credit_code=body.credit_code, account=body.account,
        )  # fmt: skip
    mark_replay(response, earlier is not None)
    return OrganisationAnswer.model_validate(
        await organisations.organisation_of(connection, vault, book, earlier or new)
    )


@router.get("/organisations")
async def list_organisations(
    book: int,
    call: Annotated[Call, reads(EVERYBODY)],
    session: Reading,
    kind: OrganisationKind | None = None,
    credit_code: Annotated[Text | None, Query(max_length=40)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> OrganisationsPage:
    """The book's organisations: all, of one kind, or the one of a credit code."""
    after = uuid_of(cursor, FIRST_ID)
    found = await organisations.list_organisations(
        await driver_of(session), call.services.vault, book,
        kind=kind, credit_code=credit_code, after=after, limit=limit,
    )  # fmt: skip
    following = encode_cursor([found[-1].organisation_id]) if len(found) == limit else None
    return OrganisationsPage(items=[OrganisationAnswer.model_validate(row) for row in found], next=following)


@router.get("/organisations/{organisation_id}")
async def get_organisation(
    book: int, organisation_id: UUID, call: Annotated[Call, reads(EVERYBODY)], session: Reading
) -> OrganisationAnswer:
    """One organisation."""
    return OrganisationAnswer.model_validate(
        await organisations.organisation_of(await driver_of(session), call.services.vault, book, organisation_id)
    )


def text_of(cursor: str | None) -> str:
    """The text a cursor stands for, or what comes before every text; `cursor-malformed`."""
    value = (decode_cursor(cursor, 1) or [""])[0]
    if not isinstance(value, str) or not value.isprintable():
        raise problem("cursor-malformed")
    return value


def uuid_of(cursor: str | None, first: UUID) -> UUID:
    """The id a cursor stands for, or `first`; `cursor-malformed`."""
    try:
        return UUID(str((decode_cursor(cursor, 1) or [first])[0]))
    except ValueError:
        raise problem("cursor-malformed") from None
