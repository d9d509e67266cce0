"""An export into a folder of one's own, by the command line: it goes on where it stopped when the command is repeated.

A file beside the parts keeps the pinned scope and the parts that are done; it goes when the manifest is there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.exports import records
from fundledger.exports.folder import (
    MANIFEST,
    Progress,
    Written,
    fault_of,
    keep_json,
    manifest,
    refusal_of,
    safe_name,
    write_part,
)
from fundledger.exports.formats import format_for
from fundledger.exports.parts import Part
from fundledger.exports.scope import Scope
from fundledger.ids import new_id

STATE: Final = "unfinished.json"
Tell = Callable[[int, int, Part, Progress], None]
"""Told before each part: how many are done, of how many, the part, and where its bytes are counted."""


@dataclass(slots=True)
class Taken:
    """An export in a folder: what was asked for (`request`), what is pinned, and the parts that are done."""

    folder: Path
    request: Mapping[str, Any]
    export_id: UUID
    format: str
    scope: Scope
    done: list[Written]
    finished: bool = False


def resumed(folder: Path, request: Mapping[str, Any]) -> Taken | None:
    """What the folder holds of the same request, finished or not; None: it is empty, and was made if need be.

    Raises `export-folder-other`, `export-folder-unusable`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise problem("export-folder-unusable") from error
    if not names:
        return None
    finished = MANIFEST in names
    try:
        stored = json.loads((folder / (MANIFEST if finished else STATE)).read_bytes())
        if stored["request"] != request:
            raise problem("export-folder-other")
        parts = [Written(**{**row, "name": safe_name(row["name"])}) for row in stored["parts"]]
        scope = Scope.from_json(stored["scope"])
        return Taken(folder, request, UUID(stored["export_id"]), stored["format"], scope, parts, finished)
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise problem("export-folder-other") from error


async def begun(
    connection: Connection, caller: Caller, folder: Path, request: Mapping[str, Any], form: str, scope: Scope
) -> Taken:
    """A new export into the folder, kept as taken by this person."""
    taken = Taken(folder, request, new_id(), format_for(form, scope).name, scope, [])
    async with connection.transaction():
        await records.record(connection, caller, taken.export_id, "command", form, scope)
        await asyncio.to_thread(_keep, taken)
    return taken


async def finish(connection: Connection, caller: Caller, taken: Taken, tell: Tell) -> dict[str, Any]:
    """Write the parts that are not there yet, and the manifest; returns it."""
    form = format_for(taken.format, taken.scope)
    kept = {part.number: part for part in taken.done}
    whole = await asyncio.to_thread(_whole, taken)
    if taken.finished and whole == kept.keys():
        stored: dict[str, Any] = json.loads((taken.folder / MANIFEST).read_bytes())
        return stored
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        parts = [part async for part in form.parts(connection, taken.scope)]
    taken.done = []
    progress = Progress()
    for part in parts:
        if part.number not in whole:
            tell(len(taken.done), len(parts), part, progress)
            written = await write_part(connection, form, taken.scope, part, taken.folder, progress)
            if kept.setdefault(part.number, written) != written:
                raise problem("export-not-repeatable", part=part.name)
        taken.done.append(kept[part.number])
        await asyncio.to_thread(_keep, taken)
    who = {
        "export_id": str(taken.export_id), "taken_by": str(caller.staff_id), "unit_id": str(caller.unit_id),
        "taken_at": datetime.now(UTC).isoformat(), "request": dict(taken.request),
    }  # fmt: skip
    content = manifest(form, taken.scope, who, await records.log_at(connection, taken.scope.position), taken.done)
    await asyncio.to_thread(_closed, taken.folder, content)
    return content


def _whole(taken: Taken) -> set[int]:
    """The numbers of the parts that are done and whose files are what they were then."""
    return {part.number for part in taken.done if fault_of(taken.folder, part) is None}


def _keep(taken: Taken) -> None:
    keep_json(taken.folder / STATE, {
        "request": dict(taken.request), "export_id": str(taken.export_id), "format": taken.format,
        "scope": taken.scope.as_json(), "parts": [asdict(part) for part in taken.done],
    })  # fmt: skip


def _closed(folder: Path, content: Mapping[str, Any]) -> None:
    keep_json(folder / MANIFEST, content)
    try:
        for name in (STATE, *(path.name for path in folder.glob(".*.partial"))):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise refusal_of(error) from error
