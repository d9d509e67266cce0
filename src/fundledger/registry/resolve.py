"""Who a payment list means: household numbers and identity hashes become ids, one query for any number of them.

Payments call it chunk by chunk (10,000 lines at a time keep a list of 100,000 lines small in memory); statuses and
rosters call it for a whole upload. Reads only, takes no lock. What is not in the map is not in the book's registry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from fundledger.db.connection import Connection


@dataclass(frozen=True, slots=True)
class HouseholdRef:
    """A registered household (建档立卡户) and its head (户主): whose name and card a household's payment carries."""

    household_id: UUID
    head_id: UUID | None
    head_name_hash: bytes | None


@dataclass(frozen=True, slots=True)
class PersonRef:
    """A registered person (建档立卡人口); `name_hash` is `Vault.digest("name", …)` of the registered name."""

    person_id: UUID
    household_id: UUID
    is_head: bool
    name_hash: bytes


_HOUSEHOLDS = """
SELECT h.household_no, h.household_id, p.person_id, p.name_hash
FROM household h
LEFT JOIN person p ON p.book = h.book AND p.household_id = h.household_id AND p.is_head
WHERE h.book = $1 AND h.household_no = ANY ($2::text[])
"""
_PERSONS = """
SELECT identity_hash, person_id, household_id, is_head, name_hash
FROM person WHERE book = $1 AND identity_hash = ANY ($2::bytea[])
"""


async def resolve_households(
    connection: Connection, book: int, household_nos: Iterable[str]
) -> dict[str, HouseholdRef]:
    """The book's households of these numbers, by number; unknown ones are missing."""
    rows = await connection.fetch(_HOUSEHOLDS, book, list(set(household_nos)))
    return {row["household_no"]: HouseholdRef(row["household_id"], row["person_id"], row["name_hash"]) for row in rows}


async def resolve_persons(
    connection: Connection, book: int, identity_hashes: Iterable[bytes]
) -> dict[bytes, PersonRef]:
    """The book's persons by identity hash (`Vault.digest("identity", number)`); unknown ones are missing."""
    rows = await connection.fetch(_PERSONS, book, list(set(identity_hashes)))
    return {
        row["identity_hash"]: PersonRef(row["person_id"], row["household_id"], row["is_head"], row["name_hash"])
        for row in rows
    }
