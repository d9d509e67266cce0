"""`serve` for real: an empty folder, a killed service, a second start, a clean end. One server for all of it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from fundledger.db import account, postmaster
from tests.serving import Service, wait_for


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
