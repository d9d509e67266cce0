"""The auditor adds every report up again, from the transfers as they stand in the database and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any
from uuid import UUID

from fundledger.money import parse_yuan
from tests.builders import CITY, DISTRICT, VILLAGE
from tests.stories.district_year.cast import SECOND_VILLAGE, Year
from tests.stories.district_year.households import HEADS

RAW = """
SELECT t.book, t.entry_id, t.line_no, t.amount, e.entry_kind, e.effective_on, e.officer_id, t.debit_account, t.credit_account,
       t.undoes_entry_id, t.settles_entry_id, t.reissues_entry_id
FROM transfer t JOIN entry e USING (book, entry_id) ORDER BY t.book, e.order_no, t.line_no
"""


@dataclass
class Books:
    """Every transfer, and what the accounts, allocations and projects are called."""

    transfers: list[Any]
    accounts: dict[Any, Any]
    allocations: dict[Any, Any]
    projects: dict[Any, Any]

    def balances(self, day: date) -> Counter[Any]:
        """What each account holds at the end of a day."""
        held: Counter[Any] = Counter()
        for transfer in self.transfers:
            if transfer["effective_on"] <= day:
                held[transfer["book"], transfer["debit_account"]] += transfer["amount"]
                held[transfer["book"], transfer["credit_account"]] -= transfer["amount"]
        return held


async def books_of(year: Year) -> Books:
    """Read the tables once, whole."""
    fetch = year.api.world.service.fetch
    return Books(
        list(await fetch(RAW)),
        {(row["book"], row["account_id"]): row for row in await fetch("SELECT * FROM account")},
        {(row["book"], row["allocation_id"]): row for row in await fetch("SELECT * FROM allocation")},
        {row["project_id"]: row for row in await fetch("SELECT * FROM project ORDER BY version")},
    )


def execution(books: Books, day: date, key: Callable[[Any, Any, Any], Any]) -> dict[Any, Counter[str]]:
    """The execution report by a key, added up from the transfers: of accounts of allocations, in both books."""
    found: dict[Any, Counter[str]] = {}
    returned = Counter({
        place: sum(t["amount"] for t in books.transfers if t["entry_kind"] == "return" and t["effective_on"] <= day
                   and (t["book"], t["credit_account"]) == place)
        for place, account in books.accounts.items() if account["account_kind"] in ("paid", "paid_other")
    })  # fmt: skip
    for place, balance in books.balances(day).items():
        account = books.accounts[place]
        allocation = books.allocations.get((place[0], account["allocation_id"]))
        if allocation is not None:
            row = found.setdefault(key(account, allocation, books.projects.get(account["project_id"], {})), Counter())
            row.update(_columns(account["account_kind"], place[0], balance, returned[place]))
            row.update(_aged(account["account_kind"], balance, (day - date(allocation["fiscal_year"], 12, 31)).days))
    return {name: row for name, row in found.items() if any(row.values())}


def _columns(kind: str, book: int, balance: int, returned: int) -> dict[str, int]:
    """Which columns an account's balance counts in."""
    columns = {
        "unreleased": ["allocated", "unreleased"], "released": ["allocated", "released"],
        "surplus": ["surplus", *(["allocated"] if book == CITY else [])], "executable": ["idle"],
        "available": ["idle", "funded"], "advanced": ["funded", "advanced"], "paid": ["funded", "paid"],
        "paid_other": ["paid"], "budget_source": ["allocated", "released"],
    }.get(kind, [])  # fmt: skip
    sums = dict.fromkeys(columns, -balance if kind == "budget_source" else balance)
    return {**sums, "returned": returned}


def _aged(kind: str, balance: int, days: int) -> dict[str, int]:
    """Idle money that is a year old, and two years old; nothing but the allocation's fiscal year tells its age."""
    idle = balance if kind in ("executable", "available") else 0
    return {"idle_alert": idle if days >= 365 else 0, "idle_surplus": idle if days >= 730 else 0}


KEYS: dict[str, Callable[[Any, Any, Any], tuple[Any, ...]]] = {
    "district": lambda account, allocation, project: (str(allocation["district"]),),
    "village": lambda account, allocation, project: (allocation["village_code"] or project.get("village_code"),),
    "fund": lambda account, allocation, project: (allocation["fund_code"], allocation["fiscal_year"]),
    "programme": lambda account, allocation, project: (project.get("programme_code"),),
    "project": lambda account, allocation, project: (account["project_id"],),
    "allocation": lambda account, allocation, project: (allocation["allocation_id"],),
    "exec_year": lambda account, allocation, project: (account["exec_year"],),
}
NAMES = {"district": ("district",), "village": ("village_code",), "fund": ("fund_code", "fiscal_year"),
         "programme": ("programme_code",), "project": ("project_id",), "allocation": ("allocation_id",),
         "exec_year": ("exec_year",)}  # fmt: skip
AMOUNTS = ("allocated", "released", "funded", "advanced", "paid", "returned", "surplus", "unreleased", "idle",
           "idle_alert", "idle_surplus")  # fmt: skip


async def execution_adds_up_by_every_key(year: Year, books: Books) -> None:
    """At the end of four days, from the city's book and the district's: every figure of every row."""
    for day, book in product(("2019-06-30", "2019-12-31", "2020-12-31", "2022-01-31"), (CITY, DISTRICT)):
        for by, key in KEYS.items():
            report = await year.ask("auditor", "reports/execution", book=book, by=by, on=day)
            told = {tuple(_plain(row[name]) for name in NAMES[by]): {name: parse_cents(row[name]) for name in AMOUNTS}
                    for row in report["rows"]}  # fmt: skip
            added = {tuple(map(_plain, place)): {name: row[name] for name in AMOUNTS}
                     for place, row in execution(books, date.fromisoformat(day), key).items()}  # fmt: skip
            assert told == added, (by, day)


async def the_last_report_tells_the_story(year: Year) -> None:
    """As anybody can add it up who read it: 460,000 for the road, 16,000 of awards, 2,000 of relief; the rest went back."""
    total = (await year.ask("auditor", "reports/execution", book=CITY, by="fund", on="2022-01-31"))["total"]
    assert {name: parse_cents(total[name]) // 100 for name in AMOUNTS} == {
        "allocated": 800_000 + 250_000 + 20_000, "released": 760_000 - 300_000 + 250_000 + 20_000,
        "funded": 460_000 + 16_000, "advanced": 0, "paid": 460_000 + 16_000 + 2_000, "returned": 2_000,
        "surplus": 260_000 + 80_000 + 234_000, "unreleased": 0, "idle": 18_000, "idle_alert": 18_000,
        "idle_surplus": 18_000,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return None if value is None else str(value)


def parse_cents(text: str) -> int:
    """Yuan in an answer as fen; zero and below, too."""
    return 0 if text == "0.00" else -parse_yuan(text[1:]) if text.startswith("-") else parse_yuan(text)


async def the_term_report_adds_up(year: Year, books: Books) -> None:
    """What the first officer answered for, and what became of it by the last day of the term (M37)."""
    officer, last = UUID(year.made["first officer"]), date(2019, 12, 31)
    report = await year.ask("auditor", f"officers/{officer}/term-report")
    mine = [
        t for t in books.transfers if t["book"] == DISTRICT and t["officer_id"] == officer and t["effective_on"] <= last
    ]
    assert report["last_day"] == "2019-12-31"
    assert parse_cents(report["posted_total"]) == sum(t["amount"] for t in mine)
    by_kind: Counter[str] = Counter()
    for row in report["postings"]:
        by_kind[row["entry_kind"]] += parse_cents(row["amount"])
    posted = Counter(
        {kind: sum(t["amount"] for t in mine if t["entry_kind"] == kind) for kind in {t["entry_kind"] for t in mine}}
    )
    assert by_kind == posted
    pays = {t["entry_id"] for t in mine if t["entry_kind"] in ("pay", "pay_other")}
    undone = sum(t["amount"] for t in books.transfers if t["undoes_entry_id"] in pays and t["effective_on"] <= last)
    outcome = {name: parse_cents(value) for name, value in report["outcome"].items()}
    assert outcome == {
        "funded": posted["fund"] - posted["defund"], "paid": posted["pay"] + posted["pay_other"], "returned": undone,
        "advanced": posted["advance"], "settled": posted["settle"], "advance_returned": 0, "unsettled": 0,
    }  # fmt: skip
    idle = sum(balance for place, balance in books.balances(last).items() if place[0] == DISTRICT
               and books.accounts[place]["account_kind"] in ("executable", "available"))  # fmt: skip
    assert parse_cents(report["idle_total"]) == idle


async def compliance_adds_up(year: Year, books: Books) -> None:
    """M03 and M04 on what was adopted, M01 on what the villages got; each finding is one of the story."""
    report = await year.ask("auditor", "reports/compliance", fiscal_year=2019)
    adopted: Counter[str] = Counter()
    for transfer in books.transfers:
        if transfer["entry_kind"] == "adopt_own":
            account = books.accounts[DISTRICT, transfer["debit_account"]]
            adopted[books.allocations[DISTRICT, account["allocation_id"]]["fund_code"]] += transfer["amount"]
    floors = {row["fund_code"]: row for row in report["floors"]}
    for fund, floor_before, floor in (
        ("district_increment", 100_000_000 * 15 // 100, 120_000_000 * 15 // 100), ("recovered_stock", 10_000_000, 10_000_000)
    ):  # fmt: skip
        row = {
            name: parse_cents(floors[fund][name]) for name in ("floor_before", "floor_amount", "adopted", "shortfall")
        }
        assert row == {"floor_before": floor_before, "floor_amount": floor, "adopted": adopted[fund],
                       "shortfall": max(floor - adopted[fund], 0)}  # fmt: skip
    assert [floors[fund]["finding"] for fund in sorted(floors)] == ["final-accounts", None]
    (villages,) = report["villages"]
    got = execution(books, date(2022, 1, 31), lambda account, allocation, project: allocation["village_code"])
    assert (villages["short_villages"], villages["above"]) == ([SECOND_VILLAGE], 1)
    assert (got[VILLAGE]["allocated"], got[SECOND_VILLAGE]["allocated"]) == (12_000_000, 8_000_000)
    assert parse_cents(villages["allocated"]) == 20_000_000


async def the_advances_add_up(year: Year, books: Books) -> None:
    """One advance, settled in full."""
    (row,) = (await year.ask("auditor", "advances"))["items"]
    given = sum(t["amount"] for t in books.transfers if t["entry_kind"] == "advance")
    settled = sum(t["amount"] for t in books.transfers if t["settles_entry_id"] == UUID(row["entry_id"]))
    assert (parse_cents(row["amount"]), parse_cents(row["settled"])) == (given, settled) == (13_500_000, 13_500_000)
    assert (row["outstanding"], (await year.ask("auditor", "advances", overdue=True))["items"]) == ("0.00", [])


async def each_returned_line_was_paid_again_once(year: Year, books: Books) -> None:
    """Two came back and two were paid again, each from the account of the year that had paid it first: 2019."""
    again = [t for t in books.transfers if t["reissues_entry_id"] is not None]
    years = [(books.accounts[t["book"], t["credit_account"]]["exec_year"], t["effective_on"].year) for t in again]
    assert years == [(2019, 2019), (2019, 2020)]
    returned = [t["amount"] for t in books.transfers if t["entry_kind"] == "return"]
    assert [t["amount"] for t in again] == returned == [100_000, 100_000]
    waiting = await year.ask("auditor", "payment-lines", household_no=HEADS[2][0])
    assert [line["state"] for line in waiting["items"]] == ["sent", "reissued", "sent", "sent", "sent", "credited"]
