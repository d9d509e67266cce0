"""What a route gets: its `Call` (caller, idempotency key, request digest) and a session.

A route declares its demand in its signature (``call: Annotated[Call, reads(EVERYBODY)]``); one dependency checks
token, role, duty and book before anything else happens, and the access test reads the same demand. `Writing` commits
before the answer leaves (scope "function"), so a commit that fails is a refusal and not a lie.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, cast

from fastapi import Depends, Request
from sqlmodel.ext.asyncio.session import AsyncSession

from fundledger.access.policy import Caller, Demand, Duty
from fundledger.access.tokens import Tokens
from fundledger.book.poster import Poster
from fundledger.db.connection import Connection
from fundledger.db.database import Database
from fundledger.db.refusals import refusals
from fundledger.errors import problem
from fundledger.exports.jobs import Exports
from fundledger.payments.paying import LineCounts
from fundledger.registry.vault import Vault
from fundledger.sealing.cosigning import WitnessKeys
from fundledger.sealing.inner_read import Groups
from fundledger.sealing.keys import KeyFile
from fundledger.sealing.records import Accounts
from fundledger.sealing.tree import Nodes
from fundledger.sealing.watch import Watch
from fundledger.settings import Settings

KEY_MAX = 200


@dataclass(slots=True)
class Services:
    """What one process of the service has; stands in ``app.state.services``."""

    settings: Settings
    database: Database
    tokens: Tokens
    poster: Poster
    vault: Vault
    log_keys: KeyFile
    witness_keys: WitnessKeys
    books: frozenset[int]
    exports: Exports
    watch: Watch
    line_counts: LineCounts = field(default_factory=LineCounts)
    accounts: Accounts = field(default_factory=Accounts)
    nodes: Nodes = field(default_factory=Nodes)
    groups: Groups = field(default_factory=Groups)


def services_of(request: Request) -> Services:
    """The process's services."""
    return cast(Services, request.app.state.services)


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised request: who calls, under which key, and the SHA-256 of method, path and body."""

    caller: Caller
    key: str
    request_sha256: bytes
    services: Services


class Allow:
    """The dependency that authorises; ``demand`` is read by the access test and the OpenAPI document."""

    def __init__(self, demand: Demand) -> None:
        self.demand = demand

    async def __call__(self, request: Request) -> Call:
        services = services_of(request)
        caller = await services.tokens.caller(bearer_of(request))
        book = request.path_params.get("book")
        if book is not None:
            book = _book(str(book), services.books)
        self.demand.refuse(caller, book)
        request.state.caller = caller
        if not self.demand.writes:
            return Call(caller, "", b"", services)
        digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
        digest.update(await request.body())
        request.state.request_sha256 = digest.digest()
        return Call(caller, _key(request), digest.digest(), services)


def reads(units: frozenset[str]) -> Any:
    """A route that only reads, for these unit kinds."""
    return Depends(Allow(Demand(units)))


def writes(units: frozenset[str], duty: Duty | None = None, level: Literal["city", "district", "any"] = "any") -> Any:
    """A route that writes: needs an Idempotency-Key, and the caller's own book."""
    return Depends(Allow(Demand(units, duty, writes=True, level=level)))


def remarks(units: frozenset[str]) -> Any:
    """A route by which the city or a watching office says something about a district's book."""
    return Depends(Allow(Demand(units, writes=True, level="district", remarks=True)))


def attests(units: frozenset[str]) -> Any:
    """A route that takes what proves itself by a signature: the same again is the same, so it needs no key."""
    return Depends(Allow(Demand(units)))


def bearer_of(request: Request) -> str:
    """The token of the request; raises `token-missing`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise problem("token-missing")
    return token.strip()


def _book(text: str, known: frozenset[int]) -> int:
    book = int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0
    if book not in known:
        raise problem("book-unknown", book=text[:20])
    return book


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not key:
        raise problem("idempotency-key-missing")
    if len(key) > KEY_MAX or not all("!" <= character <= "~" for character in key):
        raise problem("idempotency-key-malformed")
    return key


async def _writing(request: Request) -> AsyncIterator[AsyncSession]:
    with refusals():
        async with services_of(request).database.writing() as session:
            yield session


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    with refusals():
        async with services_of(request).database.reading() as session:
            yield session


async def _snapshot(request: Request) -> AsyncIterator[Connection]:
    with refusals():
        async with services_of(request).database.snapshot() as connection:
            yield connection


Writing = Annotated[AsyncSession, Depends(_writing, scope="function")]
Reading = Annotated[AsyncSession, Depends(_reading, scope="function")]
Snapshot = Annotated[Connection, Depends(_snapshot, scope="function")]
