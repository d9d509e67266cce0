"""The divisions, and the demonstration's village lists of the year (M01, M02).

Which villages were on the lists is not public: they are drawn with a fixed seed, in proportion to each district's
villages, and are illustrative. 271 poor villages (M02) is the policy's number; the villages of poor areas (M01) are
those and as many again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from fundledger.db.connection import Connection
from fundledger.demo.caller import CITY, YEAR, Caller
from fundledger.demo.offices import DISTRICTS
from fundledger.money import largest_remainder
from fundledger.registry.divisions import DivisionRow, import_divisions, read_divisions

SEED = 20181022
"""The day the policy was signed."""
POOR_VILLAGES = 271
SOURCE = "国家统计局统计用区划代码 2023（见 demo/data/README.md）"
ILLUSTRATIVE = "示范名单（村庄为固定随机种子抽取，非真实名单） illustrative"

COMMUNITIES = 10
"""On the M01 list of a district that has communities only (东西湖); the policy speaks of 村（社区）."""


@dataclass(frozen=True, slots=True)
class VillageLists:
    """What was drawn, by district: the poor villages (M02), and all of the poor areas (M01), poor villages first."""

    poor: dict[int, list[str]]
    area: dict[int, list[str]]


async def import_wuhan(service: Connection) -> list[DivisionRow]:
    """Import the six outer districts with their townships, villages and communities."""
    rows = read_divisions((files("fundledger.demo") / "data" / "wuhan_divisions.csv").read_bytes())
    await import_divisions(service, rows, source=SOURCE)
    return rows


async def publish_lists(caller: Caller, rows: Sequence[DivisionRow]) -> VillageLists:
    """Draw and import both lists."""
    lists = draw(rows)
    for fund, by_district in (("public_affairs", lists.area), ("targeted", lists.poor)):
        villages = sorted(code for codes in by_district.values() for code in codes)
        body = {
            "fund_code": fund,
            "fiscal_year": YEAR,
            "document_no": f"武扶组〔{YEAR}〕3号 {ILLUSTRATIVE}",
            "villages": villages,
        }
        await caller.post("finance-maker", f"/v1/books/{CITY}/village-lists", body)
    return lists


def draw(rows: Sequence[DivisionRow]) -> VillageLists:
    """The lists of the demonstration, the same at every load."""
    levels: dict[str, dict[int, list[str]]] = {
        level: {book: [] for book in DISTRICTS} for level in ("village", "community")
    }
    for row in rows:
        if row.level in levels:
            levels[row.level][int(row.code[:6])].append(row.code)
    shares = _shares(levels["village"])
    drawn = random.Random(SEED)
    lists = VillageLists({}, {})
    for book, villages in levels["village"].items():
        there = sorted(villages) or sorted(levels["community"][book])[:COMMUNITIES]
        chosen = drawn.sample(there, min(2 * shares[book] or COMMUNITIES, len(there)))
        lists.poor[book] = sorted(chosen[: shares[book]])
        lists.area[book] = lists.poor[book] + sorted(chosen[shares[book] :])
    return lists


def _shares(by_district: dict[int, list[str]]) -> dict[int, int]:
    weights = [len(villages) for villages in by_district.values()]
    return dict(zip(by_district, largest_remainder(POOR_VILLAGES, weights), strict=True))
