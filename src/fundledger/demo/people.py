"""Synthetic households of the poor villages: names from a list, identity numbers of the impossible area 999999."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fundledger.demo.caller import Caller
from fundledger.demo.villages import SEED
from fundledger.registry.identity import synthetic_card, synthetic_identity_number

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN = (
    "建国",
    "秀英",
    "志强",
    "桂兰",
    "明",
    "丽华",
    "国平",
    "玉珍",
    "文",
    "海燕",
    "德胜",
    "春梅",
    "光荣",
    "小兰",
    "学军",
    "婷",
)
HOUSEHOLDS = 60
"""Households of a district; each has a head and one or two members, one of them a pupil."""


@dataclass(frozen=True, slots=True)
class Person:
    """A synthetic person."""

    name: str
    identity_number: str
    card: str


@dataclass(frozen=True, slots=True)
class Household:
    """A synthetic household; `pupil` is a member of school age."""

    household_no: str
    village_code: str
    head: Person
    members: tuple[Person, ...]

    @property
    def pupil(self) -> Person:
        """The member of school age."""
        return self.members[-1]


def make_households(book: int, villages: Sequence[str], shared: Household | None = None) -> list[Household]:
    """A district's households, the same at every load. `shared`: one that another district knows already (a plant)."""
    drawn = random.Random(SEED + book)
    made = [_household(book, number, villages[number % len(villages)], drawn) for number in range(HOUSEHOLDS)]
    if shared is not None:
        made.append(Household(f"WH{book}9999", villages[0], shared.head, shared.members))
    return made


def _household(book: int, number: int, village: str, drawn: random.Random) -> Household:
    sequence = (book - 420111) * 1_000_000 + number * 10
    surname = drawn.choice(SURNAMES)

    def person(offset: int, born: int) -> Person:
        birth = date(born, drawn.randint(1, 12), drawn.randint(1, 28))
        name = surname + drawn.choice(GIVEN)
        return Person(name, synthetic_identity_number(birth, drawn.randint(0, 999)), synthetic_card(sequence + offset))

    head = person(0, drawn.randint(1950, 1985))
    others = tuple(person(place + 1, drawn.randint(1950, 1990)) for place in range(drawn.randint(0, 1)))
    return Household(f"WH{book}{number:04}", village, head, (*others, person(5, drawn.randint(2004, 2011))))


async def register(caller: Caller, book: int, households: Sequence[Household]) -> None:
    """Import a district's households as its poverty office would: a CSV file with Chinese headings."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["户编号", "村代码", "姓名", "身份证号", "户主", "银行卡号", "状态", "状态日期", "文号"])
    for household in households:
        for place, person in enumerate((household.head, *household.members)):
            status = ["registered", "2018-01-01", "建档〔2018〕1号"] if place == 0 else ["", "", ""]
            writer.writerow([household.household_no, household.village_code, person.name, person.identity_number,
                             "是" if place == 0 else "否", person.card, *status])  # fmt: skip
    await caller.post(f"{book}-poverty-maker", f"/v1/books/{book}/households/import", csv=text.getvalue())


async def enrol(caller: Caller, book: int, programme: str, members: Sequence[dict[str, str]]) -> None:
    """Put households or persons on a programme's roster from the beginning of the year."""
    body = {
        "action": "enrolled",
        "valid_from": "2019-01-01",
        "document_no": f"花名册〔2019〕{programme}",
        "members": list(members),
    }
    await caller.post(f"{book}-poverty-maker", f"/v1/books/{book}/rosters/{programme}", body)
