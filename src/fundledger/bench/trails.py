"""``fundledger bench trail``: a household's trail with proof in a book of a million transfers.

The book is built through the gate (long payment lists to the same households, each from another allocation), sealed and
signed by the real sequencer; then the real service is asked over HTTP for one household's trail after another, plain
and with proof in turns. The proofs of some answers are checked, so that what is timed is what an auditor could use.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from fundledger.bench.sheets import peak_mb
from fundledger.bench.world import DISTRICT, World, payment_list
from fundledger.book.poster import Posting, post_now
from fundledger.ids import new_id
from fundledger.sealing.checkpoint import decode_hash, peek
from fundledger.sealing.keys import ready
from fundledger.sealing.merkle import leaf_hash, verify_inclusion
from fundledger.sealing.sequencer import Sequencer, connect
from fundledger.sealing.signing import Signer

GOAL_MS = 20
FIGURES = {
    "trail_household": "GET of one household's trail, from its payments to the budget",
    "trail_household_proof": "the same with the proof of every line, its entry, and one checkpoint",
    "memory": "peak resident memory of the service's process at the end (VmHWM)",
}
CHECKED = 20
"""Answers whose proofs are checked."""


async def pay_lists(world: World, transfers: int, say: Callable[[str], None]) -> None:
    """Payment lists to all persons of the world until there are so many transfers, each posted through the gate."""
    people = world.persons
    for number in range(-(-transfers // len(people))):
        started = time.perf_counter()
        period = f"{2009 + number // 12}-{number % 12 + 1:02}"
        new = await payment_list(world, people, period, number=number)
        posting = Posting(DISTRICT, new, world.people["payer"].staff_id, None, str(new_id()), bytes(32))
        await post_now(world.service, [posting])
        say(f"list {number + 1}: {len(people)} lines in {time.perf_counter() - started:.1f} s")


async def seal(service_url: str, keys: Path, say: Callable[[str], None]) -> None:
    """Seal and sign everything, with the keys that the service will find."""
    started = time.perf_counter()
    connection = await connect(service_url)
    count = await Sequencer(connection, signer=Signer(ready(keys))).seal_all()
    await connection.close()
    say(f"sealed {count} records in {time.perf_counter() - started:.1f} s")


async def measure_trails(
    world: World, port: int, process: int, *, households: int, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Medians and 95th percentiles in milliseconds over so many households, spread over the lists."""
    step = max(len(world.persons) // households, 1)
    asked = [household for household, _ in world.persons[::step][:households]]
    taken: dict[str, list[float]] = {"trail_household": [], "trail_household_proof": []}
    lines = 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
        headers = {"Authorization": f"Bearer {world.tokens['maker']}"}
        path = f"/v1/books/{DISTRICT}/trail/up"
        for number, household in enumerate(asked):
            for name, proof in (("trail_household", "false"), ("trail_household_proof", "true")):
                params = {"household_id": str(household), "proof": proof}
                started = time.perf_counter()
                answer = await client.get(path, params=params, headers=headers)
                taken[name].append((time.perf_counter() - started) * 1000)
                answer.raise_for_status()
                if proof == "true" and number < CHECKED:
                    lines = checked(answer.json())
    transfers = await world.service.fetchval("SELECT count(*) FROM transfer")
    figures: dict[str, dict[str, Any]] = {name: _summary(values) for name, values in taken.items()}
    figures["trail_household_proof"] |= {"lines": lines, "transfers": transfers, "goal_ms": GOAL_MS}
    figures["memory"] = {"peak_mb": peak_mb(process)}
    for name, values in figures.items():
        say(f"{name}: {values}")
    return figures


def checked(answer: dict[str, Any]) -> int:
    """How many lines the proof of a page holds; RuntimeError unless every one verifies."""
    proof = answer["proof"]
    checkpoint = peek(proof["checkpoint"])
    proved: set[tuple[str, int]] = set()
    for entry in proof["entries"]:
        header = json.loads(entry["leaf"])
        path = [decode_hash(node) for node in entry["path"]]
        leaf = leaf_hash(entry["leaf"].encode())
        if not verify_inclusion(leaf, entry["position"], checkpoint.size, path, checkpoint.root):
            raise RuntimeError("a leaf does not verify")
        for line in entry["lines"]:
            inner = [decode_hash(node) for node in line["inner_path"]]
            root, count = bytes.fromhex(header["lines_root"]), header["line_count"]
            if not verify_inclusion(leaf_hash(line["data"].encode()), line["index"], count, inner, root):
                raise RuntimeError("a line does not verify")
            proved.add((entry["entry_id"], line["line_no"]))
    if proof["unsealed"] or {(edge["entry_id"], edge["line_no"]) for edge in answer["edges"]} != proved:
        raise RuntimeError("a line is missing")
    return len(proved)


def _summary(values: list[float]) -> dict[str, Any]:
    cuts = quantiles(values, n=20)
    return {"median_ms": round(median(values), 2), "p95_ms": round(cuts[-1], 2), "max_ms": round(max(values), 2)}
