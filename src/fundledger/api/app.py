"""`create_app` wires the service: lifespan state, routers, problems, body limit, OpenAPI. The only place that wires.

`serve` gives it an opened database; tests build their own app over a clone. The lifespan refuses to run as a role that
could change records (owner or superuser).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from fundledger.access.tokens import Tokens
from fundledger.api import (
    accounts,
    advances,
    allocations,
    anomalies,
    bank_results,
    book,
    budget,
    bundles,
    checkpoints,
    claims,
    contracts,
    entries,
    erasures,
    evaluations,
    evidence,
    exports,
    health,
    households,
    instructions,
    line_receipts,
    log,
    log_feed,
    notices,
    officers,
    parameters,
    payment_templates,
    payments,
    periods,
    policy,
    problem_pages,
    procurements,
    project_objections,
    projects,
    proofs,
    publicity,
    registry,
    reissues,
    release_settlements,
    releases,
    reports,
    reversals,
    routes_page,
    term_reports,
    trail,
    year,
)
from fundledger.api.deps import Services
from fundledger.api.limits import BodyLimit
from fundledger.api.openapi import document, operation_id
from fundledger.api.problems import install
from fundledger.book.poster import Poster
from fundledger.db.database import Database
from fundledger.exports.jobs import Exports
from fundledger.registry.vault import Vault
from fundledger.sealing import keys
from fundledger.sealing.cosigning import WitnessKeys
from fundledger.sealing.watch import Watch
from fundledger.settings import Settings

ROUTERS = (
    # Every request asks them in this order, so those that post come first, and the trail, which a page waits for.
    instructions.router,
    payment_templates.router,
    payments.router,
    trail.router,
    anomalies.router,
    health.router,
    problem_pages.router,
    releases.router,
    release_settlements.router,
    advances.router,
    bank_results.router,
    reissues.router,
    erasures.router,
    registry.router,
    households.router,
    accounts.router,
    policy.router,
    parameters.router,
    allocations.router,
    budget.router,
    notices.router,
    publicity.router,
    officers.router,
    term_reports.router,
    periods.router,
    procurements.router,
    contracts.router,
    claims.router,
    evidence.router,
    projects.router,
    evaluations.router,
    project_objections.router,
    reports.router,
    reversals.router,
    year.router,
    book.router,
    entries.router,
    line_receipts.router,
    log.router,
    log_feed.router,
    checkpoints.router,
    proofs.router,
    exports.router,
    bundles.router,
)
TITLE = "fundledger"
DESCRIPTION = "An append-only double-entry ledger for poverty-relief money, after 武扶组(2018)12号."


def create_app(settings: Settings, database_url: str, *, sealed: bool = False) -> FastAPI:
    """The service over one database, as the service role. `sealed`: a sequencer is to run, and postings wait for it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(database_url, pool_size=settings.pool_size)
        await refuse_powerful_role(database)
        poster = Poster(database)
        poster.start()
        watch = Watch(database, settings.log_keys_path)
        exports_jobs = Exports(database, settings.exports_path, days=settings.export_days)
        app.state.services = Services(
            settings, database, Tokens(database), poster, Vault.open(settings.keys_path),
            keys.ready(settings.log_keys_path), WitnessKeys(settings.witness_keys), await known_books(database),
            exports_jobs, watch,
        )  # fmt: skip
        exports_jobs.start()
        if sealed:
            watch.start()
        yield
        await watch.stop()
        await exports_jobs.stop()
        await poster.stop()
        await database.dispose()

    app = FastAPI(
        title=TITLE, description=DESCRIPTION, version="0.1.0", lifespan=lifespan, openapi_url="/v1/openapi.json",
        generate_unique_id_function=operation_id, docs_url=None, redoc_url=None,
        # Off: asking for a provider costs each request more than authorising it does.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )  # fmt: skip
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    install(app)
    for router in ROUTERS:
        app.include_router(router)
    document(app)
    routes_page.install(app)
    return app


async def refuse_powerful_role(database: Database) -> None:
    """RuntimeError if the connection could change or delete records: as owner, superuser, or with a table's rights."""
    async with database.driver() as connection:
        powerful = await connection.fetchval(
            "SELECT rolsuper OR pg_has_role(current_user, "
            "(SELECT relowner FROM pg_class WHERE oid = 'entry'::regclass), 'MEMBER') "
            "OR has_table_privilege('transfer', 'INSERT') FROM pg_roles WHERE rolname = current_user"
        )
    if powerful:
        raise RuntimeError("fundledger does not serve as a role that can write the book; use the service role's URL")


async def known_books(database: Database) -> frozenset[int]:
    """The books there are; they change with migrations only."""
    async with database.driver() as connection:
        return frozenset(row["book"] for row in await connection.fetch("SELECT book FROM book"))
