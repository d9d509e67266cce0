"""``fundledger bench posting``: COPY, the gate, lists and single posts over HTTP, a trail; all in one run.

What each figure is stands in `FIGURES`, which the JSON carries; README quotes the output. A payment list's lines are
in the database before its payment is timed (uploading is timed apart), as they are when a district pays.
"""

from __future__ import annotations

import io
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import UUID

from fundledger.access.policy import CITY_BOOK
from fundledger.bench import load
from fundledger.bench.world import DAY, DISTRICT, MANY, PROGRAMME, World, payment_list
from fundledger.book.instructions import Leg, draft
from fundledger.book.poster import Posting, post_now
from fundledger.db.connection import Connection
from fundledger.ids import new_id

Say = Callable[[str], None]

FIGURES = {
    "copy": "raw COPY (binary, prepared) of the same rows into a table LIKE transfer INCLUDING ALL: the measure of all",
    "gate": "gate_post of an approved payment list to persons, nothing changed since its approval",
    "gate_looked_again": "the same when the registry changed since approval: every line is checked again",
    "gate_budget": "gate_post of a funding instruction of as many legs on one pair of accounts (no payment checks)",
    "pay_list_http": "POST …/pay of an approved list, from request to answer",
    "upload_list_http": "POST of the list as JSON: validated, resolved, sealed, stored, checked",
    "preview_list_http": "the same with preview=true: stored, checked, rolled back",
    "approve_list_http": "POST …/approve of the list: every line checked under the lock of its programme and period",
    "release": "POST …/approve of a drafted release: both legs of the crossing, answered after the commit",
    "pay_one": "POST …/pay of an approved one-line list to a person",
    "trail_household": "GET of one household's trail, from its payments to the budget, median in milliseconds",
}


@dataclass
class Bench:
    """One run: the world, an owner connection for COPY, where the server listens, and what was measured."""

    world: World
    owner: Connection
    host: str
    port: int
    say: Say
    figures: dict[str, dict[str, Any]]

    def keep(self, name: str, **values: Any) -> None:
        """Keep a figure and tell the person who waits."""
        rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in values.items()}
        self.figures[name] = rounded
        self.say(f"{name}: {rounded}")


async def timed(work: Awaitable[Any]) -> tuple[Any, float]:
    """The result and the seconds it took."""
    started = time.perf_counter()
    return await work, time.perf_counter() - started


async def batches(bench: Bench, lines: int, rounds: int, *, year: int) -> None:
    """COPY against the gate with a list of so many lines; medians of the rounds. `year` keeps runs apart."""
    people = bench.world.persons[:lines]
    seconds: dict[str, list[float]] = {"copy": [], "gate": [], "gate_looked_again": []}
    for turn in range(rounds):
        quiet = await payment_list(bench.world, people, f"{year + turn}-01", number=turn)
        entry, took = await timed(pay(bench.world, quiet))
        seconds["gate"].append(took)
        seconds["copy"].append(await _copy(bench.owner, entry))
        again = await payment_list(bench.world, people, f"{year + turn}-02", number=turn)
        await _touch_registry(bench.world)
        seconds["gate_looked_again"].append((await timed(pay(bench.world, again)))[1])
    copy = lines / median(seconds["copy"])
    bench.keep(f"copy_{lines}", rows_per_second=copy)
    for name in ("gate", "gate_looked_again"):
        rate = lines / median(seconds[name])
        bench.keep(f"{name}_{lines}", rows_per_second=rate, of_copy=rate / copy)


async def budget_batch(bench: Bench, legs: int) -> None:
    """The gate with one instruction of many legs on one pair of accounts."""

    world = bench.world
    leg = Leg(100, allocation_id=world.allocations[0], project_id=world.projects[0])
    new = await draft(world.service, world.people["maker"], DISTRICT, world.header(DISTRICT, "fund", [leg] * legs))
    digest = await world.service.fetchval("SELECT instruction_digest($1, $2)", DISTRICT, new)
    posting = Posting(DISTRICT, new, world.people["approver"].staff_id, digest, str(new_id()), digest)
    posted, took = await timed(post_now(world.service, [posting]))
    copy = await _copy(bench.owner, posted[0].entry_id)
    bench.keep(f"gate_budget_{legs}", rows_per_second=legs / took, of_copy=copy / took)


async def pay(world: World, list_id: UUID) -> UUID:
    """Pay an approved list through the gate; its entry."""
    payer = world.people["payer"].staff_id
    posting = Posting(DISTRICT, list_id, payer, None, str(new_id()), bytes(32))
    return (await post_now(world.service, [posting]))[0].entry_id


async def _touch_registry(world: World) -> None:
    """Strike somebody else off a roster, so that approvals before this are looked at again."""
    await world.service.execute(
        "INSERT INTO roster_member (book, programme_code, payee_id, valid_from, action, document_no, recorded_by) "
        "VALUES ($1, $2, $3, $4, 'struck_off', 'bench', $5)",
        DISTRICT, PROGRAMME, new_id(), DAY, world.people["maker"].staff_id,
    )  # fmt: skip


async def _copy(owner: Connection, entry_id: UUID) -> float:
    """Seconds to COPY an entry's transfers into an empty table of the same shape and indexes."""
    data = io.BytesIO()
    await owner.copy_from_query("SELECT * FROM transfer WHERE entry_id = $1", entry_id, output=data, format="binary")
    await owner.execute("DROP TABLE IF EXISTS bench_copy; CREATE TABLE bench_copy (LIKE transfer INCLUDING ALL)")
    data.seek(0)
    _, took = await timed(owner.copy_to_table("bench_copy", source=data, format="binary"))
    await owner.execute("DROP TABLE bench_copy")
    return took


async def releases(bench: Bench, count: int, connections: int, *, hot: bool) -> None:
    """Single releases over HTTP: drafted before, approved (and so posted) under load."""
    requests = await release_requests(bench.world, count, hot=hot)
    await _under_load(bench, f"release_{'hot' if hot else 'many'}_{connections}", requests, connections)


async def release_requests(world: World, count: int, *, hot: bool = False) -> list[bytes]:
    """Drafts of releases in the database, and the requests that approve and so post them."""
    drafts = await draft_releases(world, 1 if hot else MANY, count)
    token = world.tokens["city-approver"]
    return [
        load.request(
            "POST", f"/v1/books/{CITY_BOOK}/instructions/{new}/approve", token, str(new_id()),
            f'{{"content_sha256":"{digest.hex()}"}}'.encode(),
        )
        for new, digest in drafts
    ]  # fmt: skip


async def draft_releases(world: World, spread: int, count: int) -> list[tuple[UUID, bytes]]:
    """Drafts of one fen each, over so many allocations, and their digests."""
    maker = world.people["city-maker"]
    sample = world.header(CITY_BOOK, "release", [Leg(1)])
    ids = [new_id() for _ in range(count)]
    await world.service.copy_records_to_table(
        "instruction",
        columns=["book", "instruction_id", "entry_kind", "document_no", "effective_on", "summary", "functional_class",
                 "economic_class", "officer_id", "supervisor_id", "release_kind", "line_count", "total", "maker_id"],
        records=[(CITY_BOOK, new, "release", "bench-release", DAY, "bench", "23002", "513", sample.officer_id,
                  sample.supervisor_id, "instalment", 1, 1, maker.staff_id) for new in ids],
    )  # fmt: skip
    await world.service.copy_records_to_table(
        "instruction_leg",
        columns=["book", "instruction_id", "leg_no", "amount", "allocation_id"],
        records=[(CITY_BOOK, new, 1, 1, world.allocations[number % spread]) for number, new in enumerate(ids)],
    )
    await world.service.execute("SELECT refresh_statistics($1)", ["instruction", "instruction_leg"])
    rows = await world.service.fetch(
        "SELECT instruction_id, digest FROM instruction_content WHERE book = $1 AND instruction_id = ANY ($2)",
        CITY_BOOK,
        ids,
    )
    return [(row["instruction_id"], row["digest"]) for row in rows]


async def payments(bench: Bench, count: int, connections: int, *, hot: bool, turn: int) -> None:
    """One-line approved payment lists, paid over HTTP: on MANY projects, or all from one account."""
    world = bench.world
    lists = []
    for number in range(count):
        payee = world.persons[number % len(world.persons)]
        period = f"{1960 + turn}-{number // len(world.persons) + 1:02}"
        lists.append(await payment_list(world, [payee], period, number=0 if hot else number))
    await world.service.execute(
        "SELECT refresh_statistics($1)", ["instruction", "payment_line", "payment_list", "approval", "notice"]
    )
    token = world.tokens["payer"]
    requests = [
        load.request("POST", f"/v1/books/{DISTRICT}/payment-lists/{one}/pay", token, str(new_id())) for one in lists
    ]
    await _under_load(bench, f"pay_one_{'hot' if hot else 'many'}_{connections}", requests, connections)


async def _under_load(bench: Bench, name: str, requests: Sequence[bytes], connections: int) -> None:
    result = await load.run(bench.host, bench.port, requests, connections)
    refused = {status: count for status, count in result.statuses.items() if not status.startswith("2")}
    bench.keep(
        name, per_second=result.per_second, p50_ms=result.quantile(0.5), p99_ms=result.quantile(0.99), refused=refused,
    )  # fmt: skip
