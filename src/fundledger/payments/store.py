"""Writing the lines of a list: COPY in chunks, personal data sealed and committed to on the way.

Each chunk is resolved, checked and written in three round trips, so the memory needed does not grow with the list, and
the event loop gets its turn some sixteen times a second. What is stored of a person: the registry's id, a keyed hash
of the card (to find one card for several households), commitments to name and card for the sealed log, and, apart, the
two salts and the sealed values, which erasure can remove without touching what was sealed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.errors import Fault
from fundledger.payments.forms import FORMS, PayeeKind
from fundledger.payments.lines import Line
from fundledger.payments.resolve import Payee, resolve
from fundledger.payments.returned import Returned
from fundledger.payments.uploads import Upload
from fundledger.registry.identity import normalise_card
from fundledger.registry.vault import Vault, VaultError, commitment, new_salt

CHUNK = 1_000

_LINE = (
    "book", "instruction_id", "leg_no", "line_no", "amount", "payee_id", "household_id", "quantity", "programme_code",
    "period", "participation_ref", "exception_document_no", "card_hash", "name_commitment", "card_commitment",
    "reissues_entry_id", "reissues_line_no",
)  # fmt: skip
_PRIVATE = ("book", "instruction_id", "line_no", "name_salt", "card_salt", "sealed")


class ListKey(NamedTuple):
    """What every line repeats of its list."""

    book: int
    instruction_id: UUID
    payee_kind: PayeeKind
    programme_code: str
    period: str


def sealing_context(book: int, instruction_id: UUID, line_no: int) -> bytes:
    """What a line's sealed values are bound to."""
    return f"payment_line|{book}|{instruction_id}|{line_no}".encode()


def open_private(vault: Vault, book: int, instruction_id: UUID, line_no: int, sealed: bytes) -> dict[str, str]:
    """Name and card of a line in clear, for as long as a call needs them; empty where the text does not open."""
    try:
        return vault.open_sealed(sealed, sealing_context(book, instruction_id, line_no))
    except VaultError:
        return {}


async def store_lines(
    connection: Connection, vault: Vault, key: ListKey, upload: Upload, lines: Sequence[Line], leg_nos: Sequence[int],
    again: Mapping[int, Returned],
) -> list[Fault]:  # fmt: skip
    """Write the lines that have a leg and a payee of the registry; the faults of the others.

    `again`: the returned payments that lines pay again, by line number.
    """
    faults: list[Fault] = []
    for start in range(0, len(lines), CHUNK):
        chunk = lines[start : start + CHUNK]
        payees = await resolve(connection, vault, key.book, key.payee_kind, chunk)
        good: list[tuple[Line, int, Payee]] = []
        for line, leg_no, payee in zip(chunk, leg_nos[start : start + CHUNK], payees, strict=True):
            fault = _misfit(upload, key, line, payee)
            if fault is not None or payee is None:
                faults += [fault] if fault else []
            elif leg_no:
                good.append((line, leg_no, payee))
        await copy_lines(connection, vault, key, good, again)
    return faults


async def misfits(
    connection: Connection, vault: Vault, key: ListKey, upload: Upload, lines: Sequence[Line]
) -> list[Fault]:
    """The faults of lines whose payee is not in the registry, or has another name."""
    payees = await resolve(connection, vault, key.book, key.payee_kind, lines)
    found = [_misfit(upload, key, line, payee) for line, payee in zip(lines, payees, strict=True)]
    return [fault for fault in found if fault is not None]


def _misfit(upload: Upload, key: ListKey, line: Line, payee: Payee | None) -> Fault | None:
    if payee is None:
        return upload.fault("payee-unknown", line.row, FORMS[key.payee_kind].key)
    return None if payee.name_fits else upload.fault("payee-name-differs", line.row, "name")


async def copy_lines(
    connection: Connection, vault: Vault, key: ListKey, good: Iterable[tuple[Line, int, Payee]],
    again: Mapping[int, Returned],
) -> None:  # fmt: skip
    """Write lines with their leg numbers and payees, sealing name and card; no check is made here."""
    public, private = [], []
    for line, leg_no, payee in good:
        name_salt, card_salt = new_salt(), new_salt()
        card, named = normalise_card(line.account), again.get(line.line_no)
        public.append((
            key.book, key.instruction_id, leg_no, line.line_no, line.amount, payee.payee_id, payee.household_id,
            line.quantity, key.programme_code, key.period, line.participation_ref, line.exception_document_no,
            vault.digest("card", card), commitment(name_salt, line.name), commitment(card_salt, card),
            named and named.entry_id, named and named.line_no,
        ))  # fmt: skip
        sealed = vault.seal(
            {"name": line.name, "card": card}, sealing_context(key.book, key.instruction_id, line.line_no)
        )
        private.append((key.book, key.instruction_id, line.line_no, name_salt, card_salt, sealed))
    if public:
        await connection.copy_records_to_table("payment_line", columns=_LINE, records=public)
        await connection.copy_records_to_table("payment_line_private", columns=_PRIVATE, records=private)
