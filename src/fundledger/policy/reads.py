"""Reading the policy's short reference lists, in full: some dozen rows each, so nothing is paged.

Every answer is what the gate reads.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.policy.tables import ExemptionRule, Fund, NegativeListItem, Programme


async def funds(session: AsyncSession) -> Sequence[Fund]:
    """The classes of money (资金类别)."""
    return (await session.exec(select(Fund).order_by(Fund.fund_code))).all()


async def programmes(session: AsyncSession) -> Sequence[Programme]:
    """What payments can be for (补助项目类型)."""
    return (await session.exec(select(Programme).order_by(Programme.programme_code))).all()


async def exemption_rules(session: AsyncSession) -> Sequence[ExemptionRule]:
    """When there may be no tender (招投标豁免)."""
    return (await session.exec(select(ExemptionRule).order_by(ExemptionRule.exemption_code))).all()


async def negative_list(session: AsyncSession) -> Sequence[NegativeListItem]:
    """What poverty money never pays (负面清单)."""
    order = (NegativeListItem.code, NegativeListItem.economic_class)
    return (await session.exec(select(NegativeListItem).order_by(*order))).all()
