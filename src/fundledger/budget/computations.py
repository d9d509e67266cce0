"""Computing an allocation again from what was stored with it: what an auditor does to trust a split.

`recompute` is pure: text in, amounts out, the same on every machine. `computation_of` compares it with the legs that
were drafted; a difference means that somebody drafted other amounts under these inputs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fundledger.book.instructions import legs_of, state_of
from fundledger.budget import factors, standards
from fundledger.budget.factors import Factor
from fundledger.budget.plans import PlanLine
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.money import parse_yuan


def recompute(inputs: str) -> list[PlanLine]:
    """The allocations that stored inputs lead to; raises `inputs-not-recomputable` for other inputs than ours."""
    stored: dict[str, Any] = json.loads(inputs) if inputs else {}
    if stored.get("v") == 1 and stored.get("method") == standards.METHOD:
        amount = parse_yuan(stored["standard"])
        return [
            PlanLine(int(district), amount, village)
            for district, kept in stored["lists"].items()
            for village in kept["villages"]
        ]
    if stored.get("v") == 1 and stored.get("formula_version") == factors.FORMULA:
        amounts = factors.split(parse_yuan(stored["total"]), [_factor(item) for item in stored["factors"]])
        return [PlanLine(district, amount) for district, amount in amounts.items() if amount > 0]
    raise problem("inputs-not-recomputable")


def _factor(item: dict[str, Any]) -> Factor:
    values = {int(district): value for district, value in item["values"].items()}
    return Factor(item["code"], item["name"], item["weight"], item["direction"], values)


@dataclass(frozen=True, slots=True)
class Computation:
    """Inputs, what they lead to, and whether the drafted legs are exactly that."""

    inputs: dict[str, Any]
    lines: list[PlanLine]
    agrees: bool


async def computation_of(connection: Connection, book: int, instruction_id: UUID) -> Computation:
    """How an allocation was computed; raises `instruction-not-found`, `inputs-not-recomputable`."""
    await state_of(connection, book, instruction_id)
    inputs = await connection.fetchval(
        "SELECT inputs FROM instruction WHERE book = $1 AND instruction_id = $2", book, instruction_id
    )
    lines = recompute(inputs)
    legs = await legs_of(connection, book, instruction_id)
    drafted = sorted((leg["district"] or 0, leg["village_code"] or "", leg["amount"]) for leg in legs)
    agrees = drafted == sorted((line.district, line.village_code or "", line.amount) for line in lines)
    return Computation(json.loads(inputs), lines, agrees)
