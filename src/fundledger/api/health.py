"""`/healthz`: whether the service can serve. Public, says nothing else."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from fundledger.api.deps import services_of
from fundledger.db.refusals import refusals

router = APIRouter(tags=["operation"])


@router.get("/healthz")
async def healthz(request: Request) -> Response:
    """200 `{"status":"ok"}` when the database answers; 503 otherwise."""
    with refusals():
        async with services_of(request).database.driver() as connection:
            await connection.fetchval("SELECT 1")
    return Response('{"status":"ok"}', media_type="application/json")
