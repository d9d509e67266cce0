"""A real service in a process of its own: started, asked, killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from tests.tidy.sources import ROOT

READY_SECONDS = 120


class Service:
    """A `fundledger serve` process over one data folder; `more` is added to its environment."""

    def __init__(self, data: Path, **more: str) -> None:
        self.data = data
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("FUNDLEDGER_")},
            "PYTHONPATH": str(ROOT / "src"), "FUNDLEDGER_DATA_DIR": str(data), "FUNDLEDGER_DEMO": "false",
            "PYTHONUNBUFFERED": "1", **more,
        }  # fmt: skip
        if binaries := os.environ.get("FUNDLEDGER_PG_BIN"):
            self.environment["FUNDLEDGER_PG_BIN"] = binaries
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment["FUNDLEDGER_PORT"] = str(self.port)
        self.output = data.parent / "output"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *how: str) -> None:
        """Start (as Python's arguments say, if any) and wait until /healthz answers."""
        with self.output.open("ab") as output:
            command = [sys.executable, *(how or ("-m", "fundledger")), "serve"]
            self.process = subprocess.Popen(command, env=self.environment, stdout=output, stderr=output)
        deadline = time.monotonic() + READY_SECONDS
        while not self.healthy():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.1)

    def healthy(self) -> bool:
        """Whether the service says so."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def run(self, *arguments: str) -> str:
        """Another command over the same folder, while the service runs or not."""
        command = [sys.executable, "-m", "fundledger", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout.strip()

    def get(self, path: str, token: str) -> dict[str, object]:
        """An answer of the service."""
        return self._answer(urllib.request.Request(self._url(path), headers={"Authorization": f"Bearer {token}"}))

    def post(self, path: str, token: str, body: object) -> dict[str, object]:
        """The answer to a body that is sent once."""
        headers = {
            "Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": str(uuid4()),
        }  # fmt: skip
        return self._answer(urllib.request.Request(self._url(path), json.dumps(body).encode(), headers))

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def _answer(self, request: urllib.request.Request) -> dict[str, object]:
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    def processes(self) -> list[int]:
        """Every process that carries the folder in its environment (the service and its sequencer)."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                text = entry.read_bytes()
                state = (entry.parent / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if os.fsencode(f"FUNDLEDGER_DATA_DIR={self.data}") + b"\0" in text and state != "Z":
                found.append(int(entry.parent.name))
        return found


def wait_for(what: str, seconds: float, condition: Callable[[], object]) -> None:
    """Look again and again until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
