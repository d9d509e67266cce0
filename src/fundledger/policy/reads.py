"""Reading the policy: parameters with all their versions or as of a date, and the short reference lists, in full.

Some hundred rows at most, so nothing is paged. Every answer is what the gate reads; the newest valid version counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.policy.tables import ExemptionRule, Fund, NegativeListItem, Parameter, Programme


async def parameters(session: AsyncSession, on: date | None = None) -> Sequence[Parameter]:
    """Every version of every parameter, or as of a date the one of each that counts: the newest that is valid then."""
    if on is None:
        return (await session.exec(select(Parameter).order_by(Parameter.code, col(Parameter.version)))).all()
    valid = (
        select(Parameter)
        .where(Parameter.valid_from <= on, or_(col(Parameter.valid_to).is_(None), col(Parameter.valid_to) >= on))
        .order_by(Parameter.code, col(Parameter.version))
    )
    return list({row.code: row for row in await session.exec(valid)}.values())


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
