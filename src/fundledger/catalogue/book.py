"""Problems of the edge, of access and of the book (rules of design section 3)."""

from __future__ import annotations

from fundledger.errors import Family, Problem

ROWS: tuple[Problem, ...] = ()
