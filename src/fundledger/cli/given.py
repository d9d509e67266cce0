"""What a command is given as text or as a file of it: notes, proofs, keys; or by a variable. For commands only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from fundledger.errors import problem
from fundledger.sealing.note import VerifierKey
from fundledger.sealing.verifier_keys import FILE_MAX, KeyKind, parse_keys


def read_text(file: Path, most: int = -1) -> str:
    """A file of UTF-8 text (its first `most` characters), line ends as LF; `file-unreadable`, `file-not-text`."""
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(most)
    except (OSError, ValueError) as error:
        code = "file-not-text" if isinstance(error, UnicodeDecodeError) else "file-unreadable"
        raise problem(code, file=file.name) from error


def given_variable(name: str) -> str:
    """What an environment variable holds; `variable-missing`."""
    value = os.environ.get(name, "")
    if not value:
        raise problem("variable-missing", variable=name)
    return value


def given_keys(values: Sequence[str], kind: KeyKind) -> list[VerifierKey]:
    """The keys of an option that may be repeated: each value is a file of keys, or a key itself.

    What has no plus sign must be a file; `verifier-key…`, `file-unreadable`, `file-not-text`.
    """
    return parse_keys(_texts(values, kind), kind)


def _texts(values: Sequence[str], kind: KeyKind) -> Iterator[tuple[str, str]]:
    for value in values:
        if "+" in value and not _there(Path(value)):
            yield f"--{kind}-key", value
            continue
        text = read_text(Path(value), FILE_MAX + 1)
        if not parse_keys([(Path(value).name, text)], kind):
            raise problem("verifier-keys-none", file=Path(value).name)
        yield Path(value).name, text


def _there(path: Path) -> bool:
    """Whether there is such a file; a key may be no possible name."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
