"""Personal data is matched, sealed, committed to and masked without ever showing a key or a value."""

from __future__ import annotations

import hashlib
import json
import pickle
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundledger.registry.vault import (
    DigestKind,
    Vault,
    VaultError,
    commitment,
    mask_card,
    mask_identity,
    mask_name,
    new_salt,
)

HASH_KEY = bytes(range(32))
OLD, NEW = b"o" * 32, b"n" * 32
VAULT = Vault.from_keys(1, HASH_KEY, {1: OLD})
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("identity", "11010519491231002x", " 11010519491231002X "),
        ("card", "4111 1111 1111 1111", "4111111111111111"),
        ("phone", "+86 138-0000-0000", "13800000000"),
        ("name", " 张 三丰\u3000", "张三丰"),
        ("name", "阿依古丽・买买提", "阿依古丽·买买提"),
        ("name", "ＬＩ Lei", "lilei"),
    ],
)
def test_the_same_text_written_differently_has_one_digest(kind: DigestKind, one: str, other: str) -> None:
    assert VAULT.digest(kind, one) == VAULT.digest(kind, other)


def test_digests_depend_on_kind_text_and_key() -> None:
    digests = {VAULT.digest(kind, "123") for kind in ("identity", "card", "phone", "name")}
    digests |= {VAULT.digest("card", "124"), Vault.from_keys(2, NEW, {1: OLD}).digest("card", "123")}
    assert len(digests) == 6
    assert all(len(digest) == 32 for digest in digests)


def test_a_digest_is_the_documented_hmac_and_never_changes() -> None:
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in HASH_KEY.ljust(64, b"\0")) + b"fundledger/digest/1/card\x004111")
    outer = hashlib.sha256(bytes(b ^ 0x5C for b in HASH_KEY.ljust(64, b"\0")) + inner.digest())
    assert VAULT.digest("card", "41 11") == outer.digest()


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KeyError):
        VAULT.digest("email", "a@b")  # type: ignore[arg-type]


@given(st.dictionaries(TEXT, TEXT), st.binary())
def test_what_is_sealed_opens_in_its_context(plain: dict[str, str], context: bytes) -> None:
    assert VAULT.open_sealed(VAULT.seal(plain, context), context) == plain


def test_a_sealed_text_that_was_altered_moved_or_cut_does_not_open() -> None:
    blob = VAULT.seal({"name": "张三丰"}, b"person/1")
    attempts = [(blob, b"person/2"), (blob[:-1], b"person/1"), (blob[:13], b"person/1"), (b"", b"person/1")]
    attempts += [(blob[:i] + bytes([blob[i] ^ 1]) + blob[i + 1 :], b"person/1") for i in range(len(blob))]
    for altered, context in attempts:
        with pytest.raises(VaultError):
            VAULT.open_sealed(altered, context)


def test_the_same_values_never_seal_to_the_same_bytes() -> None:
    assert len({VAULT.seal({"a": "b"}, b"") for _ in range(100)}) == 100


def test_the_newest_key_seals_and_older_keys_still_open() -> None:
    old_blob = VAULT.seal({"a": "b"}, b"c")
    rotated = Vault.from_keys(1, HASH_KEY, {1: OLD, 7: NEW})
    assert rotated.open_sealed(old_blob, b"c") == {"a": "b"}
    assert (old_blob[0], rotated.seal({"a": "b"}, b"c")[0], rotated.sealing_key_id) == (1, 7, 7)
    with pytest.raises(VaultError, match="names no key"):
        VAULT.open_sealed(rotated.seal({}, b""), b"")


def test_neither_repr_nor_pickle_shows_a_key() -> None:
    assert repr(VAULT) == "<Vault hash_key_id=1 encryption_key_ids=[1]>"
    with pytest.raises(TypeError):
        pickle.dumps(VAULT)


@pytest.mark.parametrize(
    ("hash_key_id", "hash_key", "encryption"),
    [
        (1, b"short", {1: OLD}),
        (1, HASH_KEY, {1: b"short"}),
        (1, HASH_KEY, {}),
        (1, HASH_KEY, {256: OLD}),
        (0, OLD, {1: OLD}),
    ],
)
def test_unsound_keys_are_refused(hash_key_id: int, hash_key: bytes, encryption: dict[int, bytes]) -> None:
    with pytest.raises(VaultError):
        Vault.from_keys(hash_key_id, hash_key, encryption)


def test_a_missing_key_file_is_made_for_the_owner_only_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "vault.json"
    first = Vault.open(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["vault.json"]
    again = Vault.open(path)
    assert again.fingerprint == first.fingerprint
    assert again.open_sealed(first.seal({"a": "b"}, b""), b"") == {"a": "b"}
    assert Vault.open(tmp_path / "other.json").fingerprint != first.fingerprint


def test_processes_that_start_together_end_with_the_same_keys(tmp_path: Path) -> None:
    seen: list[str] = []
    threads = [
        threading.Thread(target=lambda: seen.append(Vault.open(tmp_path / "vault.json").fingerprint)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1


def test_rotation_adds_a_key_to_the_file_and_keeps_the_old(tmp_path: Path) -> None:
    path = tmp_path / "vault.json"
    before = Vault.open(path)
    blob = before.seal({"a": "b"}, b"")
    after = Vault.rotate(path)
    assert (after.sealing_key_id, after.fingerprint) == (2, before.fingerprint)
    assert Vault.open(path).open_sealed(blob, b"") == {"a": "b"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vault.json"
    Vault.open(path)
    path.chmod(0o640)
    with pytest.raises(VaultError, match="chmod 600"):
        Vault.open(path)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"format": "other"}', '{"format": "fundledger-vault-1", "hash": 1}']
)
def test_what_is_not_a_key_file_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "vault.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(VaultError, match="is not a fundledger-vault-1 key file"):
        Vault.open(path)


def test_a_full_key_file_refuses_another_rotation(tmp_path: Path) -> None:
    path = tmp_path / "vault.json"
    Vault.open(path)
    content = json.loads(path.read_text())
    content["encryption"][0]["id"] = 255
    path.write_text(json.dumps(content))
    with pytest.raises(VaultError, match="all 255"):
        Vault.rotate(path)


def test_a_commitment_is_the_documented_hash_of_salt_and_value() -> None:
    salt = bytes(range(32))
    assert commitment(salt, "张三") == hashlib.sha256(b"\x01" + salt + "张三".encode()).digest()
    assert commitment(salt, "张三").hex() == "a9cdb9be11d492695c5ed79beccf5d7c1ea5f3e88b34baec3700cbd083e922a9"
    assert commitment(new_salt(), "张三") != commitment(new_salt(), "张三")


def test_a_salt_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        commitment(b"short", "x")


@pytest.mark.parametrize(
    ("name", "masked"),
    [("张三丰", "张**"), ("张三", "张*"), ("张", "*"), ("", ""), (" 欧阳修 ", "欧**"), ("阿依·买", "阿***")],
)
def test_names_are_masked_after_the_first_character(name: str, masked: str) -> None:
    assert mask_name(name) == masked


def test_cards_and_identity_numbers_are_masked_in_the_middle() -> None:
    assert mask_card("6217 0000 0000 0001 234") == "***************1234"
    assert mask_card("12345") == "*****"
    assert mask_identity("11010519491231002x") == "110105**********2X"
    assert mask_identity("12345678") == "********"
