"""`fundledger key …`: the log's signing keys, in their file beside the service (never in the database)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fundledger.errors import problem
from fundledger.sealing import keys
from fundledger.sealing.keys import KeyFile, Keyring, KeysError, Purpose
from fundledger.sealing.sequencer import connect
from fundledger.sealing.signing import HistoryError, Signer
from fundledger.settings import Settings

key = typer.Typer(help="日志签名密钥 · the log's signing keys", no_args_is_help=True)
out = Console(highlight=False, soft_wrap=True)


@key.command("create")
def create(
    origin: Annotated[
        str | None, typer.Option(help="日志名称，永久不变 · the log's name for ever, e.g. finance.example/fundledger")
    ] = None,
) -> None:
    """生成密钥 · make the keys of a new log (serve makes them itself if there are none)."""
    _tell(_done(lambda: keys.create(Settings().log_keys_path, origin or keys.new_origin())))


@key.command("list")
def show() -> None:
    """列出公钥 · the verifier keys that auditors and witnesses are given; the output is a file for --log-key."""
    _tell(_done(lambda: keys.load(Settings().log_keys_path)))


@key.command("rotate")
def rotate(purpose: Annotated[str, typer.Argument(help="用途 · log | receipts")]) -> None:
    """轮换密钥 · a new key takes over in some seconds; old proofs stay valid."""
    _tell(_done(lambda: keys.rotate(Settings().log_keys_path, _purpose(purpose))))


@key.command("destroy")
def destroy(key_id: Annotated[str, typer.Argument(help="list 所示编号 · the eight digits that `list` shows")]) -> None:
    """销毁旧私钥 · take the private half of a former key away for good; its signatures stay provable."""
    _tell(_done(lambda: keys.destroy(Settings().log_keys_path, key_id)))


async def signing_keys(service_url: str, path: Path) -> KeyFile:
    """The log's keys, made if nobody has signed this log yet, and held against what is in the database.

    Raises `log-keys-unusable` (a signed log needs its own keys) and `log-history-broken`.
    """
    connection = await connect(service_url)
    try:
        with key_refusals():
            signed = await connection.fetchval("SELECT EXISTS (SELECT FROM log_checkpoint)")
            found = KeyFile(path) if signed else keys.ready(path)
            await Signer(found).check(connection)
            return found
    finally:
        await connection.close()


@contextmanager
def key_refusals() -> Iterator[None]:
    """What is wrong with the key file, or with the log it signed, as `log-keys-unusable` or `log-history-broken`."""
    try:
        yield
    except KeysError as error:
        raise problem("log-keys-unusable", reason=str(error)) from error
    except HistoryError as error:
        raise problem("log-history-broken", reason=str(error)) from error


def _tell(ring: Keyring) -> None:
    for one in ring.keys:
        state = "" if one.private is not None else " (private half destroyed)"
        out.print(f"{one.verifier}  # {one.purpose} {one.valid_from:%Y-%m-%dT%H:%M:%SZ}{state}", markup=False)


def _done(act: Callable[[], Keyring]) -> Keyring:
    with key_refusals():
        return act()


def _purpose(text: str) -> Purpose:
    for purpose in keys.PURPOSES:
        if text == purpose:
            return purpose
    raise problem("log-keys-unusable", reason="a key is for 'log' or for 'receipts'")
