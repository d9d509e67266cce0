"""The benchmark of exports runs and measures what it says; no figure is judged here (no test is timed)."""

from __future__ import annotations

import asyncio

from fundledger.bench.command import measure_exports


async def test_exports_are_measured_against_copy_of_the_same_query() -> None:
    figures = await asyncio.to_thread(measure_exports, transfers=1_000, persons=500, formats=["csv", "parquet"])
    assert set(figures) == {"copy", "export_csv", "export_parquet"}
    assert int(str(figures["copy"]["rows"])) > 1_000
    assert all(float(str(figures[name]["of_copy"])) > 0 for name in ("export_csv", "export_parquet"))
