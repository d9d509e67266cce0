"""Funding a project (项目安排): a district moves executable money of its allocations to a project of its own library.

五到区: the district decides, the city can't (M06, M08). The gate refuses a project that is not in the district's
library, not approved, or without a performance target (M10), money of a year that has not begun, and money of another
village. Several allocations may fund one project (统筹整合, M13): each keeps its own account, so its tag. Unfunding
is a reversal (`book.reversals`), refused once the money has been paid on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.book.headings import Heading
from fundledger.book.instructions import Leg, draft
from fundledger.db.connection import Connection
from fundledger.errors import problem


@dataclass(frozen=True, slots=True)
class FundingLine:
    """How much of one allocation goes to the project; fen."""

    allocation_id: UUID
    amount: int


_CLASSES = """
SELECT g.functional_class, g.economic_class FROM project p JOIN programme g ON g.programme_code = p.programme_code
WHERE p.book = $1 AND p.project_id = $2 ORDER BY p.version DESC LIMIT 1
"""


async def draft_funding(
    connection: Connection, caller: Caller, book: int, instruction_id: UUID, heading: Heading, project_id: UUID,
    lines: Sequence[FundingLine],
) -> None:  # fmt: skip
    """Draft the funding of one project; the classification is its programme's. Raises `project-not-in-library`."""
    classes = await connection.fetchrow(_CLASSES, book, project_id)
    if classes is None:
        raise problem("project-not-in-library")
    legs = [Leg(line.amount, allocation_id=line.allocation_id, project_id=project_id) for line in lines]
    await draft(connection, caller, book, heading.over(instruction_id, "fund", legs, **dict(classes)))
