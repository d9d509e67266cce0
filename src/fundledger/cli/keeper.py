"""Keeps one sequencer process running beside the service: starts it, starts it again if it ends, ends it.

The child gets its URL through the environment (an argument would show in the process list) and its end through a pipe:
when this process ends, however it does, the pipe closes and the child stops.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger("fundledger.serve")

RESTART_SECONDS = 2.0
STOP_SECONDS = 10.0
COMMAND = (sys.executable, "-m", "fundledger", "sequence", "--with-parent")


@contextmanager
def sequencer_beside(service_url: str) -> Iterator[None]:
    """Run a sequencer process for as long as the block runs."""
    keeper = _Keeper(service_url)
    thread = threading.Thread(target=keeper.run, name="sequencer-keeper", daemon=True)
    thread.start()
    try:
        yield
    finally:
        keeper.stop()
        thread.join(STOP_SECONDS + RESTART_SECONDS)


class _Keeper:
    def __init__(self, service_url: str) -> None:
        self._environment = {**os.environ, "FUNDLEDGER_DATABASE_URL": service_url}
        # The child has no use for what it must not have.
        for name in ("FUNDLEDGER_OWNER_DATABASE_URL", "FUNDLEDGER_READER_DATABASE_URL", "FUNDLEDGER_KEY_FILE"):
            self._environment.pop(name, None)
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def run(self) -> None:
        while not self._stopping.is_set():
            process = self._start()
            if process is None:
                return
            code = process.wait()
            if not self._stopping.is_set():
                log.error("the sequencer ended with code %s; it is started again", code)
                self._stopping.wait(RESTART_SECONDS)

    def stop(self) -> None:
        with self._lock:
            self._stopping.set()
            process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            # A session of its own: Ctrl-C reaches the service only, which then closes the pipe.
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                COMMAND, stdin=subprocess.PIPE, env=self._environment, start_new_session=True
            )
            return self._process
