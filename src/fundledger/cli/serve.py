"""`fundledger serve`: everything that has to run, started in order and taken down in reverse.

Order: the port (so that a taken one is told at once) · embedded PostgreSQL, roles and migrations, or migrations of the
named server where the owner's URL is given · the demonstration into an empty embedded database · the sequencer
process · the web server, one worker. ``/healthz`` answers once all of that is there. SIGINT and SIGTERM end it cleanly
at any moment, a half-done start included. After SIGKILL the sequencer ends by itself (its pipe closes) and the next
start ends the PostgreSQL that was left behind. The service connects as the service's role and refuses any other.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import NoReturn

import uvicorn
from rich.console import Console
from rich.table import Table

from fundledger.api.app import create_app, refuse_powerful_role
from fundledger.cli import demonstration, logs
from fundledger.cli.keeper import sequencer_beside
from fundledger.cli.keys import signing_keys
from fundledger.cli.places import PASSWORDS_FILE, Place, named, ready, running_server, without_password
from fundledger.db import migrate
from fundledger.db.database import Database
from fundledger.errors import problem
from fundledger.settings import Settings

log = logging.getLogger("fundledger.serve")

SHUTDOWN_SECONDS = 15
KEEP_ALIVE_SECONDS = 75
BACKLOG = 2048


class Stopped(BaseException):
    """SIGINT or SIGTERM: leave, cleaning up on the way. Not an Exception: nothing may swallow it."""


def serve(settings: Settings, console: Console) -> None:
    """Run the service until a signal."""
    logs.configure()
    try:
        with stopped_by_signals(), ExitStack() as stack:
            listener = stack.enter_context(listen(settings.host, settings.port))
            place = stack.enter_context(database(settings, console))
            refuse_powerful(place)
            asyncio.run(signing_keys(place.need_service(), settings.log_keys_path))
            stack.enter_context(sequencer_beside(place.need_service()))
            announce(settings, place, listener, console)
            run_web_server(settings, place, listener)
    except Stopped:
        pass
    console.print("已停止。 Stopped.")


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into `Stopped` in the main thread, once: a second cannot break off the way out."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        for handled in (signal.SIGINT, signal.SIGTERM):
            signal.signal(handled, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """Take the address now and answer on it later; `address-not-usable` if somebody has it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(found[0], found[1])
    except OSError as error:
        raise problem("address-not-usable", address=f"{host}:{port}") from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(found[4])
        except OSError as error:
            raise problem("address-not-usable", address=f"{host}:{port}") from error
        listener.set_inheritable(False)
        yield listener


@contextmanager
def database(settings: Settings, console: Console) -> Iterator[Place]:
    """The database, migrated and with the demonstration if it is to have it."""
    if not settings.embedded:
        place = named(settings)
        if place.owner is not None:
            asyncio.run(migrate.upgrade(place.need_owner()))
        yield place
        return
    with console.status("正在启动数据库… Starting the database…") as status, running_server(settings) as server:
        status.update("正在升级数据库结构… Migrating…")
        place = asyncio.run(ready(server.superuser_url, settings.data_dir))
        status.stop()
        if settings.demo:
            asyncio.run(demonstration.load_if_empty(place, settings, server.superuser_url, console))
        yield place


def refuse_powerful(place: Place) -> None:
    """Stop here, with a sentence, if the URL is not the service role's; `role-too-powerful`."""

    async def look() -> None:
        looking = Database(place.need_service(), pool_size=1)
        try:
            await refuse_powerful_role(looking)
        finally:
            await looking.dispose()

    try:
        asyncio.run(look())
    except RuntimeError as error:
        raise problem("role-too-powerful") from error


def announce(settings: Settings, place: Place, listener: socket.socket, console: Console) -> None:
    """Say where the service is and, for the demonstration, with which tokens."""
    host, port = listener.getsockname()[:2]
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    console.print(f"fundledger: {base}  ·  {base}/docs  ·  {base}/v1/openapi.json  ·  {base}/healthz", soft_wrap=True)
    if place.embedded and place.reader is not None:
        reader, file = without_password(place.need_reader()), settings.data_dir / PASSWORDS_FILE
        console.print(f"审计查询 auditors' SQL: {reader} (密码 password: {file})", soft_wrap=True)
    tokens = demonstration.tokens_of(settings.data_dir) if place.embedded else {}
    if tokens:
        table = Table(title="示范数据的人员与令牌 People of the demonstration and their tokens", title_justify="left")
        table.add_column("人员 person")
        table.add_column("令牌 token", no_wrap=True, overflow="fold")
        for label, token in tokens.items():
            table.add_row(label, token)
        console.print(table)


def run_web_server(settings: Settings, place: Place, listener: socket.socket) -> None:
    """Serve until a signal; uvicorn finishes the requests under way and then raises the signal again."""
    app = create_app(settings, place.need_service(), sealed=True)
    # What was imported stays: the collector need not look at it again, nor so often at the rest.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", lifespan="on", access_log=False, log_config=None, server_header=False,
        proxy_headers=False,
        backlog=BACKLOG, timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listener])
