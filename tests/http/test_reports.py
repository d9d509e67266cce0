"""Reports over HTTP: who may read them, what they say, CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest

from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, World
from tests.reports.test_execution import KEYS, a_year
from tests.web import Api

EXECUTION = f"/v1/books/{DISTRICT}/reports/execution"


@pytest.mark.parametrize("key", KEYS)
async def test_the_execution_report_by_every_key(world: World, api: Api, key: str) -> None:
    await a_year(world)
    answer = (await api.get("auditor", EXECUTION, by=key, on="2019-03-01")).json()
    assert answer["total"]["paid"] == "80.00"
    assert answer["total"]["idle"] == "9920.00"
    assert answer["rows"]


async def test_csv_has_a_row_for_each_row_and_yuan_in_its_cells(world: World, api: Api) -> None:
    await a_year(world)
    answer = await api.get("district-maker", EXECUTION, by="project", on="2019-03-01", format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert sorted(row["paid"] for row in rows) == ["0.00", "80.00"]


async def test_a_district_reads_its_own_report_only(api: Api) -> None:
    assert (await api.get("other-maker", EXECUTION)).status_code == 403
    assert (await api.get("other-maker", f"/v1/books/{OTHER_DISTRICT}/reports/execution")).status_code == 200
    assert (await api.get("district-maker", f"/v1/books/{CITY}/reports/execution")).status_code == 403


async def test_compliance_counts_its_findings(api: Api) -> None:
    answer = (await api.get("inspector", f"/v1/books/{CITY}/reports/compliance", fiscal_year=2019)).json()
    assert answer == {"fiscal_year": 2019, "floors": [], "villages": [], "findings": 0}
