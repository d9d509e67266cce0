"""The trail's and the statement's questions are index seeks, on a book big enough for the planner to care."""

from __future__ import annotations

from typing import Any

from fundledger.book.asof import NOW
from fundledger.book.entries import EntryFilter, entries
from fundledger.book.poster import Posted
from fundledger.book.statements import _GIVEN, _RECEIVED
from fundledger.db.connection import Connection
from fundledger.trail import hops
from fundledger.trail.starts import Subject
from tests.builders import DISTRICT, World
from tests.trail.money import Payee, ask, bank_returns, fund, line

LINES = 20_000


async def big_book(world: World) -> tuple[Posted, list[Payee]]:
    """One project paid to 20,000 persons in one list, one of whom the bank sent back."""
    allocation = await world.funded(1_000_000_000)
    project = await world.project(planned_amount=2_000_000_000)
    await fund(world, allocation, project, 1_000_000_000)
    people = await world.persons(LINES)
    paid = await world.pay(await world.list_of(project, allocation, people))
    await bank_returns(world, paid.entry_id, 700, 8_000)
    for table in ("transfer", "entry", "log_leaf", "account", "account_balance"):
        await world.owner.execute(f"ANALYZE {table}")
    return paid, people


async def plan(connection: Connection, query: str, *values: Any) -> str:
    """How the planner would run it, with these values."""
    return "\n".join(row[0] for row in await connection.fetch("EXPLAIN " + query, *values))


async def test_the_questions_of_a_trail_are_index_seeks_on_a_big_book(world: World) -> None:
    paid, people = await big_book(world)
    await every_question_is_an_index_seek(world, paid)
    await a_household_is_traced_without_reading_the_list(world, paid, people)
    for limit in (60, 7_000):
        await a_page_of_a_big_node_reads_about_a_page(world, limit)


async def test_plans_that_were_made_on_a_small_book_still_seek_on_a_big_one(world: World) -> None:
    allocation = await world.funded(1_000_000_000)
    project = await world.project(planned_amount=2_000_000_000)
    await fund(world, allocation, project, 1_000_000_000)
    (first,) = await world.persons(1)
    await world.pay(await world.list_of(project, allocation, [first], period="2019-01"))
    for _ in range(7):
        assert len((await ask(world.service, "up", Subject("household", first[0]))).edges) == 6
    for period in ("2019-02", "2019-03"):
        people = await world.persons(LINES)
        await world.pay(await world.list_of(project, allocation, people, period=period))
        before = await read_rows(world)
        assert len((await ask(world.service, "up", Subject("household", people[-1][0]))).edges) == 6
        assert 0 < await read_rows(world) - before < 200


async def every_question_is_an_index_seek(world: World, paid: Posted) -> None:
    row = await world.service.fetchrow("SELECT * FROM transfer WHERE entry_id = $1 AND line_no = 500", paid.entry_id)
    assert row is not None
    starts, stops = [row["credit_before"]], [row["credit_before"] + 100_000]
    for query, account, index in (
        (hops._seek("credit"), row["credit_account"], "transfer_credit_tiles"),
        (hops._seek("debit"), row["debit_account"], "transfer_debit_tiles"),
    ):
        text = await plan(world.service, query, DISTRICT, [account], starts, stops, None, 1_001)
        assert text.count(index) == 2, text
        assert "Seq Scan" not in text, text
    text = await plan(world.service, hops._UNDOINGS, DISTRICT, [paid.entry_id] * 3, [1, 2, 3], None)
    assert "transfer_undoes" in text, text
    assert "Seq Scan" not in text, text
    for query in (_RECEIVED, _GIVEN):
        text = await plan(world.service, query, DISTRICT, row["debit_account"], 5_000, 2**62, None, 101)
        assert "_tiles" in text, text
        assert "Seq Scan on transfer" not in text, text


async def a_household_is_traced_without_reading_the_list(world: World, paid: Posted, people: list[Payee]) -> None:
    before = await read_rows(world)
    found = await ask(world.service, "up", Subject("household", people[499][0]))
    assert found.edges[0].transfer.line_no == 500
    assert found.round_trips < 15
    assert 0 < await read_rows(world) - before < 200
    down = await ask(world.service, "down", line(paid, 700))
    assert [(row["outcome"], row["amount"]) for row in down.ends] == [("rests", 8_000)]
    listed = await entries(world.service, DISTRICT, EntryFilter(entry_kind="pay"), as_of=NOW, limit=1)
    assert listed[0].entry_id == paid.entry_id


async def read_rows(world: World) -> int:
    """Rows of `transfer` that index scans and sequential scans fetched so far, in this database."""
    await world.service.execute("SELECT pg_stat_force_next_flush()")
    await world.owner.execute("SELECT pg_stat_clear_snapshot()")
    fetched = await world.owner.fetchval(
        "SELECT sum(idx_tup_fetch + seq_tup_read)::bigint FROM pg_stat_user_tables "
        "WHERE relname IN ('transfer', 'entry')"
    )
    return int(fetched)


async def a_page_of_a_big_node_reads_about_a_page(world: World, limit: int) -> None:
    project = await world.service.fetchval("SELECT project_id FROM account WHERE account_kind = 'paid'")
    before = await read_rows(world)
    page = await ask(world.service, "down", Subject("project", project), limit=limit)
    assert len(page.edges) <= limit
    assert len(page.edges) >= limit // 2
    assert sum(row["amount"] for row in page.ends) == page.amount
    assert page.beyond is not None
    assert limit // 2 < await read_rows(world) - before < 8 * limit + 300
