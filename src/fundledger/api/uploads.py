"""Reading an uploaded list: its fields from the JSON body or, beside a file, from the query; its rows as they are.

Query parameters are logged by many a proxy, so only the header's fields, which hold no personal data, are taken there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from fundledger.catalogue import CATALOGUE
from fundledger.db.database import Database
from fundledger.db.refusals import refusals
from fundledger.errors import Fault, problem

JSON = "application/json"
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_KINDS = {"missing": "field-missing", "extra_forbidden": "field-unknown"}

Model = TypeVar("Model", bound=BaseModel)


def media_of(request: Request) -> str:
    """JSON, CSV or XLSX, as the body's Content-Type says; raises `media-type-unsupported`."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in (JSON, CSV, XLSX):
        raise problem("media-type-unsupported")
    return media


async def lines_max(database: Database) -> int:
    """How many lines a list may have today: a policy parameter."""
    with refusals():
        async with database.driver() as connection:
            return int(await connection.fetchval("SELECT parameter_value('list_lines_max', shanghai_today())"))


def query_fields(request: Request) -> dict[str, Any]:
    """The header beside a file; a field given twice becomes a list, which most types then refuse."""
    fields: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        earlier = fields.get(name)
        fields[name] = value if earlier is None else [*(earlier if isinstance(earlier, list) else [earlier]), value]
    fields.pop("preview", None)
    return fields


def checked(model: type[Model], fields: Mapping[str, Any], *, file: bool) -> tuple[Model | None, list[Fault]]:
    """The header as its model, or None and every fault with its place."""
    try:
        return model.model_validate(fields), []
    except ValidationError as error:
        return None, [_fault(dict(item), file=file) for item in error.errors(include_url=False, include_input=False)]


def _fault(item: Mapping[str, Any], *, file: bool) -> Fault:
    path = "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in item["loc"])
    pointer = f"#query/{path}" if file else f"/{path}"
    kind = _KINDS.get(item["type"], item["type"])
    if kind in CATALOGUE:
        return Fault(kind, dict(item.get("ctx") or {}), pointer=pointer)
    # What pydantic quotes of the input comes after a comma.
    return Fault("field-invalid", {"reason": str(item["msg"]).partition(", ")[0], "kind": kind}, pointer=pointer)


def inline_schema(model: type[BaseModel]) -> dict[str, Any]:
    """A model's JSON schema without references, for a body that FastAPI does not parse."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolved(part: Any) -> Any:
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            return resolved(definitions[name]) if name else {key: resolved(value) for key, value in part.items()}
        return [resolved(item) for item in part] if isinstance(part, list) else part

    return dict(resolved(schema))


def documented(
    model: type[BaseModel], array: str, columns: Mapping[str, str], query: Mapping[str, Any]
) -> dict[str, Any]:
    """What OpenAPI says of such a route: the kinds of body, and the query parameters that go with a file."""
    headings = ", ".join(sorted(set(columns), key=list(columns).index))
    text = {"type": "string", "description": f"UTF-8 or GB18030, one line for each of `{array}`; headings: {headings}"}
    sheet = {"type": "string", "format": "binary", "description": f"one row for each of `{array}`; the same headings"}
    return {
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": inline_schema(model)}, CSV: {"schema": text}, XLSX: {"schema": sheet}
            },
        },
        "parameters": [
            {"name": name, "in": "query", "required": False, "description": "with a CSV or XLSX body", "schema": schema}
            for name, schema in query.items()
        ],
    }  # fmt: skip
