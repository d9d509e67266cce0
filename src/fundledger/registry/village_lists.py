"""The yearly village lists (年度村名单): which villages and communities a fund's standard is paid for (M01, M02).

The list is the city's decision, the villages stand in the districts' books: one call writes the whole list as a new
version, a head per book (`village_list_version`, so that a district can drop out) and a row per village. Nobody's exit
from poverty takes a village off through the year; only a new version does. The head in the city's book is written
first: of two calls at once the second waits there and is refused (`version-taken`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from fundledger.access.policy import CITY_BOOK, Caller
from fundledger.db.connection import Connection
from fundledger.errors import Fault, problem
from fundledger.registry.cells import refuse
from fundledger.registry.divisions import wrong_villages


@dataclass(frozen=True, slots=True)
class NewVillageList:
    """A fund's list for a fiscal year as the city's finance bureau gives it; the newest version counts."""

    list_id: UUID
    fund_code: str
    fiscal_year: int
    version: int
    document_no: str
    villages: Sequence[str]
    exception_document_no: str | None = None


@dataclass(frozen=True, slots=True)
class ListVersion:
    """The head of one version in one book; `village_count` of that book, in the city's book of all."""

    list_id: UUID
    fund_code: str
    fiscal_year: int
    version: int
    village_count: int
    document_no: str
    exception_document_no: str | None
    recorded_by: UUID
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ListedVillage:
    """A village on a list, with its township."""

    book: int
    village_code: str
    name: str
    level: str
    township_code: str | None
    township_name: str | None


_HEAD = """
INSERT INTO village_list_version (book, fund_code, fiscal_year, version, list_id, village_count, document_no,
    exception_document_no, recorded_by)
SELECT u.book, $3, $4, $5, $6, u.count, $7, $8, $9 FROM unnest($1::bigint[], $2::integer[]) AS u (book, count)
ON CONFLICT (book, fund_code, fiscal_year, version) DO NOTHING
"""
_ROWS = """
INSERT INTO village_list (book, fund_code, fiscal_year, version, village_code, document_no, recorded_by)
SELECT left(u.code, 6)::bigint, $2, $3, $4, u.code, $5, $6 FROM unnest($1::text[]) AS u (code) ORDER BY u.code
"""
_EXPECTED = """
SELECT f.fund_code, parameter_value(f.standard_parameter, $2) AS standard,
       parameter_value('village_count_' || f.fund_code, $2) AS village_count
FROM fund f WHERE f.fund_code = $1 AND f.basis = 'village_standard'
"""
_NEWEST = """
SELECT coalesce(max(version), 0) FROM village_list_version WHERE book = $1 AND fund_code = $2 AND fiscal_year = $3
"""


async def record_village_list(connection: Connection, caller: Caller, what: NewVillageList) -> None:
    """Write a new version of a year's list into every district's book, in the caller's transaction.

    Refuses all faults at once: unknown, foreign and repeated villages and townships with their pointers, and a number
    of villages other than the policy's (`village-count-wrong`, M02: parameter village_count_targeted) unless an
    exception document is named. `version-taken` unless the version is the next one.
    """
    refuse(await _list_faults(connection, what))
    newest = await connection.fetchval(_NEWEST, CITY_BOOK, what.fund_code, what.fiscal_year)
    if what.version != newest + 1:
        raise problem("version-taken")
    districts = [
        row["book"] for row in await connection.fetch("SELECT book FROM book WHERE level = 'district' ORDER BY 1")
    ]
    counts = [sum(code.startswith(str(book)) for code in what.villages) for book in districts]
    for books, numbers in (([CITY_BOOK], [len(what.villages)]), (districts, counts)):
        done = await connection.execute(
            _HEAD, books, numbers, what.fund_code, what.fiscal_year, what.version, what.list_id, what.document_no,
            what.exception_document_no, caller.staff_id,
        )  # fmt: skip
        if done != f"INSERT 0 {len(books)}":
            raise problem("version-taken")
    await connection.execute(
        _ROWS, list(what.villages), what.fund_code, what.fiscal_year, what.version, what.document_no, caller.staff_id
    )
    await connection.execute("SELECT refresh_statistics('{village_list,village_list_version}')")


async def _list_faults(connection: Connection, what: NewVillageList) -> list[Fault]:
    policy = await connection.fetchrow(_EXPECTED, what.fund_code, date(what.fiscal_year, 1, 1))
    if policy is None:
        return [Fault("fund-not-per-village", {"fund_code": what.fund_code}, pointer="/fund_code")]
    faults = []
    if policy["standard"] is None:
        faults.append(Fault("standard-not-in-force", {"fiscal_year": what.fiscal_year}, pointer="/fiscal_year"))
    books = [row["book"] for row in await connection.fetch("SELECT book FROM book WHERE level = 'district'")]
    wrong = await wrong_villages(connection, books, set(what.villages))
    seen: set[str] = set()
    for number, code in enumerate(what.villages):
        fault = "village-repeated" if code in seen else wrong.get(code)
        if fault is not None:
            faults.append(Fault(fault, {"code": code}, pointer=f"/villages/{number}"))
        seen.add(code)
    expected = policy["village_count"]
    if expected is not None and what.exception_document_no is None and len(seen) != expected:
        faults.append(Fault("village-count-wrong", {"count": len(seen), "expected": expected}, pointer="/villages"))
    return faults


_VERSIONS = """
SELECT list_id, fund_code, fiscal_year, version, village_count, document_no, exception_document_no, recorded_by,
    recorded_at
FROM village_list_version
"""


async def list_versions(connection: Connection, book: int, fund_code: str, fiscal_year: int) -> list[ListVersion]:
    """The versions of a fund's list of a year, newest first."""
    sql = f"{_VERSIONS} WHERE book = $1 AND fund_code = $2 AND fiscal_year = $3 ORDER BY version DESC"
    return [ListVersion(*row.values()) for row in await connection.fetch(sql, book, fund_code, fiscal_year)]


async def version_of_list(connection: Connection, list_id: UUID) -> ListVersion:
    """The head of a list in the city's book by its id."""
    row = await connection.fetchrow(f"{_VERSIONS} WHERE book = $1 AND list_id = $2", CITY_BOOK, list_id)
    assert row is not None, "a claimed key names its list"
    return ListVersion(*row.values())


_VILLAGES = """
SELECT v.book, v.village_code, d.name, d.level, t.code AS township_code, t.name AS township_name
FROM village_list v
JOIN division d ON d.book = v.book AND d.code = v.village_code
LEFT JOIN division t ON t.book = d.book AND t.code = d.parent_code
WHERE v.book = ANY ($1::bigint[]) AND v.fund_code = $2 AND v.fiscal_year = $3 AND v.version = $4 AND v.village_code > $5
ORDER BY v.village_code LIMIT $6
"""


async def villages_on_list(
    connection: Connection, book: int, fund_code: str, fiscal_year: int, version: int, *, after: str, limit: int
) -> list[ListedVillage]:
    """The villages of one version by code, from after a code on; of the whole city for the city's book."""
    books = [book]
    if book == CITY_BOOK:
        books = [row["book"] for row in await connection.fetch("SELECT book FROM book WHERE parent_book = $1", book)]
    rows = await connection.fetch(_VILLAGES, books, fund_code, fiscal_year, version, after, limit)
    return [ListedVillage(*row.values()) for row in rows]
