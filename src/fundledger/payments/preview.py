"""Previewing a list (预览): what an upload would be refused for, without a row of it among the payment lines.

The same header, the same checks of lines in the same gate functions, but the lines go to `preview_line`, seen only by
the transaction that rolls them back: no sealing, no salts and no commitments, which no check reads, and none of the
ledger's indexes. A long list is halved: each half is checked in a transaction of its own at the same time. That no
payee stands in it twice is known by then, and all else the gate says of a line it says of that line alone.

Whoever previews holds a connection already. Only a halved list takes more, and one at a time: if each preview took a
second one, as many previews as the pool has connections would wait for each other.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.db.database import Database
from fundledger.db.refusals import gate_fault, refusals
from fundledger.errors import Fault
from fundledger.ids import new_id
from fundledger.payments.lines import Line
from fundledger.payments.store import ListKey, misfits
from fundledger.payments.uploads import Upload
from fundledger.registry.vault import Vault

CHUNK = 3_000
HALVED = 4_000
"""Lists of more lines are checked in two halves."""

_HALVING = asyncio.Semaphore(1)
"""Held by the list that takes two more connections."""

_INTO = """
INSERT INTO preview_line (book, instruction_id, leg_no, line_no, amount, payee_id, household_id, quantity,
    programme_code, period, participation_ref, exception_document_no, card_hash)
SELECT $1, $2, u.leg_no, u.line_no, u.amount, k.payee_id, k.household_id, u.quantity, $3, $4, u.participation_ref,
       u.exception_document_no, u.card_hash
FROM unnest($5::{key}[], $6::bytea[], $7::integer[], $8::integer[], $9::bigint[], $10::integer[], $11::text[],
            $12::text[], $13::bytea[])
     AS u (key, name_hash, leg_no, line_no, amount, quantity, participation_ref, exception_document_no, card_hash)
"""
_HOUSEHOLDS = (
    _INTO.format(key="text")
    + """
CROSS JOIN LATERAL (
    SELECT h.household_id AS payee_id, h.household_id FROM household h
    JOIN person p ON p.book = h.book AND p.household_id = h.household_id AND p.is_head AND p.name_hash = u.name_hash
    WHERE h.book = $1 AND h.household_no = u.key OFFSET 0) k
"""
)
_PERSONS = (
    _INTO.format(key="bytea")
    + """
CROSS JOIN LATERAL (
    SELECT p.person_id AS payee_id, p.household_id FROM person p
    WHERE p.book = $1 AND p.identity_hash = u.key AND p.name_hash = u.name_hash OFFSET 0) k
"""
)
_FAULTS = """
SELECT dimension, code, line_no, params::text FROM preview_faults($1, $2) ORDER BY dimension, code, line_no
"""

StoreHeader = Callable[[Connection, UUID], Awaitable[None]]
"""Stores the list's header under an id in a transaction that will be rolled back."""


async def line_faults(
    database: Database, own: Connection, vault: Vault, key: ListKey, upload: Upload, lines: Sequence[Line],
    leg_nos: Sequence[int], store_header: StoreHeader,
) -> tuple[list[Fault], list[Fault]]:  # fmt: skip
    """What an upload says of the lines and their legs: faults of their payees, and the gate's, by line number.

    `own`: the caller's connection, in a transaction; what a preview writes there is taken back.
    """
    placed = list(zip(lines, leg_nos, strict=True))
    halved = len(placed) > HALVED and not _HALVING.locked()
    middle = len(placed) // 2 if halved else len(placed)
    parts = [placed[:middle], placed[middle:]] if halved else [placed]

    async def checked(connection: Connection, part: Sequence[tuple[Line, int]]) -> tuple[list[Fault], list[Fault]]:
        transaction = connection.transaction()
        await transaction.start()
        try:
            return await _part(connection, vault, key._replace(instruction_id=new_id()), upload, part, store_header)
        finally:
            await transaction.rollback()

    async def apart(part: Sequence[tuple[Line, int]]) -> tuple[list[Fault], list[Fault]]:
        with refusals():
            async with database.driver() as connection:
                return await checked(connection, part)

    if not halved:
        return await checked(own, parts[0])
    async with _HALVING:
        found = await asyncio.gather(*map(apart, parts))
    return [fault for faults, _ in found for fault in faults], [fault for _, faults in found for fault in faults]


async def _part(
    connection: Connection, vault: Vault, key: ListKey, upload: Upload, part: Sequence[tuple[Line, int]],
    store_header: StoreHeader,
) -> tuple[list[Fault], list[Fault]]:  # fmt: skip
    await connection.execute("SET LOCAL enable_seqscan = off")
    await store_header(connection, key.instruction_id)
    faults: list[Fault] = []
    # A line that no source pays is looked up, but the gate has no say in it yet.
    faults += await misfits(connection, vault, key, upload, [line for line, leg_no in part if not leg_no])
    rest = (placed for placed in part if placed[1])
    while chunk := list(islice(rest, CHUNK)):
        stored = await connection.execute(
            _HOUSEHOLDS if key.payee_kind == "household" else _PERSONS, *_arguments(vault, key, chunk)
        )
        if int(stored.rpartition(" ")[2]) < len(chunk):
            faults += await misfits(connection, vault, key, upload, [line for line, _ in chunk])
    rows = await connection.fetch(_FAULTS, key.book, key.instruction_id)
    return faults, [gate_fault({**dict(row), "params": json.loads(row["params"] or "{}")}) for row in rows]


def _arguments(vault: Vault, key: ListKey, chunk: Sequence[tuple[Line, int]]) -> list[object]:
    """The columns of some lines."""
    lines, leg_nos = zip(*chunk, strict=True)
    line_nos, _, keys, names, accounts, amounts, quantities, participations, exceptions, _ = zip(*lines, strict=True)
    return [
        key.book, key.instruction_id, key.programme_code, key.period,
        keys if key.payee_kind == "household" else vault.digests("identity", keys), vault.digests("name", names),
        leg_nos, line_nos, amounts, quantities, participations, exceptions, vault.digests("card", accounts),
    ]  # fmt: skip
