"""The processes of a PostgreSQL in a data folder: is one running, is it really ours, ending it.

Called by `embedded` only, and only while it holds the data folder's lock. A ``postmaster.pid`` says little by itself:
after a crash or in a restarted container its number may belong to somebody else's process. So a process counts as the
postmaster only when its working folder is the data folder, which PostgreSQL makes it.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

STATUS_LINE = 7
"""The line of ``postmaster.pid`` that says ``starting``, ``ready`` or ``stopping`` (counted from 0)."""


def running_pid(pgdata: Path) -> int | None:
    """The process number of the postmaster that runs in ``pgdata``, if there is one."""
    try:
        pid = int(_lines(pgdata)[0])
        place = Path(f"/proc/{pid}/cwd").readlink()
    except (OSError, ValueError, IndexError):
        return None
    return pid if place == pgdata.resolve() else None


def is_ready(pgdata: Path) -> bool:
    """Whether the postmaster says that it accepts connections."""
    lines = _lines(pgdata)
    return len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready"


def forget_stale(pgdata: Path) -> None:
    """Remove the ``postmaster.pid`` of a server that is gone, so that a reused number cannot stop the next start."""
    if running_pid(pgdata) is None:
        (pgdata / "postmaster.pid").unlink(missing_ok=True)


def stop(pid: int, timeout: float) -> bool:
    """Fast shutdown: sessions are ended and everything is written out. True when it ended in time.

    Told again every second: one that is just starting may not have heard it, and a second time changes nothing.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        if _gone([pid], 1.0):
            return True
    return False


def kill(pid: int, timeout: float = 10.0) -> None:
    """SIGKILL the postmaster and every process it started, as a power cut would."""
    family = [pid, *_children(pid)]
    for member in family:
        with suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    _gone(family, timeout)


def _lines(pgdata: Path) -> list[str]:
    try:
        return (pgdata / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _children(pid: int) -> list[int]:
    """The children of a process. PostgreSQL's make groups of their own, so a group kill would not reach them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name in parentheses may hold spaces; the fields after it are: state, parent, …
            if int(entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.parent.name))
    return found


def _gone(pids: list[int], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while any(_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _alive(pid: int) -> bool:
    """Whether a process still runs. One that ended and was not collected yet by its parent is over all the same."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state != "Z"
