"""Reading committed records for the sealed log: set-based by kind, the lines of long entries streamed.

Called by the sequencer (what to append), the verifier (does the leaf still fit the record?) and ``/v1/log`` (show me
the leaf). Reads immutable rows only, so no snapshot and no lock is needed. Memory: the records of one call and one
chunk of lines, whatever the length of an entry. The plans rest on indexes: callers with more than a few records use a
connection with `SERVER_SETTINGS`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.sealing import leaf
from fundledger.sealing.canonical import canonical
from fundledger.sealing.inner import Chunk, InnerTree
from fundledger.sealing.leaf import Row, Side
from fundledger.sealing.merkle import leaf_hash

SERVER_SETTINGS: Final = {
    "application_name": "fundledger-sealing",
    # Everything here is looked up by key. A plan made while a table was small must not read it whole later.
    # What the log's key signs must be on disk, whatever the server does for others.
    "synchronous_commit": "on",
    "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off",
}  # fmt: skip
PREFER_INDEXES: Final = ", ".join(f"set_config('{name}', 'off', true)" for name in (
    "enable_seqscan", "enable_hashjoin", "enable_mergejoin"))  # fmt: skip
LONG_LINES = 200
"""Entries with more lines are read with a cursor of their own."""
CHUNK = 2_000
ACCOUNTS_MAX = 20_000

LINE_COLUMNS = """t.book, t.entry_id, t.line_no, t.debit_account, t.credit_account, t.amount, t.debit_before,
    t.debit_after, t.credit_before, t.credit_after, t.payee_id, t.undoes_entry_id, t.undoes_line_no, t.undoes_before,
    t.settles_entry_id, t.settles_line_no, t.reissues_entry_id, t.reissues_line_no,
    p.household_id, p.programme_code, p.period, p.quantity, p.participation_ref, p.exception_document_no,
    p.name_commitment, p.card_commitment"""
_PAYMENT = """LEFT JOIN payment_line p ON {pays} AND p.book = t.book AND p.instruction_id = {instruction}
    AND p.line_no = t.line_no"""
_LONG = f"""SELECT {LINE_COLUMNS} FROM transfer t {_PAYMENT.format(pays="$3::boolean", instruction="$4::uuid")}
    WHERE t.book = $1 AND t.entry_id = $2 AND t.line_no > $5 ORDER BY t.line_no LIMIT $6"""
_SHORT = f"""SELECT {LINE_COLUMNS}
    FROM unnest($1::bigint[], $2::uuid[], $3::boolean[], $4::uuid[]) k (book, entry_id, pays, instruction_id)
    JOIN transfer t ON t.book = k.book AND t.entry_id = k.entry_id
    {_PAYMENT.format(pays="k.pays", instruction="k.instruction_id")} ORDER BY t.book, t.entry_id, t.line_no"""

_ENTRY = """SELECT e.*, n.release_kind, n.exception_document_no, p.project_id, p.programme_code, p.period,
    p.entitlement_on, p.payee_kind, p.pay_method, p.is_final, p.procurement_id, p.claim_id
FROM unnest($1::bigint[], $2::uuid[]) k (book, record_id)
JOIN entry e ON e.book = k.book AND e.entry_id = k.record_id
JOIN book b ON b.book = e.book
-- A crossing is asked for in the city's book; the district has no instruction of its own for its side.
LEFT JOIN instruction n ON n.instruction_id = e.instruction_id
    AND n.book = CASE WHEN e.crossing_id IS NULL THEN e.book ELSE coalesce(b.parent_book, b.book) END
LEFT JOIN payment_list p ON p.book = e.book AND p.instruction_id = e.instruction_id"""

_ACCOUNTS = """SELECT a.*, coalesce(l.fund_code, b.fund_code) AS fund_code,
    coalesce(l.fiscal_year, b.fiscal_year) AS fiscal_year, l.district, l.village_code, l.document_no
FROM unnest($1::bigint[], $2::uuid[]) k (book, account_id)
JOIN account a ON a.book = k.book AND a.account_id = k.account_id
LEFT JOIN allocation l ON l.book = a.book AND l.allocation_id = a.allocation_id
LEFT JOIN budget_line b ON b.book = a.book AND b.budget_line_id = a.budget_line_id"""

_KEYED = "FROM unnest($1::bigint[], $2::uuid[], $3::integer[]) k (book, record_id, version) JOIN"
_SIMPLE: dict[str, tuple[str, str, Callable[[Row], dict[str, object]]]] = {
    "approval": (f"SELECT r.* {_KEYED} approval r ON r.book = k.book AND r.approval_id = k.record_id",
                 "approval_id", leaf.approval),
    # As text: whoever made the connection may have taught it another way to read jsonb.
    "refusal": (
        f"SELECT r.*, r.detail::text AS detail_text {_KEYED} refusal r "
        "ON r.book = k.book AND r.refusal_id = k.record_id",
        "refusal_id", leaf.refusal),
    "notice": (
        f"SELECT r.* {_KEYED} notice r ON r.book = k.book AND r.notice_id = k.record_id AND r.version = k.version",
        "notice_id", leaf.notice),
    # Parameters hold for every book and are sealed in the city's.
    "parameter": (
        f"SELECT k.book, r.*, a.proposal_id, a.approver_id, p.proposed_by {_KEYED} parameter r "
        "ON r.parameter_id = k.record_id "
        "LEFT JOIN parameter_approval a ON a.book = k.book AND a.parameter_id = r.parameter_id "
        "LEFT JOIN parameter_proposal p ON p.book = a.book AND p.proposal_id = a.proposal_id",
        "parameter_id", leaf.parameter),
    "period_close": (f"SELECT r.* {_KEYED} period_close r ON r.book = k.book AND r.period_close_id = k.record_id",
                     "period_close_id", leaf.period_close),
    "year_close": (f"SELECT r.* {_KEYED} year_close r ON r.book = k.book AND r.year_close_id = k.record_id",
                   "year_close_id", leaf.year_close),
    "erasure": (
        f"SELECT e.*, p.document_no, p.proposed_by, s.lists_text {_KEYED} erasure e "
        "ON e.book = k.book AND e.erasure_id = k.record_id "
        "JOIN erasure_proposal p ON p.book = e.book AND p.proposal_id = e.proposal_id "
        "CROSS JOIN LATERAL (SELECT json_agg(json_build_object('instruction_id', s.instruction_id, 'lines', s.lines, "
        "'line_count', s.line_count, 'commitments_sha256', encode(s.commitments_sha256, 'hex')) "
        "ORDER BY s.instruction_id)::text AS lists_text FROM erasure_scope(e.book, e.proposal_id) s) s",
        "erasure_id", leaf.erasure),
}  # fmt: skip


async def prefer_indexes(connection: Connection) -> None:
    """The same settings for the rest of the transaction, on a connection that serves others too."""
    await connection.fetchrow(f"SELECT {PREFER_INDEXES}")


class Ref(NamedTuple):
    """Which record; `version` tells the versions of a notice apart and is 1 for all other kinds."""

    book: int
    kind: str
    record_id: UUID
    version: int = 1


class Leaf(NamedTuple):
    """A record's canonical bytes and their hash; of an entry also its lines' root, and what is kept of their tree."""

    ref: Ref
    data: bytes
    leaf_hash: bytes
    lines_root: bytes | None
    chunks: Sequence[Chunk] = ()


Inner = tuple[bytes, list[Chunk]]
"""The root over an entry's lines, and what is kept of their tree."""


class Accounts:
    """What lines say of accounts, remembered: accounts never change. One per process or call."""

    def __init__(self, most: int | None = ACCOUNTS_MAX) -> None:
        """Forget them all when there are more than `most`; None: never."""
        self._most = most
        self._known: dict[tuple[int, UUID], Side] = {}

    @property
    def known(self) -> Mapping[tuple[int, UUID], Side]:
        """Every account that was met (since they were forgotten)."""
        return self._known

    async def sides(self, connection: Connection, rows: Sequence[Row]) -> dict[tuple[int, UUID], Side]:
        """Every account that the transfers name."""
        wanted = {(row["book"], row[name]) for row in rows for name in ("debit_account", "credit_account")}
        sides = {key: self._known[key] for key in wanted if key in self._known}
        missing = sorted(wanted - sides.keys())
        if missing:
            books, accounts = [book for book, _ in missing], [account for _, account in missing]
            found = await connection.fetch(_ACCOUNTS, books, accounts)
            sides.update(((row["book"], row["account_id"]), leaf.side_of(row)) for row in found)
            if self._most is not None and len(self._known) > self._most:
                self._known.clear()
            self._known.update(sides)
        return sides


async def entry_rows(connection: Connection, refs: Sequence[Ref]) -> dict[Ref, Row]:
    """The headers of entries, without their lines."""
    rows = await connection.fetch(_ENTRY, [ref.book for ref in refs], [ref.record_id for ref in refs])
    found = {(row["book"], row["entry_id"]): row for row in rows}
    return {ref: found[ref.book, ref.record_id] for ref in refs}


async def leaves(
    connection: Connection,
    refs: Sequence[Ref],
    accounts: Accounts,
    entries: Mapping[Ref, Row] | None = None,
    hashed: Mapping[tuple[int, UUID], Inner] | None = None,
) -> list[Leaf]:
    """The leaves of the records, in the order asked for; `entries` and `hashed` spare reading headers and lines again.

    KeyError if a record does not exist: what is queued was committed with its record, so that is a broken book.
    """
    by_kind: dict[str, list[Ref]] = {}
    for ref in refs:
        by_kind.setdefault(ref.kind, []).append(ref)
    made: dict[Ref, tuple[bytes, bytes | None, Sequence[Chunk]]] = {}
    for kind, some in by_kind.items():
        if kind == "entry":
            headers = entries if entries is not None else await entry_rows(connection, some)
            roots = dict(hashed or {})
            unread = [headers[ref] for ref in some if (ref.book, ref.record_id) not in roots]
            roots |= await _roots(connection, unread, accounts)
            for ref in some:
                lines_root, chunks = roots[ref.book, ref.record_id]
                made[ref] = canonical(leaf.entry(headers[ref], lines_root)), lines_root, chunks
        else:
            made.update((ref, (data, None, ())) for ref, data in (await _simple(connection, kind, some)).items())
    return [Leaf(ref, made[ref][0], leaf_hash(made[ref][0]), *made[ref][1:]) for ref in refs]


async def lines(
    connection: Connection, entry: Row, accounts: Accounts, *, after: int = 0, chunk: int | None = None
) -> AsyncIterator[tuple[int, bytes]]:
    """The lines of one entry beyond a line number, in order: number and canonical bytes. Streams; any length."""
    arguments = (entry["book"], entry["entry_id"], entry["entry_kind"] in leaf.PAYMENTS, entry["instruction_id"])
    size = chunk or CHUNK
    while rows := await connection.fetch(_LONG, *arguments, after, size):
        sides = await accounts.sides(connection, rows)
        for row in rows:
            yield row["line_no"], line_bytes(row, sides)
        after = rows[-1]["line_no"]
        if len(rows) < size:
            return


async def _simple(connection: Connection, kind: str, refs: Sequence[Ref]) -> dict[Ref, bytes]:
    query, id_column, build = _SIMPLE[kind]
    rows = await connection.fetch(
        query, [ref.book for ref in refs], [ref.record_id for ref in refs], [ref.version for ref in refs]
    )
    versioned = kind == "notice"
    found = {(row["book"], row[id_column], row["version"] if versioned else 1): canonical(build(row)) for row in rows}
    return {ref: found[ref.book, ref.record_id, ref.version] for ref in refs}


async def _roots(connection: Connection, entries: Sequence[Row], accounts: Accounts) -> dict[tuple[int, UUID], Inner]:
    """The Merkle root over the lines of each entry, and what is kept of the tree."""
    roots: dict[tuple[int, UUID], Inner] = {}
    short = [row for row in entries if row["line_count"] <= LONG_LINES]
    for start in range(0, len(short), CHUNK):
        roots.update(await _short_roots(connection, short[start : start + CHUNK], accounts))
    for row in entries:
        if row["line_count"] > LONG_LINES:
            tree = InnerTree()
            async for _, data in lines(connection, row, accounts):
                tree.append(leaf_hash(data))
            roots[row["book"], row["entry_id"]] = tree.finish()
    return roots


async def many_lines(
    connection: Connection, entries: Sequence[Row], accounts: Accounts
) -> dict[tuple[int, UUID], list[tuple[int, bytes]]]:
    """The lines (number and canonical bytes, in order) of several short entries in one statement."""
    rows = await connection.fetch(_SHORT, *_columns(entries))
    sides = await accounts.sides(connection, rows)
    found: dict[tuple[int, UUID], list[tuple[int, bytes]]] = {(row["book"], row["entry_id"]): [] for row in entries}
    for row in rows:
        found[row["book"], row["entry_id"]].append((row["line_no"], line_bytes(row, sides)))
    return found


async def _short_roots(
    connection: Connection, entries: Sequence[Row], accounts: Accounts
) -> dict[tuple[int, UUID], Inner]:
    roots: dict[tuple[int, UUID], Inner] = {}
    for key, made in (await many_lines(connection, entries, accounts)).items():
        tree = InnerTree()
        for _, data in made:
            tree.append(leaf_hash(data))
        roots[key] = tree.finish()
    return roots


def _columns(entries: Iterable[Row]) -> list[list[Any]]:
    rows = [(row["book"], row["entry_id"], row["entry_kind"] in leaf.PAYMENTS, row["instruction_id"])
            for row in entries]  # fmt: skip
    return [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]


def line_bytes(row: Row, sides: dict[tuple[int, UUID], Side]) -> bytes:
    """The canonical bytes of a line, from a row of `LINE_COLUMNS` and the sides its accounts are."""
    book = row["book"]
    return canonical(leaf.line(row, sides[book, row["debit_account"]], sides[book, row["credit_account"]]))
