"""`fundledger export …`: what can be taken away from the book. Each command is a few lines over `exports`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console

from fundledger.cli import places
from fundledger.cli.export_folder import export_check, export_trail
from fundledger.errors import problem
from fundledger.settings import Settings

export = typer.Typer(help="导出 · export", no_args_is_help=True)
export.command("trail")(export_trail)
export.command("check")(export_check)
out = Console(highlight=False, soft_wrap=True)


@export.command("bundle")
def bundle(
    file: Annotated[Path, typer.Option("--out", help="核验包文件 · the file to write, e.g. bundle.zip")],
    everything: Annotated[bool, typer.Option("--all", help="整个日志 · the whole log")] = False,
    book: Annotated[int | None, typer.Option(help="账簿 · one book, or where --of is")] = None,
    of: Annotated[
        str | None, typer.Option(help="对象 · KIND:ID, e.g. allocation:… project:… village:… household:… entry:…")
    ] = None,
    as_of: Annotated[
        int | None, typer.Option(min=0, help="日志序号 · as of this log position: the newest checkpoint up to it")
    ] = None,
    openings: Annotated[bool, typer.Option(help="披露其姓名账号 · open names and cards, as FUNDLEDGER_TOKEN")] = False,
    checkpoint: Annotated[
        Path | None, typer.Option(help="以前见过的检查点 · a checkpoint seen before, to prove consistency with")
    ] = None,
) -> None:
    """导出核验包 · write what `fundledger verify` proves offline."""
    from fundledger.cli.bundle import export_bundle
    from fundledger.cli.given import given_variable, read_text
    from fundledger.exports.bundle_request import Asked
    from fundledger.files.whole import whole_file
    from fundledger.verifier.manifest import ScopeKind

    kind, _, ref = (of or ("all" if everything else "book")).partition(":")
    known = {str(one): one for one in get_args(ScopeKind)}
    if kind not in known or everything == (book is not None) or (of is not None and not ref):
        raise problem("bundle-scope-malformed")
    asked = Asked(
        known[kind], book, ref or None, as_of, None if checkpoint is None else read_text(checkpoint), openings
    )
    settings, secret = Settings(), given_variable("FUNDLEDGER_TOKEN") if openings else ""
    with places.opened(settings) as place, whole_file(file) as target:
        made = asyncio.run(export_bundle(place.need_service(), settings, asked, target, secret))
    count = made.counts.get("leaves.ndjson", 0)
    out.print(
        f"{file}: 日志共 {made.size} 条，核验包内 {count} 条 · {made.size} records in the log, {count} in the bundle",
        markup=False,
    )
