"""Where payees' money goes: cards of persons, accounts of organisations, and organisations on the negative list.

Numbers travel in bodies only and are answered masked. A changed card or account waits until an approver confirms it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.access.policy import EVERYBODY
from fundledger.api.deps import Call, Reading, Writing, reads, writes
from fundledger.api.fields import Version
from fundledger.api.households import FILE, ImportAnswer, Preview, uploaded
from fundledger.api.records import once
from fundledger.api.registry import MAKERS
from fundledger.api.wire import Answer, Body, Text
from fundledger.db.connection import Connection
from fundledger.db.database import driver_of
from fundledger.payments.forms import check_account
from fundledger.registry import accounts, flags
from fundledger.registry.cells import Place
from fundledger.registry.flags import NegativeCode
from fundledger.registry.identity import check_card, normalise_card
from fundledger.registry.imports import Counts

router = APIRouter(prefix="/v1/books/{book}", tags=["registry"])
CARD_MAKERS = MAKERS | {"township"}
CardMaker = Annotated[Call, writes(CARD_MAKERS, "maker", level="district")]
AccountMaker = Annotated[Call, writes(MAKERS, "maker", level="district")]
Confirmer = Annotated[Call, writes(MAKERS, "approver", level="district")]
Reader = Annotated[Call, reads(EVERYBODY)]


class CardBody(Body):
    """A person's card (一卡通), by document; `version` is the next one."""

    card: Annotated[str, Field(max_length=40)]
    bank: Annotated[str, Field(max_length=200)] = ""
    document_no: Text
    version: Version = 1


class AccountBody(Body):
    """An organisation's account (对公账户), by document; `version` is the next one."""

    account: Annotated[str, Field(max_length=80)]
    bank: Annotated[str, Field(max_length=200)] = ""
    document_no: Text
    version: Version = 1


class AccountVersionAnswer(Answer):
    """One version, masked; `counts`: payments go there now."""

    version: int
    account: str | None
    bank: str
    document_no: str
    recorded_by: UUID
    recorded_at: datetime
    confirmed_by: UUID | None
    counts: bool


class AccountsAnswer(Answer):
    """Every version of a holder's card or account, newest first."""

    holder_id: UUID
    versions: list[AccountVersionAnswer]


async def _answer(connection: Connection, call: Call, book: int, holder_id: UUID) -> AccountsAnswer:
    found = await accounts.accounts_of(connection, call.services.vault, book, holder_id)
    return AccountsAnswer(holder_id=holder_id, versions=[AccountVersionAnswer.model_validate(row) for row in found])


async def _record(
    book: int, holder_id: UUID, number: str, body: CardBody | AccountBody, call: Call, session: AsyncSession,
    response: Response, *, person: bool,
) -> AccountsAnswer:  # fmt: skip
    connection, vault = await driver_of(session), call.services.vault
    await accounts.check_holder(connection, book, holder_id, person=person)
    await once(
        call, session, response, f"payee_account-{body.version}", holder_id,
        lambda connection, same: accounts.record_account(
            connection, call.caller, vault, book, same, body.version,
            number=number, bank=body.bank, document_no=body.document_no,
        ),
    )  # fmt: skip
    return await _answer(connection, call, book, holder_id)


async def _confirm(
    book: int, holder_id: UUID, version: int, call: Call, session: AsyncSession, response: Response, *, person: bool
) -> AccountsAnswer:
    connection = await driver_of(session)
    await accounts.check_holder(connection, book, holder_id, person=person)
    await once(
        call, session, response, f"payee_account_confirmation-{version}", holder_id,
        lambda connection, same: accounts.confirm_account(connection, call.caller, book, same, version),
    )  # fmt: skip
    return await _answer(connection, call, book, holder_id)


@router.post("/persons/{person_id}/cards", status_code=201)
async def record_card(
    book: int, person_id: UUID, body: CardBody, call: CardMaker, session: Writing, response: Response
) -> AccountsAnswer:
    """Record a person's card: the first counts at once, a changed one when an approver has confirmed it."""
    check_card(body.card)
    return await _record(book, person_id, normalise_card(body.card), body, call, session, response, person=True)


@router.get("/persons/{person_id}/cards")
async def list_cards(book: int, person_id: UUID, call: Reader, session: Reading) -> AccountsAnswer:
    """A person's cards, masked, newest first."""
    connection = await driver_of(session)
    await accounts.check_holder(connection, book, person_id, person=True)
    return await _answer(connection, call, book, person_id)


@router.post("/persons/{person_id}/cards/{version}/confirm", status_code=201)
async def confirm_card(
    book: int, person_id: UUID, version: Version, call: Confirmer, session: Writing, response: Response
) -> AccountsAnswer:
    """Confirm a changed card; by somebody other than whoever recorded it."""
    return await _confirm(book, person_id, version, call, session, response, person=True)


@router.post("/organisations/{organisation_id}/accounts", status_code=201)
async def record_account(
    book: int, organisation_id: UUID, body: AccountBody, call: AccountMaker, session: Writing, response: Response
) -> AccountsAnswer:
    """Record an organisation's account: the first counts at once, a changed one when an approver has confirmed it."""
    check_account(body.account)
    number = normalise_card(body.account)
    return await _record(book, organisation_id, number, body, call, session, response, person=False)


@router.get("/organisations/{organisation_id}/accounts")
async def list_organisation_accounts(
    book: int, organisation_id: UUID, call: Reader, session: Reading
) -> AccountsAnswer:
    """An organisation's accounts, masked, newest first."""
    connection = await driver_of(session)
    await accounts.check_holder(connection, book, organisation_id, person=False)
    return await _answer(connection, call, book, organisation_id)


@router.post("/organisations/{organisation_id}/accounts/{version}/confirm", status_code=201)
async def confirm_account(
    book: int, organisation_id: UUID, version: Version, call: Confirmer, session: Writing, response: Response
) -> AccountsAnswer:
    """Confirm a changed account; by somebody other than whoever recorded it."""
    return await _confirm(book, organisation_id, version, call, session, response, person=False)


class CardItem(Body):
    """A person's card in an upload."""

    identity_number: Annotated[str, Field(max_length=40)]
    card: Annotated[str, Field(max_length=40)]
    bank: Annotated[str, Field(max_length=200)] = ""
    document_no: Text


class CardsBody(Body):
    """Cards, all recorded or none."""

    cards: Annotated[list[CardItem], Field(min_length=1, max_length=10_000)]


@router.post("/cards", status_code=201)
async def record_cards(
    book: int, body: CardsBody, call: CardMaker, session: Writing, response: Response, preview: Preview = False
) -> ImportAnswer:
    """Record cards of many persons; who has that card already is left alone (`member_count` counts the recorded)."""
    rows = [(Place(pointer=f"/cards/{number}"), item.model_dump(mode="json")) for number, item in enumerate(body.cards)]
    return await _cards(book, rows, call, session, response, preview)


@router.post("/cards/import", status_code=201, openapi_extra=FILE)
async def import_cards(
    book: int, request: Request, call: CardMaker, session: Writing, response: Response, preview: Preview = False
) -> ImportAnswer:
    """Record cards from a CSV or .xlsx file: 身份证号, 银行卡号, 文号, and optionally 开户行."""
    return await _cards(book, await request.body(), call, session, response, preview)


async def _cards(
    book: int, data: bytes | list[tuple[Place, dict[str, str]]], call: Call, session: AsyncSession, response: Response,
    preview: bool,
) -> ImportAnswer:  # fmt: skip
    async def run(connection: Connection, new: UUID) -> Counts:
        return await accounts.import_cards(
            connection, call.caller, call.services.vault, book, new, call.request_sha256, data
        )

    return await uploaded(call, session, response, book, "cards", preview, run)


class FlagBody(Body):
    """Flag an organisation by its number on the negative list (or lift it, `flagged` false) from a day on."""

    negative_code: NegativeCode
    valid_from: date
    version: Version = 1
    flagged: bool = True
    reason: Text
    document_no: Text


class FlagAnswer(Answer):
    """A flag, or its lifting."""

    negative_code: str
    valid_from: date
    version: int
    flagged: bool
    reason: str
    document_no: str
    recorded_by: UUID
    recorded_at: datetime


class FlagsAnswer(Answer):
    """Every flag of an organisation."""

    organisation_id: UUID
    flags: list[FlagAnswer]


@router.post("/organisations/{organisation_id}/flags", status_code=201)
async def record_flag(
    book: int, organisation_id: UUID, body: FlagBody, call: AccountMaker, session: Writing, response: Response
) -> FlagsAnswer:
    """Say that poverty money never reaches an organisation; lifted by another person than whoever said it."""
    await once(
        call, session, response, "organisation_flag", organisation_id,
        lambda connection, same: flags.record_flag(connection, call.caller, book, same, **body.model_dump()),
    )  # fmt: skip
    return await _flags(await driver_of(session), book, organisation_id)


@router.get("/organisations/{organisation_id}/flags")
async def list_flags(book: int, organisation_id: UUID, call: Reader, session: Reading) -> FlagsAnswer:
    """An organisation's flags, newest first of each code."""
    return await _flags(await driver_of(session), book, organisation_id)


async def _flags(connection: Connection, book: int, organisation_id: UUID) -> FlagsAnswer:
    found = await flags.flags_of(connection, book, organisation_id)
    return FlagsAnswer(organisation_id=organisation_id, flags=[FlagAnswer.model_validate(row) for row in found])
