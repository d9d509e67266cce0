"""Fresh statistics after a bulk write, so that pooled connections drop the plans they made on empty tables.

Runs after the commit, outside any answer. A failure costs speed, never correctness, so it is logged and forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from fundledger.db.database import Database
from fundledger.db.refusals import refusals
from fundledger.errors import FundledgerError

BULK_LINES = 1_000
UPLOADED = ("instruction", "payment_list", "payment_line", "payment_line_private")
PAID = ("entry", "transfer")
RETURNED = ("bank_result", "instruction_leg")

log = logging.getLogger("fundledger.payments")


async def refresh_after(database: Database, line_count: int, tables: Sequence[str]) -> None:
    """Analyse the tables if the write was a large one."""
    if line_count <= BULK_LINES:
        return
    try:
        with refusals():
            async with database.driver() as connection:
                await connection.execute("SELECT refresh_statistics($1)", list(tables))
    except FundledgerError as error:
        log.warning("statistics were not refreshed: %s", error.code)
