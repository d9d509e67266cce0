"""A payment list over HTTP (upload, preview, approve, pay) and a household's trail, through the real service."""

from __future__ import annotations

import asyncio
import json
import time
from statistics import median
from typing import Any

import httpx

from fundledger.bench.posting import Bench
from fundledger.bench.world import DISTRICT, PROGRAMME, World, publish
from fundledger.ids import new_id
from fundledger.registry.identity import synthetic_card

ROUNDS = 3


async def lists(bench: Bench, lines: int) -> None:
    """Upload and preview timed apart from pay, as ratios to COPY of the same number of rows in this run."""
    seconds: dict[str, list[float]] = {"preview": [], "upload": [], "approve": [], "pay": []}
    async with _client(bench) as client:
        for turn in range(ROUNDS):
            body = json.dumps(_list(bench.world, lines, f"1980-{turn + 1:02}")).encode()
            path = f"/v1/books/{DISTRICT}/payment-lists"
            await _timed(seconds["preview"], client, bench.world, "maker", path + "?preview=true", body)
            made = await _timed(seconds["upload"], client, bench.world, "maker", path, body)
            list_id = made["payment_list_id"]
            await publish(bench.world, "payment_list", list_id, 8_000 * lines)
            approval = json.dumps({"content_sha256": made["content_sha256"]}).encode()
            await _timed(seconds["approve"], client, bench.world, "approver", f"{path}/{list_id}/approve", approval)
            await _timed(seconds["pay"], client, bench.world, "payer", f"{path}/{list_id}/pay", b"")
    copy = bench.figures.get(f"copy_{lines}", {}).get("rows_per_second")
    for name, taken in seconds.items():
        rate = lines / median(taken)
        ratio = {"of_copy": rate / copy} if copy else {}
        bench.keep(f"{name}_list_http_{lines}", lines_per_second=rate, seconds=median(taken), **ratio)


async def trail(bench: Bench, count: int) -> None:
    """The trail of one household after another, up to the budget."""
    transfers = await bench.owner.fetchval("SELECT count(*) FROM transfer")
    households = bench.world.persons[:count]
    latencies = []
    async with _client(bench) as client:
        for household, _ in households:
            started = time.perf_counter()
            answer = await client.get(
                f"/v1/books/{DISTRICT}/trail/up", params={"household_id": str(household)},
                headers={"Authorization": f"Bearer {bench.world.tokens['maker']}"},
            )  # fmt: skip
            latencies.append(time.perf_counter() - started)
            answer.raise_for_status()
    bench.keep("trail_household", median_ms=median(latencies) * 1000, max_ms=max(latencies) * 1000, transfers=transfers)


def _client(bench: Bench) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{bench.host}:{bench.port}", timeout=300)


async def _timed(
    kept: list[float], client: httpx.AsyncClient, world: World, who: str, path: str, body: bytes
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {world.tokens[who]}", "Idempotency-Key": str(new_id()),
               "Content-Type": "application/json"}  # fmt: skip
    started = time.perf_counter()
    answer = await client.post(path, content=body, headers=headers)
    kept.append(time.perf_counter() - started)
    if answer.status_code >= 300:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
    await asyncio.sleep(0.2)  # what the service does after an answer is not the next call's time
    result: dict[str, Any] = answer.json()
    return result


def _list(world: World, lines: int, period: str) -> dict[str, Any]:
    return {
        "document_no": f"bench-{period}", "effective_on": "2019-03-01", "summary": "bench",
        "officer_id": str(world.officers[DISTRICT, "accountable"]),
        "supervisor_id": str(world.officers[DISTRICT, "supervising"]), "project_id": str(world.projects[0]),
        "programme_code": PROGRAMME, "period": period, "entitlement_on": f"{period}-01", "payee_kind": "person",
        "sources": [{"allocation_id": str(world.allocations[0])}],
        "lines": [
            {"identity_number": identity, "name": name, "card": synthetic_card(number), "amount": "80.00",
             "participation_ref": "bench", "exception_document_no": "bench"}
            for number, (identity, name) in enumerate(world.identities[:lines])
        ],
    }  # fmt: skip
