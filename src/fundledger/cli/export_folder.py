"""`fundledger export trail` and `check`: the way of money as files in a folder, and what such a folder holds.

An export is taken as a person: the token in FUNDLEDGER_TOKEN says who, and their books are those the service would let
them read. It is kept as taken. The same command with the same folder goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console

from fundledger.cli.given import given_variable
from fundledger.errors import problem
from fundledger.settings import Settings

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Ident = Annotated[
    str | None, typer.Option(help="追踪的对象（一项，限 --book 之内） · whose trail; one of these, in --book")
]


def export_trail(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Option("--out", help="写入的文件夹；再次运行即续写 · the folder to write; the same again goes on")
    ],
    form: Annotated[str, typer.Option("--format", help="格式 · csv | ndjson | xlsx | parquet | …")] = "csv",
    layout: Annotated[str, typer.Option(help="版式 · transfers | payment_voucher | accounting_voucher")] = "transfers",
    book: Annotated[int | None, typer.Option(help="账簿 · one book; without: all you may read")] = None,
    as_of: Annotated[int | None, typer.Option(min=0, help="日志序号 · as of this log position")] = None,
    direction: Annotated[str | None, typer.Option(help="追踪方向 · up | down; of a subject")] = None,
    undone: Annotated[bool | None, typer.Option(help="含已冲销 · with what was undone since")] = None,
    bom: Annotated[bool, typer.Option(help="CSV 带 BOM（Excel） · the mark by which Excel knows UTF-8")] = False,
    entry_id: Ident = None,
    line_no: Annotated[int | None, typer.Option(min=1, help="--entry-id 的分录号 · the line of --entry-id")] = None,
    release_id: Ident = None,
    document_no: Ident = None,
    allocation_id: Ident = None,
    project_id: Ident = None,
    village_code: Ident = None,
    household_id: Ident = None,
    household_no: Ident = None,
    person_id: Ident = None,
    organisation_id: Ident = None,
    procurement_id: Ident = None,
    officer_id: Ident = None,
) -> None:
    """导出资金流向 · everything, or the trail of one subject (of --book), as of a log position."""
    from fundledger.exports.scope import LAYOUTS
    from fundledger.trail.starts import FIELDS

    if layout not in LAYOUTS or direction not in (None, "up", "down"):
        raise problem("export-option-unknown", layouts=list(LAYOUTS))
    request = {
        "format": form, "layout": layout, "book": book, "as_of": as_of, "direction": direction, "undone": undone,
        "bom": bom, "line_no": line_no,
        "subject": {name: context.params[name] for name in FIELDS if context.params[name] is not None},
    }  # fmt: skip
    _take(folder, request)


def _take(folder: Path, request: Mapping[str, Any]) -> None:
    from fundledger.cli.places import opened

    with opened(Settings()) as place:
        content = asyncio.run(_taken(place.need_service(), folder, request))
    out.print(
        f"{folder}: {len(content['parts'])} 个文件 files, {content['rows']} 行 rows, "
        f"截至日志序号 as of position {content['as_of']}", markup=False,
    )  # fmt: skip


def export_check(folder: Annotated[Path, typer.Argument(help="导出所在文件夹 · the folder of an export")]) -> None:
    """核对导出文件 · hold every file against the manifest; exit code 1 and the first fault if one does not fit."""
    from fundledger.exports.folder import check

    found = check(folder)
    if found.fault is not None:
        out.print(f"FAULT {found.fault}", markup=False)
        raise typer.Exit(1)
    out.print(f"ok    {found.parts} 个文件 files, {found.rows} 行 rows, {found.bytes} bytes", markup=False)


async def _taken(service_url: str, folder: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    from fundledger.access.policy import EVERYBODY, Demand
    from fundledger.access.tokens import Tokens
    from fundledger.db.database import Database
    from fundledger.db.refusals import refusals

    token = given_variable("FUNDLEDGER_TOKEN")
    database = Database(service_url, pool_size=2)
    try:
        caller = await Tokens(database).caller(token)
        Demand(EVERYBODY).refuse(caller, None)
        with refusals():
            async with database.driver() as connection:
                return await _finished(connection, caller, folder, request)
    finally:
        await database.dispose()


async def _finished(connection: Any, caller: Any, folder: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Begin or go on, to the end."""
    from fundledger.access.policy import may_reach
    from fundledger.exports import local
    from fundledger.exports.scope import Layout, settle, subject_named
    from fundledger.trail.walk import Direction

    rows = await connection.fetch("SELECT book FROM book")
    books = {row["book"] for row in rows if may_reach(caller, row["book"], writes=False)}
    taken = local.resumed(folder, request)
    if taken is None:
        book = request["book"]
        subject = await subject_named(connection, book, request["subject"], request["line_no"])
        scope = await settle(
            connection, books, book=book, subject=subject, direction=cast(Direction | None, request["direction"]),
            undone=request["undone"], layout=cast(Layout, request["layout"]), bom=request["bom"],
            position=request["as_of"],
        )  # fmt: skip
        taken = await local.begun(connection, caller, folder, request, request["format"], scope)
    elif not set(taken.scope.books) <= books:
        raise problem("export-folder-other")
    if taken.finished:
        err.print("已完成。 This export is finished already.")
    bar = _Bar()
    with err.status(bar) if err.is_terminal else nullcontext():
        return await local.finish(connection, caller, taken, bar)


class _Bar:
    """Says which part is being written; on a terminal also how far it is."""

    def __init__(self) -> None:
        self._progress: Any = None

    def __call__(self, done: int, count: int, part: Any, progress: Any) -> None:
        """A part begins."""
        err.print(f"{done + 1}/{count} {part.name} ({part.rows} 行 rows)", markup=False)
        self._progress = progress

    def __rich__(self) -> str:
        """What the terminal shows now."""
        if self._progress is None:
            return "核对已有文件… Checking what is there…"
        return f"{self._progress.rows} 行 rows, {self._progress.bytes >> 20} MB"
