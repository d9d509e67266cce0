"""Acceptance (验收; 管理到区): of progress (in percent) or of the result, on which day, passed or not, with evidence.

It is of one contract (`procurement_id`) or of the whole project. Organisations are paid no more than the accepted part
of their contract, nor than the amount accepted (审定金额) where the acceptance names one; the final payment needs a
final acceptance of its contract or of the project that passed, on or before its day, and the retention is held for
the parameter's days after it (the gate; domain.md 2.5 H11, 2.10).
"""

from __future__ import annotations

from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.db.database import driver_of
from fundledger.errors import problem
from fundledger.projects.records import append, expect_next, history
from fundledger.projects.tables import Acceptance

_PROJECT = """
SELECT EXISTS (SELECT FROM project WHERE book = $1 AND project_id = $2) AS known, shanghai_today() AS today
"""


async def record_acceptance(session: AsyncSession, row: Acceptance) -> None:
    """Record an acceptance (version 1) or the next version of one.

    Raises `project-not-in-library`, `date-in-future`, `acceptance-percent`, `acceptance-amount`,
    `record-identity-changed`, `version-taken`, and `reference-unknown` for a contract of another project or a document
    that is not in this book.
    """
    if (row.kind == "progress" and row.percent_complete is None) or (
        row.kind == "final" and row.percent_complete not in (None, 100)
    ):
        raise problem("acceptance-percent")
    if row.amount_accepted is not None and row.procurement_id is None:
        raise problem("acceptance-amount")
    found = await (await driver_of(session)).fetchrow(_PROJECT, row.book, row.project_id)
    assert found is not None
    if not found["known"]:
        raise problem("project-not-in-library")
    if row.accepted_on > found["today"]:
        raise problem("date-in-future", effective_on=row.accepted_on.isoformat())
    if row.version > 1:
        newest = expect_next(await history(session, Acceptance, row.book, row.acceptance_id), row.version)
        if (newest.project_id, newest.procurement_id) != (row.project_id, row.procurement_id):
            raise problem("record-identity-changed", field="project_id")
    await append(session, row)
