"""The SHA-256 of exactly what is approved (design 3.7), computed again without the database's help.

The database computes it when a list is approved and again when it is paid (view ``instruction_content``); this module
is the second implementation, for the verifier: both must agree on every instruction. The text, stated in
``docs/formats.md``: one line per record, joined by LF, in UTF-8 - the header, a ``leg`` per leg, the ``list`` of a
payment list, and its lines with ``|`` between the fields. Reads only; streams the lines of a list. Called by `verify`
and by the writer of bundles, which holds the text itself (`Texts`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from datetime import date
from itertools import groupby
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.sealing.leaf import Row

FORMAT = "fundledger-instruction-v1"
CHUNK = 2_000

_HEADER_FIELDS = (
    "book", "instruction_id", "entry_kind", "document_no", "effective_on", "summary", "functional_class",
    "economic_class", "officer_id", "supervisor_id", "release_kind", "exception_document_no", "inputs", "line_count",
)  # fmt: skip
_LEG_FIELDS = (
    "budget_line_id", "allocation_id", "project_id", "fund_code", "fiscal_year", "district", "village_code",
    "allocation_document_no", "undoes_entry_id", "undoes_line_no",
)  # fmt: skip
_LEG_MORE = ("exec_year", "to_allocation_id", "payee_id", "settles_entry_id", "settles_line_no")
_LIST_MORE = ("procurement_id", "claim_id")
_LIST_FIELDS = ("project_id", "programme_code", "period", "entitlement_on", "payee_kind", "pay_method", "is_final")

_KEYED = "FROM unnest($1::bigint[], $2::uuid[]) k (book, instruction_id) JOIN"
_MATCH = "r ON r.book = k.book AND r.instruction_id = k.instruction_id"
_HEADERS = f"SELECT r.* {_KEYED} instruction {_MATCH}"
_LEGS = f"SELECT r.* {_KEYED} instruction_leg {_MATCH} ORDER BY r.book, r.instruction_id, r.leg_no"
_LISTS = f"SELECT r.* {_KEYED} payment_list {_MATCH}"
_LINES = """SELECT * FROM payment_line WHERE book = $1 AND instruction_id = $2 AND (leg_no, line_no) > ($3, $4)
    ORDER BY leg_no, line_no LIMIT $5"""

Key = tuple[int, UUID]


def head_text(header: Row, legs: Sequence[Row], payment_list: Row | None) -> str:
    """Everything but the lines of a payment list; `legs` in order of leg_no."""
    records = [_array(FORMAT, *(header[name] for name in _HEADER_FIELDS), str(header["total"]), header["maker_id"])]
    for leg in legs:
        records.append(_array("leg", leg["leg_no"], str(leg["amount"]), *(leg[name] for name in _LEG_FIELDS)))
        records += _more("leg+", leg, _LEG_MORE, leg["leg_no"])
    if payment_list is not None:
        records.append(_array("list", *(payment_list[name] for name in _LIST_FIELDS)))
        records += _more("list+", payment_list, _LIST_MORE)
    return "\n".join(records)


def _more(word: str, row: Row, fields: Sequence[str], *first: int) -> list[str]:
    """A record for what came later to the format; it stands only where there is something to say."""
    values = [row[name] for name in fields]
    return [] if all(value is None for value in values) else [_array(word, *first, *values)]


def line_text(row: Row) -> str:
    """One line of a payment list with the LF before it, and below it the line that it pays again, if it does."""
    card_hash = "" if row["card_hash"] is None else row["card_hash"].hex()
    fields = (
        "line", row["leg_no"], row["line_no"], row["amount"], row["payee_id"], row["household_id"] or "",
        row["quantity"], row["programme_code"], row["period"], card_hash,
        row["name_commitment"].hex(), row["card_commitment"].hex(), _quoted(row["participation_ref"]),
        _quoted(row["exception_document_no"]),
    )  # fmt: skip
    again = ("reissues", row["line_no"], row["reissues_entry_id"], row["reissues_line_no"])
    rows = (fields,) if row["reissues_entry_id"] is None else (fields, again)
    return "".join("\n" + "|".join(map(str, values)) for values in rows)


class Texts:
    """The texts of a batch of instructions: the heads read at once, the lines of each when it is asked for."""

    def __init__(self, heads: dict[Key, str]) -> None:
        self.heads = heads

    @classmethod
    async def read(cls, connection: Connection, keys: Sequence[Key]) -> Texts:
        """Read the heads of these instructions (book and id); those that do not exist are left out."""
        arguments = ([book for book, _ in keys], [instruction for _, instruction in keys])
        headers = {_key(row): row for row in await connection.fetch(_HEADERS, *arguments)}
        legs = {key: list(rows) for key, rows in groupby(await connection.fetch(_LEGS, *arguments), _key)}
        lists = {_key(row): row for row in await connection.fetch(_LISTS, *arguments)}
        return cls({key: head_text(row, legs.get(key, []), lists.get(key)) for key, row in headers.items()})

    async def parts(self, connection: Connection, key: Key) -> AsyncIterator[str]:
        """The text of one instruction, in parts that follow on each other; nothing if it does not exist."""
        if key not in self.heads:
            return
        yield self.heads[key]
        # The database hashes lines of any kind of instruction; only payment lists have some, if nobody meddled.
        leg_no, line_no = 0, 0
        while rows := await connection.fetch(_LINES, *key, leg_no, line_no, CHUNK):
            yield "".join(map(line_text, rows))
            leg_no, line_no = rows[-1]["leg_no"], rows[-1]["line_no"]
            if len(rows) < CHUNK:
                return


async def digests(connection: Connection, keys: Sequence[Key]) -> dict[Key, bytes]:
    """The content digests of instructions (book and id), without those that do not exist."""
    texts = await Texts.read(connection, keys)
    result: dict[Key, bytes] = {}
    for key in texts.heads:
        digest = hashlib.sha256()
        async for part in texts.parts(connection, key):
            digest.update(part.encode())
        result[key] = digest.digest()
    return result


def _key(row: Row) -> Key:
    return row["book"], row["instruction_id"]


def _array(*values: object) -> str:
    """PostgreSQL's text of ``json_build_array``: ", " between the values, only what JSON demands is escaped."""
    return json.dumps([_plain(value) for value in values], ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int) else str(value)


def _quoted(text: str | None) -> str:
    return "" if text is None else json.dumps(text, ensure_ascii=False)
