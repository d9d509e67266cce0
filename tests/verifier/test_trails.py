"""A payee's trail as a bundle: sound for everybody who was paid, and broken by any slice that is not the money's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fundledger.errors import FundledgerError
from tests.builders import CITY, DISTRICT
from tests.verifier.making import Log, members, resigned, rows, taken, unrows

NOTHING_LEFT = """SELECT p.household_id FROM payment_line p LEFT JOIN entry e USING (book, instruction_id)
    LEFT JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id AND t.line_no = p.line_no
    WHERE p.household_id IS NOT NULL GROUP BY 1 HAVING coalesce(sum(t.amount - (SELECT coalesce(sum(u.amount), 0) FROM transfer u
        WHERE u.book = t.book AND u.undoes_entry_id = t.entry_id AND u.undoes_line_no = t.line_no)), 0) = 0"""
"""Households that nothing stands of what they were paid."""
Slices = list[dict[str, Any]]


async def household(log: Log) -> str:
    """Somebody who was paid, had a return, or was paid again."""
    return str(
        await log.connection.fetchval(
            "SELECT household_id FROM payment_line WHERE household_id IS NOT NULL ORDER BY reissues_entry_id IS NULL, line_no LIMIT 1"
        )
    )


async def test_everybody_s_trail_is_sound(year_log: Log) -> None:
    fetch = year_log.connection.fetch
    cases = [
        (DISTRICT, "household", str(row[0]))
        for row in await fetch("SELECT DISTINCT household_id FROM payment_line WHERE household_id IS NOT NULL")
    ]
    cases += [
        (DISTRICT, "organisation", str(row[0]))
        for row in await fetch("SELECT DISTINCT payee_id FROM payment_line WHERE household_id IS NULL")
    ]
    cases += [
        (row[0], "entry", str(row[1])) for row in await fetch("SELECT book, entry_id FROM entry ORDER BY entry_id")
    ]
    lines = await fetch(
        "SELECT book, entry_id, line_no FROM transfer WHERE undoes_entry_id IS NOT NULL OR settles_entry_id IS NOT NULL"
    )
    cases += [(row[0], "line", f"{row[1]}:{row[2]}") for row in lines]
    assert {CITY, DISTRICT} <= {book for book, _, _ in cases}
    gone = {("household", str(row[0])) for row in await fetch(NOTHING_LEFT)}
    for book, kind, ref in cases:
        if (kind, ref) in gone:
            with pytest.raises(FundledgerError, match="bundle-scope-unknown"):
                await taken(year_log, kind=kind, book=book, ref=ref)
            continue
        report = year_log.verify(await taken(year_log, kind=kind, book=book, ref=ref))
        assert report.exit_code == 0, (kind, ref, json.dumps(report.as_json(), ensure_ascii=False, indent=1))
        assert report.outcomes["trail-follows-the-money"].made > 0


async def test_a_trail_holds_nobody_else(year_log: Log) -> None:
    """Of a list only the household's own line is there, and no text that names the others."""
    wanted = await household(year_log)
    parts = members(await taken(year_log, kind="household", book=DISTRICT, ref=wanted))
    paid = [json.loads(row["data"]) for row in rows(parts["lines.ndjson"])]
    assert {line["payment"]["household_id"] for line in paid if line["payment"]} == {wanted}
    others = await year_log.connection.fetch(
        "SELECT household_id::text FROM household WHERE household_id::text <> $1", wanted
    )
    whole = b"".join(parts.values()).decode(errors="replace")
    assert not [row[0] for row in others if row[0] in whole]


def moved(place: int, **changes: int) -> Callable[[Slices], None]:
    def change(slices: Slices) -> None:
        for name, by in changes.items():
            slices[place][name] += by

    return change


def without(*places: int) -> Callable[[Slices], None]:
    def change(slices: Slices) -> None:
        for place in places:
            del slices[place]

    return change


BREAKS: dict[str, Callable[[Slices], None]] = {
    "another fen of the same line": moved(1, offset=1),
    "a fen less": moved(1, amount=-1),
    "a fen more": moved(1, amount=1),
    "another place": moved(1, at=1),
    "another depth": moved(1, depth=1),
    "a slice gone": without(1),
    "the last slice gone": without(-1),
    "the start gone": without(0),
    "a slice twice": lambda slices: slices.append(slices[1]),
    "a line that is not there": moved(1, line_no=1_000),
    "the wrong step": lambda slices: slices[1].__setitem__("step", "undo"),
    "nothing at all": lambda slices: slices.clear(),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_a_broken_trail_is_found(year_log: Log, name: str) -> None:
    path = await taken(year_log, kind="household", book=DISTRICT, ref=await household(year_log))

    def change(parts: dict[str, bytes]) -> None:
        slices = rows(parts["trail.ndjson"])
        BREAKS[name](slices)
        parts["trail.ndjson"] = unrows(slices)

    report = year_log.verify(resigned(path, year_log.ring, change))
    assert report.exit_code == 1, json.dumps(report.as_json(), ensure_ascii=False)
    assert report.state("trail-follows-the-money") == "fault", report.order


async def test_a_trail_without_slices_is_incomplete(year_log: Log) -> None:
    path = await taken(year_log, kind="household", book=DISTRICT, ref=await household(year_log))
    report = year_log.verify(resigned(path, year_log.ring, lambda parts: parts.__delitem__("trail.ndjson")))
    assert report.exit_code == 3
    assert report.state("trail-follows-the-money") == "incomplete"
