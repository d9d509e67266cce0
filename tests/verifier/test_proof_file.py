"""Proof files offline: what the service gives is sound, and nothing that was touched is; a clear answer to any text."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from fundledger.cli.commands import app
from fundledger.errors import FundledgerError
from fundledger.sealing.checkpoint import Checkpoint, Proof
from fundledger.sealing.keys import Keyring, KeysError, create, receipts_name
from fundledger.sealing.merkle import leaf_hash
from fundledger.sealing.note import COSIGNATURE, SigningKey, split
from fundledger.verifier.proof_file import Verdict, verify_proof
from tests.builders import DISTRICT, World
from tests.databases import Database
from tests.sealing.sealed import seal
from tests.sealing.test_proofs_http import get, paid
from tests.sealing.test_trail_proof import UP, payee_of
from tests.web import Api

WITNESS = SigningKey("audit.example/witness", bytes([7]) * 32, COSIGNATURE)
Given = dict[str, Any]


@pytest.fixture
async def given_out(api: Api, world: World, db: Database, tmp_path: Path) -> Given:
    """What the service gave an auditor: a record and its proof, a line's proof, a trail; and the log's keys."""
    entry = await paid(world, 40)
    household = await payee_of(world, entry, 38)
    ring = await seal(db, tmp_path)
    return {
        "ring": ring, "record": await get(api, "auditor", f"/v1/log/records/entry/{entry}"),
        "proof": await get(api, "auditor", f"/v1/log/proofs/entry/{entry}"),
        "line": await get(api, "auditor", f"/v1/log/proofs/entry/{entry}/lines/38"),
        "trail": await get(api, "auditor", UP, household_id=household, proof=True),
    }  # fmt: skip


def check(text: str, ring: Keyring | None, **more: Any) -> Verdict:
    return verify_proof(text, [] if ring is None else ring.verifiers("log"), **more)


def test_a_receipts_key_can_not_sign_a_log(tmp_path: Path) -> None:
    """Its name, taken for a log's origin, would make whoever signs promises able to sign a tree."""
    ring = create(tmp_path / "log-keys.json", "test.example/log")
    leaf = b'{"entry_id":"forged","kind":"entry"}'
    forged = Checkpoint(receipts_name(ring.origin), 1, leaf_hash(leaf))
    proof = Proof(0, (), ring.sign_receipt(forged.text, datetime.now(UTC))).text
    found = verify_proof(proof, ring.verifiers(), leaf=leaf.decode())
    assert (found.state, found.proved) == ("fault", [])
    with pytest.raises(KeysError, match="origin"):
        create(tmp_path / "other" / "log-keys.json", receipts_name(ring.origin))


def test_what_the_service_gives_is_sound(given_out: Given) -> None:
    ring, entry = given_out["ring"], given_out["record"]["record_id"]
    found = check(given_out["proof"], ring, leaf=given_out["record"]["data"])
    assert (found.state, found.signed_by) == ("sound", [str(ring.verifiers("log")[0])])
    position = given_out["record"]["position"]
    record = {"position": position, "kind": "entry", "book": str(DISTRICT), "record_id": entry}
    assert found.proved == [record]
    assert check(given_out["proof"], ring, leaf=json.dumps(given_out["record"])).proved == [record]
    line = {"kind": "line", "book": str(DISTRICT), "record_id": entry, "line_no": 38}
    assert check(json.dumps(given_out["line"]), ring).proved == [record, line]
    trail = check(json.dumps(given_out["trail"]), ring)
    assert trail.state == "sound", trail.as_json()
    assert len([one for one in trail.proved if one["kind"] == "line"]) == len(given_out["trail"]["edges"])


def test_what_could_not_be_checked_is_incomplete_and_never_fine(given_out: Given) -> None:
    ring, leaf = given_out["ring"], given_out["record"]["data"]
    for found in (
        check(given_out["proof"], ring), check(given_out["proof"], None, leaf=leaf),
        check(json.dumps(given_out["line"]), None), check(json.dumps(given_out["trail"]), None),
        verify_proof(given_out["proof"], ring.verifiers("receipts"), leaf=leaf),
        verify_proof(given_out["proof"], [], leaf=leaf),
    ):  # fmt: skip
        assert (found.state, found.exit_code) == ("incomplete", 3), found.as_json()
    late = copy.deepcopy(given_out["trail"])
    gone = late["proof"]["entries"].pop()
    assert check(json.dumps(late), ring).state == "incomplete"
    late["proof"]["unsealed"].append({"book": gone["book"], "entry_id": gone["entry_id"]})
    assert "came after the checkpoint" in check(json.dumps(late), ring).incomplete[0]
    late["edges"], late["proof"]["entries"] = [], []
    assert check(json.dumps(late), ring).state == "fault"  # its sum has nothing under it
    late |= {"origins": [], "amount": "0.00"}
    assert check(json.dumps(late), ring).state == "incomplete"


def test_signatures_decide(given_out: Given) -> None:
    ring, text, leaf = given_out["ring"], given_out["proof"], given_out["record"]["data"]
    stranger = SigningKey(ring.origin, bytes([9]) * 32).verifier
    elsewhere = SigningKey("other.example/log", bytes([9]) * 32).verifier
    for keys in ([stranger], [elsewhere]):
        assert verify_proof(text, keys, leaf=leaf).state == "fault"
    head, note = text.split("\n\n", 1)
    cosigned = f"{head}\n\n{note}{WITNESS.cosign(split(note)[0], 1_546_300_800)}\n"
    found = verify_proof(cosigned, ring.verifiers("log"), leaf=leaf, witnesses=[WITNESS.verifier])
    assert (found.state, found.cosigned) == ("sound", [(WITNESS.verifier.name, 1_546_300_800)])
    assert check(cosigned, ring, leaf=leaf, witnesses=[WITNESS.verifier]).state == "sound"
    assert check(text, ring, leaf=leaf, witnesses=[WITNESS.verifier]).state == "fault"
    assert verify_proof(text, [], leaf=leaf, witnesses=[WITNESS.verifier]).state == "fault"
    only = verify_proof(cosigned, [], leaf=leaf, witnesses=[WITNESS.verifier])
    assert (only.state, only.cosigned) == ("incomplete", [(WITNESS.verifier.name, 1_546_300_800)])
    false = f"{head}\n\n{note}{WITNESS.cosign('else' + chr(10), 1)}\n"
    assert check(false, ring, leaf=leaf, witnesses=[WITNESS.verifier]).state == "fault"


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a scalar in a JSON value."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))
    else:
        yield path


def touched(value: Any, path: tuple[Any, ...]) -> Any:
    """The same with one scalar changed a little."""
    made = copy.deepcopy(value)
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    old = holder[path[-1]]
    if isinstance(old, str):
        middle = len(old) // 2
        changed = "0" if old[middle : middle + 1] != "0" else "1"
        holder[path[-1]] = old[:middle] + changed + old[middle + 1 :]
    else:
        holder[path[-1]] = "x" if old is None else old + 1
    return made


def state_of(value: Any, ring: Keyring | None = None) -> str:
    """The verdict on a text (or a value as JSON), or the code of the refusal to read it."""
    try:
        return check(value if isinstance(value, str) else json.dumps(value), ring).state
    except FundledgerError as error:
        return error.code


def test_no_scalar_of_a_proof_can_be_changed(given_out: Given) -> None:
    ring = given_out["ring"]
    line_places = list(places(given_out["line"]))
    assert len(line_places) > 10
    for path in line_places:
        assert state_of(touched(given_out["line"], path), ring) != "sound", path
    trail = given_out["trail"]
    edges = [("edges", *path) for path in places(trail["edges"]) if path[-1] not in ("depth", "step", "at")]
    sums = [("asked",), ("amount",), *((("origins", at, "amount")) for at in range(len(trail["origins"])))]
    for path in [*(("proof", *path) for path in places(trail["proof"])), *edges, *sums]:
        assert state_of(touched(trail, path), ring) != "sound", path


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda trail: trail.update(asked="79.00"), "more than the 79.00 asked for"),
        (lambda trail: trail.update(asked="81.00", amount="81.00"), "its first edges are 80.00"),
        (lambda trail: trail["origins"][0].update(amount="81.00"), "its origins are 81.00"),
        (lambda trail: trail["edges"][0].update(at="1.00"), "leave a gap"),
    ],
)
def test_the_sums_of_a_trail_are_added_up_again(given_out: Given, change: Callable[[Given], None], says: str) -> None:
    trail = copy.deepcopy(given_out["trail"])
    assert (trail["asked"], trail["amount"], len(trail["origins"])) == ("80.00", "80.00", 1)
    change(trail)
    found = check(json.dumps(trail), given_out["ring"])
    assert found.state == "fault"
    assert says in (found.fault or "")


def test_a_page_that_follows_a_part_is_incomplete(given_out: Given) -> None:
    found = check(json.dumps(given_out["trail"] | {"asked": "81.00"}), given_out["ring"])
    assert (found.state, len(found.incomplete)) == ("incomplete", 1)
    assert "take the other pages" in found.incomplete[0]


def test_lines_and_leaves_can_not_be_exchanged(given_out: Given) -> None:
    ring, trail = given_out["ring"], given_out["trail"]
    swapped = copy.deepcopy(trail)
    first, second = swapped["proof"]["entries"][:2]
    first["lines"], second["lines"] = second["lines"], first["lines"]
    assert state_of(swapped, ring) == "fault"
    doubled = copy.deepcopy(trail)
    doubled["proof"]["entries"][0]["lines"] *= 2
    assert state_of(doubled, ring) == "sound"  # the same twice says nothing new
    leafless = {**given_out["line"], "leaf": given_out["line"]["data"]}
    assert state_of(leafless, ring) == "fault"


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["proof", "leaf", "data", "edges", "entries", "lines", "checkpoint", "unsealed",
                                         "index", "path", "inner_path"]), inner, max_size=6), max_leaves=12))  # fmt: skip
def test_any_json_gets_a_clear_answer(value: Any) -> None:
    assert state_of(json.dumps(value)) in ("fault", "incomplete", "proof-unreadable")


@pytest.mark.parametrize("text", [
    "", "{", "[]", "nothing", "{" * 100_000, '{"a":' * 100_000, '{"proof": ' + "9" * 5_000 + "}", "c2sp.org/tlog-proof@v1",
    "c2sp.org/tlog-proof@v9\nindex 1\n\nx", '{"proof": {}, "edges": []}', '{"proof": "", "leaf": "\\ud800"}', "\x00",
])  # fmt: skip
def test_any_text_gets_a_clear_answer(text: str) -> None:
    assert state_of(text) in ("fault", "proof-unreadable")


def test_the_command_says_what_is_proved_and_exits_with_the_verdict(given_out: Given, tmp_path: Path) -> None:
    key = str(given_out["ring"].verifiers("log")[0])
    (tmp_path / "a.tlog-proof").write_text(given_out["proof"], encoding="utf-8")
    (tmp_path / "leaf.json").write_text(given_out["record"]["data"] + "\n", encoding="utf-8")
    (tmp_path / "trail.json").write_text(json.dumps(given_out["trail"]), encoding="utf-8")
    (tmp_path / "keys").write_text(f"# in person\n\n{key}  # log\n", encoding="utf-8")
    run = CliRunner()
    proof, leaf, trail = (str(tmp_path / name) for name in ("a.tlog-proof", "leaf.json", "trail.json"))
    made = run.invoke(app, ["verify", proof, "--leaf", leaf, "--log-key", key])
    assert made.exit_code == 0, made.output
    assert f"proved: entry {given_out['record']['record_id']}" in made.output
    assert run.invoke(app, ["verify", trail, "--log-key", str(tmp_path / "keys")]).exit_code == 0
    assert run.invoke(app, ["verify", proof, "--log-key", key]).exit_code == 3
    (tmp_path / "leaf.json").write_text(given_out["record"]["data"].replace("entry", "entri", 1), encoding="utf-8")
    fault = run.invoke(app, ["verify", proof, "--leaf", leaf, "--log-key", key, "--json"])
    assert fault.exit_code == 1
    assert json.loads(fault.output)["verdict"] == "fault"
