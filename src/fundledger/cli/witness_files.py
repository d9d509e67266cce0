"""The files that `fundledger witness check` is given: a receipt, and for an offline check a proof and a leaf."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from fundledger.errors import problem
from fundledger.sealing.note import NoteError
from fundledger.witness.promises import Answer, check_offline
from fundledger.witness.store import Store, trusted

FILE_MAX: Final = 16 * 1024 * 1024


def receipt_of(file: Path) -> str:
    """The note of a receipt: the file itself, or the field ``receipt`` of a posting's answer as it was kept."""
    text = _text(file)
    if not text.lstrip().startswith("{"):
        return text
    try:
        return str(json.loads(text)["receipt"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise problem("witness-evidence-unusable", file=file.name, reason="it has no receipt") from error


def offline(store: Store, origin: str, note: str, proof: Path, leaf: Path) -> Answer:
    """Check by files alone; the leaf's data may be the answer of ``/v1/log/records``, or the canonical text itself."""
    with store.reading() as db:
        keys = trusted(db, origin)
    try:
        return check_offline(store, keys, note, _text(proof), _data(_text(leaf)))
    except NoteError as error:
        raise problem("witness-evidence-unusable", file=proof.name, reason=str(error)) from error


def _data(text: str) -> str:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    data = found.get("data") if isinstance(found, dict) else None
    return data if isinstance(data, str) else text.removesuffix("\n")


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_MAX + 1)
        if len(content) > FILE_MAX:
            raise problem("witness-evidence-unusable", file=file.name, reason="too long")
        return content.decode()
    except OSError as error:
        raise problem("file-unreadable", file=file.name) from error
    except UnicodeDecodeError as error:
        raise problem("witness-evidence-unusable", file=file.name, reason="not UTF-8") from error
