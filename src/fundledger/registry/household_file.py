"""Reading a file (CSV or .xlsx) of households and persons (建档立卡名册) into what will be stored, with every fault.

A line is a person; lines of one household number are one household. The head's line (户主) carries the household's
status; another member's status cells stay empty unless that person's own status differs from the household's (a member
who died, or was struck off alone). Pure apart from the vault, which hashes and seals: clear text does not outlive its
line. CPU-bound: the caller runs it in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from fundledger.errors import Fault
from fundledger.files.csv_rows import CsvRows
from fundledger.files.tables import read_table
from fundledger.files.xlsx_rows import Kind, SheetRows
from fundledger.ids import new_id
from fundledger.registry.accounts import account_context
from fundledger.registry.cells import (
    Place,
    Row,
    card_cell,
    date_cell,
    flag_cell,
    identity_cell,
    phone_cell,
    status_cell,
    text_cell,
    village_cell,
)
from fundledger.registry.persons import seal_person
from fundledger.registry.vault import Vault

COLUMNS = {
    "户编号": "household_no", "household_no": "household_no", "村代码": "village_code", "village_code": "village_code",
    "姓名": "name", "name": "name", "身份证号": "identity_number", "身份证号码": "identity_number",
    "identity_number": "identity_number", "户主": "is_head", "是否户主": "is_head", "is_head": "is_head",
    "银行卡号": "card", "card": "card", "手机": "phone", "手机号": "phone", "phone": "phone",
    "状态": "status", "status": "status", "状态日期": "status_on", "status_on": "status_on",
    "文号": "document_no", "document_no": "document_no",
}  # fmt: skip
KINDS: dict[str, Kind] = {"status_on": "date"}
"""The fields whose cells in a spreadsheet are no texts."""
REQUIRED = (
    "household_no", "village_code", "name", "identity_number", "is_head", "status", "status_on", "document_no",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StatusCells:
    """A status from a day on, with its document."""

    status: str
    valid_from: date
    document_no: str


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person to store; nothing of it is clear text."""

    line: int
    person_id: UUID
    is_head: bool
    identity_hash: bytes
    name_hash: bytes
    sealed: bytes
    own_status: StatusCells | None
    card_hash: bytes | None
    card_sealed: bytes | None


@dataclass(slots=True)
class NewHousehold:
    """A household to store, with the line it first stands on."""

    line: int
    household_id: UUID
    household_no: str
    village_code: str | None = None
    has_head: bool = False
    surely_headless: bool = True
    status: StatusCells | None = None
    persons: list[NewPerson] = field(default_factory=list)


@dataclass(slots=True)
class HouseholdFile:
    """What a file holds: its good households and persons, and all its faults."""

    rows: CsvRows | SheetRows
    faults: list[Fault]
    households: dict[str, NewHousehold] = field(default_factory=dict)
    lines_by_identity: dict[bytes, int] = field(default_factory=dict)


def read_household_file(data: bytes, vault: Vault, book: int, *, today: date, max_lines: int) -> HouseholdFile:
    """Read a whole file. Faults are collected, none is raised."""
    rows = read_table(data, columns=COLUMNS, required=REQUIRED, kinds=KINDS, max_lines=max_lines)
    file = HouseholdFile(rows, list(rows.faults))
    for line, cells in rows:
        _read_line(file, vault, book, Row(Place(line, headings=rows.headings), cells, file.faults), today)
    if not rows.faults and not rows:
        file.faults.append(Fault("upload-empty"))
    if not rows.faults:
        # A line that could not be read at all may have been the head's.
        for household in file.households.values():
            if not household.has_head and household.surely_headless:
                file.faults.append(
                    Place(household.line, headings=rows.headings).fault("household-without-head", "is_head")
                )
    return file


def _read_line(file: HouseholdFile, vault: Vault, book: int, row: Row, today: date) -> None:
    number = row.take("household_no", text_cell)
    village = row.take("village_code", village_cell)
    name = row.take("name", text_cell)
    identity = row.take("identity_number", identity_cell)
    is_head = row.take("is_head", flag_cell)
    card, phone = row.maybe("card", card_cell), row.maybe("phone", phone_cell)
    status = _status(row, today) if is_head or any(map(row.has, ("status", "status_on", "document_no"))) else None
    if number is None:
        return
    household = file.households.get(number)
    if household is None:
        household = file.households[number] = NewHousehold(row.place.line or 0, new_id(), number)
    _read_household(file, household, row, village, is_head, status)
    if name is None or identity is None or is_head is None:
        return
    person_id = new_id()
    identity_hash = vault.digest("identity", identity)
    first = file.lines_by_identity.setdefault(identity_hash, row.place.line or 0)
    if first != row.place.line:
        file.faults.append(row.place.fault("identity-repeated", "identity_number", first_line=first))
    sealed = seal_person(vault, book, person_id, name=name, identity_number=identity, card=card, phone=phone)
    household.persons.append(
        NewPerson(row.place.line or 0, person_id, is_head, identity_hash, vault.digest("name", name), sealed,
                  None if is_head else status, *_card(vault, book, person_id, card))
    )  # fmt: skip


def _card(vault: Vault, book: int, person_id: UUID, card: str | None) -> tuple[bytes | None, bytes | None]:
    """The keyed hash of a person's first card, and the card sealed for its row."""
    if card is None:
        return None, None
    return vault.digest("card", card), vault.seal({"account": card}, account_context(book, person_id, 1))


def _read_household(
    file: HouseholdFile, household: NewHousehold, row: Row, village: str | None, is_head: bool | None,
    status: StatusCells | None,
) -> None:  # fmt: skip
    """What a line says of its household: the same village as the lines before, one head, and the head's status."""
    if household.village_code is None:
        household.village_code = village
    elif village is not None and village != household.village_code:
        file.faults.append(row.place.fault("household-village-differs", "village_code"))
    if is_head is None:
        household.surely_headless = False
    elif is_head and household.has_head:
        file.faults.append(row.place.fault("household-has-head", "is_head"))
    elif is_head:
        household.has_head, household.status = True, status


def _status(row: Row, today: date) -> StatusCells | None:
    status = row.take("status", status_cell)
    valid_from = row.take("status_on", date_cell)
    document_no = row.take("document_no", text_cell)
    if valid_from is not None and valid_from > today:
        row.fault("date-in-future", "status_on", effective_on=valid_from.isoformat())
    if status is None or valid_from is None or document_no is None:
        return None
    return StatusCells(status, valid_from, document_no)
