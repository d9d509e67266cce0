"""A file is written whole or not at all: whatever ends the writing, what was there stays and nothing lies beside it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from fundledger.files.whole import whole_file, write_whole


@pytest.mark.parametrize("end", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("refused")])
def test_what_was_there_stays_when_writing_is_broken_off(tmp_path: Path, end: BaseException) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(b"old")
    writing = whole_file(path)
    writing.__enter__().write(b"half of the new")
    assert writing.__exit__(type(end), end, None) is False
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_finished_file_takes_the_place_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(b"old")
    with whole_file(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    write_whole(tmp_path / "made" / "state.json", "汉字")
    assert path.read_bytes() == b"new"
    assert (tmp_path / "made" / "state.json").read_text(encoding="utf-8") == "汉字"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.glob(".*")) == []


def test_a_folder_that_is_not_there_is_an_error_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "none" / "all.zip"):
        pass
    assert list(tmp_path.iterdir()) == []
