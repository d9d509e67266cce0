"""Cards and accounts that were sealed with their holder before accounts were records of their own (revision 0002).

A database of the first version has them only inside `person.sealed` and `organisation.account_sealed`, which the
migration can't open: the keys live outside the database. `adopt_registered` opens them with the service's keys and
makes each the holder's first account. It may be run again: who has an account is passed over. No lock; two runs at once
meet at the key and one is refused (`version-taken`), whole.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.registry.accounts import account_row, write_accounts
from fundledger.registry.organisations import organisation_context
from fundledger.registry.persons import person_context
from fundledger.registry.vault import Vault

CHUNK: Final = 1_000
DOCUMENT: Final = "原登记 as registered"

_PERSONS: Final = """
SELECT p.book, p.person_id AS holder_id, p.sealed, p.recorded_by FROM person p
WHERE (p.book, p.person_id) > ($1, $2) AND NOT EXISTS (
    SELECT FROM payee_account a WHERE a.book = p.book AND a.holder_id = p.person_id)
ORDER BY p.book, p.person_id LIMIT $3
"""
_ORGANISATIONS: Final = """
SELECT o.book, o.organisation_id AS holder_id, o.account_sealed AS sealed, o.recorded_by FROM organisation o
WHERE (o.book, o.organisation_id) > ($1, $2) AND o.account_sealed IS NOT NULL AND NOT EXISTS (
    SELECT FROM payee_account a WHERE a.book = o.book AND a.holder_id = o.organisation_id)
ORDER BY o.book, o.organisation_id LIMIT $3
"""
_KINDS: Final = ((_PERSONS, person_context, "card"), (_ORGANISATIONS, organisation_context, "account"))


async def adopt_registered(connection: Connection, vault: Vault) -> int:
    """Make every sealed card and account of a holder without one the holder's first; how many.

    In the caller's transaction. Raises `VaultError` if something was sealed with other keys than the service's.
    """
    made = 0
    for query, context, field in _KINDS:
        book, holder = 0, UUID(int=0)
        while found := await connection.fetch(query, book, holder, CHUNK):
            rows = [row for record in found if (row := _row(vault, record, context, field)) is not None]
            await write_accounts(connection, rows)
            made += len(rows)
            book, holder = found[-1]["book"], found[-1]["holder_id"]
    return made


def _row(vault: Vault, record: Any, context: Any, field: str) -> tuple[object, ...] | None:
    book, holder = record["book"], record["holder_id"]
    number = vault.open_sealed(record["sealed"], context(book, holder)).get(field)
    if not number:
        return None
    return account_row(vault, book, holder, 1, number, bank="", document_no=DOCUMENT, by=record["recorded_by"])
