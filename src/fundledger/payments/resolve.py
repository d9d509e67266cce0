"""Who the lines of a list mean, and whether the uploaded name is theirs: one query for a chunk of lines.

The registry holds keyed hashes of identity numbers and names, so the vault makes the same hashes of what was uploaded.
Nothing is locked; a payee can't vanish, because the registry is append-only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.payments.forms import PayeeKind
from fundledger.payments.lines import Line
from fundledger.registry.resolve import resolve_households, resolve_persons
from fundledger.registry.vault import Vault

_ORGANISATIONS = """
SELECT credit_code, organisation_id, name FROM organisation WHERE book = $1 AND credit_code = ANY ($2::text[])
"""


class Payee(NamedTuple):
    """A payee of the registry: its id, the household it counts for, and whether the uploaded name is its name."""

    payee_id: UUID
    household_id: UUID | None
    name_fits: bool


async def resolve(
    connection: Connection, vault: Vault, book: int, kind: PayeeKind, lines: Sequence[Line]
) -> list[Payee | None]:
    """The payee of each line, None where the district's registry has none. One round trip."""
    if kind == "household":
        return await _households(connection, vault, book, lines)
    if kind == "person":
        return await _persons(connection, vault, book, lines)
    return await _organisations(connection, vault, book, lines)


async def _households(connection: Connection, vault: Vault, book: int, lines: Sequence[Line]) -> list[Payee | None]:
    """A household is paid through its head (户主); one without a registered head fits no name."""
    known = await resolve_households(connection, book, [line.key for line in lines])
    found = [(known.get(line.key), vault.digest("name", line.name)) for line in lines]
    return [Payee(h.household_id, h.household_id, h.head_name_hash == name) if h else None for h, name in found]


async def _persons(connection: Connection, vault: Vault, book: int, lines: Sequence[Line]) -> list[Payee | None]:
    hashes = [vault.digest("identity", line.key) for line in lines]
    known = await resolve_persons(connection, book, hashes)
    found = [(known.get(key), vault.digest("name", line.name)) for key, line in zip(hashes, lines, strict=True)]
    return [Payee(p.person_id, p.household_id, p.name_hash == name) if p else None for p, name in found]


async def _organisations(connection: Connection, vault: Vault, book: int, lines: Sequence[Line]) -> list[Payee | None]:
    """Names of organisations are public; they are compared in the same normal form as those of people."""
    rows = await connection.fetch(_ORGANISATIONS, book, list({line.key for line in lines}))
    known = {row["credit_code"]: (row["organisation_id"], vault.digest("name", row["name"])) for row in rows}
    found = [(known.get(line.key), vault.digest("name", line.name)) for line in lines]
    return [Payee(o[0], None, o[1] == name) if o else None for o, name in found]
