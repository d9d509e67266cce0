"""Who may do what: every route, tried by every kind of person, in the city's book and two districts' books.

EXPECTED is written by hand and knows nothing of what a route declares: a demand that lets in too many or too few
differs from it, and a route that is not in it fails. Add a line here with every new route. People are named as in
`builders`; "home" is the district of most of them, "away" is another district.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from fundledger.access.policy import Caller
from fundledger.access.tokens import add_staff, add_unit, issue, revoke
from fundledger.api.openapi import routes_of
from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, World, make_world
from tests.databases import Database, TestServer, cloned, connected
from tests.sealing.sealed import seal
from tests.web import Api, running_api

People = frozenset[str]


def people(names: str) -> People:
    return frozenset(names.split())


NOBODY = people("")
CITY_OFFICES = people("city-maker city-approver city-payer city-poverty-maker city-poverty-approver")
HOME_OFFICES = people(
    "district-maker district-approver district-payer poverty-maker poverty-approver poverty-payer "
    "township-maker township-approver township-payer"
)
AWAY_OFFICES = people("other-maker other-approver other-payer")
WATCHERS = people("auditor inspector")
ADMIN = people("admin")
VILLAGE = people("village-maker")
ALL = CITY_OFFICES | HOME_OFFICES | AWAY_OFFICES | WATCHERS | ADMIN | VILLAGE

MORE_PEOPLE = (
    ("city-payer", CITY, "finance", "payer"), ("city-poverty-maker", CITY, "poverty_office", "maker"),
    ("city-poverty-approver", CITY, "poverty_office", "approver"),
    ("poverty-payer", DISTRICT, "poverty_office", "payer"),
    ("township-payer", DISTRICT, "township", "payer"),
    ("village-maker", DISTRICT, "village", "maker"),
)  # fmt: skip
"""Beside the people of `builders`; a payer who is not of a finance bureau may pay nothing."""


@dataclass(frozen=True)
class Expect:
    """Who gets past the door: in the city's book, in the home district's, in another district's."""

    city: People
    home: People
    away: People

    def of(self, book: int | None) -> People:
        return {CITY: self.city, DISTRICT: self.home, OTHER_DISTRICT: self.away, None: self.city}[book]


def anywhere(who: People) -> Expect:
    return Expect(who, who, who)


PUBLIC = anywhere(ALL)
OFFICES_AND_WATCHERS = anywhere(ALL - ADMIN - VILLAGE)
READ = Expect(
    CITY_OFFICES | WATCHERS, CITY_OFFICES | HOME_OFFICES | WATCHERS, CITY_OFFICES | AWAY_OFFICES | WATCHERS
)  # fmt: skip
READ_DOCUMENTS = Expect(CITY_OFFICES | WATCHERS, HOME_OFFICES | WATCHERS, AWAY_OFFICES | WATCHERS)
WATCH = anywhere(WATCHERS)
CITY_BUREAUS_DRAFT = Expect(people("city-maker city-poverty-maker"), NOBODY, NOBODY)
CITY_BUREAUS_APPROVE = Expect(people("city-approver city-poverty-approver"), NOBODY, NOBODY)
CITY_FINANCE_DRAFTS = Expect(people("city-maker"), NOBODY, NOBODY)
FINANCE_DRAFTS = Expect(people("city-maker"), people("district-maker"), people("other-maker"))
DISTRICT_FINANCE_DRAFTS = Expect(NOBODY, people("district-maker"), people("other-maker"))
DISTRICT_BUREAUS_DRAFT = Expect(NOBODY, people("district-maker poverty-maker"), people("other-maker"))
DISTRICT_OFFICES_DRAFT = Expect(NOBODY, people("district-maker poverty-maker township-maker"), people("other-maker"))
DISTRICT_BUREAUS_APPROVE = Expect(NOBODY, people("district-approver poverty-approver"), people("other-approver"))
DISTRICT_OFFICES_APPROVE = Expect(
    NOBODY, people("district-approver poverty-approver township-approver"), people("other-approver")
)
BUREAUS_DRAFT = Expect(
    people("city-maker city-poverty-maker"), people("district-maker poverty-maker"), people("other-maker")
)
OFFICES_DRAFT = Expect(
    people("city-maker city-poverty-maker"),
    people("district-maker poverty-maker township-maker"),
    people("other-maker"),
)
OFFICES_APPROVE = Expect(
    people("city-approver city-poverty-approver"),
    people("district-approver poverty-approver township-approver"),
    people("other-approver"),
)
FINANCE_APPROVES = Expect(people("city-approver"), people("district-approver"), people("other-approver"))
READ_WITH_VILLAGES = Expect(READ.city, READ.home | VILLAGE, READ.away)
DISTRICT_PROPOSES = Expect(NOBODY, DISTRICT_OFFICES_DRAFT.home | VILLAGE, DISTRICT_OFFICES_DRAFT.away)
PUBLISH = Expect(OFFICES_DRAFT.city, OFFICES_DRAFT.home | VILLAGE, OFFICES_DRAFT.away)
CITY_FINANCE_APPROVES = Expect(people("city-approver"), NOBODY, NOBODY)
DISTRICT_FINANCE_PAYS = Expect(NOBODY, people("district-payer"), people("other-payer"))

EXPECTED: dict[str, Expect] = {
    "GET /healthz": PUBLIC,
    "GET /problems": PUBLIC,
    "GET /problems/{code}": PUBLIC,
    # instructions
    "GET /v1/books/{book}/instructions/{instruction_id}": READ,
    "POST /v1/books/{book}/instructions/{instruction_id}/approve": OFFICES_APPROVE,
    "POST /v1/books/{book}/instructions/{instruction_id}/reject": OFFICES_APPROVE,
    # budget
    "GET /v1/books/{book}/budget-lines": READ,
    "POST /v1/books/{book}/budget-lines": CITY_FINANCE_DRAFTS,
    "GET /v1/books/{book}/allocations": READ,
    "GET /v1/books/{book}/allocations/{allocation_id}": READ,
    "POST /v1/books/{book}/allocations": CITY_FINANCE_DRAFTS,
    "POST /v1/books/{book}/allocations/by-factors": CITY_FINANCE_DRAFTS,
    "POST /v1/books/{book}/allocations/by-standard": CITY_FINANCE_DRAFTS,
    "GET /v1/books/{book}/allocations/computations/{instruction_id}": READ,
    "GET /v1/books/{book}/declared-figures": READ,
    "POST /v1/books/{book}/declared-figures": DISTRICT_FINANCE_DRAFTS,
    "GET /v1/books/{book}/floors": READ,
    "GET /v1/books/{book}/floors/findings": READ,
    "POST /v1/books/{book}/own-money": DISTRICT_FINANCE_DRAFTS,
    "POST /v1/books/{book}/fundings": DISTRICT_BUREAUS_DRAFT,
    "POST /v1/books/{book}/reversals": BUREAUS_DRAFT,
    "GET /v1/books/{book}/periods": READ,
    "POST /v1/books/{book}/periods/{month}/close": FINANCE_APPROVES,
    "POST /v1/books/{book}/virements": CITY_FINANCE_DRAFTS,
    "POST /v1/books/{book}/recoveries": CITY_FINANCE_DRAFTS,
    "POST /v1/books/{book}/surpluses": FINANCE_DRAFTS,
    "POST /v1/books/{book}/defundings": DISTRICT_BUREAUS_DRAFT,
    "POST /v1/books/{book}/carry-overs": DISTRICT_FINANCE_DRAFTS,
    "GET /v1/books/{book}/years/{year}": READ,
    "POST /v1/books/{book}/years/{year}/close": FINANCE_APPROVES,
    "GET /v1/books/{book}/releases": READ,
    "POST /v1/books/{book}/releases": CITY_FINANCE_DRAFTS,
    "GET /v1/books/{book}/releases/{entry_id}/lines": READ,
    # projects
    "GET /v1/books/{book}/units": READ,
    "GET /v1/books/{book}/officers": READ,
    "POST /v1/books/{book}/officers": OFFICES_DRAFT,
    "GET /v1/books/{book}/officers/{officer_id}": READ,
    "POST /v1/books/{book}/officers/{officer_id}/versions": OFFICES_DRAFT,
    "GET /v1/books/{book}/officers/{officer_id}/term-report": READ,
    "GET /v1/books/{book}/projects": READ_WITH_VILLAGES,
    "POST /v1/books/{book}/projects": DISTRICT_PROPOSES,
    "GET /v1/books/{book}/projects/{project_id}": READ_WITH_VILLAGES,
    "GET /v1/books/{book}/projects/{project_id}/indicators": READ_WITH_VILLAGES,
    "GET /v1/books/{book}/projects/{project_id}/sources": READ_WITH_VILLAGES,
    "POST /v1/books/{book}/projects/{project_id}/versions": DISTRICT_PROPOSES,
    "POST /v1/books/{book}/projects/{project_id}/review": Expect(
        NOBODY, people("poverty-approver township-approver"), NOBODY
    ),
    "GET /v1/books/{book}/projects/{project_id}/objections": READ,
    "POST /v1/books/{book}/projects/{project_id}/objections": Expect(
        NOBODY, CITY_OFFICES | WATCHERS, CITY_OFFICES | WATCHERS
    ),
    "POST /v1/books/{book}/projects/{project_id}/objections/{objection_id}/answer": DISTRICT_BUREAUS_APPROVE,
    "GET /v1/books/{book}/projects/{project_id}/evaluations": READ,
    "POST /v1/books/{book}/projects/{project_id}/evaluations": DISTRICT_PROPOSES,
    "POST /v1/books/{book}/projects/{project_id}/evaluations/{evaluation_id}/review": DISTRICT_BUREAUS_APPROVE,
    "GET /v1/books/{book}/evaluations": READ,
    "GET /v1/books/{book}/evaluations/{evaluation_id}/indicators": READ,
    "GET /v1/books/{book}/reports/execution": READ,
    "GET /v1/books/{book}/reports/compliance": READ,
    "POST /v1/books/{book}/projects/{project_id}/approve": DISTRICT_BUREAUS_APPROVE,
    "POST /v1/books/{book}/projects/{project_id}/suspend": DISTRICT_BUREAUS_APPROVE,
    "POST /v1/books/{book}/projects/{project_id}/leave": DISTRICT_BUREAUS_APPROVE,
    "GET /v1/books/{book}/projects/{project_id}/acceptances": READ,
    "GET /v1/books/{book}/projects/{project_id}/procurements": READ,
    "POST /v1/books/{book}/procurements": DISTRICT_OFFICES_DRAFT,
    "GET /v1/books/{book}/procurements/{procurement_id}": READ,
    "POST /v1/books/{book}/procurements/{procurement_id}/versions": DISTRICT_OFFICES_DRAFT,
    "GET /v1/books/{book}/procurements/{procurement_id}/ocds": READ,
    "GET /v1/books/{book}/procurements/{procurement_id}/bids": READ,
    "POST /v1/books/{book}/procurements/{procurement_id}/bids": DISTRICT_OFFICES_DRAFT,
    "POST /v1/books/{book}/procurements/{procurement_id}/bids/{bid_id}/versions": DISTRICT_OFFICES_DRAFT,
    "GET /v1/books/{book}/procurements/{procurement_id}/changes": READ,
    "POST /v1/books/{book}/procurements/{procurement_id}/changes": DISTRICT_OFFICES_DRAFT,
    "POST /v1/books/{book}/procurements/{procurement_id}/changes/{change_id}/review": DISTRICT_BUREAUS_APPROVE,
    "POST /v1/books/{book}/claims": DISTRICT_OFFICES_DRAFT,
    "GET /v1/books/{book}/claims/{claim_id}": READ,
    "GET /v1/books/{book}/projects/{project_id}/claims": READ,
    "POST /v1/books/{book}/claims/{claim_id}/review": DISTRICT_BUREAUS_APPROVE,
    "POST /v1/books/{book}/evidence": OFFICES_DRAFT,
    "GET /v1/books/{book}/evidence": READ,
    "GET /v1/books/{book}/evidence/{sha256}": READ,
    "GET /v1/books/{book}/evidence/{sha256}/content": READ_DOCUMENTS,
    "POST /v1/books/{book}/acceptances": DISTRICT_OFFICES_DRAFT,
    "GET /v1/books/{book}/acceptances/{acceptance_id}": READ,
    "POST /v1/books/{book}/acceptances/{acceptance_id}/versions": DISTRICT_OFFICES_DRAFT,
    "GET /v1/books/{book}/notices": READ,
    "POST /v1/books/{book}/notices": PUBLISH,
    "GET /v1/books/{book}/notices/{notice_id}/objections": READ,
    "POST /v1/books/{book}/notices/{notice_id}/objections": DISTRICT_PROPOSES,
    "POST /v1/books/{book}/notices/{notice_id}/objections/{objection_id}/answer": DISTRICT_OFFICES_APPROVE,
    "POST /v1/books/{book}/notices/{notice_id}/objections/{objection_id}/mend": DISTRICT_OFFICES_APPROVE,
    "GET /v1/books/{book}/publicity": READ,
    "GET /v1/books/{book}/notices/{notice_id}": READ,
    "POST /v1/books/{book}/notices/{notice_id}/versions": PUBLISH,
    # the book and the trail
    "GET /v1/books/{book}/instructions/{instruction_id}/legs": READ,
    "GET /v1/books/{book}/entries": READ,
    "GET /v1/books/{book}/entries/{entry_id}": READ,
    "GET /v1/books/{book}/entries/{entry_id}/receipt": READ,
    "GET /v1/books/{book}/accounts": READ,
    "GET /v1/books/{book}/accounts/{account_id}": READ,
    "GET /v1/books/{book}/accounts/{account_id}/statement": READ,
    "GET /v1/books/{book}/trial-balance": READ,
    "GET /v1/books/{book}/trail/{direction}": READ,
    # the log
    "GET /v1/log": OFFICES_AND_WATCHERS,
    "GET /v1/log/checkpoint": OFFICES_AND_WATCHERS,
    "GET /v1/log/checkpoints/{size}": OFFICES_AND_WATCHERS,
    "GET /v1/log/consistency": OFFICES_AND_WATCHERS,
    "GET /v1/log/keys": OFFICES_AND_WATCHERS,
    "POST /v1/log/cosignatures": anywhere(people("auditor")),
    "GET /v1/log/leaves": OFFICES_AND_WATCHERS,
    "GET /v1/log/entries": WATCH,
    "GET /v1/log/proofs/entry/{record_id}/lines/{line_no}": OFFICES_AND_WATCHERS,
    "GET /v1/log/proofs/{kind}/{record_id}": OFFICES_AND_WATCHERS,
    "GET /v1/log/records/entry/{record_id}/lines": OFFICES_AND_WATCHERS,
    "GET /v1/log/records/{kind}/{record_id}": OFFICES_AND_WATCHERS,
    # exports
    "GET /v1/export-formats": OFFICES_AND_WATCHERS,
    "GET /v1/books/{book}/exports/{format}": READ,
    "GET /v1/books/{book}/bundle": READ,
    "GET /v1/bundle": WATCH,
    "POST /v1/exports": OFFICES_AND_WATCHERS,
    "GET /v1/exports/{export_id}": OFFICES_AND_WATCHERS,
    "GET /v1/exports/{export_id}/manifest": OFFICES_AND_WATCHERS,
    "GET /v1/exports/{export_id}/parts/{number}": OFFICES_AND_WATCHERS,
    # registry and policy
    "GET /v1/books/{book}/divisions": READ,
    "GET /v1/books/{book}/divisions/{code}": READ,
    "GET /v1/books/{book}/village-lists": READ,
    "POST /v1/books/{book}/village-lists": CITY_FINANCE_DRAFTS,
    "GET /v1/books/{book}/households": READ,
    "POST /v1/books/{book}/households/import": DISTRICT_BUREAUS_DRAFT,
    "GET /v1/books/{book}/households/{household_id}": READ,
    "POST /v1/books/{book}/persons/lookup": READ,
    "POST /v1/books/{book}/statuses": DISTRICT_BUREAUS_DRAFT,
    "POST /v1/books/{book}/statuses/import": DISTRICT_BUREAUS_DRAFT,
    "GET /v1/books/{book}/rosters/{programme_code}": READ,
    "POST /v1/books/{book}/rosters/{programme_code}": DISTRICT_BUREAUS_DRAFT,
    "POST /v1/books/{book}/rosters/{programme_code}/import": DISTRICT_BUREAUS_DRAFT,
    "GET /v1/books/{book}/persons/{person_id}/cards": READ,
    "POST /v1/books/{book}/persons/{person_id}/cards": DISTRICT_OFFICES_DRAFT,
    "POST /v1/books/{book}/persons/{person_id}/cards/{version}/confirm": DISTRICT_BUREAUS_APPROVE,
    "POST /v1/books/{book}/cards": DISTRICT_OFFICES_DRAFT,
    "POST /v1/books/{book}/cards/import": DISTRICT_OFFICES_DRAFT,
    "GET /v1/books/{book}/organisations/{organisation_id}/accounts": READ,
    "POST /v1/books/{book}/organisations/{organisation_id}/accounts": DISTRICT_BUREAUS_DRAFT,
    "POST /v1/books/{book}/organisations/{organisation_id}/accounts/{version}/confirm": DISTRICT_BUREAUS_APPROVE,
    "GET /v1/books/{book}/organisations/{organisation_id}/flags": READ,
    "POST /v1/books/{book}/organisations/{organisation_id}/flags": DISTRICT_BUREAUS_DRAFT,
    "GET /v1/books/{book}/organisations": READ,
    "POST /v1/books/{book}/organisations": BUREAUS_DRAFT,
    "GET /v1/books/{book}/organisations/{organisation_id}": READ,
    "GET /v1/funds": OFFICES_AND_WATCHERS,
    "GET /v1/programmes": OFFICES_AND_WATCHERS,
    "GET /v1/parameters": OFFICES_AND_WATCHERS,
    "GET /v1/parameters/proposals": OFFICES_AND_WATCHERS,
    "POST /v1/parameters/proposals": CITY_BUREAUS_DRAFT,
    "GET /v1/parameters/proposals/{proposal_id}": OFFICES_AND_WATCHERS,
    "POST /v1/parameters/proposals/{proposal_id}/approve": CITY_BUREAUS_APPROVE,
    "POST /v1/parameters/proposals/{proposal_id}/reject": CITY_BUREAUS_APPROVE,
    "GET /v1/exemption-rules": OFFICES_AND_WATCHERS,
    "GET /v1/negative-list": OFFICES_AND_WATCHERS,
    # payments
    "GET /v1/books/{book}/entries/{entry_id}/lines/{line_no}/receipt": READ,
    "POST /v1/books/{book}/erasures": DISTRICT_BUREAUS_DRAFT,
    "GET /v1/books/{book}/erasures": READ,
    "GET /v1/books/{book}/erasures/{proposal_id}": READ,
    "POST /v1/books/{book}/erasures/{proposal_id}/approve": DISTRICT_BUREAUS_APPROVE,
    "POST /v1/books/{book}/erasures/{proposal_id}/reject": DISTRICT_BUREAUS_APPROVE,
    "GET /v1/books/{book}/payment-lists": READ,
    "POST /v1/books/{book}/payment-lists": DISTRICT_OFFICES_DRAFT,
    "GET /v1/books/{book}/payment-lists/template": READ,
    "GET /v1/books/{book}/payment-lists/{payment_list_id}": READ,
    "GET /v1/books/{book}/payment-lists/{payment_list_id}/lines": READ,
    "GET /v1/books/{book}/payment-lists/{payment_list_id}/bank-files": READ,
    "POST /v1/books/{book}/payment-lists/{payment_list_id}/bank-file": DISTRICT_FINANCE_PAYS,
    "POST /v1/books/{book}/payment-lists/{payment_list_id}/reissues": DISTRICT_OFFICES_DRAFT,
    "GET /v1/books/{book}/payment-lines": READ,
    "POST /v1/books/{book}/payment-lists/{payment_list_id}/approve": DISTRICT_OFFICES_APPROVE,
    "POST /v1/books/{book}/payment-lists/{payment_list_id}/pay": DISTRICT_FINANCE_PAYS,
    "POST /v1/books/{book}/bank-results": DISTRICT_FINANCE_DRAFTS,
    # advances and prepaid releases
    "GET /v1/books/{book}/advances": READ,
    "POST /v1/books/{book}/settlements": DISTRICT_BUREAUS_DRAFT,
    "POST /v1/books/{book}/advance-returns": DISTRICT_FINANCE_DRAFTS,
    "GET /v1/books/{book}/release-settlements": READ,
    "POST /v1/books/{book}/release-settlements": CITY_FINANCE_DRAFTS,
    "GET /v1/books/{book}/release-settlements/{settlement_id}": READ,
    "POST /v1/books/{book}/release-settlements/{settlement_id}/approve": CITY_FINANCE_APPROVES,
    # reports
    # inspection
    "GET /v1/anomalies": WATCH,
    "GET /v1/anomalies/summary": WATCH,
    "GET /v1/anomaly-rules": WATCH,
    "GET /v1/books/{book}/anomalies": WATCH,
    "GET /v1/books/{book}/anomalies/summary": WATCH,
}

PLACES = {
    "code": "x",
    "programme_code": "labour_subsidy",
    "month": "2019-03",
    "year": "2019",
    "direction": "up",
    "kind": "entry",
    "version": "1",
    "line_no": "1",
    "size": "0",
    "sha256": "00" * 32,
    "format": "csv",
    "number": "1",
}
"""Path parameters that are no UUID."""


@pytest.fixture(scope="module")
async def db(server: TestServer, template_db: str) -> AsyncIterator[Database]:
    """One database for the module: what these calls would write is not well formed."""
    async with cloned(server, template_db) as database:
        yield database


@pytest.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """Every kind of person, with a token each; and three tokens that are none any more."""
    async with connected(db.service_url) as service, connected(db.owner_url) as owner:
        world = await make_world(service, owner)
        for name, book, kind, duty in MORE_PEOPLE:
            unit = await add_unit(owner, book, kind, f"{kind}-{book}")
            staff = await add_staff(owner, book, unit, name, [duty])
            world.people[name] = Caller(book, staff, unit, kind, name, frozenset([duty]))
            world.tokens[name] = await issue(owner, book, staff)
        staff = world.who("city-maker").staff_id
        world.tokens["expired"] = await issue(owner, CITY, staff, days=-1)
        world.tokens["revoked"] = await issue(owner, CITY, staff)
        await revoke(owner, world.tokens["revoked"], "lost")
        world.tokens["unknown"] = "fl_" + "x" * 43
        yield world


@pytest.fixture(scope="module")
async def api(db: Database, world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The module's service."""
    async with running_api(db, world, tmp_path_factory.mktemp("access")) as client:
        yield client


def filled(path: str, book: int | None, ids: dict[str, str] | None = None) -> str:
    """A path with its parameters filled in: the book, given ids, and fresh UUIDs for the rest."""
    values = {"book": str(book), **PLACES, **(ids or {})}
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], str(new_id())), path)


async def call(api: Api, who: str | None, route: str, book: int | None, **json: Any) -> httpx.Response:
    method, path = route.split()
    headers = api.headers(who)
    body = json if method == "POST" else None
    return await api.client.request(method, filled(path, book), headers=headers, json=body)


def books_of(route: str) -> tuple[int | None, ...]:
    return (CITY, DISTRICT, OTHER_DISTRICT) if "{book}" in route else (None,)


def test_every_route_has_its_line_in_the_table_and_the_other_way_round(api: Api) -> None:
    assert sorted(f"{route.method} {route.path}" for route in routes_of(api.app)) == sorted(EXPECTED)


async def test_everybody_gets_exactly_where_the_table_says(api: Api, world: World) -> None:
    assert set(world.people) == ALL
    wrong = []
    for route, expect in EXPECTED.items():
        for book in books_of(route):
            for who in sorted(ALL):
                status = (await call(api, who, route, book)).status_code
                if (status not in (401, 403)) != (who in expect.of(book)) or status >= 500:
                    wrong.append(f"{who}: {route} of {book} answered {status}")
    assert wrong == []


@pytest.mark.parametrize("who", [None, "unknown", "expired", "revoked"])
async def test_nobody_gets_anywhere_without_a_valid_token(api: Api, who: str | None) -> None:
    answers = {
        route: await call(api, who, route, book)
        for route, expect in EXPECTED.items()
        for book in books_of(route)
        if expect is not PUBLIC
    }
    assert [route for route, answer in answers.items() if answer.status_code != 401] == []
    assert {answer.headers.get("WWW-Authenticate") for answer in answers.values()} == {"Bearer"}


async def test_none_of_these_calls_was_kept_as_a_refusal_or_wrote_anything(api: Api, world: World) -> None:
    for route in EXPECTED:
        for book in books_of(route):
            await call(api, "other-maker", route, book)
    assert await world.service.fetchval("SELECT count(*) FROM refusal WHERE book <> $1", OTHER_DISTRICT) == 0
    assert await world.service.fetchval("SELECT count(*) FROM instruction") == 0


@pytest.fixture(scope="module")
async def others(api: Api, db: Database, world: World) -> dict[str, str]:
    """Records of the other district, by the path parameter that names such a record: drafted, funded, paid, sealed."""
    village = f"{OTHER_DISTRICT}001200"
    allocation = await world.funded(1_000_000, district=OTHER_DISTRICT)
    project = await world.project(book=OTHER_DISTRICT)
    leg = Leg(900_000, allocation_id=allocation, project_id=project)
    await world.post(OTHER_DISTRICT, await world.draft(OTHER_DISTRICT, "fund", [leg]))
    payees = await world.persons(2, book=OTHER_DISTRICT, village=village)
    paid = await world.list_of(project, allocation, payees[:1], book=OTHER_DISTRICT)
    entry = await world.pay(paid, book=OTHER_DISTRICT)
    waiting = await world.list_of(project, allocation, payees[1:], book=OTHER_DISTRICT)
    ids = {
        "allocation_id": allocation, "project_id": project, "instruction_id": waiting, "payment_list_id": waiting,
        "entry_id": entry.entry_id, "household_id": payees[0][0], "code": village, "record_id": entry.entry_id,
        "officer_id": world.officers[OTHER_DISTRICT, "accountable"],
    }  # fmt: skip
    procurement = await world.service.fetchval("SELECT procurement_id FROM procurement WHERE book = $1", OTHER_DISTRICT)
    supplier = await world.supplier(OTHER_DISTRICT)
    ids["claim_id"] = await world.claim(project, procurement, supplier, 1_000, book=OTHER_DISTRICT)
    for name in ("notice_id", "procurement_id", "account_id"):
        query = f"SELECT {name} FROM {name.removesuffix('_id')} WHERE book = $1 LIMIT 1"
        ids[name] = await world.service.fetchval(query, OTHER_DISTRICT)
    await seal(db, api.app.state.services.settings.data_dir)
    return {name: str(value) for name, value in ids.items()} | {"sha256": (await world.evidence(OTHER_DISTRICT)).hex()}


NOT_OF_THIS_KIND = {
    "GET /v1/books/{book}/allocations/computations/{instruction_id}", "GET /v1/books/{book}/releases/{entry_id}/lines",
}  # fmt: skip
"""The other district's records here are a payment list and a payment, which these do not show to anybody."""


async def test_another_districts_record_is_not_found_through_ones_own_book(api: Api, others: dict[str, str]) -> None:
    found, tried = [], 0
    for route in EXPECTED:
        method, path = route.split()
        named = set(re.findall(r"\{(\w+)\}", path))
        if method != "GET" or EXPECTED[route] is PUBLIC or not named & set(others):
            continue
        own = await api.get("district-maker", filled(path, DISTRICT, others))
        rightful = await api.get("other-maker", filled(path, OTHER_DISTRICT, others))
        tried += 1
        if own.status_code != 404 and own.json() not in ([], {"items": [], "next": None}):
            found.append(f"{route}: {own.text[:200]}")
        if rightful.status_code != (404 if route in NOT_OF_THIS_KIND else 200):
            found.append(f"{route} answered its own people {rightful.status_code}")
    assert found == []
    assert tried >= 15


async def test_another_districts_record_is_not_changed_through_ones_own_book(
    api: Api, world: World, others: dict[str, str]
) -> None:
    digest = (await world.digest(OTHER_DISTRICT, UUID(others["instruction_id"]))).hex()
    list_path = "/v1/books/{book}/payment-lists/{payment_list_id}"
    attempts = {
        "/v1/books/{book}/instructions/{instruction_id}/approve": ("district-approver", {"content_sha256": digest}),
        "/v1/books/{book}/instructions/{instruction_id}/reject": ("district-approver", {"reason": "x"}),
        f"{list_path}/approve": ("district-approver", {"content_sha256": digest}),
        f"{list_path}/pay": ("district-payer", {}),
    }
    for path, (who, body) in attempts.items():
        answer = await api.post(who, filled(path, DISTRICT, others), body)
        assert (answer.status_code, answer.json()["code"]) == (404, "instruction-not-found"), path
        answer = await api.post(who, filled(path, OTHER_DISTRICT, others), body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden-book"), path
    entries = "SELECT count(*) FROM entry WHERE instruction_id = $1"
    assert await world.service.fetchval(entries, UUID(others["instruction_id"])) == 0
    assert await world.service.fetchval("SELECT count(*) FROM rejection") == 0


async def test_refusals_in_the_log_are_for_watchers_only(api: Api) -> None:
    path = f"/v1/log/records/refusal/{new_id()}"
    for who in sorted(ALL):
        assert ((await api.get(who, path)).status_code == 403) == (who not in WATCHERS), who
