"""Signed notes, checkpoints and proof files: the shapes of the C2SP texts, and nothing that was touched is believed."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundledger.sealing.checkpoint import (
    Checkpoint,
    Proof,
    check_proof,
    open_checkpoint,
    parse_checkpoint,
    parse_number,
    parse_proof,
    peek,
)
from fundledger.sealing.merkle import leaf_hash, root
from fundledger.sealing.note import (
    COSIGNATURE,
    ED25519,
    NoteError,
    SigningKey,
    VerifierKey,
    join,
    open_note,
    parse_key,
    split,
)
from tests.merkle_paths import inclusion_path

LOG = SigningKey("log.example/behind", bytes([1]) * 32)
OTHER = SigningKey("log.example/behind", bytes([2]) * 32)
ELSEWHERE = SigningKey("other.example/log", bytes([3]) * 32)
WITNESS = SigningKey("witness.example/w1", bytes([4]) * 32, COSIGNATURE)
ORIGIN = LOG.verifier.name
LEAVES = [leaf_hash(str(number).encode()) for number in range(37)]
CHECKPOINT = Checkpoint(ORIGIN, len(LEAVES), root(LEAVES))
KEYS = [LOG.verifier, WITNESS.verifier]
NOTE = join(CHECKPOINT.text, [LOG.line(CHECKPOINT.text), WITNESS.cosign(CHECKPOINT.text, 1_546_300_800)])
PROOF = Proof(21, tuple(inclusion_path(LEAVES, 21)), NOTE, b"extra")


# The text and key of the example that the specification of signed notes shows (PeterNeumann's, of its first authors).
EXAMPLE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_example_of_the_specification_opens() -> None:
    key = parse_key(EXAMPLE_KEY)
    assert str(key) == EXAMPLE_KEY
    opened = open_note(EXAMPLE_NOTE, [key])
    assert opened.text == EXAMPLE_NOTE.rpartition("\n\n")[0] + "\n"
    with pytest.raises(NoteError, match="does not verify"):
        open_note(EXAMPLE_NOTE.replace("answer", "Answer"), [key])


EXAMPLE_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def test_the_example_of_a_checkpoint_is_read() -> None:
    found = peek(EXAMPLE_CHECKPOINT)
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert EXAMPLE_CHECKPOINT.startswith(found.text + "\n")


def test_a_checkpoint_and_a_proof_are_the_texts_that_the_specifications_show() -> None:
    size, hashed, *_ = CHECKPOINT.text.split("\n")[1:]
    assert CHECKPOINT.text == f"{ORIGIN}\n{size}\n{hashed}\n"
    assert NOTE.split("\n")[3:5] == ["", LOG.line(CHECKPOINT.text)]
    assert PROOF.text.startswith("c2sp.org/tlog-proof@v1\nextra ZXh0cmE=\nindex 21\n")
    assert PROOF.text.endswith(f"\n\n{NOTE}")
    assert parse_proof(PROOF.text) == PROOF
    assert check_proof(PROOF, LEAVES[21], KEYS, ORIGIN)[0] == CHECKPOINT
    _, opened = open_checkpoint(NOTE, KEYS, ORIGIN)
    assert [(signature.key, signature.time) for signature in opened.signatures] == [
        (LOG.verifier, None), (WITNESS.verifier, 1_546_300_800),
    ]  # fmt: skip


def test_lines_of_unknown_keys_are_passed_over_and_counted() -> None:
    note = join(CHECKPOINT.text, [ELSEWHERE.line("x\n"), LOG.line(CHECKPOINT.text), OTHER.line("y\n")])
    opened = open_note(note, [LOG.verifier])
    assert (len(opened.signatures), opened.unknown) == (1, 2)


def signed(text: str, *keys: SigningKey) -> str:
    return join(text, [key.line(text) if key.verifier.kind == ED25519 else key.cosign(text, 1) for key in keys])


TEXT = CHECKPOINT.text
REFUSED: dict[str, Callable[[], object]] = {
    "no signature of the log": lambda: open_checkpoint(signed(TEXT, WITNESS), KEYS, ORIGIN),
    "signed by another key of that name": lambda: open_checkpoint(signed(TEXT, OTHER), KEYS, ORIGIN),
    "signed by another log": lambda: open_checkpoint(signed(TEXT, ELSEWHERE), [ELSEWHERE.verifier], ORIGIN),
    "of another origin": lambda: open_checkpoint(
        signed(Checkpoint("else.example", 1, bytes(32)).text, LOG), KEYS, ORIGIN),
    "a known line that is false": lambda: open_checkpoint(
        join(TEXT, [LOG.line(TEXT), WITNESS.cosign(TEXT + "x\n", 1)]), KEYS, ORIGIN),
    "a signature of another text": lambda: open_checkpoint(join(TEXT, [LOG.line("x\n")]), KEYS, ORIGIN),
    "a cosignature as the log's": lambda: open_checkpoint(
        signed(TEXT, SigningKey(ORIGIN, bytes([9]) * 32, COSIGNATURE)),
        [SigningKey(ORIGIN, bytes([9]) * 32, COSIGNATURE).verifier], ORIGIN),
    "a key of the wrong type": lambda: open_checkpoint(
        signed(TEXT, LOG), [VerifierKey(ORIGIN, COSIGNATURE, LOG.verifier.public)], ORIGIN),
    "CRLF": lambda: open_checkpoint(NOTE.replace("\n", "\r\n"), KEYS, ORIGIN),
    "no last newline": lambda: open_checkpoint(NOTE.removesuffix("\n"), KEYS, ORIGIN),
    "a blank line more": lambda: open_checkpoint(NOTE + "\n", KEYS, ORIGIN),
    "no blank line": lambda: open_checkpoint(NOTE.replace("\n\n", "\n"), KEYS, ORIGIN),
    "a hyphen for the dash": lambda: open_checkpoint(NOTE.replace("— ", "- "), KEYS, ORIGIN),
    "65 signatures": lambda: open_checkpoint(join(TEXT, [LOG.line(TEXT)] * 65), KEYS, ORIGIN),
    "too long": lambda: open_checkpoint(join("x" * 300_000 + "\n", [LOG.line(TEXT)]), KEYS, ORIGIN),
    "a size with a leading zero": lambda: parse_checkpoint(TEXT.replace("\n37\n", "\n037\n")),
    "a negative size": lambda: parse_checkpoint(TEXT.replace("\n37\n", "\n-37\n")),
    "a signed size": lambda: parse_checkpoint(TEXT.replace("\n37\n", "\n+37\n")),
    "a size in other digits": lambda: parse_checkpoint(TEXT.replace("\n37\n", "\n３７\n")),
    "a huge size": lambda: parse_checkpoint(TEXT.replace("\n37\n", f"\n{'9' * 5_000}\n")),
    "a size of 2**63": lambda: parse_checkpoint(TEXT.replace("\n37\n", f"\n{2**63}\n")),
    "an extension line": lambda: parse_checkpoint(TEXT + "more\n"),
    "no origin": lambda: parse_checkpoint(TEXT.removeprefix(ORIGIN)),
    "a short root": lambda: parse_checkpoint(f"{ORIGIN}\n37\n{base64.b64encode(bytes(31)).decode()}\n"),
    "a root in another spelling": lambda: parse_checkpoint(f"{ORIGIN}\n37\n{'A' * 42}B=\n"),
    "a root without padding": lambda: parse_checkpoint(f"{ORIGIN}\n37\n{'A' * 43}\n"),
    "url-safe Base64": lambda: parse_checkpoint(f"{ORIGIN}\n37\n{'_' * 42}8=\n"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_note_that_is_not_exactly_right_is_refused(what: str) -> None:
    with pytest.raises(NoteError):
        REFUSED[what]()


PROOFS: dict[str, str] = {
    "another version": PROOF.text.replace("@v1", "@v2"),
    "no header": PROOF.text.partition("\n")[2],
    "a negative index": PROOF.text.replace("index 21", "index -21"),
    "a leading zero": PROOF.text.replace("index 21", "index 021"),
    "a huge index": PROOF.text.replace("index 21", f"index {'9' * 4_400}"),
    "no index": PROOF.text.replace("index 21\n", ""),
    "a space more": PROOF.text.replace("index 21", "index 21 "),
    "CRLF": PROOF.text.replace("\n", "\r\n"),
    "64 hashes": Proof(21, (bytes(32),) * 64, NOTE).text,
    "a short hash": PROOF.text.replace("\nindex 21\n", f"\nindex 21\n{base64.b64encode(bytes(16)).decode()}\n"),
    "extra twice": PROOF.text.replace("extra ZXh0cmE=\n", "extra ZXh0cmE=\nextra ZXh0cmE=\n"),
    "extra after the index": PROOF.text.replace("extra ZXh0cmE=\nindex 21\n", "index 21\nextra ZXh0cmE=\n"),
    "extra that is no Base64": PROOF.text.replace("extra ZXh0cmE=", "extra !"),
    "no note": PROOF.text.partition("\n\n")[0],
    "nothing": "",
}


@pytest.mark.parametrize("what", PROOFS)
def test_a_proof_file_that_is_not_exactly_right_is_refused(what: str) -> None:
    with pytest.raises(NoteError):
        check_proof(parse_proof(PROOFS[what]), LEAVES[21], KEYS, ORIGIN)


@given(st.data())
def test_a_touched_proof_file_proves_nothing(data: st.DataObject) -> None:
    text = PROOF.text
    place = data.draw(st.integers(0, len(text) - 1))
    how = data.draw(st.sampled_from(["cut", "drop", "double", "other"]))
    other = data.draw(st.characters(codec="utf-8").filter(lambda one: one != text[place]))
    touched = {
        "cut": text[:place], "drop": text[:place] + text[place + 1 :], "double": text[: place + 1] + text[place:],
        "other": text[:place] + other + text[place + 1 :],
    }[how]  # fmt: skip
    try:
        found, opened = check_proof(parse_proof(touched), LEAVES[21], KEYS, ORIGIN)
    except NoteError:
        return
    # What is left: the extra data, which nobody signs, or a line that is no longer a known key's.
    assert found == CHECKPOINT
    assert LOG.verifier in {signature.key for signature in opened.signatures}
    assert parse_proof(touched).path == PROOF.path


@given(st.integers(0, 36), st.integers(0, 36), st.integers(1, 60))
def test_a_proof_of_another_place_leaf_or_tree_is_refused(index: int, wrong: int, size: int) -> None:
    path = tuple(inclusion_path(LEAVES, index))
    cases = [(LEAVES[index], wrong, path, CHECKPOINT)] if wrong != index else []
    cases += [(leaf_hash(b"other"), index, path, CHECKPOINT), (LEAVES[index], index, path[:-1], CHECKPOINT)]
    cases += [(LEAVES[index], index, (*path, bytes(32)), CHECKPOINT)]
    other = [leaf_hash(f"other {number}".encode()) for number in range(size)]
    cases.append((LEAVES[index], index, path, Checkpoint(ORIGIN, size, root(other))))
    for leaf, place, nodes, checkpoint in cases:
        with pytest.raises(NoteError, match="path"):
            check_proof(Proof(place, nodes, signed(checkpoint.text, LOG)), leaf, KEYS, ORIGIN)


@given(st.text(max_size=300))
def test_no_text_is_anything_but_a_note_or_refused(text: str) -> None:
    for read in (split, parse_proof, parse_checkpoint, parse_key, parse_number):
        try:
            read(text)
        except NoteError:
            continue


@pytest.mark.parametrize("text", [
    "", "a", "a+b", "a+00000000+", str(LOG.verifier) + "A", str(LOG.verifier).replace("+", " + "), "+" + str(LOG.verifier),
    str(LOG.verifier).replace(LOG.verifier.key_id.hex(), OTHER.verifier.key_id.hex()),
    str(LOG.verifier).replace(LOG.verifier.key_id.hex(), LOG.verifier.key_id.hex().upper()),
    str(VerifierKey("a", 2, bytes(32))), str(VerifierKey("a", 1, bytes(31))), str(VerifierKey("a b", 1, bytes(32))),
])  # fmt: skip
def test_a_verifier_key_that_is_not_exactly_right_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        parse_key(text)
