"""Numbers that keep the code readable: a function fits on a screen, a file in a sitting, each says what it is for."""

from __future__ import annotations

import ast

from tests.tidy.sources import functions, modules, place, public_definitions, tracked_files

FUNCTION_LINES_MAX = 40
FILE_LINES_MAX = 400


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{place(path, node)} {node.name}: {lines}"
        for path, tree in modules().items()
        for node in functions(tree)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_files_stay_under_their_limit() -> None:
    long = [
        f"{place(path)}: {lines}"
        for path in modules()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES_MAX
    ]
    assert long == []


def test_every_module_says_what_it_is_for() -> None:
    assert [place(path) for path, tree in modules().items() if not ast.get_docstring(tree)] == []


def test_every_public_function_and_class_has_a_docstring() -> None:
    silent = [
        f"{place(path, node)} {node.name}"
        for path, tree in modules().items()
        for node in public_definitions(tree.body)
        if not ast.get_docstring(node) and not is_overload(node)
    ]
    assert silent == []


def is_overload(node: ast.AST) -> bool:
    """Whether a function is one face of an overloaded one; the implementation carries the docstring."""
    names = [item.id for item in getattr(node, "decorator_list", []) if isinstance(item, ast.Name)]
    return "overload" in names


def test_every_python_file_parses() -> None:
    for path in tracked_files():
        if path.suffix == ".py":
            ast.parse(path.read_text(encoding="utf-8"), str(path))
