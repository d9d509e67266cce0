"""Bars on standard error, one a step, for the person who waits at a terminal; nothing in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from fundledger.sealing.progress import Told, silent


@contextmanager
def watched() -> Iterator[Told]:
    """How far a command is, if somebody looks on."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield silent
        return
    with progress_display(console) as told:
        yield told


@contextmanager
def progress_display(console: Console) -> Iterator[Told]:
    """One bar per step."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, TaskID] = {}

        def told(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total or None)
            progress.update(tasks[step], completed=done, total=total or None)

        yield told
