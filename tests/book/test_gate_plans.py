"""The gate's look-ups in tables that grow are index seeks by more than the book, in the plans that connections keep."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.book.test_soundness import money_down_and_back
from tests.builders import World

CHECKS = (
    "gate_check_tendering($1)", "gate_check_management($1)", "gate_check_projects($1)", "gate_check_publicity($1)",
    "gate_check_funds($1, $2)", "gate_check_reissues($1, $2)", "gate_check_advances($1, $2)", "gate_check_settling($2)",
    "gate_check_basis($1, $2)", "gate_check_prepaid($1, $2)", "gate_check_year($1, $2)", "gate_check_undo($1, $2)",
    "gate_check_lines($1)", "gate_check_exclusions($1)", "gate_check_references($1, $2)",
)  # fmt: skip
"""The checks that are one query each; the others are functions of their own plans."""

SMALL = {
    "fund", "programme", "negative_list", "entry_kind", "posting_rule", "exemption_rule", "programme_exclusion", "staff", "unit",
    "book", "parameter", "village_list", "village_list_version", "year_close", "release_settlement",
    "release_settlement_approval",
}  # fmt: skip
"""Tables that a year adds few rows to, or none."""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def wandering(node: dict[str, Any]) -> bool:
    """Whether a scan of a growing table reads more than what it looks for: no key, or the book's alone."""
    table = node.get("Relation Name")
    if table is None or table in SMALL:
        return False
    key = node.get("Index Cond", node.get("Recheck Cond", ""))
    return " = " not in key or (key.count(" = ") == 1 and "(book = " in key)


@pytest.mark.parametrize("check", CHECKS)
async def test_a_check_looks_up_growing_tables_by_their_keys(world: World, check: str) -> None:
    await money_down_and_back(world)
    await world.persons(200)
    for _ in range(20):
        await world.supplier()
    await world.owner.execute("ANALYZE; SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
    await world.owner.execute(f"PREPARE looked (gate_work[], gate_leg[]) AS SELECT * FROM {check}")
    text = await world.owner.fetchval("EXPLAIN (FORMAT JSON) EXECUTE looked ('{}', '{}')")
    found = [node for node in nodes(json.loads(text)[0]["Plan"]) if wandering(node)]
    assert [
        (node["Node Type"], node["Relation Name"], node.get("Index Name"), node.get("Index Cond")) for node in found
    ] == []
