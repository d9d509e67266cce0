"""The report by term of office (离任审计, M37): its sums are added again here, from the transfers."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from fundledger.money import parse_yuan
from tests.book.advances import advanced, remainder_back, settle, settle_leg
from tests.book.attackers import bank_returned
from tests.book.payment_case import SUBSIDY, WORKS
from tests.budget.calls import refused
from tests.builders import CITY, DISTRICT, OFFICERS, TODAY, World, insert
from tests.web import Api

SUCCESSOR_FROM = date(2019, 4, 1)


async def undone(world: World, kind: str, entry: UUID, amount: int, on: date = TODAY, **fields: Any) -> None:
    leg = Leg(amount, undoes_entry_id=entry, undoes_line_no=1)
    await world.post(DISTRICT, await world.draft(DISTRICT, kind, [leg], effective_on=on, **fields))


async def successor(world: World) -> UUID:
    """The officer who answers from April on; what is posted then is not the first one's."""
    officer = new_id()
    await insert(world.service, "officer_term", {
        "book": DISTRICT, "officer_id": officer, "name": "继任", "unit_id": world.who("district-maker").unit_id,
        "role": "accountable", "valid_from": SUCCESSOR_FROM, "document_no": "任3号",
        "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip
    return officer


async def a_term(world: World) -> tuple[UUID, dict[str, UUID]]:
    """A term with everything in it that ended in March; the successor takes a part of the money back in April."""
    subsidy, works = await SUBSIDY.build(world), await WORKS.build(world)
    assert await subsidy.pay() == set()
    assert await works.pay() == set()
    await works.accepted()
    paid = await world.service.fetchval("SELECT entry_id FROM entry WHERE instruction_id = $1", subsidy.pay_list)
    advance = (await advanced(works, 150_000, kind="advance")).entry_id
    await settle(works, settle_leg(works, advance, 60_000), effective_on=TODAY)
    await remainder_back(works, advance, 40_000, effective_on=TODAY)
    officer, after = world.officers[DISTRICT, "accountable"], await successor(world)
    await bank_returned(world, paid, 1)
    await undone(world, "return", paid, 8_000, SUCCESSOR_FROM, officer_id=after)
    await insert(world.service, "officer_term", {
        "book": DISTRICT, "officer_id": officer, "name": OFFICERS["accountable"], "role": "accountable", "version": 2,
        "unit_id": world.who("district-maker").unit_id, "valid_from": date(2018, 1, 1), "valid_to": date(2019, 3, 31),
        "document_no": "免1号", "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip
    return officer, {"subsidy": subsidy.project, "works": works.project, "after": after}


def path(officer: UUID, book: int = DISTRICT) -> str:
    return f"/v1/books/{book}/officers/{officer}/term-report"


async def added_again(
    world: World, officer: UUID, first: date, last: date
) -> Counter[tuple[str, str | None, str | None]]:
    """Kind, fund and project of every transfer of the officer's entries, added one by one."""
    rows = await world.service.fetch(
        """SELECT e.entry_kind, e.effective_on, t.amount, d.project_id AS to_project, c.project_id AS from_project,
                  (SELECT fund_code FROM allocation a WHERE a.book = t.book AND a.allocation_id = coalesce(d.allocation_id, c.allocation_id)) AS fund
           FROM transfer t JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
           JOIN account d ON d.book = t.book AND d.account_id = t.debit_account
           JOIN account c ON c.book = t.book AND c.account_id = t.credit_account
           WHERE t.book = $1 AND $2 IN (e.officer_id, e.supervisor_id)""",
        DISTRICT, officer,
    )  # fmt: skip
    sums: Counter[tuple[str, str | None, str | None]] = Counter()
    for row in rows:
        if first <= row["effective_on"] <= last:
            project = row["to_project"] or row["from_project"]
            sums[row["entry_kind"], row["fund"], str(project) if project else None] += row["amount"]
    return sums


async def test_a_term_is_told_whole_and_its_sums_are_those_of_the_transfers(api: Api, world: World) -> None:
    officer, at = await a_term(world)
    answer = await api.get("auditor", path(officer))
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["first_day"], report["last_day"]) == ("2018-01-01", "2019-03-31")
    told: Counter[tuple[str, str | None, str | None]] = Counter()
    for row in report["postings"]:
        told[row["entry_kind"], row["fund_code"], row["project_id"]] += parse_yuan(row["amount"])
    assert told == await added_again(world, officer, date(2018, 1, 1), date(2019, 3, 31))
    assert {kind for kind, _, _ in told} == {"fund", "pay", "advance", "settle", "advance_return"}
    assert parse_yuan(report["posted_total"]) == sum(told.values())
    # What came back in April is the successor's.
    assert report["outcome"] == {
        "funded": "1000000.00", "paid": "10080.00", "returned": "0.00", "advanced": "1500.00", "settled": "600.00",
        "advance_returned": "400.00", "unsettled": "500.00",
    }  # fmt: skip
    by_project = {row["project_id"]: row for row in report["projects"]}
    assert set(by_project) == {str(at["subsidy"]), str(at["works"])}
    for name in report["outcome"]:
        assert sum(_fen(row[name]) for row in report["projects"]) == _fen(report["outcome"][name]), name
    assert [row["amount"] for row in report["contracts"]] == ["12000.00"]
    assert {(row["project_id"], row["passed"]) for row in report["acceptances"]} == {(str(at["works"]), True)}


def _fen(text: str) -> int:
    return 0 if text == "0.00" else parse_yuan(text)


async def test_what_lay_idle_at_the_end_is_the_balance_of_that_day_with_its_age(api: Api, world: World) -> None:
    officer, at = await a_term(world)
    report = (await api.get("auditor", path(officer))).json()
    idle = await world.service.fetchval(
        """SELECT sum(d.received - d.given) FROM account c JOIN account_day d ON d.book = c.book AND d.account_id = c.account_id
           WHERE c.book = $1 AND c.account_kind IN ('executable', 'available') AND d.day <= '2019-03-31'""", DISTRICT)  # fmt: skip
    assert _fen(report["idle_total"]) == idle == sum(_fen(row["amount"]) for row in report["idle"])
    assert {row["age_days"] for row in report["idle"]} == {0}
    after = (await api.get("auditor", path(at["after"]), to="2021-01-01")).json()
    assert {row["age_days"] for row in after["idle"]} == {(date(2021, 1, 1) - date(2019, 12, 31)) // timedelta(days=1)}
    assert _fen(after["idle_total"]) == idle + 8_000
    assert [(row["entry_kind"], row["amount"]) for row in after["postings"]] == [("return", "80.00")]
    assert _fen(after["outcome"]["paid"]) == 0


async def test_days_inside_the_term_may_be_asked_for_and_no_others(api: Api, world: World) -> None:
    officer, _ = await a_term(world)
    report = (await api.get("auditor", path(officer), **{"from": "2019-02-01", "to": "2019-02-28"})).json()
    assert {row["entry_kind"] for row in report["postings"]} == {"fund"}
    assert report["outcome"]["paid"] == "0.00"
    for days in ({"from": "2017-12-31"}, {"to": "2019-04-01"}):
        assert refused(await api.get("auditor", path(officer), **days)) == {"days-outside-term"}, days
    assert refused(await api.get("auditor", path(officer), **{"from": "2019-03-02", "to": "2019-03-01"})) == {
        "dates-reversed"
    }
    assert refused(await api.get("auditor", path(new_id()))) == {"record-not-found"}


async def test_a_supervisors_term_tells_what_was_supervised_and_the_refusals_of_its_days(
    api: Api, world: World
) -> None:
    await a_term(world)
    supervisor = world.officers[DISTRICT, "supervising"]
    body = {"name": "某", "unit_id": str(world.who("district-maker").unit_id), "role": "supervising", "valid_from": "2019-01-02",
            "valid_to": "2019-01-01", "document_no": "任1号"}  # fmt: skip
    for _ in range(3):
        refused(await api.post("district-maker", f"/v1/books/{DISTRICT}/officers", body, key="same"))
    report = (await api.get("inspector", path(supervisor))).json()
    told: Counter[tuple[str, str | None, str | None]] = Counter()
    for row in report["postings"]:
        told[row["entry_kind"], row["fund_code"], row["project_id"]] += parse_yuan(row["amount"])
    assert told == await added_again(world, supervisor, date(2018, 1, 1), date.max)
    assert report["outcome"]["returned"] == "80.00"
    assert report["refusals"] == [{"code": "dates-reversed", "calls": 1, "times": 3}]


@pytest.mark.parametrize("how", ["query", "accept"])
async def test_the_report_comes_as_one_table_too(api: Api, world: World, how: str) -> None:
    officer, _ = await a_term(world)
    headers = {**api.headers("auditor"), **({"Accept": "text/csv"} if how == "accept" else {})}
    answer = await api.client.get(path(officer), headers=headers, params={"format": "csv"} if how == "query" else {})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    report = (await api.get("auditor", path(officer))).json()
    amounts = [row["amount"] for row in rows if row["section"] == "posted"]
    assert amounts == [row["amount"] for row in report["postings"]]
    assert {row["section"] for row in rows} == {
        "officer",
        "posted",
        "outcome",
        "project",
        "contract",
        "acceptance",
        "idle",
    }


async def test_the_citys_officer_answers_for_the_citys_entries_only(api: Api, world: World) -> None:
    await world.funded(1_000)
    report = (await api.get("auditor", path(world.officers[CITY, "accountable"], CITY))).json()
    assert [(row["entry_kind"], row["fund_code"], row["amount"]) for row in report["postings"]] == [
        ("adopt", "special_factor", "10.00"), ("allocate", "special_factor", "10.00"), ("release", "special_factor", "10.00"),
    ]  # fmt: skip
    assert report["projects"] == []
