"""Was a promise kept? (回执查验): a posting's receipt against the log that gave it.

Kept: a proof leads from the entry's leaf, with the promised content and moment, to a checkpoint that the log signed and
this witness saw. Broken: the log answers another content, or gives no such proof under a checkpoint that this witness
cosigned after ``seal_by``; receipt and cosigned checkpoint together are the evidence, which only a valid proof refutes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fundledger.errors import FundledgerError, problem
from fundledger.files.whole import write_whole
from fundledger.sealing.checkpoint import check_proof, parse_proof
from fundledger.sealing.keys import receipts_name
from fundledger.sealing.leaf import instant
from fundledger.sealing.merkle import leaf_hash
from fundledger.sealing.note import NoteError, VerifierKey
from fundledger.sealing.receipt import Receipt, open_receipt
from fundledger.witness.core import log_keys
from fundledger.witness.following import Looked, State, Witness, learn
from fundledger.witness.store import Seen, Store, last_seen, seen_at, trusted


class Kept(StrEnum):
    """What became of a promise."""

    KEPT = "kept"
    EARLY = "not yet due"
    BROKEN = "BROKEN"
    ALARM = "alarm"


TEXTS: Final = {
    Kept.KEPT: ("承诺已兑现", "the promise was kept"),
    Kept.EARLY: ("尚未到期", "the promise is not yet due"),
    Kept.BROKEN: ("承诺未兑现", "THE PROMISE WAS BROKEN"),
    Kept.ALARM: ("日志处于警报或陈旧状态，无法据以查验", "the log is in alarm or stale: nothing can be checked by it"),
}
SEEN: Final = "见证见过该检查点 · the checkpoint was seen by this witness"
UNSEEN: Final = "见证未见过该检查点，仅有日志签名 · this witness has not seen the checkpoint; only the log signed it"


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict on one receipt; `evidence` is the name of the file that was written for a broken one."""

    kept: Kept
    receipt: Receipt
    reason: str
    evidence: str | None = None


async def check(witness: Witness, note: str) -> Answer:
    """Ask the log now. Needs the witness's key: a broken promise is shown by a checkpoint it cosigns."""
    receipt = await _opened(witness, note)
    asked = (
        witness.clock()
    )  # before the checkpoint is fetched: what is cosigned later than this shows what was due then
    looked = await witness.look()
    if looked.state is not State.CURRENT:
        return Answer(Kept.ALARM, receipt, str(looked.state))
    with witness.store.reading() as db:
        seen = last_seen(db, witness.origin)
    assert seen is not None
    leaf = await witness.client.leaf("entry", str(receipt.entry_id))
    if leaf is not None:
        fault = differs(receipt, leaf)
        if fault is not None:
            return _broken(witness, note, receipt, seen, f"{fault}\n{leaf}")
        if await _proved(witness, receipt, leaf, seen):
            return Answer(Kept.KEPT, receipt, SEEN)
    if asked <= receipt.seal_by.timestamp():
        return Answer(Kept.EARLY, receipt, f"seal_by {instant(receipt.seal_by)}")
    return _broken(witness, note, receipt, seen, _reason(looked, leaf))


def check_offline(store: Store | None, keys: Sequence[VerifierKey], note: str, proof: str, leaf: str) -> Answer:
    """By a proof file and the leaf's data alone; NoteError if receipt or proof do not verify."""
    origin = min((key.name for key in keys), key=len)
    receipt = open_receipt(note, list(keys), origin)
    fault = differs(receipt, leaf)
    if fault is not None:
        return Answer(Kept.BROKEN, receipt, fault)
    checkpoint, _ = check_proof(parse_proof(proof), leaf_hash(leaf.encode()), log_keys(keys, origin), origin)
    same = None
    if store is not None:
        with store.reading() as db:
            same = seen_at(db, origin, checkpoint.size)
    if same is not None and same.root != checkpoint.root:
        return Answer(Kept.BROKEN, receipt, f"another root of this size was seen:\n{same.note}")
    return Answer(Kept.KEPT, receipt, UNSEEN if same is None else SEEN)


def differs(receipt: Receipt, leaf: str) -> str | None:
    """What a leaf's data says otherwise than the receipt; None if it is what was promised."""
    promised = {
        "kind": "entry", "book": str(receipt.book), "entry_id": str(receipt.entry_id),
        "content_sha256": receipt.content_sha256.hex(), "recorded_at": instant(receipt.recorded_at),
    }  # fmt: skip
    try:
        found = json.loads(leaf)
        wrong = [name for name, value in promised.items() if found.get(name) != value]
    except (ValueError, AttributeError, RecursionError):
        return "日志的叶子不是记录 · the leaf is no record"
    return f"与回执不符 · not what the receipt says: {', '.join(wrong)}" if wrong else None


async def _opened(witness: Witness, note: str) -> Receipt:
    """The receipt, by receipts keys trusted so far or introduced by such; `witness-evidence-unusable`."""
    with witness.store.reading() as db:
        keys = trusted(db, witness.origin)
    if all(key.name != receipts_name(witness.origin) for key in keys):
        raise problem("witness-evidence-unusable", file="receipt", reason="no receipts key of the log is trusted yet")
    try:
        return open_receipt(note, keys, witness.origin)
    except NoteError:
        keys = await learn(witness.store, witness.client, witness.origin)
    try:
        return open_receipt(note, keys, witness.origin)
    except NoteError as error:
        raise problem("witness-evidence-unusable", file="receipt", reason=str(error)) from error


async def _proved(witness: Witness, receipt: Receipt, leaf: str, seen: Seen) -> bool:
    try:
        text = await witness.client.proof("entry", str(receipt.entry_id), seen.size)
    except FundledgerError as error:
        # The service refuses to prove what is not what was sealed (`log-record-altered`).
        if error.code != "witness-answer-unusable":
            raise
        return False
    if text is None:
        return False
    with witness.store.reading() as db:
        keys = log_keys(trusted(db, witness.origin), witness.origin)
    try:
        checkpoint, _ = check_proof(parse_proof(text), leaf_hash(leaf.encode()), keys, witness.origin)
    except NoteError:
        return False
    return (checkpoint.size, checkpoint.root) == (seen.size, seen.root)


def _reason(looked: Looked, leaf: str | None) -> str:
    what = (
        "日志没有该凭证 · the log has no such entry"
        if leaf is None
        else "日志给不出证明 · the log gives no valid proof"
    )
    return f"{what} ({looked.size})"


def _broken(witness: Witness, note: str, receipt: Receipt, seen: Seen, reason: str) -> Answer:
    """Write the evidence: the receipt, and the checkpoint with this witness's cosignature, which dates it."""
    with witness.store.reading() as db:
        query = "SELECT line FROM cosignature WHERE origin = ? AND size = ?"
        row = db.execute(query, (witness.origin, seen.size)).fetchone()
    cosigned = seen.note + (f"{row[0]}\n" if row is not None else "")
    name = f"broken-{receipt.entry_id}.txt"
    head = "\n".join([*TEXTS[Kept.BROKEN], reason])
    text = f"{head}\n----- 回执 receipt -----\n{note}----- 检查点 checkpoint -----\n{cosigned}"
    write_whole(witness.store.folder / name, text)
    return Answer(Kept.BROKEN, receipt, reason, name)
