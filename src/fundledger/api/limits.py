"""A limit on request bodies, counted as they arrive, before anything holds them (pure ASGI)."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fundledger.errors import problem


class BodyLimit:
    """Refuses a body beyond `limit` bytes: at once by its Content-Length, or while it streams in."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counting `receive`."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        too_large = declared.isdigit() and int(declared) > self._limit
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            if too_large:
                raise problem("body-too-large", limit=self._limit)
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limit:
                raise problem("body-too-large", limit=self._limit)
            return message

        await self._app(scope, counted, send)
