"""The demonstration's client: calls the API in-process as one of the demonstration's people.

Every call must succeed, or be refused with exactly the code that was planted; anything else stops the load with the
answer. Keys are numbered, so that a repeated load would replay rather than double.
"""

from __future__ import annotations

from typing import Any

import httpx

YEAR = 2019
CITY = 420100


class Caller:
    """Speaks for the people whose tokens it has."""

    def __init__(self, client: httpx.AsyncClient, tokens: dict[str, str]) -> None:
        self._client = client
        self._tokens = tokens
        self._calls = 0

    async def get(self, who: str, path: str, **params: Any) -> Any:
        """GET as a person; the JSON answer."""
        answer = await self._client.get(path, params=params, headers=self._headers(who))
        return self._good(answer)

    async def post(self, who: str, path: str, body: Any = None, *, csv: str | None = None, **params: Any) -> Any:
        """POST JSON or a CSV file as a person; the JSON answer."""
        return self._good(await self._send(who, path, body, csv, params))

    async def send(self, who: str, path: str, content: bytes, media_type: str) -> Any:
        """POST a document as a person; the JSON answer."""
        headers = self._headers(who) | {"Content-Type": media_type}
        return self._good(await self._client.post(path, content=content, headers=headers))

    async def refused(self, who: str, path: str, body: Any, code: str) -> None:
        """POST something that must be refused with this code, alone or among its faults."""
        answer = await self._send(who, path, body, None, {})
        said = answer.json()
        codes = {said.get("code")} | {fault["code"] for fault in said.get("faults", ())}
        if answer.status_code < 400 or code not in codes:
            raise RuntimeError(f"{path} was to be refused with {code}: {answer.status_code} {answer.text[:500]}")

    async def approve(self, who: str, book: int, draft: dict[str, Any]) -> str:
        """Approve a drafted budget instruction, which posts it; the entry's id."""
        path = f"/v1/books/{book}/instructions/{draft['instruction_id']}/approve"
        posted = await self.post(who, path, {"content_sha256": draft["content_sha256"]})
        return str(posted["entry_id"])

    async def _send(self, who: str, path: str, body: Any, csv: str | None, params: dict[str, Any]) -> httpx.Response:
        headers = self._headers(who)
        if csv is None:
            return await self._client.post(path, json=body, params=params, headers=headers)
        headers["Content-Type"] = "text/csv"
        return await self._client.post(path, content=csv.encode(), params=params, headers=headers)

    def _headers(self, who: str) -> dict[str, str]:
        self._calls += 1
        return {"Authorization": f"Bearer {self._tokens[who]}", "Idempotency-Key": f"demo-{self._calls:06}"}

    @staticmethod
    def _good(answer: httpx.Response) -> Any:
        if answer.status_code >= 300:
            raise RuntimeError(
                f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:1500]}"
            )
        return answer.json()
