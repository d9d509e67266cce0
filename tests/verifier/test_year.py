"""A whole district year with everything in it: proved whole, and each part of it by itself."""

from __future__ import annotations

import json

from tests.builders import CITY, DISTRICT
from tests.verifier.making import Log, taken


async def test_the_year_is_sound(year_log: Log) -> None:
    report = year_log.verify(await year_log.export())
    assert report.exit_code == 0, json.dumps(report.as_json(), ensure_ascii=False, indent=1)


async def test_each_part_of_the_year_is_sound(year_log: Log) -> None:
    rows = await year_log.connection.fetch(
        "SELECT DISTINCT allocation_id::text, document_no, village_code FROM allocation WHERE book = $1", DISTRICT
    )
    asked = [("allocation", row["allocation_id"]) for row in rows] + [("document", row["document_no"]) for row in rows]
    asked += [("village", row["village_code"]) for row in rows if row["village_code"]]
    projects = await year_log.connection.fetch(
        "SELECT DISTINCT project_id::text FROM project WHERE book = $1", DISTRICT
    )
    cases = [(DISTRICT, kind, ref) for kind, ref in dict.fromkeys(asked)]
    cases += [(DISTRICT, "project", row["project_id"]) for row in projects]
    for book, kind, ref in [*cases, (DISTRICT, "book", None), (CITY, "book", None)]:
        report = year_log.verify(await taken(year_log, kind=kind, book=book, ref=ref))
        assert report.exit_code == 0, (kind, ref, json.dumps(report.as_json(), ensure_ascii=False, indent=1))
