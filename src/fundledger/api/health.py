"""`/healthz`: whether the service can serve, and whether the sealed log keeps up. Public, says nothing else."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request

from fundledger.api.deps import services_of
from fundledger.api.wire import Answer
from fundledger.db.refusals import refusals
from fundledger.sealing import watch

router = APIRouter(tags=["operation"])


class LogHealth(Answer):
    """The sealed log: `behind` when a record waits for a signed checkpoint too long, `refused` when none will come."""

    state: Literal["current", "behind", "refused"]
    oldest_unsealed_seconds: int | None
    code: str | None


class HealthAnswer(Answer):
    """The service can serve; `degraded` when the log does not keep up, and so postings are refused."""

    status: Literal["ok", "degraded"]
    log: LogHealth


@router.get("/healthz")
async def healthz(request: Request) -> HealthAnswer:
    """200 when the database answers, else 503. `degraded` when the sealed log stands: then only reading goes on."""
    services = services_of(request)
    with refusals():
        async with services.database.driver() as connection:
            found = await watch.look(connection, services.log_keys.path)
    log = LogHealth(state=found.state, oldest_unsealed_seconds=found.oldest_seconds, code=found.refused)
    return HealthAnswer(status="ok" if found.state == "current" else "degraded", log=log)
