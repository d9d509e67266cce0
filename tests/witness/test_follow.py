"""Following the real service: it grows, it is restored, it is rewritten; and everything a network can do to an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from fundledger.errors import FundledgerError
from fundledger.sealing import keys as log_keys
from fundledger.sealing.keys import Keyring
from fundledger.sealing.note import SigningKey, open_note
from fundledger.witness import keyfile
from fundledger.witness.alarms import REWOUND, UNPROVEN, open_alarms
from fundledger.witness.client import LogClient
from fundledger.witness.following import WITHHELD_MAX, State, Witness
from fundledger.witness.store import Store, last_seen, trusted
from tests.databases import Database
from tests.sealing.sealed import seal
from tests.sealing.test_sequencer import refuse, year
from tests.web import Api
from tests.witness.logs import START, WITNESS, Hand, HandLog, believe, hand


def watching(api: Api, ring: Keyring, folder: Path, who: str = "auditor") -> Witness:
    """A witness that was given the service's verifier keys by hand."""
    store = Store(folder)
    believe(store, *ring.verifiers())
    client = LogClient("http://test", api.world.tokens[who], httpx.ASGITransport(api.app, raise_app_exceptions=False))
    path = folder / keyfile.KEY_FILE
    key = keyfile.load(folder) if path.exists() else keyfile.create(folder, WITNESS)
    return Witness(store, ring.origin, client, lambda: START, key)


async def test_the_service_is_followed_as_it_grows(api: Api, db: Database, tmp_path: Path) -> None:
    await year(api.world)
    ring = await seal(db, tmp_path)
    witness = watching(api, ring, tmp_path / "w")
    sizes = [(await witness.look()).size]
    for _ in range(3):
        await refuse(api.world.service, api.world)
        await seal(db, tmp_path)
        looked = await witness.look()
        assert looked.state is State.CURRENT
        sizes.append(looked.size)
    assert sizes == [sizes[0] + step for step in range(4)]
    again = await witness.look()
    assert (again.state, again.size) == (State.CURRENT, sizes[-1])


async def test_rotated_keys_are_followed_from_trusted_ones_and_kept(api: Api, db: Database, tmp_path: Path) -> None:
    await refuse(api.world.service, api.world)
    ring = await seal(db, tmp_path)
    witness = watching(api, ring, tmp_path / "w")
    await witness.look()
    path = tmp_path / "log-keys.json"
    moved = log_keys.rotate(path, "log")
    await asyncio.sleep(log_keys.TAKES_EFFECT.total_seconds() + 0.2)
    log_keys.destroy(path, ring.of("log")[0].verifier.key_id.hex())
    await refuse(api.world.service, api.world)
    await seal(db, tmp_path)
    assert (await witness.look()).state is State.CURRENT
    with witness.store.reading() as read:
        assert trusted(read, ring.origin)[-1] == moved.of("log")[-1].verifier


Handler = Callable[[httpx.Request], httpx.Response]


def nothing(code: str) -> httpx.Response:
    """A refusal as the service gives it."""
    return httpx.Response(404, json={"code": code}, headers={"Content-Type": "application/problem+json"})


class Played(httpx.AsyncBaseTransport):
    """A service whose answers a test makes up: of a hand-made log, or whatever `answers` puts in their place."""

    def __init__(self, log: HandLog, size: int) -> None:
        self.log, self.size = log, size
        self.answers: dict[str, Handler] = {}
        self.published: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.answered(request)
        if not answer.is_stream_consumed:
            return answer
        return httpx.Response(answer.status_code, headers=answer.headers, stream=Bytes(answer.content))

    async def answered(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path in self.answers:
            return self.answers[path](request)
        if path == "/v1/log/checkpoint":
            return httpx.Response(200, text=self.log.note(self.size))
        if path == "/v1/log/cosignatures":
            self.published.append((await request.aread()).decode())
            return httpx.Response(200, json={})
        if path == "/v1/log/keys":
            return httpx.Response(200, json={"origin": "x", "keys": [], "vouchers": []})
        if path == "/v1/log/consistency":
            return self.consistency(int(request.url.params["old"]), int(request.url.params["size"]))
        return httpx.Response(404, json={"code": "route-not-found"})

    def consistency(self, old: int, size: int) -> httpx.Response:
        from fundledger.sealing.checkpoint import encode_hash

        if size > self.size:
            return httpx.Response(422, json={"code": "log-size-out-of-range"})
        hashes = [encode_hash(one) for one in self.log.proof(old, size)]
        return httpx.Response(200, json={"old": old, "size": size, "hashes": hashes})


@pytest.fixture
def one(tmp_path: Path) -> Hand:
    return hand(tmp_path / "witness")


@pytest.fixture
def played(one: Hand) -> Played:
    return Played(one.log, 20)


@pytest.fixture
async def witness(one: Hand, played: Played) -> AsyncIterator[Witness]:
    async with LogClient("http://log.example", "secret-token", played, patience=2) as client:
        yield Witness(one.store, one.log.key.verifier.name, client, lambda: START, one.key)


def test_only_urls_of_services_are_taken() -> None:
    for url in ("", "log.example", "ftp://log.example", "http://", "https://me:secret@log.example", "/v1"):
        with pytest.raises(FundledgerError, match="witness-url-malformed"):
            LogClient(url, "token")


async def test_a_cosignature_is_published_and_after_a_failure_published_later(
    witness: Witness, played: Played, one: Hand
) -> None:
    played.answers["/v1/log/cosignatures"] = lambda _: httpx.Response(503)
    with pytest.raises(FundledgerError, match="witness-log-unreachable"):
        await witness.look()
    del played.answers["/v1/log/cosignatures"]
    with one.store.reading() as db:
        ((kept,),) = db.execute("SELECT line FROM cosignature").fetchall()
    assert await witness.publish() is True
    assert played.published == [kept + "\n"]
    assert await witness.publish() is None
    note = one.log.note(20) + played.published[0]
    open_note(note, [one.key.verifier])


async def test_a_log_that_does_not_know_the_witness_is_watched_all_the_same(witness: Witness, played: Played) -> None:
    played.answers["/v1/log/cosignatures"] = lambda _: httpx.Response(422, json={})
    looked = await witness.look()
    assert (looked.state, looked.published) == (State.CURRENT, False)


async def test_an_older_checkpoint_that_was_seen_is_stale_and_no_alarm(witness: Witness, played: Played) -> None:
    await witness.look()
    played.size = 33
    await witness.look()
    played.size = 20
    looked = await witness.look()
    assert (looked.state, looked.size, looked.seen) == (State.STALE, 20, 33)
    assert open_alarms(witness.store) == []


async def test_an_older_checkpoint_whose_beginning_can_be_proved_is_stale(witness: Witness, played: Played) -> None:
    played.size = 33
    await witness.look()
    older = played.log.note(17)
    played.answers["/v1/log/checkpoint"] = lambda _: httpx.Response(200, text=older)
    assert (await witness.look()).state is State.STALE


async def test_an_older_checkpoint_that_nothing_shows_to_be_a_beginning_is_an_alarm(
    witness: Witness, played: Played, one: Hand
) -> None:
    played.size = 33
    await witness.look()
    played.size = 17
    assert (await witness.look()).state is State.ALARM
    (alarm,) = open_alarms(witness.store)
    assert (alarm.kind, alarm.seen_note, alarm.new_note) == (REWOUND, one.log.note(33), one.log.note(17))


async def test_a_log_that_forgot_everything_is_stale_and_a_new_one_is_empty(witness: Witness, played: Played) -> None:
    played.answers["/v1/log/checkpoint"] = lambda _: nothing("log-checkpoint-not-found")
    assert (await witness.look()).state is State.EMPTY
    answers, played.answers = played.answers, {}
    await witness.look()
    played.answers = answers
    looked = await witness.look()
    assert (looked.state, looked.size, looked.seen) == (State.STALE, 0, 20)


async def test_forks_of_every_size_are_alarms(witness: Witness, played: Played, one: Hand) -> None:
    await witness.look()
    played.log = one.log.fork(5)
    for size in (20, 33):
        played.size = size
        assert (await witness.look()).state is State.ALARM
        (alarm,) = open_alarms(witness.store)
        assert (alarm.kind, alarm.seen_note, alarm.new_note) == ("fork", one.log.note(20), played.log.note(size))
        with witness.store.writing() as db:
            db.execute("UPDATE alarm SET acknowledged_at = 1")
    with witness.store.reading() as db:
        seen = last_seen(db, witness.origin)
    assert seen is not None
    assert seen.root == one.log.checkpoint(20).root


async def test_a_proof_that_is_withheld_is_told_each_time_and_then_an_alarm(witness: Witness, played: Played) -> None:
    await witness.look()
    played.size = 33
    refused = [
        nothing("log-size-out-of-range"),
        httpx.Response(200, json={"hashes": ["x"]}),
        httpx.Response(200, text="?"),
    ]
    for times in range(1, WITHHELD_MAX):
        played.answers["/v1/log/consistency"] = always(refused[times % 3])
        with pytest.raises(FundledgerError, match="witness-proof-withheld"):
            await witness.look()
    assert (await witness.look()).state is State.ALARM
    assert open_alarms(witness.store)[0].kind == UNPROVEN


async def test_a_proof_in_between_ends_the_counting(witness: Witness, played: Played) -> None:
    await witness.look()
    played.size = 33
    for _ in range(2):
        played.answers["/v1/log/consistency"] = lambda _: httpx.Response(404, json={})
        for _ in range(WITHHELD_MAX - 1):
            with pytest.raises(FundledgerError, match="witness-proof-withheld"):
                await witness.look()
        del played.answers["/v1/log/consistency"]
        assert (await witness.look()).state is State.CURRENT
        played.size += 1


def always(answer: httpx.Response) -> Handler:
    return lambda _: answer


def slow(_: httpx.Request) -> httpx.Response:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.05)

    return httpx.Response(200, headers={"Content-Type": "text/plain"}, content=drip())


def huge(_: httpx.Request) -> httpx.Response:
    async def flood() -> AsyncIterator[bytes]:
        for _ in range(100_000):
            yield b"x" * 65_536

    return httpx.Response(200, headers={"Content-Type": "text/plain"}, content=flood())


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("peer closed connection", request=request)


TEXT = {"Content-Type": "text/plain"}
GARBAGE: list[tuple[str, Handler, str]] = [
    ("a redirect", lambda _: httpx.Response(302, headers={"Location": "http://evil.example/"}), "witness-answer-unusable"),
    ("another content type", lambda _: httpx.Response(200, html="<html>"), "witness-answer-unusable"),
    ("no content type", lambda _: httpx.Response(200, content=b"x"), "witness-answer-unusable"),
    ("compressed", lambda _: httpx.Response(200, headers={**TEXT, "Content-Encoding": "br"}, stream=Bytes(b"x")),
     "witness-answer-unusable"),
    ("bytes", lambda _: httpx.Response(200, headers=TEXT, content=b"\xff\xfe\x00"), "witness-answer-unusable"),
    ("an empty text", lambda _: httpx.Response(200, text=""), "witness-checkpoint-untrusted"),
    ("a text", lambda _: httpx.Response(200, text="hello\n\n— a b\n"), "witness-checkpoint-untrusted"),
    ("huge", huge, "witness-answer-unusable"), ("slow", slow, "witness-log-unreachable"),
    ("broken off", broken, "witness-log-unreachable"),
    ("down", lambda _: httpx.Response(503), "witness-log-unreachable"),
    ("too many calls", lambda _: httpx.Response(429), "witness-log-unreachable"),
    ("a refused token", lambda _: httpx.Response(401, json={}), "witness-token-refused"),
    ("a forbidden one", lambda _: httpx.Response(403, json={}), "witness-token-refused"),
    ("another service's 404", lambda _: httpx.Response(404, json={}), "witness-answer-unusable"),
    ("a URL beside the log's", lambda _: nothing("route-not-found"), "witness-answer-unusable"),
    ("a bug", lambda _: httpx.Response(500, json={}), "witness-answer-unusable"),
    ("a status nobody gives", lambda _: httpx.Response(299, text="x"), "witness-answer-unusable"),
]  # fmt: skip


class Bytes(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self.content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content


@pytest.mark.parametrize(("what", "answer", "code"), GARBAGE, ids=[row[0] for row in GARBAGE])
async def test_an_answer_that_is_none_is_told_by_a_code_and_is_neither_fine_nor_an_alarm(
    witness: Witness, played: Played, what: str, answer: Handler, code: str
) -> None:
    await witness.look()
    played.answers["/v1/log/checkpoint"] = answer
    with pytest.raises(FundledgerError, match=code) as refused:
        await witness.look()
    assert "secret-token" not in str(refused.value.params)
    assert open_alarms(witness.store) == []
    played.answers.clear()
    played.size = 33
    assert (await witness.look()).size == 33


async def test_a_note_cut_anywhere_is_never_believed(witness: Witness, played: Played, one: Hand) -> None:
    note = one.log.note(20)
    for end in range(0, len(note), 7):
        played.answers["/v1/log/checkpoint"] = always(httpx.Response(200, text=note[:end]))
        with pytest.raises(FundledgerError, match="witness-checkpoint-untrusted"):
            await witness.look()


async def test_a_key_that_nobody_trusted_introduced_is_not_taken(witness: Witness, played: Played) -> None:
    stranger = SigningKey(witness.origin, b"s" * 32)
    played.log = HandLog(played.log.leaves, stranger)
    from fundledger.sealing.note import join

    text = f"fundledger-key-v1\n{stranger.verifier}\n2026-01-01T00:00:00.000000Z\n"
    keys = {"origin": witness.origin, "vouchers": [join(text, [stranger.line(text)])],
            "keys": [{"purpose": "log", "verifier": str(stranger.verifier), "valid_from": "2026-01-01T00:00:00Z"}]}  # fmt: skip
    played.answers["/v1/log/keys"] = lambda _: httpx.Response(200, json=keys)
    with pytest.raises(FundledgerError, match="witness-checkpoint-untrusted"):
        await witness.look()


async def test_two_witnesses_on_one_store_end_at_the_same_place(one: Hand, played: Played) -> None:
    played.size = 1
    clients = [LogClient("http://log.example", "t", played) for _ in range(3)]
    several = [Witness(one.store, one.log.key.verifier.name, client, lambda: START, one.key) for client in clients]
    for size in (5, 9, 20, 40):
        played.size = size
        looked = await asyncio.gather(*[witness.look() for witness in several])
        assert {one.state for one in looked} == {State.CURRENT}
        assert {one.size for one in looked} == {size}
