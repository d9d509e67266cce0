"""Short words for moving money and asking for its trail. Everything passes the real gate."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fundledger.book.asof import NOW, AsOf
from fundledger.book.instructions import Leg
from fundledger.book.poster import Posted
from fundledger.db.connection import Connection
from fundledger.trail.answer import Trail, trail
from fundledger.trail.queue import Slice
from fundledger.trail.starts import Place, Subject
from fundledger.trail.walk import Direction
from tests.builders import DISTRICT, TODAY, World, append, card_of, first_day, insert, open_lines

Payee = tuple[UUID, UUID]


async def fund(world: World, allocation: UUID, project: UUID, amount: int, **fields: Any) -> Posted:
    """Fund a project from one allocation."""
    leg = Leg(amount, allocation_id=allocation, project_id=project)
    return await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg], **fields))


async def undo(world: World, book: int, entry_id: UUID, line_no: int, amount: int, *, kind: str = "reverse") -> Posted:
    """Take back `amount` of one transfer."""
    leg = Leg(amount, undoes_entry_id=entry_id, undoes_line_no=line_no)
    return await world.post(book, await world.draft(book, kind, [leg]))


async def bank_returns(world: World, entry_id: UUID, line_no: int, amount: int) -> Posted:
    """The bank sends a payment line back, in whole or in part, and it is posted back."""
    if not await world.service.fetchval(
        "SELECT true FROM bank_result WHERE entry_id = $1 AND line_no = $2", entry_id, line_no
    ):
        await insert(world.service, "bank_result", {
            "book": DISTRICT, "entry_id": entry_id, "line_no": line_no, "outcome": "returned", "settled_on": TODAY,
            "document_no": "回盘1号", "recorded_by": world.who("district-maker").staff_id,
        })  # fmt: skip
    return await undo(world, DISTRICT, entry_id, line_no, amount, kind="return")


async def pay(
    world: World, project: UUID, lines: Sequence[tuple[UUID, int, Payee]], *, period: str = "2019-02"
) -> Posted:
    """Pay (allocation, fen, payee) lines in one list; one leg per allocation, in the order they first appear."""
    allocations = list(dict.fromkeys(allocation for allocation, _, _ in lines))
    totals = {one: sum(amount for allocation, amount, _ in lines if allocation == one) for one in allocations}
    legs = [Leg(totals[one], allocation_id=one, project_id=project) for one in allocations]
    new = await world.draft(DISTRICT, "pay", legs, line_count=len(lines))
    await insert(world.service, "payment_list", {
        "book": DISTRICT, "instruction_id": new, "project_id": project, "programme_code": "labour_subsidy",
        "period": period, "entitlement_on": first_day(period), "payee_kind": "person", "pay_method": "transfer",
        "is_final": False,
    })  # fmt: skip
    await world.service.copy_records_to_table(
        "payment_line",
        columns=["book", "instruction_id", "leg_no", "line_no", "amount", "payee_id", "household_id", "quantity",
                 "programme_code", "period", "participation_ref", "card_hash", "name_commitment", "card_commitment"],
        records=[(DISTRICT, new, allocations.index(allocation) + 1, number, amount, person, household, 10_000,
                  "labour_subsidy", period, "出勤表", card_of(person), os.urandom(32), os.urandom(32))
                 for number, (allocation, amount, (household, person)) in enumerate(lines, start=1)],
    )  # fmt: skip
    await open_lines(world.service, DISTRICT, new)
    await world.notice("payment_list", new, sum(totals.values()))
    await world.approve_list(new)
    return await world.pay(new)


async def sealed(connection: Connection) -> int:
    """Give every queued record its position, with made-up hashes; returns the newest position."""
    orders = [row["order_no"] for row in await connection.fetch("SELECT order_no FROM log_queue ORDER BY order_no")]
    if orders:
        await append(connection, orders, [bytes(32)] * len(orders))
    return int(await connection.fetchval("SELECT max(position) FROM log_leaf"))


async def ask(
    connection: Connection, direction: Direction, subject: Subject, *, book: int = DISTRICT, at: int | None = None,
    undone: bool | None = None, after: Place | None = None, limit: int = 1_000, books: frozenset[int] | None = None,
) -> Trail:  # fmt: skip
    """A page of a trail in a snapshot of its own."""
    as_of = NOW if at is None else AsOf(position=at)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await trail(
            connection, book, subject, direction, as_of=as_of, undone=undone, after=after, limit=limit, books=books
        )


def line(posted: Posted, line_no: int = 1) -> Subject:
    """One line of an entry."""
    return Subject("line", posted.entry_id, line_no)


def shape(found: Trail, *, book: int | None = None) -> list[tuple[int, UUID, int, int, int]]:
    """The edges as (depth, entry, offset, at, amount), in the order of depth and place."""
    edges = [edge for edge in found.edges if book is None or edge.transfer.book == book]
    return [(e.depth, e.transfer.entry_id, e.offset, e.at, e.amount) for e in sorted(edges, key=by_depth)]


def by_depth(edge: Slice) -> tuple[int, int]:
    """Depth, then place on the asked axis."""
    return edge.depth, edge.at


def outcomes(found: Trail) -> dict[tuple[str, UUID | None], int]:
    """How much ended how: by outcome and payee."""
    sums: dict[tuple[str, UUID | None], int] = {}
    for row in found.ends:
        sums[row["outcome"], row["payee_id"]] = sums.get((row["outcome"], row["payee_id"]), 0) + row["amount"]
    return sums
