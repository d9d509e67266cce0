"""The benchmark runs and measures what it says; no figure is judged here (no test is timed)."""

from __future__ import annotations

import asyncio

from fundledger.bench.command import measure, measure_lists, measure_sealing, measure_trail
from fundledger.bench.posting import FIGURES
from fundledger.bench.sealing import FIGURES as SEALING_FIGURES
from fundledger.bench.sheets import FIGURES as SHEET_FIGURES
from fundledger.bench.trails import FIGURES as TRAIL_FIGURES


async def test_a_quick_run_gives_every_figure_of_its_parts() -> None:
    figures = await asyncio.to_thread(measure, quick=True, parts=["batch", "list", "trail"])
    names = {name.rstrip("0123456789").rstrip("_") for name in figures}
    assert names <= set(FIGURES)
    assert {"copy", "gate", "gate_looked_again", "pay_list_http", "trail_household"} <= names
    assert all(float(str(values.get("of_copy", 1))) > 0 for values in figures.values())


async def test_lists_of_households_are_measured_against_openpyxl() -> None:
    figures = await asyncio.to_thread(measure_lists, lines=300, rounds=1)
    assert set(figures) == set(SHEET_FIGURES)
    for name in ("preview", "upload", "approve", "pay"):
        assert float(str(figures[name]["of_openpyxl"])) > 0


async def test_a_quick_run_tells_what_sealing_costs_and_how_long_it_takes() -> None:
    figures = await asyncio.to_thread(measure_sealing, lines=1_000, rounds=1, quick=True)
    assert set(figures) == set(SEALING_FIGURES)
    assert float(str(figures["posting_with_sealing"]["of_without"])) > 0
    assert float(str(figures["sealed_1"]["max_ms"])) > 0


async def test_a_households_trail_is_measured_plain_and_with_a_proof_that_verifies() -> None:
    figures = await asyncio.to_thread(measure_trail, transfers=300, persons=100, households=20)
    assert set(figures) == set(TRAIL_FIGURES)
    # Three payments of one line each, and what they came from: 3 x (pay, fund, release, crossing, allocate) and adopt.
    assert figures["trail_household_proof"]["lines"] == 16
    assert float(str(figures["trail_household_proof"]["median_ms"])) > 0
