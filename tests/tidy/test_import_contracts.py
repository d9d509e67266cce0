"""Dependencies point one way: the contracts of pyproject.toml hold."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.tidy.sources import ROOT

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def test_import_contracts_are_kept() -> None:
    command = [sys.executable, "-c", LINT, "--no-cache", "--no-logo"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
