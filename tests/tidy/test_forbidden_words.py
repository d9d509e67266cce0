"""What must not stand in the sources: hosts of package registries, paths of a machine, floats in money, bare prints."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.tidy.sources import SRC, modules, place, tracked_files

# Spelt in pieces, so that this file does not contain what it looks for.
REGISTRY_HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry." + "npmjs",
    "deb." + "debian.org",
    "archive." + "ubuntu.com",
    "proxy." + "golang.org",
    "crates" + ".io",
)
MACHINE_PATHS = ("/wo" + "rk/main", "/wo" + "rk/shared", "/ro" + "ot/", "/op" + "t/py" + "pi", "/tmp" + "/v/")
MONEY = ("money.py", "book", "budget", "payments", "projects", "policy", "trail", "sealing")
MAY_PRINT = ("cli", "bench")


def test_no_tracked_file_names_a_package_registry() -> None:
    assert list(mentions(REGISTRY_HOSTS)) == []


def test_no_tracked_file_names_a_path_of_a_machine() -> None:
    assert list(mentions(MACHINE_PATHS)) == []


def mentions(needles: tuple[str, ...]) -> Iterator[str]:
    """The tracked files that contain one of the needles, with the needle."""
    for path in tracked_files():
        content = path.read_bytes()
        for needle in needles:
            if needle.encode() in content:
                yield f"{place(path)}: {needle}"


def test_money_never_meets_a_float() -> None:
    found = [
        place(path, node)
        for path, tree in modules().items()
        if first_part(path) in MONEY
        for node in ast.walk(tree)
        if is_float(node) and isinstance(node, ast.expr)
    ]
    assert found == []


def is_float(node: ast.AST) -> bool:
    """A float literal, or the name ``float`` used for anything."""
    literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
    return literal or (isinstance(node, ast.Name) and node.id == "float")


def test_only_the_command_line_prints() -> None:
    found = [
        place(path, node)
        for path, tree in modules().items()
        if first_part(path) not in MAY_PRINT
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert found == []


def first_part(path: Path) -> str:
    """The package folder, or the file when it lies directly in the package."""
    return path.relative_to(SRC).parts[0]
