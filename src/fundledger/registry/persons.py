"""A registered person (建档立卡人口) as the database may hold one, and as people may see one.

Name, identity number, card and phone stand sealed in one blob bound to its row; beside it are keyed hashes of identity
number and name, to match payment lists by. Nobody reads the clear text over the API: answers show masks.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.registry.identity import check_identity_number
from fundledger.registry.vault import Vault, VaultError, mask_card, mask_identity, mask_name


@dataclass(frozen=True, slots=True)
class Masked:
    """What is shown of a person; None where there is nothing, or the sealed text does not open with our keys."""

    name: str | None = None
    identity_number: str | None = None
    card: str | None = None


@dataclass(frozen=True, slots=True)
class PersonFound:
    """A person found by identity number."""

    person_id: UUID
    household_id: UUID
    household_no: str
    village_code: str
    is_head: bool
    masked: Masked


def person_context(book: int, person_id: UUID) -> bytes:
    """What a person's sealed text is bound to: it opens in its own row only."""
    return f"person/{book}/{person_id}".encode()


def seal_person(
    vault: Vault, book: int, person_id: UUID, *, name: str, identity_number: str, card: str | None, phone: str | None
) -> bytes:
    """Seal what is known of a person for its row."""
    plain = {"name": name, "identity_number": identity_number, "card": card or "", "phone": phone or ""}
    return vault.seal({key: value for key, value in plain.items() if value}, person_context(book, person_id))


def masked_person(vault: Vault, book: int, person_id: UUID, sealed: bytes) -> Masked:
    """The masks of a sealed person."""
    try:
        plain = vault.open_sealed(sealed, person_context(book, person_id))
    except VaultError:
        return Masked()
    card = plain.get("card")
    return Masked(mask_name(plain["name"]), mask_identity(plain["identity_number"]), mask_card(card) if card else None)


_FIND = """
SELECT p.person_id, p.household_id, h.household_no, h.village_code, p.is_head, p.sealed
FROM person p JOIN household h ON h.book = p.book AND h.household_id = p.household_id
WHERE p.book = $1 AND p.identity_hash = $2
"""


async def find_person(connection: Connection, vault: Vault, book: int, identity_number: str) -> PersonFound:
    """The book's person of an identity number; refused as by `check_identity_number`, or `person-not-found`."""
    check_identity_number(identity_number)
    row = await connection.fetchrow(_FIND, book, vault.digest("identity", identity_number))
    if row is None:
        raise problem("person-not-found")
    return PersonFound(
        row["person_id"], row["household_id"], row["household_no"], row["village_code"], row["is_head"],
        masked_person(vault, book, row["person_id"], row["sealed"]),
    )  # fmt: skip
