"""`/healthz`: whether the service can serve. Public, says nothing else."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response

from fundledger.api.deps import services_of
from fundledger.api.wire import Answer
from fundledger.db.refusals import refusals

router = APIRouter(tags=["operation"])


class HealthAnswer(Answer):
    """The service can serve."""

    status: Literal["ok"]


@router.get("/healthz", response_model=HealthAnswer)
async def healthz(request: Request) -> Response:
    """200 `{"status":"ok"}` when the database answers; 503 otherwise."""
    with refusals():
        async with services_of(request).database.driver() as connection:
            await connection.fetchval("SELECT 1")
    return Response('{"status":"ok"}', media_type="application/json")
