"""`verify_bundle`: the two readings of a bundle, and what comes of them.

First reading: every member is what the manifest says, rows are well formed, and what later lines refer to is noted.
Second: the log in its order, each leaf with its lines and its text, through every check (`walk`). The log's root is
computed while the leaves go by.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from fundledger.errors import problem
from fundledger.sealing.checkpoint import decode_hash
from fundledger.sealing.note import NoteError
from fundledger.sealing.progress import Told, silent
from fundledger.verifier import approvals
from fundledger.verifier.container import (
    LEAVES,
    LINES,
    MANIFEST,
    NODES,
    NOTE,
    OPENINGS,
    RECORDS,
    TRAIL,
    Container,
)
from fundledger.verifier.manifest import LeafRow, LineRow, Manifest, RecordRow
from fundledger.verifier.money import reference_key
from fundledger.verifier.multiproof import ProofError, root_of
from fundledger.verifier.openings import check_openings
from fundledger.verifier.registry import Registry
from fundledger.verifier.report import Report
from fundledger.verifier.schema import Line2, Notice, Parameter1, Parameter2, SchemaError, read_line, read_record
from fundledger.verifier.slices import TRAILS, check_trail
from fundledger.verifier.state import LineKey, Original, Walk
from fundledger.verifier.trust import Older, Trust, check_signatures, read_manifest
from fundledger.verifier.walk import Walker

TOLD_EACH = 1_000
_REFERS = ('"undoes":{', '"settles":{', '"reissues":{')
_LEAF = msgspec.json.Decoder(LeafRow)
_LINE = msgspec.json.Decoder(LineRow)


def verify_bundle(path: Path, trust: Trust, told: Told = silent) -> Report:
    """Verify a bundle, telling how far it is; FundledgerError (catalogue/bundle.py) if it can't be read as one."""
    report = Report()
    with Container(path) as container:
        manifest, text = read_manifest(container)
        scope = manifest.scope
        report.scope = {"kind": scope.kind, "book": scope.book, "ref": scope.ref, "size": manifest.size,
                        "origin": manifest.origin, "counts": manifest.counts}  # fmt: skip
        _members(container, manifest, report)
        checkpoint = check_signatures(container, manifest, text, trust, report)
        older = Older(container, manifest, trust, report)
        if report.outcomes["members-fit-the-manifest"].faults == 0:
            walk = Walk(report, scope, manifest.size, _registry(container), _originals(container))
            walk.closed = frozenset(scope.closed)
            _walk(container, walk, older, checkpoint.root, told)
        older.finish(checkpoint)
    return report


def _members(container: Container, manifest: Manifest, report: Report) -> None:
    """Each member is there with its digest, and no other."""
    listed = set(manifest.sha256)
    present = container.names - {MANIFEST, NOTE}
    for name in sorted(listed ^ present):
        report.fault("members-fit-the-manifest", member=name[:60], reason="in the file or in the manifest only")
    for name in sorted(listed & present):
        report.made("members-fit-the-manifest")
        found = container.sha256(name)
        if found != manifest.sha256[name]:
            report.fault("members-fit-the-manifest", member=name, listed=manifest.sha256[name][:64], computed=found)


def _registry(container: Container) -> Registry:
    registry = Registry()
    decoder = msgspec.json.Decoder(RecordRow)
    for number, row in enumerate(container.rows(RECORDS, decoder), start=1):
        registry.add(row, number)
    for leaf in container.rows(LEAVES, _LEAF):
        if leaf.kind not in ("notice", "parameter"):
            continue
        try:
            record = read_record(leaf.kind, (leaf.data or "").encode())
        except (SchemaError, UnicodeError):
            continue  # named when it is met
        if isinstance(record, Notice):
            registry.notice(record)
        elif isinstance(record, Parameter1 | Parameter2):
            registry.parameter(record)
    return registry


def _originals(container: Container) -> dict[LineKey, Original]:
    """The lines that other lines undo, settle or re-issue: only those are remembered in the second reading."""
    found: dict[LineKey, Original] = {}
    for row in container.rows(LINES, _LINE):
        if not any(word in row.data for word in _REFERS):
            continue
        try:
            line = read_line(row.data.encode())
        except (SchemaError, UnicodeError):
            continue  # named when it is met
        more = (line.settles, line.reissues) if isinstance(line, Line2) else ()
        for reference in (line.undoes, *more):
            if reference is not None:
                found[reference_key(line.book, reference)] = Original()
    return found


def _walk(container: Container, walk: Walk, older: Older, root: bytes, told: Told) -> None:
    walker = Walker(container, walk)
    there, total = 0, walk.report.scope["counts"].get(LEAVES, 0)

    def leaves() -> Iterator[tuple[int, bytes]]:
        nonlocal there
        for row in container.rows(LEAVES, _LEAF):
            there += 1
            if there % TOLD_EACH == 0 or there == total:
                told("records", there, total)
            leaf = walker.leaf(row)
            older.leaf(leaf)
            yield row.position, leaf

    report = walk.report
    report.made("leaves-in-the-log")
    try:
        made = root_of(leaves(), _nodes(container), walk.size)
        if made != root:
            report.fault("leaves-in-the-log", root=root.hex(), computed=made.hex(),
                         reason="the records are not those under the checkpoint's root")  # fmt: skip
    except ProofError as error:
        report.fault("leaves-in-the-log", reason=str(error))
    else:
        walker.finish()
        _end(container, walk, there)


def _end(container: Container, walk: Walk, there: int) -> None:
    """After the last leaf (`there` were read): what is left out, and what rests on all of them."""
    report = walk.report
    if walk.whole and there < walk.size:
        report.incomplete("records-are-there", member=LEAVES, missing=walk.size - there,
                          reason="of the whole log some records are left out")  # fmt: skip
    approvals.finish(walk)
    if TRAIL in container.names:
        check_trail(container, walk)
    elif walk.scope.kind in TRAILS:
        report.incomplete("trail-follows-the-money", member=TRAIL, reason="the trail's slices are not there")
    if OPENINGS in container.names:
        check_openings(container, walk)
    elif walk.scope.openings:
        report.incomplete("openings-fit", member=OPENINGS, reason="the openings are not there")


def _nodes(container: Container) -> Iterator[bytes]:
    for number, line in container.lines(NODES):
        try:
            yield decode_hash(line.decode("ascii"))
        except (NoteError, UnicodeDecodeError) as error:
            raise problem("bundle-member-malformed", member=NODES, line=number, reason="not a hash") from error
