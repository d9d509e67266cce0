"""What is in an export: every transfer once, the book's balances, as of any position, and nothing of a person."""

from __future__ import annotations

from typing import Any

from fundledger.exports.scope import LAYOUTS
from tests.builders import DISTRICT, VILLAGE, World
from tests.exports.taking import as_csv, csv_rows, fen, json_rows, parquet_rows, scope_of, sheet_rows
from tests.trail.money import bank_returns, fund, pay, sealed


async def small_year(world: World) -> dict[str, Any]:
    """Money down to three people, one of whom the bank sends back; everything has its position."""
    allocation = await world.allocate(await world.adopt(100_000), 100_000, village=VILLAGE)
    await world.release(allocation, 80_000)
    project = await world.project(name="道路养护", village_code=VILLAGE)
    await fund(world, allocation, project, 70_000)
    people = await world.persons(3)
    paid = await pay(world, project, [(allocation, 10_050, one) for one in people])
    await sealed(world.service)
    before = await sealed(world.service)
    await bank_returns(world, paid.entry_id, 2, 10_050)
    return {"allocation": allocation, "project": project, "people": people, "paid": paid.entry_id, "before": before,
            "after": await sealed(world.service)}  # fmt: skip


async def test_the_rows_add_up_to_every_balance_of_the_book(world: World) -> None:
    await small_year(world)
    balances: dict[tuple[str, str], list[int]] = {}
    for row in await csv_rows(world.service, await scope_of(world.service)):
        balances.setdefault((row["book"], row["debit_account_id"]), [0, 0])[0] += fen(row["amount"])
        balances.setdefault((row["book"], row["credit_account_id"]), [0, 0])[1] += fen(row["amount"])
    stored = await world.service.fetch("SELECT * FROM account_balance WHERE received + given > 0")
    assert balances == {
        (str(row["book"]), str(row["account_id"])): [row["received"], row["given"]] for row in stored
    }  # fmt: skip


async def test_json_lines_say_what_csv_says(world: World) -> None:
    await small_year(world)
    scope = await scope_of(world.service)
    for one, other in zip(await csv_rows(world.service, scope), await json_rows(world.service, scope), strict=True):
        assert list(one) == list(other)
        assert list(one.values()) == ["" if value is None else str(value) for value in other.values()]
    assert DISTRICT in scope.books


async def test_workbooks_and_parquet_say_what_csv_says(world: World) -> None:
    await small_year(world)
    for layout in LAYOUTS:
        scope = await scope_of(world.service, layout=layout)
        expected = await csv_rows(world.service, scope)
        assert expected
        assert [as_csv(row) for row in await sheet_rows(world.service, scope)] == expected
        assert [as_csv(row) for row in await parquet_rows(world.service, scope)] == expected
