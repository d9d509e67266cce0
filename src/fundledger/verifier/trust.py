"""Who signed: checkpoint, manifest, witnesses; and whether an older checkpoint is the beginning of this log.

Trust comes from the caller's keys, and from what they introduce by vouchers; the keys inside a bundle only tell whether
its signatures are at least its own. Without a trusted key nothing is proved, and the answer is *incomplete*.
"""

from __future__ import annotations

from dataclasses import dataclass

from fundledger.errors import problem
from fundledger.sealing.checkpoint import Checkpoint, decode_hash, open_checkpoint, peek
from fundledger.sealing.keys import follow, receipts_name
from fundledger.sealing.merkle import Frontier, verify_consistency
from fundledger.sealing.note import NoteError, VerifierKey, open_note, parse_key
from fundledger.verifier.container import CHECKPOINT, KEYS, MANIFEST, NOTE, OLDER, Container, read_json
from fundledger.verifier.manifest import FAMILY, FORMAT, KeyList, Manifest, note_text
from fundledger.verifier.report import Report


@dataclass(slots=True)
class Trust:
    """What the caller believes in: keys of logs and of witnesses, and checkpoints that were seen before."""

    keys: list[VerifierKey]
    witnesses: list[VerifierKey]
    older: list[tuple[str, str]]
    """Name and text of each older checkpoint."""


def read_manifest(container: Container) -> tuple[Manifest, str]:
    """``bundle.json``, once its format is one that is known; and its text."""
    text = container.text(MANIFEST)
    head = read_json(text, dict, MANIFEST).get("format")
    if isinstance(head, str) and head != FORMAT and head.startswith(FAMILY):
        raise problem("bundle-version-unknown", format=head[:40], known=FORMAT)
    if head != FORMAT:
        raise problem("bundle-version-unknown", format="?", known=FORMAT)
    return read_json(text, Manifest, MANIFEST), text


def check_signatures(container: Container, manifest: Manifest, text: str, trust: Trust, report: Report) -> Checkpoint:
    """The checkpoint of the bundle, after its signatures and the manifest's were looked at."""
    listed = read_json(container.text(KEYS), KeyList, KEYS)
    inside = [key for key in (_key(entry.verifier) for entry in listed.keys) if key is not None]
    followed = follow(list(trust.keys), listed.vouchers[:64])
    note = container.text(CHECKPOINT)
    try:
        checkpoint = peek(note)
    except NoteError as error:
        raise problem("bundle-member-malformed", member=CHECKPOINT, line=1, reason=str(error)) from error
    _checkpoint(note, checkpoint, manifest, _named(trust.keys, followed, manifest.origin), inside, report)
    _manifest(container.text(NOTE), manifest, text, _named(trust.keys, followed, receipts_name(manifest.origin)),
              inside, report)  # fmt: skip
    _witnesses(note, trust.witnesses, report)
    return checkpoint


def _checkpoint(
    note: str, checkpoint: Checkpoint, manifest: Manifest, trusted: list[VerifierKey] | None,
    inside: list[VerifierKey], report: Report,
) -> None:  # fmt: skip
    report.made("checkpoint-signed")
    if (checkpoint.origin, checkpoint.size) != (manifest.origin, manifest.size):
        report.fault("checkpoint-signed", member=CHECKPOINT, origin=checkpoint.origin, size=checkpoint.size,
                     reason="the checkpoint is not the one of the manifest")  # fmt: skip
    try:
        open_checkpoint(note, inside if trusted is None else trusted, manifest.origin)
    except NoteError as error:
        report.fault("checkpoint-signed", member=CHECKPOINT, reason=str(error), checkpoint=checkpoint.text)
    if trusted is None:
        report.incomplete("checkpoint-signed", member=CHECKPOINT, reason="no trusted key was given (--log-key)")


def _manifest(
    note: str, manifest: Manifest, text: str, trusted: list[VerifierKey] | None, inside: list[VerifierKey],
    report: Report,
) -> None:  # fmt: skip
    report.made("manifest-signed")
    try:
        opened = open_note(note, [key for key in inside if key.name == receipts_name(manifest.origin)]
                           if trusted is None else trusted)  # fmt: skip
        if opened.text != note_text(manifest.origin, text.encode(), manifest.size, manifest.scope.kind):
            report.fault("manifest-signed", member=NOTE, reason="the note is of another manifest")
    except NoteError as error:
        report.fault("manifest-signed", member=NOTE, reason=str(error))
    if trusted is None:
        reason = "no trusted receipts key was given (--log-key): nobody answers for what is not sealed, or left out"
        report.incomplete("manifest-signed", member=NOTE, reason=reason)


def _witnesses(note: str, witnesses: list[VerifierKey], report: Report) -> None:
    for witness in witnesses:
        report.made("witnesses-cosigned")
        try:
            found = any(signature.time is not None for signature in open_note(note, [witness]).signatures)
        except NoteError as error:
            report.fault("witnesses-cosigned", member=CHECKPOINT, witness=witness.name, reason=str(error))
            continue
        if not found:
            report.fault("witnesses-cosigned", member=CHECKPOINT, witness=witness.name, reason="not a cosignature")


class Older:
    """The older checkpoints, held against the tree while it is read (whole log), or by the bundle's proof."""

    def __init__(self, container: Container, manifest: Manifest, trust: Trust, report: Report) -> None:
        """Read them; `bundle-older-malformed`."""
        self._manifest, self._report = manifest, report
        inside = read_json(container.text(KEYS), KeyList, KEYS)
        self._keys = _named(trust.keys, follow(list(trust.keys), inside.vouchers[:64]), manifest.origin)
        notes = list(trust.older)
        if OLDER in container.names:
            notes.append((OLDER, container.text(OLDER)))
        self._seen = [(name, note, _peek(name, note)) for name, note in notes]
        self._roots: dict[int, bytes] = {}
        sizes = sorted({found.size for _, _, found in self._seen})
        self._sizes = sizes if manifest.scope.kind == "all" else []
        self._frontier = Frontier()

    def leaf(self, leaf: bytes) -> None:
        """The next leaf of a whole log."""
        if self._sizes:
            self._reach()
            self._frontier.append(leaf)

    def _reach(self) -> None:
        while self._sizes and self._sizes[0] == self._frontier.size:
            self._roots[self._sizes.pop(0)] = self._frontier.root()

    def finish(self, checkpoint: Checkpoint) -> None:
        """Hold each against this log."""
        self._reach()
        for name, note, older in self._seen:
            self._report.made("consistent-with-older")
            self._signed(name, note, older)
            fault = self._fault(older, checkpoint)
            if fault is not None:
                self._report.fault("consistent-with-older", member=name, reason=fault, older=older.text,
                                   checkpoint=checkpoint.text)  # fmt: skip

    def _signed(self, name: str, note: str, older: Checkpoint) -> None:
        if self._keys is None:
            return
        try:
            open_checkpoint(note, self._keys, self._manifest.origin)
        except NoteError as error:
            self._report.fault("consistent-with-older", member=name, reason=str(error), older=older.text)

    def _fault(self, older: Checkpoint, newer: Checkpoint) -> str | None:
        if older.origin != newer.origin:
            return "the older checkpoint is of another log"
        if older.size > newer.size:
            return "the log had more records when the older checkpoint was signed: it was truncated"
        if older.size == newer.size:
            return None if older.root == newer.root else "two roots for one size"
        if self._manifest.scope.kind == "all":
            same = self._roots.get(older.size) == older.root
            return None if same else "the history was rewritten: the log does not begin with the older one"
        return self._proved(older, newer)

    def _proved(self, older: Checkpoint, newer: Checkpoint) -> str | None:
        proof = self._manifest.consistency
        if proof is None or proof.old_size != older.size:
            reason = "the bundle has no proof for this size: export it with --checkpoint"
            self._report.incomplete("consistent-with-older", size=older.size, reason=reason)
            return None
        try:
            path = [decode_hash(text) for text in proof.hashes[:128]]
        except NoteError as error:
            return str(error)
        if verify_consistency(older.size, older.root, newer.size, newer.root, path):
            return None
        return "the history was rewritten: the proof does not lead from the older one to this"


def _named(trusted: list[VerifierKey], followed: list[VerifierKey], name: str) -> list[VerifierKey] | None:
    """The trusted keys that sign under this name; None if no key at all is trusted for it.

    Keys of another log are trusted keys too: then this bundle is not signed by any of them, and the list is empty.
    """
    mine = [key for key in followed if key.name == name]
    if mine:
        return mine
    same_purpose = any(key.name.endswith("/receipts") == name.endswith("/receipts") for key in trusted)
    return [] if same_purpose else None


def _key(text: str) -> VerifierKey | None:
    try:
        return parse_key(text)
    except NoteError:
        return None


def _peek(name: str, note: str) -> Checkpoint:
    try:
        return peek(note)
    except NoteError as error:
        raise problem("bundle-older-malformed", file=name, reason=str(error)) from error
