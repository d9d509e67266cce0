"""`fundledger sequence`: the sequencer until a signal comes or, beside a service, until that service is gone."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import uvloop

from fundledger.cli.keys import key_refusals, signing_keys
from fundledger.errors import FundledgerError
from fundledger.sealing import watch
from fundledger.sealing.sequencer import Statistics, run
from fundledger.sealing.signing import Signer

log = logging.getLogger("fundledger.sequencer")

REFUSALS = ("log-history-broken", "log-keys-unusable")
"""Why a sequencer will not go on with a database; the service beside it is told by a file (`watch`)."""
NICENESS = 5
"""Requests go first where processor time is short; positions may wait a little."""


def run_until_told(service_url: str, keys: Path, *, with_parent: bool) -> None:
    """Seal until SIGINT or SIGTERM, or, with a parent, until the pipe from it closes; sign with the keys of a file.

    Raises `log-keys-unusable`, and `log-history-broken` when the database is not what the keys have signed.
    """
    if with_parent:
        os.nice(NICENESS)
    # What was imported stays, and rows come in batches that go at once: looking at them cost a fifth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        statistics = uvloop.run(_run(service_url, keys, with_parent))
    except FundledgerError as error:
        if error.code in REFUSALS:
            watch.refuse(keys, error.code)
        raise
    seconds = statistics.seconds
    log.info("sealed %d records in %d batches; ran %d seconds", statistics.records, statistics.batches, seconds)


async def _run(service_url: str, keys: Path, with_parent: bool) -> Statistics:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if with_parent:
        threading.Thread(target=_wait_for_end, args=(loop, stop), daemon=True).start()
    with key_refusals():
        return await run(service_url, stop, Signer(await signing_keys(service_url, keys)))


def _wait_for_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Read the pipe from the parent until it closes, which it does however the parent ends."""
    while sys.stdin.buffer.read(4096):
        pass
    loop.call_soon_threadsafe(stop.set)
