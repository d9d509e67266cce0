"""The service called in-process: httpx over ASGI, with short words for who calls and which key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from fundledger.api.app import create_app
from fundledger.ids import new_id
from fundledger.settings import Settings
from tests.builders import World
from tests.databases import Database


@dataclass
class Api:
    """A client that speaks as a person of the world."""

    client: httpx.AsyncClient
    app: FastAPI
    world: World

    def headers(self, who: str | None, key: str | None = None) -> dict[str, str]:
        """Token, a fresh (or the given) idempotency key, and English."""
        headers = {"Accept-Language": "en", "Idempotency-Key": key or str(new_id())}
        if who is not None:
            headers["Authorization"] = f"Bearer {self.world.tokens[who]}"
        return headers

    async def get(self, who: str | None, path: str, **params: Any) -> httpx.Response:
        """GET as a person."""
        return await self.client.get(path, headers=self.headers(who), params=params)

    async def post(self, who: str | None, path: str, json: Any = None, *, key: str | None = None,
                   content: bytes | None = None, media: str | None = None) -> httpx.Response:  # fmt: skip
        """POST JSON (or raw content) as a person."""
        headers = self.headers(who, key)
        if media is not None:
            headers["Content-Type"] = media
        return await self.client.post(path, headers=headers, json=json, content=content)

    async def approve(self, who: str, book: int, draft: dict[str, Any]) -> httpx.Response:
        """Approve what a drafting call answered."""
        path = f"/v1/books/{book}/instructions/{draft['instruction_id']}/approve"
        return await self.post(who, path, {"content_sha256": draft["content_sha256"]})


@asynccontextmanager
async def running_api(
    db: Database, world: World, folder: Path, *, sealed: bool = False, **settings: Any
) -> AsyncIterator[Api]:
    """Start the app's lifespan, yield a client, stop it. `sealed`: as `serve` does it, with a sequencer to rely on."""
    app = create_app(Settings(data_dir=folder, **{"pool_size": 20, **settings}), db.service_url, sealed=sealed)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield Api(client, app, world)
