"""Files (keys, passwords, states, bundles) written whole or not at all, readable by their owner only.

Called by whoever keeps one beside the database. On disk before it is in place. No locks: the later of two writers wins.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def write_whole(path: Path, content: str) -> None:
    """Write a file of mode 600 beside its place and move it there, on disk before the move; makes the folder too."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with whole_file(path) as file:
        file.write(content.encode())


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A new file of mode 600 beside `path` that takes its place at the end; left by an exception, it is removed.

    What was at `path` stays until then, whatever happens: a full disk, a refusal, Ctrl-C.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make a move in the folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
