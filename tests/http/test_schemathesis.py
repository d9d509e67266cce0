"""Whatever the OpenAPI document allows, and much that it does not: no 5xx, and every answer is one the document names.

Requests are drawn by schemathesis from the committed routes, valid and deliberately invalid ones, and sent as a person
with every duty of the book at hand. Half of them name records that exist, so that they come past the door. With
FUNDLEDGER_SOAK=1 many more are drawn.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fundledger.access.tokens import add_staff, add_unit, issue
from fundledger.api.app import create_app
from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from fundledger.settings import Settings
from tests.builders import CITY, DISTRICT, VILLAGE, World, make_world
from tests.databases import Database, TestServer, cloned, connected
from tests.web import Api, running_api

EXAMPLES = 300 if os.environ.get("FUNDLEDGER_SOAK") == "1" else 8
BOOKS = {"city": (CITY,), "district": (DISTRICT,), "any": (CITY, DISTRICT)}
WANTED_CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip


def all_operations() -> list[Any]:
    """Every operation of the document, whose app is wired but not started."""
    document = create_app(Settings(), "postgresql://nobody@localhost/nothing").openapi()
    found = schemathesis.openapi.from_dict(document).get_all_operations()
    return [result.ok() for result in found if isinstance(result, Ok)]


OPERATIONS = all_operations()


Known = dict[str, list[str]]


@dataclass(frozen=True)
class Scene:
    """A service with a little of everything in its books, people with every duty, and ids that exist."""

    api: Api
    tokens: dict[int, str]
    inspector: str
    known: dict[int, Known]


@pytest.fixture(scope="module")
async def db(server: TestServer, template_db: str) -> AsyncIterator[Database]:
    """One database for the module: what one request leaves behind is there for the next."""
    async with cloned(server, template_db) as database:
        yield database


@pytest.fixture(scope="module")
async def scene(db: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """The module's service, its people and its records."""
    async with connected(db.service_url) as service, connected(db.owner_url) as owner:
        world = await make_world(service, owner)
        tokens = {book: await person_with_every_duty(world, book) for book in (CITY, DISTRICT)}
        known = await records(world)
        async with running_api(db, world, tmp_path_factory.mktemp("api")) as api:
            yield Scene(api, tokens, world.tokens["inspector"], known)


async def person_with_every_duty(world: World, book: int) -> str:
    unit = await add_unit(world.owner, book, "finance", f"finance-{book}")
    staff = await add_staff(world.owner, book, unit, "one for all", ["maker", "approver", "payer"])
    return await issue(world.owner, book, staff)


async def records(world: World) -> dict[int, Known]:
    """Budget, allocation, release, project, lists (drafted, approved, paid): what a field may name, in each book."""
    line = await world.adopt(50_000_000)
    allocation = await world.allocate(line, 20_000_000)
    released = await world.release(allocation, 10_000_000)
    project = await world.project()
    fund = await world.draft(DISTRICT, "fund", [leg_of(allocation, project)])
    await world.post(DISTRICT, fund)
    payees = await world.persons(4)
    paid = await world.list_of(project, allocation, payees[:2])
    entry = await world.pay(paid)
    approved = await world.list_of(project, allocation, payees[2:], period="2019-01")
    drafted = await world.list_of(project, allocation, payees[2:], period="2018-12", approved=False)
    supplier = await world.supplier()
    road = await world.project(programme="rural_works", category="infrastructure", exemption=None)
    contract = await world.tender(road, supplier, 1_000_000)
    for decision in ("approved", None):
        await world.claim(road, contract, supplier, 1_000, decision=decision)
        await world.contract_change(contract, 1_000, decision=decision)
    release = await world.draft(CITY, "release", [leg_of(allocation)])
    own: dict[int, dict[str, list[Any]]] = {
        CITY: {"instruction_id": [release], "entry_id": [released.entry_id], "record_id": [released.entry_id]},
        DISTRICT: {
            "instruction_id": [fund, drafted], "entry_id": [entry.entry_id],
            "payment_list_id": [approved, paid, drafted],
            "household_id": [payees[0][0]], "person_id": [payees[0][1]],
        },
    }  # fmt: skip
    common: dict[str, list[Any]] = {
        "budget_line_id": [line], "allocation_id": [allocation], "project_id": [project], "village_code": [VILLAGE],
        "district": [DISTRICT], "household_no": [payees[0][0]], "code": [VILLAGE, "period-closed"],
    }  # fmt: skip
    return {book: {**PLAIN, **texts({**common, **own[book], **await listed(world, book)})} for book in own}


async def listed(world: World, book: int) -> dict[str, list[Any]]:
    """What the tables of a book hold."""
    found: dict[str, list[Any]] = {}
    for name in ("notice_id", "procurement_id", "account_id"):
        rows = await world.service.fetch(f"SELECT {name} FROM {name.removesuffix('_id')} WHERE book = $1 LIMIT 5", book)
        found[name] = [row[name] for row in rows] or [new_id()]
    documents = await world.service.fetch("SELECT sha256 FROM evidence WHERE book = $1 LIMIT 5", book)
    found["sha256"] = found["evidence_sha256"] = [row["sha256"].hex() for row in documents] or ["00" * 32]
    suppliers = await world.service.fetch("SELECT organisation_id FROM organisation WHERE book = $1 LIMIT 5", book)
    found["bidder_id"] = found["awardee_id"] = [row["organisation_id"] for row in suppliers] or [new_id()]
    found["claim_id"] = [row["claim_id"] for row in await world.service.fetch(
        "SELECT claim_id FROM reimbursement_claim WHERE book = $1 LIMIT 5", book)] or [new_id()]  # fmt: skip
    found["officer_id"] = [world.officers[book, "accountable"]]
    found["supervisor_id"] = [world.officers[book, "supervising"]]
    units = [person.unit_id for person in world.people.values() if person.book == book]
    found["unit_id"] = found["managing_unit_id"] = found["responsible_unit_id"] = units
    found["content_sha256"] = [(await world.digest(book, row[0])).hex() for row in await world.service.fetch(
        "SELECT instruction_id FROM instruction n WHERE book = $1 AND NOT EXISTS "
        "(SELECT FROM entry e WHERE e.book = n.book AND e.instruction_id = n.instruction_id)", book)]  # fmt: skip
    return found


def texts(values: dict[str, list[Any]]) -> Known:
    return {name: [str(value) for value in items] for name, items in values.items()}


PLAIN: Known = {
    "amount": ["1.00", "0.01"], "total": ["30.00"], "planned_amount": ["1000.00"], "estimate": ["100.00"],
    "document_no": ["文号1"], "summary": ["摘要"], "name": ["名称"], "reason": ["原因"], "channel": ["村务公开栏"],
    "target_value": ["2"], "actual_value": ["2"],
    "performance_target": ["脱贫"], "title": ["验收单"], "effective_on": ["2019-03-02"],
    "fund_code": ["special_factor", "targeted", "district_increment"],
    "programme_code": ["labour_subsidy", "rural_works"],
    "category": ["employment"], "identity_number": ["11010519491231002X"], "credit_code": ["91350100M000100Y43"],
    "card": ["9999990000000000014"], "account": ["4201000000000001"],
    "data_vintage": ["2018"], "formula_version": ["1"], "allocation_document_no": ["指标1"],
}  # fmt: skip
"""Values that fit, for fields whose shape a JSON schema can't say."""


def leg_of(allocation: UUID, project: UUID | None = None) -> Leg:
    return Leg(100_000, allocation_id=allocation, project_id=project)


def replaced(value: Any, known: Known, pick: int) -> Any:
    """A drawn value with the fields whose names are known set to something that exists."""
    if isinstance(value, dict):
        return {
            key: known[key][pick % len(known[key])] if key in known else replaced(item, known, pick)
            for key, item in value.items()
        }
    return [replaced(item, known, pick) for item in value] if isinstance(value, list) else value


def aim(case: Any, scene: Scene, data: st.DataObject) -> str:
    """Point a drawn case at a book there is, and every second one at records there are; the token to send it with."""
    demand = case.operation.definition.raw
    book = None
    if isinstance(case.path_parameters, dict) and "book" in case.path_parameters:
        book = data.draw(st.sampled_from(BOOKS[demand.get("x-level", "any")]), label="book")
        case.path_parameters["book"] = book
    if data.draw(st.booleans(), label="records that exist"):
        pick = data.draw(st.integers(0, 5), label="which")
        for part in ("path_parameters", "query", "body"):
            setattr(case, part, replaced(getattr(case, part), scene.known[book or CITY], pick))
    if "finance" in demand.get("x-units", ["finance"]):
        return scene.tokens[book or CITY]
    return scene.inspector


async def sent(api: Api, case: Any, token: str, key: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    if case.operation.definition.raw.get("x-duty") or case.method == "POST":
        headers["Idempotency-Key"] = key
    made = case.as_transport_kwargs(base_url="http://test", headers=headers)
    ready = requests.Request(**{name: made.get(name) for name in REQUEST_PARTS}).prepare()
    content = ready.body.encode() if isinstance(ready.body, str) else ready.body
    assert content is None or isinstance(content, bytes)
    raw = [
        (name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in ready.headers.items()
    ]
    return await api.client.request(str(ready.method), str(ready.url), headers=raw, content=content)


REQUEST_PARTS = ("method", "url", "headers", "params", "data", "json", "cookies", "files")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
@settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=EXAMPLES < 100,
    phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(data=st.data())
async def test_every_answer_is_one_the_document_names(operation: Any, scene: Scene, data: st.DataObject) -> None:
    modes = (GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    case = data.draw(operation.as_strategy(generation_mode=data.draw(st.sampled_from(modes), label="mode")))
    token = aim(case, scene, data)
    answer = await sent(scene.api, case, token, str(new_id()))
    case.validate_response(answer, checks=WANTED_CHECKS)
