"""The OpenAPI document: every route is in it with its demand, key and problems, and what is committed is current."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from fundledger.api.app import create_app
from fundledger.api.committed import committed_texts
from fundledger.api.openapi import Route, routes_of
from fundledger.settings import Settings
from tests.tidy.sources import ROOT

LOOKUPS = {"/v1/books/{book}/persons/lookup"}
"""They write nothing and are POST only because personal data must not stand in a URL."""
ATTESTED = {"/v1/log/cosignatures"}
"""What they take proves itself by a signature, and the same again is the same: there is nothing for a key to keep."""
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings(), "postgresql://nobody@localhost/nothing")


def operations(app: FastAPI) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in app.openapi()["paths"].items():
        for method in METHODS & set(item):
            yield f"{method.upper()} {path}", item[method]


def operation_of(app: FastAPI, route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = app.openapi()["paths"][route.path][route.method.lower()]
    return operation


def problems_of(operation: dict[str, Any]) -> set[str]:
    return {status for status, response in operation["responses"].items() if "Problem" in response.get("$ref", "")}


@pytest.mark.parametrize("name", ["openapi/openapi.json", "docs/problems.md"])
def test_the_committed_file_is_what_the_code_says_now(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == committed_texts()[name], "run scripts/openapi"


def test_every_route_of_every_router_is_documented(app: FastAPI) -> None:
    assert app.openapi()["openapi"].startswith("3.1")
    documented = {name for name, _ in operations(app)}
    assert documented == {f"{route.method} {route.path}" for route in routes_of(app)}
    assert len(documented) > 5


def test_no_route_hides_from_the_document(app: FastAPI) -> None:
    routes = [route for route in iter_route_contexts(app.routes) if isinstance(route.original_route, APIRoute)]
    assert [route.path for route in routes if not route.include_in_schema] == []


def test_the_only_public_routes_are_health_and_the_problem_pages(app: FastAPI) -> None:
    public = {route.path for route in routes_of(app) if route.demand is None}
    assert public == {"/healthz", "/problems", "/problems/{code}"}


def test_operation_ids_are_unique_and_readable(app: FastAPI) -> None:
    names = [operation["operationId"] for _, operation in operations(app)]
    assert sorted(names) == sorted(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


def test_every_operation_says_what_it_is_for(app: FastAPI) -> None:
    assert [name for name, operation in operations(app) if not operation.get("description")] == []


def test_every_success_says_what_it_answers(app: FastAPI) -> None:
    vague = [
        (name, status)
        for name, operation in operations(app)
        for status, response in operation["responses"].items()
        if status.startswith("2") and not all(body.get("schema") for body in response.get("content", {"": {}}).values())
    ]
    assert vague == []


def test_a_route_that_previews_says_what_a_preview_answers(app: FastAPI) -> None:
    previewing = [
        operation["responses"]
        for _, operation in operations(app)
        if "preview" in [parameter.get("name") for parameter in operation.get("parameters", [])]
    ]
    assert len(previewing) >= 5
    assert [answers for answers in previewing if not {"200", "201"} <= set(answers)] == []


def test_a_guarded_route_names_its_token_its_people_and_its_problems(app: FastAPI) -> None:
    for route in routes_of(app):
        operation = operation_of(app, route)
        if route.demand is None:
            assert "security" not in operation
            continue
        assert operation["security"] == [{"token": []}], route
        assert operation["x-units"] == sorted(route.demand.units), route
        assert operation.get("x-duty") == route.demand.duty, route
        assert problems_of(operation) >= {"401", "403", "404", "409", "422", "500", "503"}, route


def test_a_writing_route_asks_for_an_idempotency_key_and_a_reading_one_does_not(app: FastAPI) -> None:
    for route in routes_of(app):
        operation = operation_of(app, route)
        asked = {"$ref": "#/components/parameters/IdempotencyKey"} in operation.get("parameters", [])
        assert asked == (route.method != "GET" and route.path not in LOOKUPS | ATTESTED), route
        assert ("413" in problems_of(operation)) == (route.method != "GET"), route


def test_every_reference_leads_somewhere(app: FastAPI) -> None:
    document = app.openapi()
    for reference in set(re.findall(r"'\$ref': '#/([^']+)'", str(document))):
        place: Any = document
        for part in reference.split("/"):
            place = place[part]
        assert place


def test_money_is_a_string_and_never_a_number_in_the_document(app: FastAPI) -> None:
    money = re.compile(r"amount|total|balance|received|given|shortfall|floor|standard")
    schemas = app.openapi()["components"]["schemas"]
    wrong = [
        f"{schema}.{name}"
        for schema, body in schemas.items()
        for name, field in body.get("properties", {}).items()
        if money.search(name) and field.get("type") == "number"
    ]
    assert wrong == []
    assert schemas["InstructionAnswer"]["properties"]["total"]["type"] == "string"
