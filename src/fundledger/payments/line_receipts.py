"""What a person's payment receipt says (收款凭据): one line of a paid list, as sealed, with the payee masked.

Called by ``GET …/lines/{line_no}/receipt``. The line must be in the log under a checkpoint, and every figure is read
from the bytes that are proven, not from the tables beside them. Names of programmes, projects and villages are looked
up for reading; they are what the registry says today. Reads only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.payments.erasures import erased_by
from fundledger.payments.store import open_private
from fundledger.registry.vault import Vault, mask_card, mask_name
from fundledger.sealing.merkle import leaf_hash
from fundledger.sealing.proofs import prove
from fundledger.sealing.published import newest
from fundledger.sealing.records import Accounts, Ref, prefer_indexes

QR_HEADER: Final = "fundledger-line-receipt-v1"
_LINE = """
SELECT e.instruction_id, p.line_no IS NOT NULL AS pays, l.payee_kind, e.document_no, e.effective_on, s.sealed, t.state,
       t.returned_on, g.name_zh AS programme_zh, g.name_en AS programme_en, j.code AS project_code, j.name AS project,
       v.name AS village, o.name AS organisation, b.name AS district, f.name_zh AS fund_zh, f.name_en AS fund_en
FROM entry e
JOIN book b ON b.book = e.book
JOIN transfer x ON x.book = e.book AND x.entry_id = e.entry_id AND x.line_no = $3
LEFT JOIN payment_list l ON l.book = e.book AND l.instruction_id = e.instruction_id
LEFT JOIN payment_line p ON p.book = e.book AND p.instruction_id = e.instruction_id AND p.line_no = $3
LEFT JOIN payment_line_private s ON s.book = p.book AND s.instruction_id = p.instruction_id AND s.line_no = p.line_no
LEFT JOIN payment_line_state t ON t.book = p.book AND t.instruction_id = p.instruction_id AND t.line_no = p.line_no
LEFT JOIN programme g ON g.programme_code = p.programme_code
LEFT JOIN LATERAL (SELECT j.code, j.name FROM project j WHERE j.book = l.book AND j.project_id = l.project_id
                   ORDER BY j.version DESC LIMIT 1) j ON true
LEFT JOIN household h ON h.book = p.book AND h.household_id = p.household_id
LEFT JOIN division v ON v.book = h.book AND v.code = h.village_code
LEFT JOIN organisation o ON l.payee_kind = 'organisation' AND o.book = p.book AND o.organisation_id = p.payee_id
LEFT JOIN account a ON a.book = x.book AND a.account_id = x.credit_account
LEFT JOIN allocation i ON i.book = a.book AND i.allocation_id = a.allocation_id
LEFT JOIN fund f ON f.fund_code = i.fund_code
WHERE e.book = $1 AND e.entry_id = $2 AND e.entry_kind IN ('pay', 'advance', 'pay_other')
"""


@dataclass(frozen=True, slots=True)
class LineReceipt:
    """A receipt: `line` and `entry` are the sealed records, `shown` what was looked up beside them.

    `payee` and `card` are masked; None where they were erased (then `erasure_id` says by which erasure) or do not open.
    """

    book: int
    entry_id: UUID
    line_no: int
    line: dict[str, Any]
    entry: dict[str, Any]
    line_hash: bytes
    entry_hash: bytes
    position: int
    size: int
    origin: str
    shown: dict[str, Any]
    payee: str | None
    card: str | None
    erasure_id: UUID | None

    @property
    def receipt_id(self) -> str:
        """The receipt's name: book, entry and line."""
        return f"{self.book}/{self.entry_id}/{self.line_no}"

    @property
    def qr_text(self) -> str:
        """What the QR code holds: no personal data, and nothing that leads anywhere."""
        return f"{QR_HEADER}\nid {self.receipt_id}\nleaf {self.line_hash.hex()}\nlog {self.origin}\n"


async def line_receipt(
    connection: Connection, vault: Vault, accounts: Accounts, book: int, entry_id: UUID, line_no: int
) -> LineReceipt:
    """The receipt of a payment's line.

    Raises `receipt-not-a-payment` (no such line of a payment in this book), `log-record-not-sealed`,
    `log-checkpoint-not-found`, `log-record-altered`.
    """
    row = await connection.fetchrow(_LINE, book, entry_id, line_no)
    if row is None or not row["pays"]:
        raise problem("receipt-not-a-payment")
    await prefer_indexes(connection)
    under = await newest(connection)
    ref = Ref(book, "entry", entry_id)
    proven = await prove(connection, under.size, {ref: [line_no]}, accounts)
    if proven.unsealed:
        raise problem("log-record-not-sealed", size=str(under.size))
    proof = proven.proofs[ref]
    (line,) = proof.lines
    private = open_private(vault, book, row["instruction_id"], line_no, row["sealed"]) if row["sealed"] else {}
    erasure_id = None if row["sealed"] else await erased_by(connection, book, row["instruction_id"], line_no)
    named = mask_name(private["name"]) if "name" in private else None
    return LineReceipt(
        book, entry_id, line_no, json.loads(line.data), json.loads(proof.data), leaf_hash(line.data),
        leaf_hash(proof.data), proof.position, under.size, under.checkpoint.origin, dict(row),
        # The name of an organisation is public; a person's is not.
        row["organisation"] or named, mask_card(private["card"]) if "card" in private else None, erasure_id,
    )  # fmt: skip
