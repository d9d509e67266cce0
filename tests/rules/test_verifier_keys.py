"""Files of verifier keys: one strict reading, and one refusal for each thing that can be wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fundledger.catalogue import render
from fundledger.cli.given import given_keys
from fundledger.errors import FundledgerError
from fundledger.sealing.note import COSIGNATURE, ED25519, SigningKey, VerifierKey
from fundledger.sealing.verifier_keys import FILE_MAX, KeyKind, parse_keys
from fundledger.witness.trusting import origin_of

LOG = SigningKey("finance.example/log", bytes(32)).verifier
OTHER = SigningKey("finance.example/log", bytes([1]) * 32).verifier
RECEIPTS = SigningKey("finance.example/log/receipts", bytes(32)).verifier
HASHED = SigningKey("log#1.example", bytes(32)).verifier
WITNESS = SigningKey("audit.example/witness", bytes(32), COSIGNATURE).verifier


def same_id() -> tuple[VerifierKey, VerifierKey]:
    """Two keys of one name and one id: an id is four bytes, so some 100,000 tries find a pair."""
    seen: dict[bytes, VerifierKey] = {}
    for number in range(2**20):
        key = VerifierKey("a", ED25519, number.to_bytes(32, "big"))
        other = seen.setdefault(key.key_id, key)
        if other is not key:
            return other, key
    raise AssertionError("no pair was found")


def refusal(*texts: str, kind: KeyKind = "log") -> tuple[str, int | None]:
    with pytest.raises(FundledgerError) as refused:
        parse_keys([(f"file-{number}", text) for number, text in enumerate(texts)], kind)
    for language in ("zh", "en"):
        assert not any("{" in text for text in render(refused.value.code, refused.value.params, language))
    line = refused.value.params.get("line")
    return refused.value.code, line if isinstance(line, int) else None


@pytest.mark.parametrize("text", [
    f"{LOG}", f"{LOG}\n", f"\n\n# of the bureau\n  {LOG}\t# log 2026\r\n\n", f"\ufeff{LOG}\r\n", f"#\n{LOG} #", f"{LOG}\n#{LOG}",
])  # fmt: skip
def test_comments_and_blank_lines_count_for_nothing(text: str) -> None:
    assert parse_keys([("f", text)], "log") == [LOG]


def test_keys_keep_their_order_and_a_name_may_hold_a_hash() -> None:
    assert parse_keys([("f", f"{RECEIPTS}\n{HASHED}\n{LOG}"), ("g", f"{OTHER}\n{LOG}")], "log") == [
        RECEIPTS, HASHED, LOG, OTHER,
    ]  # fmt: skip
    assert parse_keys([("f", f"{WITNESS}")], "witness") == [WITNESS]
    assert parse_keys([("f", "# none yet\n")], "witness") == []


@pytest.mark.parametrize(("text", "code", "line"), [
    (f"{LOG}\nx", "malformed", 2), (f"{LOG}A", "malformed", 1), ("a+b+c", "malformed", 1), ("log 2026 " + str(LOG), "malformed", 1),
    (str(LOG).replace("finance", "finanse"), "malformed", 1), ('{"keys": []}', "malformed", 1), (f'"{LOG}",', "malformed", 1),
    (f"{LOG}\n\n{OTHER} log", "trailing", 3), (f"{LOG} {OTHER}", "trailing", 1), (f"{LOG}\x0b{OTHER}", "trailing", 1),
    (f"{LOG}\n# again\n{LOG}", "twice", 3), (f"{LOG}\n{WITNESS}", "wrong-type", 2),
])  # fmt: skip
def test_what_is_no_key_of_the_kind_is_refused_with_its_line(text: str, code: str, line: int) -> None:
    assert refusal(text) == (f"verifier-key-{code}", line)


def test_witnesses_are_no_logs() -> None:
    assert refusal(f"{WITNESS}\n{LOG}", kind="witness") == ("verifier-key-wrong-type", 2)


def test_two_keys_of_one_name_and_id_are_refused_wherever_they_stand() -> None:
    one, two = same_id()
    assert refusal(f"{one}\n{two}") == ("verifier-key-ambiguous", 2)
    assert refusal(str(one), f"\n{two}") == ("verifier-key-ambiguous", 2)


def test_a_long_file_is_refused() -> None:
    assert refusal("#" * (FILE_MAX + 1))[0] == "verifier-keys-too-long"


def test_an_option_takes_keys_and_files_of_them(tmp_path: Path) -> None:
    file = tmp_path / "log+old.keys"
    file.write_text(f"{LOG}\n{RECEIPTS}\n", encoding="utf-8")
    assert given_keys([str(OTHER), str(file), str(LOG), str(file)], "log") == [OTHER, LOG, RECEIPTS]
    (tmp_path / "empty").write_text("# nothing\n", encoding="utf-8")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for value, code in (
        (tmp_path / "empty", "verifier-keys-none"), (tmp_path / "bytes", "file-not-text"), (tmp_path, "file-unreadable"),
        (tmp_path / "none", "file-unreadable"), ("x" * 5_000 + "+", "verifier-key-malformed"), ("a\0+b", "verifier-key-malformed"),
        ("a\0b", "file-unreadable"), ("", "file-unreadable"), ("/dev/zero", "verifier-keys-too-long"),
    ):  # fmt: skip
        with pytest.raises(FundledgerError) as refused:
            given_keys([str(value)], "log")
        assert refused.value.code == code, value


def test_the_keys_of_one_log_name_it() -> None:
    assert origin_of([RECEIPTS, LOG, OTHER]) == LOG.name
    assert origin_of([RECEIPTS]) == RECEIPTS.name
    for keys in ([LOG, HASHED], [LOG, RECEIPTS, HASHED]):
        with pytest.raises(FundledgerError, match="witness-log-keys-differ"):
            origin_of(keys)
