"""The benchmark of bundles runs and measures what it says; no figure is judged here (no test is timed)."""

from __future__ import annotations

import asyncio

from fundledger.bench.bundle import FIGURES
from fundledger.bench.command import measure_bundle


async def test_a_small_log_is_written_and_verified() -> None:
    figures = await asyncio.to_thread(measure_bundle, leaves=300, persons=50)
    assert set(figures) == set(FIGURES)
    assert int(str(figures["verify"]["leaves"])) > 300
    assert float(str(figures["verify"]["seconds"])) > 0
