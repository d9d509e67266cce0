"""`create_app` wires the service: lifespan state, routers, problems, body limit, OpenAPI. The only place that wires.

`serve` gives it an opened database; tests build their own app over a clone. The lifespan refuses to run as a role that
could change records (owner or superuser).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from fundledger.access.tokens import Tokens
from fundledger.api import health, instructions, releases
from fundledger.api.deps import Allow, Services
from fundledger.api.limits import BodyLimit
from fundledger.api.problems import install
from fundledger.book.poster import Poster
from fundledger.db.database import Database
from fundledger.registry.vault import Vault
from fundledger.settings import Settings

ROUTERS = (health.router, instructions.router, releases.router)
TITLE = "fundledger"
DESCRIPTION = "An append-only double-entry ledger for poverty-relief money, after 武扶组(2018)12号."


def create_app(settings: Settings, database_url: str) -> FastAPI:
    """The service over one database, as the service role."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(database_url, pool_size=settings.pool_size)
        await refuse_powerful_role(database)
        poster = Poster(database)
        poster.start()
        app.state.services = Services(
            settings, database, Tokens(database), poster, Vault.open(settings.keys_path), await known_books(database)
        )
        yield
        await poster.stop()
        await database.dispose()

    app = FastAPI(title=TITLE, description=DESCRIPTION, version="0.1.0", lifespan=lifespan, openapi_url="/v1/openapi.json")
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    install(app)
    for router in ROUTERS:
        app.include_router(router)
    _document(app)
    return app


async def refuse_powerful_role(database: Database) -> None:
    """RuntimeError if the connection could change or delete records: as owner, superuser, or with a table's rights."""
    async with database.driver() as connection:
        powerful = await connection.fetchval(
            "SELECT rolsuper OR pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = 'entry'::regclass), "
            "'MEMBER') OR has_table_privilege('transfer', 'INSERT') FROM pg_roles WHERE rolname = current_user"
        )
    if powerful:
        raise RuntimeError("fundledger does not serve as a role that can write the book; use the service role's URL")


async def known_books(database: Database) -> frozenset[int]:
    """The books there are; they change with migrations only."""
    async with database.driver() as connection:
        return frozenset(row["book"] for row in await connection.fetch("SELECT book FROM book"))


def demand_of(route: APIRoute) -> Allow | None:
    """The demand a route declares, or None for a public one."""
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Allow):
            return dependency.call
    return None


def _document(app: FastAPI) -> None:
    """Add what the `Call` dependency reads by itself to the OpenAPI document: bearer token, key, and problem bodies."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = build()
            schema.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            for route in app.routes:
                if isinstance(route, APIRoute) and route.include_in_schema:
                    for method in route.methods:
                        _document_route(schema["paths"][route.path_format][method.lower()], route)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


PROBLEM = {"description": "problem+json", "content": {"application/problem+json": {"schema": {"type": "object"}}}}


def _document_route(operation: dict[str, Any], route: APIRoute) -> None:
    allow = demand_of(route)
    if allow is None:
        return
    demand = allow.demand
    operation["security"] = [{"token": []}]
    operation["x-units"] = sorted(demand.units)
    if demand.duty:
        operation["x-duty"] = demand.duty
    statuses = ["401", "403", "404", "422"] + (["400", "409", "413", "503"] if demand.writes else ["503"])
    for status in statuses:
        operation["responses"][status] = PROBLEM
    if demand.writes:
        key = {"name": "Idempotency-Key", "in": "header", "required": True,
               "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}}  # fmt: skip
        operation.setdefault("parameters", []).append(key)
