"""The factor method (因素法, M05): a total split over districts by weighted factors, exactly, and recomputable.

For each factor a district's share is its value over the sum of all values (direction `share`), or its gap below the
plain average over the sum of all gaps (direction `gap`: who has less gets more). A district's weight is the weighted
sum of its shares; the total is split by largest remainder in fen, ties to the lower district code. All arithmetic is
in exact fractions of the decimal strings as given; the strings, the weights, the data's vintage and the version of the
formula are stored with the instruction as canonical JSON. The formula is an example of the policy's method: the city's
own weights are data (research/domain.md 2.4; Hubei 2004 used 5:3:1:1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal
from uuid import UUID

from fundledger.budget.faults import refuse
from fundledger.budget.lines import budget_line, fund_of
from fundledger.budget.plans import Plan, PlanLine, check
from fundledger.db.connection import Connection
from fundledger.errors import Fault, problem
from fundledger.money import format_yuan, largest_remainder
from fundledger.sealing.canonical import canonical

METHOD = "factors"
FORMULA = "weighted-shares-v1"
Direction = Literal["share", "gap"]


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor (因素): its weight and each district's value, as the decimal strings people gave."""

    code: str
    name: str
    weight: str
    direction: Direction
    values: Mapping[int, str]


def shares(factors: Sequence[Factor]) -> dict[int, Fraction]:
    """Each district's exact part of the total, by district code; they add up to 1.

    Raises, all at once: `weight-malformed` (n/0), `weights-not-one`, `factor-districts-differ`, `factor-sum-zero`.
    """
    weights = [_weight(at, factor) for at, factor in enumerate(factors)]
    faults = [weight for weight in weights if isinstance(weight, Fault)]
    exact = [weight for weight in weights if isinstance(weight, Fraction)]
    if not faults and sum(exact) != 1:
        faults.append(Fault("weights-not-one", {"sum": str(sum(exact))}, pointer="/factors"))
    districts = sorted(factors[0].values)
    for at, factor in enumerate(factors):
        if sorted(factor.values) != districts:
            faults.append(Fault("factor-districts-differ", {"factor": factor.code}, pointer=f"/factors/{at}/values"))
        elif sum(_measures(factor, districts)) == 0:
            faults.append(Fault("factor-sum-zero", {"factor": factor.code}, pointer=f"/factors/{at}/values"))
    refuse(faults)
    parts = dict.fromkeys(districts, Fraction(0))
    for weight, factor in zip(exact, factors, strict=True):
        measures = _measures(factor, districts)
        for district, measure in zip(districts, measures, strict=True):
            parts[district] += weight * measure / sum(measures)
    return parts


def _weight(at: int, factor: Factor) -> Fraction | Fault:
    """The weight as a fraction of 1, from "0.5" or "5/10"."""
    numerator, _, denominator = factor.weight.partition("/")
    below = Fraction(denominator or "1")
    if below == 0 or Fraction(numerator) == 0:
        return Fault("weight-malformed", {"factor": factor.code}, pointer=f"/factors/{at}/weight")
    return Fraction(numerator) / below


def _measures(factor: Factor, districts: Sequence[int]) -> list[Fraction]:
    """What a factor counts for each district: the value, or the gap below the average."""
    values = [Fraction(factor.values[district]) for district in districts]
    if factor.direction == "share":
        return values
    average = sum(values, Fraction(0)) / len(values)
    return [max(average - value, Fraction(0)) for value in values]


def split(total: int, factors: Sequence[Factor]) -> dict[int, int]:
    """Fen per district, by district code; adds up to `total` exactly. A district may get nothing."""
    parts = shares(factors)
    return dict(zip(parts, largest_remainder(total, list(parts.values())), strict=True))


async def plan_by_factors(
    connection: Connection, book: int, *, fiscal_year: int, line_id: UUID, total: int,
    factors: Sequence[Factor], data_vintage: str, fund_code: str, formula_version: str = FORMULA,
) -> Plan:  # fmt: skip
    """The plan of a factor allocation; a district whose part is below one fen gets no allocation.

    Raises `fund-basis-differs`, `allocation-fund-differs`, `district-unknown` and what `shares` finds.
    """
    fund = await fund_of(connection, fund_code)
    if fund.basis != "factor":
        raise problem("fund-basis-differs", fund_code=fund_code, basis=fund.basis)
    line = await budget_line(connection, book, line_id)
    if (line.fund_code, line.fiscal_year) != (fund_code, fiscal_year):
        raise problem("allocation-fund-differs")
    lines = [PlanLine(district, amount) for district, amount in split(total, factors).items()]
    await check(connection, book, fund, line, lines, excepted=False, at="/factors/0/values")
    inputs = canonical({
        "v": 1, "method": METHOD, "formula_version": formula_version, "data_vintage": data_vintage,
        "fund_code": fund_code, "fiscal_year": fiscal_year, "total": format_yuan(total),
        "factors": [
            {"code": f.code, "name": f.name, "weight": f.weight, "direction": f.direction,
             "values": {str(district): value for district, value in sorted(f.values.items())}}
            for f in factors
        ],
    }).decode()  # fmt: skip
    return Plan(line, [item for item in lines if item.amount > 0], inputs)
