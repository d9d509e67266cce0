"""The year's turn (年末处理): virement, recovery, defunding, carry-over and surplus, each drafted as an instruction.

A virement (调剂) moves unreleased money to another allocation of the same fund and fiscal year, by a document; a
recovery (收回) a district's executable money back to the city's unreleased; defunding (调回) a project's money back to
executable; a carry-over (结转) a past year's executable or project money into the year of the effective day; surplus
(结余) hands in the city's unreleased or a district's own executable money. 国办发〔2014〕70号, 财预〔2015〕15号: money
ages from the last day of its fiscal year and nothing restarts it; what is surplus is no more carried over.

Nothing here posts or locks; the gate decides (``64_gate_year.sql``) when a second person approves. Amounts in fen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fundledger.access.policy import CITY_BOOK, Caller
from fundledger.book.headings import Heading
from fundledger.book.instructions import Leg, draft
from fundledger.budget.faults import refuse
from fundledger.db.connection import Connection
from fundledger.errors import Fault, problem
from fundledger.sealing.canonical import canonical

YEAR_END_FUNCTION = "23009"
"""Functional class of what stays at the year's end (年终结余)."""


@dataclass(frozen=True, slots=True)
class VirementLine:
    """How much goes from one allocation to another; fen."""

    allocation_id: UUID
    to_allocation_id: UUID
    amount: int


@dataclass(frozen=True, slots=True)
class TurnLine:
    """How much is taken of an allocation, in fen; None: all there is. `exec_year`: of a past year's account."""

    allocation_id: UUID
    amount: int | None = None
    exec_year: int | None = None


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A balance that a carry-over leaves where it is (未结转余额), and the code of the rule that says so; fen."""

    account_kind: str
    allocation_id: UUID
    project_id: UUID | None
    fund_code: str
    fiscal_year: int
    balance: int
    code: str


async def draft_virement(
    connection: Connection, caller: Caller, book: int, instruction_id: UUID, heading: Heading,
    lines: Sequence[VirementLine],
) -> None:  # fmt: skip
    """Draft a virement between allocations of the city's book; `heading` names the document that orders it."""
    legs = [
        Leg(line.amount, allocation_id=line.allocation_id, to_allocation_id=line.to_allocation_id) for line in lines
    ]
    await draft(connection, caller, book, heading.over(instruction_id, "virement", legs))


# Where an allocation's money stands: (book, kind, allocation, project, year of the account).
_HELD = """
SELECT w.at, a.district, coalesce(b.received - b.given, 0) AS held
FROM unnest($2::uuid[], $3::integer[]) WITH ORDINALITY AS w (allocation_id, exec_year, at)
LEFT JOIN allocation a ON a.book = $1 AND a.allocation_id = w.allocation_id
LEFT JOIN account_balance b ON b.book = CASE WHEN $4 = 'executable' THEN a.district ELSE a.book END
    AND b.account_id = account_key($4, NULL, a.allocation_id, $5, CASE WHEN $4 = 'unreleased'
        THEN a.fiscal_year::integer ELSE coalesce(w.exec_year, greatest(a.fiscal_year, $6)::integer) END)
ORDER BY w.at
"""


async def _amounts(
    connection: Connection, book: int, kind: str, heading: Heading, lines: Sequence[TurnLine],
    project_id: UUID | None = None,
) -> list[int]:  # fmt: skip
    """The fen of each line, all there is where none is named; refuses `allocation-not-found`, `nothing-to-move`."""
    rows = await connection.fetch(
        _HELD, book, [line.allocation_id for line in lines], [line.exec_year for line in lines], kind, project_id,
        heading.effective_on.year,
    )  # fmt: skip
    faults: list[Fault] = []
    amounts: list[int] = []
    for at, (line, row) in enumerate(zip(lines, rows, strict=True)):
        if row["district"] is None:
            faults.append(Fault("allocation-not-found", pointer=f"/lines/{at}/allocation_id"))
        elif line.amount is None and row["held"] <= 0:
            faults.append(Fault("nothing-to-move", pointer=f"/lines/{at}"))
        amounts.append(row["held"] if line.amount is None else line.amount)
    refuse(faults)
    return amounts


async def draft_recovery(
    connection: Connection, caller: Caller, book: int, instruction_id: UUID, heading: Heading, lines: Sequence[TurnLine]
) -> None:
    """Draft the recovery of released money from the districts that hold it; it posts in both books."""
    await _draft_turn(connection, caller, book, instruction_id, heading, "recover", "executable", lines)


async def draft_surplus(
    connection: Connection, caller: Caller, book: int, instruction_id: UUID, heading: Heading, lines: Sequence[TurnLine]
) -> None:
    """Draft the handing in of surplus: the city's unreleased money, or a district's own executable money."""
    kind, held = ("surplus", "unreleased") if book == CITY_BOOK else ("surplus_own", "executable")
    await _draft_turn(connection, caller, book, instruction_id, heading, kind, held, lines)


async def _draft_turn(
    connection: Connection, caller: Caller, book: int, instruction_id: UUID, heading: Heading, kind: str, held: str,
    lines: Sequence[TurnLine],
) -> None:  # fmt: skip
    amounts = await _amounts(connection, book, held, heading, lines)
    legs = [
        Leg(amount, allocation_id=line.allocation_id, exec_year=line.exec_year)
        for line, amount in zip(lines, amounts, strict=True)
    ]
    await draft(connection, caller, book, heading.over(instruction_id, kind, legs, functional_class=YEAR_END_FUNCTION))


_CLASSES = """
SELECT g.functional_class, g.economic_class FROM project p JOIN programme g ON g.programme_code = p.programme_code
WHERE p.book = $1 AND p.project_id = $2 ORDER BY p.version DESC LIMIT 1
"""


async def draft_defunding(
    connection: Connection, caller: Caller, book: int, instruction_id: UUID, heading: Heading, project_id: UUID,
    lines: Sequence[TurnLine],
) -> None:  # fmt: skip
    """Draft taking money back from a project, whatever its status; raises `project-not-in-library`."""
    classes = await connection.fetchrow(_CLASSES, book, project_id)
    if classes is None:
        raise problem("project-not-in-library")
    amounts = await _amounts(connection, book, "available", heading, lines, project_id)
    legs = [
        Leg(amount, allocation_id=line.allocation_id, project_id=project_id, exec_year=line.exec_year)
        for line, amount in zip(lines, amounts, strict=True)
    ]
    await draft(connection, caller, book, heading.over(instruction_id, "defund", legs, **dict(classes)))


_LEFT_OF_YEAR = """
SELECT b.account_kind, b.allocation_id, b.project_id, b.fund_code, b.fiscal_year, b.balance,
       ($3 >= surplus_on(b.fiscal_year, $3)) IS TRUE AS is_surplus
FROM year_balance b
WHERE b.book = $1 AND b.exec_year = $2 AND b.account_kind IN ('executable', 'available', 'advanced')
ORDER BY b.account_kind DESC, b.fund_code, b.fiscal_year, b.allocation_id, b.project_id, b.payee_id
"""


async def draft_carry_over(
    connection: Connection, caller: Caller, book: int, instruction_id: UUID, heading: Heading, from_year: int
) -> None:
    """Draft the carry-over of everything of `from_year` that may be carried into the year of the effective day.

    What stays is written into the instruction's inputs (`left_of` reads it), so that the approver signs it too. Raises
    `carry-over-year-wrong`, and `nothing-to-carry` if all of it stays.
    """
    if from_year >= heading.effective_on.year:
        raise problem("carry-over-year-wrong", exec_year=from_year, effective_on=str(heading.effective_on))
    rows: list[dict[str, Any]] = [
        dict(row) for row in await connection.fetch(_LEFT_OF_YEAR, book, from_year, heading.effective_on)
    ]
    legs = [
        Leg(row["balance"], allocation_id=row["allocation_id"], project_id=row["project_id"], exec_year=from_year)
        for row in rows
        if row["account_kind"] != "advanced" and not row["is_surplus"]
    ]
    left = [_left(row) for row in rows if row["account_kind"] == "advanced" or row["is_surplus"]]
    if not legs:
        raise problem("nothing-to-carry", from_year=from_year)
    inputs = canonical({"v": 1, "method": "carry-over", "from_year": from_year, "left": [_kept(item) for item in left]})
    await draft(
        connection, caller, book,
        heading.over(
            instruction_id, "carry_over", legs, functional_class=YEAR_END_FUNCTION, inputs=inputs.decode()
        ),
    )  # fmt: skip


def _left(row: dict[str, Any]) -> LeftBehind:
    values = {key: value for key, value in row.items() if key != "is_surplus"}
    return LeftBehind(
        **values, code="advance-not-carried" if row["account_kind"] == "advanced" else "surplus-not-carried"
    )


def _kept(item: LeftBehind) -> dict[str, Any]:
    return {
        "account_kind": item.account_kind, "allocation_id": str(item.allocation_id),
        "project_id": None if item.project_id is None else str(item.project_id), "fund_code": item.fund_code,
        "fiscal_year": item.fiscal_year, "balance_fen": item.balance, "code": item.code,
    }  # fmt: skip


async def left_of(connection: Connection, book: int, instruction_id: UUID) -> list[LeftBehind]:
    """What a drafted carry-over left behind, as it was found when it was drafted."""
    inputs = await connection.fetchval(
        "SELECT inputs FROM instruction WHERE book = $1 AND instruction_id = $2", book, instruction_id
    )
    kept: list[dict[str, Any]] = json.loads(inputs)["left"] if inputs else []
    return [
        LeftBehind(
            item["account_kind"], UUID(item["allocation_id"]),
            None if item["project_id"] is None else UUID(item["project_id"]), item["fund_code"], item["fiscal_year"],
            item["balance_fen"], item["code"],
        )
        for item in kept
    ]  # fmt: skip
