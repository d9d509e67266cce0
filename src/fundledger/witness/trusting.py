"""Reading the verifier keys of a log that an audit office was given: as text, or in a file with one a line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fundledger.errors import problem
from fundledger.sealing.keys import receipts_name
from fundledger.sealing.note import ED25519, NoteError, VerifierKey, parse_key

FILE_MAX: Final = 64 * 1024


def read_keys(text: str) -> tuple[str, list[VerifierKey]]:
    """The origin and the keys of one log: its log keys, and its receipts keys if they were given too.

    A line of ``fundledger key list`` may be given as it is: the key is its last word. `witness-log-key-unusable`.
    """
    lines = _lines(text)
    try:
        keys = [parse_key(_key_of(line)) for line in lines]
    except NoteError as error:
        raise problem("witness-log-key-unusable", reason=str(error)) from error
    names = sorted({key.name for key in keys}, key=len)
    if (
        not names
        or any(key.kind != ED25519 for key in keys)
        or any(name != receipts_name(names[0]) for name in names[1:])
    ):
        raise problem("witness-log-key-unusable", reason="not the keys of one log")
    return names[0], keys


def _lines(text: str) -> list[str]:
    if "+" in text and not Path(text).exists():
        return [text]
    try:
        content = Path(text).read_bytes()[:FILE_MAX].decode()
    except (OSError, UnicodeDecodeError) as error:
        raise problem("witness-log-key-unusable", reason="neither a key nor a file of keys") from error
    return [line for line in map(str.strip, content.splitlines()) if line and not line.startswith("#")]


def _key_of(line: str) -> str:
    return line.removesuffix("(private half destroyed)").split()[-1]
