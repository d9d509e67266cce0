"""Every command explains itself in both languages, says its exit codes, and calls one thing by one name."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from fundledger.bench.command import app as bench
from fundledger.cli.commands import EXIT_CODES, app
from tests.tidy.sources import ROOT

CHINESE, ENGLISH = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[A-Za-z]{2}")


def commands(group: typer.Typer, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every command with its words; not `bench`, which has a command line of its own."""
    yield from _below(typer.main.get_command(group), path)


def _below(command: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, part in getattr(command, "commands", {}).items():
        if name != "bench":
            yield (*path, name), part
            yield from _below(part, (*path, name))


ALL = dict(commands(app))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_is_in_both_languages_and_says_the_exit_codes(words: tuple[str, ...]) -> None:
    command = ALL[words]
    texts = [getattr(command, "help", "") or ""]
    params = [one for one in getattr(command, "params", []) if "--help" not in one.opts]
    texts += [getattr(one, "help", "") or "" for one in params]
    for text in texts:
        assert CHINESE.search(text), (words, text)
        assert ENGLISH.search(text), (words, text)
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "400"})
    assert shown.exit_code == 0
    if not getattr(command, "commands", None):
        assert "".join(EXIT_CODES.split()) in "".join(shown.output.split())


def test_the_measurements_are_named_in_both_languages() -> None:
    for name, part in _below(typer.main.get_command(bench), ("bench",)):
        text = getattr(part, "help", "") or ""
        assert CHINESE.search(text), (name, text)
        assert ENGLISH.search(text), (name, text)


def test_the_page_names_every_option_and_no_other() -> None:
    page = (ROOT / "docs" / "operation.md").read_text(encoding="utf-8")
    table = page.partition("## Options and exit codes")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `--")]
    named = re.findall(r"`(--[a-z-]+)`", " ".join(rows))
    options = {name for command in ALL.values() for one in getattr(command, "params", []) for name in one.opts
               if one.param_type_name == "option"}  # fmt: skip
    assert sorted(named) == sorted(options)
