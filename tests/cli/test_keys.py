# ruff: noqa: ASYNC240  (a test may wait for a small file)
"""`fundledger key …`: the file of the log's keys, whose loss ends a log and whose theft ends its worth."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fundledger.cli.commands import main
from fundledger.cli.keys import signing_keys
from fundledger.errors import FundledgerError
from fundledger.sealing import keys
from fundledger.sealing.checkpoint import open_checkpoint
from fundledger.sealing.keys import KeyFile, KeysError
from fundledger.sealing.note import parse_key
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.signing import Signer
from tests.builders import World
from tests.databases import Database, connected
from tests.sealing.test_signed_tree import grow

ORIGIN = "finance.example/fundledger"
Key = Callable[..., tuple[int, str, str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log-keys.json"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Key:
    """Run ``fundledger key …``: exit code, standard output, standard error."""
    monkeypatch.setenv("FUNDLEDGER_DATA_DIR", str(tmp_path))

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fundledger", "key", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), captured.out, captured.err

    return call


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "TAKES_EFFECT", keys.TAKES_EFFECT * 0)


def ids(listed: str) -> dict[str, list[str]]:
    """Key ids by purpose, as `list` shows them."""
    found: dict[str, list[str]] = {}
    for line in listed.splitlines():
        verifier, _, purpose, *_ = line.split()
        found.setdefault(purpose, []).append(parse_key(verifier).key_id.hex())
    return found


def test_the_file_is_its_owners_and_what_is_shown_are_public_halves(key: Key, path: Path) -> None:
    code, out, _ = key("create", "--origin", ORIGIN)
    assert code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {name: len(found) for name, found in ids(out).items()} == {"log": 1, "receipts": 1}
    assert f"{ORIGIN}+" in out
    assert f"{ORIGIN}/receipts+" in out
    private = [one["private"] for one in json.loads(path.read_text())["keys"]]
    assert all(private)
    assert key("list") == (0, out, "")
    assert not any(secret in out for secret in private)
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_keys_are_never_overwritten(key: Key, path: Path) -> None:
    key("create")
    before = path.read_bytes()
    code, _, err = key("create", "--origin", ORIGIN)
    assert (code, "[log-keys-unusable]" in err) == (3, True)
    assert path.read_bytes() == before


def test_of_many_who_create_at_once_one_does(path: Path) -> None:
    def create(number: int) -> bool:
        try:
            keys.create(path, f"{ORIGIN}/{number}")
        except KeysError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(create, range(8)))
    assert made.count(True) == 1
    assert keys.load(path).origin == f"{ORIGIN}/{made.index(True)}"


@pytest.mark.parametrize("origin", ["has space", "a+b", "中文/log", "a\nb", "x" * 201, "http://a/b"])
def test_an_origin_that_no_note_can_hold_is_refused(key: Key, path: Path, origin: str) -> None:
    code, _, err = key("create", "--origin", origin)
    assert (code, "[log-keys-unusable]" in err) == (3, True)
    assert not path.exists()


def test_a_log_without_a_name_gets_one_of_its_own(key: Key, path: Path, tmp_path: Path) -> None:
    key("create")
    assert keys.load(path).origin != keys.create(tmp_path / "other.json", keys.new_origin()).origin


@pytest.mark.parametrize("command", [("list",), ("rotate", "log"), ("rotate", "receipts"), ("destroy", "00000000")])
def test_without_a_file_every_command_says_so(key: Key, path: Path, command: tuple[str, ...]) -> None:
    code, _, err = key(*command)
    assert (code, "[log-keys-unusable]" in err, "key create" in err) == (3, True, True)
    assert not path.exists()


def broken(record: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> str:
    change(record)
    return json.dumps(record)


DAMAGE: dict[str, Callable[[dict[str, Any]], str]] = {
    "empty": lambda r: "", "not JSON": lambda r: "{", "a list": lambda r: "[]", "cut off": lambda r: json.dumps(r)[:-40],
    "binary": lambda r: "\udcff", "another format": lambda r: broken(r, lambda x: x.update(format="v2")),
    "another name": lambda r: broken(r, lambda x: x.update(origin="someone.else/log")),
    "no keys": lambda r: broken(r, lambda x: x.update(keys=[])),
    "no receipts key": lambda r: broken(r, lambda x: x["keys"].pop()),
    "halves of two keys": lambda r: broken(r, lambda x: x["keys"][0].update(private=x["keys"][1]["private"])),
    "a short key": lambda r: broken(r, lambda x: x["keys"][0].update(private="AAAA")),
    "a number for a key": lambda r: broken(r, lambda x: x["keys"][0].update(public=7)),
    "a purpose that is none": lambda r: broken(r, lambda x: x["keys"][0].update(purpose="all")),
    "no time zone": lambda r: broken(r, lambda x: x["keys"][0].update(valid_from="2026-01-01T00:00:00")),
    "no time": lambda r: broken(r, lambda x: x["keys"][0].update(valid_from=None)),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_named_and_left_alone(key: Key, path: Path, damage: Callable[[dict[str, Any]], str]) -> None:
    keys.create(path, ORIGIN)
    path.write_text(damage(json.loads(path.read_text())), encoding="utf-8", errors="surrogateescape")
    before = path.read_bytes()
    for command in (("list",), ("rotate", "log"), ("create",)):
        code, out, err = key(*command)
        assert (code, out, "[log-keys-unusable]" in err) == (3, "", True), err
    assert path.read_bytes() == before
    with pytest.raises(KeysError):
        KeyFile(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o666])
def test_a_file_that_others_may_read_is_refused(key: Key, path: Path, mode: int) -> None:
    keys.create(path, ORIGIN)
    path.chmod(mode)
    code, _, err = key("list")
    assert (code, "chmod 600" in err) == (3, True)
    path.chmod(0o600)
    assert key("list")[0] == 0


def test_a_folder_in_the_files_place_is_refused(key: Key, path: Path) -> None:
    path.mkdir(mode=0o700)
    code, _, err = key("list")
    assert (code, "[log-keys-unusable]" in err) == (3, True)


def test_a_rotation_adds_a_key_that_the_former_introduces(
    key: Key, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key("create", "--origin", ORIGIN)
    first = keys.load(path)
    at_once(monkeypatch)
    for purpose in keys.PURPOSES:
        assert key("rotate", purpose)[0] == 0
    ring = keys.load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    vouchers = [one.voucher for one in ring.keys if one.voucher]
    assert set(keys.follow(first.verifiers(), vouchers)) == set(ring.verifiers())
    # A log key introduces no receipts key, nor the other way round.
    assert set(keys.follow(first.verifiers("log"), vouchers)) == set(ring.verifiers("log"))
    assert key("rotate", "everything")[0] == 3


def test_a_key_that_is_not_yet_in_force_is_not_rotated_again(key: Key, path: Path) -> None:
    key("create")
    assert key("rotate", "log")[0] == 0
    before = path.read_bytes()
    assert key("rotate", "log")[0] == 3
    assert path.read_bytes() == before


def test_rotations_at_the_same_time_lose_no_key(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.create(path, ORIGIN)
    at_once(monkeypatch)
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda number: keys.rotate(path, keys.PURPOSES[number % 2]), range(8)))
    known = {verifier for ring in made for verifier in ring.verifiers()}
    ring = keys.load(path)
    assert (len(ring.keys), known) == (10, set(ring.verifiers()))


def test_only_a_key_that_was_succeeded_can_be_destroyed(key: Key, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key("create", "--origin", ORIGIN)
    mine = ids(key("list")[1])["log"][0]
    assert key("destroy", mine)[0] == 3
    key("rotate", "log")
    assert key("destroy", mine)[0] == 3, "the next one is not in force yet"
    at_once(monkeypatch)
    record = json.loads(path.read_text())
    record["keys"][1]["valid_from"] = "2026-01-01T00:00:00.000000Z"
    record["keys"][0]["valid_from"] = "2025-01-01T00:00:00.000000Z"
    path.write_text(json.dumps(record))
    code, out, _ = key("destroy", mine)
    assert (code, out.count("private half destroyed")) == (0, 1)
    assert json.loads(path.read_text())["keys"][0]["private"] is None
    assert key("destroy", "ffffffff")[0] == 3
    assert key("destroy", ids(out)["log"][1])[0] == 3


async def test_a_running_sequencer_takes_the_new_key_and_a_broken_file_changes_nothing(
    world: World, db: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = keys.create(path, ORIGIN)
    async with connected(db.service_url) as connection:
        sequencer = Sequencer(connection, signer=Signer(KeyFile(path)))
        await sequencer.seal_all()
        at_once(monkeypatch)
        ring = keys.rotate(path, "log")
        await grow(world, 1)
        await sequencer.seal_all()
        good = path.read_bytes()
        path.write_text("{")
        await grow(world, 1)
        await sequencer.seal_all()
        path.unlink()
        await grow(world, 1)
        await sequencer.seal_all()
        path.write_bytes(good)
        path.chmod(0o600)
        notes = [row["note"] for row in await connection.fetch("SELECT note FROM log_checkpoint ORDER BY size")]
    assert len(notes) == 4
    assert len(open_checkpoint(notes[0], ring.verifiers("log"), ORIGIN)[1].signatures) == 1
    for note in notes[1:]:
        # For a while both sign: who knows the old key only, and who knows the new one only, can read it.
        for trusted in (first.verifiers("log"), ring.verifiers("log")[1:]):
            open_checkpoint(note, trusted, ORIGIN)


async def test_a_signed_log_is_not_signed_without_its_keys_nor_with_others(
    world: World, db: Database, path: Path, tmp_path: Path
) -> None:
    keys.create(path, ORIGIN)
    async with connected(db.service_url) as connection:
        await Sequencer(connection, signer=Signer(KeyFile(path))).seal_all()
    kept, head = path.read_bytes(), (tmp_path / "log-head").read_bytes()

    async def refused() -> str:
        with pytest.raises(FundledgerError) as caught:
            await signing_keys(db.service_url, path)
        return caught.value.code

    path.unlink()
    assert await refused() == "log-keys-unusable"
    assert not path.exists(), "no new keys for a log that was signed"
    keys.create(path, ORIGIN)
    assert await refused() == "log-history-broken", "the head beside them is not theirs"
    (tmp_path / "log-head").unlink()
    assert await refused() == "log-keys-unusable", "other keys of the same name"
    path.write_bytes(kept)
    (tmp_path / "log-head").write_bytes(head)
    assert (await signing_keys(db.service_url, path)).ring.origin == ORIGIN


async def test_the_command_that_seals_refuses_too(world: World, db: Database, path: Path, tmp_path: Path) -> None:
    keys.create(path, ORIGIN)
    async with connected(db.service_url) as connection:
        await Sequencer(connection, signer=Signer(KeyFile(path))).seal_all()
    path.unlink()
    environment = {**os.environ, "FUNDLEDGER_DATABASE_URL": db.service_url, "FUNDLEDGER_DATA_DIR": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fundledger", "sequence", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    assert (process.returncode, b"[log-keys-unusable]" in err) == (3, True), err
