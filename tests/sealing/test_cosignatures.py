"""Cosignatures: what a trusted witness signed is kept and shown with the checkpoint; anything else is refused."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fundledger.sealing.checkpoint import Checkpoint, open_checkpoint, peek
from fundledger.sealing.cosigning import parse_submission
from fundledger.sealing.note import COSIGNATURE, ED25519, SigningKey, join, split
from tests.builders import World
from tests.databases import Database
from tests.sealing.sealed import seal
from tests.web import Api, running_api

WITNESS = SigningKey("audit.example/witness", bytes([7]) * 32, COSIGNATURE)
STRANGER = SigningKey("stranger.example/witness", bytes([8]) * 32, COSIGNATURE)
PATH = "/v1/log/cosignatures"


@pytest.fixture
async def api(db: Database, world: World, tmp_path: Path) -> AsyncIterator[Api]:
    """A service that trusts one witness."""
    (tmp_path / "witnesses").write_text(f"# 审计局\n\n{WITNESS.verifier}  # since 2019\n", encoding="utf-8")
    async with running_api(db, world, tmp_path, witness_keys=tmp_path / "witnesses") as client:
        yield client


async def signed(api: Api, db: Database, world: World, tmp_path: Path) -> str:
    """Another checkpoint of a log that grew; its note."""
    await world.adopt(5)
    await seal(db, tmp_path)
    return (await api.get("auditor", "/v1/log/checkpoint")).text


async def submit(api: Api, text: str, who: str = "auditor", size: int | None = None) -> Any:
    path = PATH if size is None else f"{PATH}?size={size}"
    return await api.post(who, path, content=text.encode(), media="text/plain; charset=utf-8")


def cosigned(note: str, key: SigningKey = WITNESS, moment: int | None = None) -> str:
    return key.cosign(split(note)[0], int(time.time()) if moment is None else moment)


async def test_a_cosigned_checkpoint_is_answered_with_its_cosignature_and_proofs_carry_it(
    api: Api, db: Database, world: World, tmp_path: Path
) -> None:
    note = await signed(api, db, world, tmp_path)
    size, line = peek(note).size, cosigned(note)
    answer = await submit(api, line + "\n")
    witness = WITNESS.verifier.name
    assert answer.json() == {"items": [{"size": size, "witness": witness, "stored": True}], "unknown": 0}, answer.text
    again = await submit(api, join(split(note)[0], [line]), size=size)
    assert again.json() == {"items": [{"size": size, "witness": witness, "stored": False}], "unknown": 0}
    shown = (await api.get("auditor", f"/v1/log/checkpoints/{size}")).text
    assert shown == note + line + "\n"
    ring = api.app.state.services.log_keys.ring
    checkpoint, opened = open_checkpoint(shown, [*ring.verifiers("log"), WITNESS.verifier], ring.origin)
    assert checkpoint == peek(note)
    assert [signature.key for signature in opened.signatures] == [ring.verifiers("log")[0], WITNESS.verifier]
    newer = await signed(api, db, world, tmp_path)
    assert (await api.get("auditor", "/v1/log/checkpoint")).text == newer != shown
    assert (await api.get("auditor", "/v1/log/checkpoint", cosigned=True)).text == shown
    entry = await world.service.fetchval(
        "SELECT record_id FROM log_leaf WHERE kind = 'entry' ORDER BY position LIMIT 1"
    )
    proof = (await api.get("auditor", f"/v1/log/proofs/entry/{entry}", cosigned=True)).text
    assert proof.endswith("\n\n" + shown)


async def test_lines_without_a_size_find_the_checkpoint_of_their_time(
    api: Api, db: Database, world: World, tmp_path: Path
) -> None:
    notes = [await signed(api, db, world, tmp_path) for _ in range(3)]
    text = "".join(cosigned(note) + "\n" for note in notes)
    assert [item["size"] for item in (await submit(api, text)).json()["items"]] == [peek(note).size for note in notes]


async def test_lines_of_keys_that_nobody_trusts_are_counted_or_refused(
    api: Api, db: Database, world: World, tmp_path: Path
) -> None:
    note = await signed(api, db, world, tmp_path)
    stranger = cosigned(note, STRANGER)
    refused = await submit(api, stranger)
    assert (refused.status_code, refused.json()["code"]) == (409, "log-cosignature-unknown")
    assert refused.json()["params"] == {"count": 1, "trusted": 1}
    mixed = await submit(api, stranger + "\n" + cosigned(note))
    assert (mixed.json()["unknown"], len(mixed.json()["items"])) == (1, 1)
    assert STRANGER.verifier.name not in (await api.get("auditor", "/v1/log/checkpoint")).text
    # The file is read again once it changed.
    (tmp_path / "witnesses").write_text(f"{STRANGER.verifier}\n", encoding="utf-8")
    assert (await submit(api, stranger)).json()["items"][0]["stored"]
    (tmp_path / "witnesses").write_text("not a key\n", encoding="utf-8")
    broken = await submit(api, stranger)
    assert (broken.status_code, broken.json()["code"]) == (503, "log-witness-keys-unusable")
    assert "line 1" in broken.json()["detail"]
    (tmp_path / "witnesses").write_text("# none any more\n", encoding="utf-8")
    assert (await submit(api, stranger)).json()["code"] == "log-cosignature-unknown"


async def test_a_false_line_is_refused_and_nothing_is_stored(
    api: Api, db: Database, world: World, tmp_path: Path
) -> None:
    note = await signed(api, db, world, tmp_path)
    size, line = peek(note).size, cosigned(note)
    raw = bytearray(base64.b64decode(line.rpartition(" ")[2]))
    raw[-1] ^= 1
    changed = f"{line.rpartition(' ')[0]} {base64.b64encode(raw).decode()}"
    shifted = bytearray(base64.b64decode(line.rpartition(" ")[2]))
    shifted[11] ^= 1  # the time is signed too
    retimed = f"{line.rpartition(' ')[0]} {base64.b64encode(shifted).decode()}"
    plain = SigningKey(WITNESS.verifier.name, bytes([7]) * 32, ED25519).line(split(note)[0])
    other = WITNESS.cosign(Checkpoint(peek(note).origin, size, os.urandom(32)).text, 1_700_000_000)
    for text, asked, code in (
        (changed, None, "log-cosignature-false"), (retimed, size, "log-cosignature-false"),
        (other, size, "log-cosignature-false"), (plain, size, "log-cosignature-unknown"),
        (line, size + 1, "log-checkpoint-not-found"), (f"{line}\n{changed}", None, "log-cosignature-false"),
    ):  # fmt: skip
        answer = await submit(api, text, size=asked)
        assert answer.json()["code"] == code, answer.text
    assert await world.service.fetchval("SELECT count(*) FROM log_cosignature") == 0


async def test_a_witness_that_saw_another_history_is_told_both_roots(
    api: Api, db: Database, world: World, tmp_path: Path
) -> None:
    ours = peek(await signed(api, db, world, tmp_path))
    theirs = Checkpoint(ours.origin, ours.size, bytes(32))
    answer = await submit(api, join(theirs.text, [WITNESS.cosign(theirs.text, 1_700_000_000)]))
    assert (answer.status_code, answer.json()["code"]) == (409, "log-checkpoint-contradicted")
    assert answer.json()["params"] == {"size": str(ours.size), "ours": ours.root.hex(), "theirs": theirs.root.hex()}
    elsewhere = Checkpoint("other.example/log", ours.size, ours.root)
    answer = await submit(api, join(elsewhere.text, [WITNESS.cosign(elsewhere.text, 1_700_000_000)]))
    assert (answer.status_code, answer.json()["code"]) == (422, "log-cosignature-unreadable")


LINE = WITNESS.cosign("x\n1\nAA==\n", 1)


@pytest.mark.parametrize("text", [
    "", "\n", "x", "{}", LINE + "\n\n", LINE + "\r\n", "\n" + LINE, LINE + "\n" + "x", LINE.replace("— ", "- "),
    "— a AAAA", "— a AA==", "— a !!!!", f"x\n1\n\n{LINE}\n", "\n".join([LINE] * 65), f"a\n-1\nAA==\n\n{LINE}\n",
    f"a\n01\n{'A' * 43}=\n\n{LINE}\n", f"a\n1\n{'A' * 43}=\nmore\n\n{LINE}\n", LINE + "\x00", " " + LINE, LINE * 5_000,
])  # fmt: skip
async def test_what_is_not_signature_lines_is_unreadable(text: str) -> None:
    with pytest.raises(Exception, match="log-cosignature-unreadable"):
        parse_submission(text)


async def test_bytes_that_are_no_text_are_unreadable(api: Api) -> None:
    answer = await api.post("auditor", PATH, content=b"\xff\xfe", media="text/plain")
    assert (answer.status_code, answer.json()["code"]) == (422, "log-cosignature-unreadable")
