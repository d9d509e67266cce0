import random
import time

from fundledger.book.asof import AsOf
from fundledger.book.balances import *
from fundledger.book.statements import statement
from fundledger.trail.starts import Subject
from tests.builders import *
from tests.trail.money import *


async def test_perf(world: World, api) -> None:
    t = time.time()
    alls = []
    people = []
    for i in range(6):
        a = await world.allocate(await world.adopt(10**12), 10**12)
        for k in range(4):
            await world.release(a, 2 * 10**11)
        p = await world.project(planned_amount=10**12)
        for k in range(8):
            await fund(world, a, p, 10**10 + k)
        who = await world.persons(170_000)
        await world.service.execute(
            "SELECT refresh_statistics(ARRAY['person','household','roster_member','registry_status'])"
        )
        paid = await world.pay(await world.list_of(p, a, who))
        await world.service.execute("SELECT refresh_statistics(ARRAY['transfer','payment_line','entry'])")
        alls.append((a, p, paid))
        people.append(who)
        print(i, time.time() - t, flush=True)
    head = await sealed(world.service)
    await world.service.execute(
        "SELECT refresh_statistics(ARRAY['transfer','entry','log_leaf','account','account_balance','account_day'])"
    )
    print("transfers", await world.service.fetchval("SELECT count(*) FROM transfer"))
    times = []
    for n in range(200):
        h, _ = random.choice(random.choice(people))
        t0 = time.perf_counter()
        r = await ask(world.service, "up", Subject("household", h))
        times.append((time.perf_counter() - t0) * 1000)
    times.sort()
    print(
        "household ms: first-sorted",
        times[0],
        "median",
        times[100],
        "p95",
        times[190],
        "max",
        times[-1],
        "trips",
        r.round_trips,
        "edges",
        len(r.edges),
    )
    times = []
    for n in range(100):
        h, _ = random.choice(random.choice(people))
        t0 = time.perf_counter()
        r = await api.get("auditor", "/v1/books/420117/trail/up", household_id=str(h))
        times.append((time.perf_counter() - t0) * 1000)
        assert r.status_code == 200
    times.sort()
    print("http household ms", times[0], times[50], times[95], times[-1])
    for lim in (1000, 10000):
        t0 = time.perf_counter()
        r = await ask(world.service, "down", Subject("allocation", alls[0][0]), limit=lim)
        print("down", lim, (time.perf_counter() - t0) * 1000, len(r.edges), r.round_trips)
        t0 = time.perf_counter()
        r = await ask(world.service, "down", Subject("allocation", alls[0][0]), limit=lim, at=head)
        print("down at", lim, (time.perf_counter() - t0) * 1000, len(r.edges), r.round_trips)
        t0 = time.perf_counter()
        r = await ask(world.service, "up", Subject("entry", alls[0][2].entry_id), limit=lim)
        print("up entry 170k", lim, (time.perf_counter() - t0) * 1000, len(r.edges), r.round_trips)
        t0 = time.perf_counter()
        r = await ask(world.service, "up", Subject("village", VILLAGE), limit=lim)
        print("up village 1M", lim, (time.perf_counter() - t0) * 1000, len(r.edges), r.round_trips)
    t0 = time.perf_counter()
    r = await trial_balance(world.service, DISTRICT)
    print("trial now", (time.perf_counter() - t0) * 1000)
    for P in (head, head // 2, 30):
        t0 = time.perf_counter()
        r = await trial_balance(world.service, DISTRICT, as_of=AsOf(position=P))
        print("trial at", P, (time.perf_counter() - t0) * 1000)
    acc = (await balances(world.service, DISTRICT, AccountFilter(account_kind="paid")))[0]
    t0 = time.perf_counter()
    r = await statement(world.service, DISTRICT, acc.account_id, after=(acc.received // 2 // 8000 * 8000, 0))
    print("statement", (time.perf_counter() - t0) * 1000, len(r.lines))
