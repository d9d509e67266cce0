"""The commands of ``fundledger``; each is a few lines over a service, and one table says which exit code a refusal has.

Exit codes mean the same for every command, and every help says them (`EXIT_CODES`): 1 is a fault that was looked for
and found, never trouble with the call or the machine. Which option names are used for what: docs/operation.md. Heavy
imports stand inside the commands that need them, so that the sequencer stays small.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Column, Table

from fundledger.catalogue import CATALOGUE, render
from fundledger.cli import backups, logs, places, restoring
from fundledger.cli.exports import export
from fundledger.cli.given import given_keys, given_variable
from fundledger.cli.keys import key
from fundledger.cli.witness import witness
from fundledger.db.embedded import EmbeddedError
from fundledger.errors import Family, FundledgerError, problem
from fundledger.sealing.note import VerifierKey
from fundledger.settings import Settings

EXIT = {
    Family.MALFORMED: 2, Family.TOO_LARGE: 2, Family.UNAUTHENTICATED: 3, Family.FORBIDDEN: 3, Family.CONFLICT: 3,
    Family.REFUSED: 3, Family.NOT_FOUND: 4, Family.UNAVAILABLE: 69, Family.BUG: 70,
}  # fmt: skip
BUG = EXIT[Family.BUG]
EXIT_CODES = (
    "退出码：0 无误，1 查出问题，2 命令或文件有误，3 被拒绝或未能全部核验，4 未找到，69 不可用，70 程序错误 · "
    "exit codes: 0 fine, 1 a fault was found, 2 a bad call or file, 3 refused or not all could be checked, "
    "4 not found, 69 unavailable, 70 a bug"
)
SHOWN_FAULTS = 20

app = typer.Typer(
    name="fundledger", help="扶贫资金账本 · ledger of poverty-relief money", no_args_is_help=True, add_completion=False,
    pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip
token = typer.Typer(help="令牌：签发、列出、吊销 · tokens of people", no_args_is_help=True)
importing = typer.Typer(help="导入 · import files", no_args_is_help=True)
demo = typer.Typer(help="示范数据 · the demonstration year", no_args_is_help=True)
app.add_typer(token, name="token")
app.add_typer(key, name="key")
app.add_typer(export, name="export")
app.add_typer(importing, name="import")
app.add_typer(demo, name="demo")
app.command("backup")(backups.backup)
app.command("restore")(restoring.restore)
app.add_typer(witness, name="witness")
# A pipe has no width: nothing may be cut off there.
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Book = Annotated[int, typer.Option(help="账簿（行政区划代码） · book, e.g. 420117")]
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出 · machine-readable")]


@app.command()
def serve() -> None:
    """启动服务 · run the service (embedded PostgreSQL unless FUNDLEDGER_DATABASE_URL is set)."""
    from fundledger.cli.serve import serve as run

    run(Settings(), out)


@app.command()
def migrate(
    superuser: Annotated[bool, typer.Option(help="先建角色和库 · make roles and database first")] = False,
) -> None:
    """升级数据库结构 · bring the database to the newest schema (--superuser: FUNDLEDGER_SUPERUSER_DATABASE_URL)."""
    from fundledger.db import migrate as migrations

    settings = Settings()
    if superuser:
        asyncio.run(places.set_up(settings, given_variable("FUNDLEDGER_SUPERUSER_DATABASE_URL")))
    with places.opened(settings) as place:
        asyncio.run(migrations.upgrade(place.need_owner()))
        out.print(f"revision {asyncio.run(migrations.current(place.need_owner()))}")


@app.command()
def sequence(
    with_parent: Annotated[bool, typer.Option(help="标准输入关闭时结束 · end when standard input closes")] = False,
) -> None:
    """运行定序器 · give committed records their positions in the sealed log."""
    from fundledger.cli.sequencing import run_until_told

    logs.configure()
    settings = Settings()
    with places.opened(settings) as place:
        run_until_told(place.need_service(), settings.log_keys_path, with_parent=with_parent)


@app.command()
def verify(
    bundle: Annotated[Path | None, typer.Argument(help="核验包或证明文件 · a bundle or a proof, offline")] = None,
    database: Annotated[bool, typer.Option("--database", help="核对数据库 · check the database")] = False,
    log_key: Annotated[
        list[str] | None, typer.Option(help="可信的日志公钥或其文件，可重复 · a log's key you trust, or a file; repeat")
    ] = None,
    witness_key: Annotated[
        list[str] | None, typer.Option(help="须已见证签名者的公钥或其文件 · a witness that must have cosigned; repeat")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="以前见过的检查点（核验包） · a checkpoint seen before; of a bundle")
    ] = None,
    leaf: Annotated[
        Path | None, typer.Option(help="叶子数据（.tlog-proof） · the leaf's data; of a .tlog-proof")
    ] = None,
    as_json: Json = False,
) -> None:
    """核验 · verify a bundle or a proof offline, or the database; names the first fault."""
    if (bundle is None) == (not database):
        raise problem("verify-needs-a-source")
    believed, witnesses = given_keys(log_key or [], "log"), given_keys(witness_key or [], "witness")
    if bundle is None:
        _only(None, checkpoint=checkpoint, leaf=leaf)
        _verify_database(believed, witnesses, as_json=as_json)
        return
    from fundledger.cli import proof

    if proof.is_proof_file(bundle):
        _only("leaf", checkpoint=checkpoint, leaf=leaf)
        verdict = proof.verified(bundle, believed, witnesses, leaf)
        proof.show(verdict, out, as_json=as_json)
        raise typer.Exit(verdict.exit_code)
    from fundledger.cli.bundle import show, verified

    _only("checkpoint", checkpoint=checkpoint, leaf=leaf)
    report = verified(bundle, believed, witnesses, checkpoint)
    show(report, out, as_json=as_json)
    raise typer.Exit(report.exit_code)


def _only(used: str | None, **given: Path | None) -> None:
    """Refuse an option that would be passed over: its giver would think that it was checked."""
    for name, value in given.items():
        if value is not None and name != used:
            raise problem("verify-option-unused", option=f"--{name}")


def _verify_database(keys: list[VerifierKey], witnesses: list[VerifierKey], *, as_json: bool) -> None:
    from fundledger.cli.progress import watched
    from fundledger.cli.verifying import show, trust
    from fundledger.sealing.verify import verify_database

    settings = Settings()
    believed = trust(settings, keys, witnesses)
    with places.opened(settings) as place, watched() as told:
        report = asyncio.run(verify_database(place.need_reader(), believed, told))
    show(report, out, as_json=as_json)
    if report.first_fault is not None:
        raise typer.Exit(1)


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(context: typer.Context) -> None:
    """测速 · measure."""
    raise typer.Exit(_part("fundledger.bench.command", "run")(context.args))


@demo.command("load")
def demo_load() -> None:
    """装入示范数据 · load the demonstration year into an empty database."""
    from fundledger.cli import demonstration

    settings = Settings()
    with places.opened(settings) as place:
        asyncio.run(demonstration.load(place, settings, out))


@token.command("issue")
def token_issue(
    book: Book,
    kind: Annotated[
        str, typer.Option(help="单位类别 · finance | poverty_office | township | village | audit | inspection | admin")
    ],
    unit: Annotated[str, typer.Option(help="单位名称 · name of the unit")],
    name: Annotated[str, typer.Option(help="姓名 · name of the person")],
    duty: Annotated[
        list[str] | None, typer.Option(help="职责，可重复 · maker | approver | payer, may be repeated")
    ] = None,
    division: Annotated[str | None, typer.Option(help="乡镇代码 · the township's code")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="有效天数 · valid for days")] = 365,
) -> None:
    """签发令牌，只显示一次 · issue a token, shown this once."""
    from fundledger.cli.people import Person, issue_token

    person = Person(book, kind, unit, name, duty or [], division)
    with places.opened(Settings()) as place:
        out.print(asyncio.run(issue_token(place.need_owner(), person, days)), markup=False)


@token.command("list")
def token_list(book: Annotated[int | None, typer.Option(help="账簿 · one book only")] = None) -> None:
    """列出令牌（不含令牌本身） · list tokens, without the tokens themselves."""
    from fundledger.cli.people import list_tokens

    with places.opened(Settings()) as place:
        states = asyncio.run(list_tokens(place.need_owner(), book))
    table = Table(Column("id", no_wrap=True), "book", "unit", "kind", "person", "duties", "expires", "revoked")
    for state in states:
        table.add_row(
            state.id, str(state.book), state.unit, state.kind, state.name, ",".join(state.duties),
            f"{state.expires_at:%Y-%m-%d}", f"{state.revoked_at:%Y-%m-%d}" if state.revoked_at else "",
        )  # fmt: skip
    out.print(table)


@token.command("revoke")
def token_revoke(
    token_id: Annotated[str, typer.Argument(help="list 所示编号 · the id that `list` shows")],
    reason: Annotated[str, typer.Option(help="原因 · why")],
) -> None:
    """吊销令牌 · end a token."""
    from fundledger.cli.people import revoke_token

    with places.opened(Settings()) as place:
        asyncio.run(revoke_token(place.need_owner(), token_id, reason))
    out.print("已吊销 · revoked")


@importing.command("divisions")
def import_divisions(
    file: Annotated[Path, typer.Argument(help="CSV 文件 · a CSV file")],
    source: Annotated[str, typer.Option(help="来源 · where the list comes from")],
) -> None:
    """导入行政区划 · import divisions; rows that are there stay."""
    from fundledger.cli.imports import divisions

    with places.opened(Settings()) as place:
        added = asyncio.run(divisions(place.need_service(), _bytes(file), source))
    out.print(f"added {added}")


@importing.command("households")
def import_households(
    file: Annotated[Path, typer.Argument(help="CSV 文件 · a CSV file")],
    book: Book,
    key: Annotated[str, typer.Option(help="幂等键 · idempotency key")],
) -> None:
    """导入建档立卡户，以 FUNDLEDGER_TOKEN 的身份 · import households as the person of FUNDLEDGER_TOKEN."""
    from fundledger.cli.imports import households

    settings = Settings()
    content, secret = _bytes(file), given_variable("FUNDLEDGER_TOKEN")
    with places.opened(settings) as place:
        text = asyncio.run(households(place.need_service(), settings, secret, book, content, key))
    out.print(text, markup=False)


@importing.command("registered-accounts")
def import_registered_accounts() -> None:
    """从首版升级后运行一次：登记的卡号立为账户 · once after an upgrade from the first version."""
    from fundledger.cli.imports import registered_accounts

    settings = Settings()
    with places.opened(settings) as place:
        made = asyncio.run(registered_accounts(place.need_service(), settings))
    out.print(f"added {made}")


def _say_exit_codes(group: typer.Typer) -> None:
    for command in group.registered_commands:
        command.epilog = EXIT_CODES
    for part in group.registered_groups:
        if part.typer_instance is not None:
            _say_exit_codes(part.typer_instance)


_say_exit_codes(app)


def main() -> None:
    """Run a command; a refusal is a sentence and an exit code, never a traceback."""
    try:
        app(prog_name="fundledger")
    except FundledgerError as error:
        sys.exit(tell(error))
    except EmbeddedError as error:
        sys.exit(tell(problem("embedded-not-usable", reason=str(error).rstrip("."))))
    except OSError as error:
        # A database or a file that is not to be reached; the text names paths and addresses only.
        what, reason = error.filename or type(error).__name__, error.strerror or "not to be reached"
        sys.exit(tell(problem("machine-refuses", what=str(what), reason=reason)))
    except ValidationError as error:
        # Settings only; the messages name the variables and hold no value (hide_input_in_errors).
        for item in error.errors():
            name = "_".join(map(str, item["loc"])).upper() or "DATABASE_URL"
            tell(problem("setting-malformed", setting=f"FUNDLEDGER_{name}", reason=item["msg"]))
        sys.exit(EXIT[Family.MALFORMED])
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        err.print(logs.describe(error), markup=False)
        err.print("程序错误，请报告。 This is a bug; please report it.")
        sys.exit(BUG)


def tell(error: FundledgerError) -> int:
    """Print a refusal in both languages; its exit code."""
    for language in ("zh", "en"):
        title, detail, mend = render(error.code, error.params, language)
        err.print(f"{title}{'：' if language == 'zh' else ': '}{detail} {mend}", markup=False)
    for fault in error.faults[:SHOWN_FAULTS]:
        places_of = (fault.line and f"line {fault.line}", fault.column, fault.pointer)
        place = ", ".join(str(part) for part in places_of if part)
        err.print(f"  {fault.code} ({place})" if place else f"  {fault.code}", markup=False)
    if len(error.faults) > SHOWN_FAULTS:
        err.print(f"  … {len(error.faults) - SHOWN_FAULTS} more")
    err.print(f"[{error.code}]", markup=False)
    return EXIT[CATALOGUE[error.code].family]


def _part(module: str, name: str) -> Callable[..., Any]:
    """A function of a part that may not be installed; `part-not-installed`."""
    from importlib import import_module

    try:
        found: Callable[..., Any] = getattr(import_module(module), name)
        return found
    except ModuleNotFoundError as error:
        raise problem("part-not-installed", part=module) from error


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise problem("file-unreadable", file=file.name) from error
