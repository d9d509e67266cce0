"""Every refusal raised in the code or in SQL is in the catalogue, and nothing is in it that nobody raises."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fundledger.catalogue import CATALOGUE
from fundledger.db.refusals import CONSTRAINTS
from tests.tidy.sources import ROOT, SRC, modules, place

SQL = ROOT / "migrations" / "sql"
KEBAB = re.compile(r"'([a-z]+(?:-[a-z]+)+)'")
NOT_CODES = {"key-conflict"}
"""Kebab-case in SQL that is no refusal: an outcome of gate_post, which `book/poster` turns into one."""
COMPOSED = {"payee-removed", "payee-deceased"}
"""Codes that the gate puts together from a status."""
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


def codes_in_sql() -> Iterator[tuple[str, str]]:
    """Each quoted kebab-case word of the gate and of the later revisions, with its file."""
    for path in sorted([*SQL.glob("0001/6?_gate_*.sql"), *SQL.glob("000[23]/*.sql")]):
        text = re.sub(r"--.*", "", path.read_text(encoding="utf-8"))
        for code in KEBAB.findall(text):
            if code not in NOT_CODES:
                yield code, str(path.relative_to(ROOT))


def words_in_python() -> set[str]:
    """Every text constant outside the catalogue: codes also stand in tables and conditional expressions."""
    return {
        node.value
        for path, tree in modules().items()
        if SRC / "catalogue" not in path.parents
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_code_used_is_in_the_catalogue() -> None:
    assert [f"{where}: {code}" for code, where in codes_used() if code not in CATALOGUE] == []


def test_every_code_of_the_gate_is_in_the_catalogue() -> None:
    assert sorted({f"{where}: {code}" for code, where in codes_in_sql() if code not in CATALOGUE}) == []


def test_every_constraint_that_is_translated_has_its_code_in_the_catalogue() -> None:
    assert [code for code in CONSTRAINTS.values() if code not in CATALOGUE] == []


def test_every_row_of_the_catalogue_is_raised_somewhere() -> None:
    raised = COMPOSED | words_in_python() | {code for code, _ in codes_in_sql()}
    assert [code for code in CATALOGUE if code not in raised] == []
