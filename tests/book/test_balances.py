"""Balances, statements, trial balances and entries: as of now, an effective day, and a log position."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from uuid import UUID

import pytest

from fundledger.book.asof import NOW, AsOf, as_of
from fundledger.book.balances import AccountFilter, Balance, balance, balances, trial_balance
from fundledger.book.entries import EntryFilter, entries, entry, transfers
from fundledger.book.statements import StatementLine, statement
from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.builders import CITY, DISTRICT, World
from tests.trail.money import bank_returns, fund, pay, sealed, undo


async def year(world: World) -> tuple[UUID, UUID]:
    """A small year in which money goes down, partly back, and is back-dated once; allocation and project."""
    start = date(2019, 1, 5)
    line = await world.adopt(1_000, effective_on=start)
    allocation = await world.allocate(line, 1_000, effective_on=start)
    await world.release(allocation, 300, effective_on=date(2019, 1, 10))
    await world.release(allocation, 500, effective_on=date(2019, 2, 5))
    await world.release(allocation, 100, effective_on=date(2019, 1, 20))
    project = await world.project()
    funded = await fund(world, allocation, project, 600, effective_on=date(2019, 2, 6))
    people = await world.persons(3)
    paid = await pay(world, project, [(allocation, 70, people[0]), (allocation, 80, people[1])])
    await bank_returns(world, paid.entry_id, 2, 30)
    await undo(world, DISTRICT, funded.entry_id, 1, 200)
    return allocation, project


async def one(connection: Connection, kind: str, as_of_: AsOf = NOW, book: int = DISTRICT) -> Balance:
    (found,) = await balances(connection, book, AccountFilter(account_kind=kind), as_of=as_of_)
    return found


async def test_a_balance_is_what_was_received_less_what_was_given(world: World) -> None:
    allocation, project = await year(world)
    executable = await one(world.service, "executable")
    assert (executable.received, executable.given, executable.balance) == (1_100, 600, 500)
    paid = await one(world.service, "paid")
    assert (paid.balance, paid.project_id, paid.allocation_id) == (120, project, allocation)
    assert (await one(world.service, "upper_transfer")).balance == -900
    assert await balance(world.service, DISTRICT, paid.account_id) == paid
    with pytest.raises(FundledgerError, match="account-not-found"):
        await balance(world.service, CITY, paid.account_id)


async def test_as_of_a_day_only_what_counted_by_then_is_there_whenever_it_was_posted(world: World) -> None:
    await year(world)
    for day, received, given in ((9, 0, 0), (10, 300, 0), (19, 300, 0), (20, 400, 0), (31, 400, 0)):
        found = await one(world.service, "executable", AsOf(effective_on=date(2019, 1, day)))
        assert (found.received, found.given) == (received, given), day
    found = await one(world.service, "executable", AsOf(effective_on=date(2019, 2, 6)))
    assert (found.received, found.given) == (900, 600)
    trial = await trial_balance(world.service, DISTRICT, as_of=AsOf(effective_on=date(2019, 1, 20)))
    assert (trial.received, trial.given) == (400, 400)


async def test_as_of_every_position_balances_are_the_sums_of_what_was_known_then(world: World) -> None:
    """Against plain sums over all transfers up to each position, of every account of both books."""
    await year(world)
    head = await sealed(world.service)
    await undo(world, DISTRICT, await last_fund(world), 1, 50)
    for book in (CITY, DISTRICT):
        for position in range(-1, head + 1):
            expected = await sums(world, book, position)
            found = await balances(world.service, book, AccountFilter(), as_of=AsOf(position=position))
            assert {row.account_id: (row.received, row.given) for row in found if row.received or row.given} == expected
            trial = await trial_balance(world.service, book, as_of=AsOf(position=position), by="allocation")
            assert trial.received == trial.given == sum(received for received, _ in expected.values())
    latest = await balances(world.service, DISTRICT, AccountFilter(), as_of=AsOf(position=head))
    assert latest != await balances(world.service, DISTRICT, AccountFilter()), "the last posting has no position yet"


async def last_fund(world: World) -> UUID:
    return UUID(str(await world.service.fetchval("SELECT entry_id FROM entry WHERE entry_kind = 'fund'")))


async def sums(world: World, book: int, position: int) -> dict[UUID, tuple[int, int]]:
    """Received and given of every account, added up over the transfers whose entry was known at a position."""
    rows = await world.service.fetch(
        "SELECT t.debit_account, t.credit_account, t.amount FROM transfer t JOIN log_leaf l ON l.book = t.book "
        "AND l.kind = 'entry' AND l.record_id = t.entry_id WHERE t.book = $1 AND l.position <= $2",
        book,
        position,
    )
    received: dict[UUID, int] = defaultdict(int)
    given: dict[UUID, int] = defaultdict(int)
    for row in rows:
        received[row["debit_account"]] += row["amount"]
        given[row["credit_account"]] += row["amount"]
    return {account: (received[account], given[account]) for account in {*received, *given}}


async def test_a_timestamp_is_the_last_position_appended_by_then(world: World) -> None:
    await year(world)
    head = await sealed(world.service)
    then = await world.service.fetchval("SELECT clock_timestamp()")
    await fund(world, await only_allocation(world), await world.project(), 10)
    later = await sealed(world.service)
    assert await as_of(world.service, known_at=then) == AsOf(position=head)
    assert await as_of(world.service, known_at=await world.service.fetchval("SELECT clock_timestamp()")) == AsOf(
        position=later
    )
    assert await as_of(world.service, known_at=await world.service.fetchval("SELECT timestamptz '2018-01-01'")) == AsOf(
        position=-1
    )
    with pytest.raises(FundledgerError, match="as-of-not-reached"):
        await as_of(world.service, position=later + 1)
    with pytest.raises(FundledgerError, match="as-of-not-reached"):
        await as_of(
            world.service, known_at=await world.service.fetchval("SELECT clock_timestamp() + interval '1 hour'")
        )
    with pytest.raises(FundledgerError, match="as-of-ambiguous"):
        await as_of(world.service, position=0, effective_on=date(2019, 1, 1))


async def only_allocation(world: World) -> UUID:
    return UUID(str(await world.service.fetchval("SELECT allocation_id FROM allocation WHERE book = $1", DISTRICT)))


async def test_filters_pick_accounts_and_pages_lie_end_to_end(world: World) -> None:
    allocation, project = await year(world)
    line_id = await world.adopt(500, fund="special_factor", year=2018)
    await world.allocate(line_id, 400, year=2018)
    everything = await balances(world.service, CITY, AccountFilter())
    assert len(everything) == 7
    for which, kinds in (
        (AccountFilter(allocation_id=allocation), {"unreleased", "released"}),
        (AccountFilter(budget_line_id=line_id), {"budget_source", "unreleased_budget"}),
        (AccountFilter(fiscal_year=2018), {"budget_source", "unreleased_budget", "unreleased"}),
        (AccountFilter(district=DISTRICT, account_kind="unreleased"), {"unreleased"}),
        (AccountFilter(district=420112), set()),
    ):
        assert {row.account_kind for row in await balances(world.service, CITY, which)} == kinds, which
    of_project = await balances(world.service, DISTRICT, AccountFilter(project_id=project))
    assert {row.account_kind for row in of_project} == {"available", "paid"}
    first = await balances(world.service, CITY, AccountFilter(), limit=4)
    assert first + await balances(world.service, CITY, AccountFilter(), after=first[-1].account_id) == everything


async def test_a_statement_runs_in_lock_order_with_the_totals_before_and_after(world: World) -> None:
    await year(world)
    account = await one(world.service, "executable")
    whole = await statement(world.service, DISTRICT, account.account_id)
    assert [(line.side, line.amount, line.before, line.after, line.balance) for line in whole.lines] == [
        ("received", 300, 0, 300, 300), ("received", 500, 300, 800, 800), ("received", 100, 800, 900, 900),
        ("given", 600, 0, 600, 300), ("received", 200, 900, 1_100, 500),
    ]  # fmt: skip
    assert [line.counter_kind for line in whole.lines] == ["upper_transfer"] * 3 + ["available"] * 2
    assert whole.lines[-1].undoes_entry_id == whole.lines[-2].entry_id
    assert whole.beyond is None

    pages: list[StatementLine] = []
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        page = await statement(world.service, DISTRICT, account.account_id, after=after, limit=2)
        pages, after = pages + page.lines, page.beyond
    assert pages == whole.lines


async def test_a_statement_as_of_a_position_or_a_day_ends_there(world: World) -> None:
    await year(world)
    await sealed(world.service)
    account = await one(world.service, "executable")
    whole = await statement(world.service, DISTRICT, account.account_id)
    for count, line in enumerate(whole.lines, start=1):
        assert line.position is not None
        then = await statement(world.service, DISTRICT, account.account_id, as_of=AsOf(position=line.position))
        assert (then.lines, then.account.balance) == (whole.lines[:count], line.balance)
    january = await statement(world.service, DISTRICT, account.account_id, as_of=AsOf(effective_on=date(2019, 1, 31)))
    assert ([line.amount for line in january.lines], january.account.balance) == ([300, 100], 400)


async def test_a_statement_shows_money_that_left_came_back_and_left_the_book(world: World) -> None:
    allocation = await world.funded(1_000)
    project = await world.project()
    first = await fund(world, allocation, project, 300)
    (released,) = await entries(world.service, CITY, EntryFilter(entry_kind="release"))
    await undo(world, DISTRICT, first.entry_id, 1, 300)
    await undo(world, CITY, released.entry_id, 1, 400)
    lines = (await statement(world.service, DISTRICT, (await one(world.service, "executable")).account_id)).lines
    assert [line.balance for line in lines] == [1_000, 700, 1_000, 600]


async def test_a_trial_balance_is_broken_down_and_always_balances(world: World) -> None:
    allocation, _ = await year(world)
    kinds = {row.account_kind: row.received - row.given for row in (await trial_balance(world.service, DISTRICT)).rows}
    assert kinds == {"upper_transfer": -900, "executable": 500, "available": 280, "paid": 120}
    fine = await trial_balance(world.service, CITY, by="allocation")
    assert {row.account_kind for row in fine.rows if row.allocation_id == allocation} == {"unreleased", "released"}
    assert fine.received == fine.given
    by_fund = await trial_balance(world.service, CITY, by="fund")
    assert {(row.fund_code, row.fiscal_year) for row in by_fund.rows} == {("special_factor", 2019)}
    await world.owner.execute("UPDATE account_balance SET received = received + 1 WHERE NOT is_source")
    with pytest.raises(FundledgerError, match="trial-unbalanced"):
        await trial_balance(world.service, DISTRICT)


async def test_an_entry_shows_its_transfers_and_what_came_back_of_them(world: World) -> None:
    await year(world)
    (paid,) = await entries(world.service, DISTRICT, EntryFilter(entry_kind="pay"))
    assert await entry(world.service, DISTRICT, paid.entry_id) == paid
    lines = await transfers(world.service, DISTRICT, paid.entry_id)
    assert [(line.line_no, line.amount, line.undone, line.payer_kind) for line in lines] == [
        (1, 70, 0, "available"), (2, 80, 30, "available"),
    ]  # fmt: skip
    assert await transfers(world.service, DISTRICT, paid.entry_id, after=1) == lines[1:]
    assert (paid.payer_id, paid.total, paid.line_count) == (world.who("district-payer").staff_id, 150, 2)
    with pytest.raises(FundledgerError, match="entry-not-found"):
        await entry(world.service, CITY, paid.entry_id)
    with pytest.raises(FundledgerError, match="entry-not-found"):
        await entry(world.service, DISTRICT, new_id())


async def test_entries_are_listed_by_document_kind_period_and_position(world: World) -> None:
    await year(world)
    releases = await entries(world.service, DISTRICT, EntryFilter(entry_kind="release"))
    assert [row.effective_on.day for row in releases] == [10, 20, 5]
    january = EntryFilter(effective_from=date(2019, 1, 1), effective_to=date(2019, 1, 31))
    assert await entries(world.service, DISTRICT, january) == releases[:2]
    assert await entries(world.service, DISTRICT, EntryFilter(document_no=releases[1].document_no)) == [releases[1]]
    everything = await entries(world.service, DISTRICT, EntryFilter())
    first = await entries(world.service, DISTRICT, EntryFilter(), limit=3)
    last = (first[-1].effective_on, first[-1].entry_id)
    assert first + await entries(world.service, DISTRICT, EntryFilter(), after=last) == everything
    assert await entries(world.service, DISTRICT, EntryFilter(), as_of=AsOf(position=0)) == []
    head = await sealed(world.service)
    known = await entries(world.service, DISTRICT, EntryFilter(), as_of=AsOf(position=head))
    assert [row.entry_id for row in known] == [row.entry_id for row in everything]
