"""One book for all backup tests (it only grows), folders with spaces in their names, and the command line."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backup.restorable import Book, Run, command_line, discard
from tests.databases import memory_folder


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    """A book that was posted, sealed and signed; a bureau's folder may have a name like this."""
    made = Book(Path(tempfile.mkdtemp(prefix="账本 of the bureau ", dir=memory_folder())))
    yield made
    made.end()


@pytest.fixture
def run(book: Book, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line over the book's data folder."""
    return command_line(monkeypatch, capsys, book.data)


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Path]:
    """A data folder that is not there yet."""
    folder = tmp_path / "new data"
    yield folder
    discard(folder)


@pytest.fixture(scope="module")
def copy(book: Book, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished backup with keys, to be copied before it is damaged."""
    with pytest.MonkeyPatch.context() as patch:
        import sys

        from fundledger.cli.commands import main

        folder = tmp_path_factory.mktemp("backups") / "a backup"
        patch.setenv("FUNDLEDGER_DATA_DIR", str(book.data))
        patch.setattr(sys, "argv", ["fundledger", "backup", "--out", str(folder), "--with-keys"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
    return folder
