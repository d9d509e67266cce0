"""Where a payee's money goes: the cards of persons (一卡通) and the corporate accounts of organisations (对公账户).

Each change is a version with its document. The first account of a holder counts at once; a later one only when another
person, an approver, has confirmed it: a card quietly changed is how money is diverted. The gate reads the same rows
(0002/65_): a household's money goes to its head's card, a person's to the person's own, an organisation's to its
account. Numbers are sealed, compared by keyed hash and shown masked. Nothing here takes a lock; two writers of one
version meet at the key (`version-taken`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import Fault, problem
from fundledger.files.tables import read_table
from fundledger.registry.cells import Place, Row, card_cell, identity_cell, refuse, text_cell
from fundledger.registry.imports import Counts, limits, record_import
from fundledger.registry.resolve import resolve_persons
from fundledger.registry.vault import Vault, VaultError, mask_card

COLUMNS = ("book", "holder_id", "version", "account_hash", "sealed", "bank", "document_no", "recorded_by")
"""What a writer of `payee_account` gives; the rest is the database's."""

HEADINGS = {
    "身份证号": "identity_number", "身份证号码": "identity_number", "identity_number": "identity_number",
    "银行卡号": "card", "一卡通账号": "card", "card": "card", "开户行": "bank", "bank": "bank",
    "文号": "document_no", "document_no": "document_no",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AccountView:
    """One version of a holder's account; `counts` where payments go to it now, `confirmed_by` None where nobody has."""

    holder_id: UUID
    version: int
    account: str | None
    bank: str
    document_no: str
    recorded_by: UUID
    recorded_at: datetime
    confirmed_by: UUID | None
    counts: bool


def account_context(book: int, holder_id: UUID, version: int) -> bytes:
    """What a sealed account is bound to."""
    return f"payee_account/{book}/{holder_id}/{version}".encode()


def account_row(
    vault: Vault, book: int, holder_id: UUID, version: int, number: str, *, bank: str, document_no: str, by: UUID
) -> tuple[object, ...]:
    """A row in the order of `COLUMNS`; `number` in its stored form."""
    sealed = vault.seal({"account": number}, account_context(book, holder_id, version))
    return book, holder_id, version, vault.digest("card", number), sealed, bank, document_no, by


_PERSON = "SELECT EXISTS (SELECT FROM person WHERE book = $1 AND person_id = $2)"
_ORGANISATION = "SELECT EXISTS (SELECT FROM organisation WHERE book = $1 AND organisation_id = $2)"
_NEWEST = "SELECT coalesce(max(version), 0) FROM payee_account WHERE book = $1 AND holder_id = $2"


async def check_holder(connection: Connection, book: int, holder_id: UUID, *, person: bool) -> None:
    """`person-not-found` or `organisation-not-found`."""
    if not await connection.fetchval(_PERSON if person else _ORGANISATION, book, holder_id):
        raise problem("person-not-found" if person else "organisation-not-found")


async def record_account(
    connection: Connection, caller: Caller, vault: Vault, book: int, holder_id: UUID, version: int, *, number: str,
    bank: str, document_no: str,
) -> None:  # fmt: skip
    """Write the next version of a holder's account (`number` checked and in its stored form); `version-taken`."""
    if version != int(await connection.fetchval(_NEWEST, book, holder_id)) + 1:
        raise problem("version-taken")
    row = account_row(vault, book, holder_id, version, number, bank=bank, document_no=document_no, by=caller.staff_id)
    await write_accounts(connection, [row])


async def write_accounts(connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Copy rows of `account_row` in."""
    if rows:
        await connection.copy_records_to_table("payee_account", columns=COLUMNS, records=rows)


async def confirm_account(connection: Connection, caller: Caller, book: int, holder_id: UUID, version: int) -> None:
    """Confirm a changed account; `account-version-not-found`, `version-taken`, `duties-not-separate`."""
    if not await connection.fetchval(
        "SELECT EXISTS (SELECT FROM payee_account WHERE book = $1 AND holder_id = $2 AND version = $3)",
        book, holder_id, version,
    ):  # fmt: skip
        raise problem("account-version-not-found")
    await connection.execute(
        "INSERT INTO payee_account_confirmation (book, holder_id, version, confirmed_by) VALUES ($1, $2, $3, $4)",
        book, holder_id, version, caller.staff_id,
    )  # fmt: skip


_ACCOUNTS = """
SELECT a.holder_id, a.version, a.sealed, a.bank, a.document_no, a.recorded_by, a.recorded_at, c.confirmed_by
FROM payee_account a
LEFT JOIN payee_account_confirmation c ON c.book = a.book AND c.holder_id = a.holder_id AND c.version = a.version
WHERE a.book = $1 AND a.holder_id = $2 ORDER BY a.version DESC
"""


async def accounts_of(connection: Connection, vault: Vault, book: int, holder_id: UUID) -> list[AccountView]:
    """Every version of a holder's account, newest first, masked."""
    rows = await connection.fetch(_ACCOUNTS, book, holder_id)
    counting = next((r["version"] for r in rows if r["version"] == 1 or r["confirmed_by"] is not None), None)
    return [
        AccountView(
            holder_id, r["version"], _masked(vault, book, holder_id, r["version"], r["sealed"]), r["bank"],
            r["document_no"], r["recorded_by"], r["recorded_at"], r["confirmed_by"], r["version"] == counting,
        )
        for r in rows
    ]  # fmt: skip


def _masked(vault: Vault, book: int, holder_id: UUID, version: int, sealed: bytes) -> str | None:
    try:
        number = vault.open_sealed(sealed, account_context(book, holder_id, version))["account"]
    except VaultError:
        return None
    return mask_card(number)


@dataclass(frozen=True, slots=True)
class CardLine:
    """A line of an upload of cards; `card` in its stored form."""

    place: Place
    identity_hash: bytes
    card: str
    bank: str
    document_no: str


async def import_cards(
    connection: Connection, caller: Caller, vault: Vault, book: int, import_id: UUID, request_sha256: bytes,
    data: bytes | Iterable[tuple[Place, Mapping[str, str]]],
) -> Counts:  # fmt: skip
    """Record a card for each person of an upload, in the caller's transaction, or refuse it with every fault.

    A person who has that very card already (its newest version) is left alone, so that a district's whole list can be
    uploaded again; others get their first version, or the next, which waits for its confirmation.
    """
    faults: list[Fault] = []
    lines = [line for line in _card_lines(data, vault, faults, (await limits(connection)).max_lines) if line]
    known = await resolve_persons(connection, book, (line.identity_hash for line in lines))
    newest = await _newest_of(connection, book, [person.person_id for person in known.values()])
    seen: set[bytes] = set()
    rows = []
    for line in lines:
        person = known.get(line.identity_hash)
        if person is None:
            faults.append(line.place.fault("person-unknown", "identity_number"))
            continue
        if line.identity_hash in seen:
            faults.append(line.place.fault("subject-repeated"))
        seen.add(line.identity_hash)
        version, had = newest.get(person.person_id, (0, b""))
        if had != vault.digest("card", line.card):
            rows.append(account_row(
                vault, book, person.person_id, version + 1, line.card,
                bank=line.bank, document_no=line.document_no, by=caller.staff_id,
            ))  # fmt: skip
    if not lines and not faults:
        faults.append(Fault("upload-empty"))
    refuse(faults)
    await write_accounts(connection, rows)
    counts = Counts(line_count=len(lines), member_count=len(rows))
    await record_import(connection, caller, book, import_id, "cards", request_sha256, counts, ["payee_account"])
    return counts


def _card_lines(
    data: bytes | Iterable[tuple[Place, Mapping[str, str]]], vault: Vault, faults: list[Fault], max_lines: int
) -> Iterable[CardLine | None]:
    rows = data
    if isinstance(data, bytes):
        required = ("identity_number", "card", "document_no")
        file = read_table(data, columns=HEADINGS, required=required, kinds={}, max_lines=max_lines)
        faults += file.faults
        rows = ((Place(line, headings=file.headings), cells) for line, cells in file)
    for place, cells in rows:  # type: ignore[misc]
        yield _card_line(Row(place, cells, faults), vault)


def _card_line(row: Row, vault: Vault) -> CardLine | None:
    identity, card = row.take("identity_number", identity_cell), row.take("card", card_cell)
    document_no, bank = row.take("document_no", text_cell), row.maybe("bank", text_cell)
    if identity is None or card is None or document_no is None:
        return None
    return CardLine(row.place, vault.digest("identity", identity), card, bank or "", document_no)


async def _newest_of(connection: Connection, book: int, holders: Sequence[UUID]) -> dict[UUID, tuple[int, bytes]]:
    rows = await connection.fetch(
        """SELECT h.id, a.version, a.account_hash FROM unnest($2::uuid[]) h (id)
           CROSS JOIN LATERAL (SELECT a.version, a.account_hash FROM payee_account a
                               WHERE a.book = $1 AND a.holder_id = h.id ORDER BY a.version DESC LIMIT 1) a""",
        book, list(holders),
    )  # fmt: skip
    return {row["id"]: (row["version"], row["account_hash"]) for row in rows}
