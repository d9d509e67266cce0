"""The execution report (预算执行情况表): how far money has come by the end of an effective day, by any of seven keys.

For each row, in fen: allocated, released, funded (to projects: still available, advanced, or paid), advanced (not
settled yet), paid (what the bank returned is out of it), returned (sum of the bank's returns), surplus (handed in),
unreleased (in the city's book), idle (in the district and not paid: executable and available) with its age, which
runs from 31 December of the allocation's fiscal year (国办发〔2014〕70号: re-purposing does not restart it);
`idle_alert` and `idle_surplus` are the parts of it that are at least as old as the parameters idle_alert_days and
surplus_days of that day say.

Every row of the report is a sum of accounts, so each key's rows add up to the same totals. Reads only, in one snapshot;
the cost is that of the accounts' days, not of the payments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any, Final, Literal

from fundledger.access.policy import CITY_BOOK
from fundledger.db.connection import Connection

Key = Literal["district", "village", "fund", "programme", "project", "allocation", "exec_year"]
_KEYS: Final[dict[Key, tuple[str, ...]]] = {
    "district": ("district",),
    "village": ("district", "village_code"),
    "fund": ("fund_code", "fiscal_year"),
    "programme": ("programme_code",),
    "project": ("district", "project_id", "project_code", "project_name"),
    "allocation": ("district", "allocation_id", "document_no", "fund_code", "fiscal_year", "village_code"),
    "exec_year": ("exec_year",),
}
"""What each key groups by; a village is the allocation's, else (but by allocation) the project's, else none (全区)."""
AMOUNTS: Final = (
    "allocated", "released", "funded", "advanced", "paid", "returned", "surplus", "unreleased", "idle",
)  # fmt: skip
_ROWS: Final = files(__package__).joinpath("execution.sql").read_text(encoding="utf-8")
_REPORT: Final = """
WITH fact AS ({rows}), age AS (
    SELECT parameter_value('idle_alert_days', $3) AS alert, parameter_value('surplus_days', $3) AS surplus
), report AS (
    SELECT {key}, {sums},
           coalesce(sum(idle) FILTER (WHERE idle_days >= (SELECT alert FROM age)), 0)::bigint AS idle_alert,
           coalesce(sum(idle) FILTER (WHERE idle_days >= (SELECT surplus FROM age)), 0)::bigint AS idle_surplus,
           coalesce(max(idle_days) FILTER (WHERE idle > 0), 0) AS oldest_idle_days
    FROM fact GROUP BY {key})
SELECT * FROM report WHERE {any} ORDER BY {key}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its key's fields (those of other keys are not there) and its amounts in fen."""

    key: dict[str, Any]
    amounts: dict[str, int]
    oldest_idle_days: int


async def execution(
    connection: Connection, book: int, *, by: Key, on: date, fiscal_year: int | None = None
) -> list[Row]:
    """The report as of the end of a day; from the city's book over every district, else over the district itself."""
    key = ", ".join(_KEYS[by])
    sums = ", ".join(f"sum({name})::bigint AS {name}" for name in AMOUNTS)
    query = _REPORT.format(rows=_ROWS, key=key, sums=sums, any=" OR ".join(f"{name} <> 0" for name in AMOUNTS))
    names = (*AMOUNTS, "idle_alert", "idle_surplus")
    return [
        Row({name: row[name] for name in _KEYS[by]}, {name: row[name] for name in names}, row["oldest_idle_days"])
        for row in await connection.fetch(query, book, CITY_BOOK, on, fiscal_year, by == "allocation")
    ]


def totals(rows: list[Row]) -> dict[str, int]:
    """The sum of every amount over all rows; the same whatever the key."""
    names = (*AMOUNTS, "idle_alert", "idle_surplus")
    return {name: sum(row.amounts[name] for row in rows) for name in names}
