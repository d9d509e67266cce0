"""Openings: salt and value of a commitment, held against the line that holds the commitment. Values are never told."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from fundledger.verifier.container import LINES, OPENINGS, Container
from fundledger.verifier.manifest import LineRow, OpeningRow
from fundledger.verifier.schema import SchemaError, read_line
from fundledger.verifier.state import Walk

SALT_BYTES = 32


def check_openings(container: Container, walk: Walk) -> None:
    """Every opening fits the commitment of its line; rows of both members stand in one order."""
    lines = container.rows(LINES, msgspec.json.Decoder(LineRow))
    line = next(lines, None)
    for row in container.rows(OPENINGS, msgspec.json.Decoder(OpeningRow)):
        walk.report.made("openings-fit")
        place = {"position": row.position, "kind": "entry", "line": row.line_no, "field": row.field}
        while line is not None and (line.position, line.line_no) < (row.position, row.line_no):
            line = next(lines, None)
        if line is None or (line.position, line.line_no) != (row.position, row.line_no):
            walk.report.fault("openings-fit", **place, reason="an opening of no line of the bundle")
        elif row.salt is None or row.value is None:
            walk.report.incomplete("openings-fit", **place, reason="the opening was erased")
        elif not _fits(line, row):
            walk.report.fault("openings-fit", **place, reason="does not fit the commitment")


def _fits(line: LineRow, row: OpeningRow) -> bool:
    try:
        payment = read_line(line.data.encode()).payment
        salt = bytes.fromhex(row.salt or "")
        value = (row.value or "").encode()
    except (SchemaError, ValueError):
        return False
    if payment is None or len(salt) != SALT_BYTES:
        return False
    wanted = payment.name_commitment if row.field == "name" else payment.card_commitment
    return sha256(b"\x01" + salt + value).hexdigest() == wanted
