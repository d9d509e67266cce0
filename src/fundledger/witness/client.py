"""What a witness asks the log's service over HTTP. Nothing is believed here: every answer is bounded and parsed.

No redirect is followed (the token would go with it), no compressed answer is read, an answer has a largest size and a
longest time. Raises `witness-log-unreachable` (no answer in time, or the service is down), `witness-token-refused` and
`witness-answer-unusable` (an answer that no such service gives). The token is in no URL and no message.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import httpx

from fundledger.errors import FundledgerError, problem
from fundledger.sealing.checkpoint import decode_hash
from fundledger.sealing.note import NOTE_MAX, NoteError, VerifierKey, parse_key

TEXT, JSON, NDJSON, PROBLEM = "text/plain", "application/json", "application/x-ndjson", "application/problem+json"
ANSWER_MAX: Final = 4 * 1024 * 1024
ROW_MAX: Final = 4 * 1024 * 1024
PATIENCE: Final = 60
PAGE_PATIENCE: Final = 900
REFUSED: Final = (400, 404, 409, 422)
"""The service answered, and has not what was asked for."""


@dataclass(frozen=True, slots=True)
class LogKeys:
    """What the service says the log's keys are: to be believed only as far as vouchers lead."""

    origin: str
    verifiers: list[VerifierKey]
    vouchers: list[str]


class LogClient:
    """One log's service, as the person of a token."""

    def __init__(
        self, url: str, token: str, transport: httpx.AsyncBaseTransport | None = None, patience: int = PATIENCE
    ) -> None:
        """`witness-url-malformed` if the URL is not that of a service."""
        try:
            base = httpx.URL(url)
        except httpx.InvalidURL:
            raise problem("witness-url-malformed") from None
        if base.scheme not in ("http", "https") or not base.host or base.userinfo:
            raise problem("witness-url-malformed")
        self._patience = patience
        self._http = httpx.AsyncClient(
            base_url=base, transport=transport, follow_redirects=False, timeout=httpx.Timeout(patience, connect=15),
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity", "Accept-Language": "en"},
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def checkpoint(self, size: int | None = None) -> str | None:
        """The newest checkpoint, or that of one size; None if the log has none."""
        path = "/v1/log/checkpoint" if size is None else f"/v1/log/checkpoints/{size}"
        return _text(await self._get(path, TEXT, NOTE_MAX))

    async def keys(self) -> LogKeys:
        """The log's keys and the vouchers by which one introduces the next."""
        answer = _object(await self._get("/v1/log/keys", JSON), "/v1/log/keys")
        try:
            verifiers = [parse_key(str(key["verifier"])) for key in answer["keys"]]
            return LogKeys(str(answer["origin"]), verifiers, [str(text) for text in answer["vouchers"]])
        except (NoteError, KeyError, TypeError) as error:
            raise _unusable("/v1/log/keys", "not a list of keys") from error

    async def consistency(self, old: int, size: int) -> list[bytes] | None:
        """The proof that the tree of `old` is the beginning of that of `size`; None if the log refuses to give it."""
        path = "/v1/log/consistency"
        body = await self._get(path, JSON, old=old, size=size)
        if body is None:
            return None
        try:
            return [decode_hash(str(text)) for text in _object(body, path)["hashes"]]
        except (NoteError, KeyError, TypeError) as error:
            raise _unusable(path, "not a consistency proof") from error

    async def proof(self, kind: str, record_id: str, size: int) -> str | None:
        """The proof file of a record under the checkpoint of `size`; None if the log has none."""
        return _text(await self._get(f"/v1/log/proofs/{kind}/{record_id}", TEXT, size=size))

    async def leaf(self, kind: str, record_id: str) -> str | None:
        """The canonical text of a record's leaf; None if there is no such record."""
        path = f"/v1/log/records/{kind}/{record_id}"
        body = await self._get(path, JSON)
        if body is None:
            return None
        try:
            return str(_object(body, path)["data"])
        except KeyError as error:
            raise _unusable(path, "not a record's leaf") from error

    async def publish(self, line: str, size: int) -> bool:
        """Hand the log a checkpoint's cosignature; False if it does not take it (its operator must trust the key)."""
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        path = "/v1/log/cosignatures"
        request: dict[str, Any] = {"content": f"{line}\n".encode(), "headers": headers, "params": {"size": size}}
        try:
            async with self._answer("POST", path, **request) as answer:
                await _read(answer, path, ANSWER_MAX)
                return answer.status_code < 300
        except FundledgerError as error:
            if error.code != "witness-token-refused":
                raise
            return False

    async def entries(self, start: int, stop: int, limit: int) -> AsyncGenerator[dict[str, Any]]:
        """The rows of the log's positions from `start`, as far as one answer goes: see ``api/log_feed``."""
        path = "/v1/log/entries"
        params = {"start": start, "stop": stop, "limit": limit}
        async with self._answer("GET", path, patience=PAGE_PATIENCE, params=params) as answer:
            if answer.status_code != 200:
                raise _unusable(path, f"status {answer.status_code}")
            _of_type(answer, path, NDJSON)
            async for line in _lines(answer, path):
                yield _object(line, path)

    async def _get(self, path: str, media: str, most: int = ANSWER_MAX, **params: int) -> bytes | None:
        async with self._answer("GET", path, params=params) as answer:
            if answer.status_code in REFUSED:
                await _refused(answer, path)
                return None
            _of_type(answer, path, media)
            return await _read(answer, path, most)

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, *, patience: int | None = None, **request: Any
    ) -> AsyncIterator[httpx.Response]:
        try:
            async with (
                asyncio.timeout(patience or self._patience),
                self._http.stream(method, path, **request) as answer,
            ):
                _passable(answer, path)
                yield answer
        except TimeoutError as error:
            raise problem("witness-log-unreachable", reason=f"{path}: no answer in time") from error
        except httpx.HTTPError as error:
            raise problem("witness-log-unreachable", reason=f"{path}: {type(error).__name__}") from error


def _passable(answer: httpx.Response, path: str) -> None:
    """The statuses that mean the same whatever was asked."""
    status = answer.status_code
    if status in (401, 403):
        raise problem("witness-token-refused", status=status)
    # 500 is an answer: something there is broken, and no waiting mends it.
    if status == 429 or status > 500:
        raise problem("witness-log-unreachable", reason=f"{path}: status {status}")
    if status not in (200, 201, 202, 204, *REFUSED):
        raise _unusable(path, f"status {status}")


async def _refused(answer: httpx.Response, path: str) -> None:
    """A refusal has to be the service's own: a wrong URL must not pass for a log that has nothing."""
    _of_type(answer, path, PROBLEM)
    code = str(_object(await _read(answer, path, ANSWER_MAX), path).get("code"))
    if not code.startswith("log-"):
        raise _unusable(path, f"status {answer.status_code}, {code[:60]}")


def _of_type(answer: httpx.Response, path: str, media: str) -> None:
    found = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found != media:
        raise _unusable(path, f"content type {found[:60] or 'missing'}")


async def _read(answer: httpx.Response, path: str, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in _raw(answer, path):
        size += len(part)
        if size > most:
            raise _unusable(path, "too long")
        parts.append(part)
    return b"".join(parts)


async def _lines(answer: httpx.Response, path: str) -> AsyncIterator[bytes]:
    """The lines of a stream; one without its end is a broken answer."""
    rest = b""
    async for part in _raw(answer, path):
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line
        if len(rest) > ROW_MAX:
            raise _unusable(path, "a row is too long")
    if rest:
        raise _unusable(path, "cut off")


async def _raw(answer: httpx.Response, path: str) -> AsyncIterator[bytes]:
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise _unusable(path, "compressed, which was not asked for")
    async for part in answer.aiter_raw(65_536):
        yield part


def _text(body: bytes | None) -> str | None:
    try:
        return None if body is None else body.decode()
    except UnicodeDecodeError as error:
        raise _unusable("/v1/log", "not UTF-8") from error


def _object(body: bytes | None, path: str) -> dict[str, Any]:
    try:
        found = json.loads(body or b"")
        if b"\\u" in (body or b""):  # half a surrogate pair is JSON, but no text that could be hashed or written
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise _unusable(path, "not JSON") from error
    if not isinstance(found, dict):
        raise _unusable(path, "not a JSON object")
    return found


def _unusable(path: str, reason: str) -> FundledgerError:
    return problem("witness-answer-unusable", path=path, reason=reason)
