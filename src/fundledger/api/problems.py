"""Refusals over HTTP: RFC 9457 problem+json in the caller's language, and their recording as evidence (rule 11).

The only table from family to status stands here. Every body has `type`, `title`, `status`, `detail`, `code`, `rule`,
`mend`, `instance`, both languages under `zh` and `en`, the typed parameters, and `faults` with each fault's place.
An authorised, well-formed call that broke a rule is recorded in a transaction of its own before the answer leaves;
401, 403 and malformed calls are not.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from fundledger.api.deps import services_of
from fundledger.catalogue import CATALOGUE, Language, render
from fundledger.db.refusals import refusals
from fundledger.errors import Family, Fault, FundledgerError, ParamValue, problem
from fundledger.ids import new_id

log = logging.getLogger("fundledger.api")

STATUS = {
    Family.MALFORMED: 422,
    Family.UNAUTHENTICATED: 401,
    Family.FORBIDDEN: 403,
    Family.NOT_FOUND: 404,
    Family.CONFLICT: 409,
    Family.REFUSED: 409,
    Family.TOO_LARGE: 413,
    Family.UNAVAILABLE: 503,
    Family.BUG: 500,
}
STATUS_OF_CODE = {"request-unreadable": 400, "method-not-allowed": 405, "media-type-unsupported": 415}
"""Where HTTP has a status of its own for a malformed request."""
KEPT_FAULTS = 100
"""Faults kept in a refusal's record beside the count of each code; the caller gets all."""


class ProblemResponse(JSONResponse):
    """application/problem+json."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        """As UTF-8; half a surrogate pair in a field's name must not keep the answer from leaving."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(FundledgerError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


def status_of(code: str) -> int:
    """The status that a code of the catalogue is answered with."""
    return STATUS_OF_CODE.get(code, STATUS[CATALOGUE[code].family])


def language_of(request: Request) -> Language:
    """zh unless the caller prefers English."""
    accepted = request.headers.get("accept-language", "").lower()
    en, zh = accepted.find("en"), accepted.find("zh")
    return "en" if en >= 0 and (zh < 0 or en < zh) else "zh"


def problem_body(error: FundledgerError, language: Language, instance: UUID) -> dict[str, Any]:
    """The body of a refusal."""
    row = CATALOGUE[error.code]
    title, detail, mend = render(error.code, error.params, language)
    body: dict[str, Any] = {
        "type": f"/problems/{error.code}", "title": title, "status": status_of(error.code), "detail": detail,
        "instance": f"urn:uuid:{instance}", "code": error.code, "rule": row.rule, "mend": mend,
    }  # fmt: skip
    for other in ("zh", "en"):
        texts = render(error.code, error.params, other)
        body[other] = dict(zip(("title", "detail", "mend"), texts, strict=True))
    if error.params:
        body["params"] = error.params
    if error.faults:
        body["faults"] = [_fault_body(fault, language) for fault in error.faults]
    return body


def _fault_body(fault: Fault, language: Language) -> dict[str, Any]:
    title, detail, mend = render(fault.code, fault.params, language)
    body: dict[str, Any] = {"code": fault.code, "rule": CATALOGUE[fault.code].rule, "title": title, "detail": detail}
    if mend:
        body["mend"] = mend
    places = {"pointer": fault.pointer, "line": fault.line, "column": fault.column}
    body.update({name: place for name, place in places.items() if place is not None})
    if fault.params:
        body["params"] = fault.params
    return body


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, FundledgerError)
    instance = new_id()
    if CATALOGUE[error.code].family is Family.REFUSED:
        instance = await _record(request, error, instance)
    return _answer(request, error, instance)


def _answer(request: Request, error: FundledgerError, instance: UUID) -> Response:
    body = problem_body(error, language_of(request), instance)
    headers: dict[str, str] = {"Content-Language": language_of(request)}
    if body["status"] == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if body["status"] == 503:
        headers["Retry-After"] = "1"
    return ProblemResponse(body, body["status"], headers)


async def _record(request: Request, error: FundledgerError, refusal_id: UUID) -> UUID:
    """Keep a refusal as evidence; the id of its record, the first one's if it is a repeat.

    If even that is impossible the caller still gets the refusal, and the log says so.
    """
    caller = getattr(request.state, "caller", None)
    digest = getattr(request.state, "request_sha256", None)
    if caller is None or digest is None:
        return refusal_id
    book = int(request.path_params.get("book", caller.book))
    codes = Counter(fault.code for fault in error.faults)
    detail = {
        "params": error.params, "codes": dict(codes),
        "faults": [_kept(fault) for fault in error.faults[:KEPT_FAULTS]],
    }  # fmt: skip
    route = request.scope.get("route")
    action = f"{request.method} {getattr(route, 'path', '')}"
    try:
        with refusals():
            async with services_of(request).database.driver() as connection:
                kept = await connection.fetchval(
                    "SELECT record_refusal($1, $2, $3, $4, $5, $6, $7, $8)",
                    book, refusal_id, error.code, caller.staff_id, action, _subject(request), _evidence(digest, error),
                    json.dumps(detail, ensure_ascii=False),
                )  # fmt: skip
                return UUID(str(kept)) if kept is not None else refusal_id
    except Exception:
        log.exception("a refusal could not be recorded: %s %s", action, error.code)
    return refusal_id


def _evidence(request_sha256: bytes, error: FundledgerError) -> bytes:
    """What makes two refusals the same: the same call, refused for the same faults at the same places."""
    faults = sorted(f"{fault.code}|{fault.line}|{fault.pointer}|{fault.column}" for fault in error.faults)
    return hashlib.sha256(request_sha256 + "\n".join(faults).encode()).digest()


def _kept(fault: Fault) -> dict[str, Any]:
    kept: dict[str, Any] = {"code": fault.code, "params": fault.params}
    places = {"pointer": fault.pointer, "line": fault.line, "column": fault.column}
    return kept | {name: place for name, place in places.items() if place is not None}


def _subject(request: Request) -> UUID | None:
    """The record the call was about, when its path names one."""
    for name, value in request.path_params.items():
        if name.endswith("_id"):
            try:
                return UUID(str(value))
            except ValueError:
                return None
    return None


async def _invalid(request: Request, error: Exception) -> Response:
    """A request that does not fit its schema: every fault with its JSON pointer; a code of ours keeps its own text."""
    assert isinstance(error, RequestValidationError)
    items = error.errors()
    if items and items[0]["type"] == "json_invalid":
        position = int(items[0]["loc"][-1])
        return _answer(request, problem("request-unreadable", pointer="", position=position), new_id())
    if isinstance(error.body, bytes) and any(item["loc"] == ("body",) for item in items):
        # FastAPI parses no body that does not say it is JSON, and then misses an object.
        return _answer(request, problem("media-type-unsupported"), new_id())
    faults = [_schema_fault(item) for item in items]
    own = len(faults) == 1 and faults[0].code not in SCHEMA_CODES
    code = faults[0].code if own else "request-invalid"
    params: dict[str, ParamValue] = faults[0].params if own else {"count": len(faults)}
    return _answer(request, FundledgerError(code, faults=faults, **params), new_id())


SCHEMA_CODES = {"field-invalid", "field-missing", "field-unknown"}
_SCHEMA_KINDS = {"missing": "field-missing", "extra_forbidden": "field-unknown"}


def _schema_fault(item: dict[str, Any]) -> Fault:
    place = [str(part).replace("~", "~0").replace("/", "~1") for part in item["loc"]]
    pointer = "".join(f"/{part}" for part in place[1:]) if place[:1] == ["body"] else "#" + "/".join(place)
    kind = item["type"]
    if kind in CATALOGUE:
        return Fault(kind, dict(item.get("ctx") or {}), pointer=pointer)
    if kind in _SCHEMA_KINDS:
        return Fault(_SCHEMA_KINDS[kind], pointer=pointer)
    # pydantic's message names the constraint; what it quotes of the input comes after a comma and may be personal.
    return Fault("field-invalid", {"reason": str(item["msg"]).partition(", ")[0], "kind": kind}, pointer=pointer)


async def _http(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself; a refusal of ours that it wrapped while reading comes out again."""
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, FundledgerError):
        return await _refused(request, error.__cause__)
    codes = {404: "route-not-found", 405: "method-not-allowed", 415: "media-type-unsupported"}
    answer = _answer(request, problem(codes.get(error.status_code, "request-unreadable")), new_id())
    answer.headers.update(error.headers or {})
    return answer


async def _bug(request: Request, error: Exception) -> Response:
    """Anything else is a bug: no detail leaves, the log has the trace under the same id."""
    instance = new_id()
    log.error("unexpected error %s", instance, exc_info=error)
    return _answer(request, problem("internal-error"), instance)
