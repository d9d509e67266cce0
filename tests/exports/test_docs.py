"""docs/exports.md names every column with its meaning, and every format of rows."""

from __future__ import annotations

from fundledger.exports.columns import LAYOUT_COLUMNS, TRAIL
from tests.tidy.sources import ROOT

TYPES = {"amount": "yuan", "count": "number", "day": "day", "instant": "instant"}


def test_every_column_is_in_the_documentation_with_its_type_and_meaning() -> None:
    text = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
    columns = [*TRAIL, *(column for layout in LAYOUT_COLUMNS.values() for column in layout)]
    assert len(columns) > 100
    for one in columns:
        assert f"| `{one.name}` | {TYPES.get(one.kind, 'text')} | {one.zh} · {one.en} |" in text
    assert all(f"layout={layout}" in text for layout in LAYOUT_COLUMNS)
