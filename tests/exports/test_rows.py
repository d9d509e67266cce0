"""What is in an export: every transfer once, the book's balances, as of any position, and nothing of a person."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from fundledger.db.connection import Connection
from fundledger.exports import statements
from fundledger.exports.parts import Part
from fundledger.exports.scope import LAYOUTS, Scope
from tests.builders import DISTRICT, OFFICERS, OTHER_DISTRICT, VILLAGE, World
from tests.databases import Database, connected
from tests.exports.taking import as_csv, csv_rows, fen, json_rows, parquet_rows, scope_of, sheet_rows, taken
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


async def test_an_export_as_of_an_old_position_is_what_was_exported_then(world: World) -> None:
    made = await small_year(world)
    then = await scope_of(world.service, position=made["before"])
    first = await taken(world.service, "csv", then)
    await world.owner.execute("ALTER TABLE project DISABLE TRIGGER USER")
    await world.owner.execute(
        "INSERT INTO project SELECT (jsonb_populate_record(p, '{\"version\": 4, \"name\": \"改名\"}')).* FROM project p "
        "WHERE version = 3 AND project_id = $1", made["project"],
    )  # fmt: skip
    await world.owner.execute("UPDATE project SET recorded_at = clock_timestamp() WHERE version = 4")
    await fund(world, made["allocation"], made["project"], 100)
    await sealed(world.service)
    assert await taken(world.service, "csv", then) == first
    rows = await csv_rows(world.service, await scope_of(world.service))
    names = [row["project_name"] for row in rows if row["project_id"]]
    assert set(names[:-1]) == {"道路养护"}
    assert names[-1] == "改名"
    nothing = await scope_of(world.service, position=0, books=(OTHER_DISTRICT,))
    assert await csv_rows(world.service, nothing) == []


async def test_money_that_came_back_says_what_it_undoes_and_counts_negative_as_a_payment_voucher(world: World) -> None:
    made = await small_year(world)
    rows = await csv_rows(world.service, await scope_of(world.service))
    (back,) = [row for row in rows if row["undoes_entry_id"]]
    assert (back["undoes_entry_id"], back["undoes_line_no"], back["amount"]) == (str(made["paid"]), "2", "100.50")
    assert (back["payee_kind"], back["household_no"]) == ("person", str(made["people"][1][0]))
    assert back["payee_village_code"] == back["village_code"] == VILLAGE
    vouchers = await csv_rows(world.service, await scope_of(world.service, layout="payment_voucher"))
    assert [row["金额"] for row in vouchers] == ["100.50", "100.50", "100.50", "-100.50"]
    sides = await csv_rows(world.service, await scope_of(world.service, layout="accounting_voucher"))
    debited, credited = sum(fen(row["借方金额"]) for row in sides), sum(fen(row["贷方金额"]) for row in sides)
    assert debited == credited == sum(fen(row["amount"]) for row in rows)


HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    '引号"逗号,\n换行',
    "</t></is></c>&<x>",
    "\x07响铃",
    "-5",
)


async def test_no_text_becomes_a_formula_breaks_a_row_or_a_worksheet(world: World) -> None:
    for text in HOSTILE:
        await world.adopt(1_000, document_no=text, summary=text)
    await sealed(world.service)
    scope = await scope_of(world.service)
    cells = [row["summary"] for row in await csv_rows(world.service, scope)]
    assert cells == [f"'{text}" for text in HOSTILE[:5]] + list(HOSTILE[5:])
    assert [row["summary"] for row in await json_rows(world.service, scope)] == list(HOSTILE)
    assert [row["summary"] for row in await parquet_rows(world.service, scope)] == list(HOSTILE)
    seen = [row["summary"] for row in await sheet_rows(world.service, scope)]
    assert seen == [text.replace("\x07", "\ufffd") for text in HOSTILE]


async def test_huge_texts_come_whole_and_are_cut_where_a_cell_can_hold_no_more(world: World) -> None:
    huge = "长" * 200_000
    await world.adopt(1_000, document_no="文1号", summary=huge)
    await sealed(world.service)
    scope = await scope_of(world.service)
    for rows in (
        await csv_rows(world.service, scope),
        await json_rows(world.service, scope),
        await parquet_rows(world.service, scope),
    ):
        assert [row["summary"] for row in rows] == [huge]
    (cell,) = [row["summary"] for row in await sheet_rows(world.service, scope)]
    assert cell == "长" * 32_766 + "…"


async def test_nothing_of_a_person_leaves(world: World) -> None:
    await small_year(world)
    secrets = [b"sealed", *(name.encode() for name in (*OFFICERS.values(), *world.people))]
    for table, column in (("person", "identity_hash"), ("person", "name_hash"), ("payment_line", "card_hash"),
                          ("payment_line", "name_commitment"), ("payment_line", "card_commitment")):  # fmt: skip
        secrets += [row[0].hex().encode() for row in await world.owner.fetch(f"SELECT {column} FROM {table}")]
    assert len(secrets) > 20
    for layout in LAYOUTS:
        for form in ("csv", "ndjson"):
            for _, data in await taken(world.service, form, await scope_of(world.service, layout=layout)):
                assert [secret for secret in secrets if secret in data] == []
        query = statements.stretch(layout, statements.as_cell)
        assert (
            re.findall(r"sealed|_hash|salt|commitment|officer_term|payee_account", query.replace("leaf_hash", "")) == []
        )


async def test_what_is_posted_meanwhile_does_not_get_in(world: World, db: Database) -> None:
    made = await small_year(world)
    scope = await scope_of(world.service)
    expected = await taken(world.service, "csv", scope)

    async def posting() -> None:
        for _ in range(10):
            await fund(world, made["allocation"], made["project"], 100)
            await sealed(world.service)

    async with connected(db.service_url) as other:
        _, *found = await asyncio.gather(posting(), *[taken_slowly(other, scope) for _ in range(1)])
    assert found == [expected]
    assert len(await csv_rows(world.service, await scope_of(world.service))) == expected[0][0].rows + 10


async def taken_slowly(connection: Connection, scope: Scope) -> list[tuple[Part, bytes]]:
    found: list[tuple[Part, bytes]] = []
    for _ in range(5):
        found = await taken(connection, "csv", scope)
        await asyncio.sleep(0.05)
    return found


@pytest.mark.parametrize("lines_max", [1, 2, 3, 7])
async def test_parts_of_any_size_make_up_the_whole(
    world: World, monkeypatch: pytest.MonkeyPatch, lines_max: int
) -> None:
    await small_year(world)
    scope = await scope_of(world.service)
    ((_, whole),) = await taken(world.service, "csv", scope)
    monkeypatch.setattr("fundledger.exports.delimited.ROWS_MAX", lines_max)
    for long_lines in (20_000, 1):
        monkeypatch.setattr("fundledger.exports.stretches.LONG_LINES", long_lines)
        monkeypatch.setattr("fundledger.exports.statements.LONG_LINES", long_lines)
        parts = await taken(world.service, "csv", scope)
        assert len(parts) >= 9 / lines_max
        assert all(part.rows <= lines_max for part, _ in parts)
        head, *_ = whole.split(b"\n", 1)
        assert head + b"\n" + b"".join(data.split(b"\n", 1)[1] for _, data in parts) == whole
