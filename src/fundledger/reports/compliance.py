"""Compliance with the shares the policy sets (合规报告): M01 and M02 by village, M03 and M04 by district, of a year.

M03, M04: the floor is tested on the newest figure declared before the final accounts (初测) and again on the final
accounts (决算复测); a finding is a year below its floor after money was adopted (only a document allows that) or by its
final accounts. M01, M02: how many villages of the year's list got how much against the standard; those short of it by
name. Fen; reads only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fundledger.access.policy import CITY_BOOK
from fundledger.db.connection import Connection

_FLOORS: Final = """
WITH figure AS (
    SELECT DISTINCT ON (d.book, d.fund_code, d.fiscal_year, d.is_final) d.* FROM declared_figure d
    WHERE (d.book = $1 OR $1 = $2) AND d.fiscal_year = $3
    ORDER BY d.book, d.fund_code, d.fiscal_year, d.is_final, d.version DESC
)
SELECT f.book, f.fund_code, u.rule, p.percent, bool_or(f.is_final) AS is_final,
       max(f.amount) FILTER (WHERE NOT f.is_final) AS declared, max(f.amount) FILTER (WHERE f.is_final) AS final,
       max(f.document_no) FILTER (WHERE NOT f.is_final) AS declared_document_no,
       max(f.document_no) FILTER (WHERE f.is_final) AS final_document_no,
       t.floor_amount, t.adopted, t.shortfall, n.reason, coalesce(n.exception_documents, '{}') AS exception_documents
FROM figure f
JOIN fund u ON u.fund_code = f.fund_code
CROSS JOIN LATERAL (SELECT parameter_value(u.floor_parameter, make_date(f.fiscal_year, 1, 1)) AS percent) p
JOIN floor_test t ON t.book = f.book AND t.fund_code = f.fund_code AND t.fiscal_year = f.fiscal_year
LEFT JOIN floor_finding n ON n.book = f.book AND n.fund_code = f.fund_code AND n.fiscal_year = f.fiscal_year
GROUP BY f.book, f.fund_code, u.rule, p.percent, t.floor_amount, t.adopted, t.shortfall, n.reason, n.exception_documents
ORDER BY f.book, f.fund_code
"""
# What the allocations of a village hold: still unreleased, released, or handed in as surplus by the city.
_VILLAGES: Final = """
WITH listed AS (
    SELECT v.book, v.fund_code, f.rule, v.village_code,
           parameter_value(f.standard_parameter, make_date($3, 1, 1)) AS standard
    FROM village_list_current v JOIN fund f ON f.fund_code = v.fund_code
    WHERE f.basis = 'village_standard' AND v.fiscal_year = $3 AND (v.book = $1 OR $1 = $2)
), got AS (
    SELECT l.book, l.fund_code, l.rule, l.village_code, l.standard,
           coalesce(sum(b.received - b.given), 0)::bigint AS allocated
    FROM listed l
    LEFT JOIN allocation a ON a.book = $2 AND a.district = l.book AND a.fund_code = l.fund_code
        AND a.fiscal_year = $3 AND a.village_code = l.village_code
    LEFT JOIN account c ON c.book = $2 AND c.allocation_id = a.allocation_id
        AND c.account_kind IN ('unreleased', 'released', 'surplus')
    LEFT JOIN account_balance b ON b.book = c.book AND b.account_id = c.account_id
    GROUP BY l.book, l.fund_code, l.rule, l.village_code, l.standard
)
SELECT book, fund_code, rule, standard, count(*)::integer AS listed,
       count(*) FILTER (WHERE allocated = standard)::integer AS in_full,
       count(*) FILTER (WHERE allocated < standard)::integer AS short,
       count(*) FILTER (WHERE allocated > standard)::integer AS above, sum(allocated)::bigint AS allocated,
       coalesce(sum(standard - allocated) FILTER (WHERE allocated < standard), 0)::bigint AS shortfall,
       coalesce(array_agg(village_code ORDER BY village_code) FILTER (WHERE allocated < standard), '{}')
           AS short_villages
FROM got GROUP BY book, fund_code, rule, standard ORDER BY fund_code, book
"""


@dataclass(frozen=True, slots=True)
class FloorRow:
    """A district's share of a year (M03, M04): what was declared, the final accounts, the floor, what is missing."""

    book: int
    fund_code: str
    rule: str
    percent: int
    is_final: bool
    declared: int | None
    final: int | None
    declared_document_no: str | None
    final_document_no: str | None
    floor_before: int | None
    shortfall_before: int | None
    floor_amount: int
    adopted: int
    shortfall: int
    finding: str | None
    exception_documents: list[str]


@dataclass(frozen=True, slots=True)
class VillageRow:
    """A district's listed villages of a fund (M01, M02) against the standard."""

    book: int
    fund_code: str
    rule: str
    standard: int
    listed: int
    in_full: int
    short: int
    above: int
    allocated: int
    shortfall: int
    short_villages: list[str]


async def floor_rows(connection: Connection, book: int, fiscal_year: int) -> list[FloorRow]:
    """M03 and M04 of a district, or from the city's book of every district."""
    rows: list[FloorRow] = []
    for found in await connection.fetch(_FLOORS, book, CITY_BOOK, fiscal_year):
        row = dict(found)
        before = None if row["declared"] is None else -(-row["declared"] * row["percent"] // 100)
        row |= {"floor_before": before, "finding": row.pop("reason")}
        row["shortfall_before"] = None if before is None else max(before - row["adopted"], 0)
        rows.append(FloorRow(**row))
    return rows


async def village_rows(connection: Connection, book: int, fiscal_year: int) -> list[VillageRow]:
    """M01 and M02 of a district's villages, or from the city's book of every district's."""
    return [VillageRow(**dict(row)) for row in await connection.fetch(_VILLAGES, book, CITY_BOOK, fiscal_year)]
