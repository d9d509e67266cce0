"""``fundledger bench bundle``: a bundle of the whole log, written and verified; the verifier on one core.

Releases are posted through the gate in groups (each is three records: an approval and an entry in each of two books),
and one payment list beside them; the log is sealed and signed. The verifier is ``fundledger verify`` in a process of
its own that is held to one core, start included; its peak memory is that process's.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from fundledger.access.policy import CITY_BOOK
from fundledger.bench.posting import draft_releases, pay
from fundledger.bench.world import MANY, World, payment_list
from fundledger.book.poster import Posting, post_now
from fundledger.exports.bundle_request import Asked, asked_bundle
from fundledger.ids import new_id
from fundledger.sealing import keys
from fundledger.sealing.keys import KeyFile
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.signing import Signer

GOAL: Final = {"verify": "seconds < 30 at 100,000 leaves, on one core"}
FIGURES: Final = {
    "export": "a bundle of the whole log written from the database",
    "verify": "fundledger verify of that bundle, in a process of its own on one core; peak resident memory",
}
GROUP: Final = 128
RECORDS_EACH: Final = 3


async def measure(world: World, place: Path, *, leaves: int, say: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """Fill the log, write its bundle into `place`, verify it."""
    say("posting …")
    await _post(world, leaves)
    ring = keys.ready(place / "log-keys.json").ring
    await Sequencer(world.service, signer=Signer(KeyFile(place / "log-keys.json"))).seal_all()
    path, began = place / "bundle.zip", time.perf_counter()
    async with world.service.transaction(isolation="repeatable_read", readonly=True):
        with path.open("wb") as file:
            made = await asked_bundle(world.service, ring, Asked(), file)
    wrote = time.perf_counter() - began
    (place / "keys.txt").write_text("\n".join(map(str, ring.verifiers())), encoding="utf-8")
    say("verifying …")
    figures = await asyncio.to_thread(_verified, path, place / "keys.txt")
    counts = {"leaves": made.counts["leaves.ndjson"], "lines": made.counts["lines.ndjson"]}
    export = {**counts, "seconds": wrote, "megabytes": path.stat().st_size / 1e6}
    return {"export": export, "verify": {**counts, **figures}}


async def _post(world: World, leaves: int) -> None:
    drafts = await draft_releases(world, MANY, max(leaves // RECORDS_EACH, 1))
    approver = world.people["city-approver"].staff_id
    for start in range(0, len(drafts), GROUP):
        await post_now(world.service, [
            Posting(CITY_BOOK, new, approver, digest, str(new_id()), digest)
            for new, digest in drafts[start : start + GROUP]
        ])  # fmt: skip
    await pay(world, await payment_list(world, world.persons, "1930-01"))


def _verified(path: Path, trusted: Path) -> dict[str, Any]:
    """Seconds and peak memory of the verifier; RuntimeError unless it finds the bundle sound."""
    command = [sys.executable, "-m", "fundledger", "verify", str(path), "--log-key", str(trusted)]
    core = min(os.sched_getaffinity(0))
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
    os.sched_setaffinity(process.pid, {core})
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"the verifier said {process.returncode}")
    return {"seconds": took, "processor_seconds": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}
