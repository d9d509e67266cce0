"""Figures as a table for people."""

from __future__ import annotations

from collections.abc import Mapping


def as_table(figures: Mapping[str, Mapping[str, object]]) -> str:
    """One line a figure: name, then its values."""
    width = max((len(name) for name in figures), default=0)
    lines = []
    for name, values in figures.items():
        shown = "  ".join(f"{key} {value}" for key, value in values.items() if value not in ({}, None))
        lines.append(f"{name:<{width}}  {shown}")
    return "\n".join(lines)
