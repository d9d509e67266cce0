"""Checkpoints (C2SP ``tlog-checkpoint``) and proofs as files (C2SP ``tlog-proof``). Pure; every fault is a NoteError.

A checkpoint is a signed note of three lines: origin, number of leaves, root. A proof file holds the position of a leaf,
its inclusion path and the checkpoint verbatim, so that one small text can be checked offline by whoever has the leaf's
bytes and the log's verifier key. Its optional extra data is signed by nobody and never believed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from fundledger.sealing.merkle import HASH_BYTES, verify_inclusion
from fundledger.sealing.note import Note, NoteError, VerifierKey, open_note, split

PROOF_HEADER = "c2sp.org/tlog-proof@v1"
RECEIPTS = "/receipts"
"""Behind a log's origin: the name of its receipts keys (see `keys`), which must never pass for another log's name."""
PATH_MAX = 63
SIZE_MAX = 2**63 - 1
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """So many leaves of this log have this root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{encode_hash(self.root)}\n"


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof file: leaf `index` is in the tree of the checkpoint `note` (whose signatures are still to be checked)."""

    index: int
    path: tuple[bytes, ...]
    note: str
    extra: bytes | None = None

    @property
    def text(self) -> str:
        """The file."""
        extra = [] if self.extra is None else [f"extra {base64.b64encode(self.extra).decode()}"]
        lines = [PROOF_HEADER, *extra, f"index {self.index}", *map(encode_hash, self.path)]
        return "\n".join(lines) + "\n\n" + self.note


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint a note's text is; extension lines are refused, as nobody could check them."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] != "" or not lines[0]:
        raise NoteError("a checkpoint is three lines: origin, size, root")
    return Checkpoint(lines[0], parse_number(lines[1]), decode_hash(lines[2]))


def open_checkpoint(note: str, keys: Sequence[VerifierKey], origin: str) -> tuple[Checkpoint, Note]:
    """The checkpoint of the log `origin`, signed by one of its `keys`; witnesses' keys may be among them.

    The log's own signature is needed: cosignatures alone are not enough.
    """
    opened = open_note(note, keys)
    found = parse_checkpoint(opened.text)
    if found.origin != origin:
        raise NoteError("the checkpoint is of another log")
    if origin.endswith(RECEIPTS):
        raise NoteError("a receipts key signs no checkpoint, and no log has its name")
    if not any(signature.key.name == origin and signature.time is None for signature in opened.signatures):
        raise NoteError("the log itself did not sign the checkpoint")
    return found, opened


def peek(note: str) -> Checkpoint:
    """What a checkpoint says, whoever signed it; to be believed only after `open_checkpoint`."""
    return parse_checkpoint(split(note)[0])


def parse_proof(text: str) -> Proof:
    """Read a proof file; the proof itself and the checkpoint's signatures are not yet checked."""
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines[0] != PROOF_HEADER:
        raise NoteError("not a proof file (c2sp.org/tlog-proof@v1)")
    rest = lines[1:]
    extra: bytes | None = None
    if rest and rest[0].startswith("extra "):
        extra = decode_base64(rest.pop(0).removeprefix("extra "))
    if not rest or not rest[0].startswith("index ") or len(rest) > PATH_MAX + 1:
        raise NoteError("a proof file names the index of its leaf and at most 63 hashes")
    return Proof(parse_number(rest[0].removeprefix("index ")), tuple(map(decode_hash, rest[1:])), note, extra)


def check_proof(proof: Proof, leaf: bytes, keys: Sequence[VerifierKey], origin: str) -> tuple[Checkpoint, Note]:
    """Is the leaf hash `leaf` where the proof says, under a checkpoint that the log signed? NoteError if not."""
    checkpoint, opened = open_checkpoint(proof.note, keys, origin)
    if not verify_inclusion(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise NoteError("the path does not lead from the leaf to the root of the checkpoint")
    return checkpoint, opened


def parse_number(text: str) -> int:
    """A decimal without leading zeros, below 2**63."""
    if not _NUMBER.fullmatch(text) or int(text) > SIZE_MAX:
        raise NoteError("not a decimal number without leading zeros")
    return int(text)


def encode_hash(value: bytes) -> str:
    """A hash as Base64."""
    return base64.b64encode(value).decode()


def decode_hash(text: str) -> bytes:
    """A hash of 32 bytes."""
    raw = decode_base64(text)
    if len(raw) != HASH_BYTES:
        raise NoteError("not a SHA-256 hash in Base64")
    return raw


def decode_base64(text: str) -> bytes:
    """Standard Base64 in its one spelling."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise NoteError("not Base64") from None
    if base64.b64encode(raw).decode() != text:
        raise NoteError("not Base64")
    return raw
