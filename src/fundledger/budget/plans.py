"""A plan of allocations (分配方案): computed or given, looked at first, then drafted exactly as it was seen.

`standards` and `factors` compute plans and keep what they computed from in `inputs` (canonical JSON, part of what the
approver signs); `explicit_plan` takes amounts as given (a supplementary allocation, for instance). `check` finds at
drafting time what the gate would refuse later, with the place of every fault. Nothing here posts or locks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.book.headings import Heading
from fundledger.book.instructions import Leg, draft
from fundledger.budget.faults import refuse
from fundledger.budget.lines import BudgetLine, Fund, budget_line, fund_of
from fundledger.db.connection import Connection
from fundledger.errors import Fault, ParamValue, problem
from fundledger.ids import new_id
from fundledger.money import format_yuan


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One allocation to be: district, fen, village where the standard is per village, its own document number."""

    district: int
    amount: int
    village_code: str | None = None
    document_no: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Allocations from one budget line; `inputs` is the canonical JSON of what they were computed from, or empty."""

    line: BudgetLine
    lines: Sequence[PlanLine]
    inputs: str = ""

    @property
    def total(self) -> int:
        """Fen of all lines."""
        return sum(line.amount for line in self.lines)


_ALLOCATED = """
SELECT a.village_code FROM allocation a
WHERE a.book = $1 AND a.fund_code = $2 AND a.fiscal_year = $3 AND a.village_code IS NOT NULL
  AND a.supplementary_document_no IS NULL
"""
_LISTED = """
SELECT book AS district, village_code, version FROM village_list_current WHERE fund_code = $1 AND fiscal_year = $2
"""
_DISTRICTS = "SELECT book FROM book WHERE level = 'district'"


@dataclass(frozen=True, slots=True)
class ListedVillage:
    """A village of the year's list (年度村名单)."""

    district: int
    village_code: str
    version: int


async def listed_villages(connection: Connection, fund_code: str, fiscal_year: int) -> list[ListedVillage]:
    """The year's list over all districts, by district and code. Membership counts: leaving poverty does not end it."""
    rows = await connection.fetch(_LISTED, fund_code, fiscal_year)
    return sorted((ListedVillage(**dict(row)) for row in rows), key=lambda v: (v.district, v.village_code))


async def allocated_villages(connection: Connection, book: int, fund_code: str, fiscal_year: int) -> set[str]:
    """The villages that have their ordinary allocation of a fund and year."""
    return {row["village_code"] for row in await connection.fetch(_ALLOCATED, book, fund_code, fiscal_year)}


async def standard_of(connection: Connection, fund: Fund, fiscal_year: int) -> int | None:
    """Fen per village and year; None where the fund has no such standard or the parameter does not cover the year."""
    value = await connection.fetchval(
        "SELECT parameter_value($1, make_date($2, 1, 1))", fund.standard_parameter, fiscal_year
    )
    return None if value is None else int(value)


async def explicit_plan(
    connection: Connection, book: int, line_id: UUID, lines: Sequence[PlanLine], *, excepted: bool
) -> Plan:
    """A plan of given amounts; `excepted`: a document allows what the standard forbids (补充指标)."""
    line = await budget_line(connection, book, line_id)
    fund = await fund_of(connection, line.fund_code)
    await check(connection, book, fund, line, lines, excepted=excepted)
    return Plan(line, lines)


async def check(
    connection: Connection, book: int, fund: Fund, line: BudgetLine, lines: Sequence[PlanLine], *, excepted: bool,
    at: str = "/lines",
) -> None:  # fmt: skip
    """Refuse, all at once: `district-unknown`, `village-not-listed`, `village-already-allocated`,
    `village-above-standard`, `village-not-wanted` (the fund has no standard per village)."""
    districts = {row["book"] for row in await connection.fetch(_DISTRICTS)}
    per_village = fund.basis == "village_standard"
    listed = {(v.district, v.village_code) for v in await listed_villages(connection, line.fund_code, line.fiscal_year)}
    taken = set() if excepted else await allocated_villages(connection, book, line.fund_code, line.fiscal_year)
    standard = await standard_of(connection, fund, line.fiscal_year) or 0
    faults: list[Fault] = []
    seen: Counter[str | None] = Counter()
    for number, item in enumerate(lines):
        code = item.village_code
        seen[code] += 1
        known = (item.district, code) in listed
        broken = {
            "district-unknown": item.district not in districts,
            "village-not-wanted": not per_village and code is not None,
            "village-not-listed": per_village and not known,
            "village-already-allocated": per_village and not excepted and (code in taken or seen[code] > 1),
            "village-above-standard": per_village and known and not excepted and item.amount > standard,
        }
        params: dict[str, ParamValue] = {"village_code": code, "standard": format_yuan(standard)}
        faults += [Fault(name, params, pointer=f"{at}/{number}") for name, is_so in broken.items() if is_so]
    refuse(faults)


async def draft_plan(
    connection: Connection, caller: Caller, book: int, instruction_id: UUID, heading: Heading, plan: Plan,
    documents: Mapping[int, str],
) -> None:  # fmt: skip
    """Draft a plan as one instruction, a leg per allocation; `documents`: a document number (指标文号) per district."""
    if not plan.lines:
        raise problem("nothing-to-allocate")
    legs = [
        Leg(
            line.amount, budget_line_id=plan.line.budget_line_id, allocation_id=new_id(), fund_code=plan.line.fund_code,
            fiscal_year=plan.line.fiscal_year, district=line.district, village_code=line.village_code,
            allocation_document_no=line.document_no or documents.get(line.district),
        )
        for line in plan.lines
    ]  # fmt: skip
    await draft(connection, caller, book, heading.over(instruction_id, "allocate", legs, inputs=plan.inputs))
