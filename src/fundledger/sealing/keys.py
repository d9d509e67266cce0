"""The log's keys (日志签名密钥): made by the CLI, kept outside the database, rotated without breaking a proof.

One JSON file, mode 600: the origin (the log's name, for ever) and two lines of Ed25519 keys. *log* keys sign
checkpoints under the origin's name; *receipts* keys sign promises and exports under ``origin/receipts``, so that the
process that faces the network need not be able to sign a tree. A new key signs from `valid_from` on, some seconds after
it is made, so that running processes, which look at the file before they sign, all know it by then. Old keys stay in
the file: checkpoints of a while carry both signatures, a repeated posting gets the receipt of its own day, and
`vouchers` are notes by which each key introduces the next, so that who trusts one can follow. `destroy` takes the
private half of a key away for good; what it signed stays provable.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from fundledger.files.whole import sync_folder, write_whole
from fundledger.sealing.checkpoint import RECEIPTS
from fundledger.sealing.leaf import instant
from fundledger.sealing.note import ED25519, NoteError, SigningKey, VerifierKey, join, open_note, parse_key

Purpose = Literal["log", "receipts"]
PURPOSES: Final[tuple[Purpose, ...]] = ("log", "receipts")
FORMAT: Final = "fundledger-log-keys-v1"
VOUCHER: Final = "fundledger-key-v1"
_ORIGIN: Final = re.compile(r"[A-Za-z0-9._/-]{1,200}")
TAKES_EFFECT: Final = timedelta(seconds=5)
OVERLAP: Final = timedelta(days=90)
"""How long the key before the newest goes on signing checkpoints beside it."""


class KeysError(Exception):
    """The key file is missing, unsafe or damaged; says what to mend and holds no key."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key; `private` is None once it was destroyed, `voucher` is the note of the key before it."""

    purpose: Purpose
    verifier: VerifierKey
    valid_from: datetime
    private: SigningKey | None
    seed: bytes | None
    voucher: str | None


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys of one log, each purpose's in order of `valid_from`."""

    origin: str
    keys: tuple[Key, ...]

    def at(self, purpose: Purpose, moment: datetime) -> Key:
        """The key in force at a moment: the newest that was valid; the first, before any was."""
        mine = self.of(purpose)
        return next((key for key in reversed(mine) if key.valid_from <= moment), mine[0])

    def of(self, purpose: Purpose) -> list[Key]:
        """The keys of one purpose, oldest first."""
        return [key for key in self.keys if key.purpose == purpose]

    def verifiers(self, purpose: Purpose | None = None) -> list[VerifierKey]:
        """The public halves, oldest first."""
        return [key.verifier for key in self.keys if purpose in (None, key.purpose)]

    def sign_checkpoint(self, text: str, moment: datetime) -> str:
        """The note of a checkpoint: signed by the key in force and, for a while after a rotation, by the one before."""
        newest = self.at("log", moment)
        mine = self.of("log")
        before = mine[: mine.index(newest)][-1:] if moment - newest.valid_from < OVERLAP else []
        able = [key.private for key in (newest, *before) if key.private is not None] or self._newest_able("log")
        return join(text, [key.line(text) for key in able])

    def sign_receipt(self, text: str, moment: datetime) -> str:
        """A receipts note as of `moment`: a repeat is signed by the key of the first time, while that is there."""
        able = self.at("receipts", moment).private or self._newest_able("receipts")[0]
        return join(text, [able.line(text)])

    def _newest_able(self, purpose: Purpose) -> list[SigningKey]:
        """What signs for a destroyed key (a clock that was set back asks for one); KeysError if none is left."""
        able = [key.private for key in self.of(purpose) if key.private is not None]
        if not able:
            raise KeysError("no private half is left in the log key file: bring back its backup")
        return able[-1:]


def new_origin() -> str:
    """A name for a log whose operator gave none: random, so that two logs are never mistaken for one another."""
    return f"fundledger.local/{secrets.token_hex(8)}"


def create(path: Path, origin: str, moment: datetime | None = None) -> Keyring:
    """Make a keyring and its file; KeysError if the file is there, or another process was quicker."""
    if not _ORIGIN.fullmatch(origin) or origin.endswith(RECEIPTS):
        raise KeysError(
            "an origin is a name like finance.example/fundledger: letters, digits, dots, dashes, slashes; "
            "not one that ends in /receipts"
        )
    # In force at once: there is nothing before them.
    made = Keyring(origin, tuple(_new(purpose, origin, moment or datetime.now(UTC), None) for purpose in PURPOSES))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone(path.parent):
        if path.exists():
            raise KeysError("there are log keys already: rotate them instead")
        _write(path, made)
    return made


def rotate(path: Path, purpose: Purpose) -> Keyring:
    """Add a key that takes effect in TAKES_EFFECT, introduced by the one in force."""
    with _changing(path) as ring:
        now = datetime.now(UTC)
        former = ring.of(purpose)[-1]
        if former.private is None:
            raise KeysError("the newest key was destroyed and can't introduce another")
        if former.valid_from > now:
            raise KeysError("the newest key has not taken effect yet")
        fresh = _new(purpose, ring.origin, now + TAKES_EFFECT, former.private)
        changed = replace(ring, keys=tuple(sorted((*ring.keys, fresh), key=_order)))
        _write(path, changed)
    return changed


def destroy(path: Path, key_id: str) -> Keyring:
    """Take the private half of a key that another has succeeded out of the file; KeysError if it is still in force."""
    with _changing(path) as ring:
        found = next((key for key in ring.keys if key.verifier.key_id.hex() == key_id), None)
        if found is None:
            raise KeysError("the file has no key of this id")
        if ring.at(found.purpose, datetime.now(UTC)).valid_from <= found.valid_from:
            raise KeysError("this key is in force, or about to be: rotate first, and wait until the next one is")
        kept = tuple(replace(key, private=None, seed=None) if key == found else key for key in ring.keys)
        changed = replace(ring, keys=kept)
        _write(path, changed)
    return changed


def load(path: Path) -> Keyring:
    """Read the file; KeysError if it is missing, readable by others, or damaged."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeysError("the log key file must be readable by its owner only (chmod 600)")
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != FORMAT:
            raise KeysError("the log key file has a format that this version does not know")
        ring = Keyring(str(record["origin"]), tuple(sorted(map(_read, record["keys"]), key=_order)))
    except FileNotFoundError:
        raise KeysError("there are no log keys: fundledger key create") from None
    except OSError as error:
        raise KeysError(f"the log key file can't be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeysError("the log key file is damaged") from error
    names = {"log": ring.origin, "receipts": receipts_name(ring.origin)}
    if any(key.verifier.name != names[key.purpose] for key in ring.keys) or not all(map(ring.of, PURPOSES)):
        raise KeysError("the log key file is damaged")
    return ring


class KeyFile:
    """The keyring of a file, read again when the file changed. One per process."""

    def __init__(self, path: Path) -> None:
        """Read it now; KeysError."""
        self._path = path
        self._seen = self._stamp()
        self._ring = load(path)

    @property
    def ring(self) -> Keyring:
        """The keys as the file has them; the last good ones while it is being changed or gone."""
        try:
            stamp = self._stamp()
            if stamp != self._seen:
                self._ring, self._seen = load(self._path), stamp
        except (OSError, KeysError):
            pass
        return self._ring

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            raise KeysError("there are no log keys: fundledger key create") from None
        return found.st_mtime_ns, found.st_ino


def ready(path: Path) -> KeyFile:
    """The keys of a log that nobody has signed yet: those of the file, or new ones. KeysError."""
    if not path.exists():
        with suppress(KeysError):  # another process was quicker: its keys are as good
            create(path, new_origin())
    return KeyFile(path)


@contextmanager
def alone(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Be the only process that changes the key file or ``log-head`` of a folder; BlockingIOError if not to wait."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _changing(path: Path) -> Iterator[Keyring]:
    """The keys as they are, while nobody else changes them."""
    if not path.exists():
        load(path)
    with alone(path.parent):
        yield load(path)


def receipts_name(origin: str) -> str:
    """The name under which promises and exports are signed."""
    return f"{origin}{RECEIPTS}"


def follow(trusted: list[VerifierKey], vouchers: list[str]) -> list[VerifierKey]:
    """The trusted keys and all that they introduce, directly or through each other; a false voucher adds nothing."""
    known = list(trusted)
    for _ in vouchers:
        for voucher in vouchers:
            introduced = _introduced(voucher, known)
            if introduced is not None and introduced not in known:
                known.append(introduced)
    return known


def _introduced(voucher: str, known: list[VerifierKey]) -> VerifierKey | None:
    try:
        opened = open_note(voucher, known)
        word, text, _, end = opened.text.split("\n")
        key = parse_key(text)
    except (NoteError, ValueError):
        return None
    same_name = all(signature.key.name == key.name for signature in opened.signatures)
    return key if word == VOUCHER and end == "" and same_name else None


def _new(purpose: Purpose, origin: str, start: datetime, former: SigningKey | None) -> Key:
    seed = secrets.token_bytes(32)
    private = SigningKey(origin if purpose == "log" else receipts_name(origin), seed, ED25519)
    text = f"{VOUCHER}\n{private.verifier}\n{instant(start)}\n"
    voucher = None if former is None else join(text, [former.line(text)])
    return Key(purpose, private.verifier, start, private, seed, voucher)


def _order(key: Key) -> tuple[int, datetime]:
    return PURPOSES.index(key.purpose), key.valid_from


def _read(record: dict[str, Any]) -> Key:
    verifier = parse_key(record["public"])
    seed = None if record["private"] is None else base64.b64decode(record["private"], validate=True)
    private = None if seed is None else SigningKey(verifier.name, seed)
    if private is not None and private.verifier != verifier:
        raise ValueError("the halves of a key do not belong together")
    start = datetime.fromisoformat(record["valid_from"])
    if start.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return Key(PURPOSES[PURPOSES.index(record["purpose"])], verifier, start, private, seed, record["voucher"])


def _write(path: Path, ring: Keyring) -> None:
    """Replace the file whole: a reader sees the old or the new one, a crash loses neither."""
    keys = [
        {
            "purpose": key.purpose, "public": str(key.verifier), "valid_from": instant(key.valid_from),
            "private": None if key.seed is None else base64.b64encode(key.seed).decode(), "voucher": key.voucher,
        }
        for key in ring.keys
    ]  # fmt: skip
    content = json.dumps({"format": FORMAT, "origin": ring.origin, "keys": keys}, ensure_ascii=False, indent=1)
    write_whole(path, content + "\n")
    sync_folder(path.parent)
