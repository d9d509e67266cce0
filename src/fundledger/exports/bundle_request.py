"""From what somebody asks for to a bundle: the scope is looked up, the selection made, the bundle written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final
from uuid import UUID

from fundledger.access.policy import OFFICES, READS_ALL, Caller
from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError, problem
from fundledger.exports.bundle import Request, Sealed, newest_checkpoint, write_bundle
from fundledger.exports.bundle_openings import OPENED, openings
from fundledger.exports.bundle_selection import Everything, Selection, accounts_of, entries_of
from fundledger.exports.bundle_trail import KINDS, edges, lines_of, slices
from fundledger.registry.vault import Vault
from fundledger.sealing.checkpoint import peek
from fundledger.sealing.keys import Keyring
from fundledger.sealing.note import NoteError
from fundledger.sealing.progress import Told, silent
from fundledger.verifier.manifest import Manifest, Scope, ScopeKind


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: `ref` of a kind in a book, as of the newest checkpoint up to a log `position`.

    `older`: the text of a checkpoint that was seen before, to prove consistency with. `openings`: names and accounts of
    exactly these payees.
    """

    kind: ScopeKind = "all"
    book: int | None = None
    ref: str | None = None
    position: int | None = None
    older: str | None = None
    openings: bool = False


def may_open(caller: Caller, book: int) -> bool:
    """Whether somebody may see names and accounts of a book's payees: those who watch, and the book's own offices."""
    return caller.unit_kind in READS_ALL or (caller.book == book and caller.unit_kind in OFFICES)


_CLOSED: Final[dict[str, str]] = {
    "allocation": "SELECT allocation_id AS id FROM allocation WHERE book = $1 AND allocation_id::text = $2",
    "village": "SELECT allocation_id AS id FROM allocation WHERE book = $1 AND village_code = $2 ORDER BY 1",
    "document": "SELECT allocation_id AS id FROM allocation WHERE book = $1 AND document_no = $2 ORDER BY 1",
    "project": "SELECT DISTINCT project_id AS id FROM project WHERE book = $1 AND project_id::text = $2",
}


async def asked_bundle(
    connection: Connection, ring: Keyring, asked: Asked, file: IO[bytes], vault: Vault | None = None,
    told: Told = silent,
) -> Manifest:  # fmt: skip
    """Write what is asked for, in the caller's snapshot; FundledgerError.

    `vault` is needed for openings; that the caller may see them is for the edge to say (`may_open`).
    """
    if asked.openings and (asked.kind not in OPENED or vault is None):
        raise problem("bundle-openings-not-allowed")
    sealed = await newest_checkpoint(connection, None if asked.position is None else asked.position + 1)
    older_size = 0 if asked.older is None else _older(asked.older)
    if asked.kind in KINDS:
        request = await _trail(connection, asked, sealed, vault)
    else:
        request = Request(*await _selected(connection, asked, sealed), sealed)
    request.older, request.older_size = asked.older, older_size
    return await write_bundle(connection, ring, request, file, told)


async def _selected(connection: Connection, asked: Asked, sealed: Sealed) -> tuple[Scope, Selection]:
    if asked.kind == "all":
        return Scope(kind="all", book=None, ref=None, closed=[], openings=False), Everything(sealed.size)
    if asked.book is None or (asked.ref is None) != (asked.kind == "book"):
        raise problem("bundle-scope-malformed")
    ids, closed = await _closed(connection, asked, asked.book)
    of = asked.kind if asked.kind in ("book", "project") else "allocation"
    selection = await accounts_of(connection, of, asked.book, ids, sealed.size)
    if not selection.positions:
        raise _unknown(asked)
    return Scope(kind=asked.kind, book=str(asked.book), ref=asked.ref, closed=closed, openings=False), selection


async def _trail(connection: Connection, asked: Asked, sealed: Sealed, vault: Vault | None) -> Request:
    """The trail of a payee, an entry or a line, upwards to its sources."""
    if asked.book is None or asked.ref is None:
        raise problem("bundle-scope-malformed")
    found = await edges(connection, asked.book, asked.kind, asked.ref, sealed.size)
    if not found:
        raise _unknown(asked)
    selection = await entries_of(connection, await lines_of(connection, found, sealed.size), sealed.size)
    scope = Scope(kind=asked.kind, book=str(asked.book), ref=asked.ref, closed=[], openings=asked.openings)
    opened = await openings(connection, vault, found) if asked.openings and vault is not None else []
    return Request(scope, selection, sealed, slices=await slices(connection, found), openings=opened)


async def _closed(connection: Connection, asked: Asked, book: int) -> tuple[Sequence[UUID], list[str]]:
    """The ids whose accounts are the closed set, and how the scope names them."""
    if asked.kind == "book":
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM book WHERE book = $1)", book):
            raise problem("book-unknown", book=str(book))
        return [], [str(book)]
    ids = [row["id"] for row in await connection.fetch(_CLOSED[asked.kind], book, asked.ref)]
    if not ids:
        raise _unknown(asked)
    return ids, [str(one) for one in ids]


def _unknown(asked: Asked) -> FundledgerError:
    return problem("bundle-scope-unknown", book=str(asked.book), kind=asked.kind, ref=asked.ref or "")


def _older(note: str) -> int:
    try:
        return peek(note).size
    except NoteError as error:
        raise problem("bundle-older-malformed", file="--checkpoint", reason=str(error)) from error
