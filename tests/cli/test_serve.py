"""`serve` for real: an empty folder, a killed service, a second start, a clean end. One server for all of it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from fundledger.db import account, postmaster
from tests.tidy.sources import ROOT

READY_SECONDS = 120


class Service:
    """A `fundledger serve` process over one data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("FUNDLEDGER_")},
            "PYTHONPATH": str(ROOT / "src"), "FUNDLEDGER_DATA_DIR": str(data), "FUNDLEDGER_DEMO": "false",
            "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        if binaries := os.environ.get("FUNDLEDGER_PG_BIN"):
            self.environment["FUNDLEDGER_PG_BIN"] = binaries
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment["FUNDLEDGER_PORT"] = str(self.port)
        self.output = data.parent / "output"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until /healthz answers."""
        with self.output.open("ab") as output:
            command = [sys.executable, "-m", "fundledger", "serve"]
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
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": f"Bearer {token}"}
        )
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


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that is gone afterwards, with its PostgreSQL and its data."""
    made = Service(tmp_path / "data")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGTERM)
    orphan = postmaster.running_pid(pgdata(made))
    if orphan is not None:
        postmaster.kill(orphan)
    account.discard(made.data)


def pgdata(service: Service) -> Path:
    link = service.data / "store"
    return (link.resolve() if link.is_symlink() else service.data) / "pgdata"


def wait_for(what: str, seconds: float, condition: object) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_serve_survives_a_kill_keeps_its_data_and_ends_cleanly(service: Service) -> None:
    service.start()
    token = service.run(
        "token", "issue", "--book", "420100", "--kind", "audit", "--unit", "审计局", "--name", "审计员"
    )  # fmt: skip
    wait_for("the seeded parameters are sealed", 60, lambda: service.get("/v1/log", token)["size"] != 0)
    size = service.get("/v1/log", token)["size"]

    assert service.end(signal.SIGKILL) == -signal.SIGKILL
    wait_for("the sequencer ends when its service is gone", 30, lambda: service.processes() == [])
    assert postmaster.running_pid(pgdata(service)) is not None, "left behind by the kill"

    service.start()
    assert service.get("/v1/log", token)["size"] == size
    with pytest.raises(urllib.error.HTTPError):
        service.get("/v1/log", "fl_wrong")
    assert service.end(signal.SIGTERM) == 0
    assert service.processes() == []
    assert postmaster.running_pid(pgdata(service)) is None

    # Nobody runs now: the command starts the database for itself and stops it again.
    assert "审计员" in service.run("token", "list")
    assert json.loads(service.run("verify", "--database", "--json"))["sound"]
    assert postmaster.running_pid(pgdata(service)) is None

    output = service.output.read_text()
    assert token not in output
    passwords = json.loads((service.data / "role-passwords.json").read_text()).values()
    assert not any(password in output for password in passwords)
    assert not re.search(r"postgresql://[^@/ ]+:[^@/ ]+@", output)


def test_a_taken_port_is_told_at_once(service: Service) -> None:
    with socket.create_server(("127.0.0.1", service.port)):
        command = [sys.executable, "-m", "fundledger", "serve"]
        done = subprocess.run(command, env=service.environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 69
    assert str(service.port) in done.stderr
    assert not service.data.exists()
