"""Organisations (供应商、村集体、企业、机构): payees that are not people, known by their social credit code.

Versionless: an organisation is recorded once per book; its code is its identity (GB 32100). The bank account named
with it is its first registered account (see `accounts`, where later ones are kept), sealed like a person's card and
shown masked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import Fault, FundledgerError, problem
from fundledger.registry.accounts import account_row, write_accounts
from fundledger.registry.cells import refuse
from fundledger.registry.identity import check_uscc, normalise, normalise_card
from fundledger.registry.vault import Vault, VaultError

OrganisationKind = Literal["supplier", "village_collective", "enterprise", "institution"]

_ACCOUNT = re.compile(r"[0-9]{5,40}")


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """An organisation as people see it; the account masked to its last four digits."""

    organisation_id: UUID
    kind: str
    name: str
    credit_code: str
    account: str | None
    recorded_at: datetime


def organisation_context(book: int, organisation_id: UUID) -> bytes:
    """What an organisation's sealed account is bound to."""
    return f"organisation/{book}/{organisation_id}".encode()


_INSERT = """
INSERT INTO organisation (book, organisation_id, kind, name, credit_code, account_sealed, recorded_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def add_organisation(
    connection: Connection, caller: Caller, vault: Vault, book: int, organisation_id: UUID, *, kind: OrganisationKind,
    name: str, credit_code: str, account: str | None,
) -> None:  # fmt: skip
    """Record an organisation under the given id; as `check_uscc`, `account-malformed`, `organisation-exists`."""
    faults = []
    try:
        check_uscc(credit_code)
    except FundledgerError as error:
        faults.append(Fault(error.code, pointer="/credit_code"))
    number = normalise_card(account) if account is not None else None
    if number is not None and not _ACCOUNT.fullmatch(number):
        faults.append(Fault("account-malformed", pointer="/account"))
    refuse(faults)
    sealed = vault.seal({"account": number}, organisation_context(book, organisation_id)) if number else None
    await connection.execute(
        _INSERT, book, organisation_id, kind, name, normalise(credit_code), sealed, caller.staff_id
    )
    if number:
        row = account_row(vault, book, organisation_id, 1, number, bank="", document_no="", by=caller.staff_id)
        await write_accounts(connection, [row])


_SELECT = "SELECT organisation_id, kind, name, credit_code, account_sealed, recorded_at FROM organisation"
_PAGE = f"""{_SELECT} WHERE book = $1 AND organisation_id > $2 AND ($3::text IS NULL OR kind = $3)
ORDER BY organisation_id LIMIT $4"""


async def organisation_of(connection: Connection, vault: Vault, book: int, organisation_id: UUID) -> OrganisationView:
    """One organisation of the book; `organisation-not-found`."""
    row = await connection.fetchrow(f"{_SELECT} WHERE book = $1 AND organisation_id = $2", book, organisation_id)
    if row is None:
        raise problem("organisation-not-found")
    return _view(vault, book, *row.values())


async def list_organisations(
    connection: Connection,
    vault: Vault,
    book: int,
    *,
    kind: str | None,
    credit_code: str | None,
    after: UUID,
    limit: int,
) -> list[OrganisationView]:
    """A book's organisations by id (oldest first), from an id on; of one kind, or the one of a credit code."""
    if credit_code is not None:
        rows = await connection.fetch(f"{_SELECT} WHERE book = $1 AND credit_code = $2", book, normalise(credit_code))
    else:
        rows = await connection.fetch(_PAGE, book, after, kind, limit)
    return [_view(vault, book, *row.values()) for row in rows]


def _view(
    vault: Vault, book: int, organisation_id: UUID, kind: str, name: str, credit_code: str, sealed: bytes | None,
    recorded_at: datetime,
) -> OrganisationView:  # fmt: skip
    return OrganisationView(
        organisation_id, kind, name, credit_code, _masked(vault, book, organisation_id, sealed), recorded_at
    )


def _masked(vault: Vault, book: int, organisation_id: UUID, sealed: bytes | None) -> str | None:
    if sealed is None:
        return None
    try:
        number = vault.open_sealed(sealed, organisation_context(book, organisation_id))["account"]
    except VaultError:
        return None
    return "*" * (len(number) - 4) + number[-4:] if len(number) >= 9 else "*" * len(number)
