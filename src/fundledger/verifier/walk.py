"""Reads the log in its order: each leaf, the lines and the text that belong to it, and every check over them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from fundledger.errors import problem
from fundledger.sealing.checkpoint import decode_hash
from fundledger.sealing.merkle import leaf_hash
from fundledger.sealing.note import NoteError
from fundledger.verifier import approvals
from fundledger.verifier.container import CONTENTS, LEAVES, LINES, Container
from fundledger.verifier.contents import ContentError, LineDigest, Reader, line_key
from fundledger.verifier.five import END_CHECKS, ENTRY_CHECKS, FIVE_LINE_CHECKS
from fundledger.verifier.manifest import ContentRow, LeafRow, LineRow
from fundledger.verifier.money import LINE_CHECKS, remember
from fundledger.verifier.multiproof import ProofError, root_of
from fundledger.verifier.schema import (
    ID_FIELD,
    Approval,
    Entry,
    Entry1,
    Entry2,
    Line,
    SchemaError,
    fen,
    read_line,
    read_record,
)
from fundledger.verifier.state import Content, Item, Open, Posted, Walk

ALL_LINE_CHECKS = (*LINE_CHECKS, *FIVE_LINE_CHECKS)


class Walker:
    """Keeps the places in ``lines.ndjson`` and ``contents.ndjson`` while the leaves go by."""

    def __init__(self, container: Container, walk: Walk) -> None:
        """Begin at the first leaf."""
        self._walk = walk
        self._lines = container.rows(LINES, msgspec.json.Decoder(LineRow))
        self._contents = container.rows(CONTENTS, msgspec.json.Decoder(ContentRow))
        self._line = next(self._lines, None)
        self._content = next(self._contents, None)
        self._made = 0

    def leaf(self, row: LeafRow) -> bytes:
        """The hash of a leaf, after everything was checked that belongs to it."""
        walk, report = self._walk, self._walk.report
        place = {"position": row.position, "kind": row.kind[:20], "book": row.book[:12], "id": row.id[:36]}
        report.made("leaves-are-their-hashes")
        report.made("canonical-form")
        held = _held(row)
        if row.data is None:
            report.fault("records-are-there", **place, reason="the record behind this leaf is gone")
            self._skip(row.position)
            return held
        data = _bytes(row.data, LEAVES)
        leaf = leaf_hash(data)
        if leaf != held:
            report.fault("leaves-are-their-hashes", **place, log=held.hex(), computed=leaf.hex())
        try:
            record = read_record(row.kind, data)
            if (record.book, getattr(record, ID_FIELD[row.kind])) != (row.book, row.id):
                raise SchemaError("the row names another record")
            if isinstance(record, Entry1 | Entry2):
                self._entry(row, record)
            elif isinstance(record, Approval):
                digest, content = self._text(row.position)
                approvals.approval(walk, row.position, record, content, digest)
        except SchemaError as error:
            report.fault("canonical-form", **place, reason=str(error))
        self._skip(row.position)
        return leaf

    def finish(self) -> None:
        """Nothing may be left over; and how often the checks of lines were made."""
        for name, rest in ((LINES, self._line), (CONTENTS, self._content)):
            if rest is not None:
                self._walk.report.fault("lines-in-their-entry", position=rest.position, member=name,
                                        reason="belongs to no record of the bundle")  # fmt: skip
        for name in {name for name, _ in ALL_LINE_CHECKS}:
            self._walk.report.made(name, self._made)

    def _entry(self, row: LeafRow, entry: Entry) -> None:
        walk, report = self._walk, self._walk.report
        here = Open(row.position, entry, row.line_nodes is None, entry.effective_on)
        for name, check in ENTRY_CHECKS:
            report.made(name)
            found = check(walk, here)
            if found is not None:
                walk.fault(name, here, None, found)
        if not here.whole and walk.holds_entries(entry.book):
            walk.lacks("records-are-there", here, reason="some of its lines are left out")
        digest = LineDigest()
        report.made("lines-in-their-entry")
        try:
            nodes = iter([decode_hash(text) for text in row.line_nodes or ()])
            made = root_of(self._own_lines(here, digest), nodes, entry.line_count)
            if made.hex() != entry.lines_root:
                walk.fault("lines-in-their-entry", here, None, {"lines_root": entry.lines_root, "computed": made.hex()})
        except (ProofError, NoteError) as error:
            walk.fault("lines-in-their-entry", here, None, {"reason": str(error)})
        self._closing(here)
        approvals.entry(walk, Posted(row.position, entry, digest.finish() if here.whole else None))

    def _closing(self, here: Open) -> None:
        """After the lines: what they add up to."""
        entry, total = here.entry, fen(here.entry.total)
        self._walk.report.made("entries-add-up")
        whole = here.lines == entry.line_count and here.total == total
        part = here.lines <= entry.line_count and here.total <= total
        if not (whole if here.whole else part):
            self._walk.fault("entries-add-up", here, None, {
                "line_count": entry.line_count, "lines": here.lines, "total": entry.total,
                "lines_total": f"{here.total // 100}.{here.total % 100:02d}"})  # fmt: skip
        for name, check in END_CHECKS:
            found = check(self._walk, here)
            if found is not None:
                self._walk.fault(name, here, None, found)

    def _own_lines(self, here: Open, digest: LineDigest) -> Iterator[tuple[int, bytes]]:
        """Index and hash of the lines at this position, each checked as it goes by."""
        while self._line is not None and self._line.position == here.position:
            row = self._line
            data = _bytes(row.data, LINES)
            try:
                self._check(here, row, read_line(data), digest)
            except (SchemaError, ContentError) as error:
                self._walk.fault("canonical-form", here, row.line_no, {"reason": str(error)})
            yield row.line_no - 1, leaf_hash(data)
            self._line = next(self._lines, None)

    def _check(self, here: Open, row: LineRow, line: Line, digest: LineDigest) -> None:
        if (line.book, line.entry_id, line.line_no) != (here.entry.book, here.entry.entry_id, row.line_no):
            self._walk.fault("lines-in-their-entry", here, row.line_no, {"reason": "a line of another entry"})
            return
        item = Item(here, line, fen(line.amount), (fen(line.debit_before), fen(line.debit_after)),
                    (fen(line.credit_before), fen(line.credit_after)))  # fmt: skip
        here.lines += 1
        here.total += item.amount
        here.reissues += "reissues" in line.__struct_fields__ and getattr(line, "reissues", None) is not None
        self._made += 1
        digest.add(line.line_no, line_key(line, item.amount))
        for name, check in ALL_LINE_CHECKS:
            found = check(self._walk, item)
            if found is not None:
                self._walk.fault(name, here, line.line_no, found)
        remember(self._walk, item)

    def _text(self, position: int) -> tuple[bytes | None, Content | None]:
        """Digest and content of the text at this position; None and None if there is none."""
        if self._content is None or self._content.position != position:
            return None, None
        reader = Reader()
        while self._content is not None and self._content.position == position:
            reader.feed(self._content.text)
            self._content = next(self._contents, None)
        return reader.finish()

    def _skip(self, position: int) -> None:
        """Rows that stand at this position, or before it, and were not asked for, are told of."""
        while self._line is not None and self._line.position <= position:
            self._stray(LINES, self._line.position)
            self._line = next(self._lines, None)
        while self._content is not None and self._content.position <= position:
            self._stray(CONTENTS, self._content.position)
            self._content = next(self._contents, None)

    def _stray(self, member: str, position: int) -> None:
        reason = "belongs to no record of the bundle, or stands out of order"
        self._walk.report.fault("lines-in-their-entry", position=position, member=member, reason=reason)


def _held(row: LeafRow) -> bytes:
    try:
        held = bytes.fromhex(row.hash)
    except ValueError:
        held = b""
    if len(held) != 32:
        raise problem("bundle-member-malformed", member=LEAVES, line=0, reason="not a hash")
    return held


def _bytes(text: str, member: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise problem("bundle-member-malformed", member=member, line=0, reason="not UTF-8") from error
