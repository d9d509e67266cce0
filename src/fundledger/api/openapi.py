"""The OpenAPI 3.1 document: what FastAPI knows of the routes, and what the `Call` dependency reads by itself.

`document` makes `app.openapi` add to each guarded route its bearer token, its Idempotency-Key, who may call it
(``x-units``, ``x-duty``, ``x-level``) and the problems it may answer. `routes_of` lists every route with its demand.
The committed ``openapi/openapi.json`` is `document_text` (``scripts/openapi`` writes it).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from fundledger.access.policy import Demand
from fundledger.api.deps import KEY_MAX, Allow

GENERAL = ("404", "422", "500", "503")
GUARDED = ("401", "403", "409")
WITH_BODY = ("400", "413", "415")
DESCRIPTIONS = {
    "400": "unreadable: not well-formed JSON",
    "401": "no token, or one that is not valid", "403": "not for this caller",
    "404": "there is no such thing", "409": "refused by a rule, or in conflict with what is there",
    "413": "the body is too large", "415": "the content type is not supported", "422": "the request has faults",
    "500": "a fault of the service", "503": "not available now; try again with the same key",
}  # fmt: skip
STATUS_HEADERS = {"401": ("WWW-Authenticate", "the scheme of tokens"), "503": ("Retry-After", "seconds to wait")}


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path: its function's name, and what it demands (None: it is public)."""

    method: str
    path: str
    name: str
    demand: Demand | None


def routes_of(app: FastAPI) -> Iterator[Route]:
    """Every route of the app, those of included routers too, that is not hidden from the document."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute) and context.include_in_schema:
            for method in sorted(context.methods or ()):
                yield Route(method, context.path_format or "", context.name or "", demand_of(context))


def demand_of(route: APIRoute | RouteContext) -> Demand | None:
    """The demand a route declares, or None for a public one."""
    dependant = route.original_route.dependant if isinstance(route, RouteContext) else route.dependant  # type: ignore[attr-defined]
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Allow):
            return dependency.call.demand
    return None


def operation_id(route: APIRoute) -> str:
    """The name of the route's function: readable, and unique over the whole service (a test sees to that)."""
    return route.name


def document(app: FastAPI) -> None:
    """Make ``app.openapi`` complete its document (built once, at its first use)."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = build()
            _complete_components(schema.setdefault("components", {}))
            for route in routes_of(app):
                _complete(schema["paths"][route.path][route.method.lower()], route)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def document_text(app: FastAPI) -> str:
    """The document as it is committed: stable, indented, UTF-8."""
    return json.dumps(app.openapi(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _complete_components(components: dict[str, Any]) -> None:
    schemas = components.setdefault("schemas", {})
    for ours_instead in ("HTTPValidationError", "ValidationError"):
        schemas.pop(ours_instead, None)
    schemas["Problem"], schemas["Fault"] = PROBLEM, FAULT
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    components["parameters"] = {"IdempotencyKey": IDEMPOTENCY_KEY}
    components["responses"] = {f"Problem{status}": _problem_response(status) for status in DESCRIPTIONS}


def _problem_response(status: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    response: dict[str, Any] = {"description": DESCRIPTIONS[status], "content": content}
    if status in STATUS_HEADERS:
        name, meaning = STATUS_HEADERS[status]
        response["headers"] = {name: {"description": meaning, "required": True, "schema": {"type": "string"}}}
    return response


def _complete(operation: dict[str, Any], route: Route) -> None:
    demand, statuses = route.demand, [*GENERAL]
    if route.method != "GET":
        statuses += WITH_BODY
    if demand is not None:
        statuses += GUARDED
        operation["security"] = [{"token": []}]
        operation["x-units"] = sorted(demand.units)
        if demand.duty:
            operation["x-duty"] = demand.duty
        if demand.level != "any":
            operation["x-level"] = demand.level
        if demand.writes:
            operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/IdempotencyKey"})
            _mark_replays(operation["responses"])
    _show_preview(operation)
    for status in sorted(statuses):
        operation["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}


def _mark_replays(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if status.startswith("2"):
            response.setdefault("headers", {})["Idempotent-Replayed"] = REPLAYED


def _show_preview(operation: dict[str, Any]) -> None:
    """With ``?preview=true`` a route that makes something answers 200: the same shape, and nothing was made."""
    asked = any(parameter.get("name") == "preview" for parameter in operation.get("parameters", []))
    made = operation["responses"].get("201")
    if asked and made is not None:
        shown = {"description": "A preview: nothing was made, and the key stays free.", "content": made["content"]}
        operation["responses"].setdefault("200", shown)


IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key", "in": "header", "required": True,
    "description": "Binds to the success of this request, within the caller's unit, for ever; a retry uses it again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX, "pattern": "^[!-~]+$"},
}  # fmt: skip
REPLAYED: dict[str, Any] = {
    "description": "there, and true, when this is the result of an earlier request under the same key",
    "schema": {"type": "string", "enum": ["true"]},
}
_TEXT: dict[str, Any] = {"type": "string"}
_PARAMS: dict[str, Any] = {"type": "object", "description": "the typed parameters of the texts"}
_TEXTS: dict[str, Any] = {
    "type": "object", "required": ["title", "detail", "mend"],
    "properties": {"title": _TEXT, "detail": _TEXT, "mend": _TEXT},
}  # fmt: skip
PROBLEM: dict[str, Any] = {
    "type": "object", "title": "Problem",
    "description": "RFC 9457: what was refused, by which rule, where the fault is and what would mend it.",
    "required": ["type", "title", "status", "detail", "instance", "code", "rule", "mend", "zh", "en"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "the page of this code"},
        "title": _TEXT, "detail": _TEXT, "mend": _TEXT, "zh": _TEXTS, "en": _TEXTS, "params": _PARAMS,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "instance": {"type": "string", "description": "urn:uuid: of this answer"},
        "code": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "description": "stable; see /problems"},
        "rule": {"type": "string", "description": "the rule it defends"},
        "faults": {"type": "array", "description": "all of the call", "items": {"$ref": "#/components/schemas/Fault"}},
    },
}  # fmt: skip
FAULT: dict[str, Any] = {
    "type": "object", "title": "Fault", "description": "One fault and its place.",
    "required": ["code", "rule", "title", "detail"],
    "properties": {
        "code": PROBLEM["properties"]["code"], "rule": _TEXT, "params": _PARAMS,
        "title": _TEXT, "detail": _TEXT, "mend": _TEXT,
        "pointer": {"type": "string", "description": "JSON pointer into the body; after # a query or path parameter"},
        "line": {"type": "integer", "minimum": 1, "description": "of the file (1: its header) or the instruction"},
        "column": {"type": "string", "description": "the column's header"},
    },
}  # fmt: skip
