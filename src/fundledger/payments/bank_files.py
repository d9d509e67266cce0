"""The bank instruction file (代发文件): whom to pay, in clear, for finance to hand to the bank after the list was paid.

Names and cards are opened from the sealed lines and leave in the file only: never in a log, a URL or a record. Each is
compared with its commitment, which the approved digest covers: the sealed text alone was never approved. Every
time one is taken out is recorded first (who, when, SHA-256, lines, total), in the caller's transaction. The line
numbers are the list's, so the bank's result file names them. Memory: the file itself, 9 MB of CSV for 100,000 lines.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.files.csv_rows import safe_cell
from fundledger.files.xlsx_out import MEDIA_TYPE, Cell, Workbook
from fundledger.ids import new_id
from fundledger.money import format_yuan
from fundledger.payments.bank_lines import TOTAL
from fundledger.payments.store import open_private
from fundledger.registry.vault import Vault, commitment

Format = Literal["csv", "xlsx"]
MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "xlsx": MEDIA_TYPE}
HEADINGS = ("发放清单", "行号", "户名", "账号", "金额")
CHUNK = 2_000

_LIST = """
SELECT e.entry_id, e.line_count, e.total FROM payment_list p
LEFT JOIN entry e ON e.book = p.book AND e.instruction_id = p.instruction_id
WHERE p.book = $1 AND p.instruction_id = $2
"""
_LINES = """
SELECT l.line_no, l.amount, l.name_commitment, l.card_commitment, s.name_salt, s.card_salt, s.sealed
FROM payment_line l
LEFT JOIN payment_line_private s ON s.book = l.book AND s.instruction_id = l.instruction_id AND s.line_no = l.line_no
WHERE l.book = $1 AND l.instruction_id = $2 AND l.line_no > $3 ORDER BY l.line_no LIMIT $4
"""
_RECORD = """
INSERT INTO bank_file (book, bank_file_id, instruction_id, format, line_count, total, sha256, taken_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_RECORDS = """
SELECT f.bank_file_id, f.format, f.line_count, f.total, f.sha256, f.taken_by, f.taken_at FROM bank_file f
WHERE f.book = $1 AND f.instruction_id = $2 ORDER BY f.taken_at, f.bank_file_id
"""


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file as it goes to the bank; `total` in fen."""

    content: bytes
    sha256: bytes
    line_count: int
    total: int


@dataclass(frozen=True, slots=True)
class Taken:
    """One time a file was taken out."""

    bank_file_id: UUID
    format: str
    line_count: int
    total: int
    sha256: bytes
    taken_by: UUID
    taken_at: datetime


class _CsvFile:
    """The CSV form: UTF-8 with a byte-order mark, for spreadsheets; what would be run as a formula is disarmed."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        self._rows = csv.writer(self._text)
        self._bytes = bytearray("\ufeff".encode())

    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Write rows below those before."""
        for row in rows:
            self._rows.writerow([format_yuan(cell) if isinstance(cell, int) else safe_cell(cell or "") for cell in row])
        self._bytes += self._text.getvalue().encode()
        self._text.seek(0)
        self._text.truncate()

    def finish(self) -> bytes:
        """The file; no row is added after this."""
        return bytes(self._bytes)


async def take_bank_file(
    connection: Connection, caller: Caller, vault: Vault, book: int, instruction_id: UUID, form: Format
) -> BankFile:
    """The file of a paid list, its taking recorded; raises `payment-list-not-found`, `list-not-paid`,
    `personal-data-erased`, `bank-file-differs` (then nothing leaves).

    The last row repeats the number of lines and the total.
    """
    head = await connection.fetchrow(_LIST, book, instruction_id)
    if head is None:
        raise problem("payment-list-not-found")
    if head["entry_id"] is None:
        raise problem("list-not-paid")
    await connection.execute("SET LOCAL enable_seqscan = off")
    file: Workbook | _CsvFile = Workbook() if form == "xlsx" else _CsvFile()
    file.add([HEADINGS])
    after, erased = 0, 0
    while rows := await connection.fetch(_LINES, book, instruction_id, after, CHUNK):
        erased += await asyncio.to_thread(_add, file, vault, book, instruction_id, rows)
        after = rows[-1]["line_no"]
    if erased:
        raise problem("personal-data-erased", count=erased)
    file.add([(TOTAL, str(head["line_count"]), None, None, head["total"])])
    content = file.finish()
    digest = hashlib.sha256(content).digest()
    await connection.execute(
        _RECORD, book, new_id(), instruction_id, form, head["line_count"], head["total"], digest, caller.staff_id
    )
    return BankFile(content, digest, head["line_count"], head["total"])


async def taken_files(connection: Connection, book: int, instruction_id: UUID) -> list[Taken]:
    """Every time a list's file was taken out, oldest first; raises `payment-list-not-found`."""
    if await connection.fetchrow(_LIST, book, instruction_id) is None:
        raise problem("payment-list-not-found")
    return [Taken(**dict(row)) for row in await connection.fetch(_RECORDS, book, instruction_id)]


def _add(file: Workbook | _CsvFile, vault: Vault, book: int, instruction_id: UUID, rows: Sequence[Any]) -> int:
    """Add lines in clear; how many could not be opened."""
    opened = [
        open_private(vault, book, instruction_id, row["line_no"], row["sealed"]) if row["sealed"] else {}
        for row in rows
    ]
    if differing := [row["line_no"] for row, one in zip(rows, opened, strict=True) if one and not _approved(row, one)]:
        raise problem("bank-file-differs", line=differing[0], count=len(differing))
    file.add(
        (str(instruction_id), str(row["line_no"]), one["name"], one["card"], row["amount"])
        for row, one in zip(rows, opened, strict=True)
        if one
    )
    return opened.count({})


def _approved(row: Any, one: Mapping[str, str]) -> bool:
    """Whether what was sealed is what the approver's digest commits to."""
    return bool(
        commitment(row["name_salt"], one["name"]) == row["name_commitment"]
        and commitment(row["card_salt"], one["card"]) == row["card_commitment"]
    )
