"""How long pieces of work over the log (bundles, verifying, monitoring) say how far they are to whoever waits."""

from __future__ import annotations

from typing import Protocol


class Told(Protocol):
    """Says how far the work is: the step's name, what is done of it, and how much it is (0: unknown)."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Say it; cheap, may be called often."""


def silent(step: str, done: int, total: int) -> None:
    """Nobody waits."""
