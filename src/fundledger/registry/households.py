"""Households (建档立卡户): import of a whole file or nothing, and a household as of a date.

An import adds households and their persons that are not registered yet; a change of one that is, is a new status (see
`statuses`). It takes no lock: of two imports of the same household or person at once the second is refused by the
unique keys (`household-exists`, `person-exists`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.registry.accounts import write_accounts
from fundledger.registry.cells import Place, refuse
from fundledger.registry.divisions import wrong_villages
from fundledger.registry.household_file import HouseholdFile, StatusCells, read_household_file
from fundledger.registry.imports import Counts, limits, record_import
from fundledger.registry.vault import Vault

TABLES = ("household", "person", "registry_status", "payee_account")


async def import_households(
    connection: Connection, caller: Caller, vault: Vault, book: int, import_id: UUID, request_sha256: bytes, data: bytes
) -> Counts:
    """Register the households and persons of a CSV file under the given import id, in the caller's transaction.

    Refuses the whole file, naming every fault with line and column: form, identity numbers and cards, heads, villages
    of another district, what is in the file twice or registered already. At most list_lines_max lines.
    """
    bounds = await limits(connection)
    # Hashing and sealing 30,000 people takes a second or two; other requests go on meanwhile.
    file = await asyncio.to_thread(
        read_household_file, data, vault, book, today=bounds.today, max_lines=bounds.max_lines
    )
    await _check_against_registry(connection, book, file)
    refuse(file.faults)
    counts = await _write(connection, caller, book, file)
    await record_import(connection, caller, book, import_id, "households", request_sha256, counts, TABLES)
    return counts


async def _write(connection: Connection, caller: Caller, book: int, file: HouseholdFile) -> Counts:
    by = caller.staff_id
    households = file.households.values()
    people = [(household.household_id, person) for household in households for person in household.persons]
    statuses = list(_statuses(file))
    await connection.copy_records_to_table(
        "household",
        columns=("book", "household_id", "household_no", "village_code", "recorded_by"),
        records=[(book, h.household_id, h.household_no, h.village_code, by) for h in households],
    )
    await connection.copy_records_to_table(
        "person",
        columns=("book", "person_id", "household_id", "is_head", "identity_hash", "name_hash", "sealed", "recorded_by"),
        records=[(book, p.person_id, household_id, p.is_head, p.identity_hash, p.name_hash, p.sealed, by)
                 for household_id, p in people],
    )  # fmt: skip
    await connection.copy_records_to_table(
        "registry_status",
        columns=("book", "subject_id", "valid_from", "status", "document_no", "recorded_by"),
        records=[(book, who, s.valid_from, s.status, s.document_no, by) for who, s in statuses],
    )
    await write_accounts(connection, list(_accounts(file, book, by)))
    return Counts(len(file.rows), len(file.households), len(people), len(statuses))


def _accounts(file: HouseholdFile, book: int, by: UUID) -> Iterator[tuple[object, ...]]:
    """The first cards (一卡通) of the file's persons, by the household's document."""
    for household in file.households.values():
        document_no = household.status.document_no if household.status else ""
        for person in household.persons:
            if person.card_hash is not None:
                yield book, person.person_id, 1, person.card_hash, person.card_sealed, "", document_no, by


async def _check_against_registry(connection: Connection, book: int, file: HouseholdFile) -> None:
    """Add the faults that only the database knows: villages, households and persons that are registered already."""

    def place(line: int) -> Place:
        return Place(line, headings=file.rows.headings)

    villages = {household.village_code for household in file.households.values() if household.village_code}
    wrong = await wrong_villages(connection, [book], villages)
    taken = await connection.fetch(
        "SELECT household_no FROM household WHERE book = $1 AND household_no = ANY ($2::text[])",
        book,
        list(file.households),
    )
    registered = await connection.fetch(
        "SELECT identity_hash FROM person WHERE book = $1 AND identity_hash = ANY ($2::bytea[])",
        book, list(file.lines_by_identity),
    )  # fmt: skip
    for household in file.households.values():
        if household.village_code in wrong:
            code = household.village_code
            file.faults.append(place(household.line).fault(wrong[code], "village_code", code=code))
    for row in taken:
        file.faults.append(place(file.households[row["household_no"]].line).fault("household-exists", "household_no"))
    for row in registered:
        file.faults.append(
            place(file.lines_by_identity[row["identity_hash"]]).fault("person-exists", "identity_number")
        )


def _statuses(file: HouseholdFile) -> Iterator[tuple[UUID, StatusCells]]:
    """The household's status, and a person's own where it is not the household's."""
    for household in file.households.values():
        if household.status is not None:
            yield household.household_id, household.status
        for person in household.persons:
            if person.own_status is not None and person.own_status != household.status:
                yield person.person_id, person.own_status
