"""What the tests of the year's turn share: money that stands somewhere, short words for the kinds, closed months."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from fundledger.book.instructions import Leg
from fundledger.book.poster import Posted
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book.attackers import codes_of
from tests.builders import CITY, DISTRICT, World, insert

JANUARY = date(2020, 1, 15)
OLD = date(2022, 1, 10)
"""More than two years after the last day of 2019."""


async def moved(world: World, kind: str, *legs: Leg, book: int = CITY, **fields: Any) -> Posted:
    """Draft and post legs of a kind."""
    return await world.post(book, await world.draft(book, kind, list(legs), **fields))


async def codes(world: World, kind: str, *legs: Leg, book: int = CITY, **fields: Any) -> set[str]:
    """What posting these legs is refused for; empty: it posted."""
    drafted = await world.draft(book, kind, list(legs), **fields)
    try:
        await world.post(book, drafted)
    except FundledgerError as error:
        return codes_of(error)
    return set()


async def own_money(
    world: World, amount: int, *, year: int = 2019, fund: str = "recovered_stock", **fields: Any
) -> UUID:
    """The district's own money; its allocation."""
    known = await world.service.fetchval(
        "SELECT count(*) FROM declared_figure WHERE book = $1 AND fund_code = $2 AND fiscal_year = $3",
        DISTRICT,
        fund,
        year,
    )
    if not known:
        await insert(world.service, "declared_figure", {
            "book": DISTRICT, "fund_code": fund, "fiscal_year": year, "version": 1, "amount": 0, "document_no": "报1号",
            "recorded_by": world.who("district-maker").staff_id,
        })  # fmt: skip
    allocation = new_id()
    leg = Leg(amount, allocation_id=allocation, fund_code=fund, fiscal_year=year, district=DISTRICT)
    await moved(world, "adopt_own", leg, book=DISTRICT, **fields)
    return allocation


async def in_project(world: World, allocation: UUID, amount: int, **fields: Any) -> UUID:
    """A project funded with an amount."""
    project = await world.project()
    await moved(world, "fund", Leg(amount, allocation_id=allocation, project_id=project), book=DISTRICT, **fields)
    return project


async def held(world: World, kind: str, year: int, allocation: UUID) -> int:
    """The balance of an allocation's accounts of a kind and execution year; fen."""
    return int(await world.service.fetchval(
        """SELECT coalesce(sum(b.received - b.given), 0) FROM account a
           JOIN account_balance b ON b.book = a.book AND b.account_id = a.account_id
           WHERE a.account_kind = $1 AND a.exec_year = $2 AND a.allocation_id = $3""", kind, year, allocation))  # fmt: skip


async def close_months(world: World, year: int = 2019, *, book: int = DISTRICT) -> None:
    """Close every month of a year."""
    who = world.who("city-approver" if book == CITY else "district-approver").staff_id
    for month in range(1, 13):
        await world.service.execute(
            "SELECT gate_close_period($1, $2, $3, $4, '结1号')", book, date(year, month, 1), new_id(), who
        )


async def close_year(world: World, year: int = 2019, *, book: int = DISTRICT, who: str | None = None) -> UUID:
    """Close a year by the gate's function; the id of the record."""
    close_id = new_id()
    person = world.who(who or ("city-approver" if book == CITY else "district-approver")).staff_id
    await world.service.execute("SELECT gate_close_year($1, $2, $3, $4, '关账1号')", book, year, close_id, person)
    return close_id
