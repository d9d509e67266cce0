"""Text files that a command is given: notes, keys, proofs, leaves. Called by the commands only."""

from __future__ import annotations

from pathlib import Path

from fundledger.errors import problem


def read_text(file: Path) -> str:
    """A file of UTF-8 text, its line ends as LF; `file-unreadable`, `file-not-text`."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise problem("file-unreadable", file=file.name) from error
    except UnicodeDecodeError as error:
        raise problem("file-not-text", file=file.name) from error
