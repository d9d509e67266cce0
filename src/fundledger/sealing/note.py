"""Signed notes (C2SP ``signed-note``) with Ed25519 signatures and cosignatures (C2SP ``tlog-cosignature``, v1).

Pure: text and keys in, text or a verdict out. A note is a text, a blank line, and one signature line per key. A key is
known to its readers as a *verifier key*: ``name+id+base64(type ‖ public key)``; name and id together say which key a
line belongs to, and lines of unknown keys are passed over. A line of a known key that does not verify condemns the
whole note. Signing is deterministic (Ed25519): the same key and text give the same note.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
"""A signature over the note's text."""
COSIGNATURE = 0x04
"""A signature of a witness over the text and the time at which it looked."""
KEY_BYTES = 32
SIGNATURE_BYTES = 64
TIME_BYTES = 8
SIGNATURES_MAX = 64
NOTE_MAX = 256 * 1024
"""Characters of the longest note that is read."""

_NAME = re.compile(r"[^\s+]+")
_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_TIME_LAST = 2**63 - 1


class NoteError(ValueError):
    """The text is not a note, or no key that is trusted signed it; the message says which, and holds no secret."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key: who signs (`name`), how (`kind`), and 32 bytes."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before every signature of this key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        """The verifier key as text."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that was verified; `time` (POSIX seconds) of a cosignature only."""

    key: VerifierKey
    time: int | None
    line: str


@dataclass(frozen=True, slots=True)
class Note:
    """A text that trusted keys signed. `unknown` counts the lines of other keys."""

    text: str
    signatures: tuple[Signature, ...]
    unknown: int


class SigningKey:
    """The private half; ``repr`` shows the public one only."""

    def __init__(self, name: str, seed: bytes, kind: int = ED25519) -> None:
        """Use a seed of 32 random bytes; NoteError for a name no note can hold."""
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = checked_key(name, kind, self._private.public_key().public_bytes_raw())
        self._key_id = self.verifier.key_id

    def __repr__(self) -> str:
        return f"SigningKey({self.verifier})"

    def line(self, text: str) -> str:
        """The signature line (without its newline) under a note's text."""
        return _line(self.verifier.name, self._key_id, self._private.sign(text.encode()))

    def cosign(self, text: str, time: int) -> str:
        """The line of a witness that found the checkpoint `text` consistent at `time` (POSIX seconds)."""
        stamped = time.to_bytes(TIME_BYTES, "big") + self._private.sign(cosigned(text, time))
        return _line(self.verifier.name, self._key_id, stamped)


def checked_key(name: str, kind: int, public: bytes) -> VerifierKey:
    """A verifier key; NoteError if it can't be one."""
    if not _NAME.fullmatch(name) or any(character < " " for character in name):
        raise NoteError("a key's name has no spaces and no plus sign")
    if kind not in (ED25519, COSIGNATURE) or len(public) != KEY_BYTES:
        raise NoteError("only Ed25519 keys (types 1 and 4) are known here")
    return VerifierKey(name, kind, public)


def parse_key(text: str) -> VerifierKey:
    """Read ``name+id+key``; NoteError if it is malformed or its id is not the key's."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise NoteError("a verifier key has the form name+id+key")
    name, key_id, encoded = parts
    material = _base64(encoded)
    if not material:
        raise NoteError("a verifier key has the form name+id+key")
    key = checked_key(name, material[0], material[1:])
    if key.key_id.hex() != key_id:
        raise NoteError("the id of the verifier key does not fit the key")
    return key


def cosigned(text: str, time: int) -> bytes:
    """What a witness signs."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def join(text: str, lines: Iterable[str]) -> str:
    """A note of a text (ends in a newline) and signature lines without theirs."""
    return f"{text}\n" + "".join(f"{line}\n" for line in lines)


def split(note: str) -> tuple[str, list[str]]:
    """Text and signature lines of a note that may be of anybody; NoteError if it has not the form of one."""
    if len(note) > NOTE_MAX:
        raise NoteError("the note is too long")
    if any(character < " " and character != "\n" for character in note):
        raise NoteError("a note holds no control characters")
    head, blank, tail = note.rpartition("\n\n")
    lines = tail.removesuffix("\n").split("\n")
    if not blank or not head or not tail.endswith("\n") or len(lines) > SIGNATURES_MAX:
        raise NoteError("a note is a text, a blank line, and signature lines")
    if not all(_LINE.fullmatch(line) for line in lines):
        raise NoteError("a line below the blank line is not a signature")
    return head + "\n", lines


def open_note(note: str, keys: Sequence[VerifierKey]) -> Note:
    """The note's text, once at least one of `keys` signed it.

    NoteError if nobody known signed, or if a line of a known key does not verify.
    """
    text, lines = split(note)
    known = {(key.name, key.key_id): key for key in keys}
    found: dict[VerifierKey, Signature] = {}
    unknown = 0
    for line in lines:
        name, raw = _fields(line)
        key = known.get((name, raw[:4]))
        if key is None:
            unknown += 1
        elif key not in found:
            found[key] = Signature(key, _verify(key, text, raw[4:]), line)
    if not found:
        raise NoteError("no trusted key signed the note")
    return Note(text, tuple(found.values()), unknown)


def signer_of(line: str) -> tuple[str, bytes]:
    """The name and key id that a signature line states; NoteError if it is not one."""
    name, raw = _fields(line)
    return name, raw[:4]


def stated_time(line: str) -> int:
    """The time (POSIX seconds) that a cosignature states; to be believed only once it is verified."""
    return min(int.from_bytes(_fields(line)[1][4 : 4 + TIME_BYTES], "big"), _TIME_LAST)


def _verify(key: VerifierKey, text: str, signature: bytes) -> int | None:
    """The time of a cosignature, None of a plain signature; NoteError if it does not verify."""
    time: int | None = None
    message = text.encode()
    if key.kind == COSIGNATURE:
        time = int.from_bytes(signature[:TIME_BYTES], "big")
        message, signature = cosigned(text, time), signature[TIME_BYTES:]
    if len(signature) != SIGNATURE_BYTES or (time is not None and time > _TIME_LAST):
        raise NoteError(f"the signature of {key.name} has not the right form")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except InvalidSignature:
        raise NoteError(f"the signature of {key.name} does not verify") from None
    return time


def _fields(line: str) -> tuple[str, bytes]:
    match = _LINE.fullmatch(line)
    raw = b"" if match is None else _base64(match[2])
    if match is None or len(raw) <= 4:
        raise NoteError("a line below the blank line is not a signature")
    return match[1], raw


def _line(name: str, key_id: bytes, signature: bytes) -> str:
    return f"— {name} {base64.b64encode(key_id + signature).decode()}"


def _base64(text: str) -> bytes:
    """Standard Base64, in the one spelling that encoding gives; empty if it is not that."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""
