"""Who may send a body, and how much of it: checked as it arrives, before anything holds it (pure ASGI).

FastAPI reads a body before it looks at a route's dependencies, so without this a stranger could have the service hold
any number of bodies. The token is looked up again by the route's own demand; it is remembered, so that costs nothing.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fundledger.api.deps import bearer_of, services_of
from fundledger.errors import problem

GUARDED = "/v1/"
"""Under this prefix a body is taken from people with a token only."""


class BodyLimit:
    """Refuses a body of a stranger, and one beyond `limit` bytes: by its Content-Length, or as it streams in."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counting `receive`."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        taken, known = 0, not scope["path"].startswith(GUARDED)

        async def counted() -> Message:
            nonlocal taken, known
            if not known:
                request = Request(scope)
                await services_of(request).tokens.caller(bearer_of(request))
                known = True
            if self._too_large(declared):
                raise problem("body-too-large", limit=self._limit)
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limit:
                raise problem("body-too-large", limit=self._limit)
            return message

        await self._app(scope, counted, send)

    def _too_large(self, declared: bytes) -> bool:
        # Python refuses to read a number of thousands of digits, which a stranger may well send.
        return declared.isdigit() and (len(declared) > 18 or int(declared) > self._limit)
