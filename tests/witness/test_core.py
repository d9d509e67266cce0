"""What a witness accepts, refuses and raises an alarm about; on disk before it is said, by many at once, after a kill."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundledger.errors import FundledgerError
from fundledger.sealing.checkpoint import Checkpoint
from fundledger.sealing.merkle import EMPTY_ROOT
from fundledger.sealing.note import SigningKey, join, open_note
from fundledger.witness import keyfile
from fundledger.witness.alarms import FORK, acknowledge, open_alarms, tell
from fundledger.witness.core import Outcome
from fundledger.witness.store import FILE, Store, last_seen, seen_at
from tests.tidy.sources import ROOT
from tests.witness.logs import ORIGIN, START, WITNESS, Hand, HandLog, believe, hand


@pytest.fixture
def one(tmp_path: Path) -> Hand:
    """A witness and a log of 40 leaves."""
    return hand(tmp_path / "witness")


def test_a_growing_log_is_cosigned_each_time(one: Hand) -> None:
    before = 0
    for size in (1, 2, 7, 8, 8, 33, 40):
        verdict = one.see(before, size)
        assert verdict.outcome is Outcome.SEEN
        assert verdict.line is not None
        note = one.log.note(size) + verdict.line + "\n"
        opened = open_note(note, [one.log.key.verifier, one.key.verifier])
        assert [signature.time for signature in opened.signatures] == [None, one.now]
        before = size
    assert tell(one.store) == []


REFUSALS = [
    ("an old size that is not the last", 8, 20, Outcome.CONFLICT),
    ("an old size of zero later on", 0, 20, Outcome.CONFLICT),
    ("an old size beyond the checkpoint", 16, 12, Outcome.BACKWARDS),
    ("a smaller checkpoint", 5, 12, Outcome.CONFLICT),
]


@pytest.mark.parametrize(("what", "old", "size", "expected"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_what_does_not_continue_is_refused_and_changes_nothing(
    one: Hand, what: str, old: int, size: int, expected: Outcome
) -> None:
    one.see(0, 16)
    verdict = one.see(old, size) if old <= size else one.submit(one.log.note(size), old, [])
    assert (verdict.outcome, verdict.size, verdict.line) == (expected, 16, None)
    with one.store.reading() as db:
        seen = last_seen(db, ORIGIN)
    assert seen is not None
    assert seen.size == 16
    assert open_alarms(one.store) == []


def test_a_proof_that_is_altered_cut_lengthened_or_of_other_sizes_is_refused(one: Hand) -> None:
    one.see(0, 13)
    good = one.log.proof(13, 40)
    bad = [good[:-1], good[1:], [*good, os.urandom(32)], good[::-1], [], one.log.proof(12, 40), one.log.proof(13, 39)]
    bad += [[*good[:i], os.urandom(32), *good[i + 1 :]] for i in range(len(good))]
    for proof in bad:
        assert one.submit(one.log.note(40), 13, proof).outcome is Outcome.BAD_PROOF
    assert one.submit(one.log.note(40), 13, good).outcome is Outcome.SEEN


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 39), st.booleans())
def test_no_fork_below_what_was_seen_is_ever_cosigned(
    tmp_path_factory: pytest.TempPathFactory, first: int, second: int, at: int, strip: bool
) -> None:
    old, size = sorted((first, second))
    made = hand(tmp_path_factory.mktemp("witness"))
    made.see(0, old)
    forged = made.log.fork(at)
    proof = [] if strip else forged.proof(old, size)
    verdict = made.submit(forged.note(size), old, proof)
    honest = at >= old and not (strip and size > old)
    assert (verdict.outcome is Outcome.SEEN) == honest


def test_only_keys_that_are_trusted_count(one: Hand) -> None:
    text = one.log.checkpoint(5).text
    stranger = SigningKey(ORIGIN, os.urandom(32))
    assert one.submit(join(text, [stranger.line(text)]), 0, []).outcome is Outcome.UNTRUSTED
    assert one.submit(join(text, [one.key.cosign(text, 5)]), 0, []).outcome is Outcome.UNTRUSTED
    other = Checkpoint("other.example/log", 5, bytes(32)).text
    assert one.submit(join(other, [one.log.key.line(other)]), 0, []).outcome is Outcome.UNKNOWN_LOG
    both = join(text, [stranger.line(text), one.log.key.line(text)])
    assert one.submit(both, 0, []).outcome is Outcome.SEEN
    for garbage in ("", "x", "\n\n", text, text + "\n", join("a\nb\nc\n", [one.log.key.line(text)])):
        assert one.submit(garbage, 0, []).outcome is Outcome.MALFORMED


def test_receipts_keys_do_not_sign_checkpoints(tmp_path: Path) -> None:
    made = hand(tmp_path / "w")
    receipts = SigningKey(ORIGIN + "/receipts", os.urandom(32))
    with made.store.writing() as db:
        db.execute("INSERT INTO trusted VALUES (?, ?, 0)", (ORIGIN, str(receipts.verifier)))
    text = made.log.checkpoint(3).text
    assert made.submit(join(text, [receipts.line(text)]), 0, []).outcome is Outcome.UNTRUSTED


def test_a_second_root_of_a_size_is_an_alarm_with_both_notes_verbatim(one: Hand) -> None:
    one.see(0, 8)
    one.see(8, 20)
    forged = one.log.fork(3)
    # The evidence is the same whatever old size it came with, and for any size that was ever seen.
    assert one.see(8, 8, forged).outcome is Outcome.CONTRADICTION
    (alarm,) = tell(one.store)
    assert (alarm.kind, alarm.seen_note, alarm.new_note) == (FORK, one.log.note(8), forged.note(8))
    text = (one.store.folder / alarm.file_name).read_text(encoding="utf-8")
    assert one.log.note(8) in text
    assert forged.note(8) in text
    for note in (alarm.seen_note, alarm.new_note):
        open_note(note, [one.log.key.verifier])


def test_a_fork_submitted_with_other_peoples_signatures_is_one_alarm(one: Hand) -> None:
    """The submission needs no token: who repeats a fork must not bury the folder under alarms."""
    one.see(0, 8)
    note = one.log.fork(3).note(8)
    for _ in range(3):
        stranger = SigningKey("stranger.example/key", os.urandom(32))
        more = note + stranger.line(note.partition("\n\n")[0] + "\n") + "\n"
        assert one.submit(more, 8, []).outcome is Outcome.CONTRADICTION
    (alarm,) = open_alarms(one.store)
    assert note in alarm.new_note
    assert one.see(8, 8, one.log.fork(4)).outcome is Outcome.CONTRADICTION
    assert len(open_alarms(one.store)) == 2


def test_while_an_alarm_is_open_nothing_is_cosigned_until_somebody_acknowledges(one: Hand) -> None:
    one.see(0, 8)
    one.see(8, 8, one.log.fork(1))
    assert one.see(8, 20).outcome is Outcome.ALARMED
    assert len(tell(one.store)) == 1
    assert acknowledge(one.store, "looked into", START + 5) == 1
    assert tell(one.store) == []
    assert one.see(8, 20).outcome is Outcome.SEEN
    assert one.see(20, 20, one.log.fork(1)).outcome is Outcome.CONTRADICTION


def test_the_same_contradiction_again_is_the_same_alarm(one: Hand) -> None:
    one.see(0, 8)
    forged = one.log.fork(1)
    for _ in range(3):
        one.see(8, 8, forged)
    assert len(open_alarms(one.store)) == 1


def test_the_hook_gets_the_file_as_an_argument_once_and_again_when_it_failed(one: Hand, tmp_path: Path) -> None:
    one.see(0, 8)
    one.see(8, 8, one.log.fork(1))
    called, broken = tmp_path / "called; touch x", ["/bin/false"]
    tell(one.store, broken)
    tell(one.store, ["/nonexistent"])
    code = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + chr(10))"
    hook = [sys.executable, "-c", code, str(called)]
    (alarm,) = tell(one.store, hook)
    tell(one.store, hook)
    assert called.read_text().splitlines() == [str((one.store.folder / alarm.file_name).absolute())]


def test_cosignature_times_never_go_back(one: Hand) -> None:
    one.see(0, 4)
    one.now = START - 1_000_000
    verdict = one.see(4, 9)
    assert verdict.line is not None
    opened = open_note(one.log.note(9) + verdict.line + "\n", [one.key.verifier])
    assert opened.signatures[0].time == START
    other = HandLog.of(3)
    other.key = SigningKey("other.example/log", os.urandom(32))
    believe(one.store, other.key.verifier)
    verdict = one.submit(other.note(3), 0, [])
    opened = open_note(other.note(3) + (verdict.line or "") + "\n", [one.key.verifier])
    assert opened.signatures[0].time == START


def test_an_empty_log_can_be_witnessed_and_then_grow(one: Hand) -> None:
    assert one.see(0, 0).outcome is Outcome.SEEN
    assert one.log.checkpoint(0).root == EMPTY_ROOT
    assert one.see(0, 5).outcome is Outcome.SEEN


def test_many_submissions_at_once_never_roll_back(one: Hand) -> None:
    one.see(0, 1)

    def climb(step: int) -> list[tuple[int, int]]:
        size, accepted = 1, []
        while size < 40:
            verdict = one.see(size, min(40, size + step))
            if verdict.outcome is Outcome.SEEN:
                accepted.append((size, verdict.size))
            size = max(size, verdict.size)
        return accepted

    with ThreadPoolExecutor(4) as pool:
        steps = [step for made in pool.map(climb, (1, 2, 3, 5)) for step in made if step[0] != step[1]]
    chain = sorted(steps)
    assert [old for old, _ in chain] == [1, *[new for _, new in chain[:-1]]]
    assert chain[-1][1] == 40


KILLED = """
import os, sys
from pathlib import Path
from fundledger.witness import keyfile
from fundledger.witness.core import consider
from fundledger.witness.store import Store
folder = Path(sys.argv[1])
verdict = consider(Store(folder), keyfile.load(folder), sys.argv[2], 0, [], 1774000000)
print(verdict.outcome, flush=True)
os.kill(os.getpid(), 9)
"""


def test_what_was_cosigned_is_on_disk_when_the_process_is_killed(one: Hand) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", KILLED, str(one.store.folder), one.log.note(9)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-9, "seen\n"), done.stderr
    with Store(one.store.folder).reading() as db:
        seen = seen_at(db, ORIGIN, 9)
        assert db.execute("SELECT published FROM cosignature").fetchall() == [(0,)]
    assert seen is not None
    assert one.see(9, 20).outcome is Outcome.SEEN


def test_the_key_file_is_private_made_once_and_refused_when_it_is_not(tmp_path: Path) -> None:
    made = keyfile.create(tmp_path, WITNESS)
    path = tmp_path / keyfile.KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyfile.load(tmp_path).verifier == made.verifier
    with pytest.raises(FundledgerError, match="witness-key-unusable"):
        keyfile.create(tmp_path, WITNESS)
    path.chmod(0o644)
    with pytest.raises(FundledgerError, match="witness-key-unusable"):
        keyfile.load(tmp_path)
    path.chmod(0o600)
    for damage in ("{", "[]", "{}", path.read_text()[:-40], path.read_text().replace(WITNESS, "x.example")):
        path.write_text(damage)
        with pytest.raises(FundledgerError, match="witness-key-unusable"):
            keyfile.load(tmp_path)
    for name in ("", "a b", "a+b", "a\nb"):
        with pytest.raises(FundledgerError, match="witness-key-unusable"):
            keyfile.create(tmp_path / "other", name)


def test_a_store_that_is_damaged_or_newer_is_refused_with_a_code(tmp_path: Path) -> None:
    Store(tmp_path)
    (tmp_path / FILE).write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(FundledgerError, match="witness-store-unusable"):
        Store(tmp_path)
    newer = tmp_path / "newer"
    with Store(newer).writing() as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(FundledgerError, match="witness-store-unusable"):
        Store(newer)
    (tmp_path / "file").write_text("x")
    with pytest.raises(FundledgerError, match="witness-store-unusable"):
        Store(tmp_path / "file")
