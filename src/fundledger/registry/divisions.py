"""Divisions (行政区划): the list a city's books stand on, imported once, and who may be a village.

A district's book holds its own row (without parent), its townships and its villages; the city's book holds the city's
row. The import may be repeated: rows that are there stay, and one that differs from what is recorded is refused,
because records are never changed. Called by the CLI and the demonstration; the service only reads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from fundledger.db.connection import Connection
from fundledger.errors import Fault, problem
from fundledger.files.csv_rows import read_rows
from fundledger.registry.cells import Place, Row, refuse, text_cell, village_cell

COLUMNS = {
    "code": "code", "代码": "code", "区划代码": "code", "name": "name", "名称": "name",
    "level": "level", "级别": "level", "parent_code": "parent_code", "上级代码": "parent_code",
}  # fmt: skip
CODE_LENGTH = {"city": 6, "district": 6, "township": 9, "village": 12, "community": 12}
"""Digits of a code of each level (统计用区划代码)."""
VILLAGES = ("village", "community")
MAX_LINES = 100_000


@dataclass(frozen=True, slots=True)
class DivisionRow:
    """One division as a file gives it."""

    line: int
    code: str
    name: str
    level: str
    parent_code: str | None


@dataclass(frozen=True, slots=True)
class Division:
    """One division as a book holds it."""

    book: int
    code: str
    name: str
    level: str
    parent_code: str | None
    source: str


def read_divisions(data: bytes) -> list[DivisionRow]:
    """Read a CSV file (code, name, level, parent_code); `request-invalid` with every fault and its line."""
    rows = read_rows(data, columns=COLUMNS, required=("code", "name", "level", "parent_code"), max_lines=MAX_LINES)
    faults = list(rows.faults)
    divisions = []
    for line, cells in rows:
        row = Row(Place(line, headings=rows.headings), cells, faults)
        code, name, level = row.take("code", village_cell), row.take("name", text_cell), row.take("level", text_cell)
        parent = row.maybe("parent_code", village_cell)
        if code is None or name is None or level is None:
            continue
        if CODE_LENGTH.get(level) != len(code):
            faults.append(row.place.fault("division-level-unknown", "level"))
        else:
            divisions.append(DivisionRow(line, code, name, level, parent))
    refuse(faults)
    return divisions


_INSERT = """
INSERT INTO division (book, code, name, level, parent_code, source)
SELECT u.book, u.code, u.name, u.level, u.parent, $6
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) AS u (book, code, name, level, parent)
ORDER BY u.book, u.code ON CONFLICT (book, code) DO NOTHING
"""
_DIFFERING = """
SELECT u.number FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
    WITH ORDINALITY AS u (book, code, name, level, parent, number)
JOIN division d ON d.book = u.book AND d.code = u.code
WHERE (d.name, d.level, d.parent_code) IS DISTINCT FROM (u.name, u.level, u.parent) ORDER BY u.number
"""


async def import_divisions(connection: Connection, rows: Sequence[DivisionRow], *, source: str) -> int:
    """Add the divisions that are not there yet, in the caller's transaction; how many were added.

    `source` names where the list comes from. Refuses the whole list, with every line, for a division of no book
    (`division-of-no-book`), a wrong parent, or one recorded differently (`division-differs`).
    """
    books = {str(row["book"]) for row in await connection.fetch("SELECT book FROM book")}
    refuse(_misplaced(rows, books))
    columns = (
        [int(row.code[:6]) for row in rows], [row.code for row in rows], [row.name for row in rows],
        [row.level for row in rows], [_parent_in_book(row) for row in rows],
    )  # fmt: skip
    added = await connection.execute(_INSERT, *columns, source)
    differing = await connection.fetch(_DIFFERING, *columns)
    refuse([Fault("division-differs", line=rows[row["number"] - 1].line) for row in differing])
    await connection.execute("SELECT refresh_statistics('{division}')")
    return int(added.rpartition(" ")[2])


def _misplaced(rows: Sequence[DivisionRow], books: Collection[str]) -> list[Fault]:
    """Divisions of no book, and those whose parent is not the level above in the same book."""
    levels = {row.code: row.level for row in rows}
    faults = []
    for row in rows:
        if row.code[:6] not in books:
            faults.append(Fault("division-of-no-book", line=row.line))
        elif not _parent_fits(row, levels):
            faults.append(Fault("division-parent-wrong", line=row.line))
    return faults


def _parent_fits(row: DivisionRow, levels: Mapping[str, str]) -> bool:
    parent = _parent_in_book(row)
    if parent is None:
        return row.level in ("city", "district")
    return row.code.startswith(parent) and levels.get(parent) == ("township" if row.level in VILLAGES else "district")


def _parent_in_book(row: DivisionRow) -> str | None:
    """A district's parent, the city, stands in another book, so the row has none."""
    return None if row.level in ("city", "district") else row.parent_code


_SELECT = "SELECT book, code, name, level, parent_code, source FROM division"
# Two texts, because one condition for "any parent" would keep the planner from the parent's index.
_PAGE = f"""{_SELECT} WHERE book = $1 AND code > $2 AND ($3::text IS NULL OR level = $3) ORDER BY code LIMIT $4"""
_PAGE_OF_PARENT = f"""{_SELECT} WHERE book = $1 AND code > $2 AND ($3::text IS NULL OR level = $3) AND parent_code = $5
ORDER BY code LIMIT $4"""


async def list_divisions(
    connection: Connection, book: int, *, level: str | None, parent_code: str | None, after: str, limit: int
) -> list[Division]:
    """A book's divisions by code, from after a code on; of one level or directly below one parent if asked."""
    if parent_code is None:
        rows = await connection.fetch(_PAGE, book, after, level, limit)
    else:
        rows = await connection.fetch(_PAGE_OF_PARENT, book, after, level, limit, parent_code)
    return [Division(*row.values()) for row in rows]


async def division_of(connection: Connection, book: int, code: str) -> Division:
    """One division of a book; `division-not-found`."""
    row = await connection.fetchrow(f"{_SELECT} WHERE book = $1 AND code = $2", book, code)
    if row is None:
        raise problem("division-not-found")
    return Division(*row.values())


async def wrong_villages(connection: Connection, books: Collection[int], codes: Collection[str]) -> dict[str, str]:
    """Which codes are no village or community of these books, and the code of the problem each has.

    `village-foreign` (of a district outside), `division-not-village` (a township or district), `village-unknown`.
    """
    rows = await connection.fetch(
        "SELECT code, level FROM division WHERE book = ANY ($1::bigint[]) AND code = ANY ($2::text[])",
        list(books),
        list(codes),
    )
    levels = {row["code"]: row["level"] for row in rows}
    known = {str(book) for book in books}
    return {code: wrong for code in codes if (wrong := _wrong(code, levels.get(code), known)) is not None}


def _wrong(code: str, level: str | None, known: Collection[str]) -> str | None:
    if level in VILLAGES:
        return None
    if level is not None:
        return "division-not-village"
    return "village-unknown" if code[:6] in known else "village-foreign"
