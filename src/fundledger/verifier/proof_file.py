"""Proofs as files, checked offline (离线核验证明). Pure: texts and keys in, a verdict out; no database, no network.

Three forms: a ``.tlog-proof`` with its leaf's data beside it, the answer of ``/v1/log/proofs/entry/…/lines/…``, and the
answer of a trail asked with ``proof=true``. What is checked is in ``docs/proofs.md``. The verdict is *sound*, *fault*
(with the first one), or *incomplete* where nothing is wrong but something could not be checked: no trusted key, no leaf
data, records that came after the checkpoint. Only a text that is none of the three forms is a `FundledgerError`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from fundledger.errors import problem
from fundledger.money import format_yuan
from fundledger.sealing.checkpoint import (
    PATH_MAX,
    PROOF_HEADER,
    SIZE_MAX,
    Checkpoint,
    decode_hash,
    open_checkpoint,
    parse_proof,
    peek,
)
from fundledger.sealing.merkle import leaf_hash, verify_inclusion
from fundledger.sealing.note import Note, NoteError, VerifierKey, open_note, signer_of, split

FILE_MAX: Final = 256 * 1024 * 1024
"""Characters of the longest file that is read."""
State = Literal["sound", "fault", "incomplete"]
EXIT: Final[dict[State, int]] = {"sound": 0, "fault": 1, "incomplete": 3}
_YUAN: Final = re.compile(r"-?[0-9]{1,17}\.[0-9]{2}")


LineKey = tuple[str, str, int]
"""Book, entry id and line number."""


class FaultError(Exception):
    """Something does not fit; the message says what, and names the record."""


@dataclass(slots=True)
class Verdict:
    """What was found: the checkpoint, who signed it, what is proved in it, the first fault, what is incomplete."""

    checkpoint: Checkpoint | None = None
    signed_by: list[str] = field(default_factory=list)
    cosigned: list[tuple[str, int]] = field(default_factory=list)
    """Names of trusted witnesses and when they looked (POSIX seconds)."""
    unknown_signatures: int = 0
    proved: list[dict[str, Any]] = field(default_factory=list)
    """Position, kind and id of each record; `line_no` of each line."""
    fault: str | None = None
    incomplete: list[str] = field(default_factory=list)

    @property
    def state(self) -> State:
        """A fault outweighs what is incomplete."""
        return "fault" if self.fault is not None else "incomplete" if self.incomplete else "sound"

    @property
    def exit_code(self) -> int:
        """0 sound, 1 fault, 3 incomplete."""
        return EXIT[self.state]

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        found = self.checkpoint
        return {
            "verdict": self.state, "fault": self.fault, "incomplete": self.incomplete,
            "checkpoint": None if found is None else {
                "origin": found.origin, "size": found.size, "root": found.root.hex(),
            },
            "signed_by": self.signed_by, "unknown_signatures": self.unknown_signatures,
            "cosigned": [{"witness": name, "time": time} for name, time in self.cosigned], "proved": self.proved,
        }  # fmt: skip


def is_proof(text: str) -> bool:
    """Whether a text begins like one of the forms."""
    return text.startswith(PROOF_HEADER.partition("@")[0]) or text.lstrip()[:1] == "{"


def verify_proof(
    text: str, keys: Sequence[VerifierKey], *, leaf: str | None = None, witnesses: Sequence[VerifierKey] = ()
) -> Verdict:
    """Check a proof with the keys its reader trusts; every one of `witnesses` must have cosigned.

    `leaf` is the data that a ``.tlog-proof`` is about (or the answer of ``/v1/log/records/…``). Raises
    `proof-unreadable`.
    """
    if len(text) > FILE_MAX:
        raise problem("proof-unreadable", reason="it is too long")
    verdict = Verdict()
    try:
        if text.startswith(PROOF_HEADER.partition("@")[0]):
            _file(text, None if leaf is None else _leaf_data(leaf), keys, witnesses, verdict)
            return verdict
        content = _object(text)
        if isinstance(content.get("proof"), str):
            _line_answer(content, keys, witnesses, verdict)
        elif isinstance(content.get("proof"), dict) and "edges" in content:
            _trail_answer(content, keys, witnesses, verdict)
        else:
            raise problem("proof-unreadable", reason="it holds no proof")
    except (FaultError, NoteError) as error:
        verdict.fault = str(error)
    return verdict


def _file(
    text: str, leaf: bytes | None, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey], verdict: Verdict
) -> dict[str, Any] | None:
    """A proof file and its leaf; what the leaf says."""
    proof = parse_proof(text)
    checkpoint = _signed(proof.note, keys, witnesses, verdict)
    if leaf is None:
        verdict.incomplete.append("the leaf's data was not given (--leaf): nothing is shown to be in the log")
        return None
    return _in_log(leaf, proof.index, proof.path, checkpoint, verdict)


def _signed(
    note: str, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey], verdict: Verdict
) -> Checkpoint:  # fmt: skip
    """The checkpoint, and who of the trusted signed it."""
    checkpoint = verdict.checkpoint = peek(note)
    own = [key for key in keys if key.name == checkpoint.origin]
    trusted = [*own, *witnesses]
    if own:
        _told(open_checkpoint(note, trusted, checkpoint.origin)[1], verdict)
    elif any(not key.name.endswith("/receipts") for key in keys):
        raise FaultError(f"the checkpoint is of the log {checkpoint.origin}, none of whose keys is trusted")
    else:
        verdict.incomplete.append(
            f"no key of the log {checkpoint.origin} was given (--log-key): anybody can have made this"
        )
        if trusted and any(_cosigned(note, key) for key in trusted):
            _told(open_note(note, trusted), verdict)
    for witness in witnesses:
        if not _cosigned(note, witness):
            raise FaultError(f"the witness {witness.name} did not cosign the checkpoint")
    if not verdict.signed_by and not verdict.cosigned:
        verdict.unknown_signatures = len(split(note)[1])
    return checkpoint


def _cosigned(note: str, key: VerifierKey) -> bool:
    """Whether this witness did; NoteError if a line in its name is false."""
    if (key.name, key.key_id) not in {signer_of(line) for line in split(note)[1]}:
        return False
    return any(signature.time is not None for signature in open_note(note, [key]).signatures)


def _told(opened: Note, verdict: Verdict) -> None:
    verdict.unknown_signatures = opened.unknown
    for signature in opened.signatures:
        if signature.time is None:
            verdict.signed_by.append(str(signature.key))
        else:
            verdict.cosigned.append((signature.key.name, signature.time))


def _in_log(leaf: bytes, index: int, path: Sequence[bytes], checkpoint: Checkpoint, verdict: Verdict) -> dict[str, Any]:
    """The leaf is where it is said to be; what it says."""
    if not verify_inclusion(leaf_hash(leaf), index, checkpoint.size, path, checkpoint.root):
        raise FaultError(f"position {index}: the path does not lead from the leaf to the root of the checkpoint")
    content = _object(leaf.decode(), what=f"the leaf at position {index}")
    kind = content.get("kind")
    record_id = content.get(f"{kind}_id")
    if not isinstance(kind, str) or not isinstance(record_id, str):
        raise FaultError(f"position {index}: the leaf is no record of a fundledger")
    verdict.proved.append({"position": index, "kind": kind, "book": content.get("book"), "record_id": record_id})
    return content


def _line_answer(
    content: dict[str, Any], keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey], verdict: Verdict
) -> None:
    leaf = _file(_text(content, "proof"), _text(content, "leaf").encode(), keys, witnesses, verdict)
    assert leaf is not None
    _in_entry(content, _entry(leaf), verdict)
    _labelled(content, leaf)


def _in_entry(content: dict[str, Any], leaf: dict[str, Any], verdict: Verdict) -> tuple[LineKey, dict[str, Any]]:
    """A line is in the entry of this leaf, under its own number; its name, and what it says."""
    data, index = _text(content, "data"), _number(content, "index")
    place = f"entry {leaf['entry_id']}, index {index}"
    try:
        root = bytes.fromhex(_text(leaf, "lines_root"))
    except ValueError:
        raise FaultError(f"{place}: the leaf names no root of lines") from None
    path = _path(content, "inner_path")
    if not verify_inclusion(leaf_hash(data.encode()), index, _number(leaf, "line_count"), path, root):
        raise FaultError(f"{place}: the inner path does not lead from the line to the entry's root of lines")
    line = _object(data, what="the line")
    key = _line_key(line)
    if (line.get("kind"), *key[:2]) != ("line", leaf.get("book"), leaf["entry_id"]):
        raise FaultError(f"{place}: the line is of another entry")
    if key[2] != _number(content, "line_no"):
        raise FaultError(f"{place}: the line has another number")
    verdict.proved.append({"kind": "line", "book": key[0], "record_id": key[1], "line_no": key[2]})
    return key, line


def _trail_answer(
    content: dict[str, Any], keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey], verdict: Verdict
) -> None:
    """A page of a trail: every edge rests on a line that is proved, and says of it what the line says."""
    proof = content["proof"]
    checkpoint = _signed(_text(proof, "checkpoint"), keys, witnesses, verdict)
    lines: dict[LineKey, dict[str, Any]] = {}
    for entry in _objects(proof, "entries"):
        data = _text(entry, "leaf").encode()
        leaf = _entry(_in_log(data, _number(entry, "position"), _path(entry, "path"), checkpoint, verdict))
        _labelled(entry, leaf)
        lines.update(_in_entry(one, leaf, verdict) for one in _objects(entry, "lines"))
    late = {(_text(one, "book"), _text(one, "entry_id")) for one in _objects(proof, "unsealed")}
    for edge in _objects(content, "edges"):
        key = _line_key(edge)
        if key in lines:
            _fits(edge, lines[key], key)
        else:
            why = "came after the checkpoint" if key[:2] in late else "is not proved"
            verdict.incomplete.append(f"line {key[2]} of entry {key[1]} {why}")
    _adds_up(content, verdict)
    if not verdict.proved and not verdict.incomplete:
        verdict.incomplete.append("the page names no line: nothing is shown to be in the log")


def _adds_up(content: dict[str, Any], verdict: Verdict) -> None:
    """The page's sum is that of its first edges, which leave no gap, and that of its origins (upwards) or ends."""
    asked, amount, reached = _fen(content, "asked"), _fen(content, "amount"), 0
    first = [edge for edge in _objects(content, "edges") if _number(edge, "depth") == 0]
    for edge in sorted(first, key=lambda one: _fen(one, "at")):
        if _fen(edge, "at") != reached:
            raise FaultError(f"the first edges leave a gap, or overlap, at {format_yuan(reached)} yuan")
        reached += _fen(edge, "amount")
    name = "origins" if content.get("direction") == "up" else "ends"
    for what, found in (("first edges", reached), (name, sum(_fen(one, "amount") for one in _objects(content, name)))):
        if found != amount:
            raise FaultError(f"the page says {format_yuan(amount)} yuan, its {what} are {format_yuan(found)}")
    if asked < amount:
        raise FaultError(f"the page follows {format_yuan(amount)} yuan, more than the {format_yuan(asked)} asked for")
    if asked > amount:
        verdict.incomplete.append(
            f"this page follows {format_yuan(amount)} of the {format_yuan(asked)} yuan asked for: take the other pages"
        )


def _fits(edge: dict[str, Any], line: dict[str, Any], key: LineKey) -> None:
    """The edge's accounts, payee, reference and fen are those of the line."""
    undoes = _part(line, "undoes")
    expected = {
        "payer_account": _part(line, "credit").get("account_id"),
        "receiver_account": _part(line, "debit").get("account_id"), "payee_id": line.get("payee_id"),
        "undoes_entry_id": undoes.get("entry_id"), "undoes_line_no": undoes.get("line_no"),
    }  # fmt: skip
    wrong = [name for name, value in expected.items() if edge.get(name) != value]
    offset, amount = _fen(edge, "offset"), _fen(edge, "amount")
    starts = {"given_from": _fen(line, "credit_before") + offset, "received_from": _fen(line, "debit_before") + offset}
    for name, start in starts.items():
        if _fen(edge, name) != start or _fen(edge, name.replace("from", "to")) != start + amount:
            wrong.append(name)
    if offset < 0 or amount <= 0 or offset + amount > _fen(line, "amount"):
        wrong.append("amount")
    if wrong:
        raise FaultError(f"line {key[2]} of entry {key[1]}: the trail says another {wrong[0]}")


def _entry(leaf: dict[str, Any]) -> dict[str, Any]:
    if leaf.get("kind") != "entry":
        raise FaultError(f"the record {leaf.get('kind')} has no lines")
    return leaf


def _labelled(content: dict[str, Any], leaf: dict[str, Any]) -> None:
    for name in ("book", "entry_id"):
        if content.get(name) != leaf.get(name):
            raise FaultError(f"entry {leaf['entry_id']}: the answer names another {name} than the leaf")


def _line_key(content: dict[str, Any]) -> LineKey:
    return _text(content, "book"), _text(content, "entry_id"), _number(content, "line_no")


def _part(content: dict[str, Any], name: str) -> dict[str, Any]:
    found = content.get(name)
    return found if isinstance(found, dict) else {}


def _leaf_data(text: str) -> bytes:
    """The data of a leaf from its file: the text itself, or the record's answer that holds it."""
    content = _object(text, what="the leaf")
    data = content.get("data")
    return data.encode() if isinstance(data, str) and "leaf_hash" in content else text.removesuffix("\n").encode()


def _object(text: str, *, what: str = "the file") -> dict[str, Any]:
    try:
        found = json.loads(text)
        text.encode()
    except (ValueError, RecursionError):
        raise problem("proof-unreadable", reason=f"{what} is no JSON") from None
    if not isinstance(found, dict):
        raise problem("proof-unreadable", reason=f"{what} is no JSON object")
    return found


def _objects(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = content.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise problem("proof-unreadable", reason=f"“{name}” is no list of objects")
    return found


def _text(content: dict[str, Any], name: str) -> str:
    found = content.get(name)
    if not isinstance(found, str) or any("\ud800" <= character <= "\udfff" for character in found):
        raise problem("proof-unreadable", reason=f"“{name}” is no text")
    return found


def _number(content: dict[str, Any], name: str) -> int:
    found = content.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= SIZE_MAX:
        raise problem("proof-unreadable", reason=f"“{name}” is no number")
    return found


def _path(content: dict[str, Any], name: str) -> list[bytes]:
    found = content.get(name)
    if not isinstance(found, list) or len(found) > PATH_MAX or not all(isinstance(one, str) for one in found):
        raise problem("proof-unreadable", reason=f"“{name}” is no path")
    return [decode_hash(one) for one in found]


def _fen(content: dict[str, Any], name: str) -> int:
    found = content.get(name)
    if not isinstance(found, str) or not _YUAN.fullmatch(found):
        raise problem("proof-unreadable", reason=f"“{name}” is no amount")
    return int(found.replace(".", ""))
