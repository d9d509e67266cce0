"""The type of a database connection. asyncpg's class is generic for type checkers only, so it is named once, here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

__all__ = ["Connection"]
