"""The policy, for every office to read: funds, programmes, exemptions from tendering, the negative list."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, reads
from fundledger.api.wire import Answer
from fundledger.policy import reads as policy

router = APIRouter(prefix="/v1", tags=["policy"])
Reader = Annotated[Call, reads(EVERYBODY)]


class FundAnswer(Answer):
    """A class of money (资金类别) and how it is handed down."""

    fund_code: str
    name_zh: str
    name_en: str
    origin: str
    basis: str
    standard_parameter: str | None
    floor_parameter: str | None
    rule: str
    outside_five: bool


@router.get("/funds")
async def list_funds(call: Reader, session: Reading) -> list[FundAnswer]:
    """The classes of money."""
    return [FundAnswer.model_validate(row) for row in await policy.funds(session)]


class ProgrammeAnswer(Answer):
    """What a payment is for (补助项目类型), whom it may pay, and what that needs."""

    programme_code: str
    name_zh: str
    name_en: str
    payee_kind: str
    category: str
    functional_class: str
    economic_class: str
    roster_required: bool
    participation_required: bool
    paid_in_full: bool
    standard_parameter: str | None
    rule: str


@router.get("/programmes")
async def list_programmes(call: Reader, session: Reading) -> list[ProgrammeAnswer]:
    """The programmes a payment may be for."""
    return [ProgrammeAnswer.model_validate(row) for row in await policy.programmes(session)]


class ExemptionRuleAnswer(Answer):
    """A reason for going without a tender (招投标豁免); "*" means every category or payee."""

    exemption_code: str
    name_zh: str
    name_en: str
    categories: list[str]
    payee_kinds: list[str]
    limit_parameter: str | None
    rule: str


@router.get("/exemption-rules")
async def list_exemption_rules(call: Reader, session: Reading) -> list[ExemptionRuleAnswer]:
    """The reasons for going without a tender."""
    return [ExemptionRuleAnswer.model_validate(row) for row in await policy.exemption_rules(session)]


class NegativeListAnswer(Answer):
    """An economic class, and all below it, that poverty money never pays (负面清单)."""

    code: str
    economic_class: str
    name_zh: str
    name_en: str


@router.get("/negative-list")
async def list_negative_list(call: Reader, session: Reading) -> list[NegativeListAnswer]:
    """What poverty money never pays."""
    return [NegativeListAnswer.model_validate(row) for row in await policy.negative_list(session)]
