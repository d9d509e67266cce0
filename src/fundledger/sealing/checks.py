"""The checks of a database, from ``checks.sql``: a name, its titles, and the query for its first violation.

Used by `verify`, as the reader or the service, in one snapshot. Nothing the database computes for itself is trusted but
its SQL. The queries read the whole ledger: minutes for millions of transfers, no locks.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import NamedTuple

_HEAD = re.compile(r"^-- check: ([a-z-]+) \| ([^|]+) \| (.+)$", re.MULTILINE)


class Check(NamedTuple):
    """A rule and the query for its first violation."""

    name: str
    title_zh: str
    title_en: str
    query: str


def read_checks(text: str) -> tuple[Check, ...]:
    """The checks of a file, in order."""
    parts = _HEAD.split(text)[1:]
    groups = zip(parts[0::4], parts[1::4], parts[2::4], parts[3::4], strict=True)
    return tuple(Check(name, zh, en, query.strip().removesuffix(";")) for name, zh, en, query in groups)


CHECKS: tuple[Check, ...] = read_checks(files(__package__).joinpath("checks.sql").read_text(encoding="utf-8"))
