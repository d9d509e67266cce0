"""The trail of a subject as rows: page after page of slices, each page handed to the statements book by book.

A page is a stretch of the asked axis with everything that belongs to it (decision 0002); its edges come by depth and
place, as ``/trail`` answers them. Memory: one page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import groupby
from typing import Any, Final

from fundledger.book.asof import AsOf
from fundledger.db.connection import Connection
from fundledger.exports.scope import Scope
from fundledger.trail.answer import trail
from fundledger.trail.queue import Slice
from fundledger.trail.starts import Place

PAGE: Final = 10_000
"""Edges on a page."""


async def pages(connection: Connection, scope: Scope) -> AsyncIterator[list[Slice]]:
    """The pages of a scope's trail; places count on from page to page. Raises what `trail` raises."""
    assert scope.book is not None
    assert scope.subject is not None
    assert scope.direction is not None
    after: Place | None = None
    told = 0
    while True:
        found = await trail(
            connection, scope.book, scope.subject, scope.direction, as_of=AsOf(position=scope.position),
            undone=scope.undone, after=after, limit=PAGE, books=frozenset(scope.books),
        )  # fmt: skip
        yield [_moved(edge, told) for edge in found.edges]
        if found.beyond is None:
            return
        after, told = found.beyond, told + found.amount


def arguments(edges: list[Slice]) -> list[tuple[Any, ...]]:
    """What the statement of edges is given: neighbours of one book together, in their order."""
    return [_columns(book, list(group)) for book, group in groupby(edges, key=lambda edge: edge.transfer.book)]


def _columns(book: int, edges: list[Slice]) -> tuple[Any, ...]:
    return (
        book, [e.transfer.entry_id for e in edges], [e.transfer.line_no for e in edges], [e.depth for e in edges],
        [e.step for e in edges], [e.at for e in edges], [e.offset for e in edges], [e.amount for e in edges],
    )  # fmt: skip


def _moved(edge: Slice, told: int) -> Slice:
    return Slice(edge.at + told, edge.amount, edge.transfer, edge.offset, edge.depth, edge.step)
