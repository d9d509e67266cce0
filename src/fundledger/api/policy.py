"""The policy, for every office to read: parameters, funds, programmes, exemptions from tendering, the negative list."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, reads
from fundledger.api.wire import Answer
from fundledger.money import format_yuan
from fundledger.policy import reads as policy
from fundledger.policy.tables import Parameter

router = APIRouter(prefix="/v1", tags=["policy"])
Reader = Annotated[Call, reads(EVERYBODY)]


class ParameterAnswer(Answer):
    """One version of a parameter (政策参数); `value` is a decimal in `unit`, money in yuan."""

    code: str
    version: int
    value: str
    unit: Literal["yuan", "percent", "days", "workdays", "months", "count", "bytes"]
    valid_from: date
    valid_to: date | None
    source: str
    note: str

    @classmethod
    def of(cls, row: Parameter) -> ParameterAnswer:
        """The answer about a row; fen leave as yuan."""
        money = row.unit == "fen"
        return cls(
            code=row.code, version=row.version, value=format_yuan(row.value) if money else str(row.value),
            unit="yuan" if money else row.unit,
            valid_from=row.valid_from, valid_to=row.valid_to, source=row.source, note=row.note,
        )  # fmt: skip


class ParametersAnswer(Answer):
    """Parameters: of each the version that counts on a day, or all versions."""

    on: date | None
    parameters: list[ParameterAnswer]


@router.get("/parameters")
async def list_parameters(
    call: Reader,
    session: Reading,
    on: Annotated[date | None, Query(description="As of this day; without it, all versions.")] = None,
) -> ParametersAnswer:
    """Every limit, day count, percentage and standard with its source; as of a day, or all versions."""
    rows = await policy.parameters(session, on)
    return ParametersAnswer(on=on, parameters=[ParameterAnswer.of(row) for row in rows])


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
