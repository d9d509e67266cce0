"""Loading the demonstration year into an empty database, through the API and the gate like everybody else.

`load` returns the people's tokens by label. It takes some tens of seconds; `progress(step, done, total)` tells how far
it is. Nothing is inserted behind the gate's back: only people (as the owner) and the divisions do not go over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable

import asyncpg
import httpx

from fundledger.api.app import create_app
from fundledger.demo import budget, lists, people, planted
from fundledger.demo.caller import CITY, Caller
from fundledger.demo.district import District, open_library
from fundledger.demo.offices import DISTRICTS, Offices, appoint_officers, open_offices, open_townships
from fundledger.demo.villages import VillageLists, import_wuhan, publish_lists
from fundledger.settings import Settings

Progress = Callable[[str, int, int], None]
STEPS = 4
"""Steps of a district, for the progress display."""


async def load(owner_url: str, service_url: str, settings: Settings, progress: Progress) -> dict[str, str]:
    """Load the year into an empty database; the people's tokens by label."""
    owner, service = await asyncpg.connect(owner_url), await asyncpg.connect(service_url)
    try:
        offices = await open_offices(owner)
        rows = await import_wuhan(service)
        app = create_app(settings, service_url)
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://demo") as client,
        ):
            caller = Caller(client, offices.tokens)
            progress("市级预算 city budget", 0, 3)
            await appoint_officers(caller, offices)
            villages = await publish_lists(caller, rows)
            await open_townships(owner, offices, {book: villages.area[book][0] for book in DISTRICTS})
            progress("市级预算 city budget", 1, 3)
            await budget.adopt_and_allocate(caller, offices)
            progress("市级预算 city budget", 2, 3)
            await budget.release_all(caller, offices)
            progress("市级预算 city budget", 3, 3)
            await _districts(caller, offices, villages, progress)
        await owner.execute("ANALYZE")
        return offices.tokens
    finally:
        await owner.close()
        await service.close()


async def _districts(caller: Caller, offices: Offices, villages: VillageLists, progress: Progress) -> None:
    """Every district's year. A household of the first is known, and paid, in the last one too (planted)."""
    shared: people.Household | None = None
    name = "区级执行 districts"
    for place, book in enumerate(DISTRICTS):
        progress(name, place * STEPS, len(DISTRICTS) * STEPS)
        last = book == lists.PLANT_DISTRICT
        households = people.make_households(book, villages.area[book][:12], shared if last else None)
        shared = shared or households[0]
        await people.register(caller, book, households)
        await _rosters(caller, book, households)
        progress(name, place * STEPS + 1, len(DISTRICTS) * STEPS)
        own = await budget.adopt_own_money(caller, offices, book)
        district = District(caller, offices, book, households, own, villages.area[book][0])
        await open_library(district)
        progress(name, place * STEPS + 2, len(DISTRICTS) * STEPS)
        await lists.households_year(district)
        await lists.suppliers_year(district)
        if last:
            await planted.refused_in_district(district)
            city = await budget.every(caller, "finance-maker", f"/v1/books/{CITY}/allocations", district=str(book))
            await planted.refused_in_city(caller, offices, city[0])
        progress(name, (place + 1) * STEPS, len(DISTRICTS) * STEPS)


async def _rosters(caller: Caller, book: int, households: list[people.Household]) -> None:
    numbers = [{"household_no": one.household_no} for one in households]
    for programme in ("housing_repair", "industry_award", "dibao_topup"):
        await people.enrol(caller, book, programme, numbers)
    await people.enrol(
        caller, book, "labour_subsidy", [{"identity_number": one.head.identity_number} for one in households]
    )
    await people.enrol(
        caller, book, "education_aid", [{"identity_number": one.pupil.identity_number} for one in households]
    )
