"""The witness's own key (见证密钥): one Ed25519 key of type 4, in a file of mode 600 in the witness's folder.

Made once by `fundledger witness key create`; its verifier key is what the log's operator configures and auditors trust.
The key never leaves the file, and errors hold no part of it.
"""

from __future__ import annotations

import base64
import json
import secrets
import stat
from pathlib import Path
from typing import Final

from fundledger.errors import problem
from fundledger.files.whole import write_whole
from fundledger.sealing.note import COSIGNATURE, NoteError, SigningKey

KEY_FILE: Final = "witness-key.json"
FORMAT: Final = "fundledger-witness-key-v1"


def create(folder: Path, name: str) -> SigningKey:
    """Make the key of a new witness; `witness-key-unusable` if there is one or the name can't be a key's."""
    path = folder / KEY_FILE
    if path.exists():
        raise problem("witness-key-unusable", reason="there is a key already")
    seed = secrets.token_bytes(32)
    try:
        made = SigningKey(name, seed, COSIGNATURE)
    except NoteError as error:
        raise problem("witness-key-unusable", reason=str(error)) from error
    record = {"format": FORMAT, "public": str(made.verifier), "private": base64.b64encode(seed).decode()}
    write_whole(path, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    return made


def load(folder: Path) -> SigningKey:
    """Read the key; `witness-key-unusable` if it is missing, readable by others, or damaged."""
    path = folder / KEY_FILE
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise problem("witness-key-unusable", reason="it must be readable by its owner only (chmod 600)")
        record = json.loads(path.read_text(encoding="utf-8"))
        name, _, _ = str(record["public"]).partition("+")
        made = SigningKey(name, base64.b64decode(record["private"], validate=True), COSIGNATURE)
        if record["format"] != FORMAT or str(made.verifier) != record["public"]:
            raise ValueError("not the key of its file")
    except FileNotFoundError:
        raise problem("witness-key-unusable", reason="there is none: fundledger witness key create") from None
    except (ValueError, KeyError, TypeError):
        raise problem("witness-key-unusable", reason="the file is damaged") from None
    return made
