"""Receipts (回执): the signed promise that a posting will be in the log, given with every posting.

Pure. A receipt is a signed note by a receipts key. It names the entry, the SHA-256 of the content that was approved and
the moment of recording: the leaf of the entry holds all three, so that nothing else can be put in its place. Whoever
holds a receipt and finds no such leaf in a checkpoint signed after `seal_by` has the proof of a broken promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from fundledger.sealing.keys import Keyring, receipts_name
from fundledger.sealing.leaf import instant
from fundledger.sealing.note import NoteError, VerifierKey, open_note

HEADER: Final = "fundledger-receipt-v1"
SEAL_WITHIN: Final = timedelta(seconds=60)
"""How long the log may take; part of the promise, so a change is a change of receipts already given again."""
_FIELDS: Final = ("log", "book", "entry", "content", "recorded_at", "seal_by")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was promised: this entry, with this content, recorded then, in the log `origin` before `seal_by`."""

    origin: str
    book: int
    entry_id: UUID
    content_sha256: bytes
    recorded_at: datetime

    @property
    def seal_by(self) -> datetime:
        """The latest moment at which a checkpoint may lack the entry."""
        return self.recorded_at + SEAL_WITHIN

    @property
    def text(self) -> str:
        """The text that is signed."""
        values = (
            self.origin, str(self.book), str(self.entry_id), self.content_sha256.hex(), instant(self.recorded_at),
            instant(self.seal_by),
        )  # fmt: skip
        return f"{HEADER}\n" + "".join(f"{name} {value}\n" for name, value in zip(_FIELDS, values, strict=True))


def signed_receipt(ring: Keyring, book: int, entry_id: UUID, content_sha256: bytes, recorded_at: datetime) -> str:
    """The note that promises this entry, signed by the key of its moment: every time the same bytes.

    After that key was destroyed, the newest signs. KeysError if no receipts key is left at all.
    """
    text = Receipt(ring.origin, book, entry_id, content_sha256, recorded_at).text
    return ring.sign_receipt(text, recorded_at)


def open_receipt(note: str, keys: list[VerifierKey], origin: str) -> Receipt:
    """The receipt of a note that one of the log's receipts keys signed; NoteError."""
    opened = open_note(note, keys)
    found = parse_receipt(opened.text)
    if found.origin != origin or all(signature.key.name != receipts_name(origin) for signature in opened.signatures):
        raise NoteError("the receipt is of another log")
    return found


def parse_receipt(text: str) -> Receipt:
    """Read the text of a receipt; NoteError unless it is exactly what `Receipt.text` gives."""
    header, *lines = text.split("\n")
    values = {name: value for name, _, value in (line.partition(" ") for line in lines if line)}
    try:
        found = Receipt(
            values["log"], int(values["book"]), UUID(values["entry"]), bytes.fromhex(values["content"]),
            datetime.fromisoformat(values["recorded_at"]).astimezone(UTC),
        )  # fmt: skip
    except (KeyError, ValueError, OverflowError):
        raise NoteError("not a receipt") from None
    if header != HEADER or found.text != text:
        raise NoteError("not a receipt of this version")
    return found
