"""Record ids: UUIDv7 made by the service (PostgreSQL 15 has none), so that new keys land at the end of an index."""

from __future__ import annotations

import os
import time
from uuid import UUID


def new_id() -> UUID:
    """A UUIDv7: 48 bits of milliseconds, 74 random bits (RFC 9562)."""
    stamp = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    high = (stamp << 16) | 0x7000 | (random >> 68)
    low = (1 << 63) | (random & ((1 << 62) - 1))
    return UUID(int=(high << 64) | low)
