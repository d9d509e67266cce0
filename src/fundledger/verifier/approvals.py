"""审批: what was approved, by whom, is what was posted. Joins approvals, contents, entries and both sides of crossings.

An approval is kept until the entry that uses it was met, an entry until its approval was: the log may hold them in
either order. A crossing uses its approval twice, once in each book; a second posting of one approval finds none.
"""

from __future__ import annotations

from datetime import datetime

from fundledger.sealing.receipt import SEAL_WITHIN
from fundledger.verifier.money import PAYING
from fundledger.verifier.report import Place
from fundledger.verifier.schema import Approval, Entry, List2
from fundledger.verifier.state import Approved, Content, Posted, Walk

RECENT = 1_000
"""So near to the end of the log, or recorded so shortly before the newest entry as a receipt promises, the other side
of a crossing may stand behind the end: it may wait for a very long entry that the first side passed."""


def approval(walk: Walk, position: int, record: Approval, content: Content | None, digest: bytes | None) -> None:
    """An approval was met, with the text of what was approved (None: not in the bundle)."""
    place: Place = {"position": position, "kind": "approval", "book": record.book, "id": record.approval_id}
    report = walk.report
    report.made("approved-content-unchanged")
    if digest is None:
        _withheld(walk, place)
    elif digest.hex() != record.content_sha256:
        report.fault("approved-content-unchanged", **place, approved=record.content_sha256, computed=digest.hex())
        content = None
    elif content is None or [str(content.header[1]), content.header[2]] != [record.book, record.instruction_id]:
        report.fault("approved-content-unchanged", **place, reason="the text is of another instruction")
        content = None
    if record.instruction_id in walk.approved or record.instruction_id in walk.used:
        report.fault("duties-are-separate", **place, reason="approved twice")
        return
    walk.approved[record.instruction_id] = Approved(position, record, content)
    for posted in walk.waiting.pop(record.instruction_id, []):
        _meet(walk, posted)


def entry(walk: Walk, posted: Posted) -> None:
    """An entry was read with all its lines."""
    record = posted.entry
    walk.newest = max(walk.newest, record.recorded_at)
    walk.report.made("duties-are-separate")
    found = duties(record)
    if found is not None:
        _fault(walk, "duties-are-separate", posted, found)
    if record.instruction_id in walk.approved:
        _meet(walk, posted)
    else:
        walk.waiting.setdefault(record.instruction_id, []).append(posted)
    if record.crossing_id is not None:
        _cross(walk, posted)


def duties(record: Entry) -> Place | None:
    """Maker, approver and payer are different people; a payment, and nothing else, has a payer."""
    if record.maker_id == record.approver_id or record.payer_id in (record.maker_id, record.approver_id):
        return {"maker": record.maker_id, "approver": record.approver_id, "payer": record.payer_id}
    if (record.entry_kind in PAYING) != (record.payer_id is not None):
        return {"payer": record.payer_id, "reason": "a payment has a payer, and nothing else has"}
    return None


def finish(walk: Walk) -> None:
    """At the end of the log: entries that nobody approved, crossings with one side."""
    for waiting in walk.waiting.values():
        for posted in waiting:
            if walk.scope.kind == "all":
                _fault(walk, "duties-are-separate", posted, {"reason": "no approval, or it was used already"})
            else:
                walk.report.incomplete("duties-are-separate", **_place(posted), reason="the approval is not there")
    for posted in walk.crossings.values():
        if walk.scope.kind == "all" and posted.position < walk.size - RECENT and not _fresh(walk, posted):
            detail = {"crossing": posted.entry.crossing_id, "reason": "one side only"}
            _fault(walk, "crossings-are-equal", posted, detail)
        else:
            reason = "the other side is not in the bundle"
            walk.report.incomplete("crossings-are-equal", **_place(posted), reason=reason)


def _fresh(walk: Walk, posted: Posted) -> bool:
    try:
        age = datetime.fromisoformat(walk.newest) - datetime.fromisoformat(posted.entry.recorded_at)
    except (ValueError, TypeError):  # no times of ours
        return False
    return age <= SEAL_WITHIN


def _withheld(walk: Walk, place: Place) -> None:
    text = "the texts of instructions that are not wholly in the scope"
    if walk.scope.kind == "all":
        walk.report.incomplete("approved-content-unchanged", **place, reason="the text is not there")
    elif text not in walk.report.beyond:
        walk.report.beyond.append(text)


def _meet(walk: Walk, posted: Posted) -> None:
    """An entry and its approval."""
    record, approved = posted.entry, walk.approved[posted.entry.instruction_id]
    given = approved.approval
    if (given.approver_id, given.content_sha256) != (record.approver_id, record.content_sha256):
        _fault(walk, "duties-are-separate", posted, {
            "approval": given.approval_id, "approver": record.approver_id, "approved_by": given.approver_id,
            "content": record.content_sha256, "approved_content": given.content_sha256})  # fmt: skip
    elif given.approved_at > record.recorded_at:
        _fault(walk, "duties-are-separate", posted, {"approval": given.approval_id, "reason": "approved afterwards"})
    elif record.crossing_id is None and given.book != record.book:
        _fault(walk, "duties-are-separate", posted, {"approval": given.approval_id, "reason": "of another book"})
    if approved.content is not None:
        walk.report.made("posted-as-approved")
        found = _differs(approved.content, posted, given.book)
        if found is not None:
            _fault(walk, "posted-as-approved", posted, found)
    approved.uses += 1
    if approved.uses == (1 if record.crossing_id is None else 2):
        del walk.approved[record.instruction_id]
        walk.used.add(record.instruction_id)


def _cross(walk: Walk, posted: Posted) -> None:
    crossing = posted.entry.crossing_id
    assert crossing is not None
    other = walk.crossings.pop(crossing, None)
    if other is None:
        walk.crossings[crossing] = posted
        return
    walk.report.made("crossings-are-equal")
    names = ("total", "line_count", "effective_on", "entry_kind", "instruction_id", "content_sha256", "approver_id")
    differing = [name for name in names if getattr(posted.entry, name) != getattr(other.entry, name)]
    if posted.lines is not None and other.lines is not None and posted.lines != other.lines:
        differing.append("lines")
    if posted.entry.book == other.entry.book:
        differing.append("book")
    if differing:
        _fault(walk, "crossings-are-equal", posted, {"crossing": crossing, "other": other.entry.entry_id,
                                                     "differing": differing})  # fmt: skip


def _differs(content: Content, posted: Posted, book: str) -> Place | None:
    """Where an entry is not what its instruction says; the district's side of a crossing has its own accounts."""
    record = posted.entry
    kind, document, day, _, functional, economic, officer, supervisor, release, exception, _, count, total, maker = (
        content.header[3:]
    )
    asked = (kind, document, day, functional, economic, release, exception, count, total, maker)
    done = (
        record.entry_kind, record.document_no, record.effective_on, record.functional_class, record.economic_class,
        record.release_kind, record.exception_document_no, record.line_count, record.total.replace(".", "").lstrip("0"),
        record.maker_id,
    )  # fmt: skip
    if asked != done:
        return {"reason": "the header differs"}
    if record.book != book:
        return None
    if (officer, supervisor) != (record.officer_id, record.supervisor_id):
        return {"reason": "the officers differ"}
    if not _same_list(content, record):
        return {"reason": "the list's header differs"}
    if posted.lines is not None and posted.lines != content.lines:
        return {"reason": "the lines differ"}
    return None


def _same_list(content: Content, record: Entry) -> bool:
    listed = record.list
    if listed is None:
        return content.listed is None
    named = (listed.procurement_id, listed.claim_id) if isinstance(listed, List2) else (None, None)
    return list(content.listed or ()) == [
        listed.project_id, listed.programme_code, listed.period, listed.entitlement_on, listed.payee_kind,
        listed.pay_method, listed.is_final,
    ] and tuple(content.more or (None, None)) == named  # fmt: skip


def _fault(walk: Walk, name: str, posted: Posted, detail: Place) -> None:
    walk.report.fault(name, **_place(posted), **detail)


def _place(posted: Posted) -> Place:
    record = posted.entry
    return {"position": posted.position, "kind": "entry", "book": record.book, "id": record.entry_id}
