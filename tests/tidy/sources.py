"""What the tidy tests look at: the tracked files, and the parsed modules of the package."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "fundledger"
NOT_OURS = {".git", ".venv", ".fundledger-data", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tracked_files() -> list[Path]:
    """Every file that git tracks or would add; without git, every file that is not plainly made by a tool."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        names = [name for name in done.stdout.decode("utf-8").split("\0") if name]
        return [path for path in (ROOT / name for name in names) if path.is_file()]
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and not NOT_OURS & set(path.parts)]


@cache
def modules() -> dict[Path, ast.Module]:
    """Every module of the package, parsed."""
    return {path: ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in sorted(SRC.rglob("*.py"))}


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function of a module, methods and inner ones included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def public_definitions(body: list[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """The functions and classes of a module that other modules may use, with the public methods of the classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node
            yield from public_definitions(node.body)


def place(path: Path, node: ast.stmt | ast.expr | None = None) -> str:
    """``file:line`` relative to the checkout, as editors understand it."""
    return f"{path.relative_to(ROOT)}" + (f":{node.lineno}" if node is not None else "")
