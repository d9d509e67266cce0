"""`fundledger witness …`: what an audit office runs; nothing here needs the service's database.

Exit codes as everywhere (`commands`): 0 current, or the promise was kept · 1 an alarm is open, the log is stale (older
than what was seen), or the promise was broken · 3 refused, or the promise is not yet due · 69 unreachable.
The token is read from FUNDLEDGER_TOKEN. Heavy imports stand inside the commands.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from fundledger.catalogue import render
from fundledger.cli.given import given_keys, given_variable
from fundledger.errors import FundledgerError, problem

if TYPE_CHECKING:
    from fundledger.witness.following import Looked, Witness
    from fundledger.witness.promises import Answer
    from fundledger.witness.store import Store

ALARMED, NOT_DUE = 1, 3
witness = typer.Typer(help="见证 · witness of a log, for audit offices", no_args_is_help=True)
keys = typer.Typer(help="见证密钥 · the witness's own key", no_args_is_help=True)
witness.add_typer(keys, name="key")
out = Console(highlight=False, soft_wrap=True)

Folder = Annotated[
    Path, typer.Option("--store", envvar="FUNDLEDGER_WITNESS_STORE", help="见证文件夹 · the witness's folder")
]
Url = Annotated[str, typer.Argument(help="日志服务地址 · the log's service, e.g. https://finance.example")]
LogKey = Annotated[
    list[str] | None, typer.Option(help="日志公钥或其文件，可重复 · a key of the log, or a file of its keys; repeat")
]
Hook = Annotated[
    str, typer.Option("--on-alarm", help="警报时运行的命令，不经 shell · command run at an alarm, with its file")
]
DEFAULT = Path(".fundledger-witness")


@keys.command("create")
def create(
    name: Annotated[str, typer.Option(help="见证名称 · e.g. audit.example/witness")], store: Folder = DEFAULT
) -> None:
    """生成见证密钥，打印公钥 · make the witness's key; prints its verifier key."""
    from fundledger.witness import keyfile

    out.print(str(keyfile.create(store, name).verifier), markup=False)


@keys.command("show")
def show(store: Folder = DEFAULT) -> None:
    """打印公钥 · print the verifier key, for the log's operator (FUNDLEDGER_WITNESS_KEYS) and for auditors."""
    from fundledger.witness import keyfile

    out.print(str(keyfile.load(store).verifier), markup=False)


@witness.command("follow")
def follow(
    url: Url, log_key: LogKey = None, store: Folder = DEFAULT, on_alarm: Hook = "",
    interval: Annotated[int, typer.Option(min=1, max=86_400, help="秒 · seconds between looks")] = 60,
    once: Annotated[bool, typer.Option("--once", help="只看一次 · look once and end")] = False,
) -> None:  # fmt: skip
    """跟踪日志并见证签名 · follow a log: check, keep, cosign; FUNDLEDGER_TOKEN is the audit office's token."""
    opened, origin = _store(store, log_key)

    async def look(watcher: Witness) -> bool:
        return _report(await watcher.look(), opened, on_alarm)

    fine = asyncio.run(_watch(url, opened, origin, look, None if once else interval))
    if not fine:
        raise typer.Exit(ALARMED)


@witness.command("monitor")
def monitor(
    url: Url, log_key: LogKey = None, store: Folder = DEFAULT, on_alarm: Hook = "",
    interval: Annotated[int, typer.Option(min=1, max=86_400, help="秒 · seconds between runs")] = 600,
    once: Annotated[bool, typer.Option("--once", help="只运行一次 · run once and end")] = False,
    recheck: Annotated[int, typer.Option(min=0, help="每次重读的位置数 · positions read again each run")] = 1_000,
    everything: Annotated[bool, typer.Option("--all", help="全部重读 · read everything again")] = False,
) -> None:  # fmt: skip
    """通读日志并重新记账 · read the whole log, hash and add up everything again; goes on where it stopped."""
    from fundledger.cli.progress import watched
    from fundledger.witness.monitor import watch

    opened, origin = _store(store, log_key)
    again = sys.maxsize if everything else recheck

    async def run(watcher: Witness) -> bool:
        with watched() as told:
            done = await watch(watcher, recheck=again, told=told)
        fine = _report(done.looked, opened, on_alarm)
        out.print(
            f"已通读核验 {done.size} 条，重读 {done.reread} 条 · "
            f"read and verified: {done.size} records; read again: {done.reread}", markup=False,
        )  # fmt: skip
        return fine and done.fault is None

    if not asyncio.run(_watch(url, opened, origin, run, None if once else interval)):
        raise typer.Exit(ALARMED)


@witness.command("check")
def check(
    receipt: Annotated[Path, typer.Argument(help="回执文件 · the receipt, or the posting's whole answer (JSON)")],
    url: Annotated[str | None, typer.Argument(help="日志服务地址 · the log's service; not with --proof")] = None,
    proof: Annotated[Path | None, typer.Option(help="离线：证明文件 · offline: the proof file")] = None,
    leaf: Annotated[Path | None, typer.Option(help="离线：叶子数据 · offline: the leaf's data")] = None,
    log_key: LogKey = None, store: Folder = DEFAULT,
) -> None:  # fmt: skip
    """查验回执：已兑现 0，未到期 3，未兑现 1 · was a promise kept: exit code 0, not yet due 3, broken 1."""
    from fundledger.cli.witness_files import offline, receipt_of
    from fundledger.witness import promises
    from fundledger.witness.promises import Kept

    if (proof is None) != (leaf is None) or (proof is None) == (url is None):
        raise problem("witness-check-needs-a-source")
    note = receipt_of(receipt)
    opened, origin = _store(store, log_key)
    if proof is not None and leaf is not None:
        answer = offline(opened, origin, note, proof, leaf)
    else:
        found: list[Answer] = []

        async def ask(watcher: Witness) -> bool:
            found.append(await promises.check(watcher, note))
            return True

        asyncio.run(_watch(url or "", opened, origin, ask, None))
        answer = found[0]
    _tell_promise(answer, opened)
    if answer.kept is not Kept.KEPT:
        raise typer.Exit(NOT_DUE if answer.kept is Kept.EARLY else ALARMED)


@witness.command("status")
def status(store: Folder = DEFAULT) -> None:
    """见证所见 · what was seen of each log, and the open alarms."""
    from fundledger.witness.alarms import open_alarms
    from fundledger.witness.ledger import verified_size
    from fundledger.witness.store import Store, last_seen, origins

    opened = Store(store)
    with opened.reading() as db:
        for origin in origins(db):
            seen = last_seen(db, origin)
            size = 0 if seen is None else seen.size
            out.print(f"{origin}: 已见 seen {size}, 已通读 read {verified_size(store, origin)}", markup=False)
    alarms = open_alarms(opened)
    for alarm in alarms:
        out.print(f"警报 ALARM {alarm.number} {alarm.kind}: {store / alarm.file_name}", markup=False)
    if alarms:
        raise typer.Exit(ALARMED)


@witness.command("acknowledge")
def acknowledge(
    reason: Annotated[str, typer.Option(help="处理情况 · what was done about it")], store: Folder = DEFAULT
) -> None:
    """确认警报已知悉 · a person has taken note of the open alarms; the evidence stays."""
    from fundledger.witness import alarms
    from fundledger.witness.store import Store

    out.print(f"已确认 acknowledged {alarms.acknowledge(Store(store), reason, now())}")


@witness.command("serve")
def serve(
    log_key: LogKey = None, store: Folder = DEFAULT, on_alarm: Hook = "",
    host: Annotated[str, typer.Option(help="监听地址 · address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口 · port")] = 8010,
) -> None:  # fmt: skip
    """以 C2SP tlog-witness 接口提供见证 · serve POST /add-checkpoint."""
    from fundledger.cli.serve import listen
    from fundledger.witness import keyfile
    from fundledger.witness.server import run

    opened = _store(store, log_key, one=False)[0]
    key = keyfile.load(store)
    with listen(host, port) as listener:
        address, bound = listener.getsockname()[:2]
        out.print(f"witness {key.verifier.name}: http://{address}:{bound}/add-checkpoint", markup=False)
        run(opened, key, listener, shlex.split(on_alarm), now)


def now() -> int:
    """POSIX seconds."""
    return int(time.time())


async def _watch(
    url: str, store: Store, origin: str, act: Callable[[Witness], Awaitable[bool]], interval: int | None
) -> bool:  # fmt: skip
    """Act once, or again and again: then a log that does not answer is told and waited for."""
    from fundledger.witness import keyfile
    from fundledger.witness.client import LogClient
    from fundledger.witness.following import Witness
    from fundledger.witness.ledger import prefix_root

    key = keyfile.load(store.folder)

    def prefix(origin: str, size: int) -> bytes | None:
        return prefix_root(store.folder, origin, size)

    async with LogClient(url, given_variable("FUNDLEDGER_TOKEN")) as client:
        watcher = Witness(store, origin, client, now, key, prefix)
        while interval is not None:
            try:
                await act(watcher)
            except FundledgerError as error:
                _say(error)
            await asyncio.sleep(interval)
        return await act(watcher)


def _report(looked: Looked, store: Store, hook: str) -> bool:
    """Print what was found; False unless the log is current."""
    from fundledger.witness.alarms import tell
    from fundledger.witness.following import State

    for alarm in tell(store, shlex.split(hook)):
        out.print(alarm.text, markup=False)
        out.print(f"-> {store.folder / alarm.file_name}", markup=False)
    if looked.state is State.STALE:
        out.print(
            f"陈旧：日志现有 {looked.size} 条，见证已见 {looked.seen} 条（恢复了旧备份？） · STALE: the log has "
            f"{looked.size} records, {looked.seen} were seen (was an old backup restored?)", markup=False,
        )  # fmt: skip
    elif looked.state is not State.ALARM:
        taken = {
            True: "已由日志公布 published",
            False: "日志未采用：其 FUNDLEDGER_WITNESS_KEYS 须含本见证公钥 · NOT TAKEN by the log (its "
            "FUNDLEDGER_WITNESS_KEYS must hold this witness's key)",
            None: "已保存 kept",
        }
        name = "日志为空" if looked.state is State.EMPTY else "日志延续所见"
        out.print(
            f"{name} · {looked.state}: {looked.size} 条 records; 见证签名 cosignature {taken[looked.published]}",
            markup=False,
        )
    return looked.state in (State.CURRENT, State.EMPTY)


def _tell_promise(answer: Answer, store: Store) -> None:
    from fundledger.witness.promises import TEXTS

    receipt = answer.receipt
    out.print(" · ".join(TEXTS[answer.kept]), markup=False)
    out.print(f"entry {receipt.entry_id} (book {receipt.book}): {answer.reason}", markup=False)
    if answer.evidence is not None:
        out.print(f"-> {store.folder / answer.evidence}", markup=False)


def _store(folder: Path, log_key: list[str] | None, *, one: bool = True) -> tuple[Store, str]:
    """The store, the keys of a log given, and its origin: that of the keys, or the only one there is."""
    from fundledger.witness.store import Store, origins, trust
    from fundledger.witness.trusting import origin_of

    store = Store(folder)
    if log_key:
        given = given_keys(log_key, "log")
        origin = origin_of(given)
        with store.writing() as db:
            trust(db, origin, given, introduced=False)
        return store, origin
    with store.reading() as db:
        known = origins(db)
    if not known or (one and len(known) > 1):
        raise problem("witness-log-unknown")
    return store, known[0]


def _say(error: FundledgerError) -> None:
    texts: list[Any] = [render(error.code, error.params, language) for language in ("zh", "en")]
    out.print(" · ".join(f"{title}: {detail}" for title, detail, _ in texts) + f" [{error.code}]", markup=False)
