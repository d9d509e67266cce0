"""What is committed beside the code and follows from it: openapi/openapi.json and docs/problems.md.

``python -m fundledger.api.committed`` (``scripts/openapi``) writes both below the current folder; a test compares them.
Needs no database: the app is wired but not started.
"""

from __future__ import annotations

from pathlib import Path

from fundledger.api.app import create_app
from fundledger.api.openapi import document_text
from fundledger.api.problem_pages import problems_markdown
from fundledger.settings import Settings


def committed_texts() -> dict[str, str]:
    """The text of each file by its path in the checkout."""
    app = create_app(Settings(), "postgresql://nobody@localhost/nothing")
    return {"openapi/openapi.json": document_text(app), "docs/problems.md": problems_markdown()}


def write(folder: Path) -> None:
    """Write the files below `folder`."""
    for name, text in committed_texts().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path.cwd())
