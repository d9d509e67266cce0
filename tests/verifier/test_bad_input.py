"""Bundles that are damaged, foreign, hostile or short of something: a clear answer, never a crash, never "fine"."""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundledger.catalogue import CATALOGUE, render
from fundledger.errors import Family, FundledgerError
from fundledger.sealing.note import SigningKey
from fundledger.verifier import container
from fundledger.verifier.report import Report
from tests.tidy.sources import ROOT
from tests.verifier.making import Log, members, pack, resigned, rows, unrows

Parts = dict[str, bytes]
ROWS = ("leaves.ndjson", "lines.ndjson", "contents.ndjson")
"""What the log proves; records that are not sealed rest on the exporter's signature."""


@pytest.fixture(scope="module")
async def bundle(year_log: Log) -> Path:
    """The year's whole log."""
    return await year_log.export("good.zip")


def answer(log: Log, path: Path) -> Report | str:
    """The report, or the code of the refusal, which is always one of malformed input and says what to do in two languages."""
    try:
        return log.verify(path)
    except FundledgerError as refused:
        error = refused
    assert CATALOGUE[error.code].family in (Family.MALFORMED, Family.NOT_FOUND), error.code
    assert all(render(error.code, error.params, language)[1] for language in ("zh", "en"))
    return error.code


def without(name: str) -> Callable[[Parts], None]:
    return lambda parts: parts.__delitem__(name)


def with_text(name: str, data: bytes) -> Callable[[Parts], None]:
    return lambda parts: parts.__setitem__(name, data)


def manifest(**changes: Any) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        parts["bundle.json"] = json.dumps(json.loads(parts["bundle.json"]) | changes).encode()

    return change


DEEP = b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"\n"
CASES: dict[str, tuple[Callable[[Parts], None], str]] = {
    "no manifest": (without("bundle.json"), "bundle-member-missing"),
    "no note": (without("bundle.note"), "bundle-member-missing"),
    "no checkpoint": (without("checkpoint"), "bundle-member-missing"),
    "no leaves": (without("leaves.ndjson"), "bundle-member-missing"),
    "an older format": (manifest(format="fundledger-bundle-v0"), "bundle-version-unknown"),
    "a newer format": (manifest(format="fundledger-bundle-v2"), "bundle-version-unknown"),
    "another format": (manifest(format="something"), "bundle-version-unknown"),
    "a format that is a number": (manifest(format=1), "bundle-version-unknown"),
    "a manifest with more": (manifest(more=1), "bundle-member-malformed"),
    "a size below zero": (manifest(size=-1), "bundle-member-malformed"),
    "a size beyond all": (manifest(size=10**30), "bundle-member-malformed"),
    "a manifest that is no object": (with_text("bundle.json", b"[]"), "bundle-member-malformed"),
    "a manifest of NaN": (with_text("bundle.json", b'{"format":NaN}'), "bundle-member-malformed"),
    "a manifest not UTF-8": (with_text("bundle.json", b"\xff\xfe"), "bundle-member-malformed"),
    "a deep manifest": (with_text("bundle.json", DEEP), "bundle-member-malformed"),
    "a huge manifest": (with_text("bundle.json", b" " * (container.SMALL_MAX + 1)), "bundle-too-large"),
    "a checkpoint that is none": (with_text("checkpoint", b"hello\n"), "bundle-member-malformed"),
    "keys that are none": (with_text("keys", b"{}"), "bundle-member-malformed"),
    "leaves that are none": (with_text("leaves.ndjson", b"hello\n"), "members-fit-the-manifest"),
    "a member that climbs out": (with_text("../evil", b"x"), "bundle-member-unknown"),
    "a member with a root": (with_text("/etc/passwd", b"x"), "bundle-member-unknown"),
    "a member in a folder": (with_text("a/leaves.ndjson", b"x"), "bundle-member-unknown"),
    "a folder": (with_text("folder/", b""), "bundle-member-unknown"),
    "a backslash": (with_text("..\\evil", b"x"), "bundle-member-unknown"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_bundle_that_is_wrong_is_answered(year_log: Log, bundle: Path, tmp_path: Path, case: str) -> None:
    change, code = CASES[case]
    parts = members(bundle)
    change(parts)
    found = answer(year_log, pack(tmp_path / "bad.zip", parts))
    if isinstance(found, Report):
        assert found.exit_code == 1
        assert found.first is not None
        assert found.first[0] == code
    else:
        assert found == code


SIGNED: dict[str, tuple[Callable[[Parts], None], str]] = {
    "rows that are no JSON": (with_text("leaves.ndjson", b"hello\n"), "bundle-member-malformed"),
    "deep rows": (with_text("lines.ndjson", DEEP), "bundle-member-malformed"),
    "deep records": (with_text("records.ndjson", DEEP), "bundle-member-malformed"),
    "empty lines": (with_text("leaves.ndjson", b"\n\n"), "bundle-member-malformed"),
    "no end of line": (with_text("leaves.ndjson", b"{}"), "bundle-member-malformed"),
    "rows not UTF-8": (with_text("contents.ndjson", b'{"position":1,"text":"\xff"}\n'), "bundle-member-malformed"),
    "a huge position": (with_text("contents.ndjson", b'{"position":1e400,"text":""}\n'), "bundle-member-malformed"),
    "a lone surrogate": (with_text("contents.ndjson", b'{"position":1,"text":"\\ud800"}\n'), "bundle-member-malformed"),
    "nodes that are no hashes": (with_text("nodes", b"hello\n"), "bundle-member-malformed"),
    "an empty log": (with_text("leaves.ndjson", b""), "leaves-in-the-log"),
}


@pytest.mark.parametrize("case", SIGNED)
def test_rows_that_are_wrong_are_answered_even_if_signed(year_log: Log, bundle: Path, case: str) -> None:
    change, code = SIGNED[case]
    found = answer(year_log, resigned(bundle, year_log.ring, change))
    if isinstance(found, Report):
        assert found.exit_code == 1
        assert found.outcomes[code].faults
    else:
        assert found == code


def test_files_that_are_no_archives(year_log: Log, bundle: Path, tmp_path: Path) -> None:
    good = bundle.read_bytes()
    for number, data in enumerate(
        (b"", b"PK", b"PK\x05\x06" + bytes(18), b"x" * 5_000, good[:-10], good[:200], good[500:])
    ):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(data)
        assert answer(year_log, path) in {"bundle-not-a-zip", "bundle-damaged", "bundle-member-missing"}
    assert answer(year_log, tmp_path / "absent.zip") == "file-unreadable"


def test_a_zip_bomb_is_refused_before_it_is_unpacked(year_log: Log, bundle: Path, tmp_path: Path) -> None:
    parts = members(bundle)
    parts["lines.ndjson"] = b"0" * (200 * 1024 * 1024)
    assert answer(year_log, pack(tmp_path / "bomb.zip", parts)) == "bundle-too-large"


def test_an_archive_that_lies_about_sizes(year_log: Log, bundle: Path, tmp_path: Path) -> None:
    """The directory says that a member is small; unpacking it stops where that is no longer true."""
    parts = members(bundle)
    parts["leaves.ndjson"] = b'{"x":1}\n' * 1_000_000
    data = bytearray(pack(tmp_path / "lie.zip", parts).read_bytes())
    size = struct.pack("<I", len(parts["leaves.ndjson"]))
    while (place := data.find(size)) >= 0:
        data[place : place + 4] = struct.pack("<I", 100)
    path = tmp_path / "lie.zip"
    path.write_bytes(data)
    assert answer(year_log, path) in {"bundle-damaged", "bundle-too-large", "bundle-not-a-zip"}


def test_links_repeats_passwords_and_strange_packings(year_log: Log, bundle: Path, tmp_path: Path) -> None:
    parts = members(bundle)

    def written(name: str, method: int, act: Callable[[zipfile.ZipFile], None]) -> Path:
        path = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for member, data in parts.items():
                archive.writestr(member, data)
            act(archive)
        return path

    def link(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("older-checkpoint")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")

    def twice(archive: zipfile.ZipFile) -> None:
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("checkpoint", parts["checkpoint"])

    assert answer(year_log, written("link", zipfile.ZIP_DEFLATED, link)) == "bundle-member-unknown"
    assert answer(year_log, written("twice", zipfile.ZIP_DEFLATED, twice)) == "bundle-member-unknown"
    assert answer(year_log, written("bzip2", zipfile.ZIP_BZIP2, lambda _: None)) == "bundle-member-locked"
    locked = bytearray(bundle.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = locked.find(mark)
        locked[place + flags] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    assert answer(year_log, tmp_path / "locked.zip") == "bundle-member-locked"


def test_other_keys_and_no_keys(year_log: Log, bundle: Path) -> None:
    stranger = [SigningKey(key.name, bytes(range(32))).verifier for key in year_log.ring.verifiers()]
    assert year_log.verify(bundle, trusted=stranger).exit_code == 1
    assert year_log.verify(bundle, trusted=[]).exit_code == 3
    assert year_log.verify(bundle, trusted=year_log.ring.verifiers("receipts")).exit_code != 0
    assert year_log.verify(bundle, trusted=year_log.ring.verifiers("log")).exit_code == 3
    assert year_log.verify(bundle).exit_code == 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_bit_that_is_turned_is_noticed(year_log: Log, bundle: Path, tmp_path: Path, place: float, bit: int) -> None:
    """Or it stands in what an archive says of times and such, and no member is another."""
    data = bytearray(bundle.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path = tmp_path / "flipped.zip"
    path.write_bytes(data)
    found = answer(year_log, path)
    if isinstance(found, Report) and found.exit_code == 0:
        assert members(path) == members(bundle)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("act", ["drop", "swap", "double"])
@pytest.mark.parametrize("name", ROWS)
def test_rows_left_out_swapped_or_doubled_are_noticed_even_if_signed(
    year_log: Log, bundle: Path, name: str, act: str, seed: int
) -> None:
    """By somebody who holds the exporter's key: what the log proves, that key can't change."""
    drawn = random.Random(f"{name} {act} {seed}")

    def change(parts: Parts) -> None:
        items = rows(parts[name])
        first, second = drawn.sample(range(len(items)), 2)
        if act == "drop":
            del items[first]
        elif act == "swap":
            items[first], items[second] = items[second], items[first]
        else:
            items.insert(second, items[first])
        parts[name] = unrows(items)

    found = answer(year_log, resigned(bundle, year_log.ring, change))
    # Without its text an approval is at best not checked; with half of it, it is another's.
    codes = {1, 3} if (name, act) == ("contents.ndjson", "drop") else {1}
    assert isinstance(found, str) or found.exit_code in codes


async def test_records_that_a_payment_needs_are_missed(year_log: Log, bundle: Path) -> None:
    """Each kind of record that is not sealed, left out whole by somebody who holds the exporter's key."""
    kinds = {row["kind"] for row in rows(members(bundle)["records.ndjson"])}
    assert len(kinds) > 5
    for kind in sorted(kinds - {"budget_line"}):  # which says what a reader may want to know, and no check needs

        def change(parts: Parts, kind: str = kind) -> None:
            parts["records.ndjson"] = unrows([row for row in rows(parts["records.ndjson"]) if row["kind"] != kind])

        found = answer(year_log, resigned(bundle, year_log.ring, change))
        assert isinstance(found, Report)
        assert found.exit_code in (1, 3), kind


def test_the_command_answers_with_a_sentence_and_a_code(bundle: Path, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../evil", "x")
    path = tmp_path / "evil.zip"
    path.write_bytes(buffer.getvalue())
    for file, code in ((path, 2), (bundle, 3)):
        done = subprocess.run(
            [sys.executable, "-m", "fundledger", "verify", str(file)], capture_output=True, text=True, check=False,
            cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr + done.stdout
        assert any("\u4e00" <= one <= "\u9fff" for one in done.stdout + done.stderr)
    assert not (tmp_path.parent / "evil").exists()
