"""The real list of Wuhan's divisions: imported once, in the right books, and never changed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import fundledger
from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.registry.divisions import DivisionRow, import_divisions, list_divisions, read_divisions, wrong_villages

LIST = Path(fundledger.__file__).parent / "demo" / "data" / "wuhan_divisions.csv"


async def test_the_real_list_stands_in_the_books_of_its_districts(service: Connection) -> None:
    rows = read_divisions(LIST.read_bytes())
    assert await import_divisions(service, rows, source="test") == 2528
    found = await service.fetch("SELECT book, level, count(*) AS number FROM division GROUP BY 1, 2")
    levels: Counter[str] = Counter()
    for row in found:
        levels[row["level"]] += row["number"]
    assert levels == {"city": 1, "district": 6, "township": 95, "village": 1793, "community": 633}
    assert {row["book"] for row in found if row["level"] == "city"} == {420100}
    # In Dongxihu (420112) every one of them is a community.
    assert {row["book"] for row in found if row["level"] == "village"} == {420113, 420114, 420115, 420116, 420117}
    assert len({row["book"] for row in found if row["level"] == "community"}) == 6
    assert await service.fetchval("SELECT count(*) FROM division WHERE left(code, 6) <> book::text") == 0
    assert await service.fetchval("SELECT count(*) FROM division WHERE parent_code IS NULL") == 7


async def test_importing_again_adds_nothing(service: Connection) -> None:
    rows = read_divisions(LIST.read_bytes())
    await import_divisions(service, rows, source="test")
    assert await import_divisions(service, rows, source="again") == 0


async def test_a_division_that_differs_from_the_record_is_refused(service: Connection) -> None:
    rows = read_divisions(LIST.read_bytes())
    await import_divisions(service, rows, source="test")
    changed = [DivisionRow(row.line, row.code, row.name + "新", row.level, row.parent_code) for row in rows[:3]]
    with pytest.raises(FundledgerError) as refused:
        await import_divisions(service, changed, source="test")
    assert [(fault.code, fault.line) for fault in refused.value.faults] == [("division-differs", n) for n in (2, 3, 4)]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (DivisionRow(2, "420102", "江岸区", "district", "420100"), "division-of-no-book"),
        (DivisionRow(2, "420117001", "邾城街道", "township", None), "division-parent-wrong"),
        (DivisionRow(2, "420117001", "邾城街道", "township", "420117"), "division-parent-wrong"),
        (DivisionRow(2, "420117001200", "某村", "village", "420116001"), "division-parent-wrong"),
    ],
)
async def test_a_division_out_of_place_is_refused(service: Connection, row: DivisionRow, code: str) -> None:
    with pytest.raises(FundledgerError) as refused:
        await import_divisions(service, [row], source="test")
    assert [fault.code for fault in refused.value.faults] == [code]
    assert await service.fetchval("SELECT count(*) FROM division") == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [("42011x,某区,district,420100", "division-code-malformed"),
     ("420117,某区,township,420100", "division-level-unknown"),
     ("420117,,district,420100", "cell-empty")],
)  # fmt: skip
def test_a_line_that_is_no_division_is_named(text: str, code: str) -> None:
    with pytest.raises(FundledgerError) as refused:
        read_divisions(f"code,name,level,parent_code\n{text}\n".encode())
    assert [(fault.code, fault.line) for fault in refused.value.faults] == [(code, 2)]


async def test_pages_and_filters(service: Connection) -> None:
    await import_divisions(service, read_divisions(LIST.read_bytes()), source="test")
    seen: list[str] = []
    while page := await list_divisions(
        service, 420117, level="township", parent_code=None, after=seen[-1] if seen else "", limit=5
    ):
        seen += [division.code for division in page]
    assert seen == sorted(set(seen))
    below = await list_divisions(service, 420117, level=None, parent_code=seen[0], after="", limit=1000)
    assert below
    assert {division.parent_code for division in below} == {seen[0]}


async def test_who_is_no_village_of_a_district(service: Connection) -> None:
    await import_divisions(service, read_divisions(LIST.read_bytes()), source="test")
    village = await service.fetchval("SELECT min(code) FROM division WHERE book = 420117 AND level = 'community'")
    foreign = await service.fetchval("SELECT min(code) FROM division WHERE book = 420116 AND level = 'village'")
    wrong = await wrong_villages(service, [420117], {village, foreign, "420117", village[:9], "420117999999"})
    assert wrong == {foreign: "village-foreign", "420117": "division-not-village", village[:9]: "division-not-village",
                     "420117999999": "village-unknown"}  # fmt: skip
