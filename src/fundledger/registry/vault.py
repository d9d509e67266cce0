"""Where personal data becomes something the book may hold: keyed hashes, sealed text, commitments, masks.

- `Vault.digest`: HMAC-SHA-256 under the hash key, to find and match people without knowing who they are. The same
  text of the same kind gives the same digest for as long as the hash key lives; there is one active hash key.
- `Vault.seal` / `open_sealed`: AES-256-GCM under an encryption key, bound to its context (which row, which column),
  so that a sealed text copied elsewhere does not open. The newest key seals; older keys still open.
- `commitment`: what the public log holds instead of a personal value; needs no key, only the salt kept beside it.
- `mask_*`: what people are shown.

Keys live in a JSON file outside the database, mode 600; whoever loses it loses the sealed texts and the matching, so
back it up. This module never prints, logs or raises a key or a personal value.

Key file: ``{"format": "fundledger-vault-1", "hash": {"id": 1, "key": base64}, "encryption": [{"id": 1, "key": …}]}``.
Sealed text: key id (1 byte), nonce (12 bytes), ciphertext and tag; the plain text is JSON. Nonces are random, so one
key should seal fewer than 2**32 texts (NIST SP 800-38D section 8.3): rotate long before.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import os
import re
import secrets
import stat
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fundledger.files.whole import sync_folder
from fundledger.registry.identity import normalise, normalise_card

DigestKind = Literal["identity", "card", "phone", "name"]
"""What a keyed hash is of; the same text of another kind has an unrelated digest."""

KEY_BYTES = 32
SALT_BYTES = 32
_BLOCK_BYTES = 64
_NONCE_BYTES = 12
_FORMAT = "fundledger-vault-1"
_COMMITMENT_VERSION = b"\x01"
_MAX_KEY_ID = 255
_PHONE_NOISE = re.compile(r"[\s()\-]")
_SPACE = re.compile(r"\s+")
_NAME_DOTS = str.maketrans(dict.fromkeys("・•‧∙⋅●.", "·"))


class VaultError(Exception):
    """The keys are missing or unsafe, or a sealed text does not open. Says what to mend; holds no key, no secret."""


class Vault:
    """The keys in memory, ready for 100,000 lines. Safe to share between threads; `repr` shows ids only."""

    def __init__(self, hash_key_id: int, hash_key: bytes, encryption_keys: Mapping[int, bytes]) -> None:
        """Take keys of 32 bytes with ids 1 to 255; VaultError otherwise."""
        if not encryption_keys:
            raise VaultError("the vault has no encryption key")
        for key_id, key in [(hash_key_id, hash_key), *encryption_keys.items()]:
            if len(key) != KEY_BYTES or not 1 <= key_id <= _MAX_KEY_ID:
                raise VaultError("a vault key is 32 bytes long and has an id from 1 to 255")
        self._hash_key_id = hash_key_id
        self._hashes: dict[str, hmac.HMAC] = {kind: _keyed(hash_key, kind) for kind in (*_NORMAL_FORMS, "fingerprint")}
        self._pads = {kind: _pads(hash_key, kind) for kind in _NORMAL_FORMS}
        self._ciphers = {key_id: AESGCM(key) for key_id, key in encryption_keys.items()}
        self._sealing_key_id = max(encryption_keys)
        self._sealing_prefix = bytes([self._sealing_key_id])
        self._sealing = self._ciphers[self._sealing_key_id]

    @classmethod
    def from_keys(cls, hash_key_id: int, hash_key: bytes, encryption_keys: Mapping[int, bytes]) -> Self:
        """A vault over keys held elsewhere (tests, a key service); VaultError as for the constructor."""
        return cls(hash_key_id, hash_key, encryption_keys)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read the key file; if there is none, make one with fresh random keys and mode 600.

        VaultError if others may read it (mode 600 is demanded) or it is not a key file. Two processes that start
        together end with the same keys. Compare `fingerprint` with the one the database remembers: a fresh key file
        beside an old database matches nobody.
        """
        if not path.exists():
            _create(path, _KeyFile(1, secrets.token_bytes(KEY_BYTES), {1: secrets.token_bytes(KEY_BYTES)}))
        keys = _read(path)
        return cls(keys.hash_key_id, keys.hash_key, keys.encryption_keys)

    @classmethod
    def rotate(cls, path: Path) -> Self:
        """Add a fresh encryption key to the file (atomically) and seal with it from now on; VaultError after id 255."""
        keys = _read(path)
        newest = max(keys.encryption_keys) + 1
        if newest > _MAX_KEY_ID:
            raise VaultError(f"{path} holds all 255 encryption keys it can")
        keys.encryption_keys[newest] = secrets.token_bytes(KEY_BYTES)
        _write_beside(path, keys).replace(path)
        sync_folder(path.parent)
        return cls(keys.hash_key_id, keys.hash_key, keys.encryption_keys)

    @property
    def hash_key_id(self) -> int:
        """The id of the one active hash key: store it beside every digest."""
        return self._hash_key_id

    @property
    def sealing_key_id(self) -> int:
        """The id of the encryption key that seals now: the highest."""
        return self._sealing_key_id

    @property
    def fingerprint(self) -> str:
        """16 hex digits that tell hash keys apart and give nothing of them away; for the database to remember."""
        return self._hashes["fingerprint"].hexdigest()[:16]

    def digest(self, kind: DigestKind, text: str) -> bytes:
        """32 bytes, equal for equal text of a kind after normalising (space, case, grouping, width, +86).

        HMAC-SHA-256(hash key, "fundledger/digest/1/" kind 0x00 utf-8 text). KeyError for an unknown kind.
        """
        keyed = self._hashes[kind].copy()
        keyed.update(_NORMAL_FORMS[kind](text).encode())
        return keyed.digest()

    def digests(self, kind: DigestKind, texts: Sequence[str]) -> list[bytes]:
        """`digest` of many texts, in half the time each."""
        normal, (inner, outer) = _NORMAL_FORMS[kind], self._pads[kind]
        digests = []
        for text in texts:
            first, second = inner.copy(), outer.copy()
            first.update(normal(text).encode())
            second.update(first.digest())
            digests.append(second.digest())
        return digests

    def seal(self, plain: Mapping[str, str], context: bytes) -> bytes:
        """Encrypt named values for one place; only the same `context` opens them again. About 29 bytes + JSON."""
        nonce = os.urandom(_NONCE_BYTES)
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
        return self._sealing_prefix + nonce + self._sealing.encrypt(nonce, text, context)

    def open_sealed(self, blob: bytes, context: bytes) -> dict[str, str]:
        """The values sealed for `context`; VaultError if altered, moved from another context, or the key is gone."""
        cipher = self._ciphers.get(blob[0]) if len(blob) > 1 + _NONCE_BYTES else None
        if cipher is None:
            raise VaultError("a sealed text names no key of this vault")
        try:
            text = cipher.decrypt(blob[1 : 1 + _NONCE_BYTES], blob[1 + _NONCE_BYTES :], context)
        except InvalidTag:
            raise VaultError("a sealed text was altered or belongs to another place") from None
        plain: dict[str, str] = json.loads(text)
        return plain

    def __repr__(self) -> str:
        """Ids only."""
        return f"<Vault hash_key_id={self._hash_key_id} encryption_key_ids={sorted(self._ciphers)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Keys are not pickled."""
        raise TypeError("a Vault cannot be pickled")


def new_salt() -> bytes:
    """32 random bytes, one salt per field and record."""
    return os.urandom(SALT_BYTES)


def commitment(salt: bytes, value: str) -> bytes:
    """SHA-256(0x01 || salt (32 bytes) || utf-8 value), exactly as given: not normalised. ValueError for another salt.

    Hides the value from all who lack the salt, and binds whoever shows salt and value later. 0x01 is the version.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt is 32 bytes long")
    return sha256(_COMMITMENT_VERSION + salt + value.encode()).digest()


def mask_name(name: str) -> str:
    """The first character and a star for each further one ("张三丰" -> "张**"); a single character is hidden."""
    name = name.strip()
    return name[0] + "*" * (len(name) - 1) if len(name) > 1 else "*" * len(name)


def mask_card(number: str) -> str:
    """The last four digits of a card ("***************1234"); all hidden if it is shorter than 13."""
    number = normalise_card(number)
    return _mask_middle(number, 0, 4) if len(number) >= 13 else "*" * len(number)


def mask_identity(number: str) -> str:
    """The first six (area) and the last two characters ("420102**********1X"); all hidden if not 18 characters long.

    The birth date is hidden, and too little is left of the sequence to try the rest out.
    """
    number = normalise(number)
    return _mask_middle(number, 6, 2) if len(number) == 18 else "*" * len(number)


def _mask_middle(text: str, head: int, tail: int) -> str:
    return text[:head] + "*" * (len(text) - head - tail) + text[len(text) - tail :]


def _normal_phone(text: str) -> str:
    digits = _PHONE_NOISE.sub("", text)
    return digits.removeprefix("+86") if digits.startswith("+") else digits


def _normal_name(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    return text if text.isalpha() else _SPACE.sub("", text).translate(_NAME_DOTS)


_NORMAL_FORMS = {"identity": normalise, "card": normalise_card, "phone": _normal_phone, "name": _normal_name}


def _keyed(key: bytes, kind: str) -> hmac.HMAC:
    return hmac.new(key, f"fundledger/digest/1/{kind}\0".encode(), sha256)


def _pads(key: bytes, kind: str) -> tuple[Any, Any]:
    """The two SHA-256 states of HMAC (RFC 2104) after their pads, and the text's prefix; copied for every text."""
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in padded) + f"fundledger/digest/1/{kind}\0".encode())
    return inner, sha256(bytes(byte ^ 0x5C for byte in padded))


@dataclass(slots=True)
class _KeyFile:
    """The content of a key file."""

    hash_key_id: int
    hash_key: bytes = field(repr=False)
    encryption_keys: dict[int, bytes] = field(repr=False)


def _read(path: Path) -> _KeyFile:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise VaultError(f"others may read the key file {path}: chmod 600 it")
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != _FORMAT:
            raise ValueError
        return _KeyFile(
            int(content["hash"]["id"]),
            base64.b64decode(content["hash"]["key"], validate=True),
            {int(row["id"]): base64.b64decode(row["key"], validate=True) for row in content["encryption"]},
        )
    except (ValueError, KeyError, TypeError):
        raise VaultError(f"{path} is not a {_FORMAT} key file") from None


def _create(path: Path, keys: _KeyFile) -> None:
    """Put a key file in place, whole or not at all; if another process was first, its file stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = _write_beside(path, keys)
    try:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(written)
    finally:
        written.unlink()
    sync_folder(path.parent)


def _write_beside(path: Path, keys: _KeyFile) -> Path:
    """Write the keys to a new file of mode 600 in the same folder, forced to disk."""
    rows = [{"id": key_id, "key": _base64(key)} for key_id, key in sorted(keys.encryption_keys.items())]
    content = {"format": _FORMAT, "hash": {"id": keys.hash_key_id, "key": _base64(keys.hash_key)}, "encryption": rows}
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    return beside


def _base64(key: bytes) -> str:
    return base64.b64encode(key).decode()
