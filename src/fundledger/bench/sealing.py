"""``fundledger bench sealing``: how soon an entry is under a signed checkpoint, and what sealing costs the postings.

The service and its sequencer are the real ones, in processes of their own. A delay runs from the commit (asked of the
server right after it) to the signing of the first checkpoint that holds the entry, both by the database's clock. For
the cost, the sequencer's process is held (SIGSTOP) in every second round and goes on, with the queue emptied first,
before the next: so both kinds of round see the same machine, and what was left over is told beside the ratio.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from fundledger.bench import load
from fundledger.bench.posting import Bench, pay, release_requests, timed
from fundledger.bench.processor import between, children_of, parent_of, used_ms
from fundledger.bench.world import payment_list
from fundledger.db.connection import Connection

FIGURES = {
    "sealed_1": "ms from the commit of a one-line entry to the signing of the first checkpoint with it, 10 a second",
    "sealed_100": "the same for payments of 100 lines, 5 a second",
    "sealed_long": "the same in seconds for one payment list of 100,000 lines",
    "sealed_behind": "as sealed_1, for one-line payments of other projects posted right after that list",
    "posting_with_sealing": "releases a second over HTTP (16 connections), the sequencer running; median of the rounds",
    "sealing_processor": "processor time of the sequencer and its session for a release (three records); its share of "
    "all that worked for the postings: what sealing costs where the processor is what is short",
    "posting_without": "the same with the sequencer held, rounds in turn",
}
GOAL = {
    "sealed_1": "max_ms <= 1000", "sealed_100": "max_ms <= 1000", "sealed_long": "seconds <= 10",
    "sealed_behind": "max_ms <= 1000",
    "posting_with_sealing": "of_without >= 0.90",
}  # fmt: skip
PATIENCE_SECONDS = 300
CONNECTIONS = 16

_NOW = "SELECT clock_timestamp()"
_SESSION = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'fundledger-sealing' AND datname = current_database()"
)
_WAITING = "SELECT count(*) FROM log_queue"
_SIGNED = """SELECT c.signed_at FROM log_leaf l CROSS JOIN LATERAL (SELECT signed_at FROM log_checkpoint
    WHERE size > l.position ORDER BY size LIMIT 1) c WHERE l.kind = 'entry' AND l.record_id = $1"""

Committed = tuple[UUID, datetime]


async def delays(bench: Bench, *, quick: bool) -> None:
    """How soon entries of one and of 100 lines, posted at a modest rate, and one long one are under a checkpoint."""
    people = bench.world.persons
    count = 10 if quick else 60

    async def one(number: int) -> Committed:
        return await _committed(bench, await payment_list(bench.world, [people[number]], "1930-01", number=number))

    async def hundred(number: int) -> Committed:
        some = people[number * 100 : number * 100 + 100]
        return await _committed(bench, await payment_list(bench.world, some, "1930-02", number=number))

    await _spread(bench, "sealed_1", one, count, 0.1)
    await _spread(bench, "sealed_100", hundred, min(count, len(people) // 100), 0.2)
    await _long(bench, count // 2)


async def _long(bench: Bench, behind: int) -> None:
    """A list of everybody, and so many small ones behind it."""
    people = bench.world.persons
    numbers = range(1, behind + 1)
    small = [await payment_list(bench.world, [people[number]], "1930-04", number=number) for number in numbers]
    long = await _committed(bench, await payment_list(bench.world, people, "1930-03"))
    committed = []
    for payment in small:
        committed.append(await _committed(bench, payment))
        await asyncio.sleep(0.05)
    bench.keep("sealed_behind", **_quantiles([await _until_signed(bench.world.service, *one) for one in committed]))
    bench.keep(
        "sealed_long", lines=len(people), seconds=(await _until_signed(bench.world.service, *long)).total_seconds()
    )


async def cost(bench: Bench, service: int, *, count: int, rounds: int) -> None:
    """Postings a second with the sequencer running and held, in turn; what is left over then, and processor time."""
    sequencer = sequencer_of(service)
    rates: dict[bool, list[float]] = {True: [], False: []}
    backlog, drained, sealing_ms, all_ms = 0, [], 0, 0
    await load.run(bench.host, bench.port, await release_requests(bench.world, count // 4), CONNECTIONS)  # warm
    sealing, everything = await _processes(bench.world.service, service, sequencer)
    for turn in range(2 * rounds):
        running = turn % 4 in (0, 3)
        requests = await release_requests(bench.world, count)
        await drain(bench.world.service)
        before = used_ms(everything)
        async with held(sequencer, really=not running):
            result = await load.run(bench.host, bench.port, requests, CONNECTIONS)
            if running:
                backlog = max(backlog, await bench.world.service.fetchval(_WAITING))
                drained.append((await timed(drain(bench.world.service)))[1])
                after = used_ms(everything)
                all_ms += between(before, after)
                sealing_ms += sum(after[one] - before[one] for one in sealing)
        rates[running].append(result.per_second)
    await drain(bench.world.service)
    bench.keep("posting_without", per_second=median(rates[False]), rounds=rounds)
    ratio = sum(rates[True]) / sum(rates[False])
    bench.keep("posting_with_sealing", per_second=median(rates[True]), of_without=ratio, rounds=rounds,
               records_left=backlog, drained_in_seconds=max(drained))  # fmt: skip
    bench.keep("sealing_processor", ms_per_posting=sealing_ms / (count * rounds), of_all=sealing_ms / all_ms)


async def _processes(connection: Connection, service: int, sequencer: int) -> tuple[list[int], list[int]]:
    """The sequencer and its session; and everything that works for a posting, those two and the load among it."""
    session: int = await connection.fetchval(_SESSION)
    return [sequencer, session], [os.getpid(), service, sequencer, *children_of(parent_of(session))]


def sequencer_of(service: int) -> int:
    """The process id of the sequencer beside a service (Linux); RuntimeError if there is none."""
    for child in children_of(service):
        if b"sequence" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
            return child
    raise RuntimeError("the service has no sequencer beside it")


@asynccontextmanager
async def held(process: int, *, really: bool) -> AsyncIterator[None]:
    """Stop a process for as long as the block runs."""
    if really:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


async def drain(connection: Connection) -> None:
    """Wait until nothing waits for a position; RuntimeError after PATIENCE_SECONDS."""
    for _ in range(PATIENCE_SECONDS * 20):
        if not await connection.fetchval(_WAITING):
            return
        await asyncio.sleep(0.05)
    raise RuntimeError("the sequencer does not keep up")


async def _spread(
    bench: Bench, name: str, post: Callable[[int], Awaitable[Committed]], count: int, pause: float
) -> None:
    committed: list[Committed] = []
    for number in range(count):
        committed.append(await post(number))
        await asyncio.sleep(pause)
    bench.keep(name, **_quantiles([await _until_signed(bench.world.service, *one) for one in committed]))


async def _committed(bench: Bench, payment: UUID) -> Committed:
    """Pay a list; its entry, and the server's time after the commit."""
    entry = await pay(bench.world, payment)
    return entry, await bench.world.service.fetchval(_NOW)


async def _until_signed(connection: Connection, entry: UUID, committed_at: datetime) -> timedelta:
    for _ in range(PATIENCE_SECONDS * 20):
        signed_at: datetime | None = await connection.fetchval(_SIGNED, entry)
        if signed_at is not None:
            return signed_at - committed_at
        await asyncio.sleep(0.05)
    raise RuntimeError("the entry is not sealed")


def _quantiles(found: Sequence[timedelta]) -> dict[str, Any]:
    waits = sorted(found)
    shares = {"p50_ms": 0.5, "p90_ms": 0.9, "max_ms": 1.0}
    quantiles = {name: waits[min(int(len(waits) * share), len(waits) - 1)] for name, share in shares.items()}
    return {"entries": len(waits), **{name: wait / timedelta(milliseconds=1) for name, wait in quantiles.items()}}
