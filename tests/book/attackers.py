"""What an attacker with the service's SQL works with: a book that is in use, and short words for made-up calls."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from fundledger.access.policy import Caller
from fundledger.access.tokens import add_staff
from fundledger.book.instructions import Leg
from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, World, insert

GATE = "SELECT * FROM gate_post($1, $2, $3, $4, $5, $6, $7, $8)"

FOOTPRINT = """
SELECT (SELECT count(*) FROM entry) AS entries, (SELECT count(*) FROM transfer) AS transfers,
       (SELECT count(*) FROM allocation) AS allocations, (SELECT count(*) FROM budget_line) AS lines,
       (SELECT count(*) FROM approval) AS approvals, (SELECT count(*) FROM idempotency) AS keys,
       (SELECT count(*) FROM log_queue) AS queued, (SELECT count(*) FROM period_close) AS closes,
       (SELECT sum(received) FROM account_balance) AS received, (SELECT sum(given) FROM account_balance) AS given
"""
"""What must be the same after an attack as before."""


@dataclass
class Scene:
    """Two districts with money, projects and people; a list of the first that is approved and could be paid."""

    world: World
    superuser: Connection
    allocation: UUID
    project: UUID
    payees: list[tuple[UUID, UUID]]
    pay_list: UUID
    other_allocation: UUID
    other_project: UUID
    other_list: UUID

    async def draft_list(self, **fields: Any) -> UUID:
        """A list of the first district that pays somebody new; arguments as of `World.list_of`."""
        payees = fields.pop("payees", None) or await self.world.persons(1)
        project, allocation = fields.pop("project", self.project), fields.pop("allocation", self.allocation)
        return await self.world.list_of(project, allocation, payees, **fields)

    async def person_of_all_duties(self, unit: str = "district-maker") -> Caller:
        """Somebody the owner gave every duty, in the unit of a person of the world."""
        like = self.world.who(unit)
        duties = ("maker", "approver", "payer")
        staff = await add_staff(self.world.owner, like.book, like.unit_id, "全能", duties)
        return Caller(like.book, staff, like.unit_id, like.unit_kind, "全能", frozenset(duties))

    async def strike(self, instruction: UUID, actor: Caller, *, book: int = DISTRICT, **fields: Any) -> list[Any]:
        """Call the gate by hand for one instruction, naming its right digest unless told otherwise."""
        digest = await self.world.service.fetchval("SELECT instruction_digest($1, $2)", book, instruction)
        call = {
            "entry": new_id(),
            "crossing": new_id(),
            "sha": digest,
            "key": str(new_id()),
            "request": bytes(32),
            **fields,
        }
        return await self.world.service.fetch(
            GATE, [book], [instruction], [call["entry"]], [call["crossing"]], [actor.staff_id], [call["sha"]],
            [call["key"]], [call["request"]],
        )  # fmt: skip

    async def pay(self, instruction: UUID, who: str = "district-payer", **fields: Any) -> list[Any]:
        """Pay by hand."""
        return await self.strike(instruction, self.world.who(who), sha=None, **fields)

    async def post(self, instruction: UUID, book: int = CITY, who: str | None = None, **fields: Any) -> list[Any]:
        """Approve and post by hand."""
        prefix = {CITY: "city", DISTRICT: "district", OTHER_DISTRICT: "other"}[book]
        return await self.strike(instruction, self.world.who(who or f"{prefix}-approver"), book=book, **fields)

    async def drafted(self, book: int, kind: str, *legs: Leg, **fields: Any) -> UUID:
        """A draft of the book's maker."""
        return await self.world.draft(book, kind, list(legs), **fields)

    async def behind_the_triggers(self, statement: str, *values: Any) -> None:
        """What a database administrator could do: change a record with triggers and foreign keys off."""
        await self.superuser.execute("SET session_replication_role = replica")
        assert await self.superuser.execute(statement, *values) not in {"UPDATE 0", "INSERT 0 0", "DELETE 0"}
        await self.superuser.execute("SET session_replication_role = DEFAULT")

    async def footprint(self) -> dict[str, Any]:
        """What the book says of itself."""
        row = await self.superuser.fetchrow(FOOTPRINT)
        assert row is not None
        return dict(row)


async def make_scene(world: World, superuser: Connection) -> Scene:
    """The scene; every part of it is sound and could go on."""
    allocation, other = await world.funded(1_000_000), await world.funded(1_000_000, district=OTHER_DISTRICT)
    project, other_project = await world.project(), await world.project(book=OTHER_DISTRICT)
    for book, money, where in ((DISTRICT, allocation, project), (OTHER_DISTRICT, other, other_project)):
        await world.post(book, await world.draft(book, "fund", [Leg(500_000, allocation_id=money, project_id=where)]))
    payees, others = await world.persons(3), await world.persons(2, book=OTHER_DISTRICT, village="420116001200")
    pay_list = await world.list_of(project, allocation, payees)
    other_list = await world.list_of(other_project, other, others, book=OTHER_DISTRICT)
    return Scene(world, superuser, allocation, project, payees, pay_list, other, other_project, other_list)


async def bank_returned(world: World, entry: UUID, line_no: int, book: int = DISTRICT) -> None:
    """The bank says that a line came back."""
    await insert(world.service, "bank_result", {
        "book": book, "entry_id": entry, "line_no": line_no, "outcome": "returned", "settled_on": date(2019, 3, 1),
        "document_no": "回盘1号", "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip


def codes_of(error: BaseException) -> set[str]:
    """The codes of a refusal: the gate's, or the SQLSTATE of a permission or constraint."""
    if isinstance(error, FundledgerError):
        return {fault.code for fault in error.faults} or {error.code}
    assert isinstance(error, asyncpg.PostgresError), repr(error)
    if error.sqlstate == "FL001":
        return {row["code"] for row in json.loads(error.detail or "[]")}
    return {str(error.sqlstate)}


Last = Coroutine[Any, Any, Any]
Attack = Callable[[Scene], Awaitable[Last]]
ATTACKS: dict[str, tuple[Attack, set[str]]] = {}
"""Name -> an attack, which prepares and returns its last call, and the codes that call is refused with."""


def attack(*expected: str) -> Callable[[Attack], Attack]:
    """Register an attack with the codes it must be refused with: the gate's, or an SQLSTATE."""

    def register(function: Attack) -> Attack:
        assert function.__name__ not in ATTACKS
        ATTACKS[function.__name__] = (function, set(expected))
        return function

    return register
