"""Every refusal raised in the code is in the catalogue, with its texts; a typing error in a code is found here."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator

import pytest

from tests.tidy.sources import modules, place

CALLS = ("problem", "Fault", "FundledgerError")


def codes_used() -> Iterator[tuple[str, str]]:
    """Each literal code in ``problem("…")``, ``Fault("…")`` and ``FundledgerError("…")``, with its place."""
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) in CALLS:
                for code in literals(node):
                    yield code, place(path, node)


def called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def literals(node: ast.Call) -> Iterator[str]:
    """The code argument where it is written out (both branches of a conditional expression count)."""
    values = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "code")]
    for value in values:
        for part in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def test_every_code_used_is_in_the_catalogue() -> None:
    if importlib.util.find_spec("fundledger.catalogue") is None:
        pytest.skip("there is no catalogue yet")
    from fundledger.catalogue import CATALOGUE

    assert [f"{where}: {code}" for code, where in codes_used() if code not in CATALOGUE] == []
