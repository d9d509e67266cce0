"""A trail's slices (docs/decisions/0002), held against the lines of the bundle."""

from __future__ import annotations

from fundledger.verifier.container import Container
from fundledger.verifier.state import Walk


def check_trail(container: Container, walk: Walk) -> None:
    """Follows."""
