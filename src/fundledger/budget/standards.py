"""Allocation by the policy's standards (M01, M02): so much per listed village and year, from the year's lists.

`plan_by_standard` reads the list of every district and the standard in force on 1 January of the fiscal year, gives
each village that has no ordinary allocation yet exactly the standard, and keeps list versions and standard in the
plan's inputs, so that an auditor computes it again (`computations.recompute`). 武扶组(2018)12号 四(四)2: 100,000 yuan
per village of a poor area (村级公共事务), 200,000 yuan per poor village (精准扶贫); 271 × 200,000 = 54,200,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from fundledger.budget.lines import BudgetLine, budget_line, fund_of
from fundledger.budget.plans import (
    ListedVillage,
    Plan,
    PlanLine,
    allocated_villages,
    check,
    listed_villages,
    standard_of,
)
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.money import format_yuan
from fundledger.sealing.canonical import canonical

METHOD = "village-standard"


async def plan_by_standard(
    connection: Connection, book: int, *, fund_code: str, fiscal_year: int, line_id: UUID,
    village_codes: Sequence[str] | None, excepted: bool,
) -> Plan:  # fmt: skip
    """The plan for the named villages, or for every listed village that has nothing yet.

    Raises `fund-basis-differs` (no standard per village), `allocation-fund-differs` (the line is for another fund or
    year), `standard-not-in-force`, and what `plans.check` finds of named villages.
    """
    fund = await fund_of(connection, fund_code)
    if fund.basis != "village_standard":
        raise problem("fund-basis-differs", fund_code=fund_code, basis=fund.basis)
    line = await budget_line(connection, book, line_id)
    if (line.fund_code, line.fiscal_year) != (fund_code, fiscal_year):
        raise problem("allocation-fund-differs")
    standard = await standard_of(connection, fund, fiscal_year)
    if standard is None:
        raise problem("standard-not-in-force", fiscal_year=fiscal_year)
    listed = await listed_villages(connection, fund_code, fiscal_year)
    if village_codes is None:
        taken = await allocated_villages(connection, book, fund_code, fiscal_year)
        chosen = [village for village in listed if village.village_code not in taken]
    else:
        chosen = _named(listed, village_codes)
    lines = [PlanLine(village.district, standard, village.village_code) for village in chosen]
    if village_codes is not None:
        await check(connection, book, fund, line, lines, excepted=excepted, at="/village_codes")
    return Plan(line, lines, _inputs(line, standard, fund.standard_parameter or "", chosen))


def _named(listed: Sequence[ListedVillage], codes: Sequence[str]) -> list[ListedVillage]:
    """The named villages; one that is not listed stands in the district of its code, for `check` to refuse."""
    by_code = {village.village_code: village for village in listed}
    return [by_code.get(code) or ListedVillage(int(code[:6]), code, 0) for code in codes]


def _inputs(line: BudgetLine, standard: int, parameter: str, chosen: Sequence[ListedVillage]) -> str:
    lists: dict[str, dict[str, object]] = {}
    for village in chosen:
        kept = lists.setdefault(str(village.district), {"version": village.version, "villages": []})
        villages = kept["villages"]
        assert isinstance(villages, list)
        villages.append(village.village_code)
    return canonical({
        "v": 1, "method": METHOD, "fund_code": line.fund_code, "fiscal_year": line.fiscal_year,
        "parameter": parameter, "standard": format_yuan(standard), "lists": lists,
    }).decode()  # fmt: skip
