"""Worked cases of the anomaly rules: what happened, and what a rule must make of it. All of it passes the real gate."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from fundledger.book.instructions import Leg
from fundledger.book.poster import Posted
from fundledger.ids import new_id
from tests.book.advances import accepted, advanced, remainder_back, settle, settle_leg
from tests.book.payment_case import ADVANCE
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, TODAY, VILLAGE, World, insert

CARD = os.urandom(32)
IDENTITY = os.urandom(32)
PAY = 8_000


@dataclass(frozen=True)
class Case:
    """A scenario, the question asked of it, and the hits it must give: (book, fen at issue), in any order."""

    rule: str
    name: str
    scenario: Callable[[World], Awaitable[object]]
    hits: tuple[tuple[int, int | None], ...] = ()
    on: date = TODAY
    days: int | None = None


async def ready(
    world: World, book: int = DISTRICT, programme: str = "labour_subsidy", category: str = "employment"
) -> tuple[UUID, UUID]:
    """A project of a book with money to spend: (project, allocation)."""
    allocation = await world.funded(1_000_000, district=book)
    project = await world.project(programme=programme, category=category, book=book)
    await world.post(
        book, await world.draft(book, "fund", [Leg(900_000, allocation_id=allocation, project_id=project)])
    )
    return project, allocation


async def paid(
    world: World, count: int = 1, *, book: int = DISTRICT, identity: bytes | None = None, cards: tuple[bytes, ...] = (),
    **fields: object,
) -> tuple[Posted, list[tuple[UUID, UUID]]]:  # fmt: skip
    """A list of `count` new persons of a book, paid."""
    project, allocation = await ready(world, book)
    people = await world.persons(count, book=book, village=f"{book}001200", identities=[identity] if identity else [])
    made = await world.list_of(project, allocation, people, book=book, cards=cards, **fields)  # type: ignore[arg-type]
    return await world.pay(made, book=book), people


async def bank(world: World, entry: Posted, line: int, outcome: str, on: date = TODAY, *, book: int = DISTRICT) -> None:
    """What the bank said of one line."""
    await insert(world.service, "bank_result", {
        "book": book, "entry_id": entry.entry_id, "line_no": line, "outcome": outcome, "settled_on": on,
        "document_no": "回盘1号",
        "recorded_by": world.who("district-maker" if book == DISTRICT else "other-maker").staff_id,
    })  # fmt: skip


async def give_back(
    world: World, entry: Posted, line: int = 1, amount: int = PAY, *, book: int = DISTRICT, on: date = TODAY
) -> None:
    """The bank returns a line and it is posted back."""
    await bank(world, entry, line, "returned", on, book=book)
    leg = Leg(amount, undoes_entry_id=entry.entry_id, undoes_line_no=line)
    await world.post(book, await world.draft(book, "return", [leg]))


async def status(world: World, subject: UUID, value: str, since: date) -> None:
    """A status of a household or person, recorded now."""
    await insert(world.service, "registry_status", {
        "book": DISTRICT, "subject_id": subject, "valid_from": since, "status": value, "document_no": "动态1号",
        "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip


async def strike_off(world: World, payee: UUID, since: date, programme: str = "labour_subsidy") -> None:
    """A payee leaves a programme's roster, recorded now."""
    await insert(world.service, "roster_member", {
        "book": DISTRICT, "programme_code": programme, "payee_id": payee, "valid_from": since, "action": "struck_off",
        "document_no": "剔除1号", "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip


# -- REF-01


async def refused_twice(world: World) -> None:
    """Two different calls, one of them twice: one person, one action, one code."""
    for request in (bytes(32), bytes(32), b"\1" * 32):
        await world.service.execute(
            "SELECT record_refusal($1, $2, 'balance-insufficient', $3, 'POST /x', NULL, $4, '{}')",
            DISTRICT, new_id(), world.who("district-maker").staff_id, request,
        )  # fmt: skip


async def nothing(world: World) -> None:
    """An ordinary day: money comes and is paid, and the bank confirms it."""
    entry, _ = await paid(world, 2)
    for line in (1, 2):
        await bank(world, entry, line, "credited")


# -- IDL-03


async def money_of_2018(world: World) -> None:
    """1,000,000 of fiscal year 2018 reached the district on 1 March 2019 and lies there."""
    allocation = await world.allocate(await world.adopt(1_500_000, year=2018), 1_500_000, year=2018)
    await world.release(allocation, 1_000_000)


async def money_of_2018_in_a_project(world: World) -> None:
    """Funding a project does not restart the clock: 400,000 executable, 600,000 available."""
    allocation = await world.allocate(await world.adopt(1_000_000, year=2018), 1_000_000, year=2018)
    await world.release(allocation, 1_000_000)
    leg = Leg(600_000, allocation_id=allocation, project_id=await world.project())
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg]))


async def money_of_2019(world: World) -> None:
    """Money of the current year."""
    await world.funded(1_000_000)


# -- FCL-12


async def one_card_two_households(world: World) -> None:
    """Two households of one list, one card."""
    await paid(world, 3, cards=(CARD, CARD))


async def one_card_two_districts(world: World) -> None:
    """A household here and one there, one card."""
    await paid(world, cards=(CARD,))
    await paid(world, book=OTHER_DISTRICT, cards=(CARD,))


async def one_card_one_household(world: World) -> None:
    """The same household in two months on its own card."""
    project, allocation = await ready(world)
    people = await world.persons(1)
    for period in ("2019-01", "2019-02"):
        await world.pay(await world.list_of(project, allocation, people, period=period, cards=(CARD,)))


async def one_card_and_one_returned(world: World) -> None:
    """The wrong household's money came back."""
    entry, _ = await paid(world, 2, cards=(CARD, CARD))
    await give_back(world, entry, 2)


async def one_card_not_paid(world: World) -> None:
    """The list was drafted and never paid."""
    project, allocation = await ready(world)
    await world.list_of(project, allocation, await world.persons(2), cards=(CARD, CARD))


# -- FCL-10


async def same_person_two_districts(world: World) -> None:
    """One identity number, two districts, one programme and month."""
    await paid(world, identity=IDENTITY)
    await paid(world, book=OTHER_DISTRICT, identity=IDENTITY)


async def same_head_two_districts(world: World) -> None:
    """A household programme: the head stands for the household."""
    for book in (DISTRICT, OTHER_DISTRICT):
        project, allocation = await ready(world, book, "industry_award", "industry")
        people = await world.persons(
            1, programme="industry_award", book=book, village=f"{book}001200", identities=[IDENTITY]
        )
        await world.pay(
            await world.list_of(
                project, allocation, people, programme="industry_award", payee_kind="household", book=book
            ),
            book=book,
        )


async def same_person_other_month(world: World) -> None:
    """A move: January here, February there."""
    await paid(world, identity=IDENTITY, period="2019-01")
    await paid(world, book=OTHER_DISTRICT, identity=IDENTITY, period="2019-02")


async def same_person_one_returned(world: World) -> None:
    """The other district's payment came back whole."""
    await paid(world, identity=IDENTITY)
    entry, _ = await paid(world, book=OTHER_DISTRICT, identity=IDENTITY)
    await give_back(world, entry, book=OTHER_DISTRICT)


async def returned_and_paid_again(world: World) -> None:
    """A re-issue is the second payment of the same month, and right."""
    project, allocation = await ready(world)
    people = await world.persons(1)
    first = await world.pay(await world.list_of(project, allocation, people))
    await give_back(world, first)
    await world.pay(await world.list_of(project, allocation, people, reissues=(first.entry_id, 1)))


async def returned_twice(world: World) -> None:
    """The re-issue came back too, on 10 March: what waits is the re-issue, not the first payment as well."""
    project, allocation = await ready(world)
    people = await world.persons(1)
    first = await world.pay(await world.list_of(project, allocation, people))
    await give_back(world, first)
    second = await world.pay(await world.list_of(project, allocation, people, reissues=(first.entry_id, 1)))
    await give_back(world, second, on=date(2019, 3, 10))


async def paid_twice_behind_the_gate(world: World) -> None:
    """The owner of the database writes an entry that the gate would have refused."""
    project, allocation = await ready(world)
    people = await world.persons(1)
    first = await world.pay(await world.list_of(project, allocation, people))
    second = await world.list_of(project, allocation, people, approved=False, published=False)
    await world.owner.execute(
        """INSERT INTO entry SELECT (e2).* FROM (SELECT jsonb_populate_record(e, jsonb_build_object(
               'entry_id', $1::uuid, 'instruction_id', $2::uuid, 'order_no', nextval('record_order'))) AS e2
           FROM entry e WHERE e.entry_id = $3) x""",
        new_id(), second, first.entry_id,
    )  # fmt: skip


# -- UND-08


async def unanswered(world: World) -> None:
    """Three lines sent on 1 March: one credited, one credited after 20 March, one never."""
    entry, _ = await paid(world, 3)
    await bank(world, entry, 1, "credited", date(2019, 3, 5))
    await bank(world, entry, 2, "credited", date(2019, 3, 21))


async def answered(world: World) -> None:
    """One credited, one returned: both answered."""
    entry, _ = await paid(world, 2)
    await bank(world, entry, 1, "credited")
    await bank(world, entry, 2, "returned")


# -- STD-01


async def above_with_a_document(world: World) -> None:
    """10 yuan above the standard of 80, by an exception document."""
    await paid(world, 2, amount=9_000, exception="特批1号")


async def two_days_of_work(world: World) -> None:
    """160 yuan for two days is the standard; the document changes nothing."""
    await paid(world, amount=16_000, quantity=2, exception="特批1号")


async def standard_corrected_later(world: World) -> None:
    """The standard turns out to have been 50 yuan since January."""
    await paid(world, 2)
    await world.owner.execute(
        "INSERT INTO parameter VALUES ('standard_labour_subsidy', 2, 5000, 'fen', '2019-01-01', NULL, '更正1号')"
    )


async def above_and_returned(world: World) -> None:
    """What exceeded the standard came back whole."""
    entry, _ = await paid(world, amount=9_000, exception="特批1号")
    await give_back(world, entry, amount=9_000)


async def above_and_not_paid(world: World) -> None:
    """A draft is not a payment."""
    project, allocation = await ready(world)
    await world.list_of(project, allocation, await world.persons(1), amount=9_000, exception="特批1号")


# -- FCL-03: entitlement is that of 1 February 2019


async def removed_later(world: World) -> None:
    """The household turns out to have been removed in January."""
    _, people = await paid(world, 2)
    await status(world, people[0][0], "removed", date(2019, 1, 31))


async def died_before(world: World) -> None:
    """The person had died; the household stays registered."""
    _, people = await paid(world, 2)
    await status(world, people[0][1], "deceased", date(2019, 2, 1))


async def died_after(world: World) -> None:
    """Alive on the entitlement day."""
    _, people = await paid(world)
    await status(world, people[0][1], "deceased", date(2019, 2, 2))


async def left_poverty(world: World) -> None:
    """Leaving poverty ends nothing."""
    _, people = await paid(world)
    await status(world, people[0][0], "exited", date(2018, 12, 1))


async def removed_and_back(world: World) -> None:
    """Removed and registered again before the entitlement day."""
    _, people = await paid(world)
    await status(world, people[0][0], "removed", date(2018, 6, 1))
    await status(world, people[0][0], "relapsed", date(2018, 12, 1))


async def struck_off_later(world: World) -> None:
    """Off the roster since January, as is known now."""
    _, people = await paid(world)
    await strike_off(world, people[0][1], date(2019, 1, 1))


async def struck_off_elsewhere(world: World) -> None:
    """Off another programme's roster."""
    _, people = await paid(world)
    await strike_off(world, people[0][1], date(2019, 1, 1), "education_aid")


# -- IDL-11


async def returned_and_left(world: World) -> None:
    """Returned on 5 March and never paid again."""
    entry, _ = await paid(world, 2)
    await give_back(world, entry, on=date(2019, 3, 5))


async def returned_not_posted(world: World) -> None:
    """The bank's return was loaded, not even posted back."""
    entry, _ = await paid(world, 2)
    await bank(world, entry, 2, "returned", date(2019, 3, 5))


# -- IDL-07


async def road_advanced(world: World, settled: int = 0, back: int = 0, on: date = date(2019, 4, 1)) -> None:
    """3,600 yuan advanced on 1 March, due on 28 August; of it `settled` and given `back` on a day."""
    built = await ADVANCE.build(world)
    entry = (await advanced(built)).entry_id
    if settled:
        await accepted(built)
        await settle(built, settle_leg(built, entry, settled), effective_on=on)
    if back:
        await remainder_back(built, entry, back, effective_on=on)


async def settled_and_reversed(world: World) -> None:
    """Settled whole in April; the settlement was reversed on 1 October."""
    built = await ADVANCE.build(world)
    entry = (await advanced(built)).entry_id
    await accepted(built)
    done = await settle(built, settle_leg(built, entry, 360_000))
    undo = [Leg(360_000, undoes_entry_id=done.entry_id, undoes_line_no=1)]
    await world.post(DISTRICT, await world.draft(DISTRICT, "reverse", undo, effective_on=date(2019, 10, 1)))


# -- STD-10


async def village_money(world: World, released: int, *, year: int = 2018, listed: bool = True) -> None:
    """The targeted fund of one listed village: 200,000 yuan due, of which `released` fen."""
    await insert(world.service, "village_list", {
        "book": DISTRICT, "fund_code": "targeted", "fiscal_year": year, "version": 1, "village_code": VILLAGE,
        "document_no": "名单1号", "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip
    line = await world.adopt(20_000_000, fund="targeted", year=year)
    allocation = await world.allocate(line, 20_000_000, fund="targeted", year=year, village=VILLAGE)
    if released:
        await world.release(allocation, released)
    if not listed:
        await insert(world.service, "village_list_version", {
            "book": DISTRICT, "fund_code": "targeted", "fiscal_year": year, "version": 2, "list_id": new_id(),
            "village_count": 0, "document_no": "名单2号", "recorded_by": world.who("district-maker").staff_id,
        })  # fmt: skip


# -- STD-11


async def own_money(world: World, adopted: int, *figures: int, final: bool = False) -> None:
    """Declared recovered funds (each a new version), half of which is the floor; `adopted` fen with a document."""

    async def declare(version: int, figure: int, is_final: bool) -> None:
        await insert(world.service, "declared_figure", {
            "book": DISTRICT, "fund_code": "recovered_stock", "fiscal_year": 2019, "version": version,
            "amount": figure, "is_final": is_final, "document_no": f"申报{version}号",
            "recorded_by": world.who("district-maker").staff_id,
        })  # fmt: skip

    await declare(1, figures[0], False)
    if adopted:
        leg = Leg(adopted, allocation_id=new_id(), fund_code="recovered_stock", fiscal_year=2019)
        await world.post(DISTRICT, await world.draft(DISTRICT, "adopt_own", [leg], exception_document_no="区府批1号"))
    for version, figure in enumerate(figures[1:], start=2):
        await declare(version, figure, final)


ONE = ((DISTRICT, PAY),)
CASES: tuple[Case, ...] = (
    Case("REF-01", "two different calls, one of them twice", refused_twice, ((DISTRICT, None),)),
    Case("REF-01", "an ordinary day", nothing),
    Case("IDL-03", "money of last year that was released this year", money_of_2018, ((DISTRICT, 1_000_000),)),
    Case("IDL-03", "last year's money in a project", money_of_2018_in_a_project,
         ((DISTRICT, 400_000), (DISTRICT, 600_000))),
    Case("IDL-03", "the day before it came", money_of_2018, on=date(2019, 2, 28)),
    Case("IDL-03", "the 365th day", money_of_2019, on=date(2020, 1, 1)),
    Case("IDL-03", "the 366th day", money_of_2019, ((DISTRICT, 1_000_000),), on=date(2020, 1, 2)),
    Case("IDL-03", "another limit: the 59th day of 58", money_of_2019, ((DISTRICT, 1_000_000),), days=58),
    Case("IDL-03", "another limit: the 59th day of 59", money_of_2019, days=59),
    Case("FCL-12", "two households on one card", one_card_two_households, ((DISTRICT, 2 * PAY),)),
    Case("FCL-12", "two districts on one card", one_card_two_districts, ((DISTRICT, PAY), (OTHER_DISTRICT, PAY))),
    Case("FCL-12", "one household in two months", one_card_one_household),
    Case("FCL-12", "the second household's money came back", one_card_and_one_returned),
    Case("FCL-12", "a list that was not paid", one_card_not_paid),
    Case("FCL-12", "an ordinary day", nothing),
    Case("FCL-10", "one person in two districts", same_person_two_districts, ((DISTRICT, PAY), (OTHER_DISTRICT, PAY))),
    Case("FCL-10", "one head of two households", same_head_two_districts, ((DISTRICT, PAY), (OTHER_DISTRICT, PAY))),
    Case("FCL-10", "another month", same_person_other_month),
    Case("FCL-10", "one of two came back", same_person_one_returned),
    Case("FCL-10", "returned and paid again", returned_and_paid_again),
    Case("FCL-10", "twice in one district, behind the gate", paid_twice_behind_the_gate, ((DISTRICT, 2 * PAY),)),
    Case("FCL-10", "an ordinary day", nothing),
    Case("UND-08", "the 15th day", unanswered, on=date(2019, 3, 16)),
    Case("UND-08", "the 16th day: two unanswered", unanswered, ((DISTRICT, 2 * PAY),), on=date(2019, 3, 17)),
    Case("UND-08", "later one was credited", unanswered, ONE, on=date(2019, 3, 21)),
    Case("UND-08", "returned is an answer", answered, on=date(2019, 6, 1)),
    Case("UND-08", "an ordinary day", nothing, on=date(2019, 6, 1)),
    Case("STD-01", "above by a document", above_with_a_document, ((DISTRICT, 1_000),) * 2),
    Case("STD-01", "twice the standard for two days", two_days_of_work),
    Case("STD-01", "the standard is corrected later", standard_corrected_later, ((DISTRICT, 3_000),) * 2),
    Case("STD-01", "it came back whole", above_and_returned),
    Case("STD-01", "a list that was not paid", above_and_not_paid),
    Case("STD-01", "an ordinary day", nothing),
    Case("FCL-03", "removed, recorded later", removed_later, ONE),
    Case("FCL-03", "dead on the entitlement day", died_before, ONE),
    Case("FCL-03", "dead the day after", died_after),
    Case("FCL-03", "left poverty", left_poverty),
    Case("FCL-03", "removed and registered again", removed_and_back),
    Case("FCL-03", "struck off, recorded later", struck_off_later, ONE),
    Case("FCL-03", "struck off another roster", struck_off_elsewhere),
    Case("IDL-11", "the 30th day", returned_and_left, on=date(2019, 4, 4)),
    Case("IDL-11", "the 31st day", returned_and_left, ONE, on=date(2019, 4, 5)),
    Case("IDL-11", "not even posted back", returned_not_posted, ONE, on=date(2019, 4, 5)),
    Case("IDL-11", "the re-issue came back too", returned_twice, on=date(2019, 4, 5)),
    Case("IDL-11", "and nobody paid that again", returned_twice, ONE, on=date(2019, 6, 1)),
    Case("IDL-11", "paid again", returned_and_paid_again, on=date(2019, 6, 1)),
    Case("IDL-11", "an ordinary day", nothing, on=date(2019, 6, 1)),
    Case("IDL-07", "the 180th day", road_advanced, on=date(2019, 8, 28)),
    Case("IDL-07", "the 181st day", road_advanced, ((DISTRICT, 360_000),), on=date(2019, 8, 29)),
    Case("IDL-07", "a part was settled, a part came back", lambda w: road_advanced(w, 200_000, 50_000),
         ((DISTRICT, 110_000),), on=date(2019, 8, 29)),
    Case("IDL-07", "settled and given back in time", lambda w: road_advanced(w, 300_000, 60_000), on=date(2020, 1, 1)),
    Case("IDL-07", "settled too late, asked before", lambda w: road_advanced(w, 360_000, on=date(2019, 9, 10)),
         ((DISTRICT, 360_000),), on=date(2019, 9, 9)),
    Case("IDL-07", "settled too late, asked after", lambda w: road_advanced(w, 360_000, on=date(2019, 9, 10)),
         on=date(2019, 9, 10)),
    Case("IDL-07", "the settlement was reversed", settled_and_reversed, ((DISTRICT, 360_000),), on=date(2019, 10, 1)),
    Case("IDL-07", "before it was reversed", settled_and_reversed, on=date(2019, 9, 30)),
    Case("STD-10", "a quarter is missing", lambda w: village_money(w, 15_000_000), ((DISTRICT, 5_000_000),)),
    Case("STD-10", "nothing was released", lambda w: village_money(w, 0), ((DISTRICT, 20_000_000),)),
    Case("STD-10", "met to the fen", lambda w: village_money(w, 20_000_000)),
    Case("STD-10", "the year is not over", lambda w: village_money(w, 0, year=2019), on=date(2019, 12, 31)),
    Case("STD-10", "the year is over", lambda w: village_money(w, 0, year=2019), ((DISTRICT, 20_000_000),),
         on=date(2020, 1, 1)),
    Case("STD-10", "taken off the list", lambda w: village_money(w, 0, listed=False)),
    Case("STD-11", "below by a document", lambda w: own_money(w, 400_000, 1_000_000), ((DISTRICT, 100_000),)),
    Case("STD-11", "at the floor", lambda w: own_money(w, 500_000, 1_000_000)),
    Case("STD-11", "nothing adopted yet", lambda w: own_money(w, 0, 1_000_000)),
    Case("STD-11", "nothing adopted all year", lambda w: own_money(w, 0, 1_000_000), ((DISTRICT, 500_000),),
         on=date(2020, 1, 1)),
    Case("STD-11", "final figures re-open the test", lambda w: own_money(w, 500_000, 1_000_000, 1_000_001, final=True),
         ((DISTRICT, 1),)),
)  # fmt: skip

EVERY_RULE = (
    refused_twice, money_of_2018, one_card_two_districts, same_person_two_districts, above_with_a_document,
    removed_later, returned_and_left, road_advanced, lambda w: village_money(w, 15_000_000),
    lambda w: own_money(w, 400_000, 1_000_000),
)  # fmt: skip
"""Together these give hits of every rule on 1 September 2019 (and nobody's bank has answered)."""
LATER = date(2019, 9, 1)
CITY_AND_DISTRICTS = (CITY, DISTRICT, OTHER_DISTRICT)
