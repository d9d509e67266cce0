"""Processor time of processes, from /proc (Linux): what a busy machine can't blur. Milliseconds, user and system."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def children_of(process: int) -> list[int]:
    """The ids of the processes that a process started and that still run."""
    files = Path(f"/proc/{process}/task").glob("*/children")
    return [int(word) for file in files for word in file.read_text(encoding="ascii").split()]


def parent_of(process: int) -> int:
    """The id of the process that started one."""
    return int(_fields(process)[1])


def used_ms(processes: Iterable[int]) -> dict[int, int]:
    """Milliseconds used so far, by process; one that ended has none."""
    found: dict[int, int] = {}
    for process in processes:
        try:
            fields = _fields(process)
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[process] = (int(fields[11]) + int(fields[12])) * 1000 // _TICKS
    return found


def between(before: dict[int, int], after: dict[int, int]) -> int:
    """Milliseconds used between two looks, by what ran at the second."""
    return sum(used - before.get(process, 0) for process, used in after.items())


def _fields(process: int) -> list[str]:
    """What follows the name in ``stat``: state, parent, …"""
    return Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
