"""``POST /add-checkpoint``, word for word as C2SP ``tlog-witness`` says it."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from fundledger.sealing.checkpoint import Checkpoint, encode_hash
from fundledger.sealing.note import SigningKey, join, open_note
from fundledger.witness.alarms import open_alarms
from fundledger.witness.server import BODY_MAX, create_server
from tests.witness.logs import ORIGIN, START, Hand, HandLog, hand


@pytest.fixture
def one(tmp_path: Path) -> Hand:
    return hand(tmp_path / "witness")


@pytest.fixture
async def client(one: Hand) -> AsyncIterator[httpx.AsyncClient]:
    app = create_server(one.store, one.key, [], lambda: START)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://witness") as made:
        yield made


def body(log: HandLog, old: int, size: int, proof: list[bytes] | None = None) -> bytes:
    hashes = log.proof(old, size) if proof is None else proof
    return "".join([f"old {old}\n", *[f"{encode_hash(one)}\n" for one in hashes], "\n", log.note(size)]).encode()


async def test_the_course_of_a_log(client: httpx.AsyncClient, one: Hand, caplog: pytest.LogCaptureFixture) -> None:
    first = await client.post("/add-checkpoint", content=body(one.log, 0, 20))
    assert first.status_code == 200
    assert first.text.startswith("— audit.example/witness ")
    opened = open_note(one.log.note(20) + first.text, [one.log.key.verifier, one.key.verifier])
    assert len(opened.signatures) == 2
    behind = await client.post("/add-checkpoint", content=body(one.log, 0, 33))
    assert (behind.status_code, behind.text) == (409, "20\n")
    assert behind.headers["content-type"] == "text/x.tlog.size"
    assert (await client.post("/add-checkpoint", content=body(one.log, 20, 33))).status_code == 200
    assert (await client.post("/add-checkpoint", content=body(one.log, 33, 33))).status_code == 200
    assert (await client.post("/add-checkpoint", content=body(one.log, 33, 40, []))).status_code == 422
    forged = await client.post("/add-checkpoint", content=body(one.log.fork(2), 33, 33))
    assert (forged.status_code, forged.text, forged.headers["content-type"]) == (409, "33\n", "text/x.tlog.size")
    assert len(open_alarms(one.store)) == 1
    assert (one.store.folder / "alarm-0001-fork.txt").exists()
    assert one.log.note(33) in caplog.text
    assert (await client.post("/add-checkpoint", content=body(one.log, 33, 40))).status_code == 503


async def test_who_signed_decides_between_403_and_404(client: httpx.AsyncClient, one: Hand) -> None:
    stranger = HandLog(one.log.leaves, SigningKey(ORIGIN, os.urandom(32)))
    assert (await client.post("/add-checkpoint", content=body(stranger, 0, 5))).status_code == 403
    unknown = HandLog(one.log.leaves, SigningKey("other.example/log", os.urandom(32)))
    assert (await client.post("/add-checkpoint", content=body(unknown, 0, 5))).status_code == 404


async def test_an_old_size_beyond_the_checkpoint_is_malformed_and_zero_needs_an_empty_proof(
    client: httpx.AsyncClient, one: Hand
) -> None:
    assert (await client.post("/add-checkpoint", content=body(one.log, 9, 5, []))).status_code == 400
    assert (await client.post("/add-checkpoint", content=body(one.log, 0, 5, [bytes(32)]))).status_code == 422


def malformed(log: HandLog) -> list[bytes]:
    good = body(log, 0, 5)
    note = log.note(5).encode()
    hash_line = base64.b64encode(bytes(32)) + b"\n"
    many = b"old 0\n" + hash_line * 64 + b"\n" + note
    extended = Checkpoint(ORIGIN, 5, bytes(32)).text + "extension\n"
    return [
        b"", b"\n", b"old 0\n", note, b"old 0\n\n", b"old 0\n" + note, b"old 00\n\n" + note, b"old -1\n\n" + note,
        b"old 0 \n\n" + note, b"Old 0\n\n" + note, b"old 0x1\n\n" + note, b"old 9223372036854775808\n\n" + note,
        "old ０\n\n".encode() + note, b"old 0\r\n\r\n" + note, b"old 0\nxyz\n\n" + note, many,
        b"old 0\n" + hash_line[:-6] + b"\n\n" + note, good[:-1], good[:-20], good + b"x", b"\xff" + good,
        b"old 0\n\n" + join(extended, [log.key.line(extended)]).encode(), good.replace(b"\n5\n", b"\n05\n"),
    ]  # fmt: skip


async def test_everything_malformed_is_400_and_nothing_is_kept(client: httpx.AsyncClient, one: Hand) -> None:
    for content in malformed(one.log):
        answer = await client.post("/add-checkpoint", content=content)
        assert answer.status_code == 400, content
    with one.store.reading() as db:
        assert db.execute("SELECT count(*) FROM seen").fetchone() == (0,)
    assert (await client.post("/add-checkpoint", content=body(one.log, 0, 5))).status_code == 200


async def test_a_body_is_read_no_further_than_its_limit(client: httpx.AsyncClient) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(10_000):
            read += 4096
            yield b"x" * 4096

    assert (await client.post("/add-checkpoint", content=endless())).status_code == 413
    assert read < 3 * BODY_MAX
    assert (await client.get("/add-checkpoint")).status_code == 405


async def test_sixteen_signatures_and_63_hashes_are_accepted_as_a_form(client: httpx.AsyncClient, one: Hand) -> None:
    text = one.log.checkpoint(5).text
    others = [SigningKey(f"w{number}.example", os.urandom(32)).line(text) for number in range(15)]
    content = b"old 0\n\n" + join(text, [*others, one.log.key.line(text)]).encode()
    assert (await client.post("/add-checkpoint", content=content)).status_code == 200
    content = b"old 5\n" + (encode_hash(bytes(32)).encode() + b"\n") * 63 + b"\n" + one.log.note(20).encode()
    assert (await client.post("/add-checkpoint", content=content)).status_code == 422


async def test_of_many_at_once_each_is_told_the_size_to_start_from(client: httpx.AsyncClient, one: Hand) -> None:
    await client.post("/add-checkpoint", content=body(one.log, 0, 1))
    sizes = list(range(2, 41))
    answers = await asyncio.gather(*[client.post("/add-checkpoint", content=body(one.log, 1, size)) for size in sizes])
    accepted = [size for size, answer in zip(sizes, answers, strict=True) if answer.status_code == 200]
    assert len(accepted) == 1
    others = {answer.text for answer in answers if answer.status_code == 409}
    assert others == {f"{accepted[0]}\n"}
